"""What is known of a price level without examples: phrases, labels, tense, how it is written.

``said`` reads the phrases around numbers as codes, which are views of the role model too: labels
teach what they are worth. ``rules`` give log-odds for what examples are too few to teach. All were
written from errors on the train posts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import clauses
from .candidates import TICKER
from .clauses import MAY_GO, PLAINLY, WENT
from .cues import CUES
from .features import OPTION, norms_of
from .levels import RESISTANCE, ROLE_OF_CUE, SUPPORT, SURELY, Numbers, strikes
from .no_prices import doubtful, never
from .phrases import (
    BETWEEN,
    CLASS,
    CLASSES,
    COLON,
    FILLER,
    LABEL,
    ROLE_MASK,
    ROLE_SHIFT,
    SIGN,
    WORDS,
)
from .result import ROLES
from .spans import BARRIER, ONE, Around, Ints, among, last_of, places_of

STRIKE, EXIT, STOP, ENTRY, LAST, TARGET = map(
    ROLES.index, ("strike", "exit", "stop", "entry", "last", "target")
)
LIKELY = np.float32(3.0)  #: log-odds that a rule adds, where it is not SURELY
PERHAPS = np.float32(1.5)  #: and where the fit knows it as a view, too
MAYBE = np.float32(0.75)  #: and where what it says is right in little more than half of the cases

# --- the words ------------------------------------------------------------------------------


#: classes of the two words before a number, "" for whatever word, and the role that they say
_BEFORE = {
    ("hold", "above"): SUPPORT, ("hold", "below"): RESISTANCE, ("fall", "below"): SUPPORT,
    ("close", "above"): RESISTANCE, ("break", "above"): RESISTANCE, ("rise", "above"): RESISTANCE,
    ("bounce", "at"): SUPPORT, ("reject", "at"): RESISTANCE, ("", "break"): RESISTANCE,
    ("extreme", "at"): LAST, ("trade", "at"): LAST, ("", "reached"): LAST, ("", "hit"): LAST,
    ("will", "hit"): TARGET, ("will", "see"): TARGET,
    ("buy", "at"): ENTRY, ("buy", "price"): ENTRY, ("current", "price"): LAST,
    ("buy", "above"): ENTRY, ("sell", "below"): ENTRY, ("capped", "below"): RESISTANCE,
    ("in", "at"): ENTRY, ("out", "at"): EXIT, ("", "needs"): RESISTANCE,
    ("needs", "above"): RESISTANCE, ("sell", "wall"): RESISTANCE, ("buy", "wall"): SUPPORT,
}  # fmt: skip
#: class of the word behind it
_BEHIND = {
    "soon": TARGET, "support": SUPPORT, "resistance": RESISTANCE, "avg": ENTRY, "trigger": ENTRY,
}  # fmt: skip
#: headings of lists
_HEADINGS = {
    SUPPORT: norms_of(WORDS["support"]),
    RESISTANCE: norms_of(WORDS["resistance"] + " resistances"),
}
_WIDE = 32  # more than there are classes
#: role that two classes say, by _WIDE * the first + the second; -1 for none
_ROLE_BEFORE, _ROLE_BEHIND = np.full((2, _WIDE, _WIDE), -1)
for (_two, _one), _role in _BEFORE.items():
    _ROLE_BEFORE[CLASSES.index(_two) if _two else slice(None), CLASSES.index(_one)] = _role
for _one, _role in _BEHIND.items():
    _ROLE_BEHIND[CLASSES.index(_one)] = _role
_ROLE_BEFORE, _ROLE_BEHIND = _ROLE_BEFORE.ravel(), _ROLE_BEHIND.ravel()

_STOP = np.array(CUES.index("stop"))
_ENTRY, _NO, _WIDTH, _TENS = np.array(ENTRY), np.array(-1), np.array(_WIDE), np.array(1.0)
_CLASS, _FILLER, _SIGN, _LABEL, _COLON, _BETWEEN, _ROLE_SHIFT, _ROLE_MASK = map(
    np.array, (CLASS, FILLER, SIGN, LABEL, COLON, BETWEEN, ROLE_SHIFT, ROLE_MASK)
)
_OPTION, _TICKER = np.array(OPTION), np.array(TICKER)
_WENT, _WENT_PLAINLY = np.array(WENT), np.array(WENT + PLAINLY)
_SIDES = np.array([cue in ("buy", "sell") for cue in CUES])
_NAMES = np.full(32, -1)
for _cue in ("support", "resistance", "stop", "target", "entry"):
    _NAMES[CUES.index(_cue)] = ROLES.index(_cue)
_BEYOND = np.array([cue in ("above", "below") for cue in CUES])
_CLOSES = np.array([cue in ("above", "below", "close") for cue in CUES])
_CENTS_AFTER = norms_of("to at @ hit near around from under over target tp")
_CE_PE = norms_of("ce pe")  # calls and puts in India
_AT = norms_of("at @")

# --- the rules ------------------------------------------------------------------------------


class Said(NamedTuple):
    """What the words around each number say; all shapes (n,)."""

    before: Ints  #: classes of the two words before its list: _WIDE * the second + the first
    behind: Ints  #: classes of the word behind its list and of the first before it
    rule: Ints  #: bits: STOPPING, TRIGGER, QUOTED
    moved: Ints  #: WENT or MAY_GO, 0 for neither; PLAINLY, too, where it is a price alone
    label: Ints  #: role that the label right before its list says, -1 for none
    short: Ints  #: role that a label says because a colon is behind it, -1 for none
    named: Ints  #: role whose word nothing of weight parts from it ("support is at"), -1 for none
    weighty: Ints  #: place of the word of weight before its list
    card: NDArray[np.bool_]  #: whether it has one of a card's short labels ("E: 67420 S: 67050")
    strike: NDArray[np.bool_]  #: whether it is written as a strike
    cents: NDArray[np.bool_]  #: whether it is cents, which look like one


STOPPING, TRIGGER, QUOTED = 1, 2, 4


def said(a: Around, numbers: Numbers, head: Ints, tail: Ints) -> Said:
    """Read the phrases around each number; ``head`` and ``tail`` are the first and the last number
    of its list.
    """
    r, hints = a.runs, a.hints
    low, before = r.low, r.first[head] - ONE
    near = hints[before]
    one = np.where(near & _FILLER, np.maximum(before - ONE, low), before)
    nearest = hints[one] & _CLASS
    second = hints[np.maximum(one - ONE, low)] & _CLASS
    behind = hints[r.last[tail] + ONE] & _CLASS
    label = before
    for _ in range(2):
        sign = (hints[label] & _SIGN).astype(bool)
        if not np.count_nonzero(sign):
            break
        label = np.maximum(label - sign, low)
    label = clauses.outside(a, label)
    said_by = hints[label]
    labels = np.where(said_by & _LABEL, ROLE_OF_CUE[a.cues[label]], _NO)
    short = np.where(near & _COLON, (said_by >> _ROLE_SHIFT & _ROLE_MASK) - ONE, _NO)
    card = short == _ENTRY
    if np.count_nonzero(card):  # "E: 67420 S: 67050": the S is its stop
        card = (short >= 0) & np.isin(r.post, r.post[card])  # linear: a post has thousands
        short[card & (short == SUPPORT)] = STOP
    rule = np.zeros(len(before), np.int64)
    for code, found in (
        (STOPPING, _stopping(a)),
        (TRIGGER, _triggers(a, numbers)),
        (QUOTED, _quoted(a, label)),
    ):
        if found is not None:
            rule += found * code
    named = before
    for _ in range(5):
        between = (hints[named] & _BETWEEN).astype(bool)
        if not np.count_nonzero(between):
            break
        named = np.maximum(named - between, low)
    return Said(
        second * _WIDTH + nearest, behind * _WIDTH + nearest, rule, clauses.moved(a, head, tail),
        labels, short, np.where(named > low, _named(a, named), _NO), named, card,
        *_written(a, numbers),
    )  # fmt: skip


def _named(a: Around, at: Ints) -> Ints:
    """The role that words name; the price of a "sell stop" is where one enters."""
    cues = a.cues[at]
    orders = (cues == _STOP) & _SIDES[a.cues[at - ONE]]
    return np.where(orders, _ENTRY, _NAMES[cues])


class Rule(NamedTuple):
    """Log-odds that a rule adds to columns (0: being a price, then the roles) of numbers."""

    name: str
    numbers: Ints  #: shape (n,)
    columns: Ints | int
    weight: np.float32


# What is no price stands in no_prices.py; a role have a strike by how it is written ("250p"), a
# sale by its verb ("sold ... at 14.9"), a number by its label or the words around, a list by its
# heading ("demand zones: 160, 140").


def of_prices(a: Around, numbers: Numbers, head: Ints, tail: Ints, told: Said) -> Iterator[Rule]:
    """What the rules say of the numbers of a batch being prices; those that say nothing are left
    out.
    """
    for name, marked, weight in (
        ("no price", doubtful(a, numbers), -SURELY),
        ("no price", never(a, numbers), -2 * SURELY),
        ("written as a strike", told.strike, SURELY),
        ("cents", told.cents, LIKELY),
        ("labelled as on a card", told.card, LIKELY),
        ("its name", (told.named > _NO) & (numbers.size >= _TENS), MAYBE),  # from ten on
    ):
        (at,) = marked.nonzero()
        if len(at):
            yield Rule(name, at, 0, weight)
    for _, under in _headed(a, head, tail):
        yield Rule("heading of its list", under, 0, LIKELY)


def of_roles(a: Around, head: Ints, tail: Ints, told: Said) -> Iterator[Rule]:
    """And of their roles."""
    for name, marked, column, weight in (
        ("written as a strike", told.strike, 1 + STRIKE, SURELY),
        ("before calls or puts", _optional(a, tail), 1 + STRIKE, LIKELY),
        ("cents", told.cents, 1 + STRIKE, -SURELY),
        ("sold", clauses.sold(a), 1 + EXIT, PERHAPS),
        ("where it closed", clauses.closed(a), 1 + LAST, SURELY),
        ("quote before its map", clauses.mapped(a), 1 + LAST, SURELY),
    ):
        (at,) = marked.nonzero()
        if len(at):
            yield Rule(name, at, column, weight)
    for name, codes, code, column, weight in (
        ("row of quotes", told.rule, QUOTED, 1 + LAST, LIKELY),
        ("how its stop is hit", told.rule, STOPPING, 1 + STOP, LIKELY),
        ("trigger of an option", told.rule, TRIGGER, 1 + ENTRY, SURELY),
        ("where the price went", told.moved, WENT, 1 + LAST, MAYBE),
        ("where the price went", (told.moved == _WENT_PLAINLY) * _WENT, WENT, 1 + LAST, PERHAPS),
        ("where the price may go", told.moved, MAY_GO, 1 + TARGET, MAYBE),
    ):
        if np.count_nonzero(codes):
            (at,) = (codes & code).nonzero()
            if len(at):
                yield Rule(name, at, column, weight)
    for name, where, role, weight in (
        ("heading of its list", clauses.listed(a, head), ENTRY, LIKELY),
        ("bought close to it", clauses.sought(a), ENTRY, SURELY),
        ("kept above it", clauses.kept(a), SUPPORT, PERHAPS),
        ("to be broken", clauses.broken_next(a), RESISTANCE, LIKELY),
    ):
        if where is not None:
            yield Rule(name, where.nonzero()[0], 1 + role, weight)
    phrase = _ROLE_BEFORE[told.before]
    phrase = np.where(phrase == _NO, _ROLE_BEHIND[told.behind], phrase)
    for name, roles, weight in (
        ("phrase around it", phrase, MAYBE),
        ("its label", told.label, SURELY),
        ("its label", told.short, LIKELY),
        ("its name", told.named, PERHAPS),
        ("what it is called", clauses.called(a, tail), PERHAPS),
        ("tense of its sentence", clauses.stated(a, head, told.weighty), SURELY),
    ):
        (at,) = (roles > _NO).nonzero()
        if len(at):
            yield Rule(name, at, 1 + roles[at], weight)
    for role, under in _headed(a, head, tail):
        yield Rule("heading of its list", under, 1 + role, LIKELY)


def _written(a: Around, numbers: Numbers) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which numbers are written as strikes, and which are cents, which look like them."""
    strike = strikes(numbers)
    cents = strike & _cents(a) if np.count_nonzero(strike) else strike
    return (strike & ~cents) | among(a.norms[a.runs.last + ONE], _CE_PE), cents


