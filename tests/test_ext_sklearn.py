"""OpgsentFeatures and tokens as parts of scikit-learn."""

from __future__ import annotations

import pickle
import tracemalloc
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import SkipTestWarning
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline, make_union
from sklearn.utils import estimator_checks as checks

from opgsent.errors import InputError
from opgsent.ext.sklearn import SCORES, OpgsentFeatures, tokens
from tables_fake import FakeClassifier

POSTS = ["$A up 5", "ab", "abcd", "", "gm"] * 4
FAKE = FakeClassifier()


def features(**options: Any) -> OpgsentFeatures:
    return OpgsentFeatures(model=FAKE, **options)


# --- scikit-learn's own checks ----------------------------------------------------------------


class RowsAsPosts(OpgsentFeatures):
    """Takes the tables of numbers that the checks hand over for posts, a row for a post."""

    def fit(self, X: Any, y: Any = None) -> RowsAsPosts:
        super().fit(_rows(X), y)
        return self

    def transform(self, X: Any) -> Any:
        return super().transform(_rows(X))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array, tags.input_tags.one_d_array = True, False
        return tags


def _rows(X: Any) -> list[str]:
    return [" ".join(map(str, np.ravel(row))) for row in np.asarray(X)]


SPARSE = dict.fromkeys(
    ["check_estimator_sparse_tag", "check_estimator_sparse_array", "check_estimator_sparse_matrix"],
    "posts are never a sparse matrix",
)


def test_check_estimator_with_rows_as_posts() -> None:
    results = checks.check_estimator(
        RowsAsPosts(model=FAKE), expected_failed_checks=SPARSE, on_skip=None
    )
    status = {result["check_name"]: result["status"] for result in results}
    assert len([name for name, said in status.items() if said == "passed"]) >= 30
    for name in (
        "check_estimators_pickle",
        "check_pipeline_consistency",
        "check_transformer_general",
        "check_methods_subset_invariance",
        "check_methods_sample_order_invariance",
        "check_fit_idempotent",
        "check_dont_overwrite_parameters",
    ):
        assert status[name] == "passed", name


def test_check_estimator_as_it_is() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SkipTestWarning)  # most of it asks for numbers
        results = checks.check_estimator(features(), on_skip=None)
    assert [result["status"] for result in results] == ["passed"] * len(results)


@pytest.mark.parametrize(
    "check",
    [
        checks.check_estimator_tags_renamed,
        checks.check_valid_tag_types,
        checks.check_estimator_repr,
        checks.check_no_attributes_set_in_init,
        checks.check_do_not_raise_errors_in_init_or_set_params,
        checks.check_mixin_order,
        checks.check_parameters_default_constructible,
        checks.check_get_params_invariance,
        checks.check_set_params,
    ],
)
def test_checks_that_need_no_data(check: Callable[[str, Any], None]) -> None:
    check("OpgsentFeatures", features())


# --- what the others check, with posts --------------------------------------------------------


def test_scores_are_those_of_the_classifier() -> None:
    scores = features().fit_transform(POSTS)
    assert scores.shape == (20, 8) and scores.dtype == np.float64
    post = FAKE.classify(POSTS[0])
    assert post.stance and post.style
    assert scores[0, 0] == pytest.approx(post.stance.score, abs=5e-5)
    assert scores[0, -1] == pytest.approx(post.style.probabilities["other"], abs=5e-5)


def test_columns_may_be_an_array() -> None:
    chosen = OpgsentFeatures(columns=np.array(["p_hype", "stance_score"]))  # type: ignore[arg-type]
    assert chosen.fit_transform(["$BTC 🚀"]).shape == (1, 2)
    assert chosen.get_feature_names_out().tolist() == ["p_hype", "stance_score"]


def test_order_and_subset_do_not_matter() -> None:
    whole = features().transform(POSTS)
    np.testing.assert_array_equal(features().transform(POSTS[::-1]), whole[::-1])
    np.testing.assert_array_equal(np.vstack([features().transform([p]) for p in POSTS]), whole)


def test_fit_returns_itself_learns_nothing_and_changes_nothing() -> None:
    made = features(columns=["p_hype"])
    before = dict(vars(made))
    assert made.fit(POSTS, y=[1] * 20) is made
    made.transform(POSTS)
    assert vars(made) == before
    np.testing.assert_array_equal(
        features().fit(POSTS).transform(["ab"]), features().transform(["ab"])
    )


def test_clone_and_pickle_give_the_same() -> None:
    made = features(columns=("stance_score", "style_sure"))
    for other in (clone(made), pickle.loads(pickle.dumps(made))):
        assert other.columns == made.columns
        np.testing.assert_array_equal(other.transform(POSTS), made.transform(POSTS))


