"""Label Studio: JSON with every annotation, and JSON-MIN (or its CSV) with one a row."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ..records import Record
from .answers import (
    EITHER_NAMES,
    STANCE_NAMES,
    STYLE_NAMES,
    UNSEEN,
    Answer,
    Columns,
    RawSpan,
    facts,
    text_of,
    unpacked,
    word,
)

#: what a region or a result may hold that is a choice or a span of text
_KINDS = ("labels", "hypertextlabels", "choices")


def label_studio(row: int, record: Record, who: str | None, wanted: Columns) -> Iterator[Answer]:
    """A task: an answer for each of its annotations."""
    data = record["data"]
    text = text_of(data, wanted)
    about = {**({"id": str(record["id"])} if "id" in record else {}), **facts(data)}
    annotations = record.get("annotations", record.get("completions")) or []
    if not annotations:
        yield Answer(row, row, text, refusal=UNSEEN, about=about)
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
    """One result of an annotation: a choice, a marked span, or a choice about a marked span.

    What else there is (a rating, a number, a comment, a marked sound) says nothing here.
    """
    value = result.get("value")
    kind = result.get("type")
    if kind not in _KINDS or not isinstance(value, dict):
        return
    words = tuple(word(name) for name in value.get(kind) or ())
    if "start" not in value or "end" not in value:
        names += [(str(result.get("from_name")), name) for name in words if kind == "choices"]
        return
    key = str(result.get("id") or len(spans))
    span, old = _span(value, words), spans.get(key)
    spans[key] = replace(span, names=(*old.names, *span.names)) if old else span


def _span(value: Record, names: tuple[str, ...]) -> RawSpan:
    """A marked span of the text, or one that fits no text where the file does not say its place.

    HyperText's own ``start`` is an XPath; its ``globalOffsets`` count the characters that are
    shown, which are those of the post only where it holds no markup: the text tells. A span
    without a place is kept, for a post that has one is no post without tickers.
    """
    text = value.get("text") if isinstance(value.get("text"), str) else None
    for place in (value, value.get("globalOffsets") if text else None):
        start, end = (_offset(place, side) for side in ("start", "end"))
        if start is not None and end is not None:
            return RawSpan(start, end, text, names)
    return RawSpan(-1, -1, None, ())


def _offset(place: Any, side: str) -> int | None:
    """A number, which some versions write as text; None for an XPath or a time."""
    digits = str(place.get(side)) if isinstance(place, dict) else ""
    return int(digits) if re.fullmatch("[0-9]{1,9}", digits) else None


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
        value = unpacked(value)
        if isinstance(value, dict) and isinstance(value.get("choices"), list):
            names += [(control, word(name)) for name in value["choices"]]
        elif isinstance(value, list):  # regions, or results that are no single word
            for mark in value:
                held = mark if isinstance(mark, dict) and "start" in mark else {}
                words = [word(name) for part in _KINDS for name in held.get(part) or ()]
                spans += [_span(held, tuple(words))] if words else []
        elif (control in known or control.lower() in known) and word(value).strip():
            names.append((control, word(value)))
    about = facts({k: v for k, v in record.items() if k not in ("created_at", "updated_at")})
    annotator = person(record.get("annotator")) or who
    yield Answer(
        row, (about.get("id"), text), text, tuple(names), tuple(spans) or None, annotator,
        about=about,
    )  # fmt: skip
