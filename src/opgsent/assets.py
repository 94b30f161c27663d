"""Knowledge of tradable assets: data/assets.tsv, loaded strictly and looked up in O(1).

One row per (symbol, asset class): symbol, name, aliases, asset_class, source, doubtful. Aliases
are separated by ``|``; an alias that ends in ``?`` is also an everyday word ("corn?" of BTC), and
``doubtful`` says the same of the symbol, the name or both. tools/build_assets.py makes the file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import OpgsentError

COLUMNS = ("symbol", "name", "aliases", "asset_class", "source", "doubtful")
REQUIRED = ("symbol", "name", "asset_class")
#: the order of by_symbol, and who owns a name that several classes claim
CLASS_ORDER = ("crypto", "commodity", "index", "equity", "etf", "fx")
DOUBTFUL = ("", "symbol", "name", "both")

MAX_WORDS = 4  # of a name: what a scan of the text has to join
MAX_ROWS = 200_000
MAX_LINE = 4_000  # characters
MAX_BYTES = 64 * 2**20

STABLECOINS = frozenset(
    "USDT USDC BUSD TUSD FDUSD USDP PAX DAI USDE USDS USD1 USDD USDN UST USTC GUSD LUSD FRAX HUSD"
    " PYUSD RLUSD USDG EURT EURC EURS SUSD BKRW IDRT".split()
)
#: what may follow a slash: stablecoins, the coins that others are quoted in, currencies, PERP
QUOTES = STABLECOINS | frozenset(
    "USD PERP BTC XBT ETH BNB SOL TRX EUR GBP JPY CHF CAD AUD NZD TRY BRL NGN INR KRW MXN ZAR CNH"
    " CNY SEK NOK DKK SGD HKD RUB UAH PLN CZK HUF ARS IDR THB VND PHP TWD ILS AED".split()
)

TAB = "\t"
_BUNDLED = Path(__file__).with_name("data") / "assets.tsv"
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
class Asset:
    """One tradable asset.

    ``doubtful_symbol`` and ``doubtful_name`` are set where the symbol or the name is also an
    everyday word, a trader abbreviation or a unit (NEAR, IT, "Status"); ``doubtful_aliases``
    lists the aliases of which that is true.
    """

    symbol: str
    name: str
    aliases: tuple[str, ...]
    asset_class: str
    source: str
    doubtful_symbol: bool
    doubtful_name: bool
    doubtful_aliases: tuple[str, ...] = ()


class Assets:
    """Symbols, names and quote currencies, looked up in O(1).

    >>> assets = Assets.load()
    >>> assets.by_name("ether").symbol, assets.by_symbol("CL")[0].name
    ('ETH', 'Crude Oil')
    """

    __slots__ = (
        "_cache",
        "_layers",
        "_listed",
        "_names",
        "_of_symbol",
        "_symbols",
        "longest_name",
        "quotes",
        "stablecoins",
    )

    longest_name: int  #: words in the longest name or alias
    quotes: frozenset[str]  #: what a pair may be quoted in
    stablecoins: frozenset[str]

    def __init__(self, layers: Sequence[_Layer]) -> None:
        """Index the layers; a later layer's rows and names go before an earlier one's."""
        self._layers = tuple(layers)
        self._symbols: dict[str, dict[str, str]] = {kind: {} for kind in CLASS_ORDER}
        self._names: dict[str, str] = {}
        self._cache: dict[str, Asset] = {}
        self._of_symbol: dict[str, tuple[Asset, ...]] = {}
        for layer in self._layers:
            for kind in CLASS_ORDER:
                self._symbols[kind].update(layer.symbols[kind])
        for layer in self._layers:
            for kind in reversed(CLASS_ORDER):
                names = layer.names[kind]
                if len(self._layers) > 1:  # a replaced row keeps no name
                    names = {key: line for key, line in names.items() if self._holds(line)}
                self._names.update(names)
        self._listed = frozenset().union(*self._symbols.values())  # what most words are not
        self.longest_name = max((key.count(" ") + 1 for key in self._names), default=0)
        self.quotes = QUOTES
        self.stablecoins = STABLECOINS

    @classmethod
    def load(cls, path: str | Path | None = None) -> Assets:
        """Read a table (the bundled one when None), refusing every row that is not clean."""
        return cls([_read(Path(path) if path is not None else _BUNDLED)])

    def extended(self, more: Any) -> Assets:
        """Return these assets with rows of the user's own, which go before the present ones.

        ``more`` is the path of a tab-separated file or a pandas DataFrame with the columns
        symbol, name and asset_class; aliases, source and doubtful are optional. A row replaces
        the one with the same symbol and class, and its names are taken from whoever held them.
        Raises AssetError, which names the line and what to do.
        """
        if isinstance(more, (str, Path)):
            return Assets([*self._layers, _read(Path(more))])
        if not (hasattr(more, "columns") and hasattr(more, "itertuples")):
            raise TypeError(f"extended() takes a path or a DataFrame, not {type(more).__name__}")
        header = [str(column) for column in more.columns]
        rows = [[_text(cell) for cell in row] for row in more.itertuples(index=False, name=None)]
        return Assets([*self._layers, _frame(header, rows)])

    def by_symbol(self, symbol: str) -> tuple[Asset, ...]:
        """Return the assets with this symbol (capitals), in CLASS_ORDER; empty when unknown."""
        found = self._of_symbol.get(symbol)
        if found is None:
            if symbol not in self._listed:
                return ()
            lines = [self._symbols[kind].get(symbol) for kind in CLASS_ORDER]
            found = tuple([self._asset(line) for line in lines if line is not None])
            self._of_symbol[symbol] = found
        return found

    def by_name(self, name_lower: str) -> Asset | None:
        """Return the owner of a name or alias: lower case, single spaces between words."""
        line = self._names.get(name_lower)
        return None if line is None else self._asset(line)

    def symbols(self) -> frozenset[str]:
        """All symbols, in capitals."""
        return self._listed

    def names(self) -> Iterator[str]:
        """All names and aliases, as by_name knows them."""
        return iter(self._names)

    def phrases(self) -> Iterator[str]:
        """Those of several words.

        >>> "brent oil" in set(Assets.load().phrases())
        True
        """
        return (name for name in self._names if " " in name)

    def is_doubtful(self, name_lower: str) -> bool:
        """Say whether a name or alias is also an everyday word.

        >>> assets = Assets.load()
        >>> assets.is_doubtful("bitcoin"), assets.is_doubtful("corn")
        (False, True)
        """
        asset = self.by_name(name_lower)
        if asset is None:
            return False
        if name_lower in asset.doubtful_aliases:
            return True
        return asset.doubtful_name and _key(asset.name) == name_lower

    def __iter__(self) -> Iterator[Asset]:
        """All assets, class by class."""
        for kind in CLASS_ORDER:
            yield from map(self._asset, self._symbols[kind].values())

    def __len__(self) -> int:
        return sum(map(len, self._symbols.values()))

    def _holds(self, line: str) -> bool:
        cells = line.split(TAB)
        return self._symbols[cells[3]][cells[0]] is line

    def _asset(self, line: str) -> Asset:
        """The line as an Asset, built when it is first asked for."""
        asset = self._cache.get(line)
        if asset is None:
            symbol, name, listed, kind, source, doubtful = line.split(TAB)
            aliases = listed.split("|") if listed else []
            asset = self._cache[line] = Asset(
                symbol=symbol,
                name=name,
                aliases=tuple(alias.removesuffix("?") for alias in aliases),
                asset_class=kind,
                source=source,
                doubtful_symbol=doubtful in ("symbol", "both"),
                doubtful_name=doubtful in ("name", "both"),
                doubtful_aliases=tuple(alias[:-1] for alias in aliases if alias.endswith("?")),
            )
        return asset


@dataclass(frozen=True, slots=True)
class _Layer:
    """The lines of one table, per asset class: by symbol, and by name or alias.

    A line stays text until somebody asks for its asset: that is what makes loading fast.
    """

    symbols: dict[str, dict[str, str]]
    names: dict[str, dict[str, str]]


def _read(path: Path) -> _Layer:
    """Read and check one tab-separated file."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise AssetError(f"{path}: {error.strerror}; give a file that can be read") from None
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
    return _checked(str(path), "line", 2, header, lines[1:])


