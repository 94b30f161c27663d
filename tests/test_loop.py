"""The loop closed: suggest, label, train; and suggested labels are worth more than random ones."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from opgsent import Classifier, train
from opgsent.assets import Assets
from opgsent.cli import main
from opgsent.corpus import LabelledPost, corpora_folder, read_corpus
from opgsent.fitting import folds_of, softmax
from opgsent.labelling import KEYS, Session, label_posts
from opgsent.labels import read_labels, read_posts
from opgsent.linear import COLUMNS_OF, Weights
from opgsent.matrix import features_matrix
from opgsent.metrics import Judged
from opgsent.refitting import merged, refit
from opgsent.result import LABELS
from opgsent.suggest import suggest, write_posts

KEY_OF = {q: {label: key for key, label in keys.items()} for q, keys in KEYS.items()}


def test_suggest_label_train_score(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opgsent.training.control_posts", list)
    corpus = [post for post in read_corpus(corpora_folder()) if post.split == "test"][:300]
    write_posts([LabelledPost(p.id, p.text) for p in corpus], tmp_path / "posts.csv")
    todo, mine, model = (str(tmp_path / name) for name in ("todo.csv", "mine.jsonl", "model"))
    assert main(["suggest", str(tmp_path / "posts.csv"), "-n", "60", "-o", todo]) == 0
    answers = {post.text: post for post in corpus}
    typed = []
    for post in read_posts(todo):
        true = answers[post.text]
        typed += [KEY_OF[q][str(getattr(true, q))] for q in LABELS]
    keys = iter(typed)
    tally = label_posts(Session(read_posts(todo), mine), lambda: next(keys, ""), len)
    assert (tally.labelled, tally.left) == (60, 0)
    assert len(read_labels(mine).posts) == 60
    report = train(mine, out=model)
    assert report.ok and report.folder is not None
    assert set(report.own) == {"stance", "style"}
    scored = tmp_path / "scored.jsonl"
    (tmp_path / "posts.jsonl").write_text(json.dumps({"text": "$SOL up"}) + "\n")
    words = ["score", str(tmp_path / "posts.jsonl"), "-o", str(scored), "--model", model]
    assert main(words) == 0
    made = Classifier.load(model).classify("$SOL up").stance
    assert made is not None and json.loads(scored.read_text())["stance"] == made.label


@pytest.mark.slow
def test_a_hundred_suggested_labels_beat_a_hundred_random_ones() -> None:
    """A model that starts from 400 labels of corpora/; macro-F1 of stance, mean of five seeds.

    From 60 labels doubt says too little yet (docs/retraining.md).
    """
    corpus = [post for post in read_corpus(corpora_folder()) if not post.disputed]
    pool = [post for post in corpus if post.split == "train"]
    test = [post for post in corpus if post.split != "train"]
    assets = Assets.load()
    texts = [post.text for post in pool]
    x = features_matrix(texts, assets)
    held = features_matrix([post.text for post in test], assets)
    place = {id(text): at for at, text in enumerate(texts)}

    stances = COLUMNS_OF["stance"]

    def fitted(rows: Sequence[int]) -> Weights:
        labels = [pool[i].stance for i in rows]
        fit = refit("stance", x[list(rows)], labels, folds_of(rows, 5), base=None).fit
        return merged(None, {"stance": fit})

    def score(rows: Sequence[int]) -> float:
        gold = [LABELS["stance"].index(str(post.stance)) for post in test]
        shares = softmax(fitted(rows).log_odds(held)[:, stances].astype(np.float64))
        return Judged(LABELS["stance"], gold, shares).macro_f1()

    gains = []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        order = rng.permutation(len(pool)).tolist()
        first, rest = order[:400], order[400:8400]
        start = fitted(first)

        def model(
            asked: Sequence[str], start: Weights = start
        ) -> list[Mapping[str, Mapping[str, float]]]:
            odds = start.log_odds(x[[place[id(text)] for text in asked]])[:, stances]
            rows = softmax(odds.astype(np.float64))
            return [{"stance": dict(zip(LABELS["stance"], row, strict=True))} for row in rows]

        found = suggest([texts[i] for i in rest], 100, model, seed=seed)
        suggested = [rest[one.index] for one in found]
        gains.append(score([*first, *suggested]) - score([*first, *rest[:100]]))
    assert np.mean(gains) > 0, gains
