"""Posts -> tickers and price levels: the one door to tickers.py and levels.py.

Candidates of a whole batch are found and weighed at once; then each post with candidates is
assembled: offsets, exact values in the post's unit, which ticker a level belongs to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import localcontext
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import level_views
from . import levels as level_room
from . import tickers as ticker_room
from .assembly import ACCEPT, Spans, Weighed, assemble
from .assets import Assets
from .level_rules import of_prices, of_roles
from .levels import Numbers
from .linear import LARGEST
from .numerals import EXACT
from .offsets import Reading, starts_of
from .reading import Batch
from .result import ROLES, Contribution, Explanation, Level, maker
from .spans import ROWS, Around, Rows, Runs, View, around, cue_classes, runs
from .ticker_rules import agreed, leaning
from .tickers import Candidates, Found

__all__ = ["Extractor", "Found", "Spans"]

F32 = NDArray[np.float32]
_NONE, _NO_ROLES = np.empty(0), np.empty((0, len(ROLES)))
PIECE = 64  # candidates gathered at once


class Extractor:
    """Finds tickers and levels; without arrays by rules alone, with documented constants.

    ``arrays`` are those of fitting_spans.fit_extraction. Raises ValueError for arrays of another
    shape.

    >>> from opgsent.assets import Assets
    >>> Extractor(Assets.load(), {}).fitted
    False
    """

    def __init__(self, assets: Assets, arrays: Mapping[str, NDArray[Any]]) -> None:
        self.assets = assets
        self.fitted = "ticker_weights" in arrays or "level_weights" in arrays
        if self.fitted:
            self._ticker = _table(arrays, "ticker", 1)
            self._level = _table(arrays, "level", level_room.COLUMNS)
            self._ticker_bias = arrays["ticker_bias"].astype(np.float32)
            self._level_bias = arrays["level_bias"].astype(np.float32)

    def read(self, batch: Batch) -> list[Spans]:
        """Tickers and levels of each post of the batch, in order."""
        numbers = level_room.find(batch)
        if not numbers.known:  # as in most posts
            return assemble(batch, self._weigh(batch, numbers)[0])
        with localcontext(EXACT):
            return assemble(batch, self._weigh(batch, numbers)[0])

    def _weigh(self, batch: Batch, numbers: Numbers) -> tuple[Weighed, Runs | None, Around | None]:
        """Candidates of a batch with their probabilities, and what stands around them."""
        cues = cue_classes(batch.flags)
        tickers = ticker_room.find(batch, cues, self.assets)
        chances, prices, roles = _NONE, _NONE, _NO_ROLES
        of_ticker = of_level = None
        if len(tickers.first):
            chances, of_ticker = self._chances(batch, tickers)
        if len(numbers.place):
            of_level = around(runs(batch, numbers.place, numbers.place), cues)
            prices, roles = self._prices(of_level, numbers)
        return Weighed(tickers, chances, numbers, prices, roles, cues), of_ticker, of_level

    def _chances(self, batch: Batch, found: Candidates) -> tuple[NDArray[np.float64], Runs | None]:
        """Probability of each candidate to be a ticker; what stands around the doubtful ones."""
        if not self.fitted:
            return ticker_room.by_rule(found), None
        chances = ticker_room.CERTAIN_CHANCE[found.shape]
        (which,) = ticker_room.DOUBTFUL[found.shape].nonzero()
        if not len(which):
            return chances, None
        first = found.first[which]
        r = runs(batch, first, first if found.last is found.first else found.last[which])
        z = gathered(self._ticker, ticker_room.rows(r, found, which))[:, 0] + self._ticker_bias
        z += leaning(r, found, which)
        chances[which] = sigmoid(agreed(z, r, found, which))
        return chances, r

    def _prices(
        self, a: Around, numbers: Numbers
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Probability of each number to be a price, and of each role if it is."""
        if not self.fitted:
            return level_room.by_rule(a)
        by = level_views.beside(a, numbers)
        z = gathered(self._level, level_views.rows(a, numbers, by)) + self._level_bias
        price = z[:, 0]  # a view: one axis is the faster one to add to
        for rule in of_prices(a, numbers, by.head, by.tail, by.said):
            price[rule.numbers] += rule.weight
        prices = sigmoid(price)
        if prices.max() < ACCEPT:  # nobody asks for a role
            return prices, np.zeros((len(prices), len(ROLES)))
        for rule in of_roles(a, by.head, by.tail, by.said):
            z[rule.numbers, rule.columns] += rule.weight
        odds = level_room.shared(z[:, 1:], a.runs.post, numbers, by.order, by.head)
        odds = level_room.bounded(odds, a, numbers, by.head, by.tail)
        return prices, softmax(odds)

    # --- why --------------------------------------------------------------------------------

    def explain(self, batch: Batch, post: int) -> list[Explanation]:
        """Why each span of a post was found: an Explanation of 'ticker' or 'level' each.

        A ticker's weights and intercept add up to the log-odds of its probability, a level's to
        the log-odds of its role against the next best role.
        """
        one = batch.alone(post)
        with localcontext(EXACT):
            weighed, of_ticker, of_level = self._weigh(one, level_room.find(one))
            spans = assemble(one, weighed)[0]
        tokens = one.tokens(0)
        span, starts = Reading(one.texts[0]).span, starts_of(one.clean[0], tokens)
        places = [span(at, at + len(token)) for at, token in zip(starts, tokens, strict=True)]
        layout = _Layout(tokens, places)
        return [
            *self._why_tickers(weighed, of_ticker, spans.tickers, layout),
            *self._why_levels(weighed, of_level, spans.levels, layout),
        ]

    def _why_tickers(
        self, weighed: Weighed, r: Runs | None, spans: Sequence[Found], layout: _Layout
    ) -> Iterator[Explanation]:
        (kept,) = np.nonzero(weighed.chances >= ACCEPT)
        doubtful = ~ticker_room.CERTAIN[weighed.tickers.shape]
        (which,) = np.nonzero(doubtful)
        line = np.cumsum(doubtful) - 1  # of the rows, for those that the model was asked about
        weights = np.zeros((0, 0), np.float32)
        if r is not None:
            weights = self._ticker[ticker_room.rows(r, weighed.tickers, which)][:, :, 0]
        for i, span in zip(kept.tolist(), spans, strict=True):
            chance = weighed.chances[i]
            odds = float(np.log(chance) - np.log1p(-chance))
            own = span.start, span.end
            if r is None or not doubtful[i]:
                rule = Contribution(f"rule: {span.kind}", own, odds)
                yield Explanation("ticker", own, span.symbol, 0.0, (rule,))
            else:
                yield _explained(
                    "ticker", span.symbol, r, int(line[i]), own, layout, _OF_TICKER,
                    weights[:, line[i]], float(self._ticker_bias[0]), odds,
                )  # fmt: skip

    def _why_levels(
        self, weighed: Weighed, a: Around | None, spans: Sequence[Level], layout: _Layout
    ) -> Iterator[Explanation]:
        (kept,) = np.nonzero(weighed.prices >= ACCEPT)
        if a is None or not len(kept):
            return
        shape = len(level_views.VIEWS), len(weighed.prices), len(ROLES)
        weights, bias = np.zeros(shape, np.float32), np.zeros(len(ROLES), np.float32)
        added: dict[str, F32] = {}  # rule -> log-odds of the roles of each number
        if self.fitted:
            by = level_views.beside(a, weighed.numbers)
            weights = self._level[level_views.rows(a, weighed.numbers, by)][:, :, 1:]
            bias = self._level_bias[1:]
            for rule in of_roles(a, by.head, by.tail, by.said):
                odds = np.zeros((shape[1], 1 + len(ROLES)), np.float32)
                odds[rule.numbers, rule.columns] = rule.weight
                added[f"rule: {rule.name}"] = added.get(f"rule: {rule.name}", 0) + odds[:, 1:]
        for i, span in zip(kept.tolist(), spans, strict=True):
            best, next_best = np.argsort(-weighed.roles[i], kind="stable")[:2].tolist()
            against = np.log(weighed.roles[i, best]) - np.log(weighed.roles[i, next_best])
            said = [(name, float(o[i, best] - o[i, next_best])) for name, o in added.items()]
            yield _explained(
                "level", span.role, a.runs, i, (span.start, span.end), layout, _OF_LEVEL,
                weights[:, i, best] - weights[:, i, next_best],
                float(bias[best] - bias[next_best]), float(against), said,
            )  # fmt: skip