def _headed(a: Around, head: Ints, tail: Ints) -> Iterator[tuple[int, Ints]]:
    """(role, numbers) of lists under a heading that names it."""
    (several,) = (head != tail).nonzero()
    if len(several):
        first = a.runs.first[head[several]]
        word = a.strong_left[head[several]]
        near = (word > a.runs.low[several]) & (first - word < 5)
        for role, words in _HEADINGS.items():
            under = several[near & among(a.norms[word], words)]
            if len(under):
                yield role, under


# Most posts have nothing that these look for, and then they answer None, or zeros, at once.


def _quoted(a: Around, label: Ints) -> NDArray[np.bool_] | None:
    """Rows of quotes, three or more tickers with a number each and no word that names a role close
    before them: "#BTC: $61,351 #ETH: $4,498 #BNB: $549".
    """
    r = a.runs
    if len(label) < 3:
        return None
    plain = (r.batch.flags[label] & _TICKER).astype(bool)
    plain &= ~a.cues[label].astype(bool)
    (of,) = plain.nonzero()
    if not len(of):
        return None
    row = r.first[of[np.minimum(r.post[of].searchsorted(r.post), len(of) - 1)]]
    far = (a.strong_left < row) & (row - a.strong_left > 8)  # "Top 5 by volume, yesterday at noon"
    plain &= far | ~a.role_left.astype(bool)
    found: NDArray[np.bool_] = plain & (
        np.bincount(r.post, plain, int(r.post[-1]) + 1)[r.post] >= 3
    )
    return found


