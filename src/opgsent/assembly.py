"""Weighed candidates -> the spans of each post: offsets, exact values, who belongs to whom.

Only posts with something to say are touched here, candidate by candidate; everything before was
done for the whole batch at once.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .cues import LINE
from .features import COUNTS
from .levels import Numbers
from .offsets import Reading
from .prices import DEAR, MULTIPLES, Price, in_satoshi, multiplied, resolved
from .reading import Batch
from .result import ROLES, Level, maker
from .subjects import TAGS, passengers
from .tickers import Candidates, Found

ACCEPT = 0.5  # probability from which a candidate is a ticker, or a number a price

_UNITS = {
    "sats": "sat", "sat": "sat", "satoshi": "sat", "satoshis": "sat", "$": "USD", "usd": "USD",
    "dollar": "USD", "dollars": "USD", "usdt": "USDT", "usdc": "USDC", "busd": "BUSD", "€": "EUR",
    "eur": "EUR", "euro": "EUR", "euros": "EUR", "£": "GBP", "gbp": "GBP", "btc": "BTC",
    "eth": "ETH", "¥": "JPY", "yen": "JPY",
}  # fmt: skip
_ACCEPT = np.array(ACCEPT)  # numpy reads arrays faster than numbers
_WORD = COUNTS.index("word")
_level = maker(Level)


class Spans(NamedTuple):
    """What was found in one post, each sorted by start."""

    tickers: Sequence[Found]
    levels: Sequence[Level]


_NOTHING = Spans((), ())


class Weighed(NamedTuple):
    """The candidates of a batch and what the models say of them."""

    tickers: Candidates
    chances: NDArray[np.float64]  #: that a candidate is a ticker, shape (n,)
    numbers: Numbers
    prices: NDArray[np.float64]  #: that a number is a price, shape (m,)
    roles: NDArray[np.float64]  #: probabilities over ROLES given that it is, shape (m, 8)
    cues: NDArray[np.int64]  #: cue class of each token of the batch


def assemble(batch: Batch, weighed: Weighed) -> list[Spans]:
    """The spans of each post of a batch, in order."""
    out = [_NOTHING] * (len(batch.starts) - 1)
    (kept,) = (weighed.chances >= _ACCEPT).nonzero()
    (priced,) = (weighed.prices >= _ACCEPT).nonzero()
    if not len(kept) and not len(priced):
        return out
    places = _Places(batch)
    names = _Names(batch, weighed, kept)
    prices = _Prices(batch, weighed, priced) if len(priced) else None
    named, stated = names.cuts, prices.cuts if prices else [0] * len(batch.starts)
    for post in range(len(out)):
        if named[post] == named[post + 1] and stated[post] == stated[post + 1]:
            continue
        places.open(post)
        found = names.of(post, places)
        levels = []
        if prices and stated[post] < stated[post + 1]:
            levels = prices.of(post, places, found, names)
        out[post] = Spans(found, levels)
    return out


class _Places:
    """Where the tokens of a batch stand in their texts, post by post, from left to right."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        self._solid: NDArray[np.int64] | None = None

    def open(self, post: int) -> None:
        """Begin with a post."""
        batch = self._batch
        self._post, self._text, self.given = post, batch.clean[post], batch.texts[post]
        #: the way back from offsets in the text as read to the text as given, where they differ
        self.back = None if len(self._text) == len(self.given) else Reading(self.given).span
        self._find = self._text.find
        # in a long text, looking to its end again and again takes time
        self._short = len(self._text) < SHORT
        self._plain: bool | None = None
        self.rewind()

    def rewind(self) -> None:
        """Begin at the left of the post again."""
        self._from = self._at = self._passed = 0

    def start(self, place: int, token: str) -> int:
        """Where the token of a place begins, which is behind those that were asked for."""
        find = self._find
        found = find(token, self._from) if self._short else -1
        if found < 0 or find(token, found + 1) >= 0:  # or it stands there several times
            found = self._counted(place, token)
        self._from = found + len(token)
        return found

    def _counted(self, place: int, token: str) -> int:
        """Where it begins, by the characters that stand before it."""
        batch, post = self._batch, self._post
        if self._solid is None:
            self._solid = batch.page.solid.take(batch.ids).cumsum()
        solid, begin, text = self._solid, int(batch.starts[post]), self._text
        if self._plain is None:
            whole = int(solid[batch.starts[post + 1] - 1] - solid[begin])
            self._plain = len(text) - text.count(" ") - text.count("\n") == whole
        before = int(solid[place - 1] - solid[begin])
        self._at = locate(text, token, self._at, before - self._passed, self._plain)
        self._passed = before
        return self._at