class _Layout(NamedTuple):
    """A post as it stands there: its tokens, and where each is."""

    tokens: list[str]
    spans: list[tuple[int, int]]


_Shown = list[tuple[str, int | None, str]]  # of each view: name, offset, name before a token


def _shown(views: Sequence[View]) -> _Shown:
    return [(view.name, view.offset, f"{view.name} {view.offset or 0:+d}: ") for view in views]


_contribution, _explanation = maker(Contribution), maker(Explanation)
_OF_TICKER, _OF_LEVEL = _shown(ticker_room.VIEWS), _shown(level_views.VIEWS)


def _explained(
    of: str,
    label: str,
    r: Runs,
    i: int,
    own: tuple[int, int],
    layout: _Layout,
    views: _Shown,
    weights: F32,
    bias: float,
    odds: float,
    rules: Sequence[tuple[str, float]] = (),
) -> Explanation:
    """Contributions of candidate i, largest first; those without weight are left out.

    What rules, the other numbers of a list, other mentions of a symbol or the rounding of 32-bit
    sums add is a contribution of its own, so that all of them add up. A long post has millions.
    """
    tokens, spans = layout
    first, last = int(r.first[i]) - 1, int(r.last[i]) - 1
    names = [name for name, weight in rules if weight]
    values = [weight for _, weight in rules if weight]
    places: list[tuple[int, int] | None] = [None] * len(names)
    (told,) = weights.nonzero()
    values += weights[told].tolist()
    for which in told.tolist():
        name, offset, before = views[which]
        span = own if offset == 0 else None
        if offset:
            place = (last if offset > 0 else first) + offset
            if 0 <= place < len(tokens):
                name, span = before + tokens[place], spans[place]
            else:
                name = f"{name}: edge of the post"
        names.append(name)
        places.append(span)
    rest = odds - bias - sum(values)
    if abs(rest) > 1e-9:
        more = "other mentions" if of == "ticker" else "the rest of its list"
        names.append(more if names else "rule")
        places.append(None)
        values.append(rest)
    strengths = [-abs(value) for value in values]
    order = sorted(range(len(values)), key=strengths.__getitem__)
    parts = tuple([_contribution(names[k], places[k], values[k]) for k in order])
    return _explanation(of, own, label, bias, parts)


