"""The contract of classify, classify_many and explain, on the bundled model."""

from __future__ import annotations

import gc
import json
import os
import pickle
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Context, Decimal, ExtendedContext, localcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import opgsent
from opgsent import Classifier, Post, classify, classify_many, explain
from opgsent.collector import paused
from opgsent.features import COUNTERS
from opgsent.linear import COLUMNS
from opgsent.reading import TokenTable
from opgsent.result import ASSET_CLASSES, LABELS, ROLES, TICKER_KINDS, Verdict

BUNDLED = Classifier.bundled()

CASES = [
    json.loads(line)
    for line in (Path(__file__).parent / "cases" / "verdicts.jsonl").read_text().splitlines()
]


def check(post: Post, text: str) -> None:
    """Everything that holds of any answer."""
    assert post.text == text
    for name, verdict in (("stance", post.stance), ("style", post.style)):
        assert isinstance(verdict, Verdict)
        assert set(verdict.probabilities) == set(LABELS[name])
        assert sum(verdict.probabilities.values()) == pytest.approx(1, abs=1e-9)
        assert verdict.probabilities[verdict.label] == max(verdict.probabilities.values())
        assert -1 <= verdict.score <= 1
    last = 0
    for ticker in post.tickers:
        assert text[ticker.start : ticker.end] == ticker.text and ticker.text
        assert ticker.start >= last
        assert ticker.kind in TICKER_KINDS and ticker.asset_class in (None, *ASSET_CLASSES)
        assert 0 <= ticker.probability <= 1 and ticker.symbol == ticker.symbol.upper()
        last = ticker.end
    known = {ticker.symbol for ticker in post.tickers}
    for level in post.levels:
        assert text[level.start : level.end] == level.text and level.text
        assert isinstance(level.value, Decimal) and level.value.is_finite()
        assert level.role in ROLES and level.symbol in (None, *known)
    json.dumps(post.to_dict())
    assert pickle.loads(pickle.dumps(post)) == post


@pytest.mark.parametrize("case", CASES, ids=[case["why"] for case in CASES])
def test_posts(case: dict[str, str], request: pytest.FixtureRequest) -> None:
    if case.get("known_failure"):
        request.applymarker(pytest.mark.xfail(strict=True, reason=case["known_failure"]))
    post = classify(case["text"])
    assert post.stance and post.style
    for name, verdict in (("stance", post.stance), ("style", post.style)):
        if name in case:
            assert verdict.label == case[name], verdict.probabilities


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=80))
def test_any_string_has_an_answer(text: str) -> None:
    check(classify(text), text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n",
        "🚀🚀🚀",
        "漢字の投稿",
        "Курс растёт",
        "\ud800 lone",
        "&lt;&gt;&amp;#x41;",
        "\x00\x1b[31m",
        "$",
        "١٢٣",
        "$BTC bounced at 60k²",
        "3k³ 60k₅ 60k①",
    ],
)
def test_strange_strings(text: str) -> None:
    check(classify(text), text)
    assert explain(text)


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "$A ",
        "1",
        "1.",
        "1,",
        "1-",
        "k1",
        "🚀",
        "👍🏽",
        "@a",
        "#a",
        "&amp;",
        "/USDT ",
        "BTC/",
        "TP1 ",
        "\n",
        "$BTC 1k ",
        "$BTC at 61500, $ETH near 2500. ",
        "not ",
        "ж",
        "１",
        "٣",
        "1１",
        "\r\n€1 ",
        "1.not not \t",
        "12,34,",
        "0.0{",
        "0.0₅1 ",
        "1'000'",
        "SL138 TP151 ",
        "supports ✅ 66k ",
        "118 sats BTC ETH ",
        "❶",
        "❶a",
    ],
)
def test_hundred_thousand_characters_in_a_second(piece: str) -> None:
    text = (piece * 100_000)[:100_000]
    classify(piece)
    started = time.process_time()
    post = classify(text)
    assert time.process_time() - started < 1.5  # a second on an idle machine
    check(post, text)


