"""The scorer gives what scikit-learn gives on the same features, and says how."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression

from opgsent.assets import Assets
from opgsent.corpus import corpora_folder, read_corpus
from opgsent.explaining import explain_verdicts
from opgsent.features import SIZE
from opgsent.linear import COLUMNS, COLUMNS_OF, Scorer, Weights
from opgsent.matrix import features_matrix
from opgsent.result import LABELS
from opgsent.turns import turned

ASSETS = Assets.load()
POSTS = [p for p in read_corpus(corpora_folder()) if p.split == "train"][::12]
TEXTS = [p.text for p in POSTS]
ODD = [
    "",
    " ",
    "\n",
    "🚀",
    "a\n\nb",
    "&gt;61k &amp; up",
    "$XYZ /USDT\n$ 10",
    "x" * 500,
    "\ud800",
    "é漢字",
]


@pytest.fixture(scope="module")
def fitted() -> tuple[LogisticRegression, Scorer]:
    x = features_matrix(TEXTS, ASSETS)
    used = np.unique(x.indices)
    table = np.zeros((len(used), COLUMNS), np.float32)
    intercept = np.zeros(COLUMNS, np.float32)
    for question, columns in COLUMNS_OF.items():
        order = LABELS[question]
        gold = [order.index(str(getattr(p, question))) for p in POSTS]
        model = LogisticRegression(C=1.0, max_iter=30).fit(x, gold)
        table[:, columns], intercept[columns] = model.coef_.T[used], model.intercept_
        if question == "stance":
            kept = model
    return kept, Scorer(Weights(used, table, intercept, np.ones(2, np.float32)), ASSETS)


def test_same_probabilities_as_scikit_learn(fitted: tuple[LogisticRegression, Scorer]) -> None:
    model, scorer = fitted
    texts = TEXTS[:100] + ODD
    odds = scorer.log_odds(scorer.read(texts))[:, COLUMNS_OF["stance"]]
    expected = model.predict_proba(features_matrix(texts, ASSETS))
    assert np.abs(softmax(odds.astype(float), axis=1) - expected).max() < 1e-5


def test_batches_and_order_change_nothing(fitted: tuple[LogisticRegression, Scorer]) -> None:
    _, scorer = fitted
    texts = TEXTS[:60] + ODD
    whole = scorer.log_odds(scorer.read(texts))
    alone = np.vstack([scorer.log_odds(scorer.read([text])) for text in texts])
    backwards = scorer.log_odds(scorer.read(texts[::-1]))[::-1]
    assert np.array_equal(whole, alone)
    assert np.array_equal(whole, backwards)


@pytest.mark.parametrize("text", [*TEXTS[:20], *ODD])
def test_contributions_add_up(text: str, fitted: tuple[LogisticRegression, Scorer]) -> None:
    _, scorer = fitted
    batch = scorer.read([text])
    odds = scorer.log_odds(batch)[0].astype(float)
    for why, columns in zip(explain_verdicts(scorer, batch), COLUMNS_OF.values(), strict=True):
        values = odds[columns]
        top = values.argmax()
        lead = values[top] - np.delete(values, top).mean()
        assert why.label == LABELS[why.of][top]
        assert why.intercept + sum(c.weight for c in why.contributions) == pytest.approx(
            lead, abs=1e-4
        )
        assert [abs(c.weight) for c in why.contributions] == sorted(
            (abs(c.weight) for c in why.contributions), reverse=True
        )
        for part in why.contributions:
            if part.span:
                assert 0 <= part.span[0] <= part.span[1] <= len(text)


def test_a_full_table_starts_afresh_and_answers_alike(
    fitted: tuple[LogisticRegression, Scorer], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, scorer = fitted
    expected = scorer.log_odds(scorer.read(TEXTS[:50]))
    small = Scorer(scorer.weights, ASSETS)
    small._tokens._shape = (*small._tokens._shape[:2], 100)
    small._tokens._page = small._tokens._new_page(None)
    found = np.vstack([small.log_odds(small.read([text])) for text in TEXTS[:50]])
    assert np.abs(found - expected).max() < 1e-5


def test_weights_that_do_not_fit_are_refused() -> None:
    some = np.array([0, 5, SIZE - 1], np.int32)
    zeros = np.zeros((3, COLUMNS), np.float32)
    Weights(some, zeros, zeros[0], zeros[0, :2])
    with pytest.raises(ValueError, match="shape"):
        Weights(some, zeros[:2], zeros[0], zeros[0, :2])
    with pytest.raises(ValueError, match="no weight"):
        Weights(some, zeros, zeros[0] * np.nan, zeros[0, :2])
    for odd in ([5, 0, 7], [5, 5, 7], [-1, 5, 7], [0, SIZE, 7], [0, 5, SIZE]):
        with pytest.raises(ValueError, match="features"):
            Weights(np.array(odd, np.int32), zeros, zeros[0], zeros[0, :2])


def test_weights_score_a_matrix_as_the_scorer_scores_texts(
    fitted: tuple[LogisticRegression, Scorer],
) -> None:
    _, scorer = fitted
    texts = TEXTS[:50] + ODD
    expected = scorer.log_odds(scorer.read(texts))
    assert np.abs(scorer.weights.log_odds(features_matrix(texts, ASSETS)) - expected).max() < 1e-4


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("not bullish on gold", {"negated": "bullish on gold"}),
        ("not, bullish", {}),
        ("no doubt we pump", {}),
        ("not only cheap but good", {}),
        ("can't wait to buy", {}),
        ("I haven’t sold", {"negated": "sold"}),
        ("the uptrend is broken", {"undone": "the uptrend is"}),
        ("up. shorts are trapped", {"undone": "shorts are"}),
        ("the uptrend isn't broken", {"negated": "broken"}),
        ("covered my big tesla short", {"left": "short"}),
        ("sold cash secured puts", {"left": "puts"}),
        ("sold short at the open", {}),
        ("closed it. long now", {}),
        ("", {}),
    ],
)
def test_what_turns_a_word_around(
    text: str, expected: dict[str, str], fitted: tuple[LogisticRegression, Scorer]
) -> None:
    batch = fitted[1].read([text])
    tokens = ["", *batch.tokens(0)]
    found = {view: " ".join(tokens[i] for i in places) for view, places in turned(batch).items()}
    assert found == expected


def test_nothing_is_turned_around_across_posts(fitted: tuple[LogisticRegression, Scorer]) -> None:
    batch = fitted[1].read(["we do not", "bullish words", "broken"])
    assert turned(batch) == {}
