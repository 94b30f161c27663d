"""What stands around a candidate, as rows of a hashed weight table: one numpy pass a batch.

A candidate is a run of tokens ``first .. last`` of one post. ``View`` names a column of rows and
says which token it speaks of, so that an explanation can point at it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .candidates import CUE_MASK, CUE_SHIFT, SHAPE_MASK, SHAPE_SHIFT
from .cues import COLON, ENTRY, FUTURE, JOINT, LINE, PAST, STOP, STRONG, TARGET
from .features import COUNTS, END, hashed
from .reading import Batch

Ints = NDArray[np.int64]
Hashes = NDArray[np.uint64]

BITS = 16
ROWS = 1 << BITS  # weight rows of each table
NEAR = 6  # tokens read by their place, to the left
NEAR_RIGHT = 5
FAR = 9  # tokens read whatever their place, on either side
_OFFSETS = np.array([*range(-FAR, 0), *range(1, FAR + 1)])
_RIGHT = _OFFSETS > 0

_MIX = np.uint64(0x9E3779B97F4A7C15)
_SECOND = np.uint64(0xC2B2AE3D27D4EB4F)
_DOWN = np.uint64(64 - BITS)


def salt(name: str) -> np.uint64:
    """A constant that keeps the views of different names apart."""
    return np.uint64(hashed("span:" + name))


def rows_of(values: Hashes) -> NDArray[np.int32]:
    """Weight rows of hashes."""
    return ((values * _MIX) >> _DOWN).astype(np.int32)


@dataclass(frozen=True, slots=True)
class View:
    """One column of rows: its name, and the place of its token beside the candidate, or None."""

    name: str
    offset: int | None = None


@dataclass(slots=True)
class Around:
    """The surroundings of candidates, and the hashes of what they say, column by column."""

    batch: Batch
    flags: NDArray[np.uint32]  #: of all tokens of the batch
    first: Ints
    last: Ints
    post: Ints  #: the post of each candidate
    low: Ints  #: place of START before it
    high: Ints  #: place behind its post
    cues: NDArray[np.int64]  #: cue class of all tokens
    left: Ints  #: place of the nearest cue to the left (line breaks left out), or low
    right: Ints  #: place of the nearest cue to the right, or high
    line: Ints  #: place of the last line break before it, or low
    strong_left: Ints  #: place of the nearest cue that names a role, to the left, or low
    strong_right: Ints  #: the same to the right, or high
    tense: Ints  #: place of the nearest word on the left that says was or will be, or low
    ends: Ints  #: ends of sentences up to each place of the batch
    words: Ints  #: words up to each place


def around(batch: Batch, flags: NDArray[np.uint32], first: Ints, last: Ints) -> Around:
    """Find the surroundings of the candidates ``first .. last`` of a batch."""
    post = np.searchsorted(batch.starts, first, side="right") - 1
    low, high = batch.starts[post], batch.starts[post + 1]
    cues = cue_classes(flags)
    # "Stop targets", "entry target": the first of two says the role
    (second,) = np.nonzero((cues[1:] == TARGET) & ((cues[:-1] == STOP) | (cues[:-1] == ENTRY)))
    cues[second + 1] = cues[second]
    place = np.arange(len(cues))
    is_cue = _IS_CUE[cues]
    left = np.maximum.accumulate(np.where(is_cue, place, 0))[first - 1]
    # reversed minimum: the next cue at or behind each place
    right = np.minimum.accumulate(np.where(is_cue, place, len(cues))[::-1])[::-1]
    right = np.minimum(right[np.minimum(last + 1, len(cues) - 1)], high)
    line = np.maximum.accumulate(np.where(cues == LINE, place, 0))[first - 1]
    strong = _IS_STRONG[cues]
    strong_left = np.maximum.accumulate(np.where(strong, place, 0))[first - 1]
    strong_right = np.minimum.accumulate(np.where(strong, place, len(cues))[::-1])[::-1]
    strong_right = np.minimum(strong_right[np.minimum(last + 1, len(cues) - 1)], high)
    tense = np.maximum.accumulate(np.where((cues == PAST) | (cues == FUTURE), place, 0))[first - 1]
    ends = np.cumsum(_ENDS[cues] & ((flags & np.uint32(END)) != 0))
    words = np.cumsum(batch.page.counts[batch.ids, _WORD], dtype=np.int64)
    return Around(
        batch, flags, first, last, post, low, high, cues,
        np.maximum(left, low), right, np.maximum(line, low),
        np.maximum(strong_left, low), strong_right, np.maximum(tense, low), ends, words,
    )  # fmt: skip


_WORD = COUNTS.index("word")
_IS_CUE = np.array([0 < c < LINE and c not in (JOINT, COLON) for c in range(32)])
_ENDS = np.array([c not in (JOINT, COLON) for c in range(32)])
_IS_STRONG = np.array([c in STRONG for c in range(32)])


WINDOW_VIEWS: tuple[View, ...] = (
    *(View("word", o) for o in range(-NEAR, 0)),
    *(View("word", o) for o in range(1, NEAR_RIGHT + 1)),
    *(View("nearby", o) for o in _OFFSETS.tolist()),
    View("words before", -1), View("words behind", 1), View("words around", 1),
    View("three words before", -1),
)  # fmt: skip


def windows(a: Around, name: str) -> tuple[NDArray[np.int32], Hashes]:
    """(rows shape (n, len(WINDOW_VIEWS)), hashes of the tokens at _OFFSETS, shape (n, 18))."""
    place = np.where(_RIGHT, a.last[:, None], a.first[:, None]) + _OFFSETS
    inside = (place > a.low[:, None]) & (place < a.high[:, None])
    norms = a.batch.page.norms[a.batch.ids[np.where(inside, place, 0)]]
    near = norms[:, FAR - NEAR : FAR + NEAR_RIGHT]
    mixed = norms * _SECOND
    l1, l2, l3 = mixed[:, FAR - 1], norms[:, FAR - 2], norms[:, FAR - 3]
    r1, r2 = norms[:, FAR], mixed[:, FAR + 1]
    several = np.stack(
        [l1 ^ l2, r1 ^ r2, l1 ^ r1, (l1 ^ l2) * _MIX ^ l3], axis=1
    )
    hashes = np.concatenate(
        [near + _POSITIONS[name], mixed + _BAGS[name], several + _SEVERAL[name]], axis=1
    )
    return rows_of(hashes), norms


_NAMES = ("ticker", "level")
_PLACES = [o for o in _OFFSETS.tolist() if -NEAR <= o <= NEAR_RIGHT]
_POSITIONS = {n: np.array([salt(f"{n}:{o}") for o in _PLACES]) for n in _NAMES}
_BAGS = {
    n: np.array([salt(f"{n}:{'right' if o > 0 else 'left'}") for o in _OFFSETS.tolist()])
    for n in _NAMES
}
_SEVERAL = {n: np.array([salt(f"{n}:several {i}") for i in range(4)]) for n in _NAMES}

CUE_VIEWS: tuple[View, ...] = (
    View("cue on the left"), View("cue word on the left"), View("cue on the right"),
    View("cue word on the right"), View("cues on both sides"), View("first cue of the line"),
    View("last cue before the line"), View("second cue on the left"), View("first on its line"),
    View("role word on the left"), View("role cue on the left"), View("role word on the right"),
    View("role cue on the right"), View("role cues on both sides"),
)  # fmt: skip


def cue_rows(a: Around, name: str) -> NDArray[np.int32]:
    """Rows of the cues around, shape (n, len(CUE_VIEWS))."""
    norms, ids = a.batch.page.norms, a.batch.ids
    reach = len(a.cues) - 1
    same = a.left > a.line
    near = np.minimum(a.first - a.left, 7)
    lc = np.where(a.left > a.low, a.cues[a.left], 0)
    ahead = np.minimum(a.right - a.last, 7)
    right = np.minimum(a.right, reach)
    rc = np.where(a.right < a.high, a.cues[right], 0)
    is_cue = _IS_CUE[a.cues]
    place = np.arange(len(a.cues))
    after = np.minimum.accumulate(np.where(is_cue, place, reach)[::-1])[::-1]
    opener = after[np.minimum(a.line + 1, reach)]
    oc = np.where(opener < a.first, a.cues[opener], 0)
    before = np.maximum.accumulate(np.where(is_cue, place, 0))
    head = before[a.line]
    hc = np.where(head > a.low, a.cues[head], 0)
    second = before[np.maximum(a.left - 1, 0)]
    sc = np.where(second > a.low, a.cues[second], 0)
    sl = np.where(a.strong_left > a.low, a.cues[a.strong_left], 0)
    strong_right = np.minimum(a.strong_right, reach)
    sr = np.where(a.strong_right < a.high, a.cues[strong_right], 0)
    sl_far = np.minimum(a.ends[a.first] - a.ends[a.strong_left], 2)
    sr_far = np.minimum(a.ends[strong_right] - a.ends[a.last], 2)
    codes = np.stack(
        [
            (lc * 2 + same) * 8 + near,
            same * 4 + np.minimum(near // 2, 3),
            rc * 8 + ahead,
            np.minimum(ahead // 2, 3),
            (lc * 2 + same) * 32 + rc,
            oc * 2 + same,
            hc * 2 + same,
            (sc * 32 + lc) * 2 + same,
            np.minimum(a.first - a.line, 6),
            sl_far, (sl * 3 + sl_far) * 2 + (a.strong_left > a.line), sr_far, sr * 3 + sr_far,
            ((sl * 3 + sl_far) * 32 + sr) * 3 + sr_far,
        ],
        axis=1,
    ).astype(np.uint64)
    hashes = codes * _SECOND + _CUE_SALTS[name]
    hashes[:, 1] ^= norms[ids[a.left]]
    hashes[:, 3] ^= norms[ids[right]]
    hashes[:, 9] ^= norms[ids[a.strong_left]]
    hashes[:, 11] ^= norms[ids[strong_right]]
    return rows_of(hashes)


_CUE_SALTS = {n: np.array([salt(f"{n}:{v.name}") for v in CUE_VIEWS]) for n in _NAMES}


def cue_classes(flags: NDArray[np.uint32]) -> Ints:
    """Cue class of each token."""
    return ((flags >> CUE_SHIFT) & CUE_MASK).astype(np.int64)


def shapes(flags: NDArray[np.uint32]) -> NDArray[np.int64]:
    """Shape bits of tokens: case, knowledge, kind of a word."""
    return ((flags >> SHAPE_SHIFT) & SHAPE_MASK).astype(np.int64)
