"""Label files as they come out of the tools: any of them -> a list of Answers.

An Answer is what one annotator said of one post, in the words of the file. What the words mean
is for labels.py. The shapes read here:

===================  ==============================================================
CSV, TSV, Parquet    a row a post; one column each for text, stance, style (or ``label``)
JSON, JSON Lines     an object a post, with the same names
Label Studio JSON    tasks: ``data`` and ``annotations`` (``completions``) with ``result``
Label Studio MIN     an object an annotation: ``annotation_id``, a key for each control
doccano              ``text`` and ``label`` / ``cats`` (names), ``label`` / ``entities`` (spans)
Prodigy              ``answer`` with ``label``, or ``options`` and ``accept``; ``spans``
.zip                 of the above: doccano's export with one file an annotator
===================  ==============================================================
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .errors import InputError
from .records import Record, read_records

TEXT_NAMES = ("text", "post", "body", "content", "message", "tweet", "full_text", "comment")
STANCE_NAMES = ("stance", "sentiment", "polarity", "direction", "side", "view", "signal")
STYLE_NAMES = ("style", "tone", "manner")
#: of a column or control that may hold labels of either kind
EITHER_NAMES = ("label", "labels", "cats", "category", "class", "annotation")
_ANNOTATOR_NAMES = (
    "annotator", "_annotator_id", "annotator_id", "labeller", "labeler", "coder", "rater",
    "worker", "worker_id", "completed_by",
)  # fmt: skip
_ABOUT = {
    "id": ("id", "post_id", "tweet_id", "uid"),
    "author": ("author", "user", "username", "channel", "handle"),
    "group": ("group",),
    "source": ("source", "platform"),
    "created_at": ("created_at", "timestamp", "date", "time"),
}


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
    'ignored'), and answers with the same ``key`` are about the same post.
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
    """All answers of a file, the shape it was read as, and what each column was taken for."""

    shape: str
    answers: tuple[Answer, ...]
    columns: Mapping[str, str]


def read_export(path: str | Path, columns: Columns | None = None) -> Export:
    """Read a label file of any shape listed above.

    Rows count from 1, a CSV's header not counted. Raises InputError that names the file, the
    row, what was seen and what to do.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "labels.csv")
    ...     _ = file.write_text("post,stance\\nup we go,Bull\\n")
    ...     read_export(file).answers[0].names
    (('stance', 'Bull'),)
    """
    path = Path(path)
    wanted = columns or Columns()
    records = list(read_records(path))
    if not records:
        raise InputError(f"{path}: no rows; give a file with at least one post")
    shape = _shape(record for _, record, _ in records)
    if shape == "table":
        names = _table_names(path, (record for _, record, _ in records), wanted)
        answers = [_table_row(row, record, who, names) for row, record, who in records]
        return Export("table", tuple(answers), {k: v for k, v in names.items() if v})
    read = {"label studio": _label_studio, "label studio min": _label_studio_min,
            "doccano": _doccano, "prodigy": _prodigy}[shape]  # fmt: skip
    found: list[Answer] = []
    for row, record, who in records:
        try:
            found += read(row, record, who, wanted)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{path}, row {row}: not as {shape} writes it ({type(error).__name__}: "
                f"{error!s:.80}); export it again, or give a CSV with text and stance or style"
            ) from None
    return Export(shape, tuple(found), {})


# --- records -> answers ---------------------------------------------------------------------


def _shape(records: Iterable[Record]) -> str:
    """The tool that wrote the records, by the first of them."""
    record = next(iter(records))
    if isinstance(record.get("data"), dict):  # a task to be labelled has nothing else
        return "label studio"
    if "annotation_id" in record and "annotator" in record:
        return "label studio min"
    if record.get("answer") in ("accept", "reject", "ignore"):
        return "prodigy"
    if any(isinstance(record.get(name), list) for name in ("label", "labels", "cats", "entities")):
        return "doccano"
    return "table"


def _named(record: Iterable[str], names: Sequence[str]) -> str | None:
    """The column whose name comes first in ``names``, whatever its case."""
    lower = {str(column).strip().lower(): column for column in record}
    return next((lower[name] for name in names if name in lower), None)


def _word(value: Any) -> str:
    """A cell as text; missing is empty."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return value if isinstance(value, str) else str(value)


def _about(record: Record) -> dict[str, str]:
    found = {field: _named(record, names) for field, names in _ABOUT.items()}
    return {field: _word(record[name]) for field, name in found.items() if name is not None}


