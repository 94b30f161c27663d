"""Inputs and outputs: plain, .gz, .zst, pipes, names and first bytes, bounded lines."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import zstandard

from opgsent.errors import InputError, OpgsentError
from opgsent.tables import score_file
from opgsent.tables.source import MAX_CHARS, Lines, Source
from tables_fake import FakeClassifier, scored

CSV = b"id,text\n" + b"".join(b"%d,$A %d\n" % (n, n) for n in range(10_000))
JSONL = b"".join(b'{"id":%d,"text":"$A"}\n' % n for n in range(10_000))


def packed(data: bytes, suffix: str) -> bytes:
    if suffix == ".gz":
        return gzip.compress(data[:1000]) + gzip.compress(data[1000:])  # members, as ours
    if suffix == ".zst":
        frame = zstandard.ZstdCompressor(write_checksum=True).compress
        return frame(data[:1000]) + frame(data[1000:])
    return data


def unpacked(data: bytes, suffix: str) -> bytes:
    if suffix == ".gz":
        return gzip.decompress(data)
    if suffix == ".zst":
        reader = zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True)
        return reader.read()
    return data


@pytest.mark.parametrize("coming", ["", ".gz", ".zst"])
@pytest.mark.parametrize("going", ["", ".gz", ".zst"])
@pytest.mark.parametrize(("kind", "data"), [("csv", CSV), ("jsonl", JSONL)])
def test_compressed_as_named(
    tmp_path: Path, kind: str, data: bytes, coming: str, going: str
) -> None:
    plain = scored(tmp_path, data, f"plain.{kind}", columns=["stance"]).output
    name, out = f"posts.{kind}{coming}", f"out.{kind}{going}"
    result = scored(tmp_path, packed(data, coming), name, out=out, columns=["stance"])
    assert unpacked(result.output, going) == plain
    magic = {"": plain[:4], ".gz": b"\x1f\x8b", ".zst": b"\x28\xb5\x2f\xfd"}
    assert result.output.startswith(magic[going])


def test_first_bytes_say_what_a_file_is(tmp_path: Path) -> None:
    expected = scored(tmp_path, CSV, columns=["stance"]).output
    wrong = scored(tmp_path, packed(CSV, ".gz"), "posts.csv", columns=["stance"])
    assert wrong.output == expected
    nameless = scored(tmp_path, packed(JSONL, ".zst"), "posts", out="out", columns=["stance"])
    assert nameless.output.startswith(b'{"id":0,"text":"$A", "stance": ')


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_a_cut_or_damaged_file_is_one_clear_error(tmp_path: Path, suffix: str) -> None:
    whole = packed(CSV, suffix)
    damaged = bytearray(whole)
    damaged[len(whole) // 2] ^= 0xFF
    for data in (whole[:-9], bytes(damaged)):
        with pytest.raises(InputError, match="is damaged or cut short"):
            scored(tmp_path, data, f"posts.csv{suffix}", out="out.csv")
        assert sorted(p.name for p in tmp_path.iterdir()) == [f"posts.csv{suffix}"]


def test_a_frame_to_skip_may_stand_before_the_others(tmp_path: Path) -> None:
    expected = scored(tmp_path, CSV, columns=["stance"]).output
    skipped = b"\x5f\x2a\x4d\x18\x05\0\0\0hello"
    for data in (skipped + packed(CSV, ".zst"), skipped * 200 + packed(CSV, ".zst") + skipped):
        result = scored(tmp_path, data, "posts.csv.zst", out="out.csv", columns=["stance"])
        assert result.output == expected


def test_a_window_that_takes_too_much_memory_is_no_damage(tmp_path: Path) -> None:
    """As zstd --long=31 makes it: whole, but asking for gigabytes."""
    wide = zstandard.ZstdCompressionParameters.from_level(1, window_log=28, hash_log=6, chain_log=6)
    frame = zstandard.ZstdCompressor(compression_params=wide).compressobj()  # size not known
    data = frame.compress(b"text\nab\n") + frame.flush()
    with pytest.raises(InputError, match=r"posts\.csv\.zst is packed with .* zstd -d --long=31"):
        scored(tmp_path, data, "posts.csv.zst", out="out.csv")


def test_the_output_keeps_the_format(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"is delimited and .* is named like json lines"):
        scored(tmp_path, CSV, out="out.jsonl")


@pytest.mark.parametrize("out", ["o.tsv", "o.TAB", "o.tsv.gz"])
def test_a_name_that_promises_tabs_gets_tabs(tmp_path: Path, out: str) -> None:
    for name, data in (("posts.csv", CSV), ("posts.tsv", CSV.replace(b",", b";"))):
        with pytest.raises(InputError, match=r"is delimited by '[,;]' and .* named like tabs: .*"):
            scored(tmp_path, data, name, out=out)
        assert not (tmp_path / out).exists()
    for name, data in (("posts.csv", CSV.replace(b",", b"\t")), ("posts.txt", b"text\nab\n")):
        lines = unpacked(scored(tmp_path, data, name, out=out).output, Path(out).suffix)
        assert b"text\tstance\t" in lines


@pytest.mark.parametrize("out", ["o.csv", "o.txt", "o"])
def test_other_names_go_for_any_delimiter(tmp_path: Path, out: str) -> None:
    for delimiter in (b",", b";", b"\t"):
        data = CSV.replace(b",", delimiter)
        for name in ("posts.csv", "posts.txt", "posts.tsv"):
            result = scored(tmp_path, data, name, out=out, columns=["stance"])
            assert result.output.startswith(delimiter.join([b"id", b"text", b"stance\n"]))


@pytest.mark.parametrize("out", ["OUT.CSV.GZ", "out.csv.Zst", "out.GZ"])
def test_a_name_in_capitals_is_the_same_name(tmp_path: Path, out: str) -> None:
    plain = scored(tmp_path, CSV, columns=["stance"]).output
    result = scored(tmp_path, CSV, out=out, columns=["stance"])
    assert result.output != plain
    assert unpacked(result.output, out[out.rindex(".") :].lower()) == plain


@pytest.mark.parametrize("out", ["o.xlsx", "o.XLSX", "o.csv.bz2", "o.xz", "o.csv.zip", "o.ods"])
def test_a_name_that_promises_something_else_is_refused(tmp_path: Path, out: str) -> None:
    with pytest.raises(InputError, match=rf"cannot write .*{out}: \.\w+ is not written; name it"):
        scored(tmp_path, CSV, out=out)
    assert [p.name for p in tmp_path.iterdir()] == ["posts.csv"]


@pytest.mark.parametrize("name", ["posts.xlsx", "posts.csv", "posts"])
@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"PK\x03\x04\x14\x00\x06\x00", r"is an Excel workbook \(\.xlsx\).* save it as CSV"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", r"is an old Excel workbook.* save it as CSV"),
        (bz2.compress(CSV), "is compressed with bzip2: unpack it first"),
        (bz2.compress(b""), "is compressed with bzip2: unpack it first"),
        (lzma.compress(CSV), "is compressed with xz: unpack it first"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, name: str, data: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        scored(tmp_path, data, name, out="out.csv")
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_closed_standard_streams_are_clear_errors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(InputError, match="standard input is closed: pipe the posts in, or name"):
        score_file("-", tmp_path / "out.csv", classifier=FakeClassifier())
    monkeypatch.setattr(sys, "stdout", None)
    (tmp_path / "posts.csv").write_bytes(CSV)
    with pytest.raises(OpgsentError, match="cannot write standard output: it is closed; name"):
        score_file(tmp_path / "posts.csv", "-", classifier=FakeClassifier())


def test_a_missing_input_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read .*no\.csv: No such file"):
        score_file(tmp_path / "no.csv", tmp_path / "out.csv")
    with pytest.raises(InputError, match=r"cannot read .*: Is a directory"):
        score_file(tmp_path, tmp_path / "out.csv")


class _Std:
    """Standard input or output over bytes."""

    def __init__(self, data: bytes = b"") -> None:
        self.buffer = io.BytesIO(data)


@pytest.mark.parametrize("data", [CSV, packed(CSV, ".gz"), JSONL], ids=["csv", "gz", "jsonl"])
def test_standard_input_and_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes
) -> None:
    out = _Std()
    monkeypatch.setattr(sys, "stdin", _Std(data))
    monkeypatch.setattr(sys, "stdout", out)
    summary = score_file("-", "-", classifier=FakeClassifier(), columns=["stance"])
    name = "x.jsonl" if data is JSONL else "x.csv"  # with the suffix .gz or without
    expected = scored(tmp_path, data, name, columns=["stance"])
    assert out.buffer.getvalue() == expected.output
    assert (summary.output, summary.rows, summary.rejected_path) == ("-", 10_000, None)


def test_rejected_rows_on_a_pipe_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", _Std(b"id,text\n1,ab,c\n"))
    monkeypatch.setattr(sys, "stdout", _Std())
    summary = score_file("-", "-", classifier=FakeClassifier())
    assert summary.reasons == ((2, "3 cells where the header has 2"),)
    monkeypatch.setattr(sys, "stdin", _Std(CSV))
    with pytest.raises(InputError, match="only a file can be resumed"):
        score_file("-", "-", classifier=FakeClassifier(), resume=True)


def test_a_slow_pipe_is_read_as_it_comes(tmp_path: Path) -> None:
    """Pieces may end anywhere: inside a character, between a return and its line feed."""
    data = ("text,id\r\n" + "é🚀,1\r\n" * 3).encode()
    read, write = os.pipe()

    def feed() -> None:
        for at in range(len(data)):
            os.write(write, data[at : at + 1])
        os.close(write)

    thread = threading.Thread(target=feed)
    thread.start()
    path = f"/dev/fd/{read}"
    score_file(path, tmp_path / "out.csv", classifier=FakeClassifier(), columns=["stance"])
    thread.join()
    os.close(read)
    assert (tmp_path / "out.csv").read_bytes() == (
        ("text,id,stance\r\n" + "é🚀,1,neutral\r\n" * 3).encode()
    )


def test_a_full_device_is_one_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "posts.csv"
    path.write_bytes(CSV)
    with pytest.raises(OpgsentError, match="cannot write /dev/full: No space left on device"):
        score_file(path, "/dev/full", classifier=FakeClassifier())


def all_lines(data: bytes, tmp_path: Path, encoding: str = "utf-8") -> list[Any]:
    path = tmp_path / "x"
    path.write_bytes(data)
    source = Source(str(path))
    lines = Lines(source, encoding)
    try:
        return list(iter(lines.next, None))
    finally:
        source.close()


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("over", [-1, 0, 1, 2, 70_000, 2_000_000])
def test_lines_have_a_bound(tmp_path: Path, end: bytes, over: int) -> None:
    length = MAX_CHARS + over
    first, second, third = all_lines(b'"' + b"a" * (length - 1) + end + b"b" + end + b"c", tmp_path)
    assert (first.number, first.end.encode()) == (1, end)
    assert first.cut == (over > 0)
    assert first.odd == (over > 0)
    assert len(first.text) == (length if over <= 0 else 1_000)
    assert second == (2, "b", end.decode(), False, False)
    assert third == (3, "c", "", False, False)


def test_a_last_line_that_is_too_long_ends_the_file(tmp_path: Path) -> None:
    for length in (MAX_CHARS + 1, MAX_CHARS + 2, 2_500_000):
        (only,) = all_lines(b"a" * length, tmp_path)
        assert only.cut and only.end == ""


def test_two_returns_before_a_line_feed_are_its_line_end(tmp_path: Path) -> None:
    end, long = b"\r\r\n", [b"a" * (MAX_CHARS + over) for over in (0, 1, 2_000_000)]
    lines = all_lines(end.join([b"x", b"", b"y\r", *long, b"z\r\r"]), tmp_path)
    assert [line.end.encode() for line in lines] == [end] * 6 + [b""]
    assert [line.cut for line in lines] == [False] * 4 + [True] * 2 + [False]
    assert [line.text for line in lines if len(line.text) < 9] == ["x", "", "y\r", "z\r\r"]
