"""What makes a number no price: how it is written, what it counts, dials, reads or wins.

``doubtful`` numbers are prices only where everything else says so, ``never`` are none.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .candidates import FOLLOWS, OPENS, PRICE, TICKER
from .cues import CUES
from .features import norm_of, norms_of
from .levels import Numbers
from .numerals import (
    BARE,
    LED,
    RATIO,
    SELDOM,
    SHARP,
    SIGNED,
    WHOLE,
    YEAR,
    written,
)
from .phrases import (
    COUNT_NOUNS,
    FIGURES,
    GAUGES,
    INTO,
    LOTS,
    MADE,
    SIZES,
    TELLING,
    TURNED,
    YEARS_AFTER,
)
from .spans import LONG, ONE, TWO, Around, Runs, among

Marked = NDArray[np.bool_]  # of each number

# constants beside arrays are arrays without an axis, see spans.py
_SELDOM, _SIGNED, _LED, _WHOLE, _RATIO = map(np.array, (SELDOM, SIGNED, LED, WHOLE, RATIO))
_FOLLOWS, _OPENS, _TELLING = map(np.array, (FOLLOWS, OPENS, TELLING))
_COUNTED = np.array([cue in ("count", "clock", "money", "period") for cue in CUES])
_GAINS = norms_of("up down made won earned spent turned gained gains rallied pumped jumped surged")
_BREAKS = norms_of("break breaks broke")
_FIGURES, _SIZES = (frozenset(norms_of(words).tolist()) for words in (FIGURES, SIZES))
_MADE = frozenset(norms_of(MADE).tolist())
_TRADED = frozenset(norms_of("it this that leverage futures options trades").tolist())
_TURNED, _INTO = frozenset(norms_of(TURNED).tolist()), norm_of(INTO)
_ON = frozenset(norms_of("on in from trading").tolist())
_YEARS_AFTER = frozenset(norms_of(YEARS_AFTER).tolist())
#: what has readings and no price; what may stand between it and them
_GAUGES = frozenset(norms_of(GAUGES).tolist())
_READ_AS = frozenset(norms_of("at is of : = above below over under near now index ( )").tolist())
_OPENING, _CLOSING = norm_of("("), norm_of(")")
_GROUPING = frozenset(norms_of("' ’ _").tolist())  # "5'11", "60_000"
#: what is counted in wholes right behind its number; "64k levels" and "64k orders" are prices
_COUNT_NOUNS = frozenset(norms_of(COUNT_NOUNS).tolist())
_LOTS, _OF = norm_of(LOTS), norm_of("of")
_PLACED = frozenset(norms_of("at @ around near above below").tolist())
#: what makes a ratio of a number near it
_FIB = frozenset(
    norms_of("fib fibs fibonacci golden pocket retrace retracement extension ext").tolist()
)
_GOLDEN, _CROSS, _RETRACE = map(norm_of, ("golden", "cross", "retrace"))
_TO = frozenset(norms_of("to towards toward").tolist())
_COMMA = norm_of(",")
#: what may stand between a fib word, or another ratio, and a round ratio; what may behind it
_OF_FIB = frozenset(
    norms_of("level levels line lines zone area ratio ratios the of : = ( ) [ ] - – — / & and or "
             ", | ; • $").tolist()
) | {norm_of("\n")}  # fmt: skip
_BEHIND_RATIO = frozenset(norms_of("level levels line zone - ( the").tolist())
_GIVEN_AS = frozenset(norms_of(": = - – — ( at @ $ → ->").tolist())  # "0.5 = 30.9"
_AND = frozenset(norms_of("/ - – — & and or to").tolist())
_LISTING = _AND | {_COMMA}
_REACH = 6  # tokens from a fib word or another ratio to a ratio


def doubtful(a: Around, numbers: Numbers) -> Marked:
    """Fibonacci ratios, millions, what is counted ("10,000 holders"), what was gained."""
    r = a.runs
    # behind the last of a post stands no cue
    found: Marked = (numbers.traits & _SELDOM).astype(bool) | _COUNTED[a.cues[r.last + ONE]]
    found |= _gained(a, numbers)
    return found


def never(a: Around, numbers: Numbers) -> Marked:
    """Pieces of phone and grouped numbers, "24/7", readings, years, money won and lost, counts of
    orders, coins that are held, the numbers of names, ratios beside fib words.
    """
    found: Marked = _always(a.runs) | _in_pieces(a, numbers) | _told_of_else(a, numbers)
    found |= _held(a, numbers)
    return found | _ratios(a, numbers)


def _gained(a: Around, numbers: Numbers) -> Marked:
    """Money won or lost, no price: "up $12,000", "made $300"; not "may break down $281"."""
    signed: Marked = (numbers.traits & _SIGNED).astype(bool)
    if np.count_nonzero(signed):
        first = a.runs.first
        signed &= among(a.norms[first - 1], _GAINS)
        signed &= ~among(a.norms[np.maximum(first - 2, 0)], _BREAKS)
    return signed


def _always(r: Runs) -> Marked:
    """Both numbers of "24/7"."""
    known, ids = r.batch.page.numbers, r.batch.ids
    hours, slash, days = (known.get(token, -1) for token in ("24", "/", "7"))
    at = r.first[ids[r.first] == hours]
    if len(at):
        at = at[ids[at + 1] == slash]
        at = at[ids[at + 2] == days]
    return np.isin(r.first, [at, at + 2]) if len(at) else np.zeros(len(r.first), bool)


def _held(a: Around, numbers: Numbers) -> Marked:
    """So many coins ("holds 252,220 BTC"), and the number of a name ("S&P 500")."""
    r = a.runs
    flags, ids, strings = r.batch.flags, r.batch.ids, r.batch.page.strings
    found: Marked = (flags[r.first] & _FOLLOWS).astype(bool)
    found &= (flags[r.first - ONE] & _OPENS).astype(bool)
    many = (numbers.size > _MANY) & (a.cues[r.last + ONE] == _QUOTE)
    for i in many.nonzero()[0].tolist():
        coins = strings[ids[r.last[i] + 1]].lower() in _COINS
        found[i] |= coins and not numbers.known[i].part.tail  # "sub 50k BTC" is a price
    return found


_MANY = np.array(1.3)  # log10: nothing is quoted at twenty bitcoin
_QUOTE, _COINS = np.array(CUES.index("quote")), frozenset(("btc", "bitcoin", "xbt"))


GROUPS = 6  # of a phone number, with "00" and a country before it


def _in_pieces(a: Around, numbers: Numbers) -> Marked:
    """Groups of a phone number, "555 123 4567", "0800-555-0199", and of a number that the grammar
    does not read as one: "60 000", "60_000", "5'11".

    Those are whole numbers side by side of which one begins with a nought, three and more that
    neither rise nor fall as a list of prices does, and what an apostrophe or a low line parts; no
    phone number has more than GROUPS.
    """
    r = a.runs
    found: Marked = (numbers.traits & _LED).astype(bool)
    if len(found) == 1:
        return found
    gaps = numbers.place[1:] - numbers.place[:-1]
    whole = (numbers.traits & _WHOLE).astype(bool)
    (near,) = ((gaps <= TWO) & (r.post[1:] == r.post[:-1]) & whole[1:] & whole[:-1]).nonzero()
    rows: list[list[int]] = []  # the first and the last of numbers side by side
    for at, gap in zip(near.tolist(), gaps[near].tolist(), strict=True):
        if gap == 2:
            if int(a.norms[r.first[at] + 1]) not in _GROUPING:
                continue
            found[at] = True
        if rows and rows[-1][1] == at:
            rows[-1][1] = at + 1
        else:
            rows.append([at, at + 1])
    for first, last in rows:
        values = [known.part.value for known in numbers.known[first : last + 1]]
        listed = len(values) < 3 or sorted(values) in (values, values[::-1])
        if last - first < GROUPS and (not listed or True in found[first : last + 1].tolist()):
            found[first : last + 1] = True
    return found


def _told_of_else(a: Around, numbers: Numbers) -> Marked:
    """Numbers that their words make readings, years, money or counts: "RSI at 72", "until 2030",
    "turned 500 into 14k", "lost 8k on $LUNA", "60 grids".
    """
    r = a.runs
    found = np.zeros(len(r.first), bool)
    (telling,) = (a.hints & _TELLING).nonzero()
    if not len(telling):
        return found
    # what is looked at, behind the first of it
    near = np.maximum(r.first - LONG, r.low), r.last + ONE
    begin, end = telling.searchsorted(near, side="right")
    words, flags = a.norms.data, r.batch.flags
    for i in (end > begin).nonzero()[0].tolist():
        first, last, low, high = int(r.first[i]), int(r.last[i]), int(r.low[i]), int(r.high[i])
        traits = numbers.known[i].traits
        word = words[first - 1]
        at = first - 1
        while at > low and words[at] in _READ_AS and first - at < 6:
            at -= 1
            if words[at + 1] == _CLOSING and words[at - 1] == _OPENING:
                at -= 2  # "RSI(14) at 72"
        gauge = at > low and words[at] in _GAUGES
        year = word in _YEARS_AFTER and bool(traits & YEAR)
        money = False
        if word in _MADE and last + 2 < high and words[last + 1] in _ON:
            asset = flags[last + 2] & TICKER or words[last + 2] in _TRADED
            lost_it = first - 2 > low and flags[first - 2] & TICKER  # "BTC lost 61.5k" is a price
            money = bool(asset and not lost_it)
        elif word in _TURNED:
            money = _INTO in words[last + 1 : min(last + 4, high)]
        elif word == _INTO:
            money = any(turn in _TURNED for turn in words[max(first - 5, low) : first])
        counted = False
        if last + 1 < high and traits & BARE:
            if words[last + 1] in _COUNT_NOUNS:  # "bids at 140 orders": 140 is a price
                counted = bool(traits & WHOLE) and word not in _PLACED
            elif words[last + 1] == _LOTS and word not in _PLACED:  # "to 150 lots of room"
                of = last + 3 < high and words[last + 2] == _OF
                counted = not of or bool(flags[last + 3] & TICKER)
        # "6 figures", "165 pips", "per $100"
        figures = words[last + 1] in _FIGURES or word in _SIZES
        found[i] = gauge or year or money or counted or figures
    return found


def _ratios(a: Around, numbers: Numbers) -> Marked:
    """Fibonacci ratios beside their word: "0.618 fib", "fib levels: 0.382 = 33.1, 0.5 = 30.9".

    A sharp ratio has to be near a fib word or another ratio. Assets trade at the round ones, so
    nothing but a label may stand between: "fib support 0.5", "retrace to 0.5" are prices.
    """
    marked: Marked = np.zeros(len(numbers.known), bool)
    is_ratio = (numbers.traits & _RATIO).astype(bool)
    if not np.count_nonzero(is_ratio):
        return marked
    parts = [known.part for known in numbers.known]
    digits = [""] * len(parts)
    for i in is_ratio.nonzero()[0].tolist():
        digits[i] = written(parts[i])
    r, words = a.runs, a.norms.data
    flags = r.batch.flags
    first, low, high = r.first.tolist(), r.low.tolist(), r.high.tolist()
    places: set[int] = set()  # of ratios found

    def fib(at: int) -> bool:
        return words[at] in _FIB and (words[at] != _GOLDEN or words[at + 1] != _CROSS)

    def joined(i: int, words_between: frozenset[int]) -> bool:
        """Whether a number and the next one are of a list."""
        if i + 1 == len(first) or r.post[i] != r.post[i + 1]:
            return False
        gap = first[i + 1] - first[i]
        return gap == 0 or (gap == 2 and words[first[i] + 1] in words_between)

    def behind(i: int) -> bool:
        """Whether a fib word follows, or another ratio that one follows."""
        at = first[i] + 1
        if at + 1 < high[i] and words[at] in _BEHIND_RATIO:
            at += 1
        if at < high[i] and fib(at):  # "hit 0.5 retrace to 0.45": no ratio
            return words[at] != _RETRACE or words[at + 1] not in _TO
        return joined(i, _AND) and first[i + 1] in places

    def before(i: int) -> bool:
        """Whether a fib word or another ratio goes before."""
        end = max(low[i], first[i] - 1 - _REACH)
        at = first[i] - 1
        while at > end:
            if at in places or (fib(at) and words[at + 1] != _COMMA):
                return True
            if digits[i] in SHARP or words[at] in _OF_FIB or flags[at] & TICKER:
                at -= 1
            elif flags[at] & PRICE and words[at - 1] in _GIVEN_AS:
                at -= 2
            else:
                return False
        return False

    def listed(i: int) -> bool:
        """Whether the next number makes a price of it: "fib levels: 0.5, 0.48"."""
        if digits[i] in SHARP or not joined(i, _LISTING) or digits[i + 1]:
            return False
        return parts[i].value / 2 < parts[i + 1].value < parts[i].value * 2

    ratios = is_ratio.nonzero()[0].tolist()
    for told, order in ((behind, reversed(ratios)), (before, ratios)):
        for i in order:
            if not marked[i] and told(i) and not listed(i):
                marked[i] = True
                places.add(first[i])
    return marked
