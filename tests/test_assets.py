"""The table of assets: what it holds, what it finds, what it refuses."""

from __future__ import annotations

import doctest
import pickle
import re
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opgsent import asset_rows, assets
from opgsent.assets import CLASS_ORDER, COLUMNS, Asset, AssetError, Assets

HEADER = "\t".join(COLUMNS)
GOOD = "ABC\tAbc Coin\tabc|abcoin\tcrypto\tme\t"


@pytest.fixture(scope="module")
def bundled() -> Assets:
    return Assets.load()


def write(folder: Path, *lines: str, header: str = HEADER) -> Path:
    path = folder / "mine.tsv"
    path.write_bytes("\n".join([header, *lines, ""]).encode("utf-8", "surrogatepass"))
    return path


# --- the bundled table -----------------------------------------------------------------------


def test_the_file_is_plain() -> None:
    raw = Path(assets.__file__).with_name("data").joinpath("assets.tsv").read_bytes()
    assert raw.decode("utf-8").endswith("\n")
    assert b"\r" not in raw
    assert not raw.startswith(b"\xef\xbb\xbf")
    assert len(raw) < 600_000
    lines = raw.decode("utf-8").splitlines()
    assert lines[0] == HEADER
    keys = [(cells[0], cells[3]) for cells in (line.split("\t") for line in lines[1:])]
    assert keys == sorted(keys)


def test_every_row_is_well_formed(bundled: Assets) -> None:
    sources = {"hand", "web3icons", "cryptocurrency-icons", "cryptocurrencies", "sec"}
    for asset in bundled:
        assert re.fullmatch(r"[A-Z0-9][A-Z0-9.&-]*", asset.symbol), asset
        assert asset.symbol == asset.symbol.upper()
        assert asset.asset_class in CLASS_ORDER
        assert asset.source in sources | {"pytickersymbols"}
        assert asset in bundled.by_symbol(asset.symbol)
        assert set(asset.doubtful_aliases) <= set(asset.aliases)
        for name in (asset.name, *asset.aliases):
            owner = bundled.by_name(name.lower())
            assert owner is not None
            assert CLASS_ORDER.index(owner.asset_class) <= CLASS_ORDER.index(asset.asset_class)
            assert not name.endswith(("?", "!")), asset
            assert len(name.split()) <= bundled.longest_name


def test_counts(bundled: Assets) -> None:
    counts = Counter(asset.asset_class for asset in bundled)
    assert 2_500 <= counts["crypto"] <= 3_500
    assert counts["equity"] >= 3_000
    assert counts["etf"] >= 300
    assert counts["fx"] >= 40
    assert set(counts) == set(CLASS_ORDER)
    assert len(bundled) == sum(counts.values()) < 9_200
    assert bundled.longest_name == 4


NAMES = """
bitcoin BTC crypto | bitcoins BTC crypto | btc BTC crypto | xbt BTC crypto | ether ETH crypto
ethereum ETH crypto | ripple XRP crypto | doge DOGE crypto | dogecoin DOGE crypto
litecoin LTC crypto | shiba inu SHIB crypto | bitcoin cash BCH crypto | binance coin BNB crypto
dogwifhat WIF crypto | hyperliquid HYPE crypto | fartcoin FARTCOIN crypto | 1inch 1INCH crypto
basic attention token BAT crypto | near protocol NEAR crypto | the sandbox SAND crypto
brent oil BZ commodity | brent BZ commodity | wti CL commodity | crude oil CL commodity
gold XAU commodity | silver XAG commodity | nat gas NG commodity | copper HG commodity
wheat ZW commodity | soybeans ZS commodity | palladium XPD commodity
spoos ES index | spooz ES index | e-mini ES index | s&p 500 SPX index | sp500 SPX index
nasdaq 100 NDX index | dow jones DJI index | russell 2000 RUT index | dollar index DXY index
nikkei N225 index | dax DAX index
loonie CAD fx | kiwi NZD fx | aussie AUD fx | cable GBP fx | fiber EUR fx | swissy CHF fx
yen JPY fx | turkish lira TRY fx | euro EUR fx
tesla TSLA equity | apple AAPL equity | berkshire hathaway BRK.B equity | gamestop GME equity
microstrategy MSTR equity | coinbase COIN equity | at&t T equity | mcdonald's MCD equity
bank of america BAC equity | tilray TLRY equity | twitter TWTR equity
grayscale bitcoin trust GBTC etf | ark innovation ARKK etf
"""


