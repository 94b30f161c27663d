"""Words whose sense something around them turns: where they stand, by what turns them.

The words that do so have flags (forms.py); the views that this gives are those of features.py.
"""

from __future__ import annotations

from collections.abc import Sequence

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
# constants beside arrays are arrays without an axis: numpy takes three times as long for a number
_TURNING = np.array(NEGATION | UNDOING | LEAVING | SELLING)
_NEGATION, _UNDOING, _LEAVING, _SELLING = map(np.array, (NEGATION, UNDOING, LEAVING, SELLING))
_HELD, _OWNING, _STOPS = map(np.array, (POSITION | OPTION, OWNING, END | EMOJI))
_ON, _BACK, _NONE = np.array(1), np.array(-1), np.array(0)


def turned(batch: Batch) -> Turns:
    """Words whose sense something around them turns: "not bullish" must not count as "bullish".

    There the views of the single token count TURNED, and a view of their own stands beside them, as
    NOT_ features do (Das & Chen 2001, on stock message boards): ``negated`` behind a negation,
    ``undone`` before a word like "failed" or "trapped" ("the uptrend is broken"), ``left`` the
    name of a position behind a word that ends one ("covered my short", "sold puts").
    """
    flags = batch.flags
    (at,) = (flags & _TURNING).nonzero()
    if not len(at):
        return {}
    kinds = flags[at]
    no = at[(kinds & _NEGATION).astype(bool)]
    if len(no):  # "no doubt" and "not only" negate nothing
        told = ((flags[no + 1] & (NEGATION | HOLLOW)) == 0) & ((flags[no - 1] & NEGATION) == 0)
        no = no[told]
        no = no[[not _superlative(batch, at) for at in no.tolist()]]
    negated = _reached(flags, no, SCOPE)
    undoing = at[(kinds & _UNDOING).astype(bool)]
    if len(undoing) and len(negated):
        undoing = undoing[~np.isin(undoing, negated)]  # "isn't broken"
    leaving = at[(kinds & _LEAVING).astype(bool)]
    if len(leaving) and len(negated):
        leaving = leaving[~np.isin(leaving, negated)]  # "not closing my long"
    left = _given_up(flags, leaving)
    sales = at[(kinds & _SELLING).astype(bool)]
    if len(sales):
        sold = _reached(flags, sales, LEAVE_SCOPE)
        sold = sold[(flags[sold] & OPTION) != 0]  # "sold short" is another thing
        before = _reached(flags, sales, -1)  # "180 puts sold to open"
        before = before[(flags[before] & OPTION) != 0]
        left += [sold, before]
    found = {
        "negated": negated,
        "undone": _reached(flags, undoing, -UNDO_SCOPE),
        "left": _each_once(left),
    }
    return {view: places for view, places in found.items() if len(places)}


def _superlative(batch: Batch, at: int) -> bool:
    """Whether the negation at a place says the most: "never been this bullish", "can't be more"."""
    if at + 2 >= len(batch.ids):
        return False
    one, two = batch.page.norms[batch.ids[at + 1 : at + 3]].tolist()
    return (one in _BEEN and two in _MOST) or (one == _BE and two == _MORE)


_BEEN, _MOST = (frozenset(norms_of(w).tolist()) for w in ("been felt looked", "more so this as"))
_BE, _MORE = norm_of("be"), norm_of("more")


def places_of(turns: Turns) -> NDArray[np.int64]:
    """All places that something turns around, each once, in order."""
    if len(turns) == 1:
        return next(iter(turns.values()))
    return _each_once(list(turns.values()))


def _each_once(places: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Places of several arrays, each once, in order: for a few far faster than ``np.unique``."""
    found = np.concatenate([_NOWHERE, *places])
    found.sort()
    new = np.concatenate([_FIRST, found[1:] != found[:-1]])[: len(found)]
    once: NDArray[np.int64] = found[new]
    return once


_NOWHERE, _FIRST = np.empty(0, np.int64), np.ones(1, bool)


def _reached(flags: NDArray[np.int64], at: NDArray[np.int64], scope: int) -> NDArray[np.int64]:
    """Places up to ``scope`` tokens behind (below 0: before) the places ``at``; what ends a clause
    ends its reach, and so does an emoji: "it will not be 🚀" is rare, "not me 🚀" is common.
    """
    if not len(at):
        return at
    found = []
    step = _ON if scope > 0 else _BACK
    for _ in range(abs(scope)):
        at = at + step
        at = at[(flags[at] & _STOPS) == _NONE]  # START is an END, too
        if not len(at):
            break
        found.append(at)
    return _each_once(found)


def _given_up(flags: NDArray[np.int64], at: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """The positions that the verbs at places ``at`` end: "covered the last of my $ETH short". Only
    words that say whose and how much may stand between: "close below 60k and short" ends none.
    """
    found = []
    for _ in range(LEAVE_SCOPE):
        if not len(at):
            break
        at = at + _ON
        kinds = flags[at]
        held = (kinds & _HELD).astype(bool)
        found.append(at[held])
        at = at[~held & (kinds & _OWNING).astype(bool)]
    return found
