"""score_frame: row i answers row i, whatever the index, the dtypes and the order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import opgsent
from opgsent.errors import InputError
from opgsent.tables import score_frame
from tables_fake import FakeClassifier

FAKE = FakeClassifier()
POSTS = ["$A up 5", None, "", "ab"]
LABELS = ["bearish", None, "bullish", "neutral"]


def labels(scored: pd.DataFrame, column: str = "stance") -> list[str | None]:
    return [None if pd.isna(label) else label for label in scored[column]]


def everything() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "n": pd.array([1, None, 3, 4], "Int64"),
            "text": POSTS,
            "when": pd.date_range("2024-11-03", periods=4, freq="h", tz="America/New_York"),
            "kind": pd.Categorical(["x", "y", "x", None]),
            "half": np.array([1, 2, 3, 4], np.float16),
            "any": [object(), 1, "x", [2]],
            7: [True, False, True, False],
        },
        index=pd.Index(["b", "a", "b", None], name="key"),
    )


def test_the_frame_is_copied_and_kept() -> None:
    frame = everything()
    before = frame.copy(deep=True)
    scored = score_frame(frame, classifier=FAKE)
    pd.testing.assert_frame_equal(frame, before)
    pd.testing.assert_frame_equal(scored[list(frame.columns)], frame)
    assert scored is not frame
    assert labels(scored) == LABELS
    assert list(scored.columns)[7:] == [
        "stance", "stance_score", "p_bullish", "p_bearish", "p_neutral", "style", "style_score",
        "p_analytical", "p_hype", "p_other", "tickers", "levels",
    ]  # fmt: skip
    scored.loc["a", "n"] = 99
    pd.testing.assert_frame_equal(frame, before)


def test_a_missing_post_has_missing_scores() -> None:
    scored = score_frame(everything(), classifier=FAKE, sure=True)
    assert scored.iloc[1, 7:].isna().all()
    assert not scored.iloc[[0, 2, 3], 7:].isna().any().any()


def test_values_are_those_of_files() -> None:
    row = score_frame(everything(), classifier=FAKE).iloc[0]
    post = FAKE.classify("$A up 5")
    assert row["p_bearish"] == 0.47 and row["p_bullish"] == 0.265
    assert row["tickers"][0]["symbol"] == "A"
    assert row["levels"] == [post.levels[0].to_dict()]
    flat = score_frame(everything(), classifier=FAKE, flat=True)
    assert labels(flat, "tickers") == ["A", None, "", ""]
    assert labels(flat, "levels") == ["_:support:5", None, "", ""]


@pytest.mark.parametrize("posts", [POSTS, [], [None, None]], ids=["some", "none", "missing"])
def test_dtypes_do_not_depend_on_the_rows(posts: list[Any]) -> None:
    frame = pd.DataFrame({"text": pd.Series(posts, dtype=object)})
    scored = score_frame(frame, classifier=FAKE, sure=True)
    string = pd.Series(["x"]).dtype
    assert scored["text"].dtype == object
    assert scored["stance"].dtype == scored["style"].dtype == string
    assert scored["p_hype"].dtype == scored["stance_score"].dtype == "float64"
    assert scored["stance_sure"].dtype == "boolean"
    assert scored["tickers"].dtype == object


@pytest.mark.parametrize(
    "dtype",
    [
        *("object", "str", "string", "string[python]", "category"),
        pd.ArrowDtype(pa.string()),
        pd.ArrowDtype(pa.large_string()),
    ],
    ids=str,
)
def test_any_dtype_of_text_will_do(dtype: Any) -> None:
    frame = pd.DataFrame({"text": pd.Series(POSTS, dtype=dtype)})
    scored = score_frame(frame, classifier=FAKE)
    assert scored["text"].dtype == frame["text"].dtype
    assert labels(scored) == LABELS


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, pd.NaT], ids=str)
def test_every_missing_value_is_missing(missing: Any) -> None:
    frame = pd.DataFrame({"text": pd.Series(["ab", missing], dtype=object)})
    assert labels(score_frame(frame, classifier=FAKE)) == ["neutral", None]


def test_a_column_of_nothing_but_missing_numbers_is_missing() -> None:
    assert labels(score_frame(pd.DataFrame({"text": [np.nan]}), classifier=FAKE)) == [None]


def test_a_series_is_a_frame_of_one_column() -> None:
    series = pd.Series(POSTS, index=[3, 1, 1, 0], name="tweet")
    scored = score_frame(series, classifier=FAKE)
    assert list(scored.columns[:2]) == ["tweet", "stance"]
    assert list(scored.index) == [3, 1, 1, 0]
    assert labels(scored) == LABELS
    assert list(score_frame(pd.Series(["ab"]), classifier=FAKE).columns[:1]) == ["text"]
    assert list(score_frame(pd.Series(["ab"]), "post", classifier=FAKE).columns[:1]) == ["post"]


@pytest.mark.parametrize("name", [("a", "b"), float("nan"), 7, pd.NaT], ids=str)
def test_a_series_may_have_any_name(name: Any) -> None:
    scored = score_frame(pd.Series(POSTS, name=name), classifier=FAKE)
    assert scored.columns[0] is name and scored.columns.nlevels == 1
    assert labels(scored) == LABELS


def test_indexes_of_several_levels_are_kept() -> None:
    index = pd.MultiIndex.from_tuples([("a", 1), ("a", 1), ("b", 2), ("c", 3)], names=["x", "y"])
    scored = score_frame(pd.DataFrame({"text": POSTS}, index=index), classifier=FAKE)
    assert scored.index.equals(index)
    assert labels(scored) == LABELS


@given(st.lists(st.none() | st.text(max_size=20), max_size=30), st.randoms())
def test_every_row_answers_itself(posts: list[str | None], random: Any) -> None:
    order = list(range(len(posts)))
    random.shuffle(order)
    frame = pd.DataFrame({"text": pd.Series(posts, dtype=object)}).iloc[order]
    scored = score_frame(frame, classifier=FAKE)
    expected = [None if (post := posts[at]) is None else FAKE.classify(post).stance for at in order]
    assert labels(scored) == [None if v is None else v.label for v in expected]
    assert list(scored.index) == order


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pd.DataFrame({"text": ["ab", 5]}, index=["x", "y"]), r"row 1 \(index 'y'\) .* int 5, not"),
        (pd.DataFrame({"text": [b"ab"]}), "is bytes b'ab', not text"),
        (pd.DataFrame({"tweet": ["ab"]}), "no column 'text', did you mean 'tweet'"),
        (pd.DataFrame([["a", "b"]], columns=["text", "text"]), "several columns 'text'"),
        (pd.DataFrame({"text": ["ab"], "stance": [1]}), r"has the column 'stance'.*prefix"),
        (pd.DataFrame({("text", "x"): ["ab"]}), "column labels of several levels; flatten"),
    ],
)  # fmt: skip
def test_frames_that_cannot_be_read(frame: pd.DataFrame, message: str) -> None:
    with pytest.raises(InputError, match=message):
        score_frame(frame, classifier=FAKE)


@pytest.mark.parametrize("frame", [["gm"], {"text": ["gm"]}, "gm"])
def test_what_is_no_frame_is_named(frame: Any) -> None:
    with pytest.raises(TypeError, match=f"not {type(frame).__name__}"):
        score_frame(frame)


def test_one_column_asked_for_is_a_list_of_one() -> None:
    with pytest.raises(InputError, match=r"such as \['stance'\]"):
        score_frame(pd.DataFrame({"text": ["gm"]}), columns="stance")


def test_names_can_be_chosen() -> None:
    scored = score_frame(
        pd.DataFrame({"body": ["ab"], "stance": [1]}),
        "body",
        classifier=FAKE,
        columns=["style", "stance"],
        prefix="our_",
    )
    assert list(scored.columns) == ["body", "stance", "our_style", "our_stance"]
    with pytest.raises(InputError, match="jobs is 0"):
        score_frame(pd.DataFrame({"text": ["ab"]}), classifier=FAKE, jobs=0)


def test_the_functions_of_the_package_take_a_model_or_a_classifier() -> None:
    frame = pd.DataFrame({"text": ["gm", None]})
    bundled = opgsent.score_frame(frame)
    folder = Path(opgsent.__file__).parent / "data" / "model"
    pd.testing.assert_frame_equal(opgsent.score_frame(frame, model=folder), bundled)
    pd.testing.assert_frame_equal(
        opgsent.score_frame(frame, classifier=FAKE), score_frame(frame, classifier=FAKE)
    )
    assert callable(opgsent.corpus.load)
