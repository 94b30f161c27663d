"""Files with a record a post -> the records, whatever the file: CSV, JSON, Parquet, a zip.

Files are other people's: sizes are bounded, nothing in them is run, and an error names the file,
the row, what was seen and what to do.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from itertools import zip_longest
from pathlib import Path
from typing import Any

from .errors import InputError
from .tables.delimited import Records, sniffed
from .tables.dialect import Dialect
from .tables.source import Lines, Source

MAX_BYTES = 1 << 29  # of a file, unpacked
MAX_ROWS = 2_000_000
MAX_MEMBERS = 1_000  # of a zip
SUFFIXES = (".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".parquet", ".zip")

Record = Mapping[str, Any]


def read_records(path: Path) -> Iterator[tuple[int, Record, str | None]]:
    """(row, record, annotator or None) of every row; rows count from 1, a header aside.

    Empty rows and blank lines are passed over but counted: a row number leads to the row that a
    spreadsheet shows, and to the line of a JSON Lines file. The annotator is known where a zip
    holds a file for each. Raises InputError.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "posts.tsv")
    ...     _ = file.write_text("id\\ttext\\n7\\tgm\\n")
    ...     list(read_records(file))
    [(1, {'id': '7', 'text': 'gm'}, None)]
    """
    kind = _kind(path.name)
    if kind is None:
        raise InputError(
            f"{path}: unknown kind of file; give one of {', '.join(SUFFIXES)} (.gz, .zst)"
        )
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"{path}: larger than {MAX_BYTES >> 20} MiB; split it")
        if kind == ".parquet":
            found: Iterable[tuple[int, Record]] = _parquet(path)
        elif kind == ".zip":
            yield from _zip(path)
            return
        else:
            found = _parse(str(path), kind, _unpacked(path))
        for row, record in found:
            yield row, record, None
    except (OSError, zipfile.BadZipFile, zipfile.LargeZipFile) as error:
        raise InputError(f"{path}: cannot be read ({error}); give a readable file") from None


def _kind(name: str) -> str | None:
    suffix = Path(re.sub(r"\.(gz|zst)$", "", name.lower())).suffix
    return {".pq": ".parquet", ".tab": ".tsv"}.get(suffix, suffix if suffix in SUFFIXES else None)


def _unpacked(path: Path) -> bytes:
    """The bytes of a file, plain, .gz or .zst, up to one more than may be."""
    source = Source(str(path))
    try:
        with source.reading():
            return source.stream.read(MAX_BYTES + 1)
    finally:
        source.close()


def _zip(path: Path) -> Iterator[tuple[int, Record, str | None]]:
    """Every label file in a zip; the name of a member is its annotator (doccano)."""
    with zipfile.ZipFile(path) as archive:
        members = [item for item in archive.infolist() if not item.is_dir()]
        if len(members) > MAX_MEMBERS:
            raise InputError(f"{path}: {len(members):,} files in the zip; unpack it")
        left = MAX_BYTES
        for member in members:
            kind = _kind(member.filename)
            if kind in (None, ".parquet", ".zip") or "__MACOSX" in member.filename:
                continue
            try:
                with archive.open(member) as file:
                    raw = file.read(left + 1)
            except (RuntimeError, NotImplementedError) as error:  # encrypted, unknown method
                raise InputError(f"{path}: {member.filename!r:.80}: {error}; unpack it") from None
            left -= len(raw)
            who = Path(member.filename).stem
            for row, record in _parse(f"{path}:{member.filename}", str(kind), raw, left + len(raw)):
                yield row, record, None if who in ("all", "unknown") else who


def _parse(
    name: str, kind: str, raw: bytes, limit: int | None = None
) -> Iterator[tuple[int, Record]]:
    if len(raw) > (MAX_BYTES if limit is None else limit):
        raise InputError(f"{name}: larger than {MAX_BYTES >> 20} MiB unpacked; split it")
    encoding = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise InputError(f"{name}, line {line}: not UTF-8; save the file as UTF-8") from None
    table = kind in (".csv", ".tsv")
    rows = _csv(name, kind, _Held(name, raw), encoding) if table else _json(name, text)
    for number, (row, record) in enumerate(rows):
        if number >= MAX_ROWS:
            raise InputError(f"{name}: more than {MAX_ROWS:,} rows; split it")
        yield row, record


class _Held(Source):
    """Bytes in memory, as what ``score`` reads lines from."""

    def __init__(self, name: str, raw: bytes) -> None:
        self.path = self.name = name
        self.total, self.compressed = len(raw), False
        held = io.BytesIO(raw)
        self._file, self.stream = held, io.BufferedReader(held)


def _csv(name: str, kind: str, source: Source, encoding: str) -> Iterator[tuple[int, Record]]:
    """The rows of a CSV or TSV, by the reader of ``score``: both take the same dialects.

    A row that score would reject ends the reading: a label on the wrong text is worse than none.
    """
    lines = Lines(source, encoding)
    first = lines.next()
    named = re.fullmatch("sep=(.)", first.text) if first else None  # a line that Excel obeys
    if first and not named:
        lines.put_back([first])
    prefer = "\t" if kind == ".tsv" else ","
    dialect = Dialect(named[1]) if named else sniffed(lines, "", prefer)
    head = Records(lines, dialect, 0).next()
    if head is None:
        return
    if head[2]:
        raise InputError(f"{name}: the header cannot be read: {head[2]}; save it as CSV again")
    header = [dialect.content(cell).strip() for cell in head[1]]
    twice = [cell for cell in header if header.count(cell) > 1]
    if twice:
        raise InputError(f"{name}: column {twice[0]!r:.60} stands twice; rename one")
    records = Records(lines, dialect, len(header))
    for row, (_, raw, broken) in enumerate(iter(records.next, None), 1):
        cells = [dialect.content(cell) for cell in raw]
        if len(cells) > len(header):
            broken = f"{len(cells)} cells, the header has {len(header)}"
        if broken:
            raise InputError(
                f"{name}, row {row}: {broken}; mend it or take it out: a text that holds the "
                "separator, a quote or a line break stands in quotes, a quote within it twice"
            )
        if any(cells):  # cells left out at the end are empty, as spreadsheets write them
            yield row, dict(zip_longest(header, cells, fillvalue=""))


def _json(name: str, text: str) -> Iterator[tuple[int, Record]]:
    """The items of an array, or one object a line."""
    items: Iterable[tuple[int, Any]]
    if text.lstrip()[:1] == "[":
        items = enumerate(_loads(name, 0, text), 1)
    else:
        lines = ((row, line) for row, line in enumerate(text.split("\n"), 1) if line.strip())
        items = ((row, _loads(name, row, line)) for row, line in lines)
    for row, item in items:
        if not isinstance(item, dict):
            raise InputError(
                f"{name}, row {row}: {item!r:.60} is no object; give one for each post"
            )
        yield row, item


def _loads(name: str, row: int, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        where = f"{name}, row {row}" if row else name
        raise InputError(f"{where}: not JSON ({error}); export the file again") from None


def _parquet(path: Path) -> Iterator[tuple[int, Record]]:
    import pyarrow
    import pyarrow.parquet

    row = size = 0
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=1024):
                size += batch.nbytes
                if size > MAX_BYTES or row > MAX_ROWS:
                    raise InputError(f"{path}: too large unpacked; split it")
                for record in batch.to_pylist():
                    row += 1
                    yield row, record
    except pyarrow.ArrowException as error:
        raise InputError(f"{path}: not Parquet ({error!s:.100}); write it again") from None
