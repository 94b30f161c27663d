"""What a reading of a post is: frozen, picklable plain data and the names of its labels.

Offsets are code-point offsets into the text as given: ``post.text[t.start:t.end] == t.text``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields, make_dataclass
from decimal import Decimal
from typing import Any, Literal, TypeVar, get_args

StanceLabel = Literal["bullish", "bearish", "neutral"]
StyleLabel = Literal["analytical", "hype", "other"]
TickerKind = Literal["cashtag", "hashtag", "pair", "symbol", "name"]
AssetClass = Literal["crypto", "equity", "etf", "index", "commodity", "fx"]
Role = Literal["last", "support", "resistance", "entry", "exit", "target", "stop", "strike"]
TokenKind = Literal[
    "link", "handle", "pair", "cashtag", "hashtag", "date", "time", "percent", "multiple",
    "number", "emoji", "word", "mark",
]  # fmt: skip

STANCES: tuple[str, ...] = get_args(StanceLabel)
STYLES: tuple[str, ...] = get_args(StyleLabel)
ROLES: tuple[str, ...] = get_args(Role)
TICKER_KINDS: tuple[str, ...] = get_args(TickerKind)
ASSET_CLASSES: tuple[str, ...] = get_args(AssetClass)
TOKEN_KINDS: tuple[str, ...] = get_args(TokenKind)

#: label -> the two classes whose difference is the verdict's score, and the label set itself.
LABELS: dict[str, tuple[str, ...]] = {"stance": STANCES, "style": STYLES}
#: score = P(first) - P(second)
POLES: dict[str, tuple[str, str]] = {
    "stance": ("bullish", "bearish"),
    "style": ("hype", "analytical"),
}


@dataclass(frozen=True, slots=True)
class Token:
    """One token of a post, as written."""

    text: str
    kind: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """A label with its calibrated probabilities.

    ``score`` is P(bullish) - P(bearish) for stance and P(hype) - P(analytical) for style, in
    [-1, 1]; ``sure`` says that the top probability passes the threshold documented in the
    model's card (nine in ten such verdicts were right in cross-validation).
    """

    label: str
    probabilities: dict[str, float] = field(hash=False)
    score: float
    sure: bool

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready copy.

        >>> Verdict("neutral", {"neutral": 1.0}, 0.0, True).to_dict()["label"]
        'neutral'
        """
        return {
            "label": self.label,
            "probabilities": self.probabilities.copy(),
            "score": self.score,
            "sure": self.sure,
        }


@dataclass(frozen=True, slots=True)
class Ticker:
    """A span that names a tradable asset.

    ``symbol`` is canonical (Bitcoin -> BTC, BTC.X -> BTC), ``quote`` the other side of a pair,
    ``subject`` False for a tag that the text says nothing about, ``stance`` the view of this
    asset where the post holds one.
    """

    text: str
    start: int
    end: int
    symbol: str
    quote: str | None
    kind: str
    asset_class: str | None
    subject: bool
    stance: Verdict | None
    probability: float

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready copy."""
        return {
            "text": self.text,
            "start": self.start,
            "end": self.end,
            "symbol": self.symbol,
            "quote": self.quote,
            "kind": self.kind,
            "asset_class": self.asset_class,
            "subject": self.subject,
            "stance": None if self.stance is None else self.stance.to_dict(),
            "probability": self.probability,
        }


@dataclass(frozen=True, slots=True)
class Level:
    """A number that states a price of an asset, exact, in the post's own unit."""

    text: str
    start: int
    end: int
    value: Decimal
    unit: str | None
    role: str
    symbol: str | None
    probability: float

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready copy; ``value`` as a plain decimal string.

        >>> Level("3E", 0, 2, Decimal("0.00003"), "BTC", "last", None, 1.0).to_dict()["value"]
        '0.00003'
        """
        return {
            "text": self.text,
            "start": self.start,
            "end": self.end,
            "value": plain(self.value),
            "unit": self.unit,
            "role": self.role,
            "symbol": self.symbol,
            "probability": self.probability,
        }


@dataclass(frozen=True, slots=True)
class Post:
    """Everything read from one post. ``stance`` and ``style`` are None for a missing text."""

    text: str | None
    stance: Verdict | None
    style: Verdict | None
    tickers: tuple[Ticker, ...]
    levels: tuple[Level, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready copy of the whole reading."""
        return {
            "text": self.text,
            "stance": None if self.stance is None else self.stance.to_dict(),
            "style": None if self.style is None else self.style.to_dict(),
            "tickers": [t.to_dict() for t in self.tickers],
            "levels": [level.to_dict() for level in self.levels],
        }


R = TypeVar("R")


def maker(kind: type[R]) -> Callable[..., R]:
    """What makes results of a kind from values for all fields, in order, in a third of the time.

    A frozen dataclass sets every field by a call. A draft with the same slots sets them as plain
    attributes, and then becomes one; a batch makes thousands.

    >>> maker(Verdict)("neutral", {}, 0.0, True) == Verdict("neutral", {}, 0.0, True)
    True
    """
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    draft: Any = make_dataclass(kind.__name__, names, slots=True)

    def make(*values: Any) -> R:
        made = draft(*values)
        made.__class__ = kind
        return made  # type: ignore[no-any-return]

    return make


#: the answer to a missing value: a row with empty verdicts, never a lost row
MISSING = Post(None, None, None, (), ())


@dataclass(frozen=True, slots=True)
class Contribution:
    """One feature's part of an answer, in log-odds; ``span`` is (start, end) or None."""

    feature: str
    span: tuple[int, int] | None
    weight: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why one answer came out: intercept + sum of contributions = log-odds of ``label``.

    Of a ticker they are those of its probability, of a verdict those against the geometric mean of
    the other labels' probabilities, of a level those of its role against the next best role.
    ``of`` names the question: 'stance', 'style', 'ticker' or 'level'; ``span`` is the piece
    of text the answer is about (None for the whole post).
    """

    of: str
    span: tuple[int, int] | None
    label: str
    intercept: float
    contributions: tuple[Contribution, ...]

    @property
    def log_odds(self) -> float:
        """Intercept plus all contributions."""
        return self.intercept + sum(c.weight for c in self.contributions)


def plain(value: Decimal) -> str:
    """A decimal without exponent.

    >>> plain(Decimal("3E-5")), plain(Decimal("67E+3"))
    ('0.00003', '67000')
    """
    text = str(value)  # which is far faster, and the same without an exponent
    return format(value, "f") if "E" in text else text
