"""Labelled posts: what one is, and the corpora that ship with opgsent read into memory.

A corpus is JSON Lines, one post a line (corpora/README.md documents the schema). Everything a
line says is checked before it is believed: offsets point at the text they name, labels are
labels, values are exact decimals.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import InputError
from .result import ROLES, STANCES, STYLES, TICKER_KINDS

if TYPE_CHECKING:
    import pandas as pd

PLATFORMS = ("x", "stocktwits", "telegram", "binance_square", "reddit", "discord")
GENRES = (
    "dramatic", "reflective", "onchain_fundamental", "chart_read", "trade_signal", "results",
    "pump", "fud_warning", "news_listing", "question", "chatter", "joke", "advert",
)  # fmt: skip
CONFUSABLES = (
    "chart_words_hype", "rockets_analysis", "bearish_hype", "dry_bull", "negated",
    "quoting_other_side", "position_vs_mood", "calm_promise", "prices_in_chatter", "two_views",
    "piggyback", "not_prices",
)  # fmt: skip
SPLITS = ("train", "dev", "test")
STAGES = ("writer", "second", "third")

#: fields of a line whose value is one of a list; None is allowed where a line may leave it out
LABEL_SETS: dict[str, tuple[str, ...]] = {
    "stance": STANCES,
    "style": STYLES,
    "platform": PLATFORMS,
    "genre": GENRES,
    "confusable": CONFUSABLES,
    "stage": STAGES,
}

MAX_LINE = 1_000_000  # characters; a post of 100,000 characters with its spans fits
MAX_BYTES = 1 << 30


@dataclass(frozen=True, slots=True)
class LabelledTicker:
    """A labelled ticker span: ``post.text[start:end] == text``; None where nobody said."""

    text: str
    start: int
    end: int
    symbol: str | None
    quote: str | None = None
    kind: str | None = None
    subject: bool | None = None


@dataclass(frozen=True, slots=True)
class LabelledLevel:
    """A labelled price level: exact ``value`` in the post's own price unit."""

    text: str
    start: int
    end: int
    value: Decimal | None
    role: str | None
    symbol: str | None = None


@dataclass(frozen=True, slots=True)
class LabelledPost:
    """One post and what people (or models) said of it.

    ``tickers`` and ``levels`` are None where nobody labelled spans and ``()`` where there are
    none. ``row`` is the place in the file it came from, counted from 1 (a CSV's header is not
    counted). The fields after ``row`` are those of opgsent's own corpora.

    >>> LabelledPost("1", "gm", stance="neutral").style is None
    True
    """

    id: str
    text: str
    stance: str | None = None
    style: str | None = None
    author: str | None = None
    group: str | None = None
    source: str | None = None
    created_at: str | None = None
    tickers: tuple[LabelledTicker, ...] | None = None
    levels: tuple[LabelledLevel, ...] | None = None
    row: int = 0
    platform: str | None = None
    genre: str | None = None
    confusable: str | None = None
    writer: str | None = None
    split: str | None = None
    disputed: bool = False


SPANS_FILE = "spans.jsonl"  #: beside posts.jsonl: posts with tickers and levels alone


def corpora_folder() -> Path:
    """Return the folder of the bundled corpora: beside the source checkout, or in the wheel.

    Raises InputError when neither is there.
    """
    package = Path(__file__).resolve().parent
    for folder in (package / "corpora", package.parents[1] / "corpora"):
        if (folder / "posts.jsonl").is_file():
            return folder
    raise InputError("no bundled corpora found; pass the path of a posts.jsonl")


def read_corpus(path: str | Path) -> list[LabelledPost]:
    """Read posts from corpora JSON Lines (plain or ``.gz``), or a folder with a posts.jsonl.

    Raises InputError on the first line that is no legal post; ``opgsent corpus check`` lists all.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "posts.jsonl")
    ...     _ = file.write_text('{"id": "a", "text": "gm", "stance": "neutral"}')
    ...     [(p.id, p.stance, p.row) for p in read_corpus(folder)]
    [('a', 'neutral', 1)]
    """
    file = posts_file(path)
    posts = []
    for row, record in read_lines(file):
        problems = problems_of(record)
        if problems:
            raise InputError(f"{file}, row {row}: {problems[0]}")
        posts.append(to_post(record, row))
    return posts


