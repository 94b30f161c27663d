"""One token -> the form that the models see, its flags and what it adds to a post's counters.

Tickers, numbers, handles and links are masked: they leak labels inside one feed and hurt outside.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from itertools import product

import numpy as np

from .assets import Assets
from .candidates import CUE_MASK, CUE_SHIFT, candidate_flags, known_words, unlisted_flags
from .cues import CUE_WORDS, QUOTE, cue_of
from .features import (
    COUNTERS,
    COUNTS,
    EMOJI,
    END,
    HOLLOW,
    JOINING,
    LEAVING,
    NEGATION,
    OPTION,
    OWNING,
    POSITION,
    QUOTING,
    SELLING,
    UNDOING,
    word_digest,
)
from .numerals import MAX_DIGITS, THOUSANDS
from .pairs import PAIR_ENDS
from .phrases import HINT_WORDS, HINTS, hints_of
from .reading import Described
from .tokens import kind_once

#: what words are to their neighbours, see turns.py and sides.py
_WORDS = {
    NEGATION: "not no never without neither nor cannot cant can't wont won't dont don't doesnt"
              " doesn't didnt didn't isnt isn't aint ain't wasnt wasn't arent aren't werent weren't"
              " wouldnt wouldn't shouldnt shouldn't couldnt couldn't havent haven't hasnt hasn't"
              " hadnt hadn't hardly barely rarely nobody nothing none doubt doubts"
              " doubtful unlikely",
    HOLLOW: "only just wait joke matter brainer wonder financial",
    UNDOING: "broken failed fails failing invalidated busted exhausted limited fading faded fades"
             " fizzled fizzling stalled stalling weakening dead dying rejected denied trapped"
             " squeezed liquidated rekt wrecked wiped crushed destroyed cooked burned burnt"
             " punished",
    LEAVING: "cover covers covered covering close closes closed closing exit exits exited exiting"
             " stopped unwind unwound unwinding ditched dumped flattened trimmed trimming reduced"
             " liquidated rekt wrecked cooked burned burnt squeezed",
    SELLING: "sell sells sold selling write wrote writing",
    POSITION: "long longs short shorts",
    OPTION: "call calls put puts",
    OWNING: "my our his her their your the a an this that these those all half most some part rest"
            " both of out on from in up down off with T $T #T 0 0% remaining last first"
            " second final next small smaller tiny big bigger large entire whole full other old new"
            " losing winning green red overnight swing daily weekly",
    JOINING: "and but while whereas though although than into vs versus against",
}  # fmt: skip
_KINDS = {flag: frozenset(words.split()) for flag, words in _WORDS.items()}
#: a word may be of several kinds: "liquidated" ends a position and undoes what stands before it
_SENSE = {
    word: sum(flag for flag, words in _KINDS.items() if word in words)
    for word in frozenset().union(*_KINDS.values())
}
_ENDS = frozenset(". , ; : ! ? \n … - – — | ) (".split(" "))
_FIRST_PERSON = frozenset("i im i'm ive i've my me mine i'll i’m id i'd".split())
_ROCKETS = frozenset("🚀🌕🌙🔥💎🤑💰💥⚡🐂📈🎯🏆✅💸🤩")
_ELONGATED = re.compile(r"(\w)\1{2,}")
_repeated = re.compile(r"(.)\1\1").search  # of a word in letters the same, and quicker
_SKIN = re.compile("[\ufe0f\U0001f3fb-\U0001f3ff]")
_DIGITS = re.compile(r"[0-9]+")


def normal(token: str, kind: str, assets: Assets) -> str:
    """The form of a token that the models see: lower case, masked, lengthening undone.

    >>> assets = Assets.load()
    >>> [normal(t, kind_once(t), assets) for t in ("$PEPE", "61.5k", "Sooooo", "bitcoin", "@bob")]
    ['$T', '0.0k', 'soo', 'T', '@U']
    """
    if kind in ("cashtag", "pair"):
        return "$T"
    if kind == "word":
        lower = token.lower().replace("’", "'")
        if is_asset(token, lower, assets):
            return "T"
        if token[0].isdigit():
            return _DIGITS.sub("0", lower)
        if len(lower) > 3 and len(set(lower)) < len(lower) - 1:  # a letter comes twice again
            return _ELONGATED.sub(r"\1\1", lower)
        return lower
    if kind in ("number", "percent", "multiple"):
        return _DIGITS.sub("0", token.lower())[:12]
    if kind == "hashtag":
        lower = token[1:].lower()
        return "#T" if is_asset(token[1:].upper(), lower, assets) else "#" + lower
    if kind == "emoji":
        return _SKIN.sub("", token) or token
    if kind in _ALIKE:
        return _ALIKE[kind][1]
    return token[:3]


def is_asset(token: str, lower: str, assets: Assets) -> bool:
    """Whether a bare word is a symbol or a name that is no everyday word."""
    if token.isupper() and not all(a.doubtful_symbol for a in assets.by_symbol(token)):
        return True
    named = assets.by_name(lower)
    return named is not None and not named.is_doubtful(lower)


def describe(token: str, assets: Assets) -> tuple[str, str, int, bytes]:
    """(kind, normal form, flags, counts) of a token; a byte for each counter."""
    if not token:
        return "start", "^", END, _counts()
    kind = kind_once(token)
    if kind in _ALIKE:
        kind, form, flags, counts = _ALIKE[kind]
    else:
        form = normal(token, kind, assets)
        flags, counts = _SENSE.get(form, 0), _count(token, kind, form)
        if token in _ENDS:
            flags |= END
        elif kind == "emoji":
            flags |= EMOJI
    flags |= candidate_flags(token, kind, form, assets) | hints_of(token, form) << HINTS
    if token == "/" or flags >> CUE_SHIFT & CUE_MASK == QUOTE:
        flags |= QUOTING
    return kind, form, flags, counts


_DIGEST = np.dtype("<u8")  # of the hash of a form, whose bytes come the lowest first


def described(tokens: Sequence[str], assets: Assets) -> tuple[Described, list[str]]:
    """(what ``describe`` says of tokens, as a token table keeps it; their normal forms)."""
    named, listed, numbers = known_words(assets), assets.symbols(), _numbers(assets)
    kinds, forms, flags, counts = [], [], [], []
    for token in tokens:
        lower, told = token.lower(), None
        if lower not in named:
            if token.isalpha():
                if token not in listed:
                    told = _plain_word(token, lower)
            elif token[-1:] in _LAST_OF_NUMBER and len(token) <= MAX_DIGITS:
                told = numbers.get(_DIGITS.sub("0", token))
                if told and "," in token and not THOUSANDS.fullmatch(token.lstrip("$")):
                    told = None
        kind, form, flag, count = told or describe(token, assets)
        kinds.append(kind)
        forms.append(form)
        flags.append(flag)
        counts.append(count)
    digests = {form: word_digest(form) for form in set(forms)}
    found = Described(
        kinds,
        np.frombuffer(b"".join([digests[form] for form in forms]), _DIGEST),
        np.array(flags, np.int64),
        np.frombuffer(bytearray().join(counts), np.uint8).reshape(-1, COUNTERS),  # to be filled in
        None,
    )
    return found, forms


# Most tokens that are new are words that the table of assets does not know, or numbers in plain
# digits. Of these little is asked, and they are described in half the time.


def _plain_word(token: str, lower: str) -> tuple[str, str, int, bytes] | None:
    """What ``describe`` says of a word in letters that is neither a symbol nor in a name; None if
    it may be more than a word. ``lower`` is the word in small letters.
    """
    if len(token) < 2 or lower[-3:] in _ENDS_OF_NAMES or _repeated(lower):
        return None
    flags, shouted = _OF_WORD.get(lower, 0), False
    if not token.islower():
        if token.isupper():
            shouted = len(token) > 3 and lower != token
        elif token[:-1].isupper():  # "LTCs"
            return None
        flags |= unlisted_flags(token)
    counts = _WORD_COUNTS[len(token) > 7, shouted, False, lower in _FIRST_PERSON]
    return "word", lower, flags, counts


def _of_word(form: str) -> int:
    """The flags of a word in small letters, whatever it may mean: cues, hints and the like."""
    flags = _SENSE.get(form, 0) | cue_of(form) << CUE_SHIFT | hints_of(form, form) << HINTS
    return flags | QUOTING if flags >> CUE_SHIFT & CUE_MASK == QUOTE else flags


#: of all words that have some
_OF_WORD = {form: _of_word(form) for form in {*_SENSE, *CUE_WORDS, *HINT_WORDS}}

_LAST_OF_NUMBER = frozenset("0123456789kKmM%xX")


@lru_cache(maxsize=4)
def _numbers(assets: Assets) -> dict[str, tuple[str, str, int, bytes]]:
    """Form ("$0.0k", "0-0") -> what ``describe`` says of all numbers in plain digits of it."""
    prices = [s + n + tail for s in ("", "$") for n in ("0", "0.0") for tail in ("", "k", "K")]
    ranges = [f"{one}-{two}" for one in prices for two in prices]
    others = "0m 0.0m 0M 0.0M $0m $0.0m $0M $0.0M 0% 0.0% 0x 0.0x 0X 0.0X".split()
    grouped = "1,000 1,000.0 1,000,000 $1,000 $1,000.0 $1,000,000".split()
    forms = prices + ranges + others + grouped
    return {_DIGITS.sub("0", form): describe(form, assets) for form in forms}


#: the last letters of pairs and of names like "Chaincoins"
_ENDS_OF_NAMES = frozenset(end.lower() for end in PAIR_ENDS) | {"oin", "ins"}


@cache
def _counts(*names: str) -> bytes:
    """A byte for each counter: how often it is named."""
    return bytes([*map(names.count, COUNTS), 0])


#: of a word, by whether it is long, shouted, a ticker, the writer
_WORD_COUNTS = {
    key: _counts("word", *(name for name, on in zip(names, key, strict=True) if on))
    for names in [("long", "caps", "ticker", "first_person")]
    for key in product((False, True), repeat=len(names))
}


def _count(token: str, kind: str, form: str) -> bytes:
    if kind == "word":
        shouted = len(token) > 3 and form not in (token, "T") and token.isupper()
        return _WORD_COUNTS[len(token) > 7, shouted, form == "T", form in _FIRST_PERSON]
    if kind in ("number", "percent"):
        return _counts(kind)
    if kind in ("cashtag", "pair"):
        return _counts("ticker")
    if kind == "hashtag":
        return _counts("hashtag", "ticker") if form == "#T" else _counts("hashtag")
    if kind == "emoji":
        return _counts("emoji", "rocket") if form[0] in _ROCKETS else _counts("emoji")
    names = ["exclaim"] * min(token.count("!"), 9)
    if "?" in token:
        names.append("question")
    if token.startswith("..") or token == "…":
        names.append("ellipsis")
    elif token in _COUNTED_MARKS:
        names.append(_COUNTED_MARKS[token])
    return _counts(*names)


_COUNTED_MARKS = {",": "comma", "\n": "break"}
#: what ``describe`` says of a link, handle, date or time, whichever it is
_ALIKE = {
    "link": ("link", "@L", 0, _counts("link")),
    "handle": ("handle", "@U", 0, _counts("handle")),
    "date": ("date", "@D", 0, _counts()),
    "time": ("time", "@H", 0, _counts()),
}