def _frame(header: list[str], rows: list[list[str]]) -> _Layer:
    """Check the rows of a data frame, numbered from 0 as their position there."""
    name = "the data frame"
    for number, row in enumerate(rows):
        for cell in row:
            if TAB in cell or "\n" in cell:
                raise AssetError(f"{name}, row {number}: {_show(cell)} holds a tab or a line break")
    return _checked(name, "row", 0, header, [TAB.join(row) for row in rows])


def _checked(name: str, unit: str, first: int, header: list[str], lines: list[str]) -> _Layer:
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
            raise refuse(number, f"doubtful {_show(doubtful)}; write symbol, name, both or nothing")
        if symbol in symbols[kind]:
            other = f"{unit} {lines.index(symbols[kind][symbol]) + first}"
            raise refuse(number, f"{symbol} ({kind}) is already on {other}; keep one of the two")
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
    return _Layer(symbols, names)


def _ordered(name: str, header: list[str], lines: list[str], refuse: _Refuse) -> list[str]:
    """The lines with their cells in the order of COLUMNS, empty where a column is absent."""
    if tuple(header) == COLUMNS:
        return lines
    for column in header:
        if column not in COLUMNS or header.count(column) > 1:
            seen = "there twice" if column in COLUMNS else "unknown"
            columns = ", ".join(COLUMNS)
            raise AssetError(f"{name}: column {_show(column)} is {seen}; write {columns}")
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


def _key(name: str) -> str:
    return " ".join(name.lower().split())


def _text(cell: object) -> str:
    """A cell of a frame as text: empty when missing."""
    missing = cell is None or type(cell).__name__ in ("NAType", "NaTType") or cell != cell
    return "" if missing else str(cell)


def _show(text: str) -> str:
    """What was seen, safe to print and short."""
    return ascii(text if len(text) <= 40 else text[:40] + "...")
