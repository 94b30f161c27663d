"""Weighed candidates -> the spans of each post: offsets, exact values, who belongs to whom.

Only posts with something to say are touched here, candidate by candidate; everything before was
done for the whole batch at once.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .cues import LINE
from .features import COUNTS, norms_of
from .levels import Numbers
from .prices import DEAR, Price, in_thousands, resolved
from .reading import Batch
from .result import ROLES, Level
from .spans import among
from .subjects import TAGS, passengers
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


#: offsets of a span of the text as read -> in the text as given
_Back = Callable[[int, int], tuple[int, int]]


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
    cues: NDArray[np.int64]  #: cue class of each token of the batch


def assemble(batch: Batch, weighed: Weighed) -> list[Spans]:
    """The spans of each post of a batch, in order."""
    out = [Spans([], []) for _ in range(len(batch.starts) - 1)]
    (kept,) = (weighed.chances >= ACCEPT).nonzero()
    (priced,) = (weighed.prices >= ACCEPT).nonzero()
    if not len(kept) and not len(priced):
        return out
    lines = (weighed.cues == LINE).cumsum()
    solid = batch.page.solid.take(batch.ids).cumsum()
    whole = (solid[batch.starts[1:] - 1] - solid[batch.starts[:-1]]).tolist()
    names = _Names(batch, weighed, kept, lines, solid)
    prices = _Prices(batch, weighed, priced, lines, solid) if len(priced) else None
    posts = set(names.posts.tolist())
    if prices:
        posts.update(prices.posts.tolist())
    for post in sorted(posts):
        text = batch.clean[post]
        given = batch.texts[post]
        plain = len(text) - text.count(" ") - text.count("\n") == whole[post]
        back = None if len(text) == len(given) else Reading(given).span
        spans = out[post]
        found = spans.tickers
        if names.cuts[post] < names.cuts[post + 1]:
            found += names.of(post, text, given, plain, back)
        if prices and prices.cuts[post] < prices.cuts[post + 1]:
            spans.levels.extend(prices.of(post, text, given, plain, back, found, names))
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
        self._batch, self._first = batch, first
        self._tags: _Tags | None = None
        self.posts = batch.starts.searchsorted(first, side="right") - 1
        self.cuts = self.posts.searchsorted(np.arange(len(batch.starts) + 1)).tolist()
        self.line = lines[first].tolist()
        base = solid[batch.starts[self.posts]]
        strings, ids = batch.page.strings, batch.ids
        firsts, lasts = first.tolist(), last.tolist()
        heads = [strings[i] for i in ids[first].tolist()]
        before = (solid[first - 1] - base).tolist()
        tails, before_last = heads, before
        if firsts != lasts:
            tails = [strings[i] for i in ids[last].tolist()]
            before_last = (solid[last - 1] - base).tolist()
        #: of each: symbol, token, characters before it, places, last token, characters before that
        self.rows = list(
            zip(
                [tickers.symbols[i] for i in kept.tolist()], heads, before, firsts, lasts,
                tails, before_last, weighed.chances[kept].tolist(),
                strict=True,
            )
        )  # fmt: skip

    @property
    def tags(self) -> _Tags:
        """Asked for by posts of several tickers only."""
        if self._tags is None:
            self._tags = _tags(self._batch, self._first, self.posts)
        return self._tags

    def of(self, post: int, text: str, given: str, plain: bool, back: _Back | None) -> list[Found]:
        """The tickers of one post, in order."""
        found: list[Found] = []
        at = passed = 0
        for symbol, token, before, first, last, tail, before_last, chance in self.rows[
            self.cuts[post] : self.cuts[post + 1]
        ]:
            name, quote, kind, classes, cut, end = symbol
            at = locate(text, token, at, before - passed, plain)
            passed = before
            start = at + cut
            if first == last:
                end = at + (end if end >= 0 else len(token))
            else:
                end_of = end if end >= 0 else len(tail)
                end = locate(text, tail, at, before_last - passed, plain) + end_of
            if back:
                start, end = back(start, end)
            known = classes[0] if len(classes) == 1 else None
            found.append(
                Found(given[start:end], start, end, name, quote, kind, known, True, chance, first)
            )
        return self._settled(found, post) if len(found) > 1 else found

    def _settled(self, found: list[Found], post: int) -> list[Found]:
        """Tickers with what only the whole post can say: passengers, and classes by company."""
        end = self.cuts[post + 1]
        trailing = self.tags.trailing[self.cuts[post] : end]
        if trailing[-1] and (
            away := passengers(found, trailing, self.tags.alone[end - 1], self.tags.words[post])
        ):
            found = [f._replace(subject=False) if f.symbol in away else f for f in found]
        known = {f.asset_class for f in found}
        if None in known and len(known) == 2:
            (company,) = known - {None}
            found = [f if f.asset_class else f._replace(asset_class=company) for f in found]
        return found


class _Tags(NamedTuple):
    """What tells a row of tags at the end of a post."""

    words: list[int]  #: of each post
    alone: list[bool]  #: of each ticker: no word before it
    trailing: list[bool]  #: of each ticker: no word behind it in its post


def _tags(batch: Batch, first: NDArray[np.int64], posts: NDArray[np.int64]) -> _Tags:
    words = batch.page.counts[batch.ids, _WORD].cumsum(dtype=np.int64)
    ends = words[batch.starts[1:] - 1]
    alone = words[first - 1] == words[np.maximum(first - 2, 0)]
    # a tag with a figure of its own is spoken about: "$SOL -6%, $ADA (+8%)"
    figures = np.logical_or(*(batch.page.counts[batch.ids, column] > 0 for column in _FIGURES))
    reach = len(batch.ids) - 1
    marks = among(batch.page.norms[batch.ids], _SIGNS)
    behind = np.minimum(first + 1, reach)
    for _ in range(2):
        behind = np.minimum(behind + marks[behind], reach)
    return _Tags(
        (ends - words[batch.starts[:-1]]).tolist(),
        alone.tolist(),
        ((ends[posts] == words[first]) & ~figures[behind]).tolist(),
    )


_FIGURES = [COUNTS.index("number"), COUNTS.index("percent")]
_SIGNS = norms_of("- + : ( = ~ @")


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
        self.posts = batch.starts.searchsorted(place, side="right") - 1
        self.cuts = self.posts.searchsorted(np.arange(len(batch.starts) + 1)).tolist()
        self.parts = [numbers.known[i].part for i in priced.tolist()]
        self.place = place.tolist()
        self.line = lines[place].tolist()
        self.before = (solid[place - 1] - solid[batch.starts[self.posts]]).tolist()
        roles = weighed.roles[priced]
        best = roles.argmax(axis=1)
        self.roles = [ROLES[i] for i in best.tolist()]
        self.sure = (roles[np.arange(len(best)), best] * weighed.prices[priced]).tolist()
        strings, ids = batch.page.strings, batch.ids
        self.tokens = [strings[i] for i in ids[place].tolist()]
        behind = [strings[i] for i in ids[place + 1].tolist()]
        self.units = [
            _UNITS.get(part.tail) or _UNITS.get(word.lower())
            for part, word in zip(self.parts, behind, strict=True)
        ]
        self.parts = [in_thousands(*one) for one in zip(self.parts, behind, strict=True)]
        self.token = lambda at: strings[ids[at]]  # for the few that look further

    def of(
        self,
        post: int,
        text: str,
        given: str,
        plain: bool,
        back: _Back | None,
        found: list[Found],
        names: _Names,
    ) -> list[Level]:
        """The levels of one post, in order."""
        ours = range(self.cuts[post], self.cuts[post + 1])
        begin, stop = ours.start, ours.stop
        symbols = {f.symbol for f in found}
        if len(symbols) > 1:
            lines = names.line[names.cuts[post] : names.cuts[post + 1]]
            theirs = owners(found, lines, self.place[begin:stop], self.line[begin:stop])
        else:
            theirs = [next(iter(symbols), None)] * len(ours)
        parts = self.parts[begin:stop]
        if len(parts) > 1 or theirs[0] in DEAR:
            places = self.place[begin:stop]
            prices = [Price(*p) for p in zip(parts, places, theirs, strict=True)]
            values = resolved(prices, self.token, {f.symbol for f in found if f.quote == "BTC"})
        else:
            values = [part.value for part in parts]
        named = {f.place for f in found}
        levels: list[Level] = []
        at = passed = 0
        for j, part, value, symbol in zip(ours, parts, values, theirs, strict=True):
            before = self.before[j]
            at = locate(text, self.tokens[j], at, before - passed, plain)
            passed = before
            start, end = at + part.start, at + part.end
            if back:
                start, end = back(start, end)
            unit = part.unit or self.units[j]
            if unit in DEAR and self.place[j] + 1 in named and part.tail.upper() != unit:
                unit = None  # "BTC 97,200 ETH 3,450"
            role, sure = self.roles[j], self.sure[j]
            levels.append(Level(given[start:end], start, end, value, unit, role, symbol, sure))
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
