"""The clause that a number stands in: its verb and preposition, the word that names its role.

And the price of the day, against which other prices of a post are higher or lower: "trading at".
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .cues import CUES
from .phrases import PREPOSITION_MASK, PREPOSITION_SHIFT, VERB_MASK, VERB_SHIFT
from .spans import STEPS, Around, Ints, Runs, first_of, last_of, places_of
from .verbs import FORMS, KINDS

_NAMING = frozenset("target stop entry buy sell support resistance exit option".split())
_NAMES = np.array([cue in _NAMING for cue in CUES])
_TARGET = CUES.index("target")
_TRADES = KINDS.index("trade")
NOWHERE = 20  #: bucket of a price in a post without a price of the day
_ITSELF = 32  #: added to the bucket of that price


class Clause(NamedTuple):
    """What the sentence of each number says, up to the next number's; all shapes (n,)."""

    verb: Ints  #: code of the verb before its list in its sentence, 0 for none
    preposition: Ints  #: the one before it
    between: NDArray[np.bool_]  #: does the preposition stand behind the verb?
    tensed: NDArray[np.bool_]  #: does the word of tense stand before the verb?
    since: Ints  #: words since the verb, at most 4
    verb_behind: Ints
    words_behind: Ints  #: until the verb behind, at most 4
    naming: Ints  #: cue class of the last word that names a role, or trades
    same: NDArray[np.bool_]  #: is it in the same sentence,
    line: NDArray[np.bool_]  #: on the same line,
    passed: Ints  #: and how many numbers later is this one, at most 3


def clauses(a: Around, head: Ints, tail: Ints) -> Clause:
    """Read the clauses; ``head`` and ``tail`` are the first and the last number of each list."""
    r, hints, ends = a.runs, a.hints, a.ends
    first, last = r.first[head], r.last[tail]
    here, there = ends[first], ends[last]
    marks = places_of((hints & VERB_MASK) != 0)
    verb = last_of(marks, first)
    near = (verb > r.low) & (ends[verb] == here)
    behind = first_of(marks, last)
    follows = (behind < r.high) & (ends[behind] == there)
    at = last_of(places_of((hints & PREPOSITION_MASK) != 0), first)
    close = (at > r.low) & (first - at < 6) & (ends[at] == here)
    named = last_of(places_of(_NAMES[a.cues]), first)
    return Clause(
        (hints[verb] & VERB_MASK) * near >> VERB_SHIFT,
        (hints[at] & PREPOSITION_MASK) * close >> PREPOSITION_SHIFT, close & (at > verb),
        a.tense[head] < verb, np.minimum(a.words[first] - a.words[verb], 4) * near,
        (hints[behind] & VERB_MASK) * follows >> VERB_SHIFT,
        np.minimum(a.words[behind] - a.words[last], 4) * follows,
        a.cues[named] * (named > r.low), ends[named] == here, named > a.line[head],
        np.minimum(head - r.first.searchsorted(named, side="right"), 3),
    )  # fmt: skip


def today(r: Runs, size: NDArray[np.float64], said: Clause) -> Ints:
    """Bucket of each number against the price of the day of its post, NOWHERE where none is said.

    That is the first number right behind "trading", "now", "current price" or the like.
    """
    spoken = (said.verb // FORMS == _TRADES) & (said.since <= 2) & (said.naming != _TARGET)
    (at,) = spoken.nonzero()
    found = np.full(len(size), NOWHERE)
    if not len(at):
        return found
    price = at[np.minimum(r.post[at].searchsorted(r.post), len(at) - 1)]
    (known,) = (r.post[price] == r.post).nonzero()
    price = price[known]
    found[known] = STEPS.searchsorted(size[known] - size[price]) + _ITSELF * (price == known)
    return found
