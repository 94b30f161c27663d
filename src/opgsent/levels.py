"""Tokens -> price levels: candidates by grammar, a model decides whether a price and which role.

A candidate is one number; a range token holds several. One model says whether a number is a
price, another which role it has; then the numbers of a list, and the mentions of one price, are
made to agree.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .candidates import PRICE, TICKER
from .cues import CUES, FUTURE, PAST
from .features import OPTION, hashed, norms_of
from .numerals import Part, parts_of
from .reading import Batch
from .result import ROLES
from .spans import Around, Ints, Runs, among

STRIKE, EXIT, STOP, ENTRY = map(ROLES.index, ("strike", "exit", "stop", "entry"))
SUPPORT, RESISTANCE, LAST, TARGET = map(ROLES.index, ("support", "resistance", "last", "target"))
LIKELY = np.float32(3.0)
SURELY = np.float32(6.0)  #: log-odds that a rule adds
COLUMNS = 1 + len(ROLES)  #: of the weights: log-odds of being a price, then of each role


class Number(NamedTuple):
    """What is known of a number whatever stands around it."""

    part: Part
    size: float  #: log10 of its value; 0 is -20
    shape: int  #: hash of how it is written


class Numbers(NamedTuple):
    """Price candidates of a batch in order; a range gives several at one place."""

    place: Ints
    part: Ints  #: which number of the token
    size: NDArray[np.float64]
    shape: NDArray[np.uint64]
    known: list[Number]


def find(batch: Batch) -> Numbers:
    """All numbers of a batch that could be a price."""
    (at,) = (batch.flags & np.uint32(PRICE)).nonzero()
    page, notes = batch.page, batch.page.notes
    numbers = batch.ids[at].tolist()
    known: list[Number] = []
    place: list[int] = []
    index: list[int] = []
    for where, number in zip(at.tolist(), numbers, strict=True):
        found = notes.get(number)
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
        known,
    )


def numbers_of(token: str) -> tuple[Number, ...]:
    """The numbers of a token with their size and shape."""
    return tuple(
        Number(
            part,
            math.log10(float(part.value)) if part.value else -20.0,
            hashed(_shape(part, i > 0 or part.end < len(token) - len(part.tail))),
        )
        for i, part in enumerate(parts_of(token))
    )


def _shape(part: Part, ranged: bool) -> str:
    """How a number is written: digits before and behind the point, sign, letters, year-like."""
    whole, _, decimals = part.digits.replace(",", "").partition(".")
    zeros = len(decimals) - len(decimals.lstrip("0"))
    size = "year" if len(whole) == 4 and whole[:2] in ("19", "20") and not decimals else len(whole)
    if whole.strip("0") == "":
        size = 0
    round_ = len(whole) - len(whole.rstrip("0")) if not decimals else 0
    return (
        f"{size}.{min(len(decimals), 6)}z{min(zeros, 4)}r{min(round_, 3)}{part.tail}{part.unit}"
        f"{',' in part.digits}{ranged}"
    )


# --- agreement ------------------------------------------------------------------------------


def shared(
    odds: NDArray[np.float32], post: Ints, numbers: Numbers, head: Ints
) -> NDArray[np.float32]:
    """Role log-odds with what a list and a repeated price share.

    The numbers of one list or range take their mean; a price named twice in a post takes half of
    the mean of its mentions. Both were worth a point of accuracy in grouped cross-validation.
    """
    if (head != np.arange(len(odds))).any():
        odds = _mean(odds, head)
    first: dict[tuple[int, float], int] = {}
    keys = zip(post.tolist(), numbers.size.tolist(), strict=True)
    same = [first.setdefault(key, i) for i, key in enumerate(keys)]
    if len(first) < len(same):
        odds = (odds + _mean(odds, np.array(same, np.int64))) * np.float32(0.5)
    return odds


def bounded(
    odds: NDArray[np.float32], a: Around, numbers: Numbers, head: Ints, tail: Ints
) -> NDArray[np.float32]:
    """Role log-odds in which the ends of a range that holds the price part: "between 4 and 5".

    ``shared`` makes both ends support, or both resistance; the lower one is support, the upper one
    resistance. Ranges of entries or targets are left alone.
    """
    (pairs,) = ((tail - head == 1) & (head == np.arange(len(head)))).nonzero()
    if not len(pairs):
        return odds
    r = a.runs
    near = np.maximum(r.first[pairs, None] - np.array([1, 2, 3]), r.low[pairs, None])
    bounds = among(r.batch.page.norms[r.batch.ids[near]], _BETWEEN).any(axis=1)
    bounds &= among(odds[pairs].argmax(axis=1), np.array([SUPPORT, RESISTANCE]))
    pairs = pairs[bounds]
    if not len(pairs):
        return odds
    odds = odds.copy()
    falls = numbers.size[pairs] > numbers.size[pairs + 1]
    odds[pairs + falls, SUPPORT] += SURELY
    odds[pairs + ~falls, RESISTANCE] += SURELY
    return odds


def ruled(odds: NDArray[np.float32], a: Around, numbers: Numbers, head: Ints, tail: Ints) -> None:
    """Add to log-odds (n, COLUMNS) what a rule knows and examples are too few to teach.

    A strike by how it is written ("250p"), a sale by its verb ("sold ... at 14.9"), a list by its
    heading ("demand zones: 160, 140"); no price are Fibonacci ratios, years behind "since",
    millions, and what is counted ("10,000 holders"). ``head`` and ``tail`` are the first and the
    last number of the list of each.
    """
    r = a.runs
    never, strike = _by_writing(numbers)
    behind = a.cues[np.minimum(r.last + 1, len(a.cues) - 1)] * (r.last + 1 < r.high)
    norms = r.batch.page.norms[r.batch.ids]
    never |= _COUNTED[behind] | _gained(norms, r, numbers)
    odds[never, 0] -= SURELY
    odds[strike, 0] += SURELY
    odds[strike, 1 + STRIKE] += SURELY
    sold = (a.cues[a.strong_left] == _EXIT) & (a.strong_left > r.low)
    sold &= (a.ends[a.strong_left] == a.ends[r.first]) & (r.first - a.strong_left < 6)
    odds[sold, 1 + EXIT] += LIKELY
    odds[_closed(norms, r), 1 + LAST] += SURELY
    # "R1: 64k", "🎯 0.41": the label right before a number, or its list, says its role
    label = r.first[head] - 1
    for _ in range(2):
        if not (signs := among(norms[label], _SIGNS)).any():
            break
        label = np.maximum(label - signs, r.low)
    labelled, which = (norms[label][:, None] == _LABELS).nonzero()
    odds[labelled, 1 + _LABELS_ROLE[which]] += LIKELY
    behind_colon = norms[r.first[head] - 1] == _COLON
    if behind_colon.any():
        labelled, which = ((norms[label][:, None] == _SHORT) & behind_colon[:, None]).nonzero()
        odds[labelled, 1 + _SHORT_ROLE[which]] += LIKELY
    odds[_quoted(a, label), 1 + LAST] += LIKELY
    said, role = _phrased(norms, r, head, tail)
    odds[said, 1 + role] += LIKELY
    odds[_stopping(a), 1 + STOP] += LIKELY
    for role, moved in zip((LAST, TARGET), _moved(a, norms, head), strict=True):
        odds[moved, 1 + role] += LIKELY
    odds[_triggers(a, strike), 1 + ENTRY] += SURELY
    (listed,) = (head != tail).nonzero()
    if len(listed):
        first = r.first[head[listed]]
        word = a.strong_left[head[listed]]
        near = (word > r.low[listed]) & (first - word < 5)
        names = norms[word]
        for role, words in _HEADINGS.items():
            under = listed[near & among(names, words)]
            odds[under, 0] += LIKELY
            odds[under, 1 + role] += LIKELY


def _phrased(
    norms: NDArray[np.uint64], r: Runs, head: Ints, tail: Ints
) -> tuple[Ints, Ints]:
    """(indices, roles) of numbers whose role the two words before their list say, or the one
    behind it: "holds above 61.5k", "will hit 100k", "1.20 soon"; see _PHRASES.
    """
    one = r.first[head] - 1
    one = np.maximum(one - among(norms[one], _THE), r.low)
    two = np.maximum(one - 1, r.low)
    role = _PHRASE_ROLE[_class_of(norms[two]), _class_of(norms[one])]
    behind = np.minimum(r.last[tail] + 1, len(norms) - 1)
    soon = among(norms[behind], _SOON) & (role < 0)
    role = np.where(soon, TARGET, role)
    (said,) = (role >= 0).nonzero()
    return said, role[said]


def _class_of(norms: NDArray[np.uint64]) -> Ints:
    """Number of the class of _PHRASES' words that each is in, 0 for none."""
    at = np.minimum(_PHRASE_NORMS.searchsorted(norms), len(_PHRASE_NORMS) - 1)
    found: Ints = np.where(_PHRASE_NORMS[at] == norms, _PHRASE_CLASS[at], 0)
    return found