SHORT = 2_000  # characters


class _Names:
    """The accepted tickers of a batch, post by post."""

    def __init__(self, batch: Batch, weighed: Weighed, kept: NDArray[np.int64]) -> None:
        tickers = weighed.tickers
        first, last = tickers.first.take(kept), tickers.last.take(kept)
        self._batch, self._cues = batch, weighed.cues
        self._lines: NDArray[np.int64] | None = None
        self.cuts = first.searchsorted(batch.starts).tolist()
        strings, ids = batch.page.strings, batch.ids
        firsts, lasts = first.tolist(), last.tolist()
        heads = tails = [strings[i] for i in ids.take(first).tolist()]
        if firsts != lasts:
            tails = [strings[i] for i in ids.take(last).tolist()]
        #: of each: symbol, first token and place, last token and place, chance
        self.rows = list(
            zip(
                [tickers.symbols[i] for i in kept.tolist()], heads, firsts, tails, lasts,
                weighed.chances.take(kept).tolist(), strict=True,
            )
        )  # fmt: skip

    def lines(self) -> NDArray[np.int64]:
        """The line of each token, from the top of the batch; most batches of one post need none."""
        # by hand: Python 3.11's cached_property has a lock, which a forked process may find taken
        if self._lines is None:
            self._lines = (self._cues == LINE).cumsum()
        return self._lines

    def of(self, post: int, places: _Places) -> list[Found]:
        """The tickers of the open post, in order."""
        given, back = places.given, places.back
        found: list[Found] = []
        for symbol, token, first, tail, last, chance in self.rows[
            self.cuts[post] : self.cuts[post + 1]
        ]:
            name, quote, kind, classes, cut, end = symbol
            start = at = places.start(first, token)
            if first != last:
                at = places.start(last, tail)
            start, end = start + cut, at + (end if end >= 0 else len(tail))
            if back:
                start, end = back(start, end)
            known = classes[0] if len(classes) == 1 else None
            # as Found(...) makes it, in half the time
            one = (given[start:end], start, end, name, quote, kind, known, True, chance, first)
            found.append(tuple.__new__(Found, one))
        return self._settled(found, post) if len(found) > 1 else found

    def _settled(self, found: list[Found], post: int) -> list[Found]:
        """Tickers with what only the whole post can say: passengers, and classes by company."""
        name = found[0].symbol
        for f in found:
            if f.symbol != name:
                if away := self._away(found, post):
                    found = [f._replace(subject=False) if f.symbol in away else f for f in found]
                break
        known = {f.asset_class for f in found}
        if None in known and len(known) == 2:
            (company,) = known - {None}
            found = [f if f.asset_class else f._replace(asset_class=company) for f in found]
        return found

    def _away(self, found: list[Found], post: int) -> frozenset[str]:
        """Symbols of a row of tags at the end of a post that only ride along."""
        batch, page = self._batch, self._batch.page
        begin, end = batch.starts.data[post : post + 2]
        ids, kinds, strings = batch.ids.data, page.kinds, page.strings
        last_word = end - 1
        while last_word > begin and kinds[ids[last_word]] != "word":
            last_word -= 1
        if found[-1].place < last_word:
            return frozenset()
        trailing = []
        for f in found:
            at = f.place
            if at >= last_word:
                at += 1
                at += strings[ids[at]] in _SIGNS  # START, which is behind the post, is none
                at += strings[ids[at]] in _SIGNS
                # a tag with a figure of its own is spoken about: "$SOL -6%, $ADA (+8%)"
                trailing.append(kinds[ids[at]] not in _FIGURES)
            else:
                trailing.append(False)
        if not trailing[-1]:
            return frozenset()
        alone = kinds[ids[found[-1].place - 1]] != "word"
        return passengers(found, trailing, alone, int(batch.totals[post, _WORD]))


_FIGURES = frozenset(("number", "percent"))
_SIGNS = frozenset("-+:(=~@")


