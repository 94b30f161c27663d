"""Words whose sense something around them turns: where they stand, by what turns them.

The words that do so have flags (forms.py); the views that this gives are those of features.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from .features import (
    EMOJI,
    END,
    HOLLOW,
    LEAVING,
    NEGATION,
    OPTION,
    OWNING,
    POSITION,
    SELLING,
    UNDOING,
    Turns,
    norm_of,
    norms_of,
)
from .reading import Batch

SCOPE, UNDO_SCOPE, LEAVE_SCOPE = 3, 4, 6  # tokens that a negation, ... reaches
# an array without an axis: numpy takes three times as long for a number beside an array
_TURNING = np.array(NEGATION | UNDOING | LEAVING | SELLING)
_HELD, _STOPS, _IDLE = POSITION | OPTION, END | EMOJI, NEGATION | HOLLOW


def turned(batch: Batch) -> Turns:
    """Words whose sense something around them turns: "not bullish" must not count as "bullish".

    There the views of the single token count TURNED, and a view of their own stands beside them, as
    NOT_ features do (Das & Chen 2001, on stock message boards): ``negated`` behind a negation,
    ``undone`` before a word like "failed" or "trapped" ("the uptrend is broken"), ``left`` the
    name of a position behind a word that ends one ("covered my short", "sold puts").
    """
    (at,) = (batch.flags & _TURNING).nonzero()
    if not len(at):
        return {}
    flags = batch.flags.data
    turning = [(place, flags[place]) for place in at.tolist()]  # one in three posts
    negated: set[int] = set()
    undone: set[int] = set()
    left: set[int] = set()
    for place, kinds in turning:
        if kinds & NEGATION and _negates(batch, place):
            negated.update(_reached(flags, place, SCOPE))
    for place, kinds in turning:
        if place not in negated:  # "isn't broken", "not closing my long"
            if kinds & UNDOING:
                undone.update(_reached(flags, place, -UNDO_SCOPE))
            if kinds & LEAVING:
                left.update(_given_up(flags, place))
        if kinds & SELLING:
            # "180 puts sold to open"; "sold short" is another thing
            sold = (*_reached(flags, place, LEAVE_SCOPE), *_reached(flags, place, -1))
            left.update([at for at in sold if flags[at] & OPTION])
    found = {"negated": negated, "undone": undone, "left": left}
    return {view: _in_order(places) for view, places in found.items() if places}


def _negates(batch: Batch, at: int) -> bool:
    """Whether what looks like a negation is one: "no doubt" and "not only" negate nothing, and
    "never been this bullish" and "can't be more" say the most.
    """
    flags = batch.flags.data
    if flags[at + 1] & _IDLE or flags[at - 1] & NEGATION:
        return False
    if at + 2 >= len(flags):
        return True
    one, two = batch.page.norms[batch.ids[at + 1 : at + 3]].tolist()
    return not ((one in _BEEN and two in _MOST) or (one == _BE and two == _MORE))


_BEEN, _MOST = (frozenset(norms_of(w).tolist()) for w in ("been felt looked", "more so this as"))
_BE, _MORE = norm_of("be"), norm_of("more")


def places_of(turns: Turns) -> NDArray[np.int64]:
    """All places that something turns around, each once, in order."""
    if len(turns) == 1:
        return next(iter(turns.values()))
    return _in_order({at for places in turns.values() for at in places.tolist()})


def _in_order(places: set[int]) -> NDArray[np.int64]:
    return np.array(sorted(places), np.int64)


def _reached(flags: Sequence[int], at: int, scope: int) -> range:
    """Places up to ``scope`` tokens behind (below 0: before) the place ``at``; what ends a clause
    ends its reach, and so does an emoji: "it will not be 🚀" is rare, "not me 🚀" is common.
    """
    step = 1 if scope > 0 else -1
    reached = range(at + step, at + scope + step, step)
    for n, place in enumerate(reached):
        if flags[place] & _STOPS:  # START is an END, too
            return reached[:n]
    return reached


def _given_up(flags: Sequence[int], at: int) -> Iterator[int]:
    """The positions that the verb at a place ends: "covered the last of my $ETH short". Only words
    that say whose and how much may stand between: "close below 60k and short" ends none.
    """
    for place in range(at + 1, at + 1 + LEAVE_SCOPE):
        if flags[place] & _HELD:
            yield place
        if flags[place] & _HELD or not flags[place] & OWNING:
            return
