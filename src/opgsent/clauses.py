"""The clause that a number stands in: its verb and preposition, the word that names its role.

And the price of the day, against which other prices of a post are higher or lower: "trading at".
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .candidates import PRICE, TICKER
from .cues import COLON, CUES, ENTRY, FUTURE, LINE, PAST
from .features import NEGATION, norms_of
from .phrases import (
    BETWEEN,
    CLASS,
    CLASSES,
    PREPOSITION_MASK,
    PREPOSITION_SHIFT,
    QUALITY,
    TO,
    VERB_MASK,
    VERB_SHIFT,
)
from .result import ROLES
from .spans import (
    BARRIER,
    ONE,
    STEPS,
    THREE,
    TWO,
    Around,
    Ints,
    Runs,
    among,
    first_of,
    last_of,
    places_of,
)
from .verbs import FORMS, KINDS

_NAMING = frozenset("target stop entry buy sell support resistance exit option".split())
_NAMES = np.array([cue in _NAMING for cue in CUES])
_TARGET = np.array(CUES.index("target"))
_ORDERS = np.array(
    [cue in ("target", "stop", "entry", "buy", "sell", "exit", "option") for cue in CUES]
)
_BUYS = np.array([cue in ("buy", "entry") for cue in CUES])
#: role that a phrase class names, -1 for none
_ROLE_OF_CLASS = np.full(CLASS + 1, -1)
for _role in ("support", "resistance"):
    _ROLE_OF_CLASS[CLASSES.index(_role)] = ROLES.index(_role)
_HOLD, _ABOVE, _ENTRY = map(np.array, (CLASSES.index("hold"), CUES.index("above"), ENTRY))
_NEEDS, _BREAK, _NEXT = norms_of("needs need break"), norms_of("break"), norms_of("next")
_COLONS, _CLOSE, _TO = norms_of(":"), norms_of("close closer"), norms_of("to")
_TRADES = np.array(KINDS.index("trade"))
WENT, MAY_GO, PLAINLY = 1, 2, 4  #: where the price went, may go; and it is a price alone
_LAST_ROLE, _TARGET_ROLE = ROLES.index("last"), ROLES.index("target")
_TENSED = np.array([1, 2])  # "slumps", "slumped"
_BACK = np.arange(1, 21)[:, None]
_FORMER, _NEARING = norms_of("previous"), norms_of("approaches nears")
_NO = np.array(-1)
_CLASS, _EXTREME = np.array(CLASS), np.array(CLASSES.index("extreme"))
_TRADING, _WHERE = np.array(CLASSES.index("trade")), norms_of("at around near @ currently now")
# constants beside arrays are arrays without an axis, see spans.py
_WAS, _WILL, _TOWARDS = map(np.array, (PAST, FUTURE, TO))
_VERB, _PREPOSITION, _PASSES = map(np.array, (VERB_MASK, PREPOSITION_MASK, BETWEEN | QUALITY))
_VERB_SHIFT, _PREPOSITION_SHIFT, _FORMS = map(np.array, (VERB_SHIFT, PREPOSITION_SHIFT, FORMS))
_FOUR, _SIX, _EIGHT = map(np.array, (4, 6, 8))
_TICKERS, _EXIT = np.array(TICKER), np.array(CUES.index("exit"))
_SOLD = norms_of("sold exited trimmed banked bailed covered")
_AT, _CLOSING, _SETTLING, _SESSIONS, _MARKET = map(
    norms_of,
    ("at @", "closed closes close", "opened settled finished ended",
     "day week month session year", "stock shares index price futures market"),
)  # fmt: skip
_OPENING_BRACKET, _CLOSING_BRACKET = norms_of("("), norms_of(")")
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
    naming: Ints  #: cue class of the last word that names a role or a side
    same: NDArray[np.bool_]  #: is it in the same sentence,
    line: NDArray[np.bool_]  #: on the same line,
    passed: Ints  #: and how many numbers later is this one, at most 3


def clauses(a: Around, head: Ints, tail: Ints) -> Clause:
    """Read the clauses; ``head`` and ``tail`` are the first and the last number of each list."""
    r, hints, ends = a.runs, a.hints, a.ends
    first, last = r.first[head], r.last[tail]
    here, there = ends[first], ends[last]
    marks = places_of((hints & _VERB).astype(bool))
    verb = np.maximum(last_of(marks, first), r.low)
    near = (verb > r.low) & (ends[verb] == here)
    behind = first_of(marks, last)
    follows = (behind < r.high) & (ends[behind] == there)
    at = last_of(places_of((hints & _PREPOSITION).astype(bool)), first)
    close = (at > r.low) & (first - at < _SIX) & (ends[at] == here)
    named = np.maximum(last_of(places_of(_NAMES[a.cues]), first), r.low)
    return Clause(
        (hints[verb] & _VERB) * near >> _VERB_SHIFT,
        (hints[at] & _PREPOSITION) * close >> _PREPOSITION_SHIFT, close & (at > verb),
        a.tense[head] < verb, np.minimum(a.words[first] - a.words[verb], _FOUR) * near,
        (hints[behind] & _VERB) * follows >> _VERB_SHIFT,
        np.minimum(a.words[behind] - a.words[last], _FOUR) * follows,
        a.cues[named], ends[named] == here, named > a.line[head],
        np.minimum(head - r.first.searchsorted(named, side="right"), THREE),
    )  # fmt: skip


def today(r: Runs, size: NDArray[np.float64], said: Clause) -> Ints:
    """Bucket of each number against the price of the day of its post, NOWHERE where none is said.

    That is the first number right behind "trading", "now", "current price" or the like.
    """
    spoken = (said.verb // _FORMS == _TRADES) & (said.since <= TWO) & (said.naming != _TARGET)
    (at,) = spoken.nonzero()
    found = np.full(len(size), NOWHERE)
    if not len(at):
        return found
    price = at[np.minimum(r.post[at].searchsorted(r.post), len(at) - 1)]
    (known,) = (r.post[price] == r.post).nonzero()
    price = price[known]
    found[known] = STEPS.searchsorted(size[known] - size[price]) + _ITSELF * (price == known)
    return found


# --- for the rules; most posts have nothing that these look for ------------------------------


def _plain(a: Around, head: Ints, tail: Ints, to: Ints) -> NDArray[np.bool_]:
    """Whether what follows a "to" is a price and nothing else: no support, and no order is meant.

    "has fallen to 54", not "has fallen to the support at 54", nor "moved my stop to 54".
    """
    r, ends = a.runs, a.ends
    first, behind = r.first[head], r.last[tail] + 1
    barrier = _ROLE_OF_CLASS[a.hints & CLASS] >= 0
    after = barrier[behind] | barrier[np.minimum(behind + 1, r.high - 1)]
    order = last_of(places_of(_ORDERS[a.cues]), first)
    named = last_of(places_of(barrier), first)
    alone = (order <= r.low) | (ends[order] != ends[first])
    found: NDArray[np.bool_] = ~after & (named < to) & alone
    return found


def moved(a: Around, head: Ints, tail: Ints) -> Ints:
    """Where the price went, and where it may go: "has fallen to the low of 27.5", "may rally to 35
    and 38". The verb before the "to" says which, whatever the price is called behind it.
    """
    r = a.runs
    first, tense = r.first[head], a.tense[head]
    cues = a.told[head]
    if not np.count_nonzero(cues):
        return cues
    last = last_of(places_of((a.hints & _TOWARDS).astype(bool)), first)
    near = (last > r.low) & (first - last < _EIGHT)
    near &= (tense < last) & (last - tense < _EIGHT)
    near &= a.ends[tense] == a.ends[first]
    found: Ints = near * ((cues == _WAS) * WENT + (cues == _WILL) * MAY_GO)
    if np.count_nonzero(found):
        found += (found > 0) * _plain(a, head, tail, last) * PLAINLY
    return found


def stated(a: Around, head: Ints, at: Ints) -> Ints:
    """The role of a price by the tense of its sentence, -1 for none. A high or a low is where the
    price was ("reached the high of 1.46") or may go ("will retrace to the low of 378"); "trades
    around the level of 24" is where it is. ``at`` is the word of weight before each list.
    """
    r, hints = a.runs, a.hints
    first = r.first[head]
    kind = (hints[at] & _CLASS) * ((at > r.low) & (at < first - ONE))
    found = np.full(len(at), -1)
    (of,) = (kind == _TRADING).nonzero()
    found[of[among(a.norms[at[of] + ONE], _WHERE)]] = _LAST_ROLE
    (of,) = (kind == _EXTREME).nonzero()
    if not len(of):
        return found
    near = np.maximum(at[of] - _BACK, r.low[of])  # the tokens before it, the nearest first
    here = a.ends[near] == a.ends[first[of]]
    form, cues, norms = (hints[near] & VERB_MASK) >> VERB_SHIFT, a.cues[near], a.norms[near]
    was = (form >= FORMS) & among(form % FORMS, _TENSED) & ~among(norms, _NEARING)
    was |= (cues == _WAS) & ~among(norms, _FORMER)
    was_at, will_at = [
        np.where(tense.any(axis=0), tense.argmax(axis=0), len(_BACK))
        for tense in (was & here, (cues == _WILL) & here)
    ]
    found[of] = np.where(
        will_at < was_at, _TARGET_ROLE, np.where(was_at < len(_BACK), _LAST_ROLE, -1)
    )
    return found


def called(a: Around, tail: Ints) -> Ints:
    """The barrier that a number is called behind it, -1 for none: "1.2 is a strong support"."""
    hints, at = a.hints, a.runs.last[tail] + ONE
    for _ in range(4):
        passes = (hints[at] & _PASSES).astype(bool)
        if not np.count_nonzero(passes):
            break
        at = at + passes
    return np.where(at < a.runs.high, _ROLE_OF_CLASS[hints[at] & _CLASS], _NO)


def outside(a: Around, at: Ints) -> Ints:
    """Places before the bracket that closes at a place, where up to three tokens stand in it: of
    the ")" in "R1 (up): 5.6" that of R1. All other places as they are.
    """
    closing = among(a.norms[at], _CLOSING_BRACKET)
    if not np.count_nonzero(closing):
        return at
    for size in (2, 3, 4):
        opening = np.maximum(at - size, a.runs.low)
        at = np.where(closing & among(a.norms[opening], _OPENING_BRACKET), opening - ONE, at)
        closing &= among(a.norms[at], _CLOSING_BRACKET)
    return np.maximum(at, a.runs.low)


def closed(a: Around) -> NDArray[np.bool_]:
    """Where a market closed or opened: "SPX closed at 5,870", "ES opened 5,288"."""
    r, norms = a.runs, a.norms
    before = r.first - ONE
    at = among(norms[before], _AT)
    verb = np.maximum(before - at, r.low)
    verb = np.maximum(verb - TWO * among(norms[verb], _SESSIONS), r.low)
    found = among(norms[verb], _SETTLING) | (at & among(norms[verb], _CLOSING))
    if np.count_nonzero(found):
        of = np.maximum(verb - 1, r.low)
        found &= (r.batch.flags[of] & TICKER).astype(bool) | among(norms[of], _MARKET)
    return found


def listed(a: Around, head: Ints) -> NDArray[np.bool_] | None:
    """Lines of numbers under a heading of entries: "Entries:", then "1. 405 (30%)"."""
    r, word = a.runs, a.strong_left[head]
    found: NDArray[np.bool_] = (a.role_left[head] == _ENTRY) & (a.line[head] > word)
    if not np.count_nonzero(found):
        return None
    found &= among(a.norms[word + 1], _COLONS) & (a.cues[word + 2] == LINE)
    return found & (r.first[head] - a.line[head] < 6)


def sought(a: Around) -> NDArray[np.bool_] | None:
    """What one buys close to: "buy on dips as close to 0.37 as you can"."""
    r, norms = a.runs, a.norms
    found = among(norms[r.first - ONE], _TO)
    if np.count_nonzero(found):
        found &= among(norms[np.maximum(r.first - TWO, r.low)], _CLOSE)
    if not np.count_nonzero(found):
        return None
    buys = last_of(places_of(_BUYS[a.cues]), r.first)
    found &= (buys > r.low) & (r.first - buys < 8) & (a.ends[buys] == a.ends[r.first])
    return found


def kept(a: Around) -> NDArray[np.bool_] | None:
    """What the price is kept above: "must hold its gains over 41k", not "could not stay above"."""
    r, ends, here = a.runs, a.ends, a.ends[a.runs.first]
    found: NDArray[np.bool_] = a.cues[r.first - ONE] == _ABOVE
    if not np.count_nonzero(found):
        return None
    hold = last_of(places_of((a.hints & CLASS) == _HOLD), r.first)
    no = last_of(places_of((r.batch.flags & NEGATION) != 0), hold)
    found &= (hold > r.low) & (r.first - hold < 6) & (ends[hold] == here)
    found &= (no <= r.low) | (hold - no > 5) | (ends[no] != here)
    return found


def broken_next(a: Around) -> NDArray[np.bool_] | None:
    """What is to be broken: "40 break next", "needs 276 next"."""
    r, norms, behind = a.runs, a.norms, a.runs.last + ONE
    found = among(norms[behind], _NEXT)
    if np.count_nonzero(found):
        found &= among(norms[r.first - ONE], _NEEDS)
    breaks = among(norms[behind], _BREAK)
    if not np.count_nonzero(breaks) + np.count_nonzero(found):
        return None
    return found | (breaks & among(norms[np.minimum(behind + 1, len(norms) - 1)], _NEXT))


def sold(a: Around) -> NDArray[np.bool_]:
    """Where somebody got out: "sold ... at 14.9"."""
    found: NDArray[np.bool_] = a.role_left == _EXIT
    if np.count_nonzero(found):
        first, word = a.runs.first, a.strong_left
        found &= (a.ends[word] == a.ends[first]) & (first - word < 6)
        found &= among(a.norms[word], _SOLD)  # "out 4.20" is a plan as often
    return found


def mapped(a: Around) -> NDArray[np.bool_]:
    """A quote right behind its ticker, before the levels around it: "BTC/USDT 64,020, support
    62,800"; the word behind it names the next number.
    """
    r = a.runs
    flags, reach = r.batch.flags, len(a.cues) - 1
    found: NDArray[np.bool_] = (flags[r.first - ONE] & _TICKERS).astype(bool)
    found &= ~a.role_left.astype(bool)
    if not np.count_nonzero(found):
        return found
    word = a.strong_right
    found &= (word - r.last < 4) & BARRIER[a.role_right]
    behind = np.minimum(word + 1, reach)
    sign = (a.cues[behind] == COLON) | among(a.norms[behind], _AT)
    found &= sign | (word - r.last > 1)  # "170 support 165 next" says what 170 is
    found &= (flags[np.minimum(behind + sign, reach)] & PRICE) != 0
    return found
