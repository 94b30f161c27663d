"""Text -> tokens with exact offsets: the only grammar of opgsent.

``BRANCHES`` is the grammar, in order of precedence: the first branch that matches at a place
wins. ``split`` cuts a text into token strings; ``kind_of`` names a token from its own characters;
``tokenize`` gives both with offsets.

A word between two spaces is cut alike wherever it stands, so ``split`` keeps what it cut before:
most of a post is then a look-up (4 times the speed of one ``findall`` over the text). Only a pair
or a price may reach over a space; a text in which one could is cut in one piece.

Every loop in a pattern is either deterministic or bounded, so that the time is linear in the
length of the text whatever the text is.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate

from .numerals import THOUSANDS
from .numerals import WRITTEN as _NUM
from .offsets import Reading, starts_of
from .pairs import PAIR_ENDS, is_pair
from .result import Token

# --- pieces -------------------------------------------------------------------------------

# quote currencies that may follow a slash, dash or underscore; lower case where no English
# word is meant
_QUOTE = (
    r"(?:USDT|USDC|BUSD|TUSD|FDUSD|USDP|USDE|USD1|DAI|USD|PERP|BTC|ETH|BNB|SOL|EUR|GBP|JPY|CHF|CAD"
    r"|AUD|NZD|TRY|BRL|NGN|INR|KRW|MXN|ZAR|CNH|CNY|SEK|NOK|SGD|HKD"
    r"|[Uu]sdt|[Uu]sdc|[Bb]usd|[Uu]sd|[Pp]erp|[Bb]tc|[Ee]th|[Bb]nb|eur|gbp|jpy|chf)(?![^\W_])"
)
_SPACED_QUOTE = "(?:USDT|USDC|USD|BTC|BUSD)"  # the only ones that white space may stand before
# "/USDT", "-PERP", "_USDT", "-27DEC24", " /USDT", " / USDT"; a third member makes it a list
_PAIR_TAIL = (
    rf"(?:/{_QUOTE}(?:-PERP|:USDT)?(?!/\w)|-{_QUOTE}(?:-SWAP|-PERP|-[0-9]{{6}}(?!\w))?"
    rf"|\s?/\s?{_SPACED_QUOTE}(?![^\W_])(?!\s?/)"
    r"|-[0-9]{1,2}[A-Z]{3}[0-9]{2}(?!\w))"
)
# TradingView's "SOLUSDT.P", a perpetual future, and "BTC.D", a share of the market
_PERPETUAL = r"(?:(?:(?<=USD)|(?<=USDT)|(?<=USDC))\.P(?!\w))?"
_SHARE = r"(?:(?:BTC|ETH|USDT|USDC|OTHERS)\.D|(?:btc|eth|usdt|usdc)\.d)(?!\w)"
_TLD = (
    r"(?:com|net|org|io|me|gg|co|ly|xyz|app|finance|info|news|ai|fi|pro|live|tv|dev|exchange"
    r"|trade|trading|capital|network|money|club|site|online|link|cc|to|eu|uk|de|ru|in|us|biz)"
)
# the tail that makes a domain or an e-mail of a word: "t.me/abc", "site.co.uk", "ann@site.com"
_DOMAIN_TAIL = rf"(?:\.[A-Za-z0-9-]{{1,63}}){{0,3}}\.{_TLD}(?![\w-])(?:/[^\s<>\"]*)?"
_MAIL_TAIL = r"@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,3}"

_CURRENCY = r"[$€£¥₿]"
_MONTH_DAY = (
    r"(?:(?:0?[1-9]|1[0-2])/(?:0?[1-9]|[12][0-9]|3[01])|(?:1[3-9]|2[0-9]|3[01])/(?:0?[1-9]|1[0-2]))"
)

_EMOJI_BASE = (
    "[\u231a\u231b\u23e9-\u23f3\u23f8-\u23fa\u24c2\u25aa\u25ab\u25b6\u25c0\u25fb-\u25fe"
    "\u2600-\u27bf\u2934\u2935\u2b05-\u2b07\u2b1b\u2b1c\u2b50\u2b55\u3030\u303d\u3297\u3299"
    "\U0001f000-\U0001f0ff\U0001f170-\U0001f19a\U0001f201-\U0001f251\U0001f300-\U0001faff]"
)
_SKIN = "[\U0001f3fb-\U0001f3ff]"
_EMOJI_ONE = (
    f"(?:{_EMOJI_BASE}|[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2194-\u2199\u21a9\u21aa]\ufe0f)"
    f"\ufe0f?{_SKIN}?(?:[\U000e0020-\U000e007e]{{1,8}}\U000e007f)?"
)
_EMOJI_JOINED = f"{_EMOJI_ONE}(?:\u200d{_EMOJI_ONE})*"  # joined sequences, skin tones, tag flags
_EMOJI = (
    "[\U0001f1e6-\U0001f1ff]{2}"  # flags
    "|[0-9#*]\ufe0f?\u20e3"  # keycaps
    f"|{_EMOJI_JOINED}"
)

#: (kind, pattern), in order of precedence. Patterns hold no capturing groups.
BRANCHES: tuple[tuple[str, str], ...] = (
    ("link", r"(?:https?://|www\.)[^\s<>\"]*[^\s<>\".,;:!?)\]}'…]"),
    ("link", rf"[^\W\d_]\w*{_DOMAIN_TAIL}|[^\W\d_]\w*{_MAIL_TAIL}"),
    # "@4.20" and "@145k" are prices, "@" inside a word is no handle
    ("handle", r"(?<![\w@])@(?![0-9][0-9.,]*[kKmM]?(?!\w))[A-Za-z0-9_]+"),
    # Reddit's: "r/btc" is a place and no pair
    ("handle", r"(?<![\w/])/?[ru]/[A-Za-z]\w{2,50}(?![\w/])"),
    ("pair", rf"[$#]?[^\W_][^\W_]*{_PAIR_TAIL}"),
    # never $10, $5M, $300k: a digit-led cashtag needs three capitals ($1INCH)
    (
        "cashtag",
        r"\$[A-Za-z][A-Za-z0-9]*(?:[.](?:[A-Za-z]|[A-Z]{2}|to|ax|de|hk|ns|bo|pa|tw)(?!\w)"
        r"|_(?:[A-Za-z]|PERP|[0-9]{6})(?!\w)|-[A-Z](?!\w))?"
        # exchanges that number their shares
        r"|\$(?:[0-9]{4}\.T|[0-9]{1,6}\.(?:HK|hk|TWO?|tw|S[SZ]|K[SQ]))(?!\w)"
        r"|\$[0-9]{1,4}(?!(?:USD|EUR|CAD|AUD|MIL|BIL|MLN|BLN|MM|BN)[A-Z]*(?!\w))[A-Z]{3,}(?!\w)",
    ),
    ("hashtag", rf"#(?:{_SHARE}|(?=[0-9_]*[^\W\d_])\w+{_PERPETUAL})"),
    ("date", rf"(?:19|20)[0-9]{{2}}[-/.](?:0?[1-9]|1[0-2])[-/.](?:0?[1-9]|[12][0-9]|3[01])(?!\w)"
             rf"|(?!24/7){_MONTH_DAY}(?:/(?:20)?[0-9]{{2}})?(?![\w/]|[.,][0-9])"
             r"|(?:0?[1-9]|[12][0-9]|3[01])\.(?:0[1-9]|1[0-2])\.(?:19|20)[0-9]{2}(?!\w)"),
    ("time", r"[0-9]{1,2}:[0-5][0-9](?::[0-5][0-9])?(?:[AaPp][Mm])?(?!\w)|(?:1[0-2]|[1-9])[AaPp][Mm](?!\w)"),
    ("percent", rf"{_NUM}(?:[-–]{_NUM})?[%٪]"),
    ("multiple", rf"{_NUM}(?:[-–]{_NUM})?[xX](?!\w)|[xX][0-9]+(?!\w)"),
    # keycap digits are emoji before they are numbers
    ("emoji", "[0-9#*]\ufe0f?\u20e3"),
    # 43,250.5  $3.2K  67k-69k  0.00001234  .618  3k8  1.2M  250p  100usdt  4h
    ("number", rf"(?:{_CURRENCY}\s?(?=[0-9.]))?(?:{_NUM}|(?<!\w)\.[0-9]+)(?:[^\W\d_]\w*{_PERPETUAL})?"
               rf"(?:[-–]{_CURRENCY}?{_NUM}(?:[^\W\d_]\w*)?)*"),
    ("emoji", _EMOJI),
    # digits of other scripts are words as a whole: one by one they would cost time
    ("word", rf"{_SHARE}|(?:[^\W\d_]|(?![0-9])\d)\w*(?:['’&][^\W\d_]\w*)*{_PERPETUAL}"),
    ("mark", r"[!?]+|\.\.+|…|--+|==+|__+|\*\*+|~~+|\$\$+|\S"),
    ("break", r"\n"),  # a line break: read by the models, no token of ``tokenize``
)  # fmt: skip

# Most tokens are plain: what follows them shows that no branch could take more or less. They are
# looked for before the branches, which are slow: each reads a word again, and again letter by letter.
_FEW = r"[0-9]+(?:\.[0-9]+)?"
_NO_MORE = "(?![\\w/:%٪\u2013\ufe0f\u20e3-]|[.,][0-9A-Za-z]|\\s/)"
_PLAIN = (
    # "up", "$BTC", "#Bitcoin", "ema200"; "co-" of "co-op", for no quote begins with "o"
    r"[$#]?[A-Za-z][A-Za-z0-9]*"
    r"(?![\w/@]|['’&][^\W\d_]|\.(?:[0-9A-Za-z-]|(?<=www\.))|-[0-9A-Zbcegjpu]|://|\s/)",
    rf"\$?{_FEW}(?:[A-Z]?[a-z]*|-{_FEW}){_NO_MORE}|{_FEW}%",  # "5", "$61.5k", "20x", "10-12", "3%"
    r"[,;:()\[\]\"'“”’‘|%+&•…]|[!?]+|\.\.+|\.(?![0-9])|-(?!-)",
    rf"(?!\w){_EMOJI_JOINED}",  # "❶" is an emoji that a word could begin with
)
#: one ``findall`` with this is what ``split`` does, slower
whole = re.compile("|".join([*_PLAIN, *(pattern for _, pattern in BRANCHES)])).findall

# A token may hold white space ("$XYZ /USDT", "$ 10"); such a space is no cut but a BRIDGE.
_by_slash = re.compile(r"/(?:(?<=\s/)|(?=\s))")
_by_quote = re.compile(rf"/(?:(?<=\s/)\s?|\s){_SPACED_QUOTE}")
_by_sign = re.compile(rf"{_CURRENCY}\s(?=[0-9.])")
_bridged = re.compile(rf" (?=/)|(?<=/) |(?<={_CURRENCY}) (?=[0-9.])").sub
#: stand for a line break between the pieces of a text, for a space inside one, and for what is
#: before a text; nobody writes these, and Python holds ASCII in the least room, cut the fastest
BREAK, BRIDGE, BEGIN = "\x01", "\x02", "\x03"
MAX_PIECE = 64  # characters; longer pieces are links and keyboard mashing, seen once
MAX_PIECES = 100_000
_pieces: dict[str, tuple[str, ...]] = {BREAK: ("\n",)}


def pieces(text: str) -> list[str] | None:
    """What stands between the white space of a text, with BREAK for a line break.

    None where a token may reach over white space that is no plain space, or the text holds BREAK
    or its like itself: such a text must be cut by ``whole``.

    >>> [piece.replace(BRIDGE, "~") for piece in pieces("$MSTR /USDT up 3%!!")]
    ['$MSTR~/USDT', 'up', '3%!!']
    """
    bridged = _bridge(text)
    return None if bridged is None else _between_spaces(bridged)


def _bridge(text: str) -> str | None:
    """The text with BRIDGE for a space that a token may hold; None as ``pieces``."""
    if BREAK in text or BRIDGE in text or BEGIN in text:
        return None
    if _by_quote.search(text) or _by_sign.search(text):
        text = _bridged(BRIDGE, text)
        # any slash, for one behind a pair makes it a list
        if _by_slash.search(text) or _by_sign.search(text):
            return None
    return text


def _between_spaces(text: str) -> list[str]:
    return text.replace("\n", f" {BREAK} ").split()


def pieces_of(texts: Sequence[str]) -> list[str]:
    """The pieces of several texts in one list, BEGIN before each text and behind the last.

    A text that must be cut by ``whole`` is one piece that begins with BEGIN.

    >>> pieces_of(["up 3%", "", "a /\\nUSD"]) == [
    ...     BEGIN, "up", "3%", BEGIN, BEGIN, BEGIN + "a /\\nUSD", BEGIN
    ... ]
    True
    """
    plain, uncut = list(texts), []
    for at in sorted(_odd(texts)):
        bridged = _bridge(texts[at])
        if bridged is None:
            uncut.append(texts[at])
        plain[at] = BRIDGE if bridged is None else bridged  # no piece is a BRIDGE and no more
    found = _between_spaces(f" {BEGIN} ".join(["", *plain, ""]))
    at = 0
    for text in uncut:
        at = found.index(BRIDGE, at)
        found[at] = BEGIN + text
    return found


def _odd(texts: Sequence[str]) -> set[int]:
    """Which texts are more than their words between white space: looked for in all of them at once,
    for most are not.
    """
    if len(texts) == 1:
        return {0}
    joined = "\n".join(texts)
    hits = [hit.start() for look in (_by_quote, _by_sign) for hit in look.finditer(joined)]
    for mark in (BREAK, BRIDGE, BEGIN):
        if mark in joined:
            hits += [hit.start() for hit in re.finditer(mark, joined)]
    if not hits:
        return set()
    ends = list(accumulate([len(text) + 1 for text in texts]))
    return {bisect_right(ends, hit) for hit in hits}


def cut(piece: str) -> tuple[str, ...]:
    """Token strings of a piece, kept for the next time (bounded, safe under threads)."""
    found = _pieces.get(piece)
    if found is None:
        found = cut_once(piece)
        if len(piece) <= MAX_PIECE:
            if len(_pieces) >= MAX_PIECES:
                _pieces.clear()
                _pieces[BREAK] = ("\n",)
            _pieces[piece] = found
    return found


def cut_once(piece: str) -> tuple[str, ...]:
    """Token strings of a piece: letters alone need no pattern."""
    if piece.isalpha():
        return (piece,)
    if piece[0] == BEGIN:
        return tuple(whole(piece[1:]))
    return tuple(whole(piece.replace(BRIDGE, " ")))


def kept_as(piece: str) -> str:
    """The piece that a plain link is read as, another of its length; any other piece as it is.

    >>> kept_as("https://t.co/a1"), kept_as("(https://t.co/a1)")
    ('https://xxxxxxx', '(https://t.co/a1)')
    """
    return _alike(piece) if piece.isascii() and _is_plain_link(piece) else piece


def stand_in(tokens: Sequence[str]) -> Sequence[str]:
    """The tokens with links and handles made alike: of these no model reads more than the length.

    >>> stand_in(("@bob", "https://t.co/a1", "up"))
    ('@xxx', 'https://xxxxxxx', 'up')
    """
    for token in tokens:
        if token[0] == "@" or token[:4] == "http":
            return tuple(map(_alike, tokens))
    return tokens


def _alike(token: str) -> str:
    for head in ("https://", "@", "http://"):
        if token.startswith(head):
            return head + "x" * (len(token) - len(head))
    return token


def is_plain(piece: str) -> str | None:
    """The kind of an ASCII piece that is one number, cashtag, hashtag, handle or link for sure.

    >>> [is_plain(p) for p in ("61,500.5", "$BTC", "#Bitcoin", "@bob", "BTC/USDT")]
    ['number', 'cashtag', 'hashtag', 'handle', None]
    """
    first, rest = piece[:1], piece[1:]
    if first.isdigit():
        return "number" if _is_plain_number(piece) else None
    if first == "$":
        if rest.isalpha():
            return "cashtag"
        return "number" if rest[:1].isdigit() and _is_plain_number(rest) else None
    if first == "#":
        return "hashtag" if rest.isalnum() and rest[0].isalpha() else None
    if first == "@":
        return "handle" if rest[:1].isalpha() and rest.replace("_", "").isalnum() else None
    return "link" if _is_plain_link(piece) else None


def _is_plain_link(piece: str) -> bool:
    if not piece.startswith(("https://", "http://")) or not piece[-1].isalnum():
        return False
    return not ('"' in piece or "<" in piece or ">" in piece)


def _is_plain_number(piece: str) -> bool:
    """Whether what begins with a digit is "61,500.5" or "61500.5" and nothing more."""
    if "," in piece:
        return THOUSANDS.fullmatch(piece) is not None
    return piece.replace(".", "", 1).isdigit() and piece[-1:].isdigit()


def split(text: str) -> list[str]:
    """Token strings of a text in order, line breaks among them; white space lies between.

    >>> split("$MSTR /USDT\\nup 3%!!")
    ['$MSTR /USDT', '\\n', 'up', '3%', '!!']
    """
    found = pieces(text)
    if found is None:
        return list(whole(text))
    return [token for piece in found for token in cut(piece)]


# A number whose tail is none of these is a word with digits in it (4h, 200EMA, 1st, 250p).
_NUMBER_TAIL = re.compile(
    rf"(?:{_CURRENCY}\s?)?{_NUM}(?:k[0-9]{{1,3}}|[kKmMbBtT]|mil|mln|mm|MM|bn|Bn|BN|tn|ish|s)?"
    rf"(?:[-–]{_CURRENCY}?{_NUM}(?:[kKmMbB])?)*"
)
_kind_at = re.compile("|".join(f"({pattern})" for _, pattern in BRANCHES)).fullmatch


@lru_cache(maxsize=65_536)
def kind_of(token: str) -> str:
    """The kind of a token string: the first branch that matches all of it.

    >>> [kind_of(t) for t in ("$BTC", "BTCUSDT", "43,250.5", "20x", "200EMA", "🚀")]
    ['cashtag', 'pair', 'number', 'multiple', 'word', 'emoji']
    """
    return kind_once(token)


def kind_once(token: str) -> str:
    """``kind_of`` of a token that is not looked at again: nothing is kept."""
    # most tokens need no pattern
    if token.isalpha():
        return "pair" if token[-3:].upper() in PAIR_ENDS and is_pair(token) else "word"
    if token.isascii() and (plain := is_plain(token)):
        return plain
    found = _kind_at(token)
    kind = BRANCHES[found.lastindex - 1][0] if found and found.lastindex else "mark"
    if kind == "number" and not _NUMBER_TAIL.fullmatch(token):
        kind = "word"
    return "pair" if kind == "word" and is_pair(token) else kind


def tokenize(text: str) -> tuple[Token, ...]:
    """Tokens of a post; they cover everything but white space, in order.

    HTML entities are read as what they stand for; offsets and texts are the original's.

    >>> [(t.text, t.kind) for t in tokenize("$MSTR /USDT at 64.30. 🚀")][2:]
    [('64.30', 'number'), ('.', 'mark'), ('🚀', 'emoji')]
    """
    if not isinstance(text, str):
        raise TypeError(f"tokenize() takes a str, not {type(text).__name__}: {text!r:.80}")
    reading = Reading(text)
    tokens = split(reading.text)
    out = []
    for token, at in zip(tokens, starts_of(reading.text, tokens), strict=True):
        if token == "\n":
            continue
        start, end = reading.span(at, at + len(token))
        out.append(Token(text[start:end], kind_of(token), start, end))
    return tuple(out)
