"""Words that say what a number beside them is, together with each other: one table, form -> bits.

What is known of a word whatever stands around it is packed into its hints, once per distinct token:
bits 32 and up of its flags. level_rules.py and no_prices.py read them beside every number:

    0-4 phrase class    5 may stand between the words of a phrase    6 parts a label from its number
    7 a label    8-11 what it says of a role before a colon    12 a colon    13 "to"
    14 may tell that a number is no price    15 may stand between a role's word and its number
    16-21 kind and form of a verb, see verbs.py    22-25 preposition
    26 what may be said of a support: "strong"
"""

from __future__ import annotations

from .result import ROLES
from .verbs import PREPOSITIONS, VERBS

#: words that say a role together, as classes; a word is in one class
WORDS = {
    "hold": "hold holds holding held stay stays staying remain remains keep keeps keeping defend",
    "close": "close closes closing closed", "break": "break breaks breaking broke crack cracks",
    "rise": "get gets push pushes move moves bullish until",
    "fall": "fall falls drop drops lose loses bearish",
    "bounce": "bounce bounced bounces bouncing rebound",
    "reject": "rejected rejection rejects rejecting",
    "will": "will would to gonna can could should might may 'll it'll",
    "extreme": "bottomed topped peaked high low highs lows peak",
    "trade": "trading trades trade hovering sitting sits currently is fluctuating",
    "buy": "buy #buy buying bought buyer entry long enter entered added add adding accumulate",
    "current": "last current now cmp", "price": "price",
    "above": "above over >", "below": "below under beneath <",
    "at": "at around near from off of @ ~", "see": "reach see touch test revisit", "hit": "hit",
    "reached": "reached achieved touched tagged",
    "soon": "soon coming incoming next eoy eow",
    "support": "support supports demand", "resistance": "resistance supply",
    "sell": "sell selling short shorting", "wall": "wall walls", "needs": "needs",
    "capped": "stuck capped heavy struggling pinned coiling consolidating",
    "in": "in", "out": "out", "avg": "avg average", "trigger": "trigger triggers",
}  # fmt: skip
CLASSES = ("", *WORDS)
HINTS = 32  # the place of the hints in a token's flags
CLASS = 31
FILLER, SIGN, LABEL, COLON, TO, TELLING, BETWEEN = (1 << bit for bit in (5, 6, 7, 12, 13, 14, 15))
ROLE_SHIFT, ROLE_MASK = 8, 15  # a role is one more than its place in ROLES
VERB_SHIFT, PREPOSITION_SHIFT = 16, 22
QUALITY = 1 << 26
VERB_MASK, PREPOSITION_MASK = 63 << VERB_SHIFT, 15 << PREPOSITION_SHIFT

#: labels right before a number or its list ("🎯 0.41"), beside numbered ones ("R1: 64k"); which
#: role they say is their cue's
_LABELS = "🛡 🎯 sl stoploss stop-loss 🛑 ⛔ 🚫"
#: labels that do so before a colon alone: "S: 155", "24h high: 62,495"
_SHORT_LABELS = {
    "s": "support", "r": "resistance", "high": "last", "low": "last", "e": "entry", "t": "target",
}  # fmt: skip
#: what has readings and no price, what comes before a year or money that is won or lost, what is
#: counted in wholes: see no_prices.py
GAUGES = "rsi mfi cci adx stoch stochrsi stochastic greed"
YEARS_AFTER = "until till til since year"
MADE, TURNED, INTO = "lost made won earned blew burned", "turn turned turning", "into"
COUNT_NOUNS, LOTS = "grids orders contracts", "lots"
FIGURES, SIZES = "figures pips pip", "per risk size"

_BITS = {
    FILLER: "the that this : =", SIGN: ": = - – ( at @", LABEL: _LABELS, COLON: ":",
    TO: "to towards toward",
    BETWEEN: "level levels zone zones area areas region line is are was lies stands sits at of"
             " around near the a its price prices in now set currently remains will be loss still"
             " @ : = ~ ≈ ( $",
    QUALITY: "strong good major key next weak important huge massive big main solid minor very"
             " local critical crucial significant as great nice",
    TELLING: " ".join(
        [GAUGES, YEARS_AFTER, MADE, TURNED, INTO, COUNT_NOUNS, LOTS, FIGURES, SIZES]
    ),
}  # fmt: skip


def _table() -> dict[str, int]:
    found = {form: code << VERB_SHIFT for form, code in VERBS.items()}
    rows = [(number, words) for number, words in enumerate(WORDS.values(), 1)]
    rows += _BITS.items()
    rows += [(ROLES.index(role) + 1 << ROLE_SHIFT, form) for form, role in _SHORT_LABELS.items()]
    rows += [(code << PREPOSITION_SHIFT, form) for form, code in PREPOSITIONS.items()]
    for bits, words in rows:
        for form in words.split():
            found[form] = found.get(form, 0) | bits
    return found


_HINTS = _table()
HINT_WORDS = frozenset(_HINTS)  #: all normal forms that have hints


def hints_of(token: str, form: str) -> int:
    """The hints of a token with that normal form, 0 for most.

    >>> CLASSES[hints_of("holds", "holds") & CLASS], bool(hints_of("TP2", "tp0") & LABEL)
    ('hold', True)
    """
    found = _HINTS.get(form, 0)
    return found | LABEL if token[-1:].isdigit() else found
