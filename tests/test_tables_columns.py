"""The score columns: names, values, cells that are safe in a spreadsheet, and their fast forms."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opgsent.errors import InputError
from opgsent.result import MISSING, ROLES, STANCES, STYLES, Level, Post, Ticker, Verdict
from opgsent.tables.columns import ITEM, SPANS, SURE, VERDICTS, Columns, four, guarded, unknown
from opgsent.tables.dialect import Dialect
from opgsent.tables.render import CellRender, JsonRender
from tables_fake import FakeClassifier

POST = FakeClassifier().classify("$SOL over 142.1 and $ETH, $SOL again")


def verdicts(labels: tuple[str, ...], poles: tuple[str, str]) -> st.SearchStrategy[Verdict]:
    weights = st.lists(st.floats(0, 1), min_size=3, max_size=3).filter(lambda w: sum(w) > 0.01)

    def build(w: list[float], sure: bool) -> Verdict:
        p = {label: x / sum(w) for label, x in zip(labels, w, strict=True)}
        return Verdict(max(p, key=lambda k: p[k]), p, p[poles[0]] - p[poles[1]], sure)

    return st.builds(build, weights, st.booleans())


stances = verdicts(STANCES, ("bullish", "bearish"))
names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
tickers = st.builds(
    Ticker, names, st.integers(0, 9), st.integers(9, 99), names, st.none() | names,
    st.just("cashtag"), st.none() | st.just("crypto"), st.booleans(), st.none() | stances,
    st.floats(0, 1),
)  # fmt: skip
levels = st.builds(
    Level, names, st.integers(0, 9), st.integers(9, 99),
    st.decimals(-1000, 10**9, allow_nan=False), st.none() | st.just("USD"),
    st.sampled_from(ROLES), st.none() | names, st.floats(0, 1),
)  # fmt: skip
posts = st.builds(
    Post, st.just("text"), stances, verdicts(STYLES, ("hype", "analytical")),
    st.lists(tickers, max_size=3).map(tuple), st.lists(levels, max_size=3).map(tuple),
)  # fmt: skip


def read(cells: str, dialect: Dialect) -> list[str]:
    return next(csv.reader(io.StringIO(cells, newline=""), delimiter=dialect.delimiter))


@given(posts, st.sampled_from([Dialect(), Dialect(";"), Dialect("\t"), Dialect(".")]))
def test_the_fast_cells_are_the_cells_of_columns(post: Post, dialect: Dialect) -> None:
    (fast,) = CellRender(Columns(), dialect)(post)
    (cells,) = Columns().cells(post)
    assert read(fast, dialect) == ["", *cells]


@given(posts, st.sampled_from(["", "x%s_", '"']))
def test_the_fast_json_is_the_values_of_columns(post: Post, prefix: str) -> None:
    columns = Columns(prefix=prefix)
    (fast,) = JsonRender(columns)(post)
    (values,) = columns.values(post)
    assert list(json.loads("{" + fast).items()) == list(zip(columns.titles, values, strict=True))


@given(posts)
def test_no_text_cell_of_ours_is_a_formula(post: Post) -> None:
    numbers = {"item_start", "item_end", "item_probability"}
    for columns in (Columns(), Columns.choose(long=True)):
        for cells in columns.cells(post):
            for name, cell in zip(columns.names, cells, strict=True):
                if not name.startswith("p_") and "_score" not in name and name not in numbers:
                    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_formulas_are_escaped(cell: str) -> None:
    assert guarded(cell) == "'" + cell


def test_default_columns_are_those_of_the_contract() -> None:
    assert Columns.choose().titles == (
        "stance", "stance_score", "p_bullish", "p_bearish", "p_neutral", "style", "style_score",
        "p_analytical", "p_hype", "p_other", "tickers", "levels",
    )  # fmt: skip


def test_cells_of_a_post() -> None:
    (cells,) = Columns.choose(["stance", "p_neutral", "tickers", "levels"]).cells(POST)
    assert cells == ["bullish", "0.1200", "SOL ETH", "_:support:142.1"]


def test_values_have_four_decimals_and_no_minus_zero() -> None:
    verdict = Verdict("neutral", dict.fromkeys(STANCES, 1 / 3), -0.00001, False)
    style = Verdict("other", dict.fromkeys(STYLES, 1 / 3), -0.00004, False)
    post = replace(POST, stance=verdict, style=style, tickers=(), levels=())
    expected = ",neutral,0.0000,0.3333,0.3333,0.3333,other,0.0000,0.3333,0.3333,0.3333,,"
    assert CellRender(Columns(), Dialect())(post) == [expected]
    assert str(four(-0.00001)) == "0.0"


def test_a_level_is_written_in_full() -> None:
    level = Level("3E", 0, 2, Decimal("3E-5"), "BTC", "target", "PEPE", 1.0)
    (cells,) = Columns.choose(["levels"]).cells(replace(POST, levels=(level,)))
    assert cells == ["PEPE:target:0.00003"]


def test_a_missing_post_has_no_answer_at_all() -> None:
    for names in (VERDICTS + SPANS + SURE, SPANS):
        columns = Columns.choose(names)
        assert columns.values(MISSING) == [[None] * len(names)]
        assert columns.cells(MISSING) == [[""] * len(names)]
    assert CellRender(Columns(), Dialect()).empty == "," * 12
    assert set(json.loads("{" + JsonRender(Columns()).empty).values()) == {None}


def test_an_empty_post_has_an_answer_and_no_tickers() -> None:
    (values,) = Columns.choose(["stance", "tickers"]).values(FakeClassifier().classify(""))
    assert values == ["bullish", []]


def test_sure_comes_before_the_spans_and_not_twice() -> None:
    assert Columns.choose(sure=True).names == VERDICTS + SURE + SPANS
    assert Columns.choose(["stance_sure"], sure=True).names == ("stance_sure", "style_sure")
    (cells,) = Columns.choose(["stance_sure"]).cells(POST)
    assert cells == ["true"]


def test_long_gives_a_row_per_ticker_or_level_in_the_order_of_the_text() -> None:
    columns = Columns.choose(["stance", *ITEM[:5]], long=True)
    assert columns.cells(POST) == [
        ["bullish", "ticker", "$SOL", "0", "4", "SOL"],
        ["bullish", "level", "142.1", "10", "15", ""],
        ["bullish", "ticker", "$ETH", "20", "24", "ETH"],
        ["bullish", "ticker", "$SOL", "26", "30", "SOL"],
    ]
    assert columns.cells(MISSING) == [[""] * 6]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"names": ["stanze"]}, "no score column 'stanze', did you mean 'stance'"),
        ({"names": ["stance", "stance"]}, "'stance' is asked for twice"),
        ({"names": []}, "no score column is asked for"),
        ({"names": [5]}, "no score column '5'. There is: 'stance'"),
        ({"names": ["tickers"], "long": True}, "no score column 'tickers'"),
        ({"prefix": "=x"}, "would make a formula"),
        ({"prefix": "a\nb"}, "break a line"),
    ],
)
def test_what_cannot_be_asked_for(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Columns.choose(**options)


def test_arguments_of_another_kind_are_named() -> None:
    with pytest.raises(TypeError, match="columns is 5; give a list of names, such as"):
        Columns.choose(5)  # type: ignore[arg-type]
    for prefix in (None, 3, b"x"):
        with pytest.raises(TypeError, match=f"prefix is {prefix!r}, not a str; leave it out"):
            Columns.choose(prefix=prefix)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("known", "guess"),
    [
        (["id", "cleaned_text"], "cleaned_text"),
        (["text_clean", "title"], "text_clean"),
        (["tweet_id", "tweet_content"], "tweet_content"),
        (["full_text", "Text ", "post"], "Text "),
        (["post_title", "Post_Body"], "Post_Body"),
        (["text_len", "textLang", "msg"], "msg"),
        (["tweetId", "tweetText", "content_type"], "tweetText"),
        (["Datum", "Nachricht"], "Nachricht"),
        (["post_id", "created_at", "message-count"], None),
    ],
)
def test_the_guess_at_the_column_of_posts(known: list[str], guess: str | None) -> None:
    found = re.search("did you mean '(.*?)'", str(unknown("column", "text", known)))
    assert (found and found[1]) == guess


def test_a_clash_names_the_columns_and_the_way_out() -> None:
    with pytest.raises(InputError, match=r"has the columns 'levels', 'stance'; .*--prefix"):
        Columns().check_free(["stance", "text", "levels"], "posts.csv")
    Columns(prefix="x_").check_free(["stance"], "posts.csv")
