"""A row a post: CSV, TSV, Parquet, JSON Lines with a column for each question."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..records import Record
from .answers import (
    ANNOTATOR_NAMES,
    EITHER_NAMES,
    REFUSALS,
    STANCE_NAMES,
    STYLE_NAMES,
    TEXT_NAMES,
    Answer,
    Columns,
    RawSpan,
    choices,
    facts,
    named,
    word,
)

Row = tuple[int, Record, str | None]


def without_replaced(rows: Sequence[Row], annotator: str | None = None) -> list[Row]:
    """Without the lines of ``opgsent label`` that a later line took the place of.

    A post whose stance was answered in one session and whose style in another has two lines; the
    second says all of the first, and that it replaces it: of the same ``annotator``, a column.
    """
    kept = dict(enumerate(rows))
    last: dict[tuple[str, str, str | None], int] = {}
    for place, (_, record, file) in enumerate(rows):
        who = word(record.get(annotator)) if annotator else file
        post = word(record.get("id")), word(record.get("text")), who
        if _true(record.get("replaces")) and post in last:
            kept.pop(last[post])
        last[post] = place
    return list(kept.values())


def _true(value: Any) -> bool:
    return word(value).lower() in ("true", "1")


def table_names(
    path: Path, records: Iterable[Record], wanted: Columns, doubled: Collection[str] = ()
) -> dict[str, str | None]:
    """What each column is: 'text', 'stance', 'style', 'either', 'annotator' -> its name.

    A column named for labels of either kind beside one of stance or style is 'unused': it may
    hold the labels of the other, or topics. The ``doubled`` columns are in no record; who asks
    for one says so.
    """
    columns = list(dict.fromkeys([*(name for record in records for name in record), *doubled]))
    seen = ", ".join(map(repr, columns[:30]))
    for option, name in (("text", wanted.text), ("stance", wanted.stance), ("style", wanted.style)):
        if name is not None and name not in columns:
            raise InputError(f"{path}: no column {name!r:.60}; --{option} takes one of {seen}")
    text = wanted.text or named(columns, TEXT_NAMES)
    if text is None:
        raise InputError(f"{path}: no text column among {seen}; name it with --text")
    stance = wanted.stance or named(columns, STANCE_NAMES)
    style = wanted.style or named(columns, STYLE_NAMES)
    either = named([name for name in columns if name not in (text, stance, style)], EITHER_NAMES)
    annotator = named(columns, ANNOTATOR_NAMES)
    return {
        "text": text, "stance": stance, "style": style,
        "either": None if stance or style else either, "annotator": annotator,
        "unused": either if (stance is None) != (style is None) else None,
    }  # fmt: skip


def table_row(row: int, record: Record, who: str | None, names: Mapping[str, str | None]) -> Answer:
    """A row by the columns that table_names found."""
    cells = {kind: record.get(name) if name else None for kind, name in names.items()}
    found = [(kind, name) for kind in ("stance", "style") for name in choices(cells[kind])]
    # doccano's CSV joins the names of one post with '#'
    found += [("label", name) for cell in choices(cells["either"]) for name in cell.split("#")]
    annotator = word(cells["annotator"]) or who
    about = facts(record)
    if "id" in about:
        about["id"] = _unquoted(about["id"])
    text = _unquoted(word(cells["text"]))
    refusal = "skipped" if _true(record.get("skipped")) else None
    return Answer(
        row=row,
        key=(about.get("id"), text) if annotator else row,
        text=text,
        names=tuple((kind, name) for kind, name in found if name.strip()),
        spans=_own_spans(record),
        annotator=annotator,
        refusal=refusal or REFUSALS.get(word(record.get("answer"))),
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