def _stopping(a: Around) -> NDArray[np.bool_] | None:
    """What a stop says of the number behind it: "Stop Targets: 1) 0.045", and "Stoploss: 4h candle
    close below 5.90", where the words between say how it is hit.
    """
    r = a.runs
    stops = a.cues == _STOP
    if not np.count_nonzero(stops):
        return None
    stop = last_of(places_of(stops), r.first)
    wordless = a.words[r.first - ONE] - a.words[stop] <= ONE
    said = (wordless & (stop == a.strong_left)) | ((stop < a.strong_left) & _CLOSES[a.role_left])
    found: NDArray[np.bool_] = said & (stop > r.low) & (r.first - stop < 9)
    return found


def _triggers(a: Around, numbers: Numbers) -> NDArray[np.bool_] | None:
    """Where an option is bought: "$135c above $134", "puts below 151.72"."""
    r = a.runs
    beyond: NDArray[np.bool_] = _BEYOND[a.cues[r.first - ONE]]
    if not np.count_nonzero(beyond):
        return None
    before = np.maximum(r.first - 2, r.low)
    option = (r.batch.flags[before] & OPTION) != 0
    option[1:] |= strikes(numbers)[:-1] & (r.first[:-1] == before[1:])
    found: NDArray[np.bool_] = beyond & option
    return found


def _cents(a: Around) -> NDArray[np.bool_]:
    """Cents and pence, which are written as strikes are: "to 80c", "16c support"."""
    r = a.runs
    found: NDArray[np.bool_] = among(a.norms[r.first - 1], _CENTS_AFTER)
    found |= BARRIER[a.cues[r.last + 1]]
    return found


def _optional(a: Around, tail: Ints) -> NDArray[np.bool_]:
    """Strikes before their options: "sold 45 and 42.5 puts", not "in at 2.10 calls"."""
    r = a.runs
    found: NDArray[np.bool_] = (r.batch.flags[r.last[tail] + ONE] & _OPTION).astype(bool)
    if np.count_nonzero(found):
        found &= ~among(a.norms[r.first - 1], _AT)
    return found