@pytest.mark.parametrize("row", [r.strip() for r in re.split(r"[|\n]", NAMES) if r.strip()])
def test_names(bundled: Assets, row: str) -> None:
    name, symbol, kind = row.rsplit(" ", 2)
    asset = bundled.by_name(name)
    assert asset is not None
    assert (asset.symbol, asset.asset_class) == (symbol, kind)


SYMBOLS = {
    "crypto": """BTC ETH USDT SUI APT ARB OP SEI TIA INJ JUP JTO WIF BONK PEPE FLOKI SHIB ENA ONDO
        PENDLE RNDR RENDER FET TAO KAS HYPE TRUMP MELANIA FARTCOIN PENGU POPCAT MOG BRETT TURBO NOT
        TON PI WLD STRK ZK ZRO EIGEN ETHFI BLUR IMX DYDX GMX LDO RPL FXS CRV CVX AAVE UNI COMP MKR
        SNX SUSHI YFI 1INCH SAND MANA AXS GALA ENJ APE CHZ XVG SC DGB BURST STRAT PIVX NXT XEM LSK
        ARDR BTS MAID FCT DGD REP GNT BAT OMG LINK""",
    "equity": "AAPL TSLA GME AMC TLRY SNDL COIN MSTR HOOD BRK.B BRK.A BF.B TWTR BABA T F CL",
    "etf": "SPY QQQ IWM TQQQ SQQQ UVXY ARKK GLD SLV USO GBTC IBIT",
    "index": "SPX NDX DJI VIX RUT DXY US30 NAS100 GER40 ES NQ YM RTY ZB ZN",
    "commodity": """XAU GOLD GC XAG SILVER SI CL WTI USOIL BZ BRENT UKOIL NG HG ZC ZW ZS XPT
        XPD""",
    "fx": "USD EUR GBP JPY AUD CAD CHF NZD CNY TRY ZAR SGD 6E",
}


@pytest.mark.parametrize("kind", SYMBOLS)
def test_symbols(bundled: Assets, kind: str) -> None:
    for symbol in SYMBOLS[kind].split():
        found = [asset.asset_class for asset in bundled.by_symbol(symbol)]
        assert kind in found, symbol
        assert found == sorted(found, key=CLASS_ORDER.index), symbol


@pytest.mark.parametrize("symbol", ["btc", "", "NOSUCHSYMBOL", "BTC ", "$BTC"])
def test_unknown_symbols(bundled: Assets, symbol: str) -> None:
    assert bundled.by_symbol(symbol) == ()


@pytest.mark.parametrize("name", ["", "Bitcoin", "no such name", "bitcoin  cash"])
def test_unknown_names(bundled: Assets, name: str) -> None:
    assert bundled.by_name(name) is None
    assert not bundled.is_doubtful(name)


DOUBTFUL_SYMBOLS = """IT A ALL ONE FOR NOW ON AI CEO ADX OI NFT ROI GAS SAND NEAR LINK FLOW DASH TRY
    PERP STEP"""
SURE_SYMBOLS = "BTC ETH SOL ADA DOGE XRP LTC BNB TSLA AAPL NVDA SPY QQQ XAU EUR BRK.B 1INCH MATIC"
DOUBTFUL_NAMES = """near | gas | dash | storm | flow | maker | compound | waves | request | status
    apple | target | oil | corn | kiwi | cable | aussie | pound | dollar | link"""
SURE_NAMES = """bitcoin | btc | ethereum | ether | ripple | gold | silver | brent oil | tesla
    cardano | litecoin | s&p 500 | yen | loonie | microstrategy"""


def test_doubtful_symbols(bundled: Assets) -> None:
    for symbol in DOUBTFUL_SYMBOLS.split():
        found = bundled.by_symbol(symbol)
        assert all(asset.doubtful_symbol for asset in found), symbol
    for symbol in SURE_SYMBOLS.split():
        assert not bundled.by_symbol(symbol)[0].doubtful_symbol, symbol


def test_doubtful_names(bundled: Assets) -> None:
    for name in re.split(r"\s*[|\n]\s*", DOUBTFUL_NAMES):
        assert bundled.by_name(name) is None or bundled.is_doubtful(name), name
    for name in re.split(r"\s*[|\n]\s*", SURE_NAMES):
        assert bundled.by_name(name) is not None, name
        assert not bundled.is_doubtful(name), name


