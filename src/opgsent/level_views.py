"""What speaks for and against a number being a price in some role: its weight rows.

Beside the words and cues around it (spans.py), a number is seen among the numbers of its post:
its list or range, how far it is from the one before, the first and the middle one.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .clauses import clauses, today
from .cues import CUES, JOINT
from .level_rules import Said, said
from .levels import Numbers, strikes
from .spans import (
    BARRIER,
    CUE_VIEWS,
    LONG,
    ONE,
    SECOND,
    SEVEN,
    STEPS,
    THREE,
    TWO,
    Around,
    Codes,
    Ints,
    Rows,
    View,
    Window,
    cue_hashes,
    first_of,
    lines_of,
    places_of,
    rows_of,
    salts,
)  # fmt: skip

_OWN_VIEWS = (
    View("how it is written", 0), View("its own form", 0), View("its size", 0),
    View("form and word before", -1), View("form and word behind", 1),
    View("what parts it from the number before"), View("what parts it from the number behind"),
    View("how far from the number before"), View("how far from the number behind"),
    View("how far from the middle of the post's numbers"), View("written like the one before"),
    View("numbers in the post"), View("side of the post"), View("its place among the numbers"),
    View("cue on the left and distance of the number before"), View("part of a range"),
    View("side of the post and cue on the left"),
    View("word before the list"), View("two words before the list"),
    View("word behind the list"), View("role cue before the list"),
    View("role word before the list"), View("role cues around the list"),
    View("role word behind the list"), View("side of the post and role cue before the list"),
    View("words since the role cue"), View("role word and words since"),
    View("words until the role cue"), View("role word and words until"),
    View("place in the list and role cue"), View("place in the list and size"),
    View("place in the list and word before"), View("numbers since the role cue"),
    View("was or will be"), View("was or will be, and role cue"), View("was or will be, and word"),
    View("role cue behind, first on its line"), View("was or will be: word"),
    View("against the first number"), View("against the first number, and side"),
    View("against the first number, and role cue"),
    View("against the first number, and word before"),
    View("phrase before"), View("phrase behind"), View("what a rule says"), View("went or may go"),
    View("verb before, and tense"), View("verb and preposition before"), View("verb behind"),
    View("against the price of the day"), View("against the price of the day, and role cue"),
    View("against the price of the day, and verb"), View("naming word before"),
    View("naming word and preposition before"),
)  # fmt: skip
_WINDOW = Window("level", 9, near=3)
VIEWS: tuple[View, ...] = (*_OWN_VIEWS, *_WINDOW.views, *CUE_VIEWS)
#: side of each cue class: 1 buys, 2 sells
_SIDE = np.array([{"buy": 1, "long": 1, "sell": 2, "short": 2}.get(cue, 0) for cue in CUES])
_TO, _JOINT = np.array(CUES.index("to")), np.array(JOINT)
_SIX, _MANY, _SIXTEEN, _NO_STEP, _WIDER = map(np.array, (6, 15, 16, 31, 64))
_TWICE = np.array(2.0)
_ROLES = frozenset("target stop entry buy sell long short support resistance option".split())
_NAMES_ROLE = np.array([cue in _ROLES for cue in CUES] + [False] * (32 - len(CUES)))


class Beside(NamedTuple):
    """Each candidate among the numbers of its post."""

    number: Ints  #: 0, 1, 2 ...
    before: Ints  #: index of the number before it, or itself
    has_before: NDArray[np.bool_]
    has_after: NDArray[np.bool_]
    step_before: Ints  #: bucket of its size against the number before
    step_after: Ints
    gap_before: Ints  #: tokens between, at most 9
    gap_after: Ints
    order: Ints  #: the numbers of each post by their size
    head: Ints  #: index of the first number of its list or range
    tail: Ints  #: index of the last
    side: Ints  #: 1 where the post buys first, 2 where it sells first, else 0
    said: Said  #: by the words around it


def beside(a: Around, numbers: Numbers) -> Beside:
    """Who stands beside whom."""
    r, place, size = a.runs, numbers.place, numbers.size
    n = len(place)
    index = np.arange(n)
    # between each two, and before the first and behind the last
    has, steps, gaps = np.zeros(n + 1, bool), np.empty(n + 1, np.int64), np.empty(n + 1, np.int64)
    steps.fill(31)
    gaps.fill(9)
    head = tail = order = index
    if n > 1:
        has[1:-1] = same = r.post[1:] == r.post[:-1]
        gap = place[1:] - place[:-1]
        steps[1:-1] = np.where(same, STEPS.searchsorted(size[1:] - size[:-1]), _NO_STEP)
        gaps[1:-1] = np.where(same, np.minimum(gap, LONG), LONG)
        head, tail = _chains(a, numbers, same, gap)
        order = np.lexsort((size, r.post))
    first = first_of(places_of(_SIDE[a.cues].astype(bool)), r.low)
    side = _SIDE[a.cues[np.minimum(first, r.high)]]
    return Beside(
        index, index - has[:-1], has[:-1], has[1:], steps[:-1], steps[1:], gaps[:-1], gaps[1:],
        order, head, tail, side, said(a, numbers, head, tail),
    )  # fmt: skip


def _chains(a: Around, numbers: Numbers, same: NDArray[np.bool_], gap: Ints) -> tuple[Ints, Ints]:
    """First and last number of the list or range that each number stands in.

    Two numbers are in one list where no word stands between them, or one that joins, nor a sign
    that names a role ("149.85 ⛔ 150.40 ✅ 149.20"), and not one alone is a strike ("590c @ 0.85").
    So are the ends of a zone: "support zone 2.1 to 2.15".
    """
    place, size, strike = numbers.place, numbers.size, strikes(numbers)
    n = len(place)
    index = np.arange(n)
    between = (gap == TWO) * a.cues[place[1:] - ONE]
    joint = between == _JOINT
    to = between == _TO
    if np.count_nonzero(to):
        zone = BARRIER[a.role_left[:-1]] & (place[:-1] - a.strong_left[:-1] < 5)
        joint |= to & zone & (np.abs(size[1:] - size[:-1]) < 0.08)
    wordless = (a.words[place[1:]] == a.words[place[:-1]]) & (gap <= LONG)
    roles = _NAMES_ROLE[a.cues].cumsum()
    parted = (roles[place[1:] - ONE] != roles[place[:-1]]) | (strike[1:] != strike[:-1])
    joined = same & (joint | wordless) & ~parted
    if not np.count_nonzero(joined):
        return index, index
    head, tail = index.copy(), index.copy()
    head[1:][joined] = 0
    tail[:-1][joined] = n
    return np.maximum.accumulate(head), np.minimum.accumulate(tail[::-1])[::-1]


def rows(a: Around, numbers: Numbers, by: Beside) -> Rows:
    """Weight rows of the views of each candidate, shape (len(VIEWS), n)."""
    r = a.runs
    window, norms, _ = _WINDOW.read(r)
    half = _WINDOW.far
    size, shape, head, tail, index = numbers.size, numbers.shape, by.head, by.tail, by.number
    # the numbers of its post
    begin = r.post.searchsorted(r.post)
    count = r.post.searchsorted(r.post, side="right") - begin
    middle = size[by.order[begin + (count >> ONE)]]
    many = np.minimum(count, _MANY)
    rank = np.minimum(index - begin, _SIX)
    inner, outer = head < index, tail > index
    end = np.where(inner, head, np.where(outer, tail, begin))
    against = STEPS.searchsorted(size - np.array([middle, size[begin], size[end]]))
    from_middle, lead, across = against
    across = np.where(inner | outer, across, _SIXTEEN)
    # the cues of its list
    strong_left, tense, strong_right = a.strong_left[head], a.tense[head], a.strong_right[tail]
    strong, tells, behind = a.role_left[head], a.told[head], a.role_right[tail]
    first_at, last_at = r.first[head], r.first[tail]
    since = np.minimum(a.words[first_at] - a.words[strong_left], SEVEN)
    until = np.minimum(a.words[strong_right] - a.words[last_at], SEVEN)
    here = a.ends[first_at]
    near = here == a.ends[strong_left]
    close = a.ends[last_at] == a.ends[strong_right]
    told = tells * (here == a.ends[tense])
    passed = np.minimum(index - r.first.searchsorted(strong_left, side="right"), SEVEN)
    clause = clauses(a, head, tail)
    price = today(r, size, clause)
    hashes = _CODES.hashes(
        [
            np.floor(size * _TWICE).astype(np.int64) + _WIDER,
            by.gap_before, by.has_before, by.gap_after, by.has_after, by.step_before, by.step_after,
            from_middle, many > ONE, shape == shape[by.before], many, by.side, rank,
            a.cue_left, numbers.part, inner, outer, strong, near, behind, close, since, until,
            across, passed, told, r.first - a.line < THREE, lead, rank.astype(bool),
            by.said.before, by.said.behind, by.said.rule, by.said.moved,
            clause.verb, clause.tensed, clause.preposition, clause.between, clause.verb_behind,
            clause.words_behind, price, clause.naming, clause.same, clause.line, clause.passed,
        ]
    )  # fmt: skip
    l1, l2, r1 = norms[half - 1], norms[half - 2], norms[half]
    before, behind_it = l1[head], r1[tail]
    own_left, own_right = a.norms[strong_left], a.norms[strong_right]
    hashes[_NAMED] ^= lines_of(
        [
            shape, a.norms[r.first], shape ^ l1 * SECOND, shape ^ r1 * SECOND,
            # short gaps: the words between are told apart
            l1 * (by.gap_before <= THREE), r1 * (by.gap_after <= THREE),
            before, l2[head], behind_it,
            own_left, own_right, own_left, own_right, before, before, a.norms[tense], l1,
        ]
    )  # fmt: skip
    return rows_of(np.concatenate([hashes, window, cue_hashes(a)]))


def _codes(
    size: Ints, gap_before: Ints, has_before: Ints, gap_after: Ints, has_after: Ints,
    step_before: Ints, step_after: Ints, from_middle: Ints, several: Ints, alike: Ints,
    many: Ints, side: Ints, rank: Ints, cue_left: Ints, part: Ints, inner: Ints, outer: Ints,
    strong: Ints, near: Ints, behind: Ints, close: Ints, since: Ints, until: Ints, across: Ints,
    passed: Ints, told: Ints, opens: Ints, lead: Ints, later: Ints, said_before: Ints,
    said_behind: Ints, rule: Ints, moved: Ints, verb: Ints, tensed: Ints, preposition: Ints,
    between: Ints, verb_behind: Ints, words_behind: Ints, price: Ints, naming: Ints, same: Ints,
    line: Ints, named_ago: Ints,
) -> list[Ints]:  # fmt: skip
    none = side * 0
    spot, role, after, lead, name = (
        inner + 2 * outer,
        strong * 2 + near,
        behind * 8 + until,
        lead * 2 + later,
        naming * 2 + same,
    )
    return [
        none, none, size, none, none, gap_before * 2 + has_before, gap_after * 2 + has_after,
        step_before, step_after, from_middle * 2 + several, alike, many, side, rank * 16 + many,
        cue_left * 10 + gap_before, part, cue_left * 4 + side, inner, inner, outer,
        role * 2 + inner, near, (role * 32 + behind) * 2 + close, close, role * 4 + side,
        role * 8 + since, since, after, until, spot * 64 + role, spot * 32 + across, spot,
        role * 8 + passed, told, told * 32 + strong, told, after * 2 + opens, told,
        lead, lead * 4 + side, lead * 32 + strong, lead, said_before, said_behind, rule, moved,
        (verb * 32 + told) * 2 + tensed, (verb * 16 + preposition) * 2 + between,
        verb_behind * 8 + words_behind, price, price * 32 + strong, price * 64 + verb,
        (name * 2 + line) * 4 + named_ago, name * 16 + preposition,
    ]  # fmt: skip


_CODES = Codes(_codes, 44, salts("level", [v.name for v in _OWN_VIEWS]))
#: the views that tell a word, in the order of the words above
_NAMED = np.array([0, 1, 3, 4, 5, 6, 17, 18, 19, 21, 23, 26, 28, 31, 35, 37, 41])
