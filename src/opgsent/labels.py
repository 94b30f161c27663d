"""Bring your labels: any label file -> LabelledPosts, and an account of how it was read.

What a label is called differs from file to file; names.py says which names mean what, the
account shows the names that were seen and what became of them, and a ``mapping`` changes it. A
name that is in neither is refused, never guessed. Several annotators of one post are one vote
each: the label with most votes wins, a tie is named and left out.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .audit import plain_table
from .corpus import LabelledLevel, LabelledPost, LabelledTicker
from .errors import InputError
from .exports import UNSEEN, Answer, Columns, Export, read_export, twice
from .marks import SPAN_NAMES, Marks
from .names import Mapped, Names
from .result import LABELS, STANCES, STYLES
from .terminal import shown


@dataclass(frozen=True, slots=True)
class Tie:
    """A post whose annotators are split: no label has most votes."""

    row: int
    question: str
    votes: dict[str, int]


@dataclass(frozen=True, slots=True)
class LabelSet:
    """The labelled posts of a file, and how it was read. Rows count from 1, header aside."""

    posts: tuple[LabelledPost, ...]
    shape: str  #: 'table', 'label studio', 'label studio min', 'doccano', 'prodigy'
    columns: dict[str, str]  #: 'text', 'stance', ... -> the column it was read from
    mapped: tuple[Mapped, ...]
    skipped: dict[str, tuple[int, ...]]  #: why an answer was left out -> its rows
    ties: tuple[Tie, ...]
    warnings: tuple[str, ...] = ()

    def to_text(self) -> str:
        """How the file was read, for a terminal."""
        stances = Counter(post.stance for post in self.posts)
        styles = Counter(post.style for post in self.posts)
        counts = [f"{n:,} {label}" for label in STANCES if (n := stances[label])]
        counts += [f"{n:,} {label}" for label in STYLES if (n := styles[label])]
        spans = Counter("ticker" for post in self.posts for _ in post.tickers or ())
        spans.update(one.role or "level" for post in self.posts for one in post.levels or ())
        counts += [f"{n:,} {name}" for name in (*SPAN_NAMES, "level") if (n := spans[name])]
        parts = [f"{len(self.posts):,} posts read as {self.shape}: {', '.join(counts)}"]
        if self.columns:
            parts.append("columns: " + ", ".join(f"{k} = {v}" for k, v in self.columns.items()))
        if self.mapped:
            rows = [["label seen", "column", "read as", "times"]]
            rows += [[m.seen, m.column, m.label, f"{m.count:,}"] for m in self.mapped]
            parts.append(plain_table([[shown(cell) for cell in row] for row in rows]))
            parts.append("another reading: --map NAME=LABEL, or --map NAME=skip to leave it out")
        for why, rows_ in self.skipped.items():
            parts.append(f"left out, {why}: {len(rows_):,} (row {rows_text(rows_)})")
        for tie in self.ties:
            votes = ", ".join(f"{n} {label}" for label, n in tie.votes.items())
            parts.append(f"left out, tie on {tie.question}: row {tie.row} ({votes})")
        return "\n".join([*parts, *self.warnings])


def rows_text(rows: Sequence[int], most: int = 12) -> str:
    """Row numbers for a message, the first of many.

    >>> rows_text([3, 4, 9], most=2)
    '3, 4 and 1 more'
    """
    listed = ", ".join(map(str, rows[:most]))
    return listed if len(rows) <= most else f"{listed} and {len(rows) - most:,} more"


def read_labels(
    path: str | Path,
    *,
    text: str | None = None,
    stance: str | None = None,
    style: str | None = None,
    mapping: Mapping[str, str] | None = None,
    encoding: str = "utf-8",
) -> LabelSet:
    """Read labelled posts from a label file of any shape that exports.py lists.

    ``text``, ``stance`` and ``style`` name columns (Label Studio: controls); None looks for the
    usual names. ``mapping`` (label name as seen -> one of the six labels, 'ticker', a level role,
    or 'skip') goes before the spellings of names.py. A byte order mark goes before the
    ``encoding``. Raises InputError for a file that cannot be read, a label name nobody mapped, or
    a mapping to what is no label: it says what to type.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "labels.csv")
    ...     _ = file.write_text("text,sentiment\\nup we go,Bull\\nrunter,baer\\n")
    ...     found = read_labels(file, mapping={"baer": "bearish"})
    >>> [(post.text, post.stance) for post in found.posts]
    [('up we go', 'bullish'), ('runter', 'bearish')]
    """
    columns = Columns(text, stance, style)
    export = read_export(path, columns, encoding)
    _check_columns(path, export)
    names = Names(path, columns, mapping or {})
    for answer in export.answers:
        if answer.refusal is None:
            names.see(answer)
    names.settle()
    marks = Marks(names.marks, names.mapping)
    reader = _Reader(names, marks)
    groups: defaultdict[Any, list[Answer]] = defaultdict(list)
    for answer in export.answers:
        groups[answer.key].append(answer)
    posts = [post for answers in groups.values() if (post := reader.post(answers))]
    if not posts:
        raise InputError(
            f"{path}: no labelled post{_reasons(reader)}; label some, or see --stance, --style"
        )
    return LabelSet(
        posts=tuple(marks.completed(posts, tool=export.shape != "table")),
        shape=export.shape,
        columns=dict(export.columns),
        mapped=names.table(),
        skipped={why: tuple(dict.fromkeys(rows)) for why, rows in reader.skipped.items()},
        ties=tuple(reader.ties),
        warnings=(*_unused(path, export), *names.warnings(), *marks.warnings(str(path))),
    )


def _reasons(reader: _Reader) -> str:
    """Why nothing is left of a file, in brackets."""
    left_out = {why: len(rows) for why, rows in reader.skipped.items()}
    left_out |= Counter(f"tie on {tie.question}" for tie in reader.ties)
    left_out |= {"with spans that do not fit the text": reader.marks.misfits}
    why = ", ".join(f"{n:,} {why}" for why, n in left_out.items() if n)
    # spans that no two annotators share, or whose names are mapped to skip
    return f" ({why or 'no span is left'})"


def _unused(path: str | Path, export: Export) -> list[str]:
    if export.unused is None:
        return []
    column = repr(shown(export.unused))
    option = "style" if "stance" in export.columns else "stance"
    return [f"{path}: column {column} is not used; if it holds the {option}: --{option} {column}"]


def _check_columns(path: str | Path, export: Export) -> None:
    """Raises InputError where a column of a table stands twice, or holds several labels."""
    for column in export.columns.values():
        if column in export.doubled:
            raise InputError(twice(path, column))
    for answer in export.answers if export.shape == "table" else ():
        kinds = [kind for kind, _ in answer.names]
        for kind in LABELS:
            if kinds.count(kind) > 1:
                raise InputError(
                    f"{path}: row {answer.row} has several choices for "
                    f"{export.columns[kind]!r:.60}; a single choice is expected"
                )


def posts_given(labels: Iterable[LabelledPost]) -> list[LabelledPost]:
    """Posts in memory as a list; a TypeError that says what to do for anything else.

    >>> posts_given([LabelledPost("1", "up we go", "bullish")])[0].stance
    'bullish'
    """
    posts = list(labels) if isinstance(labels, Iterable) else [labels]
    wrong = next((post for post in posts if not isinstance(post, LabelledPost)), None)
    if wrong is None and isinstance(labels, Iterable):
        return posts
    raise TypeError(
        f"labels is {type(labels).__name__}, not LabelledPosts nor the path of a label file (str "
        "or Path); of a frame, make a file: df.to_csv('labels.csv', index=False)"
    )


def read_posts(
    path: str | Path,
    *,
    text: str | None = None,
    encoding: str = "utf-8",
    rejected: list[tuple[int, str]] | None = None,
) -> list[LabelledPost]:
    """Read posts to be labelled, from a file of any shape that read_labels reads; no labels kept.

    Raises InputError as read_labels does, but a list ``rejected`` takes the rows that cannot be
    read, as (row, why).

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "posts.csv")
    ...     _ = file.write_text("id,text\\n7,up we go\\n")
    ...     read_posts(file)[0].text
    'up we go'
    """
    first: dict[Any, LabelledPost] = {}
    export = read_export(path, Columns(text), encoding, lenient=rejected is not None)
    if export.columns.get("text") in export.doubled:
        raise InputError(twice(path, export.columns["text"]))
    if rejected is not None:
        rejected += export.rejected
    for answer in export.answers:
        first.setdefault(answer.key, _unlabelled(answer))
    return list(first.values())


def texts_answered(
    path: str | Path, *, text: str | None = None, encoding: str = "utf-8"
) -> list[str]:
    """The posts of a label file that somebody labelled, marked, skipped or rejected.

    What a label is called does not matter here, so that no mapping is needed; where a table has
    no column of labels that is known by its name, all its posts count. Raises InputError as
    read_labels does, and where no post counts.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "labels.csv")
    ...     _ = file.write_text("text,stance\\nup we go,Stier\\nto be read,\\n")
    ...     texts_answered(file)
    ['up we go']
    """
    export = read_export(path, Columns(text), encoding)
    if export.columns.get("text") in export.doubled:
        raise InputError(twice(path, export.columns["text"]))
    marked = any(answer.spans for answer in export.answers)
    unknown = export.shape == "table" and not marked and not {*LABELS, "either"} & {*export.columns}
    found = [
        answer.text
        for answer in export.answers
        if unknown or answer.names or answer.spans or answer.refusal not in (None, UNSEEN)
    ]
    if not found:
        raise InputError(
            f"{path}: no post with a label, none skipped; give the file of your labels"
        )
    return list(dict.fromkeys(found))


def _unlabelled(answer: Answer) -> LabelledPost:
    """The post of an answer, with what the file says about it."""
    about = answer.about
    return LabelledPost(
        id=about.get("id") or str(answer.row),
        text=answer.text,
        author=about.get("author") or None,
        group=about.get("group") or None,
        source=about.get("source") or None,
        created_at=about.get("created_at") or None,
        row=answer.row,
    )


@dataclass(slots=True)
class _Reader:
    """Answers about one post -> the post, with what was left out."""

    names: Names
    marks: Marks
    skipped: dict[str, list[int]] = field(default_factory=dict)
    ties: list[Tie] = field(default_factory=list)

    def post(self, answers: Sequence[Answer]) -> LabelledPost | None:
        """One post of its answers, None where nothing is left of them."""
        votes: dict[str, dict[Any, str]] = {"stance": {}, "style": {}}
        spans: list[tuple[tuple[LabelledTicker, ...], tuple[LabelledLevel, ...]]] = []
        for number, answer in enumerate(answers):
            said = self._said(answer)
            voter = number if answer.annotator is None else answer.annotator
            for question, label in (said or {}).items():
                votes[question][voter] = label  # who answers twice has changed their mind
            if said is not None and (marked := self.marks.read(answer)):
                spans.append(marked)
        found = {name: self._winner(answers[0].row, name, votes[name]) for name in votes}
        tickers, levels = self.marks.majority(spans)
        if not any(found.values()) and not tickers and not levels:
            return None
        post = _unlabelled(answers[0])
        return replace(
            post, stance=found["stance"], style=found["style"], tickers=tickers, levels=levels
        )

    def _said(self, answer: Answer) -> dict[str, str] | None:
        """question -> label; None for an answer that counts for nothing."""
        if answer.refusal:
            self._skip(answer.refusal, answer.row)
            return None
        if not answer.names and not answer.spans:
            self._skip("no label", answer.row)
        said: dict[str, set[str]] = {}
        for column, name in answer.names:
            if read := self.names.read(column, name):
                said.setdefault(read[0], set()).add(read[1])
        if answer.names and not said:
            self._skip("label mapped to skip", answer.row)
        for question, labels in said.items():
            if len(labels) > 1:
                self._skip(f"two labels of {question}", answer.row)
        return {question: labels.pop() for question, labels in said.items() if len(labels) == 1}

    def _winner(self, row: int, question: str, votes: Mapping[Any, str]) -> str | None:
        count = Counter(votes.values()).most_common()
        if len(count) > 1 and count[0][1] == count[1][1]:
            self.ties.append(Tie(row, question, dict(count)))
            return None
        return count[0][0] if count else None

    def _skip(self, why: str, row: int) -> None:
        self.skipped.setdefault(why, []).append(row)