def read_spans(folder: Path) -> list[LabelledPost]:
    """Posts of a corpora folder with tickers and levels: of posts.jsonl, then of spans.jsonl.

    spans.jsonl, which need not be there, holds posts that were written for their levels or for the
    names in them and have neither stance nor style. Disputed posts are left out. Raises InputError
    as read_corpus does.
    """
    files = [folder / "posts.jsonl", folder / SPANS_FILE]
    posts = [post for file in files if file.is_file() for post in read_corpus(file)]
    return [p for p in posts if not p.disputed and p.tickers is not None and p.levels is not None]


def load(path: str | Path | None = None) -> pd.DataFrame:
    """Read the labelled posts as a pandas frame, one post a row, the columns of the file.

    ``path`` is a posts.jsonl or its folder; None is the corpora that ship with opgsent (CC BY
    4.0). ``tickers`` and ``levels`` hold lists of dicts; a level's value is a decimal string.
    Raises InputError as read_corpus does.

    >>> posts = load()  # doctest: +SKIP
    >>> posts.query("split == 'train' and not disputed").stance.value_counts()  # doctest: +SKIP
    """
    import pandas as pd

    file = posts_file(corpora_folder() if path is None else path)
    records = []
    for row, record in read_lines(file):
        problems = problems_of(record)
        if problems:
            raise InputError(f"{file}, row {row}: {problems[0]}")
        records.append(record)
    return pd.DataFrame.from_records(records)


def posts_file(path: str | Path) -> Path:
    """Return the posts.jsonl of a folder, or the path itself."""
    path = Path(path)
    return path / "posts.jsonl" if path.is_dir() else path


