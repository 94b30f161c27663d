"""Weighed candidates -> the spans of each post: offsets, exact values, who belongs to whom.

Only posts with something to say are touched here, candidate by candidate; everything before was
done for the whole batch at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .cues import LINE
from .features import COUNTS
from .levels import Numbers
from .prices import Price, resolved
from .reading import Batch
from .result import ROLES, Level
from .spans import cue_classes
from .subjects import passengers
from .tickers import Candidates, Found
from .tokens import Reading

ACCEPT = 0.5  # probability from which a candidate is a ticker, or a number a price

_UNITS = {
    "sats": "sat", "sat": "sat", "satoshi": "sat", "satoshis": "sat", "$": "USD", "usd": "USD",
    "dollar": "USD", "dollars": "USD", "usdt": "USDT", "usdc": "USDC", "busd": "BUSD", "€": "EUR",
    "eur": "EUR", "euro": "EUR", "euros": "EUR", "£": "GBP", "gbp": "GBP", "btc": "BTC",
    "eth": "ETH", "¥": "JPY", "yen": "JPY",
}  # fmt: skip
_WORD = COUNTS.index("word")


class Spans(NamedTuple):
    """What was found in one post, each sorted by start."""

    tickers: list[Found]
    levels: list[Level]


class Weighed(NamedTuple):
    """The candidates of a batch and what the models say of them."""

    tickers: Candidates
    chances: NDArray[np.float64]  #: that a candidate is a ticker, shape (n,)
    numbers: Numbers
    prices: NDArray[np.float64]  #: that a number is a price, shape (m,)
    roles: NDArray[np.float64]  #: probabilities over ROLES given that it is, shape (m, 8)


def assemble(batch: Batch, weighed: Weighed) -> list[Spans]:
    """The spans of each post of a batch, in order."""
    out = [Spans([], []) for _ in range(len(batch.starts) - 1)]
    (kept,) = np.nonzero(weighed.chances >= ACCEPT)
    (priced,) = np.nonzero(weighed.prices >= ACCEPT)
    if not len(kept) and not len(priced):
        return out
    lines = np.cumsum(cue_classes(batch.page.flags[batch.ids]) == LINE)
    solid = np.cumsum(_solid(batch))
    names = _Names(batch, weighed, kept, lines, solid)
    prices = _Prices(batch, weighed, priced, lines, solid)
    for post in np.union1d(names.posts, prices.posts).tolist():
        text = batch.clean[post]
        given = batch.texts[post]
        back = None if len(text) == len(given) else Reading(given).span
        found = names.of(post, text, given, back)
        out[post] = Spans(found, prices.of(post, text, given, back, found, names))
    return out


class _Names:
    """The accepted tickers of a batch, post by post."""

    def __init__(
        self,
        batch: Batch,
        weighed: Weighed,
        kept: NDArray[np.int64],
        lines: NDArray[np.int64],
        solid: NDArray[np.int64],
    ) -> None:
        tickers = weighed.tickers
        first, last = tickers.first[kept], tickers.last[kept]
        self.posts = np.searchsorted(batch.starts, first, side="right") - 1
        self.cuts = np.searchsorted(self.posts, np.arange(len(batch.starts) + 1)).tolist()
        self.symbols = [tickers.symbols[i] for i in kept.tolist()]
        self.first, self.last = first.tolist(), last.tolist()
        self.chances = weighed.chances[kept].tolist()
        self.line = lines[first].tolist()
        base = batch.starts[self.posts]
        self.before = (solid[first - 1] - solid[base]).tolist()
        self.before_last = (solid[last - 1] - solid[base]).tolist()
        strings, ids = batch.page.strings, batch.ids
        self.tokens = [strings[i] for i in ids[first].tolist()]
        self.tails = [strings[i] for i in ids[last].tolist()]
        words = np.cumsum(batch.page.counts[ids, _WORD], dtype=np.int64)
        # no word behind it in its post: it stands in the row of tags at the end
        self.trailing = (words[batch.starts[self.posts + 1] - 1] == words[first]).tolist()

    def of(
        self, post: int, text: str, given: str, back: Callable[[int, int], tuple[int, int]] | None
    ) -> list[Found]:
        """The tickers of one post, in order."""
        found: list[Found] = []
        at = passed = 0
        for j in range(self.cuts[post], self.cuts[post + 1]):
            symbol = self.symbols[j]
            token = self.tokens[j]
            at = locate(text, token, at, self.before[j] - passed)
            passed = self.before[j]
            start = at + symbol.start
            if self.first[j] == self.last[j]:
                end = at + (symbol.end if symbol.end >= 0 else len(token))
            else:
                tail = self.tails[j]
                end = locate(text, tail, at, self.before_last[j] - passed)
                end += symbol.end if symbol.end >= 0 else len(tail)
            if back:
                start, end = back(start, end)
            classes = symbol.classes
            found.append(
                Found(
                    given[start:end], start, end, symbol.symbol, symbol.quote, symbol.kind,
                    classes[0] if len(classes) == 1 else None, True, self.chances[j], self.first[j],
                )
            )  # fmt: skip
        return self._settled(found, post) if len(found) > 1 else found

    def _settled(self, found: list[Found], post: int) -> list[Found]:
        """Tickers with what only the whole post can say: passengers, and classes by company."""
        away = passengers(found, self.trailing[self.cuts[post] : self.cuts[post + 1]])
        if not away and all(f.asset_class for f in found):
            return found
        known = {f.asset_class for f in found if f.asset_class}
        company = next(iter(known)) if len(known) == 1 else None
        return [
            f._replace(subject=f.symbol not in away, asset_class=f.asset_class or company)
            for f in found
        ]


class _Prices:
    """The accepted levels of a batch, post by post."""

    def __init__(
        self,
        batch: Batch,
        weighed: Weighed,
        priced: NDArray[np.int64],
        lines: NDArray[np.int64],
        solid: NDArray[np.int64],
    ) -> None:
        numbers = weighed.numbers
        place = numbers.place[priced]
        self.posts = np.searchsorted(batch.starts, place, side="right") - 1
        self.cuts = np.searchsorted(self.posts, np.arange(len(batch.starts) + 1)).tolist()
        self.parts = [numbers.known[i].part for i in priced.tolist()]
        self.place = place.tolist()
        self.line = lines[place].tolist()
        self.before = (solid[place - 1] - solid[batch.starts[self.posts]]).tolist()
        roles = weighed.roles[priced]
        best = roles.argmax(axis=1)
        self.roles = best.tolist()
        self.sure = (roles[np.arange(len(best)), best] * weighed.prices[priced]).tolist()
        self.ids, self.strings = batch.ids, batch.page.strings

    def of(
        self,
        post: int,
        text: str,
        given: str,
        back: Callable[[int, int], tuple[int, int]] | None,
        found: list[Found],
        names: _Names,
    ) -> list[Level]:
        """The levels of one post, in order."""
        ours = range(self.cuts[post], self.cuts[post + 1])
        if not ours:
            return []
        lines = names.line[names.cuts[post] : names.cuts[post + 1]]
        strings, ids = self.strings, self.ids
        prices = [
            Price(
                self.parts[j], ROLES[self.roles[j]], self.place[j],
                owner(found, lines, self.place[j], self.line[j]),
            )
            for j in ours
        ]  # fmt: skip
        values = resolved(prices, lambda place: strings[ids[place]])
        levels: list[Level] = []
        at = passed = 0
        for j, price, value in zip(ours, prices, values, strict=True):
            at = locate(text, strings[ids[self.place[j]]], at, self.before[j] - passed)
            passed = self.before[j]
            part = price.part
            start, end = at + part.start, at + part.end
            if back:
                start, end = back(start, end)
            behind = strings[ids[self.place[j] + 1]]
            unit = _UNITS.get(part.tail) or _UNITS.get(behind.lower()) or part.unit
            levels.append(
                Level(given[start:end], start, end, value, unit, price.role, price.symbol, self.sure[j])
            )
        return levels


def _solid(batch: Batch) -> NDArray[np.int32]:
    """How many characters that are no white space each token of a batch has."""
    page, ids = batch.page, batch.ids
    lengths: NDArray[np.int32] | None = page.notes.get(_LENGTHS)
    if lengths is None or len(lengths) < len(page.norms):
        grown = np.full(len(page.norms), -1, np.int32)
        if lengths is not None:
            grown[: len(lengths)] = lengths
        lengths = page.notes[_LENGTHS] = grown
    solid = lengths[ids]
    (new,) = np.nonzero(solid < 0)
    if len(new):
        for i in ids[new].tolist():
            lengths[i] = len("".join(page.strings[i].split()))
        solid = lengths[ids]
    return solid


_LENGTHS = -1  # the note that holds the array; token numbers are never negative


def locate(text: str, token: str, at: int, solid: int) -> int:
    """Where a token begins, given that ``solid`` characters lie between ``at`` and it.

    White space is not counted: it may be of any length. The token's characters may also stand
    inside what is passed over, so a place counts only when all of that lies before it.
    """
    found = text.find(token, at + solid)
    while len("".join(text[at:found].split())) != solid:
        found = text.find(token, found + 1)
        if found < 0:
            raise AssertionError(f"token {token!r} not where it was read")
    return found


def owner(found: Sequence[Found], lines: Sequence[int], place: int, line: int) -> str | None:
    """The ticker that a price belongs to.

    The only one of the post; otherwise the last one named before it, unless its line names none
    before it and one behind it. ``lines`` are those of the tickers.
    """
    if not found:
        return None
    first = found[0].symbol
    if all(f.symbol == first for f in found):
        return first
    about = [(f, at) for f, at in zip(found, lines, strict=True) if f.subject]
    before = after = None
    for f, at in about:
        if f.place < place:
            before = f, at
        else:
            after = f, at
            break
    if before and (before[1] == line or not after or after[1] != line):
        return before[0].symbol
    if after:
        return after[0].symbol
    return before[0].symbol if before else None
