"""How a delimited line is told apart into cells: the grammar of CSV and TSV.

Python's and Excel's rules hold: a cell is quoted when it begins with a quote, a quote inside
is doubled, a quote further inside an unquoted cell is a character like any other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

DELIMITERS = ",;\t|"
_BODY = r'[^"]*+(?:""[^"]*+)*+'  # inside the quotes


@dataclass(frozen=True)
class Dialect:
    """A delimiter, and whether quotes mean anything."""

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

    def row(self, at: int, width: int, mark: str) -> re.Pattern[str]:
        r"""A faultless record of ``width`` cells with its line end: body, cell ``at``, line end.

        It says nothing about a record that is not faultless: that is read line by line.

        >>> Dialect().row(1, 2, "\n").match('7,"a\nb"\n8,c\n').groups()
        ('7,"a\nb"', '"a\nb"', '\n')
        """
        d, end = re.escape(self.delimiter), r"\r?\n" if mark == "\n" else r"\r"
        plain = rf"[^{d}\r\n]*+"
        cell = rf'(?:"{_BODY}"(?={d}|{end})|(?!"){plain})' if self.quoted else plain
        before, behind = rf"(?:{cell}{d}){{{at}}}", rf"(?:{d}{cell}){{{width - at - 1}}}"
        return re.compile(rf"({before}({cell}){behind})({end})")

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