class _Prices:
    """The accepted levels of a batch, post by post."""

    def __init__(self, batch: Batch, weighed: Weighed, priced: NDArray[np.int64]) -> None:
        numbers = weighed.numbers
        place = numbers.place.take(priced)
        self.cuts = place.searchsorted(batch.starts).tolist()
        self.parts = [numbers.known[i].part for i in priced.tolist()]
        self.place = place.tolist()
        roles = weighed.roles.take(priced, axis=0)
        sure = roles.max(axis=1) * weighed.prices.take(priced)
        strings, ids = batch.page.strings, batch.ids
        behind = [strings[i].lower() for i in ids.take(place + 1).tolist()]
        units = [
            part.unit or _UNITS.get(part.tail) or _UNITS.get(word)
            for part, word in zip(self.parts, behind, strict=True)
        ]
        if not MULTIPLES.keys().isdisjoint(behind):
            self.parts = [multiplied(*one) for one in zip(self.parts, behind, strict=True)]
        #: of each: part, place, token, unit, role, chance
        self.rows = list(
            zip(
                self.parts, self.place, [strings[i] for i in ids.take(place).tolist()], units,
                [ROLES[i] for i in roles.argmax(axis=1).tolist()], sure.tolist(), strict=True,
            )
        )  # fmt: skip
        self.token = lambda at: strings[ids[at]]  # for the few that look further

    def of(self, post: int, places: _Places, found: list[Found], names: _Names) -> list[Level]:
        """The levels of the open post, in order."""
        places.rewind()
        given, back = places.given, places.back
        begin, stop = self.cuts[post : post + 2]
        parts, mine = self.parts[begin:stop], self.place[begin:stop]
        symbols = {f.symbol for f in found}
        if len(symbols) > 1:
            line = names.lines().data
            on = [line[at] for at in mine]
            theirs = owners(found, [line[f.place] for f in found], mine, on)
            units = [row[3] for row in self.rows[begin:stop]]
            if "BTC" in theirs and "sat" in units:
                others = [f for f in found if f.symbol != "BTC"]
                own = owners(others, [line[f.place] for f in others], mine, on)
                for i in in_satoshi(parts, units):
                    theirs[i] = own[i]  # "#NKN BTC pair, buy 118 sats, stop 109"
        else:
            theirs = [next(iter(symbols), None)] * len(mine)
        if len(parts) > 1 or theirs[0] in DEAR:
            # as Price(...) makes it, in half the time
            prices = [tuple.__new__(Price, one) for one in zip(parts, mine, theirs, strict=True)]
            values = resolved(prices, self.token, {f.symbol for f in found if f.quote == "BTC"})
        else:
            values = [part.value for part in parts]
        named = {f.place for f in found}
        levels: list[Level] = []
        before = at = 0
        for row, value, symbol in zip(self.rows[begin:stop], values, theirs, strict=True):
            part, place, token, unit, role, sure = row
            if place != before:  # a range is one token
                before = place
                at = places.start(place, token)
            if unit in DEAR and place + 1 in named and part.tail.upper() != unit:
                unit = None  # "BTC 97,200 ETH 3,450"
            start, end = at + part.start, at + part.end
            if back:
                start, end = back(start, end)
            levels.append(_level(given[start:end], start, end, value, unit, role, symbol, sure))
        return levels


def locate(text: str, token: str, at: int, solid: int, plain: bool) -> int:
    """Where a token begins, given that ``solid`` characters lie between ``at`` and it.

    White space is not counted: it may be of any length. The token's characters may also stand
    inside what is passed over, so a place counts only when all of that lies before it. ``plain``
    says that the text has no white space but spaces and line feeds, which are counted faster.
    """
    find = text.find
    found = find(token, at + solid)
    if not solid:  # nothing but white space between
        return found
    passed = 0
    while True:
        between = text[at:found]  # what was counted is not counted again: linear in the text
        if plain:
            passed += found - at - between.count(" ") - between.count("\n")
        else:
            passed += len("".join(between.split()))
        if passed == solid:
            return found
        at = found
        found = find(token, found + 1)
        if found < 0:
            raise AssertionError(f"token {token!r} not where it was read")


def owners(
    found: Sequence[Found], lines: Sequence[int], places: Sequence[int], on: Sequence[int]
) -> list[str | None]:
    """The tickers that the prices at ``places`` belong to, where a post names several.

    The last one named before a price, unless its line names none before it and one behind it.
    ``lines`` are those of the tickers, ``on`` those of the prices.
    """
    about = [n for n, f in enumerate(found) if f.subject]
    spots = [found[n].place for n in about]
    # of the row of tags that a ticker ends, the first: "$SPY $ES_F $SPX" is about $SPY
    leader = list(range(len(found)))
    for n in range(1, len(found)):
        if found[n].place - found[n - 1].place == 1 and found[n].kind in TAGS:
            leader[n] = leader[n - 1]
    symbols: list[str | None] = []
    for place, line in zip(places, on, strict=True):
        cut = bisect_left(spots, place)
        before = about[cut - 1] if cut else None
        after = about[cut] if cut < len(about) else None
        if before is not None and (lines[before] == line or after is None or lines[after] != line):
            symbols.append(found[leader[before]].symbol)
        else:
            symbols.append(None if after is None else found[after].symbol)
    return symbols