def read_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """(row from 1, object) of each line that is not blank; InputError names what is wrong."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"{path}: larger than {MAX_BYTES >> 20} MiB; split it")
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            row = 0
            while line := file.readline(MAX_LINE + 1):
                row += 1
                if len(line) > MAX_LINE:
                    raise InputError(f"{path}, row {row}: a line over {MAX_LINE:,} bytes; split it")
                if line.strip():
                    yield row, _object(path, row, line)
    except (OSError, EOFError) as error:
        said = getattr(error, "strerror", None) or error
        raise InputError(f"cannot read {path}: {said}") from None


def _object(path: Path, row: int, line: bytes) -> dict[str, Any]:
    try:
        record = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}, row {row}: not JSON ({error}); one object a line") from None
    if not isinstance(record, dict):
        raise InputError(f"{path}, row {row}: {type(record).__name__}, not an object")
    return record


# --- what a line may say --------------------------------------------------------------------


def problems_of(record: Mapping[str, Any]) -> list[str]:
    """Everything wrong with one line: what was seen, and what may stand there.

    >>> problems_of({"id": "a", "text": "gm", "stance": "bull"})
    ["stance 'bull'; one of bullish, bearish, neutral"]
    """
    problems = []
    if not isinstance(record.get("id"), str | int) or record["id"] == "":
        problems.append(f"id {record.get('id')!r:.60}; a string that is not empty, or a number")
    if not isinstance(record.get("text"), str) or not record["text"]:
        problems.append(f"text {record.get('text')!r:.60}; a string that is not empty")
    for field, legal in LABEL_SETS.items():
        value = record.get(field)
        if value is not None and value not in legal:
            problems.append(f"{field} {value!r:.60}; one of {', '.join(legal)}")
    for field in ("author", "group", "source", "created_at", "writer", "split"):
        if not isinstance(record.get(field), str | None):
            problems.append(f"{field} {record[field]!r:.60}; a string or null")
    if not isinstance(record.get("disputed", False), bool):
        problems.append(f"disputed {record['disputed']!r:.60}; true or false")
    if not problems:
        problems += span_problems(record["text"], record)
    return problems


def span_problems(text: str, record: Mapping[str, Any]) -> list[str]:
    """What is wrong with the tickers and levels of a line, given the text they point at."""
    problems = []
    for field, check in (("tickers", _ticker_problem), ("levels", _level_problem)):
        spans = record.get(field)
        if spans is None:
            continue
        if not isinstance(spans, list) or not all(isinstance(span, dict) for span in spans):
            problems.append(f"{field} {spans!r:.60}; a list of objects")
            continue
        last = 0
        for number, span in enumerate(spans, 1):
            problem = _offset_problem(text, span, last) or check(span)
            if problem:
                problems.append(f"{field} item {number}: {problem}")
            else:
                last = span["end"]
    return problems


def _offset_problem(text: str, span: Mapping[str, Any], last: int) -> str | None:
    start, end, piece = span.get("start"), span.get("end"), span.get("text")
    if type(start) is not int or type(end) is not int or not isinstance(piece, str):
        return f"{dict(span)!r:.80}; needs integer start and end, and text"
    if not 0 <= start < end <= len(text) or text[start:end] != piece:
        at = text.find(piece, last) if piece else -1
        hint = f"; it is at {at}:{at + len(piece)}" if at >= 0 else ""
        return f"text[{start}:{end}] is {text[max(start, 0) : end]!r:.60}, not {piece!r:.60}{hint}"
    if start < last:
        return f"{piece!r:.60} at {start} overlaps or precedes the item before; order by start"
    return None


def _ticker_problem(span: Mapping[str, Any]) -> str | None:
    if not isinstance(span.get("symbol"), str) or not span["symbol"]:
        return f"symbol {span.get('symbol')!r:.60}; the canonical symbol in capitals"
    if not isinstance(span.get("quote"), str | None):
        return f"quote {span['quote']!r:.60}; a symbol or null"
    if span.get("kind") not in TICKER_KINDS:
        return f"kind {span.get('kind')!r:.60}; one of {', '.join(TICKER_KINDS)}"
    if not isinstance(span.get("subject"), bool | None):
        return f"subject {span['subject']!r:.60}; true or false"
    return None


def _level_problem(span: Mapping[str, Any]) -> str | None:
    if span.get("role") not in ROLES:
        return f"role {span.get('role')!r:.60}; one of {', '.join(ROLES)}"
    if not isinstance(span.get("symbol"), str | None):
        return f"symbol {span['symbol']!r:.60}; a symbol or null"
    if decimal_of(span.get("value")) is None:
        return f"value {span.get('value')!r:.60}; a plain decimal in a string, such as '61500'"
    return None


def decimal_of(value: Any) -> Decimal | None:
    """The decimal that a string such as '61500' or '0.00012' spells, or None.

    >>> decimal_of("0.10"), decimal_of("6E4"), decimal_of(60)
    (Decimal('0.10'), None, None)
    """
    if not isinstance(value, str) or not value.replace(".", "", 1).isdecimal() or len(value) > 40:
        return None
    try:
        return Decimal(value)
    except InvalidOperation:
        return None


def to_post(record: Mapping[str, Any], row: int) -> LabelledPost:
    """The post of a line in which problems_of found nothing."""
    tickers, levels = record.get("tickers"), record.get("levels")
    return LabelledPost(
        id=str(record["id"]),
        text=record["text"],
        stance=record.get("stance"),
        style=record.get("style"),
        author=record.get("author"),
        group=record.get("group"),
        source=record.get("source"),
        created_at=record.get("created_at"),
        tickers=None if tickers is None else tuple(map(_ticker, tickers)),
        levels=None if levels is None else tuple(map(_level, levels)),
        row=row,
        platform=record.get("platform"),
        genre=record.get("genre"),
        confusable=record.get("confusable"),
        writer=record.get("writer"),
        split=record.get("split"),
        disputed=record.get("disputed", False),
    )


def _ticker(span: Mapping[str, Any]) -> LabelledTicker:
    return LabelledTicker(
        span["text"], span["start"], span["end"], span["symbol"],
        span.get("quote"), span["kind"], span.get("subject"),
    )  # fmt: skip


def _level(span: Mapping[str, Any]) -> LabelledLevel:
    return LabelledLevel(
        span["text"], span["start"], span["end"], Decimal(span["value"]),
        span["role"], span.get("symbol"),
    )  # fmt: skip
