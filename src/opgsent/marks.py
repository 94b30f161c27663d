"""Spans marked in a labelling tool -> labelled tickers and levels.

A tool marks a piece of text and gives it a name: ``Ticker``, ``Support``, ``level: stop``. The
rest (symbol, value) is read from the piece itself where the file does not say it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import lru_cache
from typing import Any, TypeVar

from .assets import Assets
from .corpus import LabelledLevel, LabelledPost, LabelledTicker, decimal_of
from .exports import Answer, RawSpan
from .result import ROLES, TICKER_KINDS
from .symbols import canonical, split_pair
from .symbols import symbol_of as read_symbol
from .tokens import kind_of

LEAVE_OUT = "skip"
#: what a span can be: a ticker, or a level in one of its roles
SPAN_NAMES = ("ticker", *ROLES)

_SPELLINGS: dict[str, tuple[str, ...]] = {
    "ticker": (
        "ticker",
        "tickers",
        "symbol",
        "asset",
        "coin",
        "stock",
        "instrument",
        *TICKER_KINDS,
    ),
    "last": ("last", "price", "quote", "current price", "last price"),
    "support": ("support", "sup"),
    "resistance": ("resistance", "res"),
    "entry": ("entry", "entries", "entry price", "buy price"),
    "exit": ("exit", "exit price", "sell price"),
    "target": ("target", "targets", "tp", "take profit", "price target", "pt"),
    "stop": ("stop", "sl", "stop loss", "stoploss", "invalidation"),
    "strike": ("strike", "strike price", "exercise price"),
}
_MEANS = {spelling: name for name, found in _SPELLINGS.items() for spelling in found}
_NUMBER = re.compile(r"[$€£¥₿]?\s?([0-9][0-9,]*(?:\.[0-9]+)?|\.[0-9]+)\s?([kKmM]?)\W*")
_INSIDE = re.compile("[A-Za-z0-9]{2}")  # not of scripts that leave no space between words

_S = TypeVar("_S", LabelledTicker, LabelledLevel)
_Tickers = tuple[LabelledTicker, ...]
_Levels = tuple[LabelledLevel, ...]


@dataclass(slots=True)
class Marks:
    """Reads the spans of a file's answers; ``seen`` counts the names of its spans."""

    seen: Counter[str]
    mapping: Mapping[str, str]
    _wrong: list[int] = field(default_factory=list)

    @property
    def misfits(self) -> int:
        """How many answers have a span that does not fit the text."""
        return len(self._wrong)

    @staticmethod
    def meaning(name: str, mapping: Mapping[str, str]) -> str | None:
        """What a span's name means: 'ticker', a role, 'level' (role told elsewhere), 'skip'.

        >>> [Marks.meaning(n, {}) for n in ("TICKER", "Level: Support", "TP1", "PERSON")]
        ['ticker', 'support', 'target', None]
        """
        if name in mapping:
            return mapping[name] if mapping[name] in (*SPAN_NAMES, LEAVE_OUT) else None
        plain = " ".join(re.sub(r"[\W_]+", " ", name.casefold()).split())
        plain = re.sub(r"(?<=[a-z]) ?[0-9]{1,2}$", "", plain)  # TP1, target 2
        if plain in ("level", "levels", "price level"):
            return "level"
        bare = plain.removeprefix("price ").removeprefix("level ").removesuffix(" level")
        return _MEANS.get(plain, _MEANS.get(bare))

    def read(self, answer: Answer) -> tuple[_Tickers, _Levels] | None:
        """The tickers and levels of an answer; None where nothing is marked or it points wrong."""
        if answer.spans is None:
            return None
        tickers: list[LabelledTicker] = []
        levels: list[LabelledLevel] = []
        for raw in answer.spans:
            span = _aligned(answer.text, raw)
            if span is None:
                self._wrong.append(answer.row)
                return None
            meanings = {self.meaning(name, self.mapping) for name in span.names} - {LEAVE_OUT}
            if "ticker" in meanings:
                tickers.append(_ticker(span))
            elif meanings:
                levels.append(_level(span, next(iter(meanings - {"level"}), None)))
        return _ordered(tickers), _ordered(levels)

    def majority(
        self, said: Sequence[tuple[_Tickers, _Levels]]
    ) -> tuple[_Tickers | None, _Levels | None]:
        """The spans that more than half of the annotators marked alike."""
        if not said:
            return None, None
        tickers = Counter(span for marked, _ in said for span in marked)
        levels = Counter(span for _, marked in said for span in marked)
        return (
            _ordered(span for span, n in tickers.items() if 2 * n > len(said)),
            _ordered(span for span, n in levels.items() if 2 * n > len(said)),
        )

    def completed(self, posts: Iterable[LabelledPost], *, tool: bool) -> list[LabelledPost]:
        """The posts, with None for a kind of span that nobody marked anywhere in the file.

        A ``tool`` writes nothing where nothing was marked: () there, when other posts have spans.
        """
        posts = list(posts)
        some = any(post.tickers for post in posts), any(post.levels for post in posts)
        wrong = set(self._wrong)
        out = []
        for post in posts:
            tickers, levels = post.tickers, post.levels
            if tool and post.row not in wrong:
                tickers, levels = tickers or (), levels or ()
            tickers, levels = tickers if some[0] else None, levels if some[1] else None
            out.append(replace(post, tickers=tickers, levels=levels))
        return out

    def warnings(self, path: str) -> list[str]:
        """What could not be used of the spans."""
        if not self._wrong:
            return []
        rows = ", ".join(map(str, self._wrong[:12]))
        more = f" and {len(self._wrong) - 12:,} more" if len(self._wrong) > 12 else ""
        return [
            f"{path}: spans of row {rows}{more} do not fit the text and were left out; "
            "was the text changed after it was labelled?"
        ]


