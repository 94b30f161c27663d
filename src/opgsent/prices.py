"""The numbers of a post -> what each means in the post's own unit: shorthand expanded.

A trader writes "0.00000380 - 385", "3.9 - 4k", "R1 5.616" of a coin at five thousand. Each rule
here reads one such habit, and none touches a number that already means what it says.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple

from .numerals import Part, shorthand


class Price(NamedTuple):
    """A number that was taken for a price: the place of its token, its ticker."""

    part: Part
    place: int
    symbol: str | None


_JOINED = frozenset("- – — to / ~ & and".split())
SATS = 5  # decimals of a price so small that its last digits stand for it, even before it
SHORTENED = 4  # and from which they do outside its range: not "sold at 0.95, strike 14"


def multiplied(part: Part, word: str) -> Part:
    """A number read with the word behind it: "65 grand" is 65k, "79 lakh" 7,900,000.

    >>> from opgsent.numerals import parts_of
    >>> multiplied(parts_of("65")[0], "grand").value
    Decimal('65000')
    """
    times = MULTIPLES.get(word.lower())
    if times is None or part.tail or part.value >= 1000:
        return part
    return part._replace(value=part.value * times, tail="k" if times == 1000 else "lakh")


def in_satoshi(parts: Sequence[Part], units: Sequence[str | None]) -> list[int]:
    """Which prices are in satoshi: those that say so, and those beside them without a unit."""
    said = [part.value for part, unit in zip(parts, units, strict=True) if unit == "sat"]
    low, high = min(said) / 3, max(said) * 3
    return [
        i
        for i, (part, unit) in enumerate(zip(parts, units, strict=True))
        if unit == "sat" or (not (unit or part.tail) and low < part.value < high)
    ]


#: words that multiply the number before them
MULTIPLES = {"grand": 1000, "thousand": 1000, "lakh": 100_000, "lakhs": 100_000}


def resolved(
    prices: Sequence[Price], token: Callable[[int], str], crossed: Collection[str] = ()
) -> list[Decimal]:
    """The value of each price of a post, in order; ``token`` gives the token at a place,
    ``crossed`` are the tickers that the post has against bitcoin.

    >>> from opgsent.numerals import parts_of
    >>> tokens = ["0.00000380", "-", "385"]
    >>> both = [Price(parts_of(tokens[i])[0], i, None) for i in (0, 2)]
    >>> [format(v, "f") for v in resolved(both, tokens.__getitem__)]
    ['0.00000380', '0.00000385']
    """
    values = [price.part.value for price in prices]
    if len(values) > 1:
        thousands = any(price.part.tail[:1] == "k" for price in prices)
        if thousands:
            _thousands_of_next(prices, values, token)
        _carried(prices, values, token)
        if thousands:
            _thousands_of_all(prices, values)
    if any(price.symbol in DEAR for price in prices):
        _dotted_thousands(prices, values, crossed)
    return values


def _joined(one: Price, other: Price, token: Callable[[int], str]) -> bool:
    """Whether two numbers are the ends of a range."""
    if one.place == other.place:
        return True
    return other.place - one.place == 2 and token(one.place + 1).lower() in _JOINED


def _thousands_of_next(
    prices: Sequence[Price], values: list[Decimal], token: Callable[[int], str]
) -> None:
    """The k at the end of a range is meant for its beginning too: "3.9 - 4k"."""
    for i in range(len(prices) - 1, 0, -1):
        if not prices[i].part.tail.startswith("k") or prices[i - 1].part.tail:
            continue
        if _joined(prices[i - 1], prices[i], token):
            grown = values[i - 1] * 1000
            if values[i] / 2 < grown < values[i] * 2:
                values[i - 1] = grown


def _carried(prices: Sequence[Price], values: list[Decimal], token: Callable[[int], str]) -> None:
    """An integer beside a small decimal replaces its last digits: "0.00125 ... 135"."""
    written = [price.part.digits for price in prices]
    integers = [text.isdigit() for text in written]
    if not any(integers):
        return
    small = [i for i, text in enumerate(written) if "." in text and 0 < values[i] < 1]
    if not small and all(price.place - before.place > 2 for before, price in pairwise(prices)):
        return
    near: int | None = small[0] if small else None
    if near is not None and len(written[near].partition(".")[2]) < SATS:
        near = None  # "rolled from 8 to 8.5 for 0.22": what comes later is not carried on
    carried = -1  # the last number that the next one may carry on from
    for i, text in enumerate(written):
        if small and "." in text and 0 < values[i] < 1:
            near = carried = i
        if not integers[i] or prices[i].part.unit or prices[i].part.tail not in ("", "s", "sats"):
            continue
        if small:
            if near is None or prices[near].symbol != prices[i].symbol:
                continue
            if len(written[near].partition(".")[2]) < SHORTENED and not (
                carried == i - 1 and _joined(prices[carried], prices[i], token)
            ):
                continue
            found = shorthand(written[near], values[near], text)
            if found is not None and values[near] / 20 < found < values[near] * 20:
                values[i] = found
                carried = i
        elif i and prices[i].part.tail == "" and _joined(prices[i - 1], prices[i], token):
            found = shorthand(written[i - 1].replace(",", ""), values[i - 1], text)
            if found is not None:
                values[i] = found


def _thousands_of_all(prices: Sequence[Price], values: list[Decimal]) -> None:
    """A bare number among prices with a k is in thousands, too: "58-60k ... invalidation 56.5"."""
    theirs: dict[str | None, list[Decimal]] = {}
    for price, value in zip(prices, values, strict=True):
        if price.part.tail.startswith("k"):
            theirs.setdefault(price.symbol, []).append(value)
    bounds = {symbol: (max(of) / 2, min(of) * 2) for symbol, of in theirs.items()}
    for i, price in enumerate(prices):
        if price.symbol not in bounds or price.part.tail or price.part.unit:
            continue
        low, high = bounds[price.symbol]
        if 0 < values[i] < 1000 and low < values[i] * 1000 < high:
            values[i] *= 1000


#: below this a price in three decimals is one in thousands: "$5.616" of bitcoin, "DAX 18.250"
DEAR = {"BTC": 1000, "ETH": 100, "XAU": 100, "DAX": 1000, "NDX": 1000, "US30": 1000}
_SINGLE = frozenset({"ETH", "XAU"})  # may be at some thousand: "ETH 2.450"


def _dotted_thousands(
    prices: Sequence[Price], values: list[Decimal], crossed: Collection[str]
) -> None:
    """A bitcoin has never cost five dollars in three decimals: "$5.616" of it is 5616.

    A price of ether might, or be one in bitcoin; there all small numbers have to be in three
    decimals, "2.450, 2.700" and not "2.450, 2.7", or a large one shows that thousands are meant.
    """
    dotted = [
        i
        for i, price in enumerate(prices)
        if len(price.part.digits.partition(".")[2]) == 3
        and not price.part.tail
        and 1 <= values[i] < DEAR.get(price.symbol or "", 0)
    ]
    if not dotted:
        return
    largest = max(values)
    odd = {
        price.symbol
        for price, value in zip(prices, values, strict=True)
        if value < 100 and not price.part.tail and len(price.part.digits.partition(".")[2]) != 3
    }
    for i in dotted:
        symbol = prices[i].symbol
        if symbol in _SINGLE and (symbol in crossed or (largest < 100 and symbol in odd)):
            continue
        values[i] = Decimal(prices[i].part.digits.replace(".", "", 1))
