"""The rows of a table of assets: read from a file or a frame, checked strictly, indexed as text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from numbers import Integral, Number
from pathlib import Path

from .errors import OpgsentError

COLUMNS = ("symbol", "name", "aliases", "asset_class", "source", "doubtful")
REQUIRED = ("symbol", "name", "asset_class")
#: the order of by_symbol, and who owns a name that several classes claim
CLASS_ORDER = ("crypto", "commodity", "index", "equity", "etf", "fx")
PAST = "past"  #: a coin that is gone: only its names are looked up, and they are doubtful
DOUBTFUL = ("", "symbol", "name", "both", PAST)

MAX_WORDS = 4  # of a name: what a scan of the text has to join
MAX_ROWS = 200_000
MAX_LINE = 4_000  # characters
MAX_BYTES = 64 * 2**20

TAB = "\t"
_SYMBOL = re.compile(r"[A-Z0-9][A-Z0-9.&-]*")
# control and format characters, lone surrogates and odd spaces; tab and line feed are the grammar
_BAD = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\xa0\xad\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff"
    "\ud800-\udfff]"
)
_UNTIDY = ("  ", " \t", "\t ", " \n", "\n ", " |", "| ", " ?")

_Refuse = Callable[[int, str], "AssetError"]


class AssetError(OpgsentError, ValueError):
    """A table of assets that cannot be used: the file, the line, what was seen, what to do."""


@dataclass(frozen=True, slots=True)
class Layer:
    """The lines of one table, per asset class: by symbol, and by name or alias.

    A line stays text until somebody asks for its asset: that is what makes loading fast.
    """

    symbols: dict[str, dict[str, str]]
    names: dict[str, dict[str, str]]

    def classes(self, symbol: str) -> tuple[str, ...]:
        """The classes that a symbol has in this table."""
        return tuple(kind for kind in CLASS_ORDER if symbol in self.symbols[kind])


def read_table(path: Path) -> Layer:
    """Read and check one tab-separated file."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise AssetError(f"{path}: {error.strerror}; give a file that can be read") from None
    except ValueError:  # a null byte, a lone surrogate
        raise AssetError(f"no file can be called {str(path)!r:.80}; give another name") from None
    if len(raw) > MAX_BYTES:
        raise AssetError(f"{path}: more than {MAX_BYTES >> 20} MiB; give a table of assets")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise AssetError(
            f"{path}, line {line}: byte {raw[error.start]:#04x} is not UTF-8; save it as UTF-8"
        ) from None
    lines = text.replace("\r\n", "\n").removesuffix("\n").split("\n")
    header = lines[0].split(TAB)
    return checked(str(path), "line", 2, header, lines[1:])


def read_frame(header: list[str], rows: Iterable[Iterable[object]]) -> Layer:
    """Check the rows of a data frame, numbered from 0 as their position there."""
    name = "the data frame"
    lines = []
    for number, row in enumerate(rows):
        where = f"{name}, row {number}"
        cells = [_text(cell, where) for cell in row]
        for cell in cells:
            if TAB in cell or "\n" in cell:
                raise AssetError(f"{where}: {_show(cell)} holds a tab or a line break; remove it")
        lines.append(TAB.join(cells))
    return checked(name, "row", 0, header, lines)


def _text(cell: object, where: str) -> str:
    """A cell of a frame as text: empty when missing."""
    if isinstance(cell, str):
        return cell
    if cell is None or type(cell).__name__ in ("NAType", "NaTType"):
        return ""
    if isinstance(cell, Number):
        if cell != cell:
            return ""
        if isinstance(cell, Integral) and not isinstance(cell, bool):
            return str(cell)
    # a list of aliases would be one alias with brackets, 700.0 no symbol that anybody writes
    kind = type(cell).__name__
    raise AssetError(
        f"{where}: {_show(repr(cell))} is a {kind}; write text, several aliases as 'one|two'"
    )


