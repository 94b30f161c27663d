"""Is a corpus what it says it is? The checks behind ``opgsent corpus check`` and ``overlap``."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .assets import Assets
from .corpus import (
    CONFUSABLES,
    GENRES,
    LABEL_SETS,
    MAX_BYTES,
    PLATFORMS,
    SPANS_FILE,
    SPLITS,
    posts_file,
    problems_of,
    read_lines,
    span_problems,
)
from .duplicates import group_near_duplicates
from .errors import InputError
from .result import STANCES, STYLES
from .tokens import kind_of, split

RUN = 8  # words
RARE_CELL = 0.05  # of the posts: a cell of stance x style below it needs a reason in README

_SYMBOL = re.compile(r"[A-Z0-9][A-Z0-9.&-]*")
#: fields that every post of the corpora has, beside those problems_of asks for
_NEEDED = ("stance", "style", "tickers", "levels", "platform", "genre", "writer", "split")
_LENGTHS = ((1, 2), (3, 9), (10, 19), (20, 39), (40, 79), (80, 159), (160, 300), (301, 10**9))


@dataclass(frozen=True, slots=True)
class CorpusReport:
    """What ``opgsent corpus check`` found: the corpus holds when ``problems`` is empty."""

    posts: int
    problems: tuple[str, ...]
    near_duplicates: tuple[tuple[str, ...], ...]  #: ids of posts that repeat one another
    tables: dict[str, list[list[str]]]  #: title -> rows, the first of them the header

    @property
    def ok(self) -> bool:
        """True when nothing is wrong; near-duplicates are listed, not refused."""
        return not self.problems

    def to_text(self) -> str:
        """The report for a terminal: counts, near-duplicates, then what is wrong."""
        parts = [f"{title}\n{plain_table(rows)}" for title, rows in self.tables.items()]
        if self.near_duplicates:
            groups = "\n".join("  " + " ".join(ids) for ids in self.near_duplicates)
            parts.append(f"near-duplicates, {len(self.near_duplicates)} groups\n{groups}")
        parts += [*self.problems] and ["\n".join(self.problems)]
        parts.append(f"{self.posts:,} posts, {len(self.problems):,} problems")
        return "\n\n".join(parts)


def check_corpus(folder: str | Path, *, assets: Assets | None = None) -> CorpusReport:
    """Check posts.jsonl (and annotations.jsonl and spans.jsonl where they are) and count.

    Offsets match their text, labels are legal, values decimal, symbols canonical (by ``assets``,
    the bundled table when None), ids unique, no writer in two splits, every genre in all three,
    annotations name posts of the corpus. Near-duplicates are listed. Raises InputError where a
    file cannot be read at all.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "posts.jsonl").write_text('{"id": "a", "text": "gm"}')
    ...     report = check_corpus(folder)
    >>> report.posts, report.problems[0].partition("posts.jsonl, ")[2]
    (1, "row 1: id 'a' has no stance")
    """
    file = posts_file(folder)
    table = Assets.load() if assets is None else assets
    seen: dict[str, str] = {}
    posts, problems = _checked(file, table, seen)
    spans = file.parent / SPANS_FILE
    if spans.is_file() and spans != file:
        problems += _checked(spans, table, seen, spans_alone=True)[1]
    problems += [f"{file}: {problem}" for problem in _split_problems(posts)]
    notes = file.parent / "annotations.jsonl"
    if notes.is_file():
        problems += _annotation_problems(notes, {post["id"]: post for post in posts})
    groups = _members(group_near_duplicates([post["text"] for post in posts]))
    repeated = tuple(tuple(posts[i]["id"] for i in group) for group in groups if len(group) > 1)
    return CorpusReport(len(posts), tuple(problems), repeated, _tables(posts))


def _checked(
    file: Path, assets: Assets, seen: dict[str, str], *, spans_alone: bool = False
) -> tuple[list[dict[str, Any]], list[str]]:
    """The legal lines of a file and what is wrong; ``seen``, where all ids are, is filled."""
    posts, problems = [], []
    for row, record in read_lines(file):
        wrong = problems_of(record)
        if not wrong:
            wrong = [*([] if spans_alone else _missing(record)), *_symbol_problems(record, assets)]
            posts.append(record)
            if record["id"] in seen:
                wrong.append(f"id {record['id']!r:.60} is that of {seen[record['id']]} too")
            seen.setdefault(record["id"], f"row {row} of {file.name}")
        problems += [f"{file}, row {row}: {problem}" for problem in wrong]
    return posts, problems


def _members(group_of: Sequence[int]) -> list[list[int]]:
    groups: defaultdict[int, list[int]] = defaultdict(list)
    for item, group in enumerate(group_of):
        groups[group].append(item)
    return list(groups.values())


def _missing(record: Mapping[str, Any]) -> Iterator[str]:
    for field in _NEEDED:
        if record.get(field) is None:
            yield f"id {record['id']!r:.60} has no {field}"
    if "confusable" not in record:
        yield f"id {record['id']!r:.60} has no confusable; null where the post is none"
    if record.get("split") not in (None, *SPLITS):
        yield f"split {record['split']!r:.60}; one of {', '.join(SPLITS)}"
    labellers = record.get("labellers")
    named = isinstance(labellers, list) and all(isinstance(x, str) and x for x in labellers)
    if not named or not labellers:
        yield f"labellers {labellers!r:.60}; a list of labeller ids"
    for ticker in record.get("tickers") or ():
        if "subject" not in ticker:
            yield f"ticker {ticker['text']!r:.60} has no subject; true or false"


def _symbol_problems(record: Mapping[str, Any], assets: Assets) -> Iterator[str]:
    for ticker in record.get("tickers") or ():
        text, symbol = ticker["text"], ticker["symbol"]
        owner = assets.by_name(symbol.lower())
        named = assets.by_name(text.lstrip("#$").lower())
        if not _SYMBOL.fullmatch(symbol):
            yield f"symbol {symbol!r:.60} of {text!r:.60}; capitals and digits, such as BTC"
        elif owner and not assets.by_symbol(symbol) and not assets.is_doubtful(symbol.lower()):
            yield f"symbol {symbol!r:.60} of {text!r:.60} is a name; its symbol is {owner.symbol}"
        elif ticker["kind"] == "name" and named and named.symbol != symbol:
            if not assets.is_doubtful(text.lstrip("#$").lower()):
                yield f"symbol {symbol!r:.60} of {text!r:.60}; assets.tsv has {named.symbol}"
        elif ticker["kind"] == "pair" and not ticker.get("quote"):
            yield f"pair {text!r:.60} has no quote; the other side, such as USDT"
        elif re.search(r"[\s.,;:!?]\Z", text):
            yield f"ticker {text!r:.60} ends in a space or mark; leave that out"
    known = {ticker["symbol"] for ticker in record.get("tickers") or ()}
    for level in record.get("levels") or ():
        if level.get("symbol") is not None and level["symbol"] not in known:
            yield f"level {level['text']!r:.60}: no ticker of the post is {level['symbol']!r:.60}"


def _split_problems(posts: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    splits_of: defaultdict[str, set[str]] = defaultdict(set)
    genres_of: defaultdict[str, set[str]] = defaultdict(set)
    for post in posts:
        if post.get("split") in SPLITS:
            splits_of[str(post.get("writer"))].add(post["split"])
            genres_of[post["split"]].add(str(post.get("genre")))
    for writer, splits in sorted(splits_of.items()):
        if len(splits) > 1:
            yield f"writer {writer!r:.60} is in {', '.join(sorted(splits))}; move to one split"
    for name in SPLITS:
        if posts and (absent := [genre for genre in GENRES if genre not in genres_of[name]]):
            yield f"split {name} has no {', '.join(absent)}; every genre must be in all three"


def _annotation_problems(file: Path, posts: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    seen: dict[Hashable, int] = {}
    for row, note in read_lines(file):
        where = f"{file}, row {row}"
        post = posts.get(str(note.get("id")))
        if post is None:
            yield f"{where}: id {note.get('id')!r:.60} is in no post; mend or remove it"
            continue
        for field in ("stance", "style", "stage"):
            if note.get(field) not in LABEL_SETS[field]:
                legal = ", ".join(LABEL_SETS[field])
                yield f"{where}: {field} {note.get(field)!r:.60}; one of {legal}"
        if not isinstance(note.get("labeller"), str):
            yield f"{where}: labeller {note.get('labeller')!r:.60}; the id of who labelled"
        key = (note["id"], str(note.get("stage")))
        if key in seen:
            yield f"{where}: {key[1]} labels of {key[0]!r:.60} stand in row {seen[key]} too"
        seen.setdefault(key, row)
        yield from (f"{where}: {problem}" for problem in span_problems(post["text"], note))


# --- counts ---------------------------------------------------------------------------------


def _tables(posts: Sequence[Mapping[str, Any]]) -> dict[str, list[list[str]]]:
    tables = {"stance x style": _cells(posts)}
    listed: list[tuple[str, Sequence[str | None]]] = [
        ("split", SPLITS), ("platform", PLATFORMS), ("genre", GENRES),
        ("confusable", (None, *CONFUSABLES)),
    ]  # fmt: skip
    for field, names in listed:
        count: Counter[str | None] = Counter(post.get(field) for post in posts)
        rows = [[str(name or "none"), str(count[name])] for name in names]
        tables[field] = [[field, "posts"], *rows]
    writers = Counter((str(post.get("writer")), str(post.get("split"))) for post in posts)
    rows = [[*key, str(n)] for key, n in sorted(writers.items())]
    tables["writers"] = [["writer", "split", "posts"], *rows]
    words = [len(post["text"].split()) for post in posts]
    rows = [
        [f"{low}-{high}" if high < 10**9 else f"{low} or more", str(n)]
        for low, high in _LENGTHS
        if (n := sum(low <= count <= high for count in words))
    ]
    tables["length"] = [["words", "posts"], *rows]
    for field, part in (("tickers", "kind"), ("levels", "role")):
        spans = Counter(str(span[part]) for post in posts for span in post.get(field) or ())
        rows = [[name, str(n)] for name, n in spans.most_common()]
        tables[field] = [[part, "spans"], *rows, ["all", str(spans.total())]]
    return tables


def _cells(posts: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    count = Counter((post.get("stance"), post.get("style")) for post in posts)
    rows = [["", *STYLES]]
    for stance in STANCES:
        row = [stance]
        for style in STYLES:
            n = count[stance, style]
            low = " !" if n < RARE_CELL * len(posts) else ""
            row.append(f"{n} ({n / max(1, len(posts)):.1%}){low}")
        rows.append(row)
    return rows


def plain_table(rows: Sequence[Sequence[str]]) -> str:
    """Rows as text in columns, the first row the header, numbers to the right.

    >>> print(plain_table([["genre", "posts"], ["joke", "12"], ["advert", "7"]]))
    genre   posts
    joke       12
    advert      7
    """
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        first, *rest = row
        cells = [first.ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True)]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


# --- runs of words shared with other people's posts -----------------------------------------


@dataclass(frozen=True, slots=True)
class Overlap:
    """A run of words that a post of the corpus shares with a post of another file."""

    id: str
    words: str
    file: str
    row: int

    def __str__(self) -> str:
        return f"{self.id}: {self.words!r} is in {self.file}, row {self.row}"


def overlaps(folder: str | Path, against: Iterable[str | Path], *, run: int = RUN) -> list[Overlap]:
    """Return every run of ``run`` words that a post shares with a post of the files ``against``.

    Words are compared in lower case; tickers, numbers, handles, links, marks and emoji are left
    out first. The files are JSON Lines with ``text``, or (``.txt``, ``.txt.gz``) one JSON string
    a line; a post of the corpus itself (same text, same file) does not count against itself.
    The corpus lies in memory, the files are streamed. Raises InputError for a file that cannot
    be read.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "posts.jsonl").write_text('{"id": "a", "text": "gm to all of you"}')
    ...     _ = Path(folder, "other.txt").write_text('"GM to all of $BTC you!"')
    ...     [str(found.words) for found in overlaps(folder, [Path(folder, "other.txt")], run=5)]
    ['gm to all of you']
    """
    assets = Assets.load()
    cache: dict[str, str] = {}
    owners: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
    for row, record in read_lines(posts_file(folder)):
        if not isinstance(record.get("text"), str):
            raise InputError(f"{posts_file(folder)}, row {row}: no text; see corpus check")
        for words in set(_runs(record["text"], run, assets, cache)):
            owners[words].append(str(record.get("id")))
    found = []
    for file in map(Path, against):
        for row, text in _texts(file):
            for words in dict.fromkeys(_runs(text, run, assets, cache)):
                for owner in owners.get(words, ()):
                    found.append(Overlap(owner, " ".join(words), str(file), row))
    return found


def _runs(
    text: str, length: int, assets: Assets, cache: dict[str, str]
) -> Iterator[tuple[str, ...]]:
    """Runs of ``length`` words of a text."""
    words = []
    for token in split(text):
        word = cache.get(token)
        if word is None:
            word = cache[token] = _word(token, assets)
        if word:
            words.append(word)
    return zip(*(words[start:] for start in range(length)), strict=False)


def _word(token: str, assets: Assets) -> str:
    """The token in lower case; empty for a ticker, a number or what is no word."""
    if kind_of(token) != "word" or any(char.isdigit() for char in token):
        return ""
    if token.isupper() and any(not a.doubtful_symbol for a in assets.by_symbol(token)):
        return ""
    return token.lower().replace("’", "'")


def _texts(file: Path) -> Iterator[tuple[int, str]]:
    if not file.name.endswith((".txt", ".txt.gz")):
        for row, record in read_lines(file):
            if isinstance(text := record.get("text"), str):
                yield row, text
        return
    try:
        if file.stat().st_size > MAX_BYTES:
            raise InputError(f"{file}: larger than {MAX_BYTES >> 20} MiB; split it")
        with (
            gzip.open(file, "rt", encoding="utf-8")
            if file.suffix == ".gz"
            else file.open(encoding="utf-8")
        ) as lines:
            for row, line in enumerate(lines, 1):
                text = json.loads(line)
                if not isinstance(text, str):
                    raise InputError(f"{file}, row {row}: not a JSON string; one post a line")
                yield row, text
    except (OSError, EOFError, ValueError) as error:
        raise InputError(f"{file}: cannot be read ({error}); JSON strings, one a line") from None