@pytest.mark.parametrize("piece", ["A.B", "BTC ETH SOL ", "200c ", "<60k", "🚀"])
def test_reasons_take_linear_time(piece: str) -> None:
    explain(piece)
    spent = []
    for size in (5_000, 20_000):
        started = time.process_time()
        explain((piece * size)[:size])
        spent.append(time.process_time() - started)
    assert spent[1] < 8 * spent[0] + 0.5, spent


def test_a_million_reasons_in_seconds() -> None:
    started = time.process_time()
    reasons = explain("buy at 60k " * 9_500)
    assert time.process_time() - started < 2.5  # 1.1 on an idle machine
    assert sum(len(why.contributions) for why in reasons) > 1_000_000


def test_reasons_name_what_stands_there() -> None:
    text = "R&amp;D: $BTC lost 61.5k, ETH &gt; 2,500 next stop 58,200"
    named = 0
    for why in explain(text)[2:]:
        if why.of == "level":
            assert why.span is not None and text[slice(*why.span)] in ("61.5k", "2,500", "58,200")
        for part in why.contributions:
            view, _, token = part.feature.partition(": ")
            if part.span not in (None, why.span) and "&" not in text[slice(*part.span)]:
                assert view[-2] in "+-" and text[slice(*part.span)] == token, part
                named += 1
    assert named > 50


@pytest.mark.parametrize(
    "text",
    [
        "", " \n", "asdkjh qwoieu", "Биткоин растет, покупаю на все деньги", "비트코인 폭락 다 팔았다",
        "比特币要涨到十万", "harga bitcoin turun terus, jual semua sekarang",
    ],
)  # fmt: skip
def test_what_it_cannot_read_it_is_not_sure_of(text: str) -> None:
    post = classify(text)
    assert post.stance and post.style
    assert (post.stance.sure, post.style.sure) == (False, False)


def test_company_does_not_make_a_post_foreign() -> None:
    posts = list(classify_many(["зачем ты это купил", "buying more bitcoin today, so bullish 🚀"]))
    assert [post.stance.sure for post in posts if post.stance] == [False, True]


@pytest.mark.parametrize("behind", ["", " x.", "\n5"])
def test_thousands_of_tickers_in_a_second(behind: str) -> None:
    letters = "ABCDEFGHIJKLMNOPQRST"
    tags = " ".join(f"${a}{b}{c}" for a in letters for b in letters for c in letters)
    text = (tags + "\n" + behind * 20_000)[:100_000]
    started = time.process_time()
    post = classify(text)
    assert time.process_time() - started < 1.5  # a second on an idle machine
    assert len(post.tickers) == len(letters) ** 3


@pytest.mark.parametrize("wrong", [None, float("nan"), 3, b"text", ["a"]])
def test_what_is_no_text_is_an_error_that_names_it(wrong: object) -> None:
    with pytest.raises(TypeError, match=type(wrong).__name__):
        classify(wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=type(wrong).__name__):
        explain(wrong)  # type: ignore[arg-type]


def test_missing_values_are_rows_with_empty_verdicts() -> None:
    pd = pytest.importorskip("pandas")
    missing: list[Any] = [None, float("nan"), np.float64("nan"), pd.NA, pd.NaT]
    posts = list(classify_many(["gm", *missing, "gm"]))
    assert [post.stance is None for post in posts] == [False, *[True] * 5, False]
    assert posts[1].to_dict() == {
        "text": None, "stance": None, "style": None, "tickers": [], "levels": [],
    }  # fmt: skip
    with pytest.raises(TypeError, match="text 1 is int"):
        list(classify_many(["gm", 3]))  # type: ignore[list-item]
    for table in ({"text": ["up"]}, pd.DataFrame({"text": ["up"]})):
        with pytest.raises(TypeError, match="score_frame"):
            classify_many(table)
    with pytest.raises(TypeError, match="many texts"):
        classify_many("gm")


def test_answers_do_not_depend_on_company() -> None:
    texts = [case["text"] for case in CASES]
    alone = [classify(text) for text in texts]
    together = list(classify_many(texts))
    assert alone == together  # to the last bit
    assert alone == list(classify_many(texts[::-1]))[::-1]


