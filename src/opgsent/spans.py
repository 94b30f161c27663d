"""What stands around a candidate, as rows of a hashed weight table: one numpy pass a batch.

A candidate is a run of tokens ``first .. last`` of one post. ``View`` names a line of rows and
says which token it speaks of, so that an explanation can point at it. Rows have the shape
(views, candidates): a batch of one post is a few dozen numpy calls, whatever its length.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .candidates import CUE_MASK, CUE_SHIFT, PRICE, SHAPE_MASK, SHAPE_SHIFT
from .cues import COLON, CUES, ENTRY, FUTURE, JOINT, LINE, PAST, STOP, STRONG, TARGET
from .features import COUNTS, EMOJI, END, hashed, norm_of
from .phrases import HINTS
from .reading import Batch

Ints = NDArray[np.int64]
Hashes = NDArray[np.uint64]
Rows = NDArray[np.int64]

BITS = 16
ROWS = 1 << BITS  # weight rows of each table
FEW = 32  # candidates up to which a product of matrices is faster than formulas
NEAR, NEAR_RIGHT = 6, 5  # most tokens read by their place, to the left and to the right

#: steps of the log10 of a ratio of two prices
STEPS = np.array(
    [-1.5, -0.5, -0.18, -0.04, -0.015, -0.004, -1e-9, 1e-9, 0.004, 0.015, 0.04, 0.18, 0.5, 1.5]
)

# constants beside arrays are arrays without an axis: numpy takes three times as long for a number
_MIX = np.array(0x9E3779B97F4A7C15, np.uint64)
SECOND = np.array(0xC2B2AE3D27D4EB4F, np.uint64)
_DOWN = np.array(64 - BITS, np.uint64)
ZERO, ONE, TWO, THREE, FIVE, SEVEN, LONG = map(np.array, (0, 1, 2, 3, 5, 7, 9))
_TARGET, _STOP, _LINE, _END, _EMOJI, _HINTS = map(np.array, (TARGET, STOP, LINE, END, EMOJI, HINTS))
_SIX, _ONES = np.array(6), np.ones(FEW, np.int64)
_SHIFT_CUE, _CUES_ALONE = np.array(CUE_SHIFT), np.array(CUE_MASK)
_SHIFT_SHAPE, _SHAPES_ALONE = np.array(SHAPE_SHIFT), np.array(SHAPE_MASK)
_WORD = COUNTS.index("word")


def salt(name: str) -> np.uint64:
    """A constant that keeps the views of different names apart."""
    return np.uint64(hashed("span:" + name))


def salts(model: str, names: list[str]) -> Hashes:
    """Salts of the views of a model, one a line, shape (views, 1)."""
    return np.array([[salt(f"{model}:{name}")] for name in names])


def rows_of(values: Hashes) -> Rows:
    """Weight rows of hashes."""
    values = values * _MIX
    values >>= _DOWN
    return values.view(np.int64)


def lines_of(values: Sequence[NDArray[Any]]) -> Hashes:
    """Values of n candidates, one view a line, shape (views, n)."""
    joined = np.concatenate(values, dtype=np.uint64, casting="unsafe")  # a bool is 0 or 1
    return joined.reshape(len(values), -1)


def coded(codes: Sequence[NDArray[Any]], of_views: Hashes) -> Hashes:
    """Hashes of the codes of some views, whose salts are given; shape (views, n)."""
    hashes = lines_of(codes)
    hashes *= SECOND
    hashes += of_views
    return hashes


class Codes:
    """Codes that are sums of multiples of ``terms`` numbers, hashed; one view a line.

    For few candidates all of them are one product of matrices, as fast as two or three formulas.
    """

    def __init__(self, formulas: Callable[..., Sequence[Ints]], terms: int, salts: Hashes) -> None:
        self.terms, self._formulas, self._salts = terms, formulas, salts
        factors = np.array(formulas(*np.eye(terms, dtype=np.int64))).astype(np.uint64)
        self._matrix = np.concatenate([factors * SECOND, salts], axis=1)

    def hashes(self, terms: Sequence[NDArray[Any]]) -> Hashes:
        """Hashes of n candidates, shape (views, n)."""
        if len(terms[0]) > FEW:
            return coded(self._formulas(*terms), self._salts)
        found: Hashes = self._matrix @ lines_of([*terms, _ONES[: len(terms[0])]])
        return found


def cue_classes(flags: NDArray[np.int64]) -> Ints:
    """Cue class of each token."""
    found: Ints = (flags >> _SHIFT_CUE) & _CUES_ALONE
    return found


def cue_class(flags: int) -> int:
    """Cue class of one token."""
    return flags >> CUE_SHIFT & CUE_MASK


def shapes(flags: NDArray[np.int64]) -> Ints:
    """Shape bits of tokens: case, knowledge, kind of a word."""
    found: Ints = (flags >> _SHIFT_SHAPE) & _SHAPES_ALONE
    return found


def among(values: NDArray[Any], words: NDArray[Any]) -> NDArray[np.bool_]:
    """Which values are one of a few words, which are in order: ``np.isin``, far faster."""
    found: NDArray[np.bool_] = words[words[:-1].searchsorted(values)] == values
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
    behind = batch.starts.searchsorted(first, side="right")
    post = behind - ONE
    return Runs(batch, first, last, post, batch.starts[post], batch.starts[behind])


# --- the words around -----------------------------------------------------------------------


class Window:
    """The views of the words within ``far`` tokens, for one model; ``near`` are read by place."""

    def __init__(self, model: str, far: int, near: int = NEAR) -> None:
        self.far = far
        offsets = [*range(-far, 0), *range(1, far + 1)]
        self._offsets = np.array(offsets)[:, None]
        places = [o for o in offsets if -near <= o <= NEAR_RIGHT]
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

    def read(self, r: Runs, room: int = 0) -> tuple[Hashes, Hashes, Ints]:
        """(hashes (views, n), norms (2 far, n), places (2 far, n), those of START outside the
        post). Before the hashes is ``room`` for those of other views.
        """
        far = self.far
        place = self._offsets + r.first
        if r.last is not r.first:
            place[far:] += r.last - r.first
        place = np.minimum(np.maximum(place, r.low), r.high)
        norms = r.batch.page.norms[r.batch.ids[place]]
        hashes = np.empty((room + len(self._salts), len(r.first)), np.uint64)
        found, near = hashes, self._near.stop - self._near.start
        hashes = hashes[room:]
        hashes[:near] = norms[self._near]
        mixed = np.multiply(norms, SECOND, out=hashes[near : near + 2 * far])
        before, behind = mixed[far - 1], norms[far]
        two = before ^ norms[far - 2]
        hashes[-4] = two
        hashes[-3] = behind ^ mixed[far + 1]
        hashes[-2] = before ^ behind
        hashes[-1] = two * _MIX ^ norms[far - 3]
        hashes += self._salts
        return found, norms, place


# --- the cues around ------------------------------------------------------------------------

_IS_CUE = np.array([0 < c < LINE and c not in (JOINT, COLON) for c in range(32)])
_IS_SIGN = np.array([c in (TARGET, STOP) for c in range(32)])
_IS_STRONG = np.array([c in STRONG for c in range(32)])
_IS_TENSE = np.array([c in (PAST, FUTURE) for c in range(32)])
BARRIER = np.array([cue in ("support", "resistance") for cue in CUES])  #: is a cue class one?
_NEXT = np.uint64(norm_of("next"))
_CALLS_TARGET = np.array([c in (STOP, ENTRY) for c in range(32)])
_ENDS = np.array([c not in (JOINT, COLON) for c in range(32)])


class Around(NamedTuple):
    """The cues around candidates. Places are those of tokens; low or high where there is none."""

    runs: Runs
    norms: Hashes  #: of all tokens
    cues: Ints  #: cue class of all tokens
    marks: Ints  #: places of all cues, see ``places_of``
    left: Ints  #: nearest cue to the left of each candidate
    strong_left: Ints  #: nearest cue that names a role
    tense: Ints  #: nearest word that says was or will be
    line: Ints  #: last line break before it
    right: Ints
    strong_right: Ints
    cue_left: Ints  #: cue class of left, 0 for none, times two, and whether it is of the same line
    role_left: Ints  #: that of strong_left, 0 for none; those of the next three
    told: Ints
    cue_right: Ints
    role_right: Ints
    ends: Ints  #: ends of sentences up to each token
    words: Ints  #: words up to each token
    hints: Ints  #: of all tokens, see phrases.py


def around(r: Runs, cues: Ints) -> Around:
    """Find the cues around candidates; ``cues`` are the cue classes of the batch."""
    batch, cues = r.batch, cues.copy()
    norms = batch.page.norms[batch.ids]
    # "Stop targets", "entry target": the first of two says the role
    (second,) = (_CALLS_TARGET[cues[:-1]] & (cues[1:] == _TARGET)).nonzero()
    if len(second):
        cues[second + 1] = 0
    # the "next stop" of a journey is where the price goes
    (stops,) = (cues[1:] == _STOP).nonzero()
    if len(stops):
        cues[stops[norms[stops] == _NEXT] + 1] = TARGET
    _bulleted(batch, cues)
    marks, strong = places_of(_IS_CUE[cues]), places_of(_IS_STRONG[cues])
    sought = marks, strong, places_of(_IS_TENSE[cues]), places_of(cues == _LINE)
    left, strong_left, tense, line = [np.maximum(last_of(p, r.first), r.low) for p in sought]
    right, strong_right = [np.minimum(first_of(p, r.last), r.high) for p in sought[:2]]
    nearest = np.array([left, strong_left, tense, right, strong_right])
    cue_left, role_left, told, cue_right, role_right = cues[nearest]  # START is no cue
    ends = (_ENDS[cues] & (batch.flags & _END).astype(bool)).cumsum()
    words = batch.page.counts[:, _WORD][batch.ids].cumsum(dtype=np.int64)
    return Around(
        r, norms, cues, marks, left, strong_left, tense, line, right, strong_right,
        cue_left * TWO + (left > line), role_left, told, cue_right, role_right,
        ends, words, batch.flags >> _HINTS,
    )  # fmt: skip


def places_of(marked: NDArray[np.bool_]) -> Ints:
    """The places of marked tokens of a batch, between its first place and its last, which it
    marks, too, in place: so that a search always ends at a place.
    """
    marked[0] = marked[-1] = True
    return marked.nonzero()[0]


def last_of(places: Ints, before: Ints) -> Ints:
    """The last of ``places_of`` that stands before each place, or the first of all."""
    return places[places[1:].searchsorted(before)]


def first_of(places: Ints, behind: Ints) -> Ints:
    """The first of ``places_of`` that stands behind each place but the last."""
    return places[places.searchsorted(behind, side="right")]


def _bulleted(batch: Batch, cues: Ints) -> None:
    """Take their meaning from emoji that are the bullets of supports or resistances: "Supports:
    ✅ 2,480 ✅ 2,390"; behind a number they have one of their own.
    """
    emoji = (batch.flags & _EMOJI).astype(bool)
    (signs,) = (_IS_SIGN[cues] & emoji).nonzero()
    if not len(signs):
        return
    (words,) = (_IS_STRONG[cues] & ~emoji).nonzero()
    at = words.searchsorted(signs) - 1
    told = at >= 0
    head = words[at[told]]
    signs = signs[told]
    opens = batch.starts[batch.starts.searchsorted(signs) - 1]
    (prices,) = (batch.flags & PRICE).nonzero()
    first = signs[signs.searchsorted(head)]
    bullets = (head > opens) & BARRIER[cues[head]]
    bullets &= prices.searchsorted(head) == prices.searchsorted(first)
    cues[signs[bullets]] = 0


CUE_VIEWS: tuple[View, ...] = (
    View("cue on the left"), View("cue word on the left"), View("cue on the right"),
    View("cue word on the right"), View("cues on both sides"), View("first cue of the line"),
    View("last cue before the line"), View("second cue on the left"), View("first on its line"),
    View("role word on the left"), View("role cue on the left"), View("role word on the right"),
    View("role cue on the right"), View("role cues on both sides"),
)  # fmt: skip


def _cue_codes(
    both: Ints, near: Ints, same: Ints, nearer: Ints, rc: Ints, ahead: Ints, closer: Ints,
    oc: Ints, hc: Ints, sc: Ints, first: Ints, sl: Ints, sl_far: Ints, sl_same: Ints,
    sr: Ints, sr_far: Ints,
) -> list[Ints]:  # fmt: skip
    strong = sl * 3 + sl_far
    return [
        both * 8 + near, same * 4 + nearer, rc * 8 + ahead, closer, both * 32 + rc,
        oc * 2 + same, hc * 2 + same, sc * 64 + both, first,
        sl_far, strong * 2 + sl_same, sr_far, sr * 3 + sr_far, (strong * 32 + sr) * 3 + sr_far,
    ]  # fmt: skip


_CUE_CODES = Codes(_cue_codes, 16, salts("level", [v.name for v in CUE_VIEWS]))


def cue_hashes(a: Around) -> Hashes:
    """Hashes of the cues around, shape (len(CUE_VIEWS), n)."""
    r, both, sl, rc, sr = a.runs, a.cue_left, a.role_left, a.cue_right, a.role_right
    opener = first_of(a.marks, a.line)
    before = np.array([last_of(a.marks, a.line), last_of(a.marks, a.left)])
    hc, sc = a.cues[np.maximum(before, r.low)]
    oc = a.cues[opener] * (opener < r.first)
    same = both & ONE
    near = np.minimum(r.first - a.left, SEVEN)
    ahead = np.minimum(a.right - r.last, SEVEN)
    here = a.ends[r.first]
    sl_far = np.minimum(here - a.ends[a.strong_left], TWO)
    sr_far = np.minimum(a.ends[a.strong_right] - here, TWO)
    hashes = _CUE_CODES.hashes(
        [
            both, near, same, near >> ONE, rc, ahead, ahead >> ONE, oc, hc, sc,
            np.minimum(r.first - a.line, _SIX), sl, sl_far, a.strong_left > a.line, sr, sr_far,
        ]
    )  # fmt: skip
    hashes[_NAMED] ^= a.norms[np.array([a.left, a.right, a.strong_left, a.strong_right])]
    return hashes


_NAMED = np.array([1, 3, 9, 11])  # the views that tell the cue's own word
