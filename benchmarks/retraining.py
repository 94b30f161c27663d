"""``python -m benchmarks.retraining``: is retraining ever worse than what it starts from?

For n new labels the retrained model is set beside the bundled model and a model fitted from
scratch on those n, on held-out posts of the same kind, ``--seeds`` draws each. The data sets are
other people's, in ../shared/datasets; corpora/ is measured on the writers that the bundled model
has not seen (labels of three, posts of the fourth). ``--plot FILE`` draws the curves as SVG;
``--kfold`` is the protocol that pyfin's figures were published with, and nothing else.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

if not __package__:  # run as a file, not with -m
    sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.posts import TOP, machine, table
from opgsent import Classifier
from opgsent.corpus import LabelledPost, corpora_folder, read_corpus
from opgsent.fitting import FOLDS, folds_of, softmax
from opgsent.linear import COLUMNS_OF, Weights
from opgsent.matrix import features_matrix
from opgsent.metrics import Judged
from opgsent.refitting import merged, refit
from opgsent.result import LABELS
from opgsent.scores import among_seen, groups_of
from opgsent.trial import odds_of

SIZES = (20, 50, 200, 1_000, 8_000)
ALLOWED = 0.005  # how far below either the mean may lie
MODELS = ("bundled", "scratch", "retrained")


@dataclass(frozen=True)
class Feed:
    """Labelled posts of one kind; ``test`` marks those to measure on, None: a fourth by group."""

    name: str
    question: str
    posts: list[LabelledPost]
    test: NDArray[np.bool_] | None = None


def feeds(shared: Path) -> Iterator[Feed]:
    """The kinds of posts that are at hand."""
    own = [p for p in read_corpus(corpora_folder()) if p.split == "test" and not p.disputed]
    # a writer is a group, so that each draw holds out another of the four
    own = [replace(post, author=post.writer) for post in own]
    for question in LABELS:
        yield Feed(f"corpora {question}", question, own)
    sets = shared / "datasets"
    if not sets.is_dir():
        print(f"({sets} is not here: measuring on corpora/ alone)")
        return
    rows = [*_csv(sets / "stockemotions/train.csv"), *_csv(sets / "stockemotions/val.csv")]
    posts = [LabelledPost(r["id"], r["original"], r["senti_label"]) for r in rows]
    held = np.arange(len(posts)) >= len(_csv(sets / "stockemotions/train.csv"))
    yield Feed("StockEmotions", "stance", posts, held)
    import pyarrow.parquet as pq

    names = {"1": "bullish", "2": "neutral", "0": "neutral", "3": "bearish"}
    tweets = pq.read_table(sets / "pyfin/labeled_tweets.parquet").to_pylist()
    yield Feed("pyfin", "stance", [
        LabelledPost(str(r["id"]), str(r["text"]), names[str(r["label"])]) for r in tweets
    ])  # fmt: skip
    rows = _csv(sets / "stocktwits_eth/train.csv")
    yield Feed("stocktwits_eth", "stance", [
        LabelledPost(r["message_id"], r["body"], r["tag"].lower(), author=r["user_id"])
        for r in rows
    ])  # fmt: skip


def _csv(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as rows:
        return list(csv.DictReader(rows))


class Bench:
    """One feed, its features and the bundled model's answers computed once."""

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        base = Classifier.bundled()
        texts = [post.text for post in feed.posts]
        self.base = base.weights
        self.x = features_matrix(texts, base.assets, own_tickers=True)
        self.odds = odds_of(base.weights, base.assets, texts)
        every = list(range(len(texts)))
        self.groups = groups_of(feed.posts) if feed.test is None else every
        order = LABELS[feed.question]
        self.labels = [str(getattr(post, feed.question)) for post in feed.posts]
        self.gold = np.array([order.index(label) for label in self.labels])

    def draw(self, n: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(posts to label, posts to measure on)."""
        held = self.feed.test
        if held is None:
            held = folds_of(self.groups, 4, seed) == seed % 4
        pool = np.flatnonzero(~held)
        chosen = np.random.default_rng(seed).choice(pool, min(n, len(pool)), replace=False)
        return chosen, np.flatnonzero(held)

    def figures(self, n: int, seed: int) -> dict[str, tuple[float, float, float]]:
        """Model -> (accuracy, macro-F1, AUC) on the held-out posts."""
        chosen, test = self.draw(n, seed)
        folds = folds_of([self.groups[i] for i in chosen], FOLDS, seed)
        labels = [self.labels[i] for i in chosen]
        question, x = self.feed.question, self.x[chosen]
        anew = refit(question, x, labels, folds, base=None)
        again = refit(question, x, labels, folds, base=self.base, base_odds=self.odds[chosen])
        fits = {"scratch": (None, anew), "retrained": (self.base, again)}
        weights = {name: merged(base, {question: made.fit}) for name, (base, made) in fits.items()}
        return {
            name: self.measured(w, test) for name, w in {"bundled": self.base, **weights}.items()
        }

    def measured(self, weights: Weights, test: NDArray[np.int64]) -> tuple[float, float, float]:
        """Figures of weights on posts, among the labels that occur there."""
        columns = COLUMNS_OF[self.feed.question]
        odds = weights.log_odds(self.x[test])[:, columns]
        order = LABELS[self.feed.question]
        judged = among_seen(Judged(order, self.gold[test], softmax(odds.astype(np.float64))))
        return judged.accuracy(), judged.macro_f1(), judged.auc()


Curve = dict[int, dict[str, NDArray[np.float64]]]  # n -> model -> (seeds, 3)


def curve(feed: Feed, sizes: Sequence[int], seeds: int) -> Curve:
    """Figures for every number of labels, as far as the posts reach."""
    bench = Bench(feed)
    found: Curve = {}
    pool = len(bench.draw(len(feed.posts), 0)[0])
    for n in sorted({min(n, pool) for n in sizes}):
        same = n == pool and feed.test is not None  # every draw would be this one
        rows = [bench.figures(n, seed) for seed in range(1 if same else seeds)]
        found[n] = {model: np.array([row[model] for row in rows]) for model in MODELS}
        print(f"{feed.name}: {n:,} labels", file=sys.stderr, flush=True)
    return found


def kfold(feed: Feed) -> float:
    """Mean one-vs-rest AUC over KFold(5, shuffle, seed 42), as Wilksch & Abramova 2023 have it."""
    from sklearn.model_selection import KFold

    bench = Bench(feed)
    found = []
    for own, test in KFold(5, shuffle=True, random_state=42).split(bench.labels):
        folds = folds_of([bench.groups[i] for i in own], FOLDS, 0)
        labels = [bench.labels[i] for i in own]
        odds = bench.odds[own]
        made = refit(feed.question, bench.x[own], labels, folds, base=bench.base, base_odds=odds)
        weights = merged(bench.base, {feed.question: made.fit})
        found.append(bench.measured(weights, test)[2])
        print(f"{feed.name}: AUC {found[-1]:.4f}, {made.method}", file=sys.stderr, flush=True)
    return float(np.mean(found))


def rows_of(name: str, found: Curve) -> Iterator[list[str]]:
    """A line for every number of labels; the last cell says whether the promise held."""
    for n, by_model in found.items():
        means = {model: values.mean(axis=0) for model, values in by_model.items()}
        worst = min(
            float(means["retrained"][k] - means[other][k])
            for other in ("bundled", "scratch")
            for k in (1, 2)
        )
        cells = [f"{means[model][k]:.3f}" for k in (0, 1, 2) for model in MODELS]
        yield [f"{name}, {n:,}", *cells, "yes" if worst >= -ALLOWED else f"no ({worst:+.3f})"]


def main(args: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=TOP.parent / "shared")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--only", help="feeds whose name begins so")
    parser.add_argument("--kfold", action="store_true", help="pyfin by its own protocol, no more")
    parser.add_argument("--plot", type=Path, help="where to draw the curves (SVG)")
    options = parser.parse_args(args)
    print(machine())
    if options.kfold:
        with threadpool_limits(limits=1):
            (feed,) = (feed for feed in feeds(options.shared) if feed.name == "pyfin")
            print(f"pyfin, KFold(5, shuffle, seed 42): one-vs-rest AUC {kfold(feed):.4f}")
        return
    curves = {}
    with threadpool_limits(limits=1):
        for feed in feeds(options.shared):
            if feed.name.startswith(options.only or ""):
                curves[feed.name] = curve(feed, options.sizes, options.seeds)
    short = ("bundled", "scratch", "again")
    head = ["labels", *(f"{f} {m}" for f in ("acc", "F1", "AUC") for m in short), "held"]
    print(table(head, [row for name, found in curves.items() for row in rows_of(name, found)]))
    if options.plot:
        from benchmarks.curves import svg

        options.plot.write_text(svg(curves, MODELS), encoding="utf-8")
        print(f"drawn: {options.plot}")


if __name__ == "__main__":
    main()
