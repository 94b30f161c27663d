"""Label Studio: JSON with every annotation, and JSON-MIN (or its CSV) with one a row."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ..records import Record
from .answers import (
    EITHER_NAMES,
    STANCE_NAMES,
    STYLE_NAMES,
    Answer,
    Columns,
    RawSpan,
    facts,
    text_of,
    word,
)


def label_studio(row: int, record: Record, who: str | None, wanted: Columns) -> Iterator[Answer]:
    """A task: an answer for each of its annotations."""
    data = record["data"]
    text = text_of(data, wanted)
    about = {**({"id": str(record["id"])} if "id" in record else {}), **facts(data)}
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
            annotator=person(annotation.get("completed_by")) or who,
            refusal="skipped" if cancelled else None,
            about=about,
        )


def _label_studio_result(
    result: Record, names: list[tuple[str, str]], spans: dict[str, RawSpan]
) -> None:
    """One result of an annotation: a choice, a marked span, or a choice about a marked span."""
    value = result.get("value") or {}
    kind = str(result.get("type", ""))
    words = tuple(word(name) for name in value.get(kind) or ())
    if "start" in value and "end" in value:
        key = str(result.get("id") or len(spans))
        old = spans.get(key)
        both = (*(old.names if old else ()), *words)
        spans[key] = RawSpan(int(value["start"]), int(value["end"]), value.get("text"), both)
    elif kind == "choices":
        names += [(str(result.get("from_name")), name) for name in words]


def person(value: Any) -> str | None:
    """An annotator: a number, a name, or Label Studio's record of a user."""
    if isinstance(value, dict):
        value = value.get("email") or value.get("username") or value.get("id")
    return word(value) or None


def label_studio_min(
    row: int, record: Record, who: str | None, wanted: Columns
) -> Iterator[Answer]:
    """An annotation with a key for each control."""
    text = text_of(record, wanted)
    known = {*STANCE_NAMES, *STYLE_NAMES, *EITHER_NAMES, wanted.stance, wanted.style}
    names: list[tuple[str, str]] = []
    spans: list[RawSpan] = []
    for control, value in record.items():
        value = _unpacked(value)
        if isinstance(value, dict) and isinstance(value.get("choices"), list):
            names += [(control, word(name)) for name in value["choices"]]
        elif isinstance(value, list) and all(isinstance(v, dict) and "start" in v for v in value):
            for mark in value:
                parts = ("labels", "hypertextlabels", "choices")
                words = [word(name) for part in parts for name in mark.get(part) or ()]
                start, end = int(mark["start"]), int(mark["end"])
                spans.append(RawSpan(start, end, mark.get("text"), tuple(words)))
        elif (control in known or control.lower() in known) and word(value).strip():
            names.append((control, word(value)))
    about = facts({k: v for k, v in record.items() if k not in ("created_at", "updated_at")})
    annotator = person(record.get("annotator")) or who
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
