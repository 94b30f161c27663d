"""Fit the bundled model: python tools/build_model.py [--shared ../shared] [--out DIR]

Labels come from corpora/ (train split) and the train split of ../shared/posts/real.jsonl, with
the corrections of corpora/public-labels.csv. Teachers too slow to ship (tools/teacher.py) have
labelled the unlabelled posts; their answers are in tools/teacher.npz and are joined to the posts by
hash. In cross-validation a post is only ever judged by fits that saw nothing of its group, nor an
answer of a teacher that had seen it; the final fit learns from the mean of the teachers.
Without ../shared the model is fitted on corpora/ alone.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import hashlib
import json
import os
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from opgsent import __version__
from opgsent.assets import Assets
from opgsent.classifier import Classifier
from opgsent.corpus import (
    LabelledLevel,
    LabelledPost,
    LabelledTicker,
    corpora_folder,
    read_corpus,
    read_lines,
    read_spans,
    to_post,
)
from opgsent.fitting import FOLDS, STRENGTH, WRITTEN, Fit, Taught, fit_question, folds_of, joined
from opgsent.fitting_spans import fit_extraction, learnable
from opgsent.folder import pack, read_folder, write_folder
from opgsent.linear import COLUMNS_OF, Weights
from opgsent.matrix import features_matrix
from opgsent.metrics import Judged
from opgsent.result import LABELS, ROLES

ROOT = Path(__file__).parents[1]
MODEL = ROOT / "src" / "opgsent" / "data" / "model"
PUBLIC = ROOT / "corpora" / "public-labels.csv"
TEACHER = ROOT / "tools" / "teacher.npz"
SPAN_TEACHER = ROOT / "tools" / "teacher_spans.npz"
#: what the last fit of verdicts said of the posts held out: ``post`` (n,) as in teacher.npz and the
#: probabilities ``stance`` and ``style`` (n, 3); benchmarks/verdicts.py reads it
HELD_OUT = ROOT / "tools" / "held_out.npz"
#: what a post that the teachers labelled weighs beside a labelled one, see docs/experiments.md
TRUST = {"stance": 0.7, "style": 0.3}
TICKER, NOTHING = 255, 254  # in place of a role
SEED = 0
ROOM = 414_000  # features with weights: what a folder of 8 MB holds
GOLDEN = 8  # posts of corpora/ whose answers are checked whenever the model is loaded


def text_hash(text: str) -> str:
    """sha256 of the white-space-collapsed NFC text, as corpora/public-labels.csv has it."""
    plain = " ".join(unicodedata.normalize("NFC", text).split())
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()


def public_posts(shared: Path) -> list[LabelledPost]:
    """The train split of real.jsonl with the corrections that this repository holds."""
    file = shared / "posts" / "real.jsonl"
    if not file.is_file():
        print(f"no {file}: fitting on corpora/ alone")
        return []
    mended: dict[str, dict[str, str]] = {}
    if PUBLIC.is_file():
        with PUBLIC.open(encoding="utf-8", newline="") as rows:
            mended = {row["sha256"]: row for row in csv.DictReader(rows)}
    posts = []
    for number, record in read_lines(file):
        if record["split"] == "train":
            labels = mended.get(text_hash(record["text"]), record)
            record = {**record, "stance": labels["stance"], "style": labels["style"]}
            posts.append(to_post(record, number))
    return posts


def teachers_of(shared: Path, assets: Assets) -> Teachers | None:
    """What teachers labelled, None where it or the posts are not at hand.

    tools/teacher.npz: ``post`` (n,) first 8 bytes of a text's hash; ``answers`` (folds, n, 6)
    probabilities x 255 of the teachers that had not seen a fold, those of ``hold``; ``public`` and
    ``fold``, the fold of each post of real.jsonl.
    """
    file = shared / "posts" / "unlabelled.txt.gz"
    if not TEACHER.is_file() or not file.is_file():
        print("no teacher's answers: fitting without them")
        return None
    with np.load(TEACHER, allow_pickle=False) as found:
        stored = {name: found[name] for name in found.files}
    rows = _found(file, stored["post"])
    places = [at for at, _ in rows]
    return Teachers(
        features_matrix([text for _, text in rows], assets),
        stored["answers"][:, places].astype(np.float32) / 255,
        stored["hold"].tolist(),
        dict(zip(stored["public"].tolist(), stored["fold"].tolist(), strict=True)),
    )


def _found(file: Path, hashes: NDArray[np.uint64]) -> list[tuple[int, str]]:
    """(place among ``hashes``, text) of the posts of a file whose hash is there."""
    place = {int(key): at for at, key in enumerate(hashes)}
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        texts = [json.loads(line) for line in lines]
    return [(at, text) for text in texts if (at := place.pop(short(text), None)) is not None]


def taught_spans(shared: Path) -> dict[int, list[LabelledPost]]:
    """Fold -> posts whose spans teachers marked that had not seen it; -1: all teachers together.

    tools/teacher_spans.npz: ``post`` (n,) as in teacher.npz; ``of``, ``start``, ``end`` (m,) the
    spans that one of the teachers took for a price or a ticker; ``role`` (m, folds + 1) what the
    teachers of each fold of ``hold`` say (number of the role, TICKER or NOTHING), and last all of
    them together. Folds are those of folds_of over the train posts of real.jsonl that have spans.
    Only -1, with no posts, where the file or the posts are not at hand.
    """
    file = shared / "posts" / "unlabelled.txt.gz"
    if not SPAN_TEACHER.is_file() or not file.is_file():
        print("no teacher's spans: fitting without them")
        return {-1: []}
    with np.load(SPAN_TEACHER, allow_pickle=False) as found:
        stored = {name: found[name] for name in found.files}
    spans = _by_post(*(stored[name] for name in ("of", "start", "end", "role")))
    texts = [(at, text) for at, text in _found(file, stored["post"])]
    return {
        fold: [_marked(at, text, spans.get(at, ()), 2 + column) for at, text in texts]
        for column, fold in enumerate([*stored["hold"].tolist(), -1])
    }


def _by_post(*columns: NDArray[Any]) -> dict[int, list[tuple[int, ...]]]:
    """Post -> (start, end, role by each teacher) of its spans, from columns of all spans."""
    spans: dict[int, list[tuple[int, ...]]] = {}
    for of, start, end, roles in zip(*(column.tolist() for column in columns), strict=True):
        spans.setdefault(of, []).append((start, end, *roles))
    return spans


def _marked(at: int, text: str, spans: Iterable[tuple[int, ...]], column: int) -> LabelledPost:
    """A post with the spans that the teachers of one column gave it."""
    tickers, levels = [], []
    for span in spans:
        start, end, role = span[0], span[1], span[column]
        if role == TICKER:
            tickers.append(LabelledTicker(text[start:end], start, end, None))
        elif role != NOTHING:
            levels.append(LabelledLevel(text[start:end], start, end, None, ROLES[role]))
    return LabelledPost(f"taught {at}", text, tickers=tuple(tickers), levels=tuple(levels))


@dataclass(frozen=True)
class Teachers:
    """Posts that teachers labelled: features, probabilities by fold; see ``teachers_of``."""

    x: csr_matrix
    answers: NDArray[np.float32]
    hold: list[int]
    fold: dict[int, int]

    def folds(self, posts: Sequence[LabelledPost]) -> NDArray[np.int64]:
        """The fold of each post; -1 (always in training) where every teacher has seen it."""
        found = [self.fold[short(post.text)] for post in posts]
        return np.array([fold if fold in self.hold else -1 for fold in found])

    def more(self, question: str) -> dict[int, Taught]:
        """Fold (-1: the final fit) -> what the teachers labelled."""

        def learned(answers: NDArray[np.float32]) -> Taught:
            p = answers[:, COLUMNS_OF[question]].astype(np.float64)
            return Taught(self.x, p / p.sum(axis=1, keepdims=True), TRUST[question])

        each = {f: learned(p) for f, p in zip(self.hold, self.answers, strict=True)}
        return each | {-1: learned(self.answers.mean(axis=0))}


def short(text: str) -> int:
    """The first 8 bytes of a text's hash."""
    return int(text_hash(text)[:16], 16)