@pytest.mark.parametrize(
    "posts",
    [
        POSTS,
        tuple(POSTS),
        np.array(POSTS),
        np.array(POSTS, dtype=object),
        np.array(POSTS)[:, None],
        pd.Series(POSTS),
        pd.Series(POSTS, dtype="string"),
        pd.Series(POSTS, index=range(50, 70)),
        pd.DataFrame({"tweet": POSTS}),
    ],
    ids="list tuple str_array object_array column Series string index frame".split(),
)
def test_posts_come_in_many_containers(posts: Any) -> None:
    np.testing.assert_array_equal(features().transform(posts), features().transform(POSTS))


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA])
def test_a_missing_post_is_a_row_of_nan(missing: Any) -> None:
    scores = features().fit_transform(["ab", missing])
    assert not np.isnan(scores[0]).any() and np.isnan(scores[1]).all()


def test_one_long_post_does_not_make_all_long() -> None:
    posts = ["ab"] * 500 + ["x" * 20_000]
    tracemalloc.start()
    try:
        features().fit(posts)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_no_posts_are_no_rows() -> None:
    assert features().fit_transform([]).shape == (0, 8)


def test_names_and_pandas_output() -> None:
    made = features(columns=["p_hype", "stance_score"]).set_output(transform="pandas")
    assert list(made.get_feature_names_out()) == ["p_hype", "stance_score"]
    assert list(features().get_feature_names_out(["text"])) == list(SCORES)
    frame = made.fit_transform(pd.DataFrame({"text": ["ab", "a"]}, index=["x", "y"]))
    assert list(frame.columns) == ["p_hype", "stance_score"]
    assert list(frame.index) == ["x", "y"]
    assert list(made.transform(pd.Series(["ab"], index=["z"])).index) == ["z"]
    assert made.transform(["ab"]).shape == (1, 2)


def test_in_a_pipeline_a_union_a_grid_and_a_column_transformer() -> None:
    y = [len(post) % 2 for post in POSTS]
    words = CountVectorizer(tokenizer=tokens, token_pattern=None)
    model = make_pipeline(make_union(features(), words), LogisticRegression())
    assert model.fit(POSTS, y).score(POSTS, y) > 0.5
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict_proba(POSTS), model.predict_proba(POSTS))
    grid = GridSearchCV(
        make_pipeline(features(), LogisticRegression()),
        {"opgsentfeatures__columns": [None, ["p_hype"]]},
        cv=2,
    )
    assert grid.fit(POSTS, y).best_params_["opgsentfeatures__columns"] in (None, ["p_hype"])
    frame = pd.DataFrame({"text": POSTS, "likes": range(20)})
    columns = ColumnTransformer(
        [("posts", features(), "text"), ("rest", "passthrough", ["likes"])]
    ).set_output(transform="pandas")
    assert list(columns.fit_transform(frame).columns)[-2:] == ["posts__p_other", "rest__likes"]


@pytest.mark.parametrize(
    ("posts", "message"),
    [
        ("$BTC up", "this is one: '\\$BTC up'; give a list"),
        (b"$BTC up", "give a list"),
        (7, "this is int"),
        (["ab", 7], r"row 1 \(index 1\) of column 'posts' is int 7, not text"),
        ([["ab"], [7]], r"row 1 \(index 1\) of column 'posts' is int 7, not text"),
        ([["ab"], ["ab", "cd"]], "row 0 .* is list .*, not text"),
        (np.zeros((2, 3)), r"this has the shape \(2, 3\)"),
        (pd.DataFrame({"text": ["ab"], "n": [1]}), "this has 2: text, n; choose one: ColumnTransf"),
    ],
)
def test_what_is_no_list_of_posts(posts: Any, message: str) -> None:
    for method in (features().fit, features().transform):
        with pytest.raises(InputError, match=message):
            method(posts)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"columns": ["stance"]}, "no numeric score column 'stance', did you mean"),
        ({"columns": []}, "no score column is asked for"),
        ({"jobs": 0}, "jobs is 0"),
    ],
)
def test_arguments_are_checked_by_fit(options: dict[str, Any], message: str) -> None:
    made = features(**options)  # not here, as scikit-learn wants it
    with pytest.raises(InputError, match=message):
        made.fit(POSTS)


def test_a_model_that_is_none_is_named() -> None:
    with pytest.raises(TypeError, match="classifier is 3, not a Classifier: a folder goes to"):
        OpgsentFeatures(model=3).fit(POSTS)  # type: ignore[arg-type]


def test_tokens_feed_a_vectorizer() -> None:
    counts = CountVectorizer(tokenizer=tokens, token_pattern=None, lowercase=False)
    counts.fit(["$BTC above 64.30 🚀"])
    assert sorted(counts.get_feature_names_out()) == ["$BTC", "64.30", "above", "🚀"]
    assert pickle.loads(pickle.dumps(counts)).transform(["🚀 🚀"]).sum() == 2
