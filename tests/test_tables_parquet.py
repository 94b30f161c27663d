"""Parquet: columns, types and metadata of the input kept; the scores typed; same bytes always."""

from __future__ import annotations

import datetime
import gzip
import io
import json
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from opgsent.errors import InputError, OpgsentError
from opgsent.tables import score_file, target
from tables_fake import FakeClassifier

TEXTS = ["$A up 5", None, "", "ab", "long " * 40]


def run(folder: Path, table: pa.Table, out: str = "out.parquet", **options: Any) -> pa.Table:
    src, dst = folder / "in.parquet", folder / out
    pq.write_table(table, src, **options.pop("write", {}))
    options.setdefault("classifier", FakeClassifier())
    score_file(src, dst, **options)
    return pq.read_table(dst)


def everything() -> pa.Table:
    """A column of every kind that files hold, with a metadata entry on the table and a field."""
    n = len(TEXTS)
    when = datetime.datetime(2024, 11, 3, 1, 30, tzinfo=datetime.UTC)
    columns: dict[str, pa.Array] = {
        "id": pa.array([2**62 + 1, None, 3, 4, 5], pa.int64()),
        "text": pa.array(TEXTS),
        "when": pa.array([when, None, when, when, when], pa.timestamp("us", "America/New_York")),
        "kind": pa.array(["x", "y", "x", None, "y"]).dictionary_encode(),
        "price": pa.array([None, 1, 2, 3, 4], pa.decimal128(12, 4)),
        "list": pa.array([[1, None], None, [], [2], [3]], pa.list_(pa.int8())),
        "struct": pa.array([{"a": "b"}, None, {"a": None}, {}, {}], pa.struct({"a": pa.string()})),
        "map": pa.array([[("k", 1)], None, [], [], []], pa.map_(pa.string(), pa.int32())),
        "bytes": pa.array([b"\xff", None, b"", b"", b""]),
        "small": pa.array([1.5] * n, pa.float32()),
    }
    table = pa.table(columns).replace_schema_metadata({b"source": b"a firehose"})
    field = table.schema.field("small").with_metadata({b"unit": b"USD"})
    schema = table.schema.set(table.schema.get_field_index("small"), field)
    return table.cast(schema)


def test_types_values_and_metadata_are_kept(tmp_path: Path) -> None:
    table = everything()
    out = run(tmp_path, table)
    assert out.schema.metadata[b"source"] == b"a firehose"
    for name in table.column_names:
        field = out.schema.field(name)
        assert field.equals(table.schema.field(name))
        assert out.column(name).equals(table.column(name)), name
    assert out.schema.field("small").metadata[b"unit"] == b"USD"
    assert out.column_names[len(table.column_names) :][:2] == ["stance", "stance_score"]


def test_the_scores_are_typed(tmp_path: Path) -> None:
    out = run(tmp_path, everything(), sure=True)
    kinds = {name: str(out.schema.field(name).type) for name in out.column_names}
    assert (kinds["stance"], kinds["p_other"], kinds["stance_sure"]) == ("string", "double", "bool")
    first, missing, empty, *_ = out.select(["stance", "p_bullish", "tickers", "levels"]).to_pylist()
    post = FakeClassifier().classify("$A up 5")
    assert (first["stance"], first["p_bullish"]) == ("bearish", 0.265)
    assert first["tickers"][0]["symbol"] == "A"
    assert first["tickers"][0]["stance"]["probabilities"]["neutral"] == 0.42
    assert first["levels"] == [post.levels[0].to_dict()]
    assert set(missing.values()) == {None}
    assert (empty["stance"], empty["tickers"]) == ("bullish", [])


def test_time_stamps_in_int96_keep_their_values(tmp_path: Path) -> None:
    """Spark's default; a column of nanoseconds, which they were taken for, it cannot read."""
    days = [datetime.datetime(9999, 12, 31), datetime.datetime(1, 1, 1), None]
    when = pa.array(days, pa.timestamp("us"))
    old = {"use_deprecated_int96_timestamps": True}
    out = run(tmp_path, pa.table({"text": TEXTS[:3], "when": when}), write=old)
    assert out["when"].type == when.type
    assert out["when"].to_pylist() == days


