"""metrics.py, scores.py, evaluation.py: figures beside scikit-learn's, and what evaluate says."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score

from opgsent.corpus import LabelledLevel, LabelledPost, LabelledTicker
from opgsent.errors import InputError
from opgsent.evaluation import evaluate, score_answers
from opgsent.metrics import Judged, difference, interval
from opgsent.result import Level, Post, Ticker, Verdict
from opgsent.scores import groups_of

LABELS = ("bullish", "bearish", "neutral")


def drawn(seed: int, n: int = 400, skill: float = 1.0) -> Judged:
    rng = np.random.default_rng(seed)
    gold = rng.choice(3, size=n, p=[0.5, 0.2, 0.3])
    scores = rng.normal(size=(n, 3)).round(1)  # rounded: ties
    scores[np.arange(n), gold] += skill
    shares = np.exp(scores)
    return Judged(LABELS, gold, shares / shares.sum(axis=1, keepdims=True), np.arange(n) // 4)


@pytest.mark.parametrize("seed", range(5))
def test_figures_are_those_of_scikit_learn(seed: int) -> None:
    judged = drawn(seed)
    weights = np.random.default_rng(seed).integers(0, 4, len(judged)).astype(float)
    for given in (None, weights):
        assert judged.accuracy(given) == pytest.approx(
            accuracy_score(judged.gold, judged.answers, sample_weight=given)
        )
        assert judged.macro_f1(given) == pytest.approx(
            f1_score(judged.gold, judged.answers, average="macro", sample_weight=given)
        )
        for label in range(3):
            assert judged.auc_of(label, given) == pytest.approx(
                roc_auc_score(
                    judged.gold == label, judged.probabilities[:, label], sample_weight=given
                )
            )


def test_what_cannot_be_told_is_nan_not_a_number() -> None:
    empty = Judged(LABELS, [], np.empty((0, 3)))
    for value in (empty.accuracy(), empty.macro_f1(), empty.auc(), empty.ece()):
        assert math.isnan(value)
    assert math.isnan(interval(empty, Judged.accuracy, draws=5).low)
    one = Judged(LABELS, [0, 0], [[0.8, 0.1, 0.1]] * 2)
    assert math.isnan(one.auc()) and one.accuracy() == 1


def test_calibration_error() -> None:
    # ten verdicts at .8 of which eight are right, ten at .6 of which all are
    rows = [[0.8, 0.2]] * 10 + [[0.6, 0.4]] * 10
    gold = [0] * 8 + [1] * 2 + [0] * 10
    assert Judged(("a", "b"), gold, rows).ece() == pytest.approx(0.2)


def test_an_interval_draws_groups() -> None:
    rng = np.random.default_rng(0)
    right = rng.random(60) < 0.7
    gold = np.repeat(np.where(right, 0, 1), 20)  # twenty copies of each of sixty posts
    rows = np.tile([0.9, 0.1], (1200, 1))
    loose = interval(Judged(("a", "b"), gold, rows), Judged.accuracy, draws=300)
    tight = interval(Judged(("a", "b"), gold, rows, np.arange(1200) // 20), Judged.accuracy)
    assert tight.high - tight.low > 3 * (loose.high - loose.low)
    assert tight.low < tight.value < tight.high
    alone = interval(Judged(("a", "b"), gold, rows, np.zeros(1200, int)), Judged.accuracy)
    assert math.isnan(alone.low) and alone.value == tight.value


def test_two_models_on_the_same_draws() -> None:
    weak, strong = drawn(1, skill=0.5), drawn(1, skill=2.0)
    gain = difference(weak, strong, Judged.macro_f1, draws=200)
    assert gain.value == pytest.approx(strong.macro_f1() - weak.macro_f1())
    assert 0 < gain.low < gain.value < gain.high
    same = difference(weak, weak, Judged.macro_f1, draws=50)
    assert (same.low, same.value, same.high) == (0, 0, 0)
    with pytest.raises(ValueError, match="same posts"):
        difference(weak, drawn(2), Judged.accuracy)


def test_reading_among_the_labels_that_occur() -> None:
    judged = Judged(LABELS, [0, 1, 2], [[0.3, 0.2, 0.5], [0.1, 0.3, 0.6], [0.0, 0.0, 1.0]])
    two = judged.restricted(["bullish", "bearish"])
    assert len(two) == 2 and two.accuracy() == 1
    assert two.probabilities[0].tolist() == pytest.approx([0.6, 0.4])


def answer(text: str, stance: str, *spans: Ticker | Level) -> Post:
    shares = {label: 0.8 if label == stance else 0.1 for label in LABELS}
    style = {"analytical": 0.2, "hype": 0.2, "other": 0.6}
    return Post(
        text,
        Verdict(stance, shares, 0.0, stance != "neutral"),
        Verdict("other", style, 0.0, False),
        tuple(s for s in spans if isinstance(s, Ticker)),
        tuple(s for s in spans if isinstance(s, Level)),
    )


def ticker(text: str, start: int, symbol: str) -> Ticker:
    return Ticker(
        text, start, start + len(text), symbol, None, "cashtag", "crypto", True, None, 0.9
    )


def test_an_evaluation_counts_what_is_labelled() -> None:
    texts = ["$BTC up from 61k", "$SOL down", "gm to all", "$ETH and nothing more"]
    posts = [
        LabelledPost(
            "1", texts[0], "bullish",
            tickers=(LabelledTicker("$BTC", 0, 4, "BTC", subject=True),),
            levels=(LabelledLevel("61k", 13, 16, Decimal(61000), "support", "BTC"),),
        ),
        LabelledPost("2", texts[1], "bearish", tickers=(LabelledTicker("$SOL", 0, 4, "SOL"),)),
        LabelledPost("3", texts[2], "neutral", style="other", tickers=()),
        LabelledPost("4", texts[3], "neutral"),
    ]  # fmt: skip
    level = Level("61k", 13, 16, Decimal("61E+3"), "USD", "entry", "BTC", 0.9)
    answers = [
        answer(texts[0], "bullish", ticker("$BTC", 0, "BTC"), level),
        answer(texts[1], "neutral", ticker("$SOL", 0, "ETH")),
        answer(texts[2], "neutral", ticker("gm", 0, "GM")),
        answer(texts[3], "neutral", ticker("$ETH", 0, "ETH")),
    ]
    found = score_answers(posts, answers, draws=20)
    stance = found.questions["stance"]
    assert (stance.posts, stance.accuracy.value, stance.sure, stance.sure_right) == (
        4,
        0.75,
        0.25,
        1,
    )
    assert stance.labels["bearish"].recall == 0 and math.isnan(stance.labels["bearish"].precision)
    assert stance.confusion["bearish"] == {"bullish": 0, "bearish": 0, "neutral": 1}
    tickers, levels = found.spans["tickers"], found.spans["levels"]
    assert (tickers.posts, tickers.labelled, tickers.found, tickers.right) == (3, 2, 3, 2)
    assert tickers.same == {"symbol": 0.5, "subject": 1.0}
    assert levels.f1 == 1 and levels.same == {"role": 0.0, "value": 1.0, "symbol": 1.0}
    assert "no post is labelled analytical or hype" in found.to_text()
    data = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert data["questions"]["stance"]["labels"]["bearish"]["precision"] is None
    assert data["spans"]["tickers"]["f1"] == 0.8


def test_posts_of_one_label_can_be_read_wrongly() -> None:
    texts = [f"post {n}" for n in range(4)]
    posts = [LabelledPost(text, text, "bullish") for text in texts]
    said = ["bullish", "bearish", "neutral", "bearish"]
    found = score_answers(posts, [*map(answer, texts, said)], draws=20)
    stance = found.questions["stance"]
    assert stance.accuracy.value == 0.25 and stance.macro_f1.value < 0.2
    assert stance.confusion["bullish"] == {"bullish": 1, "bearish": 2, "neutral": 1}
    text = found.to_text()
    assert "nan" not in text and "AUC -, " in text
    assert "no post is labelled bearish or neutral: whether stance is told apart cannot" in text
    assert str(interval(Judged(LABELS, [0], [[0.8, 0.1, 0.1]]), Judged.accuracy)) == "1.000 [-, -]"


def test_without_labels_there_is_nothing_to_say() -> None:
    with pytest.raises(InputError, match="no post has a label"):
        score_answers([LabelledPost("1", "gm")], [answer("gm", "neutral")])


def test_groups_are_authors_channels_and_near_duplicates() -> None:
    long = "BUY {} now at 61,200 before it is too late, join our channel"
    posts = [
        LabelledPost("1", long.format("$BTC")),
        LabelledPost("2", long.format("$SOL")),
        LabelledPost("3", "first thing", author="ann"),
        LabelledPost("4", "second one", author="ann"),
        LabelledPost("5", "third matter", group="ann"),
    ]
    assert groups_of(posts) == [0, 0, 1, 1, 2]


def test_a_label_file_is_read_and_measured(tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_text(
        "post,view\nloading more $BTC here; this goes much higher,Bull\n"
        '"sold all of my $BTC, this is going to zero",Bear\n'
    )
    found = evaluate(file, draws=10)
    assert (found.model, found.posts, list(found.questions)) == ("bundled", 2, ["stance"])
    with pytest.raises(InputError, match="no column"):
        evaluate(file, text="body")
