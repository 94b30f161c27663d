"""Files with a record a post -> the records, whatever the file: CSV, JSON, Parquet, a zip.

Files are other people's: sizes are bounded, nothing in them is run, and an error names the file,
the row, what was seen and what to do.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any

from .errors import InputError
from .tables.delimited import Records, sniffed
from .tables.dialect import Dialect
from .tables.rows import undecodable
from .tables.source import Lines, Source
from .terminal import shown

MAX_BYTES = 1 << 29  # of a file, unpacked
MAX_ROWS = 2_000_000
MAX_MEMBERS = 1_000  # of a zip
NAMED = 10  # rows that cannot be read, in a message
SUFFIXES = (".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".parquet", ".zip")

Record = Mapping[str, Any]


@dataclass(slots=True)
class Read:
    """How a file is to be read, and what came of it.

    Row numbers count from 1, a header aside. A ``lenient`` reading leaves out what it cannot
    read, another one refuses the file.
    """

    encoding: str = "utf-8"
    lenient: bool = False
    #: row, record, and the annotator, known where a zip holds a file for each
    rows: list[tuple[int, Record, str | None]] = field(default_factory=list)
    doubled: set[str] = field(default_factory=set)  #: columns that stand twice: in no record
    rejected: list[tuple[int, str]] = field(default_factory=list)  #: row, why it cannot be read


def read_records(path: Path, encoding: str = "utf-8", *, lenient: bool = False) -> Read:
    """Read every row of a file; UTF-16, and UTF-8 with a mark, are known by their first bytes.

    Empty rows and blank lines are passed over but counted: a row number leads to the row that a
    spreadsheet shows, and to the line of a JSON Lines file. Raises InputError.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "posts.tsv")
    ...     _ = file.write_text("id\\ttext\\n7\\tgm\\n")
    ...     read_records(file).rows
    [(1, {'id': '7', 'text': 'gm'}, None)]
    """
    kind = _kind(path.name)
    if kind is None:
        raise InputError(
            f"{path}: unknown kind of file; give one of {', '.join(SUFFIXES)} (.gz, .zst)"
        )
    read = Read(encoding, lenient)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"{path}: larger than {MAX_BYTES >> 20} MiB; split it")
        if kind == ".parquet":
            read.rows += ((row, record, None) for row, record in _parquet(path))
        elif kind == ".zip":
            _zip(read, path)
        else:
            _parse(read, str(path), kind, _unpacked(path), MAX_BYTES)
    except (OSError, zipfile.BadZipFile, zipfile.LargeZipFile) as error:
        why = getattr(error, "strerror", None) or error
        raise InputError(f"cannot read {path}: {why}") from None
    return read


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


def _zip(read: Read, path: Path) -> None:
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
            stem = Path(member.filename).stem
            who = None if stem in ("all", "unknown") else stem
            _parse(read, f"{path}:{member.filename}", str(kind), raw, left, who)
            left -= len(raw)


def _parse(
    read: Read, name: str, kind: str, raw: bytes, limit: int, who: str | None = None
) -> None:
    """Take in the rows of a CSV, TSV, JSON or JSON Lines file."""
    if len(raw) > limit:
        raise InputError(f"{name}: larger than {MAX_BYTES >> 20} MiB unpacked; split it")
    marks = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb": "utf-8"}
    source = _Held(name, raw)
    lines = Lines(source, marks.get(raw[:2], read.encoding))
    table = kind in (".csv", ".tsv")
    # a lenient reading of a table leaves out only the rows with bytes of another encoding
    text = "" if table and read.lenient else _decoded(name, raw, lines.encoding)
    broken: list[tuple[int, str]] = []
    with source.reading():
        items = _csv(read, name, kind, lines) if table else _json(name, text)
        for number, (row, item) in enumerate(items):
            if number >= MAX_ROWS:
                raise InputError(f"{name}: more than {MAX_ROWS:,} rows; split it")
            if isinstance(item, str):
                broken.append((row, item))
            else:
                read.rows.append((row, item, who))
    if broken and not read.lenient:
        raise InputError(_refusal(name, broken, _ADVICE[table]))
    read.rejected += broken


#: is it a table -> how its rows are mended
_ADVICE = {
    True: "a text that holds the separator, a quote or a line break stands in quotes, a quote "
    "within it twice",
    False: "each post is one JSON object",
}


def _refusal(name: str, broken: Sequence[tuple[int, str]], advice: str) -> str:
    """The rows that cannot be read: all that are wrong can be mended at once."""
    if len(broken) == 1:
        return f"{name}, row {broken[0][0]}: {broken[0][1]}; mend it or take it out: {advice}"
    lines = [f"{name}: {len(broken):,} rows cannot be read; mend them or take them out: {advice}"]
    return "\n".join([*lines, *rejected_lines(broken)])


def rejected_lines(rejected: Sequence[tuple[int, str]]) -> list[str]:
    """The first rows that cannot be read, a line each.

    >>> rejected_lines([(2, "3 cells, the header has 2")])
    ['  row 2: 3 cells, the header has 2']
    """
    lines = [f"  row {row}: {shown(why, 120)}" for row, why in rejected[:NAMED]]
    return lines + [f"  and {len(rejected) - NAMED:,} more"] * (len(rejected) > NAMED)


def _decoded(name: str, raw: bytes, encoding: str) -> str:
    try:
        return raw.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{name}, line {line}: not {encoding.upper()}; save the file as UTF-8, or name the "
            "encoding it is in with --encoding, such as cp1252"
        ) from None


class _Held(Source):
    """Bytes in memory, as what ``score`` reads lines from."""

    def __init__(self, name: str, raw: bytes) -> None:
        self.path = self.name = name
        self.total, self.compressed = len(raw), False
        held = io.BytesIO(raw)
        self._file, self.stream = held, io.BufferedReader(held)


def _csv(read: Read, name: str, kind: str, lines: Lines) -> Iterator[tuple[int, Record | str]]:
    """The rows of a CSV or TSV, by the reader of ``score``: both take the same dialects.

    A row that score would reject is no record but the reason: a label on the wrong text is worse
    than none.
    """
    first = lines.next()
    while first and not first.text.strip():  # spreadsheets leave blank lines before the header
        first = lines.next()
    named = re.fullmatch("sep=(.)", first.text) if first else None  # a line that Excel obeys
    if first and not named:
        lines.put_back([first])
    prefer = "\t" if kind == ".tsv" else ","
    dialect = Dialect(named[1]) if named else sniffed(lines, "", prefer)
    head = Records(lines, dialect, 0).next()
    if head is None:
        return
    if why := head[2] or undecodable(head[0].text, lines.encoding):
        raise InputError(f"{name}: the header cannot be read: {why}; save it as CSV again")
    header = [dialect.content(cell).strip() for cell in head[1]]
    doubled = {column for column in header if header.count(column) > 1}
    read.doubled |= doubled - {""}
    records = Records(lines, dialect, len(header))
    for row, (line, raw, broken) in enumerate(iter(records.next, None), 1):
        cells = [dialect.content(cell) for cell in raw]
        broken = broken or undecodable(line.text, lines.encoding)
        pairs = list(zip_longest(header, cells[: len(header)], fillvalue=""))
        if len(cells) > len(header):
            broken = f"{len(cells)} cells, the header has {len(header)}"
        elif "" in doubled and any(cell.strip() for column, cell in pairs if not column):
            broken = broken or "a cell stands under no column name"  # a text cut in two, perhaps
        if broken:
            yield row, broken
        elif any(cells):  # cells left out at the end are empty, as spreadsheets write them
            yield row, {column: cell for column, cell in pairs if column not in doubled}


def _json(name: str, text: str) -> Iterator[tuple[int, Record | str]]:
    """The items of an array, or one object a line; the reason for what is none."""
    if text.lstrip()[:1] == "[":
        try:
            items = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{name}: {_no_json(error)}; export the file again") from None
        yield from ((row, _object(item)) for row, item in enumerate(items, 1))
        return
    for row, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                found = _object(json.loads(line))
            except (ValueError, RecursionError) as error:
                found = _no_json(error)
            yield row, found


def _object(item: Any) -> Record | str:
    return item if isinstance(item, dict) else f"{item!r:.60} is no object"


def _no_json(error: Exception) -> str:
    return "nested too deeply" if isinstance(error, RecursionError) else f"not JSON ({error})"


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
