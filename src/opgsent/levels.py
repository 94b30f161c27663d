"""Tokens -> price levels: candidates by grammar, a model decides whether a price and which role.

A candidate is one number; a range token holds several. One model says whether a number is a
price, another which role it has; then the numbers of a list, and the mentions of one price, are
made to agree.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .candidates import PRICE
from .cues import CUES, JOINT
from .features import hashed
from .numerals import Part, parts_of
from .reading import Batch
from .result import ROLES
from .spans import (
    CUE_VIEWS,
    WINDOW_VIEWS,
    Around,
    Ints,
    View,
    cue_rows,
    rows_of,
    salt,
    windows,
)  # fmt: skip

STRIKE = ROLES.index("strike")
SURELY = np.float32(6.0)  #: log-odds that a rule adds
COLUMNS = 1 + len(ROLES)  #: of the weights: log-odds of being a price, then of each role


class Number(NamedTuple):
    """What is known of a number whatever stands around it."""

    part: Part
    size: float  #: log10 of its value; 0 is -20
    shape: int  #: hash of how it is written


class Numbers(NamedTuple):
    """Price candidates of a batch in order; a range gives several at one place."""

    place: Ints
    part: Ints  #: which number of the token
    size: NDArray[np.float64]
    shape: NDArray[np.uint64]
    known: list[Number]


def find(batch: Batch, flags: NDArray[np.uint32]) -> Numbers:
    """All numbers of a batch that could be a price."""
    (at,) = np.nonzero(flags & np.uint32(PRICE))
    page, notes = batch.page, batch.page.notes
    numbers = batch.ids[at].tolist()
    known: list[Number] = []
    place: list[int] = []
    index: list[int] = []
    for where, number in zip(at.tolist(), numbers, strict=True):
        found = notes.get(number)
        if found is None:
            found = notes[number] = numbers_of(page.strings[number])
        for i, one in enumerate(found):
            known.append(one)
            place.append(where)
            index.append(i)
    return Numbers(
        np.array(place, np.int64),
        np.array(index, np.int64),
        np.array([n.size for n in known]),
        np.array([n.shape for n in known], np.uint64),
        known,
    )


def numbers_of(token: str) -> tuple[Number, ...]:
    """The numbers of a token with their size and shape."""
    return tuple(
        Number(
            part,
            math.log10(float(part.value)) if part.value else -20.0,
            hashed(_shape(part, i > 0 or part.end < len(token) - len(part.tail))),
        )
        for i, part in enumerate(parts_of(token))
    )


def _shape(part: Part, ranged: bool) -> str:
    """How a number is written: digits before and behind the point, sign, letters, year-like."""
    whole, _, decimals = part.digits.replace(",", "").partition(".")
    zeros = len(decimals) - len(decimals.lstrip("0"))
    size = "year" if len(whole) == 4 and whole[:2] in ("19", "20") and not decimals else len(whole)
    if whole.strip("0") == "":
        size = 0
    round_ = len(whole) - len(whole.rstrip("0")) if not decimals else 0
    return (
        f"{size}.{min(len(decimals), 6)}z{min(zeros, 4)}r{min(round_, 3)}{part.tail}{part.unit}"
        f"{',' in part.digits}{ranged}"
    )


# --- features -------------------------------------------------------------------------------

_OWN_VIEWS = (
    View("how it is written", 0), View("its own form", 0), View("its size", 0),
    View("form and word before", -1), View("form and word behind", 1),
    View("what parts it from the number before"), View("what parts it from the number behind"),
    View("how far from the number before"), View("how far from the number behind"),
    View("how far from the middle of the post's numbers"), View("written like the one before"),
    View("numbers in the post"), View("side of the post"), View("its place among the numbers"),
    View("cue on the left and distance of the number before"), View("part of a range"),
    View("side of the post and cue on the left"),
    View("word before the list"), View("two words before the list"), View("words before the list"),
    View("word behind the list"), View("words behind the list"), View("role cue before the list"),
    View("role word before the list"), View("role cues around the list"),
    View("role word behind the list"), View("side of the post and role cue before the list"),
    View("words since the role cue"), View("role word and words since"),
    View("words until the role cue"), View("role word and words until"),
    View("place in the list and role cue"), View("place in the list and size"),
    View("place in the list and word before"), View("numbers since the role cue"),
    View("was or will be"), View("was or will be, and role cue"), View("was or will be, and word"),
    View("role cue behind, first on its line"), View("was or will be: word"),
    View("against the first number"), View("against the first number, and side"),
    View("against the first number, and role cue"), View("against the first number, and word before"),
)  # fmt: skip
VIEWS: tuple[View, ...] = (*_OWN_VIEWS, *WINDOW_VIEWS, *CUE_VIEWS)
_SALTS = np.array([salt(f"level:{v.name}") for v in _OWN_VIEWS])
_MIX = np.uint64(0xC2B2AE3D27D4EB4F)
#: steps of the log10 of a ratio of two prices
_STEPS = np.array(
    [-1.5, -0.5, -0.18, -0.04, -0.015, -0.004, -1e-9, 1e-9, 0.004, 0.015, 0.04, 0.18, 0.5, 1.5]
)
_BUYS = np.array([cue in ("buy", "long") for cue in CUES] + [False] * (32 - len(CUES)))
_SELLS = np.array([cue in ("sell", "short") for cue in CUES] + [False] * (32 - len(CUES)))


class Beside(NamedTuple):
    """Neighbours of each candidate among the numbers of its post, and how far they are."""

    before: Ints  #: index of the number before it, or itself
    after: Ints
    has_before: NDArray[np.bool_]
    has_after: NDArray[np.bool_]
    step_before: Ints  #: bucket of its size against the number before
    step_after: Ints
    gap_before: Ints  #: tokens between, at most 9
    gap_after: Ints
    head: Ints  #: index of the first number of its list or range
    tail: Ints  #: index of the last
    side: Ints  #: 1 where the post buys first, 2 where it sells first, else 0


def beside(a: Around, numbers: Numbers) -> Beside:
    """Who stands beside whom."""
    n = len(numbers.place)
    index = np.arange(n)
    same = a.post[1:] == a.post[:-1]
    has_before = np.concatenate([[False], same])
    has_after = np.concatenate([same, [False]])
    before, after = index - has_before, index + has_after
    size, place = numbers.size, numbers.place
    step_before = np.searchsorted(_STEPS, size - size[before])
    step_after = np.searchsorted(_STEPS, size[after] - size)
    gap = np.minimum(place[1:] - place[:-1], 9)
    gap_before = np.concatenate([[9], gap])
    gap_after = np.concatenate([gap, [9]])
    is_side = (_BUYS | _SELLS)[a.cues]
    first = np.minimum.accumulate(np.where(is_side, np.arange(len(a.cues)), len(a.cues))[::-1])
    first = first[::-1][a.low]
    said = a.cues[np.minimum(first, len(a.cues) - 1)]
    side = np.where(first < a.high, np.where(_BUYS[said], 1, 2), 0)
    head, tail = _chains(a, place, same)
    return Beside(
        before, after, has_before, has_after, step_before, step_after, gap_before, gap_after,
        head, tail, side,
    )  # fmt: skip


def _chains(a: Around, place: Ints, same: NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """First and last number of the list or range that each number stands in.

    Two numbers are in one list where no word stands between them, or one that joins.
    """
    n = len(place)
    index = np.arange(n)
    gap = place[1:] - place[:-1]
    joint = (gap == 2) & (a.cues[place[1:] - 1] == JOINT)
    wordless = (a.words[place[1:]] == a.words[place[:-1]]) & (gap <= 9)
    joined = same & (joint | wordless)
    head = np.maximum.accumulate(np.where(np.concatenate([[False], joined]), 0, index))
    tail = np.where(np.concatenate([joined, [False]]), n, index)
    return head, np.minimum.accumulate(tail[::-1])[::-1]


def rows(a: Around, numbers: Numbers, by: Beside) -> NDArray[np.int32]:
    """Weight rows of the views of each candidate, shape (n, len(VIEWS))."""
    window, norms = windows(a, "level")
    size, shape = numbers.size, numbers.shape
    order = np.lexsort((size, a.post))
    count = np.bincount(a.post, minlength=len(a.batch.starts))
    begin = np.cumsum(count) - count
    middle = size[order[(begin + count // 2)[a.post]]]
    many = np.minimum(count[a.post], 15)
    rank = np.minimum(np.arange(len(size)) - begin[a.post], 6)
    left = np.where(a.left > a.low, a.cues[a.left], 0)
    same = a.left > a.line
    nothing = np.zeros(len(size), np.int64)
    head, tail = by.head, by.tail
    inner, ends = head < np.arange(len(size)), tail > np.arange(len(size))
    strong_left, strong_right = a.strong_left[head], a.strong_right[tail]
    strong_at = np.minimum(strong_right, len(a.cues) - 1)
    strong = np.where(strong_left > a.low, a.cues[strong_left], 0)
    behind = np.where(strong_right < a.high, a.cues[strong_at], 0)
    since = np.minimum(a.words[a.first[head]] - a.words[strong_left], 7)
    until = np.minimum(a.words[strong_at] - a.words[a.first[tail]], 7)
    spot = inner + 2 * ends
    against = np.where(inner, np.searchsorted(_STEPS, size - size[head]), 16)
    against = np.where(inner | ~ends, against, np.searchsorted(_STEPS, size - size[tail]))
    index = np.arange(len(size))
    said = a.ends[a.tense[head]] == a.ends[a.first[head]]
    told = np.where(said & (a.tense[head] > a.low), a.cues[a.tense[head]], 0)
    lead = np.searchsorted(_STEPS, size - size[begin[a.post]]) * 2 + (rank > 0)
    opening = a.first - a.line < 3
    passed = np.minimum(index - np.searchsorted(a.first, strong_left, side="right"), 7)
    near = a.ends[a.first[head]] == a.ends[strong_left]
    close_behind = a.ends[a.first[tail]] == a.ends[strong_at]
    codes = np.stack(
        [
            nothing, nothing, np.floor(size * 2).astype(np.int64) + 64, nothing, nothing,
            by.gap_before * 2 + by.has_before, by.gap_after * 2 + by.has_after,
            np.where(by.has_before, by.step_before, 31), np.where(by.has_after, by.step_after, 31),
            np.searchsorted(_STEPS, size - middle) * 2 + (many > 1),
            shape == shape[by.before], many, by.side, rank * 16 + many,
            (left * 10 + by.gap_before) * 2 + same, numbers.part, (left * 4 + by.side) * 2 + same,
            inner, inner, inner, ends, ends, (strong * 2 + near) * 2 + inner, near,
            ((strong * 2 + near) * 32 + behind) * 2 + close_behind, close_behind,
            (strong * 2 + near) * 4 + by.side,
            (strong * 8 + since) * 2 + near, since, behind * 8 + until, until,
            (spot * 32 + strong) * 2 + near, spot * 32 + against, spot, (strong * 8 + passed) * 2 + near,
            told, told * 32 + strong, told, (opening * 32 + behind) * 8 + until, told,
            lead, lead * 4 + by.side, lead * 32 + strong, lead,
        ],
        axis=1,
    ).astype(np.uint64)  # fmt: skip
    hashes = codes * _MIX + _SALTS
    half = norms.shape[1] // 2
    hashes[:, 0] ^= shape
    hashes[:, 1] ^= a.batch.page.norms[a.batch.ids[a.first]]
    hashes[:, 3] ^= shape ^ norms[:, half - 1] * _MIX
    hashes[:, 4] ^= shape ^ norms[:, half] * _MIX
    # short gaps: the words between are told apart
    close = by.gap_before <= 3
    hashes[:, 5] ^= np.where(close, norms[:, half - 1], 0)
    close = by.gap_after <= 3
    hashes[:, 6] ^= np.where(close, norms[:, half], 0)
    l1, l2, r1, r2 = (norms[:, half + o] for o in (-1, -2, 0, 1))
    hashes[:, 17] ^= l1[head]
    hashes[:, 18] ^= l2[head]
    hashes[:, 19] ^= l1[head] ^ l2[head] * _MIX
    hashes[:, 20] ^= r1[tail]
    hashes[:, 21] ^= r1[tail] ^ r2[tail] * _MIX
    own = a.batch.page.norms[a.batch.ids]
    hashes[:, 23] ^= own[strong_left]
    hashes[:, 25] ^= own[strong_at]
    hashes[:, 28] ^= own[strong_left]
    hashes[:, 30] ^= own[strong_at]
    hashes[:, 33] ^= l1[head]
    hashes[:, 37] ^= l1[head]
    hashes[:, 39] ^= own[a.tense[head]]
    hashes[:, 43] ^= l1
    return np.concatenate([rows_of(hashes), window, cue_rows(a, "level")], axis=1)


def shared(
    odds: NDArray[np.float32], a: Around, numbers: Numbers, by: Beside
) -> NDArray[np.float32]:
    """Role log-odds with what a list and a repeated price share.

    The numbers of one list or range take their mean; a price named twice in a post takes half of
    the mean of its mentions. Both were worth a point of accuracy in grouped cross-validation.
    """
    if (by.head != np.arange(len(odds))).any():
        odds = _mean(odds, by.head)
    first: dict[tuple[int, float], int] = {}
    keys = zip(a.post.tolist(), numbers.size.tolist(), strict=True)
    same = [first.setdefault(key, i) for i, key in enumerate(keys)]
    if len(first) < len(same):
        odds = (odds + _mean(odds, np.array(same, np.int64))) / 2
    return odds


def strikes(numbers: Numbers) -> NDArray[np.bool_]:
    """Numbers that are an option's strike by how they are written: "250p", "440c"."""
    return np.array([known.part.tail in ("p", "c") for known in numbers.known], bool)