def test_spark_is_told_of_our_columns(tmp_path: Path) -> None:
    """It goes by its own note in the metadata, and sees no column that is not in there."""
    key, theirs = b"org.apache.spark.sql.parquet.row.metadata", {"name": "text", "type": "string"}
    whole = json.dumps({"type": "struct", "fields": [theirs]})
    table = pa.table({"text": ["$A 5"]}).replace_schema_metadata({key: whole})
    out = run(tmp_path, table, columns=["stance", "p_hype", "levels"], sure=True)
    fields = json.loads(out.schema.metadata[key])["fields"]
    assert fields[0] == theirs
    assert [field["name"] for field in fields] == out.column_names
    kinds = {field["name"]: field["type"] for field in fields}
    assert (kinds["stance"], kinds["p_hype"], kinds["stance_sure"]) == (
        "string", "double", "boolean",
    )  # fmt: skip
    level = kinds["levels"]["elementType"]["fields"]
    assert {field["name"]: field["type"] for field in level}["start"] == "integer"
    for note in (b"{", b"{}", b"[]", b'{"fields": 1}'):
        spoilt = run(tmp_path, table.replace_schema_metadata({key: note}))
        assert spoilt.schema.metadata[key] == note


def test_pandas_reads_its_own_frame_back(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"text": ["$A up", "ab"], "n": [1, 2]}, index=pd.Index(["x", "y"], name="k")
    )
    frame.to_parquet(tmp_path / "in.parquet")
    score_file(tmp_path / "in.parquet", tmp_path / "out.parquet", classifier=FakeClassifier())
    back = pd.read_parquet(tmp_path / "out.parquet")
    pd.testing.assert_frame_equal(back[["text", "n"]], frame)
    assert list(back["stance"]) == ["neutral", "neutral"]


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view(), pa.null()])
def test_any_column_of_text_will_do(tmp_path: Path, kind: pa.DataType) -> None:
    texts = [None, None] if kind == pa.null() else ["ab", None]
    out = run(tmp_path, pa.table({"text": pa.array(texts, kind)}))
    assert out["stance"].to_pylist() == [None if kind == pa.null() else "neutral", None]


def test_dictionaries_of_text_are_kept(tmp_path: Path) -> None:
    texts = pa.array([f"post {n % 9}" for n in range(40_000)]).dictionary_encode()
    out = run(tmp_path, pa.table({"text": texts}), columns=["stance"])
    assert out.schema.field("text").type == texts.type
    assert out["text"].to_pylist() == texts.to_pylist()


def test_dictionaries_that_no_index_of_their_type_counts_together_are_kept(tmp_path: Path) -> None:
    words = [[f"group {g} word {n}" for n in range(100)] for g in range(4)]
    kinds = [pa.array(own * 20).dictionary_encode().cast(pa.dictionary(pa.int8(), pa.string()))
             for own in words]  # fmt: skip
    src, dst = tmp_path / "posts.parquet", tmp_path / "out.parquet"
    tables = [pa.table({"text": ["ab"] * 2_000, "kind": kind}) for kind in kinds]
    with pq.ParquetWriter(src, tables[0].schema) as writer:
        for table in tables:
            writer.write_table(table)
    assert score_file(src, dst, classifier=FakeClassifier()).rows == 8_000
    written = pq.ParquetFile(dst)
    assert written.schema_arrow.field("kind").type == kinds[0].type
    groups = [written.read_row_group(k).column("kind") for k in range(written.num_row_groups)]
    assert [word for group in groups for word in group.to_pylist()] == [
        word for own in words for word in own * 20
    ]


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary(), "dictionary"])
def test_text_that_was_written_as_bytes_is_read(tmp_path: Path, kind: Any) -> None:
    texts = [b"$A up 5", None, "höher".encode(), b"\xff$A", b""]
    column = pa.array(texts, pa.binary())
    column = column.dictionary_encode() if kind == "dictionary" else column.cast(kind)
    table = run(tmp_path, pa.table({"text": column}))
    assert "the text is not UTF-8" in (tmp_path / "out.parquet.rejected.csv").read_text()
    wanted = run(tmp_path, pa.table({"text": ["$A up 5", None, "höher", None, ""]}))
    assert table.column("text").to_pylist() == texts
    assert table.drop_columns(["text"]).to_pylist() == wanted.drop_columns(["text"]).to_pylist()


