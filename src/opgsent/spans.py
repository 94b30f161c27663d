"""What stands around a candidate, as rows of a hashed weight table: one numpy pass a batch.

A candidate is a run of tokens ``first .. last`` of one post. ``View`` names a line of rows and
says which token it speaks of, so that an explanation can point at it. Rows have the shape
(views, candidates): a batch of one post is a few dozen numpy calls, whatever its length.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .candidates import CUE_MASK, CUE_SHIFT, SHAPE_MASK, SHAPE_SHIFT
from .cues import COLON, ENTRY, FUTURE, JOINT, LINE, PAST, STOP, STRONG, TARGET
from .features import COUNTS, END, hashed, norm_of
from .phrases import HINTS
from .reading import Batch

Ints = NDArray[np.int64]
Hashes = NDArray[np.uint64]
Rows = NDArray[np.int32]

BITS = 16
ROWS = 1 << BITS  # weight rows of each table
NEAR, NEAR_RIGHT = 6, 5  # tokens read by their place, to the left and to the right

_MIX = np.uint64(0x9E3779B97F4A7C15)
SECOND = np.uint64(0xC2B2AE3D27D4EB4F)
_DOWN = np.uint64(64 - BITS)
_WORD = COUNTS.index("word")


def salt(name: str) -> np.uint64:
    """A constant that keeps the views of different names apart."""
    return np.uint64(hashed("span:" + name))


def salts(model: str, names: list[str]) -> Hashes:
    """Salts of the views of a model, one a line, shape (views, 1)."""
    return np.array([[salt(f"{model}:{name}")] for name in names])


def rows_of(values: Hashes) -> Rows:
    """Weight rows of hashes."""
    return ((values * _MIX) >> _DOWN).astype(np.int32)


def cue_classes(flags: NDArray[np.int64]) -> Ints:
    """Cue class of each token."""
    found: Ints = (flags >> CUE_SHIFT) & CUE_MASK
    return found


def cue_class(batch: Batch, place: int) -> int:
    """Cue class of one token."""
    return int(batch.flags[place]) >> CUE_SHIFT & CUE_MASK


def shapes(flags: NDArray[np.int64]) -> Ints:
    """Shape bits of tokens: case, knowledge, kind of a word."""
    found: Ints = (flags >> SHAPE_SHIFT) & SHAPE_MASK
    return found


def among(values: NDArray[Any], words: NDArray[Any]) -> NDArray[np.bool_]:
    """Which values are one of a few words: ``np.isin``, for a few words five times as fast."""
    found: NDArray[np.bool_] = (values[..., None] == words).any(axis=-1)
    return found


@dataclass(frozen=True, slots=True)
class View:
    """One line of rows: its name, and the place of its token beside the candidate, or None."""

    name: str
    offset: int | None = None


class Runs(NamedTuple):
    """Candidates as runs of tokens, and the bounds of the post of each."""

    batch: Batch
    first: Ints
    last: Ints
    post: Ints
    low: Ints  #: place of START before it
    high: Ints  #: place behind its post


def runs(batch: Batch, first: Ints, last: Ints) -> Runs:
    """The candidates ``first .. last`` of a batch."""
    post = batch.starts.searchsorted(first, side="right") - 1
    low, high = batch.starts.take(post), batch.starts.take(post + 1)
    return Runs(batch, first, last, post, low, high)


# --- the words around -----------------------------------------------------------------------


class Window:
    """The views of the words within ``far`` tokens, for one model."""

    def __init__(self, model: str, far: int) -> None:
        self.far = far
        offsets = [*range(-far, 0), *range(1, far + 1)]
        self._offsets = np.array(offsets)[:, None]
        places = [o for o in offsets if -NEAR <= o <= NEAR_RIGHT]
        self._near = slice(offsets.index(places[0]), offsets.index(places[-1]) + 1)
        self.views: tuple[View, ...] = (
            *(View("word", o) for o in places),
            *(View("nearby", o) for o in offsets),
            View("words before", -1), View("words behind", 1), View("words around", 1),
            View("three words before", -1),
        )  # fmt: skip
        self._salts = np.concatenate(
            [
                salts(model, [str(o) for o in places]),
                salts(model, ["right" if o > 0 else "left" for o in offsets]),
                salts(model, [f"several {i}" for i in range(4)]),
            ]
        )

    def read(self, r: Runs) -> tuple[Hashes, Hashes, Ints]:
        """(hashes (views, n), norms (2 far, n), places (2 far, n), 0 outside the post)."""
        far = self.far
        place = self._offsets + r.first
        if r.last is not r.first:
            place[far:] += r.last - r.first
        place *= (place > r.low) & (place < r.high)
        norms = r.batch.page.norms.take(r.batch.ids.take(place))
        mixed = norms * SECOND
        hashes = np.empty((len(self._salts), len(r.first)), np.uint64)
        near = self._near.stop - self._near.start
        hashes[:near] = norms[self._near]
        hashes[near : near + 2 * far] = mixed
        before, behind = mixed[far - 1], norms[far]
        two = before ^ norms[far - 2]
        hashes[-4] = two
        hashes[-3] = behind ^ mixed[far + 1]
        hashes[-2] = before ^ behind
        hashes[-1] = two * _MIX ^ norms[far - 3]
        hashes += self._salts
        return hashes, norms, place


# --- the cues around ------------------------------------------------------------------------

_IS_CUE = [0 < c < LINE and c not in (JOINT, COLON) for c in range(32)]
_IS_STRONG = [c in STRONG for c in range(32)]
#: cue class -> is it looked for to the left as: any cue, one that names a role, a tense, a line end
_LEFT = np.array([_IS_CUE, _IS_STRONG, [c in (PAST, FUTURE) for c in range(32)],
                  [c == LINE for c in range(32)]])  # fmt: skip
_RIGHT = np.array([_IS_CUE, _IS_STRONG])
_NEXT = np.uint64(norm_of("next"))
_CALLS_TARGET = np.array([c in (STOP, ENTRY) for c in range(32)])
_ENDS = np.array([c not in (JOINT, COLON) for c in range(32)])


class Around(NamedTuple):
    """The cues around candidates. Places are those of tokens; low or high where there is none."""

    runs: Runs
    cues: Ints  #: cue class of all tokens
    before: Ints  #: place of the last cue at or before each token
    after: Ints  #: place of the first cue at or behind each token
    left: Ints  #: nearest cue to the left of each candidate
    strong_left: Ints  #: nearest cue that names a role
    tense: Ints  #: nearest word that says was or will be
    line: Ints  #: last line break before it
    right: Ints
    strong_right: Ints
    ends: Ints  #: ends of sentences up to each token
    words: Ints  #: words up to each token
    hints: Ints  #: of all tokens, see phrases.py


def around(r: Runs, cues: Ints) -> Around:
    """Find the cues around candidates; ``cues`` are the cue classes of the batch."""
    batch, cues = r.batch, cues.copy()
    # "Stop targets", "entry target": the first of two says the role
    (second,) = (_CALLS_TARGET[cues[:-1]] & (cues[1:] == TARGET)).nonzero()
    cues[second + 1] = 0
    # the "next stop" of a journey is where the price goes
    (stops,) = (cues[1:] == STOP).nonzero()
    if len(stops):
        cues[stops[batch.page.norms[batch.ids[stops]] == _NEXT] + 1] = TARGET
    n = len(cues)
    place = np.arange(n)
    before = np.maximum.accumulate(_LEFT[:, cues] * place, axis=1)
    left, strong_left, tense, line = np.maximum(before[:, r.first - 1], r.low)
    behind = np.where(_RIGHT[:, cues], place, n)[:, ::-1]
    after = np.minimum.accumulate(behind, axis=1)[:, ::-1]
    right, strong_right = np.minimum(after[:, np.minimum(r.last + 1, n - 1)], r.high)
    ends = (_ENDS[cues] & ((batch.flags & END) != 0)).cumsum()
    words = batch.page.counts[batch.ids, _WORD].cumsum(dtype=np.int64)
    return Around(
        r, cues, before[0], after[0], left, strong_left, tense, line, right, strong_right,
        ends, words, batch.flags >> HINTS,
    )  # fmt: skip


CUE_VIEWS: tuple[View, ...] = (
    View("cue on the left"), View("cue word on the left"), View("cue on the right"),
    View("cue word on the right"), View("cues on both sides"), View("first cue of the line"),
    View("last cue before the line"), View("second cue on the left"), View("first on its line"),
    View("role word on the left"), View("role cue on the left"), View("role word on the right"),
    View("role cue on the right"), View("role cues on both sides"),
)  # fmt: skip
_CUE_SALTS = salts("level", [v.name for v in CUE_VIEWS])


def cue_hashes(a: Around) -> Hashes:
    """Hashes of the cues around, shape (len(CUE_VIEWS), n)."""
    r = a.runs
    norms, ids = r.batch.page.norms, r.batch.ids
    reach = len(a.cues) - 1
    opener = np.minimum(a.after[np.minimum(a.line + 1, reach)], reach)
    head = a.before[a.line]
    second = a.before[np.maximum(a.left - 1, 0)]
    right = np.minimum(a.right, reach)
    strong_right = np.minimum(a.strong_right, reach)
    places = np.array([a.left, head, second, a.strong_left, opener, right, strong_right])
    inside = places > r.low
    inside[4] = opener < r.first
    inside[5] = a.right < r.high
    inside[6] = a.strong_right < r.high
    lc, hc, sc, sl, oc, rc, sr = a.cues[places] * inside
    same = a.left > a.line
    near = np.minimum(r.first - a.left, 7)
    ahead = np.minimum(a.right - r.last, 7)
    here = a.ends[r.first]
    sl_far = np.minimum(here - a.ends[a.strong_left], 2)
    sr_far = np.minimum(a.ends[strong_right] - here, 2)
    both = lc * 2 + same
    strong = sl * 3 + sl_far
    codes = np.array(
        [
            both * 8 + near, same * 4 + near // 2, rc * 8 + ahead, ahead // 2, both * 32 + rc,
            oc * 2 + same, hc * 2 + same, sc * 64 + both, np.minimum(r.first - a.line, 6),
            sl_far, strong * 2 + (a.strong_left > a.line), sr_far, sr * 3 + sr_far,
            (strong * 32 + sr) * 3 + sr_far,
        ]
    )  # fmt: skip
    hashes: Hashes = codes.astype(np.uint64) * SECOND + _CUE_SALTS
    hashes[_NAMED] ^= norms[ids[places[_NAMES]]]
    return hashes


_NAMED = np.array([1, 3, 9, 11])  # the views that tell the cue's own word
_NAMES = np.array([0, 5, 3, 6])  # and where it stands among ``places``