def test_a_doubtful_alias_leaves_the_name_alone(bundled: Assets) -> None:
    asset = bundled.by_name("corn")
    assert asset is bundled.by_name("bitcoin")
    assert asset is not None
    assert not asset.doubtful_name
    assert "corn" in asset.doubtful_aliases


def test_past_coins_are_known_by_their_names_alone(tmp_path: Path, bundled: Assets) -> None:
    """Their symbols mean others by now: BCC is Boise Cascade, whatever BitConnect had."""
    old = bundled.by_name("bitconnect")
    assert old is not None and old.past and old.symbol == "BCC" and old.asset_class == "crypto"
    assert bundled.is_doubtful("bitconnect")
    assert not any(asset.past for asset in bundled.by_symbol("BCC"))
    assert all(not asset.past for asset in bundled)
    lines = [f"OLD\t{name}\t\tcrypto\tme\tpast" for name in ("Oldcoin", "Oldercoin")]
    mine = bundled.extended(write(tmp_path, *lines))
    assert mine.by_symbol("OLD") == () and len(mine) == len(bundled)
    assert {mine.by_name(n).symbol for n in ("oldcoin", "oldercoin")} == {"OLD"}  # type: ignore[union-attr]


def test_quotes(bundled: Assets) -> None:
    for code in "USDT USDC USD BUSD TUSD FDUSD DAI BTC ETH BNB EUR GBP JPY TRY AUD PERP".split():
        assert code in bundled.quotes
    assert bundled.stablecoins < bundled.quotes
    assert "USDT" in bundled.stablecoins
    assert "USD" not in bundled.stablecoins


# --- a table of the user's own ---------------------------------------------------------------

REFUSED = [
    ("abc\tAbc\t\tcrypto\tme\t", r"line 3: symbol 'abc'; write capitals"),
    ("A BC\tAbc\t\tcrypto\tme\t", r"line 3: symbol 'A BC'"),
    ("\tAbc\t\tcrypto\tme\t", r"line 3: symbol ''"),
    ("ABD\tAbd\t\tstock\tme\t", r"line 3: asset_class 'stock'; write one of crypto, commodity"),
    (
        "ABD\tAbd\t\tcrypto\tme\tyes",
        r"line 3: doubtful 'yes'; write symbol, name, both, past or nothing",
    ),
    ("ABD\tAbd\tcrypto\tme\t", r"line 3: 5 cells, not 6"),
    ("", r"line 3: 1 cells, not 6"),
    ("ABC\tOther\t\tcrypto\tme\t", r"line 3: ABC \(crypto\) is already on line 2; keep one"),
    (
        "ABD\tabc coin\t\tcrypto\tme\t",
        r"line 3: name or alias 'abc coin' of ABD .* a name of ABC on line 2; leave it",
    ),
    ("ABD\tAbd\tabcoin\tcrypto\tme\t", r"line 3: .*'abcoin' of ABD .* a name of ABC on line 2"),
    ("ABD\tAbd\tABC?\tcrypto\tme\t", r"line 3: .*'abc' of ABD .* a name of ABC on line 2"),
    ("ABD\tAbd\tabd\tcrypto\tme\t", r"line 3: .*'abd' of ABD .* a name of ABD on line 3"),
    ("ABD\t\t\tcrypto\tme\t", r"line 3: name or alias '' of ABD; write one to 4 words"),
    ("ABD\tAbd\tx||y\tcrypto\tme\t", r"line 3: name or alias '' of ABD"),
    ("ABD\tone two three four five\t\tcrypto\tme\t", r"line 3: .*; write one to 4 words"),
    ("ABD\tAbd  coin\t\tcrypto\tme\t", r"line 3: a space at the edge of a cell or two in a row"),
    ("ABD\t Abd\t\tcrypto\tme\t", r"line 3: a space at the edge"),
    ("ABD\tAbd\ta |b\tcrypto\tme\t", r"line 3: a space at the edge"),
    (" ABD\tAbd\t\tcrypto\tme\t", r"line 3: a space at the edge"),
    ("ABD\tAb\x00d\t\tcrypto\tme\t", r"line 3: character U\+0000"),
    ("ABD\tAb\x1b[31md\t\tcrypto\tme\t", r"line 3: character U\+001B"),
    ("ABD\tAb\u202ed\t\tcrypto\tme\t", r"line 3: character U\+202E"),
    ("ABD\tAb\u00a0d\t\tcrypto\tme\t", r"line 3: character U\+00A0"),
    (
        "ABD\t" + "x" * 2_000_000 + "\t\tcrypto\tme\t",
        r"line 3: 2,000,\d+ characters; at most 4,000",
    ),
    ("ABD\tAb\ud800d\t\tcrypto\tme\t", r"line 3: byte 0xed is not UTF-8; save it as UTF-8"),
]