def _ordered(spans: Iterable[_S]) -> tuple[_S, ...]:
    return tuple(sorted(spans, key=lambda span: (span.start, span.end)))


def _aligned(text: str, span: RawSpan) -> RawSpan | None:
    """The span with code-point offsets and its text; None where it points at nothing.

    Tools that run in a browser may count UTF-16 units, in which an emoji is two. Where the file
    does not say the span's text, one that cuts a word behind an emoji is taken to be counted so.
    """
    start, end = span.start, span.end
    if not _fits(text, start, end, span.text):
        units = text.encode("utf-16-le", "surrogatepass")
        if not 0 <= start < end <= len(units) // 2:
            return None
        start, end = (len(units[: 2 * at].decode("utf-16-le", "replace")) for at in (start, end))
        if not _fits(text, start, end, span.text):
            return None
    piece = text[start:end]
    # a mark made with the mouse takes a space or a comma along
    start += len(piece) - len(piece.lstrip(" \t\n\r("))
    piece = piece.strip(" \t\n\r(").rstrip(" \t\n\r,;:!?.)")
    return replace(span, start=start, end=start + len(piece), text=piece) if piece else None


def _fits(text: str, start: int, end: int, piece: str | None) -> bool:
    """Is the piece there, or, where it is not known, something that may have been marked?"""
    if not 0 <= start < end <= len(text):
        return False
    if piece is not None:
        return text[start:end] == piece
    # elsewhere both ways of counting are one, and part of a word is what was marked
    return max(text[:end]) <= "\uffff" or not any(
        _INSIDE.fullmatch(text[max(0, at - 1) : at + 1]) for at in (start, end)
    )


def _ticker(span: RawSpan) -> LabelledTicker:
    about, text = span.about, str(span.text)
    symbol, quote, kind = symbol_of(text)
    given = about.get("symbol")
    if isinstance(given, str) and given:
        symbol = given
        quote = about["quote"] if isinstance(about.get("quote"), str) else None
    kind = about["kind"] if about.get("kind") in TICKER_KINDS else kind
    subject = about.get("subject")
    return LabelledTicker(
        text, span.start, span.end, symbol, quote, kind,
        subject if isinstance(subject, bool) else None,
    )  # fmt: skip


def _level(span: RawSpan, role: str | None) -> LabelledLevel:
    about, text = span.about, str(span.text)
    given: Any = about.get("role")
    symbol = about.get("symbol")
    return LabelledLevel(
        text, span.start, span.end, decimal_of(about.get("value")) or value_of(text),
        given if given in ROLES else role, symbol if isinstance(symbol, str) else None,
    )  # fmt: skip


def value_of(text: str) -> Decimal | None:
    """The price that a marked piece spells, None where it spells none.

    >>> value_of("61.5k"), value_of("$3,150"), value_of(".082"), value_of("moon")
    (Decimal('61500'), Decimal('3150'), Decimal('0.082'), None)
    """
    match = _NUMBER.fullmatch(text)
    if not match or len(text) > 40:
        return None
    value = Decimal(match[1].replace(",", ""))
    if match[2]:
        value *= 1_000 if match[2] in "kK" else 1_000_000
        value = value.quantize(Decimal(1)) if value == int(value) else value
    return value


def symbol_of(text: str) -> tuple[str, str | None, str]:
    """(symbol, quote, kind) of a piece that was marked as a ticker.

    >>> symbol_of("$BTC.X"), symbol_of("#eth/usdt"), symbol_of("Bitcoin")
    (('BTC', None, 'cashtag'), ('ETH', 'USDT', 'pair'), ('BTC', None, 'name'))
    """
    assets = _assets()
    kind = kind_of(text)
    if kind in ("cashtag", "hashtag", "pair", "word"):
        return read_symbol(text, kind, assets)[:3]
    bare = " ".join(text.lstrip("$#").split())
    pair = split_pair(bare.replace("$", "").replace("#", ""), assets)
    if pair:
        return canonical(pair[0], assets), pair[1], "pair"
    named = assets.by_name(bare.lower())
    if named:
        return named.symbol, None, "name"
    return canonical(bare.upper(), assets), None, "symbol"


@lru_cache(maxsize=1)
def _assets() -> Assets:
    return Assets.load()