def _quoted(a: Around, label: Ints) -> NDArray[np.bool_]:
    """Rows of quotes, three or more tickers with a number each and no word that names a role before
    them: "#BTC: $61,351 #ETH: $4,498 #BNB: $549".
    """
    r = a.runs
    plain = (r.batch.flags[label] & np.uint32(TICKER)) != 0
    plain &= (a.cues[label] == 0) & (a.strong_left <= r.low)
    if plain.any():
        plain &= np.bincount(r.post, plain, int(r.post[-1]) + 1)[r.post] >= 3
    return plain


def _moved(
    a: Around, norms: NDArray[np.uint64], head: Ints
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Where the price went, and where it may go: "has fallen to the low of 27.5", "may rally to 35
    and 38". The verb before the "to" says which, whatever the price is called behind it.
    """
    r = a.runs
    first, tense = r.first[head], a.tense[head]
    to = np.maximum.accumulate(np.where(among(norms, _TO), np.arange(len(norms)), 0))[first - 1]
    near = (to > r.low) & (first - to < 8) & (tense > r.low) & (tense < to) & (to - tense < 8)
    near &= a.ends[tense] == a.ends[first]
    return near & (a.cues[tense] == PAST), near & (a.cues[tense] == FUTURE)


def _stopping(a: Around) -> NDArray[np.bool_]:
    """"Stoploss: 4h candle close below 5.90": what follows the stop says how it is hit."""
    r = a.runs
    last = np.maximum.accumulate(np.where(a.cues == _STOP, np.arange(len(a.cues)), 0))
    stop = last[r.first - 1]
    near = (stop > r.low) & (r.first - stop < 9) & (stop < a.strong_left)
    found: NDArray[np.bool_] = near & _CLOSES[a.cues[a.strong_left]]
    return found


def _triggers(a: Around, strike: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Where an option is bought: "$135c above $134", "puts below 151.72"."""
    r = a.runs
    beyond = _BEYOND[a.cues[r.first - 1]]
    if beyond.any():
        before = np.maximum(r.first - 2, r.low)
        option = (r.batch.flags[before] & np.uint32(OPTION)) != 0
        option[1:] |= strike[:-1] & (r.first[:-1] == before[1:])
        beyond &= option
    return beyond


def _gained(norms: NDArray[np.uint64], r: Runs, numbers: Numbers) -> NDArray[np.bool_]:
    """Money won or lost, no price: "up $12,000", "made $300"; not "may break down $281"."""
    signed = np.array([known.part.unit is not None for known in numbers.known], bool)
    if signed.any():
        signed &= among(norms[r.first - 1], _GAINS)
        signed &= ~among(norms[np.maximum(r.first - 2, 0)], _BREAKS)
    return signed


def _closed(norms: NDArray[np.uint64], r: Runs) -> NDArray[np.bool_]:
    """Where the market closed: "SPX closed at 5,870", "$TSLA ended the day at 251"."""
    at = among(norms[r.first - 1], _AT)
    if at.any():
        verb = np.maximum(r.first - 2, r.low)
        verb = np.maximum(verb - 2 * among(norms[verb], _SESSIONS), r.low)
        at &= among(norms[verb], _CLOSING)
        at &= (r.batch.flags[np.maximum(verb - 1, r.low)] & np.uint32(TICKER)) != 0
    return at


_GAINS, _BREAKS = norms_of("up down made won earned spent turned"), norms_of("break breaks broke")
_BETWEEN = norms_of("between btw within")
_AT, _CLOSING, _SESSIONS = (
    norms_of("at @"), norms_of("closed closes ended close"), norms_of("day week month session year")
)  # fmt: skip
_SIGNS = norms_of(": = - – ( at @")


def _numbered(names: str) -> str:
    return " ".join(f"{name}{n}" for name in names.split() for n in range(1, 7))


_BY_LABEL = {
    "resistance": norms_of(_numbered("r res resistance")),
    "support": norms_of("🛡 " + _numbered("s sup support")),
    "target": norms_of("🎯 " + _numbered("tp tgt target")),
    "stop": norms_of("sl stoploss stop-loss 🛑 ⛔ 🚫 " + _numbered("sl")),
}
#: norms of all labels, and the role that each says
_LABELS = np.concatenate(list(_BY_LABEL.values()))
_LABELS_ROLE = np.repeat(
    [ROLES.index(role) for role in _BY_LABEL], list(map(len, _BY_LABEL.values()))
)


_THE, _SOON = norms_of("the that this"), norms_of("soon coming incoming next eoy eow")
_WORDS = {
    "hold": "hold holds holding held stay stays staying remain remains keep keeps keeping defend",
    "break": "break breaks breaking close closes closing closed",
    "rise": "get gets push pushes move moves needs bullish until",
    "fall": "fall falls drop drops lose loses bearish",
    "bounce": "bounce bounced bounces bouncing rebound",
    "reject": "rejected rejection rejects rejecting",
    "will": "will would to gonna can could should might may 'll it'll",
    "ended": "bottomed topped peaked",
    "above": "above over >", "below": "below under beneath <",
    "at": "at around near from off @ ~", "hit": "hit reach see touch test revisit",
}  # fmt: skip
_PHRASES = {
    ("hold", "above"): SUPPORT, ("hold", "below"): RESISTANCE,
    ("break", "above"): RESISTANCE, ("rise", "above"): RESISTANCE, ("fall", "below"): SUPPORT,
    ("bounce", "at"): SUPPORT, ("reject", "at"): RESISTANCE,
    ("will", "hit"): TARGET, ("ended", "at"): LAST,
}  # fmt: skip
_CLASS_OF_WORD = {
    int(norm): number
    for number, words in enumerate(_WORDS.values(), 1)
    for norm in norms_of(words)
}
_PHRASE_NORMS = np.array(sorted(_CLASS_OF_WORD), np.uint64)
_PHRASE_CLASS = np.array([_CLASS_OF_WORD[norm] for norm in sorted(_CLASS_OF_WORD)])
_PHRASE_ROLE = np.full((len(_WORDS) + 1, len(_WORDS) + 1), -1)
for (_two, _one), _role in _PHRASES.items():
    _PHRASE_ROLE[list(_WORDS).index(_two) + 1, list(_WORDS).index(_one) + 1] = _role
#: labels that say so before a colon alone: "S: 155", "24h high: 62,495"
_SHORT, _SHORT_ROLE = norms_of("s r high low"), np.array([SUPPORT, RESISTANCE, LAST, LAST])
_COLON = norms_of(":")
_STOP = CUES.index("stop")
_TO = norms_of("to towards toward")
_BEYOND = np.array([cue in ("above", "below") for cue in CUES])
_CLOSES = np.array([cue in ("above", "below", "close") for cue in CUES])


def _by_writing(numbers: Numbers) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(never a price, an option's strike) by how a number is written."""
    parts = [known.part for known in numbers.known]
    millions = "m", "mm", "mil"
    never = [p.unit is None and (p.digits in _RATIOS or p.tail in millions) for p in parts]
    return np.array(never, bool), strikes(numbers)


def strikes(numbers: Numbers) -> NDArray[np.bool_]:
    """Which are written as an option's strike: "250p"."""
    return np.array([known.part.tail in ("p", "c") for known in numbers.known], bool)


_RATIOS = frozenset(
    ".236 .382 .618 .786 .886 0.236 0.382 0.618 0.786 0.886 1.618 1.272 2.618".split()
)
_HEADINGS = {
    role: norms_of(words)
    for role, words in {
        SUPPORT: "support supports demand", RESISTANCE: "resistance resistances supply",
    }.items()
}  # fmt: skip
_COUNTED = np.array([cue in ("count", "clock", "money", "period") for cue in CUES])
_EXIT = CUES.index("exit")


def _mean(odds: NDArray[np.float32], group: Ints) -> NDArray[np.float32]:
    """Each line replaced by the mean of the lines of its group."""
    total = np.zeros_like(odds)
    np.add.at(total, group, odds)
    count = np.bincount(group, minlength=len(odds))
    total /= np.maximum(count, 1)[:, None]
    mean: NDArray[np.float32] = total[group]
    return mean


_BY_CUE = {
    "target": "target", "stop": "stop", "entry": "entry", "buy": "entry", "sell": "entry",
    "long": "entry", "short": "entry",
    "support": "support", "resistance": "resistance", "break": "resistance", "above": "resistance",
    "below": "support", "lost": "support", "last": "last", "close": "last", "exit": "exit",
    "to": "target", "level": "support",
}  # fmt: skip
_RULED = np.array([ROLES.index(_BY_CUE[cue]) if cue in _BY_CUE else -1 for cue in CUES])


def by_rule(a: Around) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(chances of being a price, roles) without a model: the nearest role cue on the left says it.

    Chances are .8 and .1, the role has .8.
    """
    left = np.where(
        (a.strong_left > a.runs.low) & (a.runs.first - a.strong_left < 12), a.strong_left, 0
    )
    role = _RULED[a.cues[left]]
    roles = np.full((len(role), len(ROLES)), 0.2 / (len(ROLES) - 1))
    roles[np.arange(len(role)), np.maximum(role, 0)] = 0.8
    return np.where(role >= 0, 0.8, 0.1), roles
