"""CSV and TSV: records as they were written, so that untouched cells keep every byte.

A record is one line, or several where a quoted cell holds line ends. A faultless record is
matched whole in what was read ahead; anything else goes line by line, which finds out what is
wrong with it and loses no row behind it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ..errors import InputError
from .columns import Columns, listed, named, no_posts
from .dialect import DELIMITERS, Dialect
from .render import CellRender
from .rows import Row, readable, undecodable
from .source import KEPT_CHARS, MAX_CHARS, Line, Lines

Record = tuple[Line, list[str], str | None]


class Records:
    """The records of a delimited file, recovered line by line where the quoting is broken.

    A delimiter in a file of one column (``width`` 1) divides nothing: posts are full of commas.
    """

    def __init__(self, lines: Lines, dialect: Dialect, width: int) -> None:
        undivided = width == 1 and dialect.quoted  # without quotes no output could hold it
        self._dialect = Dialect(lines.mark) if undivided else dialect
        self._lines, self._width = lines, width
        self._strays_before = 0  # what was looked through: a quote that a line opens is stray there

    def next(self) -> Record | None:
        """The next record as one (long) line, its cells, why it is broken; None at the end."""
        if not (line := self._lines.next()):
            return None
        if line.cut:
            end = self._skip(line).end if self._dialect.quoted and line.odd else line.end
            return line._replace(end=end), [], _TOO_LONG
        if self._dialect.quoted and '"' in line.text:
            return self._record(line)
        return line, self._dialect.split(line.text), None

    def _record(self, first: Line) -> Record:
        lines, size, line = [first], len(first.text), first
        quotes = [first.number]
        closed = self._dialect.ends(first.text, inside=False)
        if closed is False and first.number < self._strays_before:
            return first, [], _REASON[False]
        while closed is False and size <= MAX_CHARS and (following := self._lines.next()):
            line = following
            lines.append(line)
            size += len(line.text) + len(line.end)
            if line.cut:
                closed, size = line.odd, MAX_CHARS + 1
            elif '"' in line.text:
                if '"' in line.text.replace('""', ""):  # it ends a cell, not only a word in quotes
                    quotes.append(line.number)
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
            # What is opened further on leads to the same end; where that closes it, it can be a
            # record over the last few lines with quotes, each of which adds a cell.
            few = min(self._width, _TRIED)
            if not closed or line.cut:
                self._strays_before = line.number
            elif len(quotes) >= few:
                self._strays_before = max(self._strays_before, quotes[-few])
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


_TRIED = (
    20  # of the cells of a record, so many may be quoted over the end of a line, if one is stray
)
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
        before, delimiter = self._preamble()
        self.dialect = Dialect(delimiter) if delimiter else sniffed(lines, text, prefer)
        header, cells, broken = Records(lines, self.dialect, 0).next() or (None, [], None)
        if header is None or not header.text.strip():
            raise InputError(f"{name} is empty: a header line is expected")
        if reason := broken or undecodable(header.text, self.encoding):
            raise InputError(f"{name}: the header (line {header.number}) cannot be read: {reason}")
        names = [self.dialect.content(cell) for cell in cells]
        columns.check_free(names, name)
        if (found := named(text, names)) is None:
            raise no_posts(name, text, names)
        if names.count(found) > 1:
            raise InputError(
                f"{name} has several columns {found!r}, rename all but one: {listed(names)}"
            )
        self._at, self._width = names.index(found), len(names)
        self.newline = header.end or "\n"
        self.render = CellRender(columns, self.dialect)
        titles = [self.dialect.written(title) for title in columns.titles]
        added = "".join(self.dialect.delimiter + title for title in titles)
        self.head = lines.bom + before + self._uncut(cells) + added + self.newline

    def _preamble(self) -> tuple[str, str]:
        """What stands before the header: blank lines, Excel's ``sep=;`` and the ``;`` it names."""
        before, delimiter = "", ""
        while len(before) <= MAX_CHARS and (line := self._lines.next()):
            found = re.fullmatch('sep=([^"])', line.text)
            if line.cut or (line.text.strip() and (delimiter or not found)):
                self._lines.put_back([line])
                break
            delimiter = found[1] if found else delimiter
            before += line.text + line.end
        return before, delimiter

    def rows(self) -> Iterator[Row]:
        """All rows after the header, in order."""
        lines, content = self._lines, self.dialect.content
        faultless = self.dialect.row(self._at, self._width, lines.mark)
        records = Records(lines, self.dialect, self._width)
        while True:
            if found := lines.match(faultless):
                body, cell, end = found.groups()
                if reason := undecodable(body, self.encoding):
                    fitted = self._fitted(body, self.dialect.split(body))
                    yield Row(lines.matched, fitted, end, None, False, reason, body)
                else:
                    yield Row(lines.matched, body, end, content(cell))
            elif record := records.next():
                yield self._row(*record)
            else:
                return

    def _row(self, line: Line, cells: list[str], broken: str | None) -> Row:
        """A record that is short of something, or the last one of a file."""
        number, body, end, *_ = line
        if not body and self._width > 1:  # a blank line is no row, unless a row is one cell
            return Row(number, body, end, scored=False)
        if reason := broken or undecodable(body, self.encoding) or self._miscounted(cells):
            text = body[:KEPT_CHARS] if line.cut else body
            return Row(number, self._fitted(text, cells), end, None, False, reason, text)
        body = self._uncut(cells) + self.dialect.delimiter * (self._width - len(cells))
        return Row(number, body, end, self.dialect.content(cells[self._at]))

    def _miscounted(self, cells: list[str]) -> str | None:
        """Cells left out at the end are empty, as spreadsheets write them."""
        if self._at < len(cells) <= self._width:
            return None
        return f"{len(cells)} cells where the header has {self._width}"

    def _fitted(self, text: str, cells: list[str]) -> str:
        """The cells of a record as a record of the right width that any reader can read."""
        contents = [self.dialect.content(cell) for cell in cells]
        contents = contents or text.split(self.dialect.delimiter, self._width - 1)
        contents = (contents + [""] * self._width)[: self._width]
        return self.dialect.delimiter.join(self.dialect.written(readable(c)) for c in contents)

    def _uncut(self, cells: list[str]) -> str:
        """The record with quotes around bare cells that other readers would cut."""
        delimiter, written = self.dialect.delimiter, self.dialect.written
        if self.dialect.quoted:
            cells = [
                written(cell)
                if ("\r" in cell or "\n" in cell or delimiter in cell) and cell[0] != '"'
                else cell
                for cell in cells
            ]
        return delimiter.join(cells)


