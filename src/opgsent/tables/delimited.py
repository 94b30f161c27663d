"""CSV and TSV: records as they were written, so that untouched cells keep every byte.

A record is one line, or several where a quoted cell holds line ends. Python's and Excel's
rules hold: a cell is quoted when it begins with a quote, a quote inside is doubled, a quote
further inside an unquoted cell is a character like any other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from ..errors import InputError
from ..result import Post
from .columns import Columns, listed, unknown
from .rows import Row, readable, undecodable
from .source import KEPT_CHARS, MAX_CHARS, Line, Lines

DELIMITERS = ",;\t|"
_BODY = r'[^"]*+(?:""[^"]*+)*+'  # inside the quotes


@dataclass(frozen=True)
class Dialect:
    """How cells are told apart: a delimiter, and whether quotes mean anything."""

    delimiter: str = ","
    quoted: bool = True

    @cached_property
    def _patterns(self) -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
        d = re.escape(self.delimiter)
        cell = rf'(?:"{_BODY}"(?={d}|\Z)|(?!")[^{d}]*+)'
        rest = rf'(?:{cell}{d})*+(?:("{_BODY}\Z)|{cell}\Z)'  # group 1: the last cell stays open
        fresh = re.compile(rest)
        inside = re.compile(rf'{_BODY}(?:(\Z)|"(?:\Z|{d}{rest}))')
        cells = re.compile(rf'(?:\A|{d})("{_BODY}"|[^{d}]*+)')
        return fresh, inside, cells

    def ends(self, line: str, inside: bool) -> bool | None:
        """Whether a record ends with this line; None where its quoting is broken."""
        found = self._patterns[1 if inside else 0].match(line)
        return None if found is None else not any(g is not None for g in found.groups())

    def split(self, record: str) -> list[str]:
        """The cells of a whole record as written, quotes included."""
        if not self.quoted or '"' not in record:
            return record.split(self.delimiter)
        cells: list[str] = self._patterns[2].findall(record)
        return cells

    def content(self, cell: str) -> str:
        """What a cell as written says."""
        if self.quoted and cell.startswith('"'):
            return cell[1:-1].replace('""', '"')
        return cell

    def written(self, content: str) -> str:
        """A cell that says this, quoted where it must be."""
        if not self.quoted:
            return re.sub(rf"[\r\n{re.escape(self.delimiter)}]+", " ", content)
        if self.delimiter in content or '"' in content or "\n" in content or "\r" in content:
            return '"' + content.replace('"', '""') + '"'
        return content


@dataclass(frozen=True)
class CellRender:
    """Post -> the score cells, each behind a delimiter."""

    columns: Columns
    dialect: Dialect

    @property
    def empty(self) -> str:
        """The cells of a row without an answer."""
        return self.dialect.delimiter * len(self.columns.names)

    def __call__(self, post: Post) -> list[str]:
        delimiter, written = self.dialect.delimiter, self.dialect.written
        return [
            delimiter + delimiter.join(map(written, cells)) for cells in self.columns.cells(post)
        ]


class Records:
    """The records of a delimited file, recovered line by line where the quoting is broken."""

    def __init__(self, lines: Lines, dialect: Dialect, width: int) -> None:
        self._lines, self._dialect, self._width = lines, dialect, width

    def __iter__(self) -> Iterator[tuple[Line, list[str], str | None]]:
        """Each record as one (long) line, with its cells and why it is broken, if it is."""
        quoted, split = self._dialect.quoted, self._dialect.split
        while line := self._lines.next():
            if line.cut:
                end = self._skip(line).end if quoted and line.odd else line.end
                yield line._replace(end=end), [], _TOO_LONG
            elif quoted and '"' in line.text:
                yield self._record(line)
            else:
                yield line, split(line.text), None

    def _record(self, first: Line) -> tuple[Line, list[str], str | None]:
        lines, size, line = [first], len(first.text), first
        closed = self._dialect.ends(first.text, inside=False)
        while closed is False and size <= MAX_CHARS and (following := self._lines.next()):
            line = following
            lines.append(line)
            size += len(line.text) + len(line.end)
            if line.cut:
                closed, size = line.odd, MAX_CHARS + 1
            elif '"' in line.text:
                closed = self._dialect.ends(line.text, inside=True)
        if closed and size <= MAX_CHARS:
            record = _joined(lines)
            cells = self._dialect.split(record.text)
            if len(lines) == 1 or self._width in (0, len(cells)):
                return record, cells, None
            reason = f"{len(cells)} cells, quoted over {len(lines)} lines"
        else:
            reason = _TOO_LONG if size > MAX_CHARS else _REASON[closed]
        if self._are_rows(lines[1:]):  # the quote was a stray one: lose one line, not many
            self._lines.put_back(lines[1:])
            return first, [], _REASON[False]
        if size > MAX_CHARS:
            end = line.end if closed is not False else self._skip(line).end
            return _joined(lines)._replace(end=end, cut=True), [], reason
        return _joined(lines), [], reason

    def _are_rows(self, lines: list[Line]) -> bool:
        """Whether most of these lines are records on their own."""
        split, ends = self._dialect.split, self._dialect.ends
        rows = sum(
            n.text.count('"') % 2 == 0
            and bool(ends(n.text, inside=False))
            and len(split(n.text)) == self._width
            for n in lines
        )
        return 2 * rows > len(lines)

    def _skip(self, line: Line) -> Line:
        """Read to the end of a quoted cell that is too long to hold."""
        while following := self._lines.next():
            line = following
            if '"' in line.text and self._dialect.ends(line.text, inside=True) is not False:
                break
        return line


_TOO_LONG = f"longer than {MAX_CHARS:,} characters"
_REASON: dict[bool | None, str] = {
    False: "a quote is opened and never closed",
    None: "a closing quote inside a cell",
}


def _joined(lines: list[Line]) -> Line:
    text = "".join(n.text + n.end for n in lines[:-1]) + lines[-1].text
    return Line(lines[0].number, text, lines[-1].end, any(n.cut for n in lines))


class Delimited:
    """A CSV or TSV file opened for reading."""

    def __init__(
        self, lines: Lines, name: str, text: str, columns: Columns, prefer: str = ","
    ) -> None:
        self._lines, self.encoding = lines, lines.encoding
        preamble = self._preamble()
        self.dialect = sniffed(lines, text, prefer) if preamble is None else Dialect(preamble[1])
        header, cells, broken = next(iter(Records(lines, self.dialect, 0)), (None, [], None))
        if header is None or not header.text:
            raise InputError(f"{name} is empty: a header line is expected")
        if reason := broken or undecodable(header.text, self.encoding):
            raise InputError(f"{name}: the header (line {header.number}) cannot be read: {reason}")
        names = [self.dialect.content(cell) for cell in cells]
        columns.check_free(names, name)
        if text not in names:
            raise unknown("column", text, names)
        if names.count(text) > 1:
            raise InputError(f"{name} has several columns {text!r}: {listed(names)}")
        self._at, self._width = names.index(text), len(names)
        self.newline = header.end or "\n"
        self.render = CellRender(columns, self.dialect)
        titles = [self.dialect.written(title) for title in columns.titles]
        added = "".join(self.dialect.delimiter + title for title in titles)
        before = lines.bom + (preamble[0] if preamble else "")
        self.head = before + header.text + added + self.newline

    def _preamble(self) -> tuple[str, str] | None:
        """Excel's ``sep=;`` line and the delimiter it names."""
        first = self._lines.next()
        found = re.fullmatch("sep=(.)", first.text) if first else None
        if first and not found:
            self._lines.put_back([first])
        return (first.text + first.end, found[1]) if first and found else None

    def rows(self) -> Iterator[Row]:
        """All rows after the header, in order."""
        at, width, content = self._at, self._width, self.dialect.content
        for line, cells, broken in Records(self._lines, self.dialect, width):
            number, body, end, *_ = line
            if not body and width > 1:  # a blank line is no row, unless a row is one cell
                yield Row(number, body, end, scored=False)
                continue
            if reason := broken or undecodable(body, self.encoding) or self._miscounted(cells):
                yield Row(number, self._fitted(line, cells), end, None, False, reason, body)
                continue
            if len(cells) < width:
                body += self.dialect.delimiter * (width - len(cells))
            if "\r" in body and self.dialect.quoted:
                body = self._without_bare_returns(cells)
            yield Row(number, body, end, content(cells[at]))

    def _miscounted(self, cells: list[str]) -> str | None:
        """Cells left out at the end are empty, as spreadsheets write them."""
        if self._at < len(cells) <= self._width:
            return None
        return f"{len(cells)} cells where the header has {self._width}"

    def _fitted(self, line: Line, cells: list[str]) -> str:
        """The cells of a record as a record of the right width that any reader can read."""
        if not cells:
            text = line.text[:KEPT_CHARS] if line.cut else line.text
            contents = text.split(self.dialect.delimiter)
        else:
            contents = [self.dialect.content(cell) for cell in cells]
        contents = (contents + [""] * self._width)[: self._width]
        return self.dialect.delimiter.join(self.dialect.written(readable(c)) for c in contents)

    def _without_bare_returns(self, cells: list[str]) -> str:
        """The record with quotes around cells whose carriage return would end it for others."""
        written = self.dialect.written
        return self.dialect.delimiter.join(c if c.startswith('"') else written(c) for c in cells)

    def close(self) -> None:
        """Let go of the input."""
        self._lines.close()


