"""Tokens -> price levels: candidates by grammar, a model decides whether a price and which role.

A candidate is one number; a range token holds several. One model says whether a number is a
price, another which role it has; then the numbers of a list, and the mentions of one price, are
made to agree.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .candidates import PRICE
from .cues import CUES
from .features import hashed, norms_of
from .numerals import STRIKE, Part, parts_of, traits_of
from .reading import Batch
from .result import ROLES
from .spans import ONE, Around, Ints, among

SUPPORT, RESISTANCE = ROLES.index("support"), ROLES.index("resistance")
SURELY = np.float32(6.0)  #: log-odds
FARTHEST = np.float32(6.0)  #: a role stands at most so far behind the best when numbers share
COLUMNS = 1 + len(ROLES)  #: of the weights: log-odds of being a price, then of each role


class Number(NamedTuple):
    """What is known of a number whatever stands around it."""

    part: Part
    size: float  #: log10 of its value; 0 is -20
    shape: int  #: hash of how it is written
    traits: int  #: bits of numerals.traits_of


class Numbers(NamedTuple):
    """Price candidates of a batch in order; a range gives several at one place."""

    place: Ints
    part: Ints  #: which number of the token
    size: NDArray[np.float64]
    shape: NDArray[np.uint64]
    traits: Ints
    known: list[Number]


def find(batch: Batch) -> Numbers:
    """All numbers of a batch that could be a price."""
    (at,) = (batch.flags & _PRICE).nonzero()
    if not len(at):
        return _NONE
    page, notes = batch.page, batch.page.notes
    numbers = batch.ids[at].tolist()
    known: list[Number] = []
    place: list[int] = []
    index: list[int] = []
    for where, number in zip(at.tolist(), numbers, strict=True):
        found = notes[number]
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
        np.array([n.traits for n in known], np.int64),
        known,
    )


_PRICE, _STRIKE, _FARTHEST = np.array(PRICE), np.array(STRIKE), np.array(FARTHEST)
_NOWHERE = np.empty(0, np.int64)
_NONE = Numbers(_NOWHERE, _NOWHERE, np.empty(0), np.empty(0, np.uint64), _NOWHERE, [])


def numbers_of(token: str) -> tuple[Number, ...]:
    """The numbers of a token with their size and shape."""
    found: list[Number] = []
    for part in parts_of(token):
        size = math.log10(part.value) if part.value else -20.0
        ranged = bool(found) or part.end < len(token) - len(part.tail)
        # as Number(...) makes it, in half the time
        found.append(tuple.__new__(Number, (part, size, _shape(part, ranged), traits_of(part))))
    return tuple(found)


def _shape(part: Part, ranged: bool) -> int:
    """How a number is written: digits before and behind the point, sign, letters, year-like."""
    digits, comma = part.digits, "," in part.digits
    whole, _, decimals = (digits.replace(",", "") if comma else digits).partition(".")
    size, zeros, round_ = len(whole), 0, 0
    if decimals:
        zeros = len(decimals) - len(decimals.lstrip("0"))
    else:
        round_ = size - len(whole.rstrip("0"))
    year = size == 4 and not decimals and whole[:2] in ("19", "20")
    if not whole.strip("0"):
        size = 0
    return _shape_hash(
        "year" if year else size, min(len(decimals), 6), min(zeros, 4), min(round_, 3),
        part.tail, part.unit, comma, ranged,
    )  # fmt: skip


@lru_cache(4096)  # there are few
def _shape_hash(
    size: str | int, places: int, zeros: int, round_: int, tail: str, unit: str | None,
    comma: bool, ranged: bool,
) -> int:  # fmt: skip
    return hashed(f"{size}.{places}z{zeros}r{round_}{tail}{unit}{comma}{ranged}")


def strikes(numbers: Numbers) -> NDArray[np.bool_]:
    """Which are written as an option's strike: "250p"."""
    found: NDArray[np.bool_] = (numbers.traits & _STRIKE).astype(bool)
    return found


# --- agreement ------------------------------------------------------------------------------