def test_an_iterator_in_and_out() -> None:
    taken = 0

    def endless() -> object:
        nonlocal taken
        while True:
            taken += 1
            yield "gm"

    first = next(iter(classify_many(endless())))  # type: ignore[arg-type]
    assert first.text == "gm" and taken <= 2048


def test_from_any_thread_at_once() -> None:
    texts = [f"$SYM{i} above {i}.5k support {i}" for i in range(300)]
    expected = [post.to_dict() for post in Classifier.load(_bundled()).classify_many(texts)]
    model = Classifier.load(_bundled())
    found: dict[int, list[dict[str, object]]] = {}

    def work(number: int) -> None:
        found[number] = [model.classify(text).to_dict() for text in texts]

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for answers in found.values():
        for one, other in zip(answers, expected, strict=True):
            assert one["levels"] == other["levels"] or len(one["levels"]) == len(other["levels"])  # type: ignore[arg-type]
            assert one["stance"]["label"] == other["stance"]["label"]  # type: ignore[index]


def _bundled() -> Path:
    return Path(opgsent.__file__).parent / "data" / "model"


def test_two_processes_answer_as_one() -> None:
    texts = [case["text"] for case in CASES] * 3
    one = [post.stance.label for post in classify_many(texts) if post.stance]
    two = [post.stance.label for post in classify_many(texts, jobs=2) if post.stance]
    assert one == two


def test_users_own_assets(tmp_path: Path) -> None:
    table = tmp_path / "assets.tsv"
    table.write_text("symbol\tname\tasset_class\nZQZQ\tZorblax Coin\tcrypto\n")
    model = Classifier.load(_bundled(), assets=table)
    assert [t.symbol for t in model.classify("zorblax coin is up, buying more").tickers] == ["ZQZQ"]
    assert not classify("zorblax coin is up, buying more").tickers


def test_users_own_assets_go_before_coins_and_metals(tmp_path: Path) -> None:
    table = tmp_path / "assets.tsv"
    rows = "ETH\tEthan Allen\tequity\nGOLD\tGold.com\tequity\n"
    table.write_text(f"symbol\tname\tasset_class\n{rows}")
    model = Classifier.load(_bundled(), assets=table)

    def read(text: str) -> list[tuple[str, str | None]]:
        return [(t.symbol, t.asset_class) for t in model.classify(text).tickers]

    for text in ("$ETH up 3% after earnings", "ETH up 3%", "#ETH up", "ethan allen up 3%"):
        assert read(text) == [("ETH", "equity")], text
    assert read("GOLD up 3%") == [("GOLD", "equity")]
    # the other names of what is in the bundled table, and a quote that only coins have
    assert read("Ethereum up 3%") == read("ETH/USDT up 3%") == [("ETH", "crypto")]
    assert read("gold up 3%") == [("XAU", "commodity")]
    assert read("$BTC up 3%") == [("BTC", "crypto")]
    assert [t.asset_class for t in classify("$ETH up 3%").tickers] == ["crypto"]


def test_two_views_in_one_post() -> None:
    post = classify(
        "$BTC looks strong, buying every dip and holding. $ETH is dead, dumping it all to zero"
    )
    views = {ticker.symbol: ticker.stance for ticker in post.tickers}
    assert views["BTC"] and views["ETH"]
    assert views["BTC"].score > views["ETH"].score + 0.3


def test_a_fresh_process_answers_soon_and_loads_no_heavy_library() -> None:
    code = (
        "import time\n"
        "import opgsent; opgsent.classify('$BTC lost 61.5k')\n"
        "took = time.process_time()\n"
        "import sys; heavy = {'nltk', 'sklearn', 'pandas', 'scipy', 'pyarrow'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "print(took)"
    )
    took = min(
        float(
            subprocess.run(
                [sys.executable, "-c", code], capture_output=True, text=True, check=True
            ).stdout
        )
        for _ in range(3)
    )
    assert took < 0.6  # seconds of a core, the interpreter's own start among them


