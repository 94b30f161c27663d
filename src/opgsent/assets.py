"""Knowledge of tradable assets: data/assets.tsv, loaded strictly and looked up in O(1).

One row per (symbol, asset class): symbol, name, aliases, asset_class, source, doubtful. Aliases
are separated by ``|``; an alias that ends in ``?`` is also an everyday word ("corn?" of BTC), and
``doubtful`` says the same of the symbol, the name or both. ``past`` in its place is a coin that is
gone: its symbol means others now and is not looked up, and its names are doubtful.
tools/build_assets.py makes the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .asset_rows import CLASS_ORDER, COLUMNS, PAST, TAB, AssetError, Layer, read_frame, read_table

__all__ = ["CLASS_ORDER", "COLUMNS", "QUOTES", "STABLECOINS", "Asset", "AssetError", "Assets"]

STABLECOINS = frozenset(
    "USDT USDC BUSD TUSD FDUSD USDP PAX DAI USDE USDS USD1 USDD USDN UST USTC GUSD LUSD FRAX HUSD"
    " PYUSD RLUSD USDG EURT EURC EURS SUSD BKRW IDRT".split()
)
#: what may follow a slash: stablecoins, the coins that others are quoted in, currencies, PERP
QUOTES = STABLECOINS | frozenset(
    "USD PERP BTC XBT ETH BNB SOL TRX EUR GBP JPY CHF CAD AUD NZD TRY BRL NGN INR KRW MXN ZAR CNH"
    " CNY SEK NOK DKK SGD HKD RUB UAH PLN CZK HUF ARS IDR THB VND PHP TWD ILS AED".split()
)

_BUNDLED = Path(__file__).with_name("data") / "assets.tsv"


@dataclass(frozen=True, slots=True)
class Asset:
    """One tradable asset.

    ``doubtful_symbol`` and ``doubtful_name`` are set where the symbol or the name is also an
    everyday word, a trader abbreviation or a unit (NEAR, IT, "Status"); ``doubtful_aliases``
    lists the aliases of which that is true. ``past``: a coin that is gone, known by its names.
    """

    symbol: str
    name: str
    aliases: tuple[str, ...]
    asset_class: str
    source: str
    doubtful_symbol: bool
    doubtful_name: bool
    doubtful_aliases: tuple[str, ...] = ()
    past: bool = False

    def is_doubtful(self, name_lower: str) -> bool:
        """Say whether one of its names, in small letters, is also an everyday word."""
        if self.past or name_lower in self.doubtful_aliases:
            return True
        return self.doubtful_name and " ".join(self.name.lower().split()) == name_lower


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
        "own",
        "quotes",
        "stablecoins",
    )

    longest_name: int  #: words in the longest name or alias
    own: dict[str, tuple[str, ...]]  #: each symbol of the user's own table: its classes there
    quotes: frozenset[str]  #: what a pair may be quoted in
    stablecoins: frozenset[str]

    def __init__(self, layers: Sequence[Layer]) -> None:
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
        added = [
            (layer, symbols) for layer in self._layers[1:] for symbols in layer.symbols.values()
        ]
        self.own = {s: layer.classes(s) for layer, symbols in added for s in symbols}
        self.quotes = QUOTES
        self.stablecoins = STABLECOINS

    @classmethod
    def load(cls, path: str | Path | None = None) -> Assets:
        """Read a table (the bundled one when None), refusing every row that is not clean."""
        return cls([read_table(Path(path) if path is not None else _BUNDLED)])

    def extended(self, more: Any) -> Assets:
        """Return these assets with rows of the user's own, which go before the present ones.

        ``more`` is the path of a tab-separated file or a pandas DataFrame with the columns
        symbol, name and asset_class; aliases, source and doubtful are optional. A row replaces
        the one with the same symbol and class, and its names are taken from whoever held them; a
        symbol in capitals means the asset of these rows, whatever else is called so.
        Raises AssetError, which names the line and what to do.
        """
        if isinstance(more, (str, Path)):
            return Assets([*self._layers, read_table(Path(more))])
        if not (hasattr(more, "columns") and hasattr(more, "itertuples")):
            raise TypeError(f"extended() takes a path or a DataFrame, not {type(more).__name__}")
        header = [str(column) for column in more.columns]
        rows = more.itertuples(index=False, name=None)
        return Assets([*self._layers, read_frame(header, rows)])

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

    def symbols(self, asset_class: str | None = None) -> frozenset[str]:
        """All symbols, or those of one class, in capitals."""
        return self._listed if asset_class is None else frozenset(self._symbols[asset_class])

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
        return asset is not None and asset.is_doubtful(name_lower)

    def __iter__(self) -> Iterator[Asset]:
        """All assets, class by class, but for those that are gone."""
        for kind in CLASS_ORDER:
            yield from map(self._asset, self._symbols[kind].values())

    def __len__(self) -> int:
        return sum(map(len, self._symbols.values()))

    def _holds(self, line: str) -> bool:
        cells = line.split(TAB)
        return cells[5] == PAST or self._symbols[cells[3]][cells[0]] is line

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
                doubtful_symbol=doubtful in ("symbol", "both", PAST),
                doubtful_name=doubtful in ("name", "both", PAST),
                doubtful_aliases=tuple(alias[:-1] for alias in aliases if alias.endswith("?")),
                past=doubtful == PAST,
            )
        return asset
