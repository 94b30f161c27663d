"""Tokens -> price levels: candidates by grammar, a model decides whether a price and which role.

A candidate is one number; a range token holds several. Two passes: the first guesses each role
from the words around, the second also sees the guesses for the numbers beside it and in the
whole post, so that a ladder under one heading shares its role.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .candidates import PRICE
from .cues import CUES
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

#: the classes of the role model: ROLES, then "no level"
CLASSES: tuple[str, ...] = (*ROLES, "none")
NONE = len(ROLES)


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
)  # fmt: skip
VIEWS: tuple[View, ...] = (*_OWN_VIEWS, *WINDOW_VIEWS, *CUE_VIEWS)
_SALTS = np.array([salt(f"level:{v.name}") for v in _OWN_VIEWS])
_MIX = np.uint64(0xC2B2AE3D27D4EB4F)
#: steps of the log10 of a ratio of two prices
_STEPS = np.array(
    [-1.5, -0.5, -0.18, -0.04, -0.015, -0.004, -1e-9, 1e-9, 0.004, 0.015, 0.04, 0.18, 0.5, 1.5]
)
_BUY, _SELL = CUES.index("buy"), CUES.index("sell")


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
    is_side = (a.cues == _BUY) | (a.cues == _SELL)
    first = np.minimum.accumulate(np.where(is_side, np.arange(len(a.cues)), len(a.cues))[::-1])
    first = first[::-1][a.low]
    said = a.cues[np.minimum(first, len(a.cues) - 1)]
    side = np.where(first < a.high, np.where(said == _BUY, 1, 2), 0)
    return Beside(
        before, after, has_before, has_after, step_before, step_after, gap_before, gap_after, side
    )


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
    codes = np.stack(
        [
            nothing, nothing, np.floor(size * 2).astype(np.int64) + 64, nothing, nothing,
            by.gap_before * 2 + by.has_before, by.gap_after * 2 + by.has_after,
            np.where(by.has_before, by.step_before, 31), np.where(by.has_after, by.step_after, 31),
            np.searchsorted(_STEPS, size - middle) * 2 + (many > 1),
            shape == shape[by.before], many, by.side, rank * 16 + many,
            (left * 10 + by.gap_before) * 2 + same, numbers.part, (left * 4 + by.side) * 2 + same,
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
    return np.concatenate([rows_of(hashes), window, cue_rows(a, "level")], axis=1)


HINT_VIEWS: tuple[View, ...] = (
    View("role of the number before"), View("role of the number behind"),
    View("roles on both sides"), View("role before and distance"),
    View("role behind and distance"), View("role before and cue"),
    *(View(f"{role} elsewhere in the post") for role in ROLES),
    View("side of the entry"), View("side of the last price"),
)  # fmt: skip
_HINT_SALTS = np.array([salt(f"hint:{v.name}") for v in HINT_VIEWS])


def hint_rows(
    a: Around, numbers: Numbers, by: Beside, guess: NDArray[np.float32]
) -> NDArray[np.int32]:
    """Rows of what the first pass says of the other numbers; ``guess`` has shape (n, classes)."""
    role = guess.argmax(axis=1)
    before = np.where(by.has_before, role[by.before], 15)
    after = np.where(by.has_after, role[by.after], 15)
    left = np.where(a.left > a.low, a.cues[a.left], 0)
    posts = len(a.batch.starts)
    held = np.zeros((posts, len(CLASSES)), np.int64)
    np.add.at(held, (a.post, role), 1)
    elsewhere = held[a.post]
    elsewhere[np.arange(len(role)), role] -= 1
    sides = [
        _side_of(a, numbers, guess, ROLES.index(name)) * 4 + by.side for name in ("entry", "last")
    ]
    codes = np.stack(
        [
            before, after, before * 16 + after,
            (before * 16 + by.step_before) * 10 + by.gap_before,
            (after * 16 + by.step_after) * 10 + by.gap_after,
            (before * 32 + left) * 2 + (a.left > numbers.place[by.before]),
            *(np.minimum(elsewhere[:, i], 2) for i in range(len(ROLES))),
            *sides,
        ],
        axis=1,
    ).astype(np.uint64)  # fmt: skip
    return rows_of(codes * _MIX + _HINT_SALTS)


def _side_of(a: Around, numbers: Numbers, guess: NDArray[np.float32], role: int) -> Ints:
    """Bucket of each size against the post's first number that is likely in the role, or 15."""
    likely = guess.argmax(axis=1) == role
    size = np.full(len(a.batch.starts), np.nan)
    where = np.nonzero(likely)[0][::-1]
    size[a.post[where]] = numbers.size[where]
    against = numbers.size - size[a.post]
    return np.where(np.isnan(against), 15, np.searchsorted(_STEPS, against))


_BY_CUE = {
    "target": "target", "stop": "stop", "entry": "entry", "buy": "entry", "sell": "entry",
    "support": "support", "resistance": "resistance", "break": "resistance", "above": "resistance",
    "below": "support", "lost": "support", "last": "last", "close": "last", "exit": "exit",
    "to": "target", "level": "support",
}  # fmt: skip
_RULED = np.array([CLASSES.index(_BY_CUE.get(cue, "none")) for cue in CUES])


def by_rule(a: Around, numbers: Numbers, by: Beside) -> NDArray[np.float64]:
    """Roles without a model: the nearest cue on the left says it, with probability .8."""
    left = np.where((a.left > a.low) & (a.first - a.left < 12), a.cues[a.left], 0)
    role = _RULED[left]
    chance = np.full((len(role), len(CLASSES)), 0.2 / NONE)
    chance[np.arange(len(role)), role] = 0.8
    return chance
