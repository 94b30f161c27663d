"""Prodigy: binary answers, choices and spans."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..records import Record
from .answers import REFUSALS, UNSEEN, Answer, Columns, RawSpan, facts, text_of, word


def prodigy(row: int, record: Record, who: str | None, wanted: Columns) -> Iterator[Answer]:
    """One answer of one annotator; answers about the same text belong together."""
    text = text_of(record, wanted)
    answer = record.get("answer")
    options = {
        word(option["id"]): word(option.get("text")) for option in record.get("options") or ()
    }
    accepted = record.get("accept") or []
    accepted = accepted if isinstance(accepted, list) else [accepted]
    names = [("label", _option(word(name), options)) for name in accepted]
    if isinstance(record.get("label"), str) and record["label"]:
        names.append(("label", record["label"]))
    names += [(name, record[name]) for name in ("stance", "style", wanted.stance, wanted.style)
              if name and isinstance(record.get(name), str)]  # fmt: skip
    spans = tuple(
        RawSpan(int(span["start"]), int(span["end"]), span.get("text"), (word(span["label"]),))
        for span in record.get("spans") or ()
        if "label" in span
    )
    refusal = {**REFUSALS, "accept": None}.get(str(answer), UNSEEN)
    meta = record.get("meta")
    about = facts(meta if isinstance(meta, dict) else {}) | facts(record)
    annotator = word(record.get("_annotator_id") or record.get("_session_id")) or who
    yield Answer(row, text, text, tuple(names), spans or None, annotator or None, refusal, about)


def _option(name: str, options: Mapping[str, str]) -> str:
    """An option by its identifier, or by what the annotator read where that is a bare number."""
    text = options.get(name, "")
    says_more = any(map(str.isalpha, text)) and not any(map(str.isalpha, name))
    return text if says_more else name