def main(args: Sequence[str] | None = None) -> None:
    """Fit, measure out of fold, write the folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--out", type=Path, default=MODEL)
    parser.add_argument("--only", choices=("verdicts", "spans"), help="keep the rest of --out")
    options = parser.parse_args(args)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    assets = Assets.load()
    own = [p for p in read_corpus(corpora_folder()) if p.split == "train" and not p.disputed]
    public = public_posts(options.shared)
    judged_posts = public or own
    posts = [*public, *own]
    print(f"{len(public):,} public posts, {len(own):,} of corpora/")
    folds = np.full(len(posts), -1)
    groups = [p.group or p.writer or p.id for p in judged_posts]
    teachers = teachers_of(options.shared, assets) if public else None
    folds[: len(judged_posts)] = (
        folds_of(groups, FOLDS, SEED) if teachers is None else teachers.folds(public)
    )
    arrays, scores = {}, {}
    if options.only:
        arrays, before = read_folder(options.out)
        scores = before["cross_validation"]
    if options.only != "spans":
        fits, scores = verdicts(posts, groups, folds, teachers, assets)
        arrays |= largest(joined(fits), ROOM).arrays()
        if public:
            keys = np.array([short(post.text) for post in public], np.uint64)
            said = {q: fit.held_out[: len(public)].astype(np.float32) for q, fit in fits.items()}
            np.savez_compressed(HELD_OUT, post=keys, **said)
    written = [p for p in read_spans(corpora_folder()) if p.split == "train"]
    spans = learnable([*public, *written])
    if options.only != "verdicts":
        kept = {name: array for name, array in arrays.items() if name.startswith("verdict_")}
        marked = taught_spans(options.shared)[-1] if public else []
        arrays = kept | fit_extraction(spans, assets, taught=marked, seed=SEED)
    card = {
        "name": "opgsent bundled model",
        "labels": {name: list(order) for name, order in LABELS.items()},
        "settings": {
            "strength": STRENGTH, "trust": TRUST, "written": WRITTEN, "folds": FOLDS, "seed": SEED,
        },
        "data": {
            "public": counted(public), "corpora": counted(own),
            "taught": 0 if teachers is None else teachers.x.shape[0],
            "spans": len(spans), "sha256": data_hash(posts),
        },
        "cross_validation": scores,
        "versions": {
            "opgsent": __version__, "numpy": np.__version__, "scikit-learn": sklearn.__version__,
        },
        "date": os.environ.get("SOURCE_DATE_EPOCH"),
        "licence": "weights: MIT; fitted on posts of other people (hashed features, no text)",
    }  # fmt: skip
    checksum = hashlib.sha256(pack(arrays)).hexdigest()
    model = Classifier(arrays, {"checksum": checksum}, assets)
    card["golden"] = golden(own, model)
    write_folder(options.out, arrays, card)
    print(f"written to {options.out}")


def largest(weights: Weights, count: int) -> Weights:
    """The weights of the ``count`` features that have the largest ones, in order as before.

    >>> table = np.outer([3.0, 0.1, 2.0], np.ones(6))
    >>> few = largest(Weights(np.array([2, 5, 9], np.int32), table, np.zeros(6), np.ones(2)), 2)
    >>> few.features.tolist()
    [2, 9]
    """
    size = np.abs(weights.table).max(axis=1)
    kept = np.sort(np.argsort(-size, kind="stable")[:count])
    return replace(weights, features=weights.features[kept], table=weights.table[kept])


def verdicts(
    posts: Sequence[LabelledPost],
    groups: list[str],
    folds: NDArray[np.int64],
    teachers: Teachers | None,
    assets: Assets,
) -> tuple[dict[str, Fit], dict[str, dict[str, float]]]:
    """Question -> its fit, and what held-out posts give."""
    x = features_matrix([p.text for p in posts], assets)
    fits, scores = {}, {}
    for question in LABELS:
        labels = [getattr(p, question) for p in posts]
        fits[question] = fit_question(
            question,
            x,
            labels,
            folds,
            weights=np.array([1.0 if p.writer is None else WRITTEN[question] for p in posts]),
            more=teachers.more(question) if teachers else None,
            progress=lambda what, done, total: print(f"{what}: {done} of {total}", flush=True),
        )
        scores[question] = measured(question, labels, groups, fits[question].held_out)
        print(question, scores[question], flush=True)
    return fits, scores


def measured(
    question: str, labels: list[str | None], groups: list[str], held_out: NDArray[np.float64]
) -> dict[str, float]:
    """Out-of-fold figures of the posts that were ever held out."""
    at = np.flatnonzero(~np.isnan(held_out[:, 0]))
    gold = [LABELS[question].index(str(labels[i])) for i in at]
    judged = Judged(LABELS[question], gold, held_out[at], [groups[i] for i in at])
    found = {"macro_f1": judged.macro_f1(), "auc": judged.auc(), "ece": judged.ece()}
    return {name: round(float(np.asarray(value).ravel()[0]), 4) for name, value in found.items()}


def counted(posts: Sequence[LabelledPost]) -> dict[str, dict[str, int]]:
    """Posts per label."""
    return {q: dict(sorted(Counter(str(getattr(p, q)) for p in posts).items())) for q in LABELS}


def data_hash(posts: Sequence[LabelledPost]) -> str:
    """One hash over all texts and labels, in order."""
    digest = hashlib.sha256()
    for post in posts:
        digest.update(f"{text_hash(post.text)} {post.stance} {post.style}\n".encode())
    return digest.hexdigest()


def golden(own: Sequence[LabelledPost], model: Classifier) -> list[dict[str, Any]]:
    """A few posts of corpora/ with the probabilities they get."""
    short = [p for p in own if len(p.text) < 200]
    chosen = [short[i * len(short) // GOLDEN] for i in range(GOLDEN)] if short else []
    found = []
    for post in model.classify_many([p.text for p in chosen]):
        assert post.stance and post.style
        rounded = [
            {label: round(p, 5) for label, p in verdict.probabilities.items()}
            for verdict in (post.stance, post.style)
        ]
        found.append({"text": post.text, "stance": rounded[0], "style": rounded[1]})
    return found


if __name__ == "__main__":
    main()
