"""Text -> tokens with exact offsets, by the grammar of grammar.py.

``split`` cuts a text into token strings; ``kind_of`` names a token from its own characters;
``tokenize`` gives both with offsets.

A word between two spaces is cut alike wherever it stands, so ``split`` keeps what it cut before:
most of a post is then a look-up (4 times the speed of one ``findall`` over the text). Only a pair
or a price may reach over a space; a text in which one could is cut in one piece.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate

from .grammar import BRANCHES, CURRENCY, SPACED_QUOTE, whole
from .numerals import THOUSANDS
from .numerals import WRITTEN as _NUM
from .offsets import Reading, starts_of
from .pairs import PAIR_ENDS, is_pair
from .result import Token

# A token may hold white space ("$XYZ /USDT", "$ 10"); such a space is no cut but a BRIDGE.
_by_slash = re.compile(r"/(?:(?<=\s/)|(?=\s))")
_by_quote = re.compile(rf"/(?:(?<=\s/)\s?|\s){SPACED_QUOTE}")
_by_sign = re.compile(rf"{CURRENCY}\s(?=[0-9.])")
_bridged = re.compile(rf" (?=/)|(?<=/) |(?<={CURRENCY}) (?=[0-9.])").sub
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
    return None if bridged is None else _spaced(bridged).split()


def _bridge(text: str) -> str | None:
    """The text with BRIDGE for a space that a token may hold; None as ``pieces``."""
    if BREAK in text or BRIDGE in text or BEGIN in text:
        return None
    if ("/" in text and _by_quote.search(text)) or _by_sign.search(text):
        text = _bridged(BRIDGE, text)
        # any slash, for one behind a pair makes it a list
        if _by_slash.search(text) or _by_sign.search(text):
            return None
    return text


def _spaced(text: str) -> str:
    return text.replace("\n", f" {BREAK} ")


def laid_out(texts: Sequence[str]) -> tuple[str, list[str]]:
    """(the pieces of several texts with white space around each, texts to be cut by ``whole``).

    BEGIN stands before each text and behind the last, and a BRIDGE for each that is not here.

    >>> laid_out(["up 3%", ""]) == (f" {BEGIN} up 3% {BEGIN}  {BEGIN} ", [])
    True
    """
    plain, uncut = list(texts), []
    for at in sorted(_odd(texts)):
        bridged = _bridge(texts[at])
        if bridged is None:
            uncut.append(texts[at])
        plain[at] = BRIDGE if bridged is None else bridged  # no piece is a BRIDGE and no more
    return _spaced(f" {BEGIN} ".join(["", *plain, ""])), uncut


def put_back(pieces: list[str], uncut: Sequence[str]) -> list[str]:
    """The pieces with the texts that were not cut in the place of the BRIDGEs that stand for them,
    each behind a BEGIN; the list is changed.

    >>> laid, uncut = laid_out(["up 3%", "", "a /\\nUSD"])
    >>> put_back(laid.split(), uncut) == [
    ...     BEGIN, "up", "3%", BEGIN, BEGIN, BEGIN + "a /\\nUSD", BEGIN
    ... ]
    True
    """
    at = 0
    for text in uncut:
        at = pieces.index(BRIDGE, at)
        pieces[at] = BEGIN + text
    return pieces


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
    """Token strings of a piece: letters alone, and a mark behind them, need no pattern.

    >>> cut_once("up"), cut_once("up,"), cut_once("up-to")
    (('up',), ('up', ','), ('up', '-', 'to'))
    """
    if piece.isalpha():
        return (piece,)
    word, mark = piece[:-1], piece[-1:]
    if mark in _MARKS and word.isalpha():
        return (word, mark)
    if piece.startswith(BEGIN):
        return tuple(whole(piece[1:]))
    return tuple(whole(piece.replace(BRIDGE, " ")))


_MARKS = frozenset(".,:;!?")  # end the word that they stand behind


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
    if token[0] == "@":
        return "@" + "x" * (len(token) - 1)
    for head in ("https://", "http://"):
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
    # what ends a link; a loop over these would take five times as long
    return not ('"' in piece or "<" in piece or ">" in piece or BRIDGE in piece)


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
    rf"(?:{CURRENCY}\s?)?{_NUM}(?:k[0-9]{{1,3}}|[kKmMbBtT]|mil|mln|mm|MM|bn|Bn|BN|tn|ish|s)?"
    rf"(?:[-–]{CURRENCY}?{_NUM}(?:[kKmMbB])?)*"
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
    if _is_shortened(token):
        return "word"
    found = _kind_at(token)
    kind = BRANCHES[found.lastindex - 1][0] if found and found.lastindex else "mark"
    if kind == "number" and not _NUMBER_TAIL.fullmatch(token):
        kind = "word"
    return "pair" if kind == "word" and is_pair(token) else kind


def _is_shortened(token: str) -> bool:
    """Letters, an apostrophe, letters: "don't"."""
    for mark in "'’":
        word, _, rest = token.partition(mark)
        if rest.isalpha():
            return word.isalpha()
    return False


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