_SURE, _NOT, _ONE = np.array(30.0), np.array(-30.0), np.array(1.0)


def sigmoid(z: F32) -> NDArray[np.float64]:
    """Probabilities of log-odds, kept inside (0, 1)."""
    inside = np.minimum(np.maximum(z.astype(np.float64), _NOT), _SURE)
    chance: NDArray[np.float64] = _ONE / (_ONE + np.exp(-inside))
    return chance


def gathered(table: F32, rows: Rows) -> F32:
    """Sum of the table's rows over the views, shape (n, columns).

    ``rows`` has the shape (views, n); a piece at a time, to stay in the cache. The views are added
    in their order whatever n is: numpy adds a single column in pairs, which rounds otherwise.
    """
    n, add = rows.shape[1], np.add
    pieces = [rows[:, at : at + PIECE] for at in range(0, n, PIECE)] if n > PIECE else [rows]
    sums: list[F32] = []
    for piece in pieces:
        parts = table.take(piece, axis=0)
        sums.append(add.reduce(parts) if parts[0].size > 1 else add.accumulate(parts)[-1])
    return sums[0] if len(sums) == 1 else np.concatenate(sums)


def softmax(z: F32) -> NDArray[np.float64]:
    """Probabilities of each line of log-odds."""
    e = np.exp((z - z.max(axis=1, keepdims=True)).astype(np.float64))
    chance: NDArray[np.float64] = e / e.sum(axis=1, keepdims=True)
    return chance


def _table(arrays: Mapping[str, NDArray[Any]], name: str, columns: int) -> F32:
    """Weights as 32-bit floats; ValueError when the shapes are not those of a fit."""
    names = f"{name}_weights", f"{name}_bias"
    for array in names:
        if array not in arrays:
            raise ValueError(f"no array {array}")
    table, bias = (arrays[array] for array in names)
    if table.shape != (ROWS, columns) or bias.shape != (columns,):
        seen = f"{name}_weights {table.shape}, {name}_bias {bias.shape}"
        raise ValueError(f"{seen}; not {(ROWS, columns)} and {(columns,)}")
    if not ((np.abs(table) <= LARGEST).all() and (np.abs(bias) <= LARGEST).all()):
        raise ValueError(f"{name}_weights or {name}_bias holds what is no weight")
    return table.astype(np.float32)