def test_dictionaries_inside_others_are_kept(tmp_path: Path) -> None:
    names = pa.array([f"name {n}" for n in range(2000)]).dictionary_encode()
    columns = {
        "text": pa.array(["ab"] * 2000),
        "list": pa.ListArray.from_arrays(range(2001), names),
        "struct": pa.StructArray.from_arrays([names], ["name"]),
        "map": pa.MapArray.from_arrays(range(2001), names, names),
    }
    out = run(tmp_path, pa.table(columns), write={"row_group_size": 700}, columns=["stance"])
    for name, column in columns.items():
        assert out.schema.field(name).type == column.type
        assert out[name].to_pylist() == column.to_pylist()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (pa.table({"text": [1]}), "column 'text' is int64, not text"),
        (pa.table({"text": pa.array([b"ab"], pa.binary(2))}), "is fixed_size_binary"),
        (pa.table({"tweet": ["ab"]}), "no column 'text', did you mean 'tweet'"),
        (pa.table({"text": ["ab"], "stance": ["x"]}), "already has the column 'stance'"),
        (pa.table([["a"], ["b"]], names=["text", "text"]), "several columns 'text'"),
    ],
)
def test_columns_that_cannot_be_read(tmp_path: Path, table: pa.Table, message: str) -> None:
    with pytest.raises(InputError, match=message):
        run(tmp_path, table)
    assert [p.name for p in tmp_path.iterdir()] == ["in.parquet"]


@pytest.mark.parametrize("codec", ["none", "snappy", "gzip", "brotli", "zstd", "lz4"])
def test_the_compression_is_kept(tmp_path: Path, codec: str) -> None:
    run(tmp_path, pa.table({"text": ["ab"]}), write={"compression": codec})
    used = pq.ParquetFile(tmp_path / "out.parquet").metadata.row_group(0).column(0).compression
    assert used.lower() == {"none": "uncompressed"}.get(codec, codec)


def test_same_bytes_for_any_jobs(tmp_path: Path) -> None:
    table = pa.table({"text": [f"$A {n} " + "x" * (n % 200) for n in range(40_000)]})
    options: dict[str, Any] = {"columns": ["stance", "tickers"]}
    run(tmp_path, table, **options)
    first = (tmp_path / "out.parquet").read_bytes()
    run(tmp_path, table, jobs=2, **options)
    assert (tmp_path / "out.parquet").read_bytes() == first
    groups = pq.ParquetFile(tmp_path / "out.parquet").metadata
    assert [groups.row_group(k).num_rows for k in range(groups.num_row_groups)] == [
        16_384, 16_384, 7_232,
    ]  # fmt: skip


def test_no_rows_at_all(tmp_path: Path) -> None:
    out = run(tmp_path, pa.table({"text": pa.array([], pa.string())}))
    assert (out.num_rows, out.num_columns) == (0, 13)


def test_long_repeats_rows(tmp_path: Path) -> None:
    table = pa.table({"id": [1, 2], "text": ["$A 5", "up"]})
    out = run(tmp_path, table, columns=["item", "item_start"], long=True)
    assert out.select(["id", "item", "item_start"]).to_pylist() == [
        {"id": 1, "item": "ticker", "item_start": 0},
        {"id": 1, "item": "level", "item_start": 3},
        {"id": 2, "item": None, "item_start": None},
    ]