def shared(
    odds: NDArray[np.float32], post: Ints, numbers: Numbers, order: Ints, head: Ints
) -> NDArray[np.float32]:
    """Role log-odds with what a list and a repeated price share.

    The numbers of one list or range take their mean; a price named twice in a post takes half of
    the mean of its mentions. Both were worth a point of accuracy in grouped cross-validation.
    What one number is very sure of outvotes no other that is sure: log-odds end at FARTHEST.
    ``order`` is that of the numbers of each post by their size.
    """
    odds = np.maximum(odds, odds.max(axis=1, keepdims=True) - _FARTHEST)
    if len(odds) == 1:
        return odds
    index = np.arange(len(odds))
    if np.count_nonzero(head != index):
        odds = _mean(odds, head)
    size, post = numbers.size[order], post[order]
    again = (size[1:] == size[:-1]) & (post[1:] == post[:-1])
    if np.count_nonzero(again):
        first, same = index.copy(), index.copy()
        first[1:][again] = 0
        same[order] = order[np.maximum.accumulate(first)]
        odds = (odds + _mean(odds, same)) * np.float32(0.5)
    return odds


_BETWEEN = norms_of("between btw within")
_NEAR, _BOUNDS = np.array([1, 2, 3]), np.array([SUPPORT, RESISTANCE])


def bounded(
    odds: NDArray[np.float32], a: Around, numbers: Numbers, head: Ints, tail: Ints
) -> NDArray[np.float32]:
    """Role log-odds in which the ends of a range that holds the price part: "between 4 and 5".

    ``shared`` makes both ends support, or both resistance; the lower one is support, the upper one
    resistance. Ranges of entries or targets are left alone.
    """
    (pairs,) = ((tail - head == ONE) & (head == np.arange(len(head)))).nonzero()
    if not len(pairs):
        return odds
    r = a.runs
    near = np.maximum(r.first[pairs, None] - _NEAR, r.low[pairs, None])
    bounds = among(a.norms[near], _BETWEEN).any(axis=1)
    bounds &= among(odds[pairs].argmax(axis=1), _BOUNDS)
    pairs = pairs[bounds]
    if not len(pairs):
        return odds
    odds = odds.copy()
    falls = numbers.size[pairs] > numbers.size[pairs + 1]
    odds[pairs + falls, SUPPORT] += SURELY
    odds[pairs + ~falls, RESISTANCE] += SURELY
    return odds


def _mean(odds: NDArray[np.float32], group: Ints) -> NDArray[np.float32]:
    """Each line replaced by the mean of the lines of its group."""
    width = odds.shape[1]
    at = group[:, None] * width + np.arange(width)
    total = np.zeros(odds.size, np.float32)
    np.add.at(total, at.ravel(), odds.ravel())  # three times as fast flat
    mean: NDArray[np.float32] = total[at] / np.bincount(group)[group, None].astype(np.float32)
    return mean


_BY_CUE = {
    "target": "target", "stop": "stop", "entry": "entry", "buy": "entry", "sell": "entry",
    "long": "entry", "short": "entry",
    "support": "support", "resistance": "resistance", "break": "resistance", "above": "resistance",
    "below": "support", "lost": "support", "last": "last", "close": "last", "exit": "exit",
    "to": "target", "level": "support",
}  # fmt: skip
#: role that each cue class speaks for, -1 for none
ROLE_OF_CUE = np.array([ROLES.index(_BY_CUE[cue]) if cue in _BY_CUE else -1 for cue in CUES])


def by_rule(a: Around) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(chances of being a price, roles) without a model: the nearest role cue on the left says it.

    Chances are .8 and .1, the role has .8.
    """
    left = np.where(
        (a.strong_left > a.runs.low) & (a.runs.first - a.strong_left < 12), a.strong_left, 0
    )
    role = ROLE_OF_CUE[a.cues[left]]
    roles = np.full((len(role), len(ROLES)), 0.2 / (len(ROLES) - 1))
    roles[np.arange(len(role)), np.maximum(role, 0)] = 0.8
    return np.where(role >= 0, 0.8, 0.1), roles