def _mean(odds: NDArray[np.float32], group: Ints) -> NDArray[np.float32]:
    """Each line replaced by the mean of the lines of its group."""
    total = np.zeros_like(odds)
    np.add.at(total, group, odds)
    count = np.bincount(group, minlength=len(odds))
    mean: NDArray[np.float32] = total[group] / count[group, None].astype(np.float32)
    return mean


_BY_CUE = {
    "target": "target", "stop": "stop", "entry": "entry", "buy": "entry", "sell": "entry",
    "long": "entry", "short": "entry",
    "support": "support", "resistance": "resistance", "break": "resistance", "above": "resistance",
    "below": "support", "lost": "support", "last": "last", "close": "last", "exit": "exit",
    "to": "target", "level": "support",
}  # fmt: skip
_RULED = np.array([ROLES.index(_BY_CUE[cue]) if cue in _BY_CUE else -1 for cue in CUES])


def by_rule(a: Around) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(chances of being a price, roles) without a model: the nearest role cue on the left says it.

    Chances are .8 and .1, the role has .8.
    """
    left = np.where((a.strong_left > a.low) & (a.first - a.strong_left < 12), a.strong_left, 0)
    role = _RULED[a.cues[left]]
    roles = np.full((len(role), len(ROLES)), 0.2 / (len(ROLES) - 1))
    roles[np.arange(len(role)), np.maximum(role, 0)] = 0.8
    return np.where(role >= 0, 0.8, 0.1), roles