@pytest.mark.parametrize("on", [True, False])
def test_the_collector_is_left_as_it_was(on: bool) -> None:
    """Held off inside a batch, by whichever thread; a batch that fails lets go of it, too."""
    before = gc.isenabled()
    (gc.enable if on else gc.disable)()
    try:
        texts = ["$BTC above 61.5k", "gm"] * 300
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda n: len(list(classify_many(texts[:n]))), range(1, 41)))
        assert answers == list(range(1, 41))
        assert gc.isenabled() is on
        with pytest.raises(ZeroDivisionError), paused():
            1 / 0  # noqa: B018
        assert gc.isenabled() is on
    finally:
        (gc.enable if before else gc.disable)()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("9" * 26 + "k", None),
        ("$BTC target " + "1" * 26 + "m", None),
        ("$BTC 1,234,234,234,234,234,234,234,234,234k", "1234234234234234234234234234000"),
        ("$BTC at 0.1234567890123456789012345678901k", "123.4567890123456789012345678901"),
        ("$BTC 3k8", "3800"),
    ],
)
def test_values_are_exact_whatever_the_context_of_decimals(text: str, value: str | None) -> None:
    for context in (Context(prec=3), ExtendedContext, Context(prec=99)):
        fresh = Classifier(BUNDLED.arrays, BUNDLED.card, BUNDLED.assets)
        with localcontext(context):
            levels = fresh.classify(text).levels
            fresh.explain(text)
        assert [format(level.value, "f") for level in levels] == ([value] if value else [])


def test_posts_verdicts_and_tickers_can_be_kept_in_sets() -> None:
    one, two = classify("$BTC lost 61.5k"), classify("$BTC lost 61.5k")
    assert (
        len({one, two}) == len({one.stance, two.stance}) == len({*one.tickers, *two.tickers}) == 1
    )


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_process_forked_beside_a_scoring_thread_works() -> None:
    """Neither its collector nor a lock waits for a thread that is not there."""
    code = """if True:
        import gc, os, threading, time
        from opgsent import classify_many
        texts = ("$BTC word%d at %d" % (i, i) for i in range(1_000_000))
        posts = classify_many(texts)
        next(posts)
        thread = threading.Thread(target=lambda: [None for _ in posts], daemon=True)
        thread.start()
        for _ in range(5):
            time.sleep(0.05)
            child = os.fork()
            if not child:
                list(classify_many(["gm", "a new word"]))
                os._exit(0 if gc.isenabled() else 7)
            print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        os._exit(0)
        """
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert said.stdout.split() == ["0"] * 5


def test_no_lock_of_before_a_fork_is_waited_for() -> None:
    """``locked()`` of a lock says no while a thread is being let in, so it is always a new one."""
    table = Classifier.bundled()._scorer._tokens
    before, page = table._lock, table._page
    table.after_fork()
    assert table._lock is not before
    assert table._page is page  # nobody was inside
    with table._lock:
        table.after_fork()
    assert table._page is not page
    sources = Path(opgsent.__file__).parent.rglob("*.py")
    assert not any("import cached_property" in file.read_text("utf-8") for file in sources)


def test_a_token_that_a_late_thread_adds_to_the_old_page_is_not_lost() -> None:
    bundled = Classifier.bundled()
    fresh = Classifier(bundled.arrays, bundled.card, bundled.assets)
    table = fresh._scorer._tokens = TokenTable(fresh._scorer._describe, COUNTERS, COLUMNS, 5)
    fresh.classify("a b c d")
    fresh.classify("x")  # the next page has begun
    old = table._page.before
    assert old is not None

    class Late(dict[str, int]):
        """A thread that still reads with the old page adds what was just not found there."""

        def __contains__(self, token: object) -> bool:
            found = super().__contains__(token)
            self.setdefault(str(token), 1)
            return found

        def get(self, token: str, default: Any = None) -> Any:
            found = super().get(token, default)
            self.setdefault(token, 1)
            return found

    old.numbers = Late(old.numbers)
    assert fresh.classify("a zebra").to_dict() == bundled.classify("a zebra").to_dict()
