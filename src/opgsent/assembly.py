"""Weighed candidates -> the spans of each post: offsets, exact values, who belongs to whom.

Only posts with something to say are touched here, token by token; everything before was done for
the whole batch at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .levels import Numbers
from .prices import Price, resolved
from .reading import Batch
from .result import ROLES, Level
from .subjects import passengers
from .tickers import Candidates, Found
from .tokens import Reading, starts_of

ACCEPT = 0.5  # probability from which a candidate is a ticker, or a number a price

_UNITS = {
    "sats": "sat", "sat": "sat", "satoshi": "sat", "satoshis": "sat", "$": "USD", "usd": "USD",
    "dollar": "USD", "dollars": "USD", "usdt": "USDT", "usdc": "USDC", "busd": "BUSD", "€": "EUR",
    "eur": "EUR", "euro": "EUR", "euros": "EUR", "£": "GBP", "gbp": "GBP", "btc": "BTC",
    "eth": "ETH", "¥": "JPY", "yen": "JPY",
}  # fmt: skip


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
    tickers, numbers = weighed.tickers, weighed.numbers
    t_posts = np.searchsorted(batch.starts, tickers.first[kept], side="right") - 1
    n_posts = np.searchsorted(batch.starts, numbers.place[priced], side="right") - 1
    posts = np.union1d(t_posts, n_posts)
    t_cuts = [*np.searchsorted(t_posts, posts).tolist(), len(kept)]
    n_cuts = [*np.searchsorted(n_posts, posts).tolist(), len(priced)]
    chances = weighed.chances[kept].tolist()
    best = weighed.roles[priced].argmax(axis=1)
    sure = (weighed.roles[priced, best] * weighed.prices[priced]).tolist()
    first, last = tickers.first[kept].tolist(), tickers.last[kept].tolist()
    place = numbers.place[priced].tolist()
    roles = best.tolist()
    accepted, levelled = kept.tolist(), priced.tolist()
    starts = batch.starts.tolist()
    if len(out) > 1:
        offsets, holds = batch.offsets()
        spaced = holds.tolist()
    else:  # not worth summing up
        offsets, spaced = batch.starts, [False]
    for i, post in enumerate(posts.tolist()):
        base = starts[post] + 1
        text = batch.clean[post]
        tokens = batch.tokens(post)
        if spaced[post]:
            at = offsets[base : starts[post + 1]].tolist()
        else:
            at = starts_of(text, tokens)
        span = None if len(text) == len(batch.texts[post]) else Reading(batch.texts[post]).span
        given = batch.texts[post]
        found: list[Found] = []
        for j in range(t_cuts[i], t_cuts[i + 1]):
            symbol = tickers.symbols[accepted[j]]
            start, end = at[first[j] - base], at[last[j] - base]
            end += symbol.end if symbol.end >= 0 else len(tokens[last[j] - base])
            start += symbol.start
            if span:
                start, end = span(start, end)
            found.append(
                Found(
                    given[start:end], start, end, symbol.symbol, symbol.quote, symbol.kind,
                    symbol.classes[0] if len(symbol.classes) == 1 else None, True, chances[j],
                    first[j],
                )  # fmt: skip
            )
        if len(found) > 1:
            found = _settled(found, tokens, base)
        levels: list[Level] = []
        ours = range(n_cuts[i], n_cuts[i + 1])
        if ours:
            prices = [
                Price(
                    numbers.known[levelled[j]].part, ROLES[roles[j]], place[j] - base,
                    _owner(found, place[j], base, tokens),
                )
                for j in ours
            ]  # fmt: skip
            values = resolved(prices, tokens)
            for j, price, value in zip(ours, prices, values, strict=True):
                start = at[price.place] + price.part.start
                end = at[price.place] + price.part.end
                if span:
                    start, end = span(start, end)
                levels.append(
                    Level(
                        given[start:end], start, end, value, _unit(price, tokens), price.role,
                        price.symbol, sure[j],
                    )
                )  # fmt: skip
        out[post] = Spans(found, levels)
    return out


def _settled(found: list[Found], tokens: Sequence[str], base: int) -> list[Found]:
    """Tickers with what only the whole post can say: passengers, and classes by company."""
    away = passengers(found, tokens, base)
    known = {f.asset_class for f in found if f.asset_class}
    company = next(iter(known)) if len(known) == 1 else None
    if not away and all(f.asset_class for f in found):
        return found
    return [
        f._replace(subject=f.symbol not in away, asset_class=f.asset_class or company)
        for f in found
    ]


def _owner(found: list[Found], place: int, base: int, tokens: Sequence[str]) -> str | None:
    """The ticker that a price belongs to.

    The only one of the post; otherwise the last one named before it, unless its line names none
    before it and one behind it.
    """
    if not found:
        return None
    first = found[0].symbol
    if all(f.symbol == first for f in found):
        return first
    about = [f for f in found if f.subject] or found
    before = [f for f in about if f.place < place]
    after = [f for f in about if f.place > place]
    if before and (not after or "\n" not in tokens[before[-1].place - base : place - base]):
        return before[-1].symbol
    if after and "\n" not in tokens[place - base : after[0].place - base]:
        return after[0].symbol
    return before[-1].symbol if before else after[0].symbol


def _unit(price: Price, tokens: Sequence[str]) -> str | None:
    """What the price is in, where the post says it beside the number."""
    tail = price.part.tail
    if tail in _UNITS:
        return _UNITS[tail]
    behind = tokens[price.place + 1].lower() if price.place + 1 < len(tokens) else ""
    return _UNITS.get(behind) or price.part.unit
