"""Tickers: the table of cases, single tokens, spans, classes, probabilities, explanations."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opgsent import Classifier, classify
from opgsent.assets import Assets
from opgsent.candidates import FOLLOWS, OPENS, PRICE, TICKER, candidate_flags
from opgsent.corpus import LabelledPost, corpora_folder, read_corpus
from opgsent.cues import CUES, LINE, cue_of
from opgsent.everyday import CAPITALS, TOPICS, WORDS
from opgsent.extraction import PIECE, Extractor, gathered
from opgsent.features import COUNTS
from opgsent.fitting_spans import fit_extraction, table_of
from opgsent.symbols import split_pair, symbol_of
from opgsent.tokens import kind_of

ROWS = [
    json.loads(line)
    for line in (Path(__file__).parent / "cases" / "extraction.jsonl")
    .read_text(encoding="utf-8")
    .splitlines()
]


@pytest.fixture(scope="module")
def assets() -> Assets:
    return Assets.load()


def cases(half: str) -> list[Any]:
    """The rows as parameters; a known failure must fail."""
    return [
        pytest.param(
            row,
            id=f"{n}-{row['why']}"[:60],
            marks=[pytest.mark.xfail(reason=row["why"])] if half in row.get("known", []) else [],
        )
        for n, row in enumerate(ROWS)
    ]


@pytest.mark.parametrize("columns", [1, 9])
def test_sums_of_views_round_alike_in_any_batch(columns: int) -> None:
    draw = np.random.default_rng(0)
    table = draw.normal(size=(1000, columns)).astype(np.float32)
    rows = draw.integers(0, 1000, (95, PIECE + 1))
    together = gathered(table, rows)
    for n in range(rows.shape[1]):
        assert np.array_equal(gathered(table, rows[:, n : n + 1]), together[n : n + 1])


@pytest.mark.parametrize("row", cases("tickers"))
def test_cases(row: dict[str, Any]) -> None:
    found = classify(row["text"]).tickers
    assert len(found) == len(row["tickers"])
    for ticker, want in zip(found, row["tickers"], strict=True):
        assert {field: getattr(ticker, field) for field in want} == want


def test_the_table_of_cases() -> None:
    assert len(ROWS) >= 400
    assert len({row["text"] for row in ROWS}) == len(ROWS)
    assert sum(not row["tickers"] and not row["levels"] for row in ROWS) >= 80
    assert sum("known" in row for row in ROWS) < len(ROWS) / 5
    for row in ROWS:
        for span in (*row["tickers"], *row["levels"]):
            assert row["text"][span["start"] : span["end"]] == span["text"]


# --- single tokens -----------------------------------------------------------------------------

SYMBOLS = """$BTC BTC - cashtag | $eth.x ETH - cashtag | $BRK.B BRK.B - cashtag | $ES_F ES - cashtag
BTCUSDT BTC USDT pair | ETHUSD ETH USD pair | EURUSD EUR USD pair | BTC-PERP BTC PERP pair
#ETH/USDT ETH USDT pair | #SOLUSDT SOL USDT pair | XAUUSD XAU USD pair | #XBTUSD BTC USD pair
Bitcoin BTC - name | #bitcoin BTC - hashtag | Bitcoin's BTC - name | LTCs LTC - symbol
XBT BTC - symbol | BTC BTC - symbol | #ADA ADA - hashtag
BTCUSDT_240927 BTC USDT pair | BTCUSD_PERP BTC USD pair | ETHUSDZ24 ETH USD pair
SOLUSDT.P SOL USDT pair | BTCUSDT-27SEP24 BTC USDT pair | $ESM24 ES - cashtag
ESM24 ES - symbol | es_f ES - symbol | ESP24 ESP24 - symbol | $0700.HK 0700.HK - cashtag
$tcs.bo TCS - cashtag | BTC.D BTC.D - symbol"""


@pytest.mark.parametrize("row", [r.split() for r in SYMBOLS.replace("\n", "|").split("|")])
def test_symbols(row: list[str], assets: Assets) -> None:
    token, symbol, quote, kind = row
    found = symbol_of(token, kind_of(token), assets)
    assert (found.symbol, found.quote, found.kind) == (
        symbol,
        None if quote == "-" else quote,
        kind,
    )


@pytest.mark.parametrize(
    "text", ["moon", "and/or", "TP/SL", "USDT", "12345", "a", "", "BTC", "éé/€"]
)
def test_no_pairs(text: str, assets: Assets) -> None:
    assert split_pair(text, assets) is None


def test_what_could_be_something(assets: Assets) -> None:
    def flags(token: str) -> int:
        return candidate_flags(token, kind_of(token), "", assets)

    for token in ("$BTC", "BTC", "bitcoin", "LINK", "#xrp", "BTCUSDT", "XYZQ"):
        assert flags(token) & TICKER, token
    for token in ("on", "Target", "PROFIT", "#stocks", "a", "!", "61.5k", "https://btc.com"):
        assert not flags(token) & TICKER, token
    for token in ("61.5k", "$10", "67k-69k", "250p", "0.00001234"):
        assert flags(token) & PRICE, token
    for token in ("5%", "20x", "1st", "4h", "6/21", "$25B", "1.2.3", "BTC", "200EMA"):
        assert not flags(token) & PRICE, token
    assert flags("bitcoin") & OPENS
    assert flags("Cash") & FOLLOWS


def test_cues_stand_once() -> None:
    from opgsent import cues

    words = [word for _, listed in cues._CUES for word in listed.split()]
    assert len(words) == len(set(words))
    assert len(CUES) <= 32  # five bits
    assert (CUES[LINE], cue_of("\n")) == ("line", LINE)


def test_everyday_words_are_no_sure_names(assets: Assets) -> None:
    for word in WORDS:
        assert assets.by_name(word) is None or assets.is_doubtful(word), word
    for word in CAPITALS:
        assert all(asset.doubtful_symbol for asset in assets.by_symbol(word)), word
    assert all(topic.startswith("#") and topic == topic.lower() for topic in TOPICS)


# --- whole posts -------------------------------------------------------------------------------


def test_classes() -> None:
    def classes(text: str) -> list[str | None]:
        return [ticker.asset_class for ticker in classify(text).tickers]

    assert classes("$BTC.X") == ["crypto"]
    assert classes("long BTCUSDT") == ["crypto"]
    assert classes("EUR/USD and XAUUSD") == ["fx", "commodity"]
    assert classes("$AAPL looks tired") == ["equity"]
    assert classes("$KLVN looks tired") == [None]  # unknown is None, never a guess


def test_a_class_by_company() -> None:
    both = classify("$SOL and $ADA lead, $AVAX lags").tickers
    assert [t.asset_class for t in both] == ["crypto"] * 3


def test_fit_and_scoring_read_tokens_alike(assets: Assets) -> None:
    text = "Long $ETH at 61.5k (not BTC's) https://x.io @bob\nTP1: 3% 🎯 Bitcoin Cash LFG"
    for table in (table_of(assets), Classifier.bundled()._scorer):
        batch = table.read([text])
        page, ids = batch.page, batch.ids
        counts = page.counts[:, : len(COUNTS)]  # the scorer counts words without a weight, too
        seen = [(page.norms[i], page.flags[i], *counts[i].tolist()) for i in ids.tolist()]
        if table is not Classifier.bundled()._scorer:
            first = seen
    assert seen == first


PAIRS = """USD/#CAD USD CAD | SPKI/mUSDT SPKI USDT | ADT  / BTC ADT BTC | btc usdt BTC USDT
XAUUSDSELL XAU USD | POLY_BTC POLY BTC | USD JPY USD JPY | xau usd XAU USD
link usdt LINK USDT"""


@pytest.mark.parametrize("row", [r.strip() for r in PAIRS.replace("\n", "|").split("|")])
def test_pairs_over_several_tokens(row: str) -> None:
    text, symbol, quote = row.rsplit(" ", 2)
    (found,) = classify(f"{text} is quiet").tickers
    assert (found.symbol, found.quote, found.kind) == (symbol, quote, "pair")
    assert text.startswith(found.text)


@pytest.mark.parametrize(
    "text",
    [
        "USD JPY EUR", "gold in usd eur or gbp", "EUR, USD JPY", "paid 100 USD EUR", "usd try it",
        "EUR usd", "USD USD", "USD", "please link usdt wallet", "link usdt wallet", "usdt",
        "I say link usdc", "SOL\nlink\nusdt to",
    ],
)  # fmt: skip
def test_codes_that_are_no_pair(text: str) -> None:
    assert all(ticker.kind != "pair" for ticker in classify(text).tickers)


def test_user_assets(tmp_path: Path) -> None:
    table = tmp_path / "mine.tsv"
    table.write_text("symbol\tname\tasset_class\nZZQQ\tZed Protocol\tcrypto\n")
    text = "Zed Protocol ships, zed protocol buyers won"
    extractor = Extractor(Assets.load().extended(table), {})
    (spans,) = extractor.read(table_of(extractor.assets).read([text]))
    assert [(t.text, t.symbol, t.asset_class) for t in spans.tickers] == [
        ("Zed Protocol", "ZZQQ", "crypto"),
        ("zed protocol", "ZZQQ", "crypto"),
    ]


def test_rules_alone(assets: Assets) -> None:
    extractor = Extractor(assets, {})
    (spans,) = extractor.read(table_of(assets).read(["$BTC target 70k, IT is fine"]))
    assert [(t.symbol, t.probability) for t in spans.tickers] == [("BTC", 0.95)]
    assert [(v.text, v.role, round(v.probability, 2)) for v in spans.levels] == [
        ("70k", "target", 0.64)
    ]


def test_weights_add_up() -> None:
    text = "LINK marines long LINK at 14.2, Bitcoin support 61.5k, $ETH quiet"
    post = classify(text)
    why = [e for e in Classifier.bundled().explain(text) if e.of == "ticker"]
    assert [e.span for e in why] == [(t.start, t.end) for t in post.tickers]
    for explanation, ticker in zip(why, post.tickers, strict=True):
        assert explanation.label == ticker.symbol
        chance = 1 / (1 + math.exp(-explanation.log_odds))
        assert chance == pytest.approx(ticker.probability, abs=1e-6)
        for part in explanation.contributions:
            assert part.span is None or 0 <= part.span[0] < part.span[1] <= len(text)


ODD = st.text(alphabet=st.sampled_from("$#/-., \n\tBTCUSDkbitco0123456789&;é🚀'’"), max_size=60)


@settings(max_examples=150, deadline=None)
@given(ODD)
def test_offsets_hold(text: str) -> None:
    post = classify(text)
    for spans in (post.tickers, post.levels):
        last = 0
        for span in spans:
            assert last <= span.start < span.end <= len(text)
            assert text[span.start : span.end] == span.text
            assert 0.5 <= span.probability <= 1 or spans is post.levels
            last = span.end


@settings(max_examples=40, deadline=None)
@given(st.lists(ODD, min_size=1, max_size=8))
def test_a_batch_reads_each_post_alike(texts: list[str]) -> None:
    extractor = Classifier.bundled()._extractor
    table = table_of(extractor.assets)
    together = extractor.read(table.read(texts))
    for text, spans in zip(texts, together, strict=True):
        (alone,) = extractor.read(table.read([text]))
        assert [t[:8] for t in alone.tickers] == [t[:8] for t in spans.tickers]
        assert [t.probability for t in alone.tickers] == pytest.approx(
            [t.probability for t in spans.tickers], abs=1e-5
        )
        assert [(v.text, v.value, v.role, v.symbol) for v in alone.levels] == [
            (v.text, v.value, v.role, v.symbol) for v in spans.levels
        ]


# --- the fit -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def some() -> list[LabelledPost]:
    return [p for p in read_corpus(corpora_folder()) if p.split == "train"][:300]


def test_a_fit_is_deterministic_and_small(some: list[LabelledPost], assets: Assets) -> None:
    first, second = (fit_extraction(some, assets, seed=seed) for seed in (0, 1))
    assert sum(array.nbytes for array in first.values()) < 2_000_000
    for name, array in first.items():
        assert name.startswith(("ticker_", "level_"))
        assert array.dtype in (np.float16, np.float32)
        assert np.isfinite(array).all()
        assert np.array_equal(array, second[name])
    texts = ["$BTC support 61.5k", "LINK in bio"]
    extractor = Extractor(assets, first)
    assert len(extractor.read(table_of(assets).read(texts))) == 2


def test_a_fit_needs_spans(assets: Assets) -> None:
    with pytest.raises(ValueError, match="no post has labelled tickers and levels"):
        fit_extraction([LabelledPost("1", "gm", stance="neutral")], assets)


def test_one_post_is_enough(some: list[LabelledPost], assets: Assets) -> None:
    arrays = fit_extraction(some[:1], assets)
    extractor = Extractor(assets, arrays)
    assert len(extractor.read(table_of(assets).read([some[0].text]))) == 1


def test_arrays_of_another_shape_are_refused(some: list[LabelledPost], assets: Assets) -> None:
    arrays = fit_extraction(some[:20], assets)
    with pytest.raises(ValueError, match=r"level_weights \(5, 9\)"):
        Extractor(assets, {**arrays, "level_weights": arrays["level_weights"][:5]})