def _table_names(path: Path, records: Iterable[Record], wanted: Columns) -> dict[str, str | None]:
    """What each column is: 'text', 'stance', 'style', 'either', 'annotator' -> its name."""
    columns = list(dict.fromkeys(name for record in records for name in record))
    seen = ", ".join(map(repr, columns[:30]))
    for option, name in (("text", wanted.text), ("stance", wanted.stance), ("style", wanted.style)):
        if name is not None and name not in columns:
            raise InputError(f"{path}: no column {name!r:.60}; --{option} takes one of {seen}")
    text = wanted.text or _named(columns, TEXT_NAMES)
    if text is None:
        raise InputError(f"{path}: no text column among {seen}; name it with --text")
    stance = wanted.stance or _named(columns, STANCE_NAMES)
    style = wanted.style or _named(columns, STYLE_NAMES)
    either = None if stance or style else _named(columns, EITHER_NAMES)
    annotator = _named(columns, _ANNOTATOR_NAMES)
    return {
        "text": text, "stance": stance, "style": style, "either": either, "annotator": annotator,
    }  # fmt: skip


def _table_row(
    row: int, record: Record, who: str | None, names: Mapping[str, str | None]
) -> Answer:
    cells = {kind: _word(record.get(name)) if name else "" for kind, name in names.items()}
    found = [(kind, cells[kind]) for kind in ("stance", "style") if cells[kind].strip()]
    # doccano's CSV joins the names of one post with '#'
    found += [("label", name) for name in cells["either"].split("#") if name.strip()]
    annotator = cells["annotator"] or who
    about = _about(record)
    if "id" in about:
        about["id"] = _unquoted(about["id"])
    text = _unquoted(cells["text"])
    return Answer(
        row=row,
        key=(about.get("id"), text) if annotator else row,
        text=text,
        names=tuple(found),
        spans=_own_spans(record),
        annotator=annotator,
        refusal="skipped" if _word(record.get("skipped")).lower() in ("true", "1") else None,
        about=about,
    )


def _unquoted(text: str) -> str:
    """Without the apostrophe that keeps a spreadsheet from reading a post as a formula."""
    return text[1:] if re.match(r"'+[=+@-]", text) else text


def _own_spans(record: Record) -> tuple[RawSpan, ...] | None:
    """The spans of opgsent's own ``tickers`` and ``levels``: lists, or JSON in a cell."""
    found: list[RawSpan] = []
    marked = False
    for name, part in (("tickers", "ticker"), ("levels", "level")):
        spans = record.get(name)
        if isinstance(spans, str) and spans.startswith("["):
            try:
                spans = json.loads(spans)
            except (ValueError, RecursionError):
                continue
        if not isinstance(spans, list):
            continue
        marked = True
        found += [
            RawSpan(span["start"], span["end"], span.get("text"), (part,), span)
            for span in spans
            if isinstance(span, dict) and type(span.get("start")) is type(span.get("end")) is int
        ]
    return tuple(found) if marked else None


def _text_of(data: Record, wanted: Columns) -> str:
    """The post in a task's data: the column asked for, a usual name, or the only string."""
    name = wanted.text or _named(data, TEXT_NAMES)
    if name is None:
        strings = [key for key, value in data.items() if isinstance(value, str)]
        if len(strings) != 1:
            raise ValueError(f"no text among {list(data)[:10]}; name it with --text")
        name = strings[0]
    if name not in data:
        raise ValueError(f"no {name!r:.40} among {list(data)[:10]}; see --text")
    return _word(data[name])


def _label_studio(row: int, record: Record, who: str | None, wanted: Columns) -> Iterator[Answer]:
    data = record["data"]
    text = _text_of(data, wanted)
    about = {**({"id": str(record["id"])} if "id" in record else {}), **_about(data)}
    annotations = record.get("annotations", record.get("completions")) or []
    if not annotations:
        yield Answer(row, row, text, refusal="not labelled", about=about)
    for annotation in annotations:
        names: list[tuple[str, str]] = []
        spans: dict[str, RawSpan] = {}
        for result in annotation.get("result") or []:
            _label_studio_result(result, names, spans)
        cancelled = annotation.get("was_cancelled") or annotation.get("skipped")
        yield Answer(
            row=row,
            key=row,
            text=text,
            names=tuple(names),
            spans=tuple(spans.values()) or None,
            annotator=_person(annotation.get("completed_by")) or who,
            refusal="skipped" if cancelled else None,
            about=about,
        )


def _label_studio_result(
    result: Record, names: list[tuple[str, str]], spans: dict[str, RawSpan]
) -> None:
    """One result of an annotation: a choice, a marked span, or a choice about a marked span."""
    value = result.get("value") or {}
    kind = str(result.get("type", ""))
    words = tuple(_word(name) for name in value.get(kind) or ())
    if "start" in value and "end" in value:
        key = str(result.get("id") or len(spans))
        old = spans.get(key)
        both = (*(old.names if old else ()), *words)
        spans[key] = RawSpan(int(value["start"]), int(value["end"]), value.get("text"), both)
    elif kind == "choices":
        names += [(str(result.get("from_name")), name) for name in words]


