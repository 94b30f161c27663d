"""Scoring on Spark: every Arrow batch of a partition is answered by the row function of files.

The batches stay in Arrow from end to end (``mapInArrow``) and are not turned into pandas
frames (``mapInPandas``): that way keeps every input column bit for bit, where the other takes
time stamps through the session's time zone and moves those in the hour that a clock repeats.

Needs the extra: ``pip install opgsent[spark]``, and Java.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

from ..errors import InputError
from ..tables.columns import Columns, unknown
from ..tables.pool import Model, Reader, Task


def score_frame(
    df: Any,
    text: str = "text",
    *,
    classifier: Reader | None = None,
    model: str | os.PathLike[str] | None = None,
    columns: Sequence[str] | None = None,
    prefix: str = "",
    sure: bool = False,
    long: bool = False,
) -> Any:
    """A Spark frame with the score columns behind, computed when Spark computes it.

    The score columns are those of a scored Parquet file, ``tickers`` and ``levels`` arrays of
    structs; ``columns``, ``prefix``, ``sure`` and ``long`` are those of ``score_file``. A
    missing post, and one over 1,000,000 characters, has null scores. Partitions stay as they
    are, nothing is shuffled. A ``model`` folder must be found under its path on every
    executor; a Python worker loads it once.

    A wrong column is an :class:`InputError` here, before anything runs.

    >>> posts = spark.createDataFrame([("$BTC to the moon 🚀",)], "text string")  # doctest: +SKIP
    >>> score_frame(posts).select("stance", "tickers").show()                     # doctest: +SKIP
    """
    import pyarrow as pa
    from pyspark.sql.pandas.types import from_arrow_schema
    from pyspark.sql.types import StructType

    from ..tables import arrow

    chosen = Columns.choose(columns, prefix=prefix, sure=sure, long=long)
    _check(df, text, chosen)
    task = Task(Model.of(classifier, model), chosen.values)

    def scored(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield arrow.scored(batch, text, task, chosen)

    added = from_arrow_schema(arrow.schema_with(pa.schema([]), chosen))
    return df.mapInArrow(scored, StructType([*df.schema.fields, *added.fields]))


def _check(df: Any, text: str, chosen: Columns) -> None:
    if text not in df.columns:
        raise unknown("column", text, df.columns)
    if df.columns.count(text) > 1:
        raise InputError(f"the frame has several columns {text!r}")
    kind = df.schema[text].dataType.simpleString()
    if not kind.startswith(("string", "varchar", "char")):
        raise InputError(f"the column {text!r} is {kind}, not text: cast it to string first")
    # Spark knows a column by its name in any case
    taken = {name.casefold() for name in df.columns}
    chosen.check_free([t for t in chosen.titles if t.casefold() in taken], "the frame")