@pytest.mark.parametrize("kind", [pa.string_view(), pa.struct({"a": pa.string_view()})])
def test_long_repeats_views(tmp_path: Path, kind: pa.DataType) -> None:
    values = [{"a": "x"}, None] if pa.types.is_struct(kind) else ["x", None]
    table = pa.table({"text": ["$A 5", "up"], "view": pa.array(values, kind)})
    out = run(tmp_path, table, columns=["item"], long=True)
    assert out["view"].type == kind
    assert out["view"].to_pylist() == [values[0], values[0], None]


def test_rows_that_cannot_be_read_keep_their_place(tmp_path: Path) -> None:
    raw = pa.array([b"ab", b"caf\xe9", b"b" * 1_000_001, b"ab"])
    # other writers put such bytes into a column of text too
    pq.write_table(pa.table({"text": raw.cast(pa.string(), safe=False)}), tmp_path / "in.parquet")
    summary = score_file(
        tmp_path / "in.parquet", tmp_path / "out.parquet", classifier=FakeClassifier()
    )
    out = pq.read_table(tmp_path / "out.parquet", columns=["stance", "tickers"]).to_pylist()
    assert [row["stance"] for row in out] == ["neutral", None, None, "neutral"]
    assert out[1]["tickers"] is None
    assert [line for line, _ in summary.reasons] == [2, 3]
    assert summary.reasons[0][1].startswith("the text is not UTF-8")
    assert "longer than 1,000,000" in summary.reasons[1][1]


def test_parquet_cannot_be_resumed_and_says_why(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be resumed: its index is written last"):
        run(tmp_path, pa.table({"text": ["ab"]}), resume=True)


def test_a_damaged_file_is_one_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "in.parquet"
    pq.write_table(pa.table({"text": [f"{n} ab" for n in range(5000)]}), path)
    whole = path.read_bytes()
    broken = whole[:100] + b"\xff" * 200 + whole[300:]
    for data in (whole[:-4], b"PAR1", broken):
        path.write_bytes(data)
        with pytest.raises(InputError, match=r"cannot be read as Parquet|is damaged"):
            score_file(path, tmp_path / "out.parquet", classifier=FakeClassifier())
        assert [p.name for p in tmp_path.iterdir()] == ["in.parquet"]


def test_from_standard_input_and_compressed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = pa.table({"text": ["ab", "$A"]})
    expected = run(tmp_path, table)

    class Stdin:
        buffer = io.BytesIO((tmp_path / "in.parquet").read_bytes())

    monkeypatch.setattr(sys, "stdin", Stdin)
    score_file("-", tmp_path / "piped.parquet", classifier=FakeClassifier())
    assert pq.read_table(tmp_path / "piped.parquet").equals(expected)
    packed = tmp_path / "in.parquet.gz"
    packed.write_bytes(gzip.compress((tmp_path / "in.parquet").read_bytes()))
    score_file(packed, tmp_path / "out.parquet.gz", classifier=FakeClassifier())
    inside = gzip.decompress((tmp_path / "out.parquet.gz").read_bytes())
    assert pq.read_table(io.BytesIO(inside)).equals(expected)


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "out.parquet").write_bytes(b"old")

    def full(self: Any, packed: bytes) -> None:
        raise OpgsentError("cannot write out.parquet: No space left on device")

    monkeypatch.setattr(target.Part, "_put", full)
    with pytest.raises(OpgsentError, match="No space left"):
        run(tmp_path, pa.table({"text": ["ab"]}))
    assert (tmp_path / "out.parquet").read_bytes() == b"old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.parquet", "out.parquet"]


def test_progress_ends_at_the_whole(tmp_path: Path) -> None:
    seen: list[tuple[int, int, int | None]] = []
    run(
        tmp_path,
        pa.table({"text": ["ab"] * 3000}),
        progress=lambda rows, done, total: seen.append((rows, done, total)),
    )
    assert [rows for rows, *_ in seen] == [1024, 2048, 3000]
    assert seen[-1][1] == seen[-1][2] == (tmp_path / "in.parquet").stat().st_size