def checked(name: str, unit: str, first: int, header: list[str], lines: list[str]) -> Layer:
    """Check the lines of one table and index them; ``first`` is the number of the first line."""

    def refuse(number: int, problem: str) -> AssetError:
        return AssetError(f"{name}, {unit} {number + first}: {problem}")

    _harmless(name, lines, refuse)
    lines = _ordered(name, header, lines, refuse)
    symbols: dict[str, dict[str, str]] = {kind: {} for kind in CLASS_ORDER}
    names: dict[str, dict[str, str]] = {kind: {} for kind in CLASS_ORDER}
    full = _SYMBOL.fullmatch
    for number, line in enumerate(lines):
        cells = line.split(TAB)
        if len(cells) != len(COLUMNS):
            raise refuse(number, f"{len(cells)} cells, not {len(COLUMNS)}; put one tab between two")
        symbol, title, aliases, kind, _, doubtful = cells
        if not full(symbol):
            raise refuse(number, f"symbol {_show(symbol)}; write capitals, digits and . & - inside")
        if kind not in symbols:
            known = ", ".join(CLASS_ORDER)
            raise refuse(number, f"asset_class {_show(kind)}; write one of {known}")
        if doubtful not in DOUBTFUL:
            known = ", ".join(DOUBTFUL[1:])
            raise refuse(number, f"doubtful {_show(doubtful)}; write {known} or nothing")
        if doubtful != PAST:
            if symbol in symbols[kind]:
                other = f"{unit} {lines.index(symbols[kind][symbol]) + first}"
                raise refuse(
                    number, f"{symbol} ({kind}) is already on {other}; keep one of the two"
                )
            symbols[kind][symbol] = line
        owners = names[kind]
        for key in _keys(title, aliases):
            if not key or key.count(" ") >= MAX_WORDS:
                what = f"name or alias {_show(key)} of {symbol}"
                raise refuse(number, f"{what}; write one to {MAX_WORDS} words")
            if key in owners:
                owner = owners[key]
                other = f"{unit} {lines.index(owner) + first}"
                held = f"a name of {owner.split(TAB)[0]} on {other}"
                what = f"name or alias {_show(key)} of {symbol} ({kind})"
                raise refuse(number, f"{what} is already {held}; leave it to one of the two")
            owners[key] = line
    return Layer(symbols, names)


def _ordered(name: str, header: list[str], lines: list[str], refuse: _Refuse) -> list[str]:
    """The lines with their cells in the order of COLUMNS, empty where a column is absent."""
    if tuple(header) == COLUMNS:
        return lines
    for column in header:
        if column not in COLUMNS or header.count(column) > 1:
            seen = "there twice" if column in COLUMNS else "unknown"
            columns = ", ".join(COLUMNS)
            raise AssetError(
                f"{name}: column {_show(column)} is {seen}; write {columns}, a tab between two"
            )
    for column in REQUIRED:
        if column not in header:
            raise AssetError(f"{name}: no column {column!r}; name it in the first line")
    places = [header.index(column) if column in header else None for column in COLUMNS]
    ordered = []
    for number, line in enumerate(lines):
        cells = line.split(TAB)
        if len(cells) != len(header):
            raise refuse(number, f"{len(cells)} cells, not {len(header)}; put one tab between two")
        ordered.append(TAB.join("" if place is None else cells[place] for place in places))
    return ordered


def _harmless(name: str, lines: list[str], refuse: _Refuse) -> None:
    """Refuse what no table of assets holds, on the whole text at once because that is fast."""
    if len(lines) > MAX_ROWS:
        raise AssetError(f"{name}: {len(lines):,} rows; at most {MAX_ROWS:,} are read")
    if max(map(len, lines), default=0) > MAX_LINE:
        number = next(n for n, line in enumerate(lines) if len(line) > MAX_LINE)
        raise refuse(number, f"{len(lines[number]):,} characters; at most {MAX_LINE:,} are read")
    text = "\n".join(lines)
    if bad := _BAD.search(text):
        number = text.count("\n", 0, bad.start())
        raise refuse(number, f"character U+{ord(bad[0]):04X}, which nobody can see; remove it")
    text = f"\n{text}\n"
    for untidy in _UNTIDY:
        if (place := text.find(untidy)) >= 0:
            number = text.count("\n", 0, text.index(" ", place)) - 1
            raise refuse(number, "a space at the edge of a cell or two in a row; remove it")


def _keys(title: str, aliases: str) -> Iterable[str]:
    """The name and the aliases as they are looked up."""
    if not aliases:
        return (title.lower(),)
    return [title.lower(), *(alias.removesuffix("?") for alias in aliases.lower().split("|"))]


def _show(text: str) -> str:
    """What was seen, safe to print and short."""
    return ascii(text if len(text) <= 40 else text[:40] + "...")