@pytest.mark.parametrize(("line", "message"), REFUSED)
def test_refused_lines(tmp_path: Path, line: str, message: str) -> None:
    path = write(tmp_path, GOOD, line)
    for read in (Assets.load, Assets.load().extended):
        with pytest.raises(AssetError, match=message) as caught:
            read(path)
        assert str(caught.value).startswith(str(path))
        assert len(str(caught.value)) < 400 + len(str(path))
        assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("symbol\tname", "no column 'asset_class'; name it in the first line"),
        ("symbol\tname\tasset_class\tcolour", "column 'colour' is unknown; write symbol, name"),
        ("symbol\tname\tasset_class\tname", "column 'name' is there twice"),
        ("", "column '' is unknown"),
        ("x" * 1_000_000, "column 'xxx"),
    ],
)
def test_refused_headers(tmp_path: Path, header: str, message: str) -> None:
    with pytest.raises(AssetError, match=message) as caught:
        Assets.load(write(tmp_path, header=header))
    assert len(str(caught.value)) < 400 + len(str(tmp_path))


def test_refused_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AssetError, match=r"nothing\.tsv: No such file"):
        Assets.load(tmp_path / "nothing.tsv")
    for name in ("a\0b", "a\ud800b"):
        with pytest.raises(AssetError, match="no file can be called 'a"):
            Assets.load(name)
    with pytest.raises(AssetError, match="Is a directory"):
        Assets.load(tmp_path)
    rows = [f"S{n}\tName {n}\t\tcrypto\t\t" for n in range(200_001)]
    with pytest.raises(AssetError, match="200,001 rows; at most 200,000"):
        Assets.load(write(tmp_path, *rows))
    monkeypatch.setattr(asset_rows, "MAX_BYTES", 1 << 20)
    with pytest.raises(AssetError, match="more than 1 MiB"):
        Assets.load(tmp_path / "mine.tsv")


def test_a_table_alone(tmp_path: Path) -> None:
    only = Assets.load(write(tmp_path, GOOD))
    assert len(only) == 1
    assert only.longest_name == 2
    assert only.by_symbol("BTC") == ()
    expected = Asset("ABC", "Abc Coin", ("abc", "abcoin"), "crypto", "me", False, False)
    assert only.by_symbol("ABC") == (expected,)


def test_an_empty_table(tmp_path: Path) -> None:
    nothing = Assets.load(write(tmp_path))
    assert (len(nothing), nothing.longest_name, nothing.by_name("")) == (0, 0, None)


def test_windows_files_are_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.tsv"
    path.write_bytes(b"\xef\xbb\xbf" + f"{HEADER}\r\n{GOOD}\r\n".encode())
    assert Assets.load(path).by_name("abcoin") is not None


def test_columns_in_any_order(tmp_path: Path) -> None:
    path = write(tmp_path, "crypto\tZed Coin\tZED", header="asset_class\tname\tsymbol")
    asset = Assets.load(path).by_symbol("ZED")[0]
    assert (asset.name, asset.aliases, asset.source) == ("Zed Coin", (), "")


def test_extended_adds_and_overrides(tmp_path: Path, bundled: Assets) -> None:
    more = bundled.extended(
        write(
            tmp_path,
            "BTC\tBig Coin\tking|corny?\tcrypto\tme\tname",
            "ZZZQ\tCardano\t\tequity\tme\tsymbol",
        )
    )
    big = more.by_symbol("BTC")[0]
    assert (big.name, big.source, big.doubtful_name) == ("Big Coin", "me", True)
    assert more.by_name("bitcoin") is None  # the replaced row keeps no name
    assert more.is_doubtful("corny")
    assert not more.is_doubtful("king")
    taken = more.by_name("cardano")  # a name of the user's goes before the bundled one
    assert taken is not None
    assert taken.symbol == "ZZZQ"
    assert len(more) == len(bundled) + 1
    before = bundled.by_name("bitcoin")
    assert before is not None
    assert before.symbol == "BTC"  # the table that was extended is as it was


