"""Which tokens could be a ticker or a price: high recall, decided once per distinct token.

What is known of a token whatever stands around it is packed into bits 16 to 31 of its flags, so
that the candidates of a whole batch are one numpy operation:

    16 ticker candidate    17 price candidate    18 opens a name of several words
    19 continues one       20-24 cue class       25-31 shape of a word: case, knowledge, kind
"""

from __future__ import annotations

import re
from functools import lru_cache

from .assets import Assets
from .cues import cue_of
from .everyday import CAPITALS, COMMON, TOPICS, WORDS
from .numerals import MAX_DIGITS, parts_of
from .symbols import contract_root, is_called_coin, split_pair

TICKER, PRICE, OPENS, FOLLOWS = (1 << bit for bit in range(16, 20))
CUE_SHIFT, SHAPE_SHIFT = 20, 25
CUE_MASK, SHAPE_MASK = 31, 127

#: how a word is known: not at all, as a name, as a symbol, as unknown capitals, as a coin that is
#: gone or is called so ("Chaincoin", "junkcoin")
KNOWN = (
    "no", "name", "doubtful name", "symbol", "doubtful symbol", "capitals", "lower symbol",
    "coin's name",
)  # fmt: skip
CASES = ("lower", "title", "upper", "mixed")
FORMS = ("word", "hashtag", "cashtag", "pair")

#: normal forms of what could be a price for sure, as most numbers could
_PLAIN_PRICES = frozenset("0 0.0 $0 $0.0 0k 0.0k $0k $0.0k".split())
_UNKNOWN = re.compile(r"[A-Z][A-Z0-9]{1,9}")
#: letters that may stand behind a price: thousands, units, option kinds
_MONEY_TAIL = re.compile(
    r"k[0-9]{0,3}|m|mm|mil|mln|b|bn|s|ish|usdt?|usdc|busd|sats?|satoshis?|[pc]e?|eur|btc|eth|cents?|"
)


def candidate_flags(token: str, kind: str, form: str, assets: Assets) -> int:
    """Bits 16 to 31 of a token's flags; see the module.

    >>> assets = Assets.load()
    >>> bool(candidate_flags("BTC", "word", "T", assets) & TICKER)
    True
    >>> bool(candidate_flags("61.5k", "number", "0.0k", assets) & PRICE)
    True
    """
    if kind == "link" or kind == "handle":
        return 0
    flags = cue_of(token) << CUE_SHIFT
    if kind in ("number", "word") and (token[0].isdigit() or token[0] in "$€£¥₿₹."):
        if _is_price(token, kind, form):
            flags |= PRICE
        if token in _phrase_words(assets)[1]:
            flags |= FOLLOWS
        if flags & PRICE or not token[0].isalnum():
            return flags
    if kind not in FORMS:
        return flags
    known = _known(token, kind, assets)
    shape = _case(token) | known << 2 | FORMS.index(kind) << 5
    if kind == "word":
        flags |= TICKER if known else 0
        opens, follows = _phrase_words(assets)
        lower = token.lower()
        flags |= (OPENS if lower in opens else 0) | (FOLLOWS if lower in follows else 0)
    elif known or kind != "hashtag" or _could_be_tag(token):
        flags |= TICKER
    return flags | shape << SHAPE_SHIFT


def unlisted_flags(token: str) -> int:
    """Those flags, but for the cue, of a word in letters that the table knows nothing of.

    >>> [bin(unlisted_flags(word) >> SHAPE_SHIFT) for word in ("up", "Up", "UP")]
    ['0b0', '0b1', '0b10']
    """
    known = _capitals(token) if token.isupper() else 0
    return (_case(token) | known << 2) << SHAPE_SHIFT | (TICKER if known else 0)


def _is_price(token: str, kind: str, form: str) -> bool:
    """Whether a number could be a price; billions are money, whatever they are of. One with letters
    may yet be a price: "100usdt", "250p", "4735sats".
    """
    if form in _PLAIN_PRICES and len(token) <= MAX_DIGITS:
        return True
    tails = [part.tail for part in parts_of(token)]
    if kind == "word" and not all(map(_MONEY_TAIL.fullmatch, tails)):
        return False
    return bool(tails) and _BILLIONS.isdisjoint(tails)


