"""Posts -> tickers and price levels: the one door to tickers.py and levels.py.

Candidates of a whole batch are found and weighed at once; then each post with candidates is
assembled: offsets, exact values in the post's unit, which ticker a level belongs to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import levels as level_room
from . import tickers as ticker_room
from .assembly import ACCEPT, Spans, Weighed, assemble
from .assets import Assets
from .levels import CLASSES, HINT_VIEWS, NONE, Numbers
from .reading import Batch
from .result import Contribution, Explanation
from .spans import ROWS, Around, View, around
from .tickers import Candidates, Found
from .tokens import Reading, starts_of

__all__ = ["Extractor", "Found", "Spans"]

F32 = NDArray[np.float32]


class Extractor:
    """Finds tickers and levels; without arrays by rules alone, with documented constants.

    >>> from opgsent.assets import Assets
    >>> Extractor(Assets.load(), {}).fitted
    False
    """

    def __init__(self, assets: Assets, arrays: Mapping[str, NDArray[Any]]) -> None:
        self.assets = assets
        self.fitted = "ticker_weights" in arrays and "level_weights" in arrays
        if self.fitted:
            self._ticker = _table(arrays, "ticker_weights", 1)
            self._ticker_bias = float(arrays["ticker_bias"][0])
            self._level = _table(arrays, "level_weights", 2 * len(CLASSES))
            self._hint = _table(arrays, "level_hints", len(CLASSES))
            self._level_bias = arrays["level_bias"].astype(np.float32)

    def read(self, batch: Batch) -> list[Spans]:
        """Tickers and levels of each post of the batch, in order."""
        flags = batch.page.flags[batch.ids]
        return assemble(batch, self.weigh(batch, flags))

    def weigh(self, batch: Batch, flags: NDArray[np.uint32]) -> Weighed:
        """Candidates of a batch with their probabilities."""
        tickers = ticker_room.find(batch, flags, self.assets)
        numbers = level_room.find(batch, flags)
        chances = np.empty(0)
        roles = np.empty((0, len(CLASSES)))
        if len(tickers.first):
            a = around(batch, flags, tickers.first, tickers.last)
            chances = self.chances(a, tickers)
        if len(numbers.place):
            a = around(batch, flags, numbers.place, numbers.place)
            roles = self.roles(a, numbers)
        return Weighed(tickers, chances, numbers, roles)

    def chances(self, a: Around, found: Candidates) -> NDArray[np.float64]:
        """Probability of each candidate to be a ticker."""
        if not self.fitted:
            return ticker_room.by_rule(found)
        z = self._ticker[ticker_room.rows(a, found)][:, :, 0].sum(axis=1) + self._ticker_bias
        return ticker_room.certain(found, 1.0 / (1.0 + np.exp(-z.astype(np.float64))))

    def roles(self, a: Around, numbers: Numbers) -> NDArray[np.float64]:
        """Probability of each class for each number, shape (n, len(CLASSES))."""
        by = level_room.beside(a, numbers)
        if not self.fitted:
            return level_room.by_rule(a, numbers, by)
        return softmax(self._role_odds(a, numbers, by)[0])

    def _role_odds(
        self, a: Around, numbers: Numbers, by: level_room.Beside
    ) -> tuple[F32, NDArray[np.int32], NDArray[np.int32]]:
        rows = level_room.rows(a, numbers, by)
        both = gathered(self._level, rows) + self._level_bias
        first, second = both[:, : len(CLASSES)], both[:, len(CLASSES) :]
        hints = level_room.hint_rows(a, numbers, by, first)
        return second + gathered(self._hint, hints), rows, hints


    def explain(self, batch: Batch, post: int) -> list[Explanation]:
        """Why each span of a post was found: an Explanation of 'ticker' or 'level' each.

        A ticker's weights add up to the log-odds of being one; a level's to the log-odds of its
        role against no level at all.
        """
        one = batch.alone(post)
        flags = one.page.flags[one.ids]
        weighed = self.weigh(one, flags)
        spans = assemble(one, weighed)[0]
        return [
            *self._why_tickers(one, flags, weighed, spans),
            *self._why_levels(one, flags, weighed, spans),
        ]

    def _why_tickers(
        self, batch: Batch, flags: NDArray[np.uint32], weighed: Weighed, spans: Spans
    ) -> list[Explanation]:
        found = weighed.tickers
        (kept,) = np.nonzero(weighed.chances >= ACCEPT)
        if not len(kept):
            return []
        if self.fitted:
            a = around(batch, flags, found.first, found.last)
            weights = self._ticker[ticker_room.rows(a, found)][:, :, 0]
            bias = self._ticker_bias
        else:
            weights, bias = np.empty((len(found.first), 0), np.float32), 0.0
        out = []
        for i, span in zip(kept.tolist(), spans.tickers, strict=True):
            told = _told(
                batch, weights[i], ticker_room.VIEWS, found.first[i], found.last[i], (span.start, span.end)
            )
            odds = log_odds(float(weighed.chances[i]))
            told += _rest("rule", odds - bias - sum(c.weight for c in told))
            out.append(Explanation("ticker", (span.start, span.end), span.symbol, bias, tuple(told)))
        return out

    def _why_levels(
        self, batch: Batch, flags: NDArray[np.uint32], weighed: Weighed, spans: Spans
    ) -> list[Explanation]:
        numbers = weighed.numbers
        best = weighed.roles.argmax(axis=1) if len(weighed.roles) else np.empty(0, np.int64)
        (kept,) = np.nonzero(best != NONE)
        if not len(kept):
            return []
        weights = np.empty((len(best), 0, len(CLASSES)), np.float32)
        views: tuple[View, ...] = ()
        bias = np.zeros(len(CLASSES), np.float32)
        if self.fitted:
            a = around(batch, flags, numbers.place, numbers.place)
            by = level_room.beside(a, numbers)
            _, rows, hints = self._role_odds(a, numbers, by)
            second = self._level[rows][:, :, len(CLASSES) :]
            weights = np.concatenate([second, self._hint[hints]], axis=1)
            views = (*level_room.VIEWS, *HINT_VIEWS)
            bias = self._level_bias[len(CLASSES) :]
        out = []
        for i, span in zip(kept.tolist(), spans.levels, strict=True):
            role = int(best[i])
            told = _told(
                batch, weights[i, :, role] - weights[i, :, NONE], views,
                int(numbers.place[i]), int(numbers.place[i]), (span.start, span.end),
            )  # fmt: skip
            own = float(bias[role] - bias[NONE])
            odds = float(np.log(weighed.roles[i, role]) - np.log(weighed.roles[i, NONE]))
            told += _rest("rule", odds - own - sum(c.weight for c in told))
            out.append(Explanation("level", (span.start, span.end), span.role, own, tuple(told)))
        return out


def log_odds(chance: float) -> float:
    """Log-odds of a probability strictly between 0 and 1."""
    return float(np.log(chance) - np.log1p(-chance))


def _told(
    batch: Batch,
    weights: F32,
    views: Sequence[View],
    first: int,
    last: int,
    own: tuple[int, int],
) -> list[Contribution]:
    """Contributions of one candidate, largest first; those without weight are left out."""
    tokens = batch.tokens(0)
    at = starts_of(batch.clean[0], tokens)
    back = Reading(batch.texts[0]).span
    out = []
    for weight, view in zip(weights.tolist(), views, strict=True):
        if not weight:
            continue
        span, name = None, view.name
        if view.offset == 0:
            span = own
        elif view.offset is not None:
            place = (last if view.offset > 0 else first) + view.offset - 1
            if not 0 <= place < len(tokens):
                name = f"{name}: edge of the post"
            else:
                span = back(at[place], at[place] + len(tokens[place]))
                name = f"{name} {view.offset:+d}: {tokens[place]}"
        out.append(Contribution(name, span, weight))
    return sorted(out, key=lambda c: -abs(c.weight))


def _rest(name: str, weight: float) -> list[Contribution]:
    """What a rule or the rounding of 32-bit sums adds, where it is not nothing."""
    return [Contribution(name, None, weight)] if abs(weight) > 1e-9 else []


def gathered(table: F32, rows: NDArray[np.int32]) -> F32:
    """Sum of the table's rows for each line of rows, a piece at a time to stay in the cache."""
    if len(rows) <= 256:
        return table[rows].sum(axis=1)
    return np.concatenate(
        [table[rows[at : at + 256]].sum(axis=1) for at in range(0, len(rows), 256)]
    )


def softmax(z: F32) -> NDArray[np.float64]:
    """Probabilities of each line of log-odds."""
    e = np.exp((z - z.max(axis=1, keepdims=True)).astype(np.float64))
    return e / e.sum(axis=1, keepdims=True)


def _table(arrays: Mapping[str, NDArray[Any]], name: str, columns: int) -> F32:
    table = arrays[name].astype(np.float32)
    if table.shape != (ROWS, columns):
        raise ValueError(f"array {name!r} has shape {table.shape}, not {(ROWS, columns)}")
    return table