def sniffed(lines: Lines, text: str, prefer: str = ",") -> Dialect:
    """The dialect under which the first lines make the best table with a column ``text``."""
    sample = [line for line in lines.sample() if line.text]
    order = prefer + DELIMITERS.replace(prefer, "")
    dialects = [Dialect(d) for d in order] + [Dialect("\t", quoted=False)]
    return max(dialects, key=lambda dialect: _fit(dialect, sample, lines.mark, text))


def _fit(dialect: Dialect, sample: list[Line], mark: str, text: str) -> tuple[float, ...]:
    """How well a dialect fits, the weightiest first; of equals the first one tried is taken.

    The header names the text column; it has several cells; about how many records have as
    many; how many cells; exactly how many records.
    """
    source = _Replay(sample, mark)
    header = Records(source, dialect, 0).next()
    if header is None:
        return (0.0,)
    names = [dialect.content(cell) for cell in header[1]]
    rest = Records(source, dialect, len(names))
    records = list(iter(rest.next, None))
    good = sum(broken is None and len(cells) == len(names) for _, cells, broken in records)
    share = good / max(1, len(records))
    several, is_there = len(names) > 1, named(text, names) is not None
    return is_there, several, round(share, 1), len(names), share if several else 0.0


class _Replay(Lines):
    """Lines out of memory, for looking at a sample under several dialects."""

    def __init__(self, lines: list[Line], mark: str) -> None:
        self._left, self.mark = lines[::-1], mark

    def next(self) -> Line | None:
        return self._left.pop() if self._left else None

    def put_back(self, lines: Iterable[Line]) -> None:
        self._left.extend(reversed(list(lines)))
