"""What makes a number no price: how it is written, what it counts, dials, reads or wins.

``doubtful`` numbers are prices only where everything else says so, ``never`` are none.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .candidates import TICKER
from .cues import CUES
from .features import norm_of, norms_of
from .levels import Numbers
from .numerals import Part
from .spans import Around, Runs, among

Marked = NDArray[np.bool_]  # of each number

_RATIOS = frozenset(
    ".236 .382 .618 .786 .886 0.236 0.382 0.618 0.786 0.886 1.618 1.272 2.618".split()
)
_MILLIONS = frozenset("m mm mil".split())
_COUNTED = np.array([cue in ("count", "clock", "money", "period") for cue in CUES])
_GAINS, _BREAKS = norms_of("up down made won earned spent turned"), norms_of("break breaks broke")
_MADE = frozenset(norms_of("lost made won earned blew burned").tolist())
_TRADED = frozenset(norms_of("it this that leverage futures options trades").tolist())
_TURNED, _INTO = frozenset(norms_of("turn turned turning").tolist()), norm_of("into")
_ON = frozenset(norms_of("on in from trading").tolist())
_YEARS_AFTER = frozenset(norms_of("until till til since year").tolist())
#: what has readings and no price; what may stand between it and them
_GAUGES = frozenset(norms_of("rsi mfi cci adx stoch stochrsi stochastic greed").tolist())
_READ_AS = frozenset(norms_of("at is of : = above below over under near now index ( )").tolist())
_OPENING, _CLOSING = norm_of("("), norm_of(")")
_GROUPING = frozenset(norms_of("' ’ _").tolist())  # "3'150", "60_000"


def doubtful(a: Around, numbers: Numbers) -> Marked:
    """Fibonacci ratios, millions, what is counted ("10,000 holders"), what was gained."""
    r = a.runs
    parts = [known.part for known in numbers.known]
    written = [p.unit is None and (p.digits in _RATIOS or p.tail in _MILLIONS) for p in parts]
    behind = a.cues[np.minimum(r.last + 1, len(a.cues) - 1)] * (r.last + 1 < r.high)
    found: Marked = np.array(written, bool) | _COUNTED[behind] | _gained(r, numbers)
    return found


def never(a: Around, numbers: Numbers) -> Marked:
    """Pieces of phone and grouped numbers, "24/7", readings, years, money won and lost."""
    found: Marked = _always(a.runs) | _in_pieces(a.runs, numbers) | _told_of_else(a.runs, numbers)
    return found


def _gained(r: Runs, numbers: Numbers) -> Marked:
    """Money won or lost, no price: "up $12,000", "made $300"; not "may break down $281"."""
    signed = np.array([known.part.unit is not None for known in numbers.known], bool)
    if signed.any():
        norms = r.batch.page.norms[r.batch.ids]
        signed &= among(norms[r.first - 1], _GAINS)
        signed &= ~among(norms[np.maximum(r.first - 2, 0)], _BREAKS)
    return signed


def _always(r: Runs) -> Marked:
    """Both numbers of "24/7"."""
    known, ids = r.batch.page.numbers, r.batch.ids
    hours, slash, days = (known.get(token, -1) for token in ("24", "/", "7"))
    if -1 in (hours, slash, days):
        return np.zeros(len(r.first), bool)
    (at,) = ((ids[:-2] == hours) & (ids[1:-1] == slash) & (ids[2:] == days)).nonzero()
    return np.isin(r.first, np.concatenate([at, at + 2]))


def _in_pieces(r: Runs, numbers: Numbers) -> Marked:
    """Groups of a phone number, "555 123 4567", "0800-555-0199", and of a number that the grammar
    does not read as one: "60 000", "3'150", "60_000".

    Those are whole numbers side by side of which one begins with a nought, three and more that
    neither rise nor fall as a list of prices does, and what an apostrophe or a low line parts.
    """
    parts = [known.part for known in numbers.known]
    found = np.array([_is_whole(p) and len(p.digits) > 1 and p.digits[0] == "0" for p in parts])
    gaps = numbers.place[1:] - numbers.place[:-1]
    (near,) = ((gaps <= 2) & (r.post[1:] == r.post[:-1])).nonzero()
    rows: list[list[int]] = []  # numbers side by side
    for at, gap in zip(near.tolist(), gaps[near].tolist(), strict=True):
        if not (_is_whole(parts[at]) and _is_whole(parts[at + 1])):
            continue
        if gap == 2:
            if int(r.batch.page.norms[r.batch.ids[r.first[at] + 1]]) not in _GROUPING:
                continue
            found[at] = True
        if rows and rows[-1][-1] == at:
            rows[-1].append(at + 1)
        else:
            rows.append([at, at + 1])
    for row in rows:
        values = [parts[at].value for at in row]
        listed = len(row) < 3 or values == sorted(values) or values[::-1] == sorted(values)
        found[row] = found[row].any() or not listed
    return found


def _is_whole(part: Part) -> bool:
    return part.tail == "" and part.unit is None and part.digits.isdigit()


def _told_of_else(r: Runs, numbers: Numbers) -> Marked:
    """Numbers that their words make readings, years or money: "RSI at 72", "until 2030",
    "turned 500 into 14k", "lost 8k on $LUNA".
    """
    words = r.batch.page.norms[r.batch.ids].tolist()  # quicker in plain Python for a few numbers
    flags = r.batch.flags
    found = []
    for first, last, low, high, known in zip(
        r.first.tolist(), r.last.tolist(), r.low.tolist(), r.high.tolist(), numbers.known,
        strict=True,
    ):  # fmt: skip
        word, part = words[first - 1], known.part
        at = first - 1
        while at > low and words[at] in _READ_AS and first - at < 6:
            at -= 1
            if words[at + 1] == _CLOSING and words[at - 1] == _OPENING:
                at -= 2  # "RSI(14) at 72"
        gauge = at > low and words[at] in _GAUGES
        year = word in _YEARS_AFTER and len(part.digits) == 4 and part.digits[:2] in ("19", "20")
        money = False
        if word in _MADE and last + 2 < high and words[last + 1] in _ON:
            asset = flags[last + 2] & TICKER or words[last + 2] in _TRADED
            lost_it = first - 2 > low and flags[first - 2] & TICKER  # "BTC lost 61.5k" is a price
            money = bool(asset and not lost_it)
        elif word in _TURNED:
            money = _INTO in words[last + 1 : min(last + 4, high)]
        elif word == _INTO:
            money = any(turn in _TURNED for turn in words[max(first - 5, low) : first])
        found.append(gauge or (year and part.unit is None) or money)
    return np.array(found, bool)
