"""What the verbs of prices do, and in which form: one table, word -> code.

"rallied to", "may fall to", "was rejected at": which verb stands before a number, its form and the
preposition say together which role the number has; clauses.py reads them beside every number.
"""

from __future__ import annotations

#: what a verb, or a noun for the same, says of the price; a word is of the first that names it
_VERBS = {
    "up": "rise rose risen rally climb increase surge soar jump pump gain advance spike"
    " recover extend rip pop explode shoot shot skyrocket leap leapt lift hike squeeze inch creep"
    " crept edge grind fly flew flown zoom launch double triple rocket",
    "down": "fall fell fallen drop decline slide slid slip slump dip plunge tumble crash dump"
    " retrace decrease reduce depreciate sink sank sunk correct tank dive dove pullback pull"
    " ease fade bleed bled collapse crater nosedive plummet halve flush nuke melt drift soften"
    " weaken shed dwindle",
    "move": "move go went gone head get got take took taken send sent push return come came bring"
    " brought drive drove run ran drag lead led propel expose place open back gap swing swung"
    " stretch march",
    "reach": "reach hit touch tag test retest visit revisit see saw seen approach achieve attain"
    " meet met print post record make made set fill tap clock register notch sweep swept wick"
    " brush kiss",
    "break": "break broke broken breach clear cross reclaim flip penetrate lose lost surpass exceed"
    " crack breakout breakdown burst smash absorb retake retook retaken regain violate pierce"
    " slice overcome overcame give gave given",
    "hold": "hold held defend stay remain keep kept sustain maintain support respect guard protect"
    " cushion underpin",
    "reject": "reject rejection repel resist cap face fail failure struggle battle unable"
    " encounter stall halt block knock deny",
    "trade": "trade hover sit sat fluctuate consolidate range stand stood quote price close end now"
    " currently current premarket settle finish chop oscillate hang hung float",
    "bounce": "bounce rebound reverse find found bottom top peak",
    "buy": "buy bought enter add accumulate load grab long entry entries bid order reload nibble"
    " average scoop purchase",
    "sell": "sell sold short exit trim bail cover unload offload bank",
    "want": "target aim eye expect look watch wait want think need hope like love wish forecast"
    " project predict",
    "be": "is are was were been being 's act serve become became lie lay locate",
    "stop": "stop stoploss sl invalidate invalidation cut",
}
KINDS = ("", *_VERBS)
FORMS = 4  #: of each kind: as it stands in the dictionary, -s, past, -ing
_PAST = frozenset(
    "rose risen fell fallen slid sank sunk dove shot went gone got took taken sent came brought"
    " drove ran led saw seen met made broke broken lost held kept sat stood found bought sold was"
    " were been became lay leapt crept flew flown bled swung swept retook retaken overcame gave"
    " given hung".split()
)
_PREPOSITIONS = (
    "to towards toward", "above over past", "below under beneath", "at @ around near", "of",
    "from off", "between within", "on", "in into", "through", "for", "until till", "by", "with",
    "than",
)  # fmt: skip
PREPOSITIONS = {
    word: number for number, words in enumerate(_PREPOSITIONS, 1) for word in words.split()
}


def _forms(word: str) -> dict[str, int]:
    """The regular forms of a verb, and some that are none: form -> its number.

    >>> [form for form in _forms("drop") if form.endswith("ing")]
    ['droping', 'dropping']
    """
    if word in _PAST:
        return {word: 2}
    stem = word.removesuffix("e")
    found = {word: 0, word + "s": 1, word + "es": 1, stem + "ed": 2, stem + "ing": 3}
    if word[-1] == "y":
        found |= {word[:-1] + "ies": 1, word[:-1] + "ied": 2}
    return found | {word + word[-1] + "ed": 2, word + word[-1] + "ing": 3}


def _codes() -> dict[str, int]:
    found: dict[str, int] = {}
    for kind, words in enumerate(_VERBS.values(), 1):
        for word in words.split():
            for form, number in _forms(word).items():
                found.setdefault(form, kind * FORMS + number)
    return found


#: kind times FORMS, plus the form, of every form
VERBS = _codes()
