"""doccano: JSON Lines of classification and of sequence labelling, old and new."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..records import Record
from .answers import REFUSALS, Answer, Columns, RawSpan, facts, text_of, word


def doccano(row: int, record: Record, who: str | None, wanted: Columns) -> Iterator[Answer]:
    """A post with the names and spans of one annotator, or of all."""
    text = text_of({k: record[k] for k in record if k != "data"} | _old_text(record), wanted)
    names: list[tuple[str, str]] = []
    spans: list[RawSpan] = []
    for column in ("label", "labels", "cats", "entities"):
        for item in record.get(column) or ():
            if isinstance(item, list) and len(item) == 3:
                spans.append(RawSpan(int(item[0]), int(item[1]), None, (word(item[2]),)))
            elif isinstance(item, dict):
                start, end = int(item["start_offset"]), int(item["end_offset"])
                spans.append(RawSpan(start, end, None, (word(item["label"]),)))
            else:
                names.append((column, word(item)))
    about = facts(record)
    key = (about.get("id"), text) if who else row
    refusal = REFUSALS.get(word(record.get("answer")))
    yield Answer(row, key, text, tuple(names), tuple(spans) or None, who, refusal, about)


def _old_text(record: Record) -> dict[str, Any]:
    """doccano 1.5 and before call the post ``data``."""
    return {"text": record["data"]} if "data" in record and "text" not in record else {}