def sniffed(lines: Lines, text: str, prefer: str = ",") -> Dialect:
    """The dialect under which the first lines make the best table with a column ``text``."""
    sample = [line for line in lines.sample() if line.text]
    order = prefer + DELIMITERS.replace(prefer, "")
    dialects = [Dialect(d) for d in order] + [Dialect("\t", quoted=False)]
    return max(dialects, key=lambda dialect: _fit(dialect, sample, text))


def _fit(dialect: Dialect, sample: list[Line], text: str) -> tuple[float, ...]:
    """How well a dialect fits, the weightiest first; of equals the first one tried is taken.

    The header names the text column; it has several cells; about how many records have as
    many; how many cells; exactly how many records.
    """
    source = _Replay(sample)
    header = next(iter(Records(source, dialect, 0)), None)
    if header is None:
        return (0.0,)
    names = [dialect.content(cell) for cell in header[1]]
    records = list(Records(source, dialect, len(names)))
    good = sum(broken is None and len(cells) == len(names) for _, cells, broken in records)
    share = good / max(1, len(records))
    several = len(names) > 1
    return text in names, several, round(share, 1), len(names), share if several else 0.0


class _Replay(Lines):
    """Lines out of memory, for looking at a sample under several dialects."""

    def __init__(self, lines: list[Line]) -> None:
        self._left = lines[::-1]

    def next(self) -> Line | None:
        return self._left.pop() if self._left else None

    def put_back(self, lines: Iterable[Line]) -> None:
        self._left.extend(reversed(list(lines)))