def test_extended_twice(tmp_path: Path, bundled: Assets) -> None:
    first = bundled.extended(write(tmp_path, "BTC\tBig Coin\tgold\tcrypto\t\t"))
    gold = first.by_name("gold")
    assert gold is not None
    assert gold.symbol == "BTC"
    second = first.extended(write(tmp_path, "BTC\tBitcoin\t\tcrypto\t\t"))
    gold = second.by_name("gold")  # free again: back to the metal
    assert gold is not None
    assert gold.symbol == "XAU"
    assert second.by_name("big coin") is None


def test_extended_with_a_frame(bundled: Assets) -> None:
    frame = pd.DataFrame(
        {
            "asset_class": ["crypto", "equity"],
            "symbol": ["ZZZQ", "ZZZR"],
            "name": ["Zed Coin", "Zed Works"],
            "aliases": [None, "zeds|zed co?"],
            "doubtful": [float("nan"), pd.NA],
        }
    )
    more = bundled.extended(frame)
    assert more.by_symbol("ZZZQ")[0].aliases == ()
    assert more.by_symbol("ZZZR")[0].aliases == ("zeds", "zed co")
    assert more.is_doubtful("zed co")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("ABC", "Abc", "crypto"), ("abd", "Abd", "crypto")], "data frame, row 1: symbol 'abd'"),
        ([("ABC", "Abc", "crypto"), ("ABC", "Abd", "crypto")], "row 1: ABC .* already on row 0"),
        ([("ABC", None, "crypto")], "row 0: name or alias '' of ABC"),
        ([("ABC", "a\tb", "crypto")], "row 0: 'a.tb' holds a tab or a line break"),
        ([("ABC", "a\ud800", "crypto")], r"row 0: character U\+D800"),
        ([("", "Abc", "crypto")], "row 0: symbol ''; write capitals"),
        ([("ABC", "Abc ", "crypto")], "row 0: a space at the edge of a cell"),
        ([("ABC", "a" * 10_000, "crypto")], r"row 0: 10,0\d\d characters; at most 4,000"),
        (
            [("ABC", "Abc", "crypto"), (700.0, "Tencent", "equity")],
            "row 1: '700.0' is a float; write",
        ),
        ([("ABC", ["abc", "ab"], "crypto")], r"row 0: .*'abc', 'ab'.* is a list; .* as 'one.two'"),
        ([("ABC", np.zeros(2), "crypto")], "row 0: .* is a ndarray; write text"),
    ],
)
def test_refused_frames(bundled: Assets, rows: list[tuple[str, str, str]], message: str) -> None:
    with pytest.raises(AssetError, match=message):
        bundled.extended(
            pd.DataFrame(rows, columns=["symbol", "name", "asset_class"], dtype=object)
        )


@pytest.mark.parametrize("thing", [None, 3, ["BTC"], {"symbol": "BTC"}])
def test_extended_with_something_else(bundled: Assets, thing: object) -> None:
    with pytest.raises(TypeError, match="takes a path or a DataFrame, not"):
        bundled.extended(thing)


@given(st.text(alphabet="ABCabc \t\n|?.&-\x00\u00e9\u0130cryptoname", max_size=200))
def test_no_text_does_more_than_raise(text: str) -> None:
    lines = f"{GOOD}\n{text}".split("\n")
    try:
        layer = asset_rows.checked("mine.tsv", "line", 2, list(COLUMNS), lines)
    except AssetError as error:
        message = str(error)
    else:
        message = ""
        assert len(Assets([layer])) == len(lines)
    assert re.match(r"mine\.tsv, line \d+: |$", message)


# --- how it behaves --------------------------------------------------------------------------


def test_threads_and_pickles() -> None:
    fresh = Assets.load()
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: fresh.by_name("ether"), range(200)))
    assert len(found) == 1
    again = pickle.loads(pickle.dumps(fresh))
    assert again.by_name("ether") == fresh.by_name("ether")


def test_loading_is_fast_and_light() -> None:
    code = """if True:
        import sys, time
        from opgsent.assets import Assets
        start = time.perf_counter()
        Assets.load()
        print(time.perf_counter() - start, *({"numpy", "pandas"} & set(sys.modules)))
        """
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        for _ in range(3)
    ]
    seconds = [run.stdout.split() for run in runs]
    assert all(len(words) == 1 for words in seconds), "numpy or pandas was imported"
    assert min(float(words[0]) for words in seconds) < 0.1  # 0.02 s here; machines differ


def test_examples() -> None:
    result = doctest.testmod(assets)
    assert result.attempted > 0
    assert result.failed == 0
