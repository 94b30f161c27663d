"""Scoring on Spark: on a real local Spark, the rows of a scored Parquet file."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from opgsent.errors import InputError
from opgsent.tables import score_file
from tables_fake import FakeClassifier

pytest.importorskip("pyspark", reason="Spark comes with the extra opgsent[spark]")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (shutil.which("java") or os.environ.get("JAVA_HOME")), reason="Spark needs Java"
    ),
]

FAKE = FakeClassifier()
TEXTS = ["$A up 5", None, "", "ab", "$B and $C 1.5"]


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    from pyspark.sql import SparkSession

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        # the Python workers must find opgsent and the stand-in
        patch.setenv("PYTHONPATH", os.pathsep.join(p for p in sys.path if p))
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        session = (
            SparkSession.builder.master("local[2]")
            .config("spark.ui.enabled", "false")
            .config("spark.sql.shuffle.partitions", "2")
            .config("spark.sql.session.timeZone", "America/New_York")
            .getOrCreate()
        )
        yield session
        session.stop()


def posts(spark: Any) -> Any:
    return spark.createDataFrame(list(enumerate(TEXTS)), "id long, text string")


def from_files(folder: Path, **options: Any) -> list[dict[str, Any]]:
    """The same posts scored as a Parquet file."""
    pq.write_table(pa.table({"id": range(len(TEXTS)), "text": TEXTS}), folder / "in.parquet")
    score_file(folder / "in.parquet", folder / "out.parquet", classifier=FAKE, **options)
    rows: list[dict[str, Any]] = pq.read_table(folder / "out.parquet").to_pylist()
    return rows


@pytest.mark.parametrize(
    "options", [{}, {"sure": True, "prefix": "our_"}, {"columns": ["style"]}, {"long": True}]
)
def test_rows_are_those_of_a_scored_file(
    spark: Any, tmp_path: Path, options: dict[str, Any]
) -> None:
    from opgsent.ext.spark import score_frame

    scored = score_frame(posts(spark).repartition(3), classifier=FAKE, **options)
    rows = sorted(
        (row.asDict(recursive=True) for row in scored.collect()),
        key=lambda row: (row["id"], row.get("item_start") or 0),
    )
    assert rows == from_files(tmp_path, **options)


def test_nothing_is_shuffled_and_columns_are_kept_bit_for_bit(spark: Any) -> None:
    from opgsent.ext.spark import score_frame

    # 05:30 UTC is the first 01:30 of that night in New York; mapInPandas makes the second of it
    frame = spark.sql(
        "select timestamp_seconds(1730611800) when, 9007199254740993L id, 'ab' text,"
        " map('k', array(1, null)) m, cast(1.20 as decimal(9, 4)) price, X'ff' raw"
        " union all select null, null, null, null, null, null"
    ).coalesce(1)
    scored = score_frame(frame, classifier=FAKE, columns=["stance"])
    assert scored.schema.fields[:-1] == frame.schema.fields
    assert "Exchange" not in scored._jdf.queryExecution().toString()
    exact = "unix_micros(when)", "id", "m", "price", "raw"
    assert scored.selectExpr(*exact).collect() == frame.selectExpr(*exact).collect()
    assert [row.stance for row in scored.collect()] == ["neutral", None]


def test_a_post_over_a_million_characters_has_null_scores(spark: Any) -> None:
    from opgsent.ext.spark import score_frame

    frame = spark.sql("select repeat('a', 1000001) text union all select 'ab'").coalesce(1)
    scored = score_frame(frame, classifier=FAKE)
    assert [row.stance for row in scored.select("stance").collect()] == [None, "neutral"]


@pytest.mark.parametrize(
    ("query", "options", "message"),
    [
        ("select 1 text", {}, "'text' is int, not text: cast it"),
        ("select 'a' tweet", {}, "no column 'text', did you mean 'tweet'"),
        ("select 'a' text, 1 Stance", {}, "already has the column 'stance'"),
        ("select 'a' text, 'b' text", {}, "several columns 'text'"),
        ("select 'a' text", {"columns": ["x"]}, "no score column 'x'"),
    ],
)
def test_wrong_columns_are_refused_before_anything_runs(
    spark: Any, query: str, options: dict[str, Any], message: str
) -> None:
    from opgsent.ext.spark import score_frame

    with pytest.raises(InputError, match=message):
        score_frame(spark.sql(query), classifier=FAKE, **options)
