"""What corpora/ does: public labels only, corpora only, both, without a teacher; the bundled model.

    python -m benchmarks.corpus [--shared ../shared] [--dev]

Fitted on the train splits, tested on the test split of corpora/ (other writers) and, with --dev, on
the dev split of real.jsonl. 95 % intervals by bootstrap over groups (corpora/: near-duplicates are
so few that posts are groups). Disputed posts are left out.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import vstack

from opgsent.audit import plain_table
from opgsent.classifier import Classifier
from opgsent.corpus import GENRES, corpora_folder, read_corpus
from opgsent.fitting import STRENGTH, WRITTEN, gold_of, regression, told, weighed
from opgsent.linear import COLUMNS_OF
from opgsent.matrix import features_matrix
from opgsent.metrics import Judged, interval
from opgsent.result import LABELS
from opgsent.trial import odds_of

from .accuracy import ROOT, public

DRAWS = 300


def answers(
    question: str, x: Any, gold: Any, tests: Sequence[Any], weights: Any | None = None
) -> list[Any]:
    """Log-odds of each test matrix from a fit on ``x``, by the recipe of the bundled model."""
    weights = np.ones(len(gold)) if weights is None else weights
    features, scale = weighed(x)
    x = x[:, features]
    scale = scale * np.sqrt(told(x, gold, len(LABELS[question])))
    coef, bias = regression(x.multiply(scale).tocsr(), gold, STRENGTH[question], weights)
    return [test[:, features].multiply(scale).tocsr() @ coef + bias for test in tests]


def judged(question: str, posts: Sequence[Any], odds: Any, keep: Any) -> Judged:
    """The answers of the posts that are kept, beside their labels."""
    at = np.flatnonzero(keep)
    p = np.exp(odds[at] - odds[at].max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    gold = gold_of(question, [getattr(posts[i], question) for i in at])
    groups = [str(getattr(posts[i], "group", None) or posts[i].id) for i in at]
    return Judged(LABELS[question], gold.tolist(), p, groups)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--dev", action="store_true", help="also the dev split of real.jsonl")
    options = parser.parse_args()
    model = Classifier.bundled()
    assets = model.assets
    own = [p for p in read_corpus(corpora_folder()) if not p.disputed]
    ours = [p for p in own if p.split == "train"]
    theirs = public(options.shared, "train")
    tests: dict[str, Sequence[Any]] = {"corpora/ test": [p for p in own if p.split == "test"]}
    if options.dev:
        tests["real.jsonl dev"] = public(options.shared, "dev")
    x_ours = features_matrix([p.text for p in ours], assets)
    x_theirs = features_matrix([p.text for p in theirs], assets)
    x_tests = [features_matrix([p.text for p in posts], assets) for posts in tests.values()]
    bundled = [odds_of(model.weights, assets, [p.text for p in posts]) for posts in tests.values()]
    for question in LABELS:
        gold_ours = gold_of(question, [getattr(p, question) for p in ours])
        gold_theirs = gold_of(question, [getattr(p, question) for p in theirs])
        both = vstack([x_theirs, x_ours], format="csr")
        fits = {
            "public": answers(question, x_theirs, gold_theirs, x_tests),
            "corpora": answers(question, x_ours, gold_ours, x_tests),
            "both": answers(
                question,
                both,
                np.concatenate([gold_theirs, gold_ours]),
                x_tests,
                np.repeat([1.0, WRITTEN[question]], [len(theirs), len(ours)]),
            ),
            "bundled": [odds[:, COLUMNS_OF[question]] for odds in bundled],
        }
        for place, (name, posts) in enumerate(tests.items()):
            slices: dict[str, Any] = {"all, macro-F1": np.ones(len(posts), bool)}
            if name.startswith("corpora"):
                mislead = np.array([p.confusable is not None for p in posts])
                slices["confusable, accuracy"] = mislead
                slices |= {
                    f"confusable by {writer}, accuracy": mislead
                    & np.array([p.writer == writer for p in posts])
                    for writer in sorted({str(p.writer) for p in posts})
                }
                slices |= {
                    f"{genre}, accuracy": np.array([p.genre == genre for p in posts])
                    for genre in GENRES
                }
            rows = [[f"{question}, {name}", "posts", *fits]]
            for title, keep in slices.items():
                figure = Judged.macro_f1 if title.startswith("all") else Judged.accuracy
                cells = [
                    str(interval(judged(question, posts, odds[place], keep), figure, draws=DRAWS))
                    for odds in fits.values()
                ]
                rows.append([title, str(int(keep.sum())), *cells])
            print(plain_table(rows), end="\n\n")


if __name__ == "__main__":
    main()
