"""How a delimited line is told apart into cells: the grammar of CSV and TSV.

Python's and Excel's rules hold: a cell is quoted when it begins with a quote, a quote inside
is doubled, a quote further inside an unquoted cell is a character like any other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

DELIMITERS = ",;\t|"
#: Inside the quotes. Only a class is repeated possessively: CPython before 3.11.5 matches
#: possessive groups wrongly (gh-106052). The bound keeps backtracking shallow.
_BODY = r'[^"]*+(?:""[^"]*+){0,99}'


@dataclass(frozen=True)
class Dialect:
    """A delimiter, and whether quotes mean anything."""

    delimiter: str = ","
    quoted: bool = True

    def row(self, at: int, width: int, mark: str) -> re.Pattern[str]:
        r"""A faultless record of ``width`` cells with its line end: body, cell ``at``, line end.

        It says nothing about other records, nor about a cell with very many quotes: those are
        read line by line.

        >>> Dialect().row(1, 2, "\n").match('7,"a\nb"\n8,c\n').groups()
        ('7,"a\nb"', '"a\nb"', '\n')
        """
        d, end = re.escape(self.delimiter), r"\r{0,2}\n" if mark == "\n" else r"\r"
        plain = rf"[^{d}\r\n]*+"
        cell = rf'(?:"{_BODY}"(?={d}|{end})|(?!"){plain})' if self.quoted else plain
        before, behind = rf"(?:{cell}{d}){{{at}}}", rf"(?:{d}{cell}){{{width - at - 1}}}"
        return re.compile(rf"({before}({cell}){behind})({end})")

    def ends(self, line: str, inside: bool) -> bool | None:
        """Whether a record ends with this line; None where its quoting is broken."""
        for _, stop in self._quoted(line, inside):
            if stop < 0:
                return False
            if stop < len(line) and line[stop] != self.delimiter:
                return None
        return True

    def split(self, record: str) -> list[str]:
        """The cells of a whole record as written, quotes included."""
        if not self.quoted or '"' not in record:
            return record.split(self.delimiter)
        cells, at = list[str](), 0
        for start, stop in self._quoted(record):
            if start > at:
                cells += record[at : start - 1].split(self.delimiter)
            cells.append(record[start:stop])
            at = stop + 1
        return cells if at > len(record) else cells + record[at:].split(self.delimiter)

    def _quoted(self, text: str, inside: bool = False) -> Iterator[tuple[int, int]]:
        """Where each quoted cell begins and stops; -1 where it is never closed."""
        opening, find = self.delimiter + '"', text.find
        start = at = 0
        if not inside:
            start = 0 if text.startswith('"') else find(opening) + 1
            if not text.startswith('"', start):
                return
            at = start + 1
        while (close := find('"', at)) >= 0:
            if text.startswith('"', close + 1):  # doubled: it does not close the cell
                at = close + 2
                continue
            yield start, close + 1
            if (before := find(opening, close + 1)) < 0:
                return
            start, at = before + 1, before + 2
        yield start, -1

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