def _person(value: Any) -> str | None:
    """An annotator: a number, a name, or Label Studio's record of a user."""
    if isinstance(value, dict):
        value = value.get("email") or value.get("username") or value.get("id")
    return _word(value) or None


def _label_studio_min(
    row: int, record: Record, who: str | None, wanted: Columns
) -> Iterator[Answer]:
    text = _text_of(record, wanted)
    known = {*STANCE_NAMES, *STYLE_NAMES, *EITHER_NAMES, wanted.stance, wanted.style}
    names: list[tuple[str, str]] = []
    spans: list[RawSpan] = []
    for control, value in record.items():
        value = _unpacked(value)
        if isinstance(value, dict) and isinstance(value.get("choices"), list):
            names += [(control, _word(name)) for name in value["choices"]]
        elif isinstance(value, list) and all(isinstance(v, dict) and "start" in v for v in value):
            for mark in value:
                words = [word for part in ("labels", "hypertextlabels", "choices")
                         for word in map(_word, mark.get(part) or ())]  # fmt: skip
                start, end = int(mark["start"]), int(mark["end"])
                spans.append(RawSpan(start, end, mark.get("text"), tuple(words)))
        elif (control in known or control.lower() in known) and _word(value).strip():
            names.append((control, _word(value)))
    about = _about({k: v for k, v in record.items() if k not in ("created_at", "updated_at")})
    annotator = _person(record.get("annotator")) or who
    yield Answer(
        row, (about.get("id"), text), text, tuple(names), tuple(spans) or None, annotator,
        about=about,
    )  # fmt: skip


def _unpacked(value: Any) -> Any:
    """A cell of Label Studio's CSV: JSON where a control holds more than one word."""
    if isinstance(value, str) and value.startswith(('{"choices"', '[{"')):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _doccano(row: int, record: Record, who: str | None, wanted: Columns) -> Iterator[Answer]:
    text = _text_of({k: record[k] for k in record if k != "data"} | _old_text(record), wanted)
    names: list[tuple[str, str]] = []
    spans: list[RawSpan] = []
    for column in ("label", "labels", "cats", "entities"):
        for item in record.get(column) or ():
            if isinstance(item, list) and len(item) == 3:
                spans.append(RawSpan(int(item[0]), int(item[1]), None, (_word(item[2]),)))
            elif isinstance(item, dict):
                start, end = int(item["start_offset"]), int(item["end_offset"])
                spans.append(RawSpan(start, end, None, (_word(item["label"]),)))
            else:
                names.append((column, _word(item)))
    about = _about(record)
    key = (about.get("id"), text) if who else row
    yield Answer(row, key, text, tuple(names), tuple(spans) or None, who, about=about)


def _old_text(record: Record) -> dict[str, Any]:
    """doccano 1.5 and before call the post ``data``."""
    return {"text": record["data"]} if "data" in record and "text" not in record else {}


def _prodigy(row: int, record: Record, who: str | None, wanted: Columns) -> Iterator[Answer]:
    text = _text_of(record, wanted)
    answer = record.get("answer")
    options = {
        _word(option["id"]): _word(option.get("text")) for option in record.get("options") or ()
    }
    accepted = record.get("accept") or []
    accepted = accepted if isinstance(accepted, list) else [accepted]
    names = [("label", _option(_word(name), options)) for name in accepted]
    if isinstance(record.get("label"), str) and record["label"]:
        names.append(("label", record["label"]))
    names += [(name, record[name]) for name in ("stance", "style", wanted.stance, wanted.style)
              if name and isinstance(record.get(name), str)]  # fmt: skip
    spans = tuple(
        RawSpan(int(span["start"]), int(span["end"]), span.get("text"), (_word(span["label"]),))
        for span in record.get("spans") or ()
        if "label" in span
    )
    refusal = {"reject": "rejected", "ignore": "ignored", "accept": None}.get(
        str(answer), "not labelled"
    )
    meta = record.get("meta")
    about = _about(meta if isinstance(meta, dict) else {}) | _about(record)
    annotator = _word(record.get("_annotator_id") or record.get("_session_id")) or who
    yield Answer(row, text, text, tuple(names), spans or None, annotator or None, refusal, about)


def _option(name: str, options: Mapping[str, str]) -> str:
    """An option by its identifier, or by what the annotator read where that is a bare number."""
    text = options.get(name, "")
    says_more = any(map(str.isalpha, text)) and not any(map(str.isalpha, name))
    return text if says_more else name
