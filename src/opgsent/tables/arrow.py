"""The score columns as Arrow arrays: one row function for Parquet and for Spark."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ..errors import InputError
from ..result import MISSING, STANCES
from .columns import Columns
from .pool import Task
from .source import MAX_CHARS

Rendered = list[list[list[Any]]]  # per post, per output row, per column
_STRING, _FLOAT, _INT = pa.string(), pa.float64(), pa.int32()
_VERDICT = pa.struct(
    {
        "label": _STRING,
        "probabilities": pa.struct(dict.fromkeys(STANCES, _FLOAT)),
        "score": _FLOAT,
        "sure": pa.bool_(),
    }
)
_TICKER = pa.struct(
    {
        "text": _STRING, "start": _INT, "end": _INT, "symbol": _STRING, "quote": _STRING,
        "kind": _STRING, "asset_class": _STRING, "subject": pa.bool_(), "stance": _VERDICT,
        "probability": _FLOAT,
    }
)  # fmt: skip
_LEVEL = pa.struct(
    {
        "text": _STRING, "start": _INT, "end": _INT, "value": _STRING, "unit": _STRING,
        "role": _STRING, "symbol": _STRING, "probability": _FLOAT,
    }
)  # fmt: skip
#: the columns that are not strings
_TYPES = {
    "tickers": pa.list_(_TICKER),
    "levels": pa.list_(_LEVEL),
    "stance_sure": pa.bool_(),
    "style_sure": pa.bool_(),
    "item_start": _INT,
    "item_end": _INT,
    "item_probability": _FLOAT,
}

#: what Spark notes of a file's columns: it sees no column that is not in there
_SPARK = b"org.apache.spark.sql.parquet.row.metadata"
_SPARK_NAMES = {_STRING: "string", _FLOAT: "double", _INT: "integer", pa.bool_(): "boolean"}


def schema_with(schema: pa.Schema, columns: Columns) -> pa.Schema:
    """A schema with the score columns behind, its metadata kept."""
    ours = []
    for name, title in zip(columns.names, columns.titles, strict=True):
        score = name.startswith("p_") or name.endswith("_score")
        ours.append(pa.field(title, _FLOAT if score else _TYPES.get(name, _STRING)))
    kept = dict(schema.metadata or {})
    if _SPARK in kept:
        # what is no such note Spark passes over, too
        with contextlib.suppress(ValueError, KeyError, TypeError):
            row = json.loads(kept[_SPARK])
            row["fields"] += _for_spark(pa.struct(ours))["fields"]
            kept[_SPARK] = json.dumps(row).encode()
    return pa.schema([*schema, *ours], kept or None)


def _for_spark(kind: pa.DataType) -> Any:
    """A type of ours as Spark writes it down."""
    if pa.types.is_list(kind):
        element = _for_spark(kind.value_type)
        return {"type": "array", "elementType": element, "containsNull": True}
    if pa.types.is_struct(kind):
        fields = [
            {"name": f.name, "type": _for_spark(f.type), "nullable": True, "metadata": {}}
            for f in kind
        ]
        return {"type": "struct", "fields": fields}
    return _SPARK_NAMES[kind]


def check_text(field: pa.Field, where: str) -> None:
    """Refuse a column that holds no text."""
    kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    types = pa.types
    text = (types.is_string, types.is_large_string, types.is_string_view, types.is_null, _is_bytes)
    if not any(is_text(kind) for is_text in text):
        raise InputError(f"{where}: column {field.name!r} is {field.type}, not text")


def _is_bytes(kind: pa.DataType) -> bool:
    """Whether a column holds bytes, as some engines write down text."""
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def texts_of(column: pa.Array) -> tuple[list[str | None], dict[int, tuple[str, str]]]:
    """The texts of a column, and for each row without a usable one the reason and its start."""
    rejected: dict[int, tuple[str, str]] = {}
    if pa.types.is_dictionary(column.type) and _is_bytes(column.type.value_type):
        column = column.dictionary_decode()
    if _is_bytes(column.type):
        column = pc.cast(
            column, options=pc.CastOptions(target_type=pa.large_string(), allow_invalid_utf8=True)
        )
    try:
        texts = column.to_pylist()
    except UnicodeDecodeError:
        texts = []
        for at, scalar in enumerate(column):
            try:
                texts.append(scalar.as_py())
            except UnicodeDecodeError as error:
                texts.append(None)
                raw = error.object.decode("utf-8", "backslashreplace")
                rejected[at] = (f"the text is not UTF-8: {error.reason}", raw[:1000])
    for at, text in enumerate(texts):
        if text is not None and len(text) > MAX_CHARS:
            rejected[at] = (f"the text is longer than {MAX_CHARS:,} characters", text[:1000])
    return texts, rejected


def appended(
    batch: pa.RecordBatch, rendered: Rendered, columns: Columns, schema: pa.Schema
) -> pa.RecordBatch:
    """The batch with its score columns; a row is repeated where it has several."""
    rows = [row for post in rendered for row in post]
    taken: list[pa.Array] = batch.columns
    if len(rows) != len(rendered):
        at = [at for at, post in enumerate(rendered) for _ in post]
        taken = [_repeated(column, at) for column in taken]
    first = len(schema) - len(columns.names)
    arrays = [
        pa.array([row[k] for row in rows], type=schema.field(first + k).type)
        for k in range(len(columns.names))
    ]
    return pa.RecordBatch.from_arrays([*taken, *arrays], schema=schema)


def _repeated(column: pa.Array, at: list[int]) -> pa.Array:
    """The values at these places."""
    try:
        return column.take(pa.array(at))
    except pa.ArrowNotImplementedError:  # views, in Arrow 26
        return pa.concat_arrays([column.slice(k, 1) for k in at])


def scored(
    batch: pa.RecordBatch, text: str, task: Task[list[list[Any]]], columns: Columns
) -> pa.RecordBatch:
    """A batch answered here and now, with its score columns; for engines."""
    texts, rejected = texts_of(batch.column(batch.schema.get_field_index(text)))
    rendered, _ = task([t for at, t in enumerate(texts) if at not in rejected])
    filled = with_gaps(rendered, rejected, columns)
    return appended(batch, filled, columns, schema_with(batch.schema, columns))


def with_gaps(
    rendered: Sequence[list[list[Any]]], rejected: dict[int, Any], columns: Columns
) -> Rendered:
    """What was rendered, with empty scores at the places of rejected rows."""
    answers, empty = iter(rendered), columns.values(MISSING)
    total = len(rendered) + len(rejected)
    return [empty if at in rejected else next(answers) for at in range(total)]
