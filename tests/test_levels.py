"""Price levels: the table of cases, numbers, shorthand, owners, agreement, time."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opgsent import Classifier, classify, explain, level_views, spans
from opgsent.assembly import locate, owners
from opgsent.collector import paused
from opgsent.numerals import number_of, parts_of, shorthand
from opgsent.prices import Price, resolved
from opgsent.result import ROLES
from opgsent.subjects import passengers
from opgsent.tickers import Found
from test_tickers import cases


@pytest.mark.parametrize("row", cases("levels"))
def test_cases(row: dict[str, Any]) -> None:
    found = [
        {
            "text": v.text, "start": v.start, "end": v.end, "value": v.value, "role": v.role,
            "symbol": v.symbol,
        }
        for v in classify(row["text"]).levels
    ]  # fmt: skip
    assert found == [{**want, "value": Decimal(want["value"])} for want in row["levels"]]


@given(st.integers(0, 2**32))
@pytest.mark.parametrize("codes", [level_views._CODES, spans._CUE_CODES])
def test_codes_of_few_are_those_of_many(codes: spans.Codes, seed: int) -> None:
    numbers = np.random.default_rng(seed).integers(-200, 4096, (codes.terms, spans.FEW + 1))
    numbers[::3] &= 1
    terms = [line.astype(bool) if n % 3 == 0 else line for n, line in enumerate(numbers)]
    many = codes.hashes(terms)
    assert np.array_equal(many[:, :-1], codes.hashes([line[:-1] for line in terms]))


VALUES = """67k 67000 | 67.5K 67500 | 43,250.5 43250.5 | 0,00125 0.00125 | 1.234.567 1234567
.618 0.618 | 3k8 3800 | 1.2M 1200000 | 83.05 83.05 | 0.00001234 0.00001234 | 12,5 12.5
1,000,000 1000000 | 12.345,67 12345.67 | 100 100 | 1.2750 1.2750 | 007 7"""


@pytest.mark.parametrize("row", [r.split() for r in VALUES.replace("\n", "|").split("|")])
def test_values(row: list[str]) -> None:
    (part,) = parts_of(row[0])
    assert part.value == Decimal(row[1])
    assert (part.start, part.end) == (0, len(row[0]))
    assert "E" not in format(part.value, "f")


RANGES = {
    "67k-69k": ["67000", "69000"], "30-40k": ["30000", "40000"], "$3150-$3180": ["3150", "3180"],
    "1-2-3": ["1", "2", "3"], "0.5–0.6": ["0.5", "0.6"],
}  # fmt: skip


@pytest.mark.parametrize("token", RANGES)
def test_ranges(token: str) -> None:
    assert [p.value for p in parts_of(token)] == list(map(Decimal, RANGES[token]))


@pytest.mark.parametrize("token", ["2x4", "1.2.3", "1.2.3.4", "9" * 41, "$", "", "BTC", "12:30"])
def test_no_numbers(token: str) -> None:
    assert parts_of(token) == ()


def test_units() -> None:
    assert [p.unit for p in parts_of("$10")] == ["USD"]
    assert [p.unit for p in parts_of("€10")] == ["EUR"]
    assert [(p.tail, p.end) for p in parts_of("100usdt")] == [("usdt", 3)]
    units = [v.unit for v in classify("$BTC target $70k, stop 61000 USDT, entry 64000").levels]
    assert units == ["USD", "USDT", None]


SHORT = [
    ("0.00000380", "385", "0.00000385"), ("0.00125", "135", "0.00135"), ("0.00031", "26", "0.00026"),
    ("3150", "80", "3180"), ("0.5", "700", None), ("3150", "3180", None), ("64000", "3", None),
    ("0.00031", "0.00036", None), ("12.5", "13", None),
]  # fmt: skip


@pytest.mark.parametrize(("before", "digits", "value"), SHORT)
def test_shorthand(before: str, digits: str, value: str | None) -> None:
    expected = None if value is None else Decimal(value)
    assert shorthand(before, number_of(before), digits) == expected


@pytest.mark.parametrize(
    ("tokens", "symbol", "values"),
    [
        (["3.9", "-", "4k"], "ETH", ["3900", "4000"]),
        (["5.616", "x", "5.743"], "BTC", ["5616", "5743"]),
        (["5.616", "x", "5.743"], "BAND", ["5.616", "5.743"]),
        (["0.00031", "x", "y", "36"], "RQX", ["0.00031", "0.00036"]),
        (["0.00031", "x", "$36"], "RQX", ["0.00031", "36"]),
        (["61.5", "x", "62"], "SOL", ["61.5", "62"]),
        (["1.500", "x", "1300"], "ETH", ["1500", "1300"]),
        (["1.500", "x", "1.6"], "ETH", ["1.5", "1.6"]),
        (["1.500"], "ETH", ["1500"]),
        (["2.340", "x", "2.365"], "XAU", ["2340", "2365"]),
        (["0.95", "x", "y", "60"], "RQX", ["0.95", "60"]),
        (["0.95", "-", "98"], "RQX", ["0.95", "0.98"]),
    ],
)
def test_resolved(tokens: list[str], symbol: str, values: list[str]) -> None:
    numbers = [(i, parts_of(token)[0]) for i, token in enumerate(tokens) if parts_of(token)]
    prices = [Price(part, i, symbol) for i, part in numbers]
    assert resolved(prices, tokens.__getitem__) == list(map(Decimal, values))


def test_against_bitcoin_a_dot_parts_decimals() -> None:
    prices = [Price(parts_of("1.045")[0], 0, "ETH")]
    assert resolved(prices, str, {"ETH"}) == [Decimal("1.045")]
    assert resolved(prices, str) == [Decimal(1045)]


NO_PRICES = {
    "fib retracement on $LINK: 0.382 at 14.2, 0.5 at 13.1, 0.618 at 12.4": ["14.2", "13.1", "12.4"],
    "$LINK 14.20 at the 0.5 retrace": ["14.20"],
    "$LINK hit 0.5 retrace to 0.45": ["0.5", "0.45"],
    "$LINK broke the fib, 0.5 is next": ["0.5"],
    "$SOL 150 entry, 40 lots of SOL": ["150"],
    "fib 0.5": [],
}


@pytest.mark.parametrize("text", NO_PRICES)
def test_ratios_and_counts_are_no_prices(text: str) -> None:
    assert [v.text for v in classify(text).levels] == NO_PRICES[text]


def tag(symbol: str, place: int = 0, kind: str = "cashtag", subject: bool = True) -> Found:
    return Found(symbol, 0, 0, symbol, None, kind, None, subject, 1.0, place)


def test_owners() -> None:
    btc, eth = tag("BTC", 2), tag("ETH", 8)
    assert owners([btc, eth], [0, 0], [5], [0]) == ["BTC"]  # between two: the one before
    assert owners([btc, eth], [0, 1], [5], [1]) == ["ETH"]  # its line names only the one behind
    assert owners([btc, eth], [0, 0], [1], [0]) == ["BTC"]  # none before
    assert owners([btc, eth], [0, 1], [9], [2]) == ["ETH"]
    assert owners([tag("SPY", 2, subject=False), eth], [0, 0], [5], [0]) == ["ETH"]
    row = [tag("SPY", 1), tag("ES", 2), tag("SPX", 3)]
    assert owners(row, [0, 0, 0], [9], [1]) == ["SPY"]  # a row of tags: its first


def test_passengers() -> None:
    ours, btc, eth = tag("KLVN"), tag("BTC"), tag("ETH")
    row = [False, True, True]
    assert passengers([ours, btc, eth], row, False, 5) == {"BTC", "ETH"}
    assert passengers([btc, eth], [True, True], True, 4) == set()  # tags are all it has
    assert passengers([ours, btc, eth], [True] * 3, True, 40) == {"BTC", "ETH"}
    assert passengers([ours, btc], [False, True], False, 5) == set()  # "... and short $BTC"
    assert passengers([ours, tag("BTC", kind="name"), eth], row, False, 5) == {"ETH"}


def test_locate() -> None:
    assert locate("a BTC BTC", "BTC", 0, 4, True) == 6
    assert locate("1 3 3", "3", 0, 2, True) == 4
    assert locate("a\tBTC\u3000BTC", "BTC", 0, 4, False) == 6
    assert locate("WBTC     BTC", "BTC", 0, 4, True) == 9


# --- roles --------------------------------------------------------------------------------------


def test_a_list_shares_its_role() -> None:
    post = classify("$SPY targets: 441, 444.5, 448, 452, 455")
    assert {v.role for v in post.levels} == {"target"}
    assert len(post.levels) == 5


def test_weights_add_up() -> None:
    text = "Long ETHUSDT entry 3150-3180, TP1 3320 TP2 3450, SL 3090, 10x"
    post = classify(text)
    why = [e for e in Classifier.bundled().explain(text) if e.of == "level"]
    assert [e.span for e in why] == [(v.start, v.end) for v in post.levels]
    for explanation, level in zip(why, post.levels, strict=True):
        assert explanation.label == level.role
        assert explanation.log_odds > 0  # against the next best role
        said = " ".join(part.feature for part in explanation.contributions)
        assert {"target": "TP", "entry": "entry", "stop": "SL"}[level.role] in said


def test_probabilities() -> None:
    for level in classify("$BTC support 61.5k, resistance 64k, 20x, target 70k").levels:
        assert 0 < level.probability <= 1
        assert level.role in ROLES


# --- time ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "piece",
    [
        "$BTC 61.5k ",
        "0.00001234 - 385 / ",
        "bitcoin cash ",
        "1,",
        "$$$",
        "TP1 1 ",
        "\n5",
        "fib 0.5 / ",
    ],
)
def test_long_posts_take_linear_time(piece: str) -> None:
    model = Classifier.bundled()
    times = []
    for size in (25_000, 100_000):
        text = (piece * (size // len(piece) + 1))[:size]
        model.classify(text)
        times.append(min(_timed(model, text) for _ in range(3)))
    assert times[1] < 2.0  # seconds; the bar of a second is for a machine that does nothing else
    assert times[1] < 10 * max(times[0], 0.005)  # four times the length


def _timed(model: Classifier, text: str) -> float:
    """Without the collector, which goes through all that pytest holds."""
    with paused():
        begin = time.process_time()
        model.classify(text)
        return time.process_time() - begin


RULES = {
    "$BTC has fallen to the low of 61.2k": ("last", "rule: where the price went"),
    "ETH may rally to 3,900 from here": ("target", "rule: where the price may go"),
    "$FLOKI R1: 0.000182": ("resistance", "rule: its label"),
    "$FLOKI E1: 0.000171": ("entry", "rule: its label"),
    "#ATOM holds above 9.80": ("support", "rule: phrase around it"),
    "$SPY demand zones: 460, 457": ("support", "rule: heading of its list"),
    "$QRS 135c": ("strike", "rule: written as a strike"),
    "$QRS calls above 151.70": ("entry", "rule: trigger of an option"),
}


@pytest.mark.parametrize("text", RULES)
def test_a_rule_names_itself_in_the_explanation(text: str) -> None:
    role, name = RULES[text]
    why = [w for w in explain(text) if w.of == "level"][-1]
    assert why.label == role
    assert [c.weight > 0 for c in why.contributions if c.feature == name] == [True]
