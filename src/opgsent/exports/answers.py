"""What one annotator said of one post, and how a record gives it away."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..records import Record

TEXT_NAMES = ("text", "post", "body", "content", "message", "tweet", "full_text", "comment")
STANCE_NAMES = ("stance", "sentiment", "polarity", "direction", "side", "view", "signal")
STYLE_NAMES = ("style", "tone", "manner")
#: of a column or control that may hold labels of either kind
EITHER_NAMES = ("label", "labels", "cats", "category", "class", "annotation")
ANNOTATOR_NAMES = (
    "annotator", "_annotator_id", "annotator_id", "annotator_name", "annotated_by", "labeller",
    "labeler", "labelled_by", "labeled_by", "coder", "coder_id", "rater", "rater_id",
    "worker", "worker_id", "workerid", "completed_by",
)  # fmt: skip
#: what a file says of a post -> the columns that may say it
ABOUT = {
    "id": ("id", "post_id", "tweet_id", "uid"),
    "author": ("author", "user", "username", "channel", "handle"),
    "group": ("group",),
    "source": ("source", "platform"),
    "created_at": ("created_at", "timestamp", "date", "time"),
}

#: Prodigy's answers that count for nothing, in whatever file they stand
REFUSALS = {"reject": "rejected", "ignore": "ignored"}
UNSEEN = "not labelled"  # the refusal of a post that nobody answered yet


@dataclass(frozen=True, slots=True)
class RawSpan:
    """A marked piece of text: what it was called, and what else the file says of it."""

    start: int
    end: int
    text: str | None
    names: tuple[str, ...]
    about: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """What one annotator said of one post.

    ``names`` holds (column or control, label as seen) pairs, ``spans`` is None where the file
    marks none, ``refusal`` says why the answer counts for nothing ('skipped', 'rejected',
    'ignored', UNSEEN), and answers with the same ``key`` are about the same post.
    """

    row: int
    key: Any
    text: str
    names: tuple[tuple[str, str], ...] = ()
    spans: tuple[RawSpan, ...] | None = None
    annotator: str | None = None
    refusal: str | None = None
    about: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Columns:
    """The user's own names of the columns (or Label Studio controls); None is: look for it."""

    text: str | None = None
    stance: str | None = None
    style: str | None = None


@dataclass(frozen=True, slots=True)
class Export:
    """All answers of a file, the shape it was read as, and what each column was taken for.

    ``doubled`` are columns that stand twice, of which no answer says anything; ``rejected`` are
    the rows of a lenient reading that cannot be read, and why; ``unused`` is a column of a table
    that may hold the labels of the question that has no column.
    """

    shape: str
    answers: tuple[Answer, ...]
    columns: Mapping[str, str]
    doubled: frozenset[str] = frozenset()
    rejected: tuple[tuple[int, str], ...] = ()
    unused: str | None = None


def named(record: Iterable[str], names: Sequence[str]) -> str | None:
    """The column whose name comes first in ``names``, whatever its case and gaps.

    >>> named(["Post ID", "Full-Text"], TEXT_NAMES)
    'Full-Text'
    """
    plain = {
        str(column).strip().lower().replace(" ", "_").replace("-", "_"): column for column in record
    }
    return next((plain[name] for name in names if name in plain), None)


def word(value: Any) -> str:
    """A cell as text; missing is empty."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return value if isinstance(value, str) else str(value)


def unpacked(value: Any) -> Any:
    """A cell of Label Studio's CSV: JSON where a control holds more than one word."""
    if isinstance(value, str) and value.startswith(('{"choices"', '[{"')):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def choices(value: Any) -> list[str]:
    """The labels in a cell: one, or those of Label Studio's ``{"choices": [...]}``.

    >>> choices("Bullish"), choices({"choices": ["Bullish", "Neutral"]})
    (['Bullish'], ['Bullish', 'Neutral'])
    """
    value = unpacked(value)
    held = value.get("choices") if isinstance(value, dict) else None
    return [word(name) for name in (held if isinstance(held, list) else [value])]


def facts(record: Record) -> dict[str, str]:
    """What a record says of its post: 'id', 'author', 'source', ... where it does."""
    found = {field: named(record, names) for field, names in ABOUT.items()}
    return {field: word(record[name]) for field, name in found.items() if name is not None}


def text_of(data: Record, wanted: Columns) -> str:
    """The post in a task's data: the column asked for, a usual name, or the only string."""
    name = wanted.text or named(data, TEXT_NAMES)
    if name is None:
        strings = [key for key, value in data.items() if isinstance(value, str)]
        if len(strings) != 1:
            raise ValueError(f"no text among {list(data)[:10]}; name it with --text")
        name = strings[0]
    if name not in data:
        raise ValueError(f"no {name!r:.40} among {list(data)[:10]}; see --text")
    return word(data[name])