_BILLIONS = frozenset("b bn t tn".split())


def _capitals(word: str) -> int:
    """How a word in capitals that no table knows is known, as ``_known``."""
    return 5 if word not in CAPITALS and _UNKNOWN.fullmatch(word) else 0


def _could_be_tag(token: str) -> bool:
    """An unknown hashtag that is no topic and no sentence: short, not in lower case throughout."""
    return len(token) <= 12 and token != token.lower() and token.lower() not in TOPICS


def _case(token: str) -> int:
    body = token.lstrip("$#")
    if body.isupper():
        return 2
    if body.islower():
        return 0
    return 1 if body[:1].isupper() and body[1:].islower() else 3


def _known(token: str, kind: str, assets: Assets) -> int:
    """How a token is known: an index into KNOWN; 0 for everyday words, too."""
    if kind == "word" and (len(token) < 2 or token in CAPITALS):
        return 0
    body = token.lstrip("$#")
    if not body.isalpha():
        if contract_root(body, assets):
            return 3
        for mark in ("'", "’", "_"):
            head = body.partition(mark)[0]
            if head and head != body and (assets.by_name(head.lower()) or assets.by_symbol(head)):
                body = head
    if len(body) > 3 and body[-1] == "s" and body[:-1].isupper():  # "LTCs"
        body = body[:-1] if assets.by_symbol(body[:-1]) else body
    lower, upper = body.lower(), body.upper()
    listed = assets.by_symbol(body if kind == "word" else upper)
    named = assets.by_name(lower)
    if named and not named.is_doubtful(lower):
        return 1
    if listed:
        return 4 if all(asset.doubtful_symbol for asset in listed) else 3
    if named and (body == upper or lower not in WORDS):
        return 7 if named.past else 2
    if kind == "hashtag":
        return 5 if split_pair(body, assets) else 0
    if kind == "word":
        if "_" in body and split_pair(body, assets):
            return 3
        if body.isupper():
            return _capitals(body)
        if 2 < len(lower) < 7 and lower.isascii() and lower.isalnum() and lower[0].isalpha():
            listed = assets.by_symbol(upper)
            if listed and not all(asset.doubtful_symbol for asset in listed):
                return 6
            if lower not in COMMON and any(asset.asset_class == "crypto" for asset in listed):
                return 4
        if is_called_coin(body):
            return 7
    return 0


@lru_cache(maxsize=4)
def openings(assets: Assets) -> frozenset[str]:
    """The first two words of each name of several words."""
    return frozenset(" ".join(name.split(" ")[:2]) for name in assets.phrases())


def is_coin(word: str, behind: str, assets: Assets) -> bool:
    """Whether a word is a coin's symbol by what stands behind it: "the Bat token", "coss coins".

    >>> is_coin("Bat", "token", Assets.load()), is_coin("bat", "in", Assets.load())
    (True, False)
    """
    return behind.lower() in _COIN_WORDS and word.lower() in _coins(assets)


_COIN_WORDS = frozenset("coin coins token tokens".split())


@lru_cache(maxsize=4)
def _coins(assets: Assets) -> frozenset[str]:
    """Symbols of coins in small letters that a word may be."""
    lower = map(str.lower, assets.symbols("crypto"))
    return frozenset(s for s in lower if 2 < len(s) < 7 and s.isalpha() and s not in WORDS)


@lru_cache(maxsize=4)
def known_words(assets: Assets) -> frozenset[str]:
    """Words in small letters that may mean an asset or begin or continue the name of one: of any
    other word in letters ``candidate_flags`` says what ``unlisted_flags`` says, and its cue.
    """
    return frozenset().union(
        assets.names(), *_phrase_words(assets),
        [symbol.lower() for symbol in assets.symbols() if 2 < len(symbol) < 7],
    )  # fmt: skip


@lru_cache(maxsize=4)
def _phrase_words(assets: Assets) -> tuple[frozenset[str], frozenset[str]]:
    """First words, and second words, of the names of several words."""
    names = [name.split(" ") for name in assets.phrases()]
    opens, follows = frozenset(n[0] for n in names), frozenset(n[1] for n in names)
    return opens | _coins(assets), follows | _COIN_WORDS
