"""Labelled posts -> weights: the one room where verdicts are fitted, with scikit-learn.

A multinomial logistic regression per question over the views of features.py; columns are weighed
by the square root of their inverse document frequency and of how much they tell of the label
(``told``), which folds into the weights. Held-out
answers (grouped folds) calibrate the log-odds: one scale and a shift per label, folded in too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_matrix, vstack
from sklearn.linear_model import LogisticRegression

from .linear import COLUMNS, COLUMNS_OF, Weights, united
from .result import LABELS

STRENGTH = {"stance": 4.0, "style": 8.0}  # C of the bundled fit, see docs/experiments.md
#: weight of a post of corpora/ beside a public one's 1 in the bundled fit: what helps on the corpus
#: and costs public posts next to nothing, see docs/experiments.md
WRITTEN = {"stance": 2.5, "style": 1.0}
FOLDS = 5
SURE = 0.9  # share of right answers that ``Verdict.sure`` promises
MAX_ITER = 600
#: share of the log prior of each label that is taken off again, so that the rare one is named
#: nearly as often as it occurs (logit adjustment, Menon et al. 2021, arXiv:2007.07314), see
#: docs/experiments.md
EVENED = 0.3
COMMON = 6  # posts, labelled or not, in which a feature occurs that is worth a weight
LEAST = 0.05  # probability that a teacher gives a label which is worth a row of the fit
TOO_SMALL = 1e-3  # weights that say next to nothing only take room
#: a descent that stops early loses AUC (.004 at 200 steps), see docs/experiments.md
TOLERANCE = 5e-5

Progress = Callable[[str, int, int], None]  # what is done, steps done, steps in all
Floats = NDArray[np.float64]
Labels = Sequence[str | None]


@dataclass(frozen=True)
class Fit:
    """A question fitted: ``table`` (n, 3) of ``features`` (n,), ``intercept`` (3,), ``sure``
    threshold.

    ``held_out`` (posts, 3) are the calibrated probabilities of each post from a fit that saw
    nothing of its group; NaN for posts without a label or always in training.
    """

    features: NDArray[np.int32]
    table: NDArray[np.float32]
    intercept: NDArray[np.float32]
    sure: float
    held_out: Floats


@dataclass(frozen=True)
class Taught:
    """Posts that a teacher labelled: features ``x``, its probabilities ``answers`` (n, 3), and
    what such a post weighs beside a labelled one.
    """

    x: csr_matrix
    answers: Floats
    weight: float


def folds_of(groups: Sequence[object], count: int = FOLDS, seed: int = 0) -> NDArray[np.int64]:
    """The fold of each post: whole groups, large ones first, each to the smallest fold so far.

    >>> folds_of(["a", "b", "a", "c"], 2).tolist() in ([0, 1, 0, 1], [0, 1, 0, 0])
    True
    """
    _, places, sizes = np.unique([str(g) for g in groups], return_inverse=True, return_counts=True)
    order = np.random.default_rng(seed).permutation(len(sizes))
    order = order[np.argsort(-sizes[order], kind="stable")]
    fold = np.zeros(len(sizes), np.int64)
    filled = np.zeros(count, np.int64)
    for group in order:
        fold[group] = filled.argmin()
        filled[fold[group]] += sizes[group]
    found: NDArray[np.int64] = fold[places]
    return found


def weighed(
    x: csr_matrix, more: csr_matrix | None = None
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """(columns worth fitting, sqrt(log inverse document frequency) of each).

    Those are columns that occur in two of the labelled posts ``x``, or in COMMON of those and
    ``more`` posts, but not in all.

    >>> columns, _ = weighed(csr_matrix([[1.0, 1.0, 0.0, 0.0], [1.0, 0.0, 1.0, 0.0], [0.0] * 4]))
    >>> columns.tolist()
    [0]
    """
    posts = x.shape[0]
    found = np.bincount(x.indices, minlength=x.shape[1])
    worth = found > 1
    if more is not None:
        posts += more.shape[0]
        found += np.bincount(more.indices, minlength=x.shape[1])
        worth |= found >= COMMON
    columns = np.flatnonzero(worth & (found < posts)).astype(np.int32)
    idf = np.log((posts + 1.0) / (found[columns] + 1.0)) / 5.0
    return columns, np.sqrt(idf).astype(np.float32)


def regression(
    x: csr_matrix, gold: NDArray[np.int64], strength: float, weights: NDArray[np.float64]
) -> tuple[Floats, Floats]:
    """(coefficients (columns, 3), intercept (3,)) of scikit-learn's logistic regression.

    ``gold`` are label numbers; a class that never occurs keeps no weights and low odds.
    """
    used = np.unique(x.indices)
    model = LogisticRegression(C=strength, max_iter=MAX_ITER, tol=TOLERANCE)
    model.fit(x[:, used], gold, sample_weight=weights)
    coef, bias = model.coef_, model.intercept_
    if len(model.classes_) == 2:  # scikit-learn keeps one row for two classes
        coef, bias = np.vstack([-coef, coef]) / 2, np.concatenate([-bias, bias]) / 2
    full = np.zeros((x.shape[1], 3))
    full[np.ix_(used, model.classes_)] = coef.T
    intercept = np.full(3, bias.min() - ABSENT)
    intercept[model.classes_] = bias
    return full, intercept


ABSENT = 4.0  # log-odds that a class without posts stands below the rarest class


def told(x: csr_matrix, gold: NDArray[np.int64], classes: int) -> NDArray[np.float32]:
    """How much each column tells of the label: its largest log-count ratio, one label to the rest.

    Wang & Manning 2012 ("Baselines and bigrams", ACL) scale by it; its square root is used
    here, see docs/experiments.md.

    >>> (told(csr_matrix([[1.0, 1.0], [0.0, 1.0]]), np.array([0, 1]), 2) > 0).tolist()
    [True, False]
    """
    counts = np.zeros((classes, x.shape[1]))
    posts = np.bincount(gold, minlength=classes)
    for label in range(classes):
        counts[label] = np.bincount(x[gold == label].indices, minlength=x.shape[1])
    inside = (counts + 1) / (posts[:, None] + 1)
    rest = (counts.sum(axis=0) - counts + 1) / (posts.sum() - posts[:, None] + 1)
    found: NDArray[np.float32] = np.abs(np.log(inside / rest)).max(axis=0).astype(np.float32)
    return found


def fit_question(
    question: str,
    x: csr_matrix,
    labels: Labels,
    folds: NDArray[np.int64],
    *,
    weights: NDArray[np.float64] | None = None,
    more: Mapping[int, Taught] | None = None,
    strength: float | None = None,
    progress: Progress | None = None,
) -> Fit:
    """Fit one question on the rows of ``x`` that have a label.

    ``folds`` numbers the fold that holds each post out; -1 is always in training. ``more`` are
    further training posts by fold (-1: for the final fit), which a teacher labelled that had not
    seen the fold. Raises ValueError where fewer than two labels occur.
    """
    gold = gold_of(question, labels)
    known = gold >= 0
    if len(set(gold[known].tolist())) < 2:
        raise ValueError(f"every {question} label is the same")
    strength = STRENGTH[question] if strength is None else strength
    weights = np.ones(len(gold)) if weights is None else weights
    names = sorted(set(folds[folds >= 0].tolist()))
    features, scale = weighed(x, more[-1].x if more else None)
    scaled = x[:, features].multiply(scale).tocsr()

    def fitted(held: int) -> tuple[Floats, Floats]:
        rows = known & (folds != held) if held >= 0 else known
        xs, ys, ws = scaled[rows], gold[rows], weights[rows]
        if more is None or held not in more:
            gain = np.sqrt(told(xs, ys, 3))
        else:
            taught = more[held]
            extra = taught.x[:, features].multiply(scale).tocsr()
            best = taught.answers.argmax(axis=1)
            gain = np.sqrt(told(vstack([xs, extra], format="csr"), np.concatenate([ys, best]), 3))
            # a post once for each label that the teacher thinks possible
            post, label = np.nonzero(taught.answers >= LEAST)
            xs = vstack([xs, extra[post]], format="csr")
            ys = np.concatenate([ys, label])
            ws = np.concatenate([ws, taught.weight * taught.answers[post, label]])
        coef, bias = regression(xs.multiply(gain).tocsr(), ys, strength, ws)
        return coef * gain[:, None], bias

    odds = np.full((len(gold), 3), np.nan)
    for done, held in enumerate(names):
        if progress:
            progress(f"cross-validating {question}", done, len(names) + 1)
        coef, bias = fitted(held)
        rows = folds == held
        odds[rows] = scaled[rows] @ coef + bias
    if progress:
        progress(f"fitting {question}", len(names), len(names) + 1)
    coef, bias = fitted(-1)
    judged = known & (folds >= 0)
    slope, shift = calibrate(odds[judged], gold[judged])
    shift = shift - EVENED * np.log(shares(gold[judged], len(shift)))
    odds = odds * slope + shift
    kept = worth_keeping(features, coef * scale[:, None] * slope)
    intercept = (bias * slope + shift).astype(np.float32)
    held_out = softmax(odds)
    held_out[~judged] = np.nan
    return Fit(*kept, intercept, sure_threshold(held_out[judged], gold[judged]), held_out)


def worth_keeping(
    features: NDArray[np.int32], table: NDArray[np.floating[Any]]
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Features and their weights as a folder keeps them: in half precision, none under TOO_SMALL.

    >>> features, _ = worth_keeping(np.array([3, 9], np.int32), np.array([[0.5, 0.0], [0.0, 1e-4]]))
    >>> features.tolist()
    [3]
    """
    table = table.astype(np.float16).astype(np.float32)
    kept = np.abs(table).max(axis=1) >= TOO_SMALL
    return features[kept], table[kept]


def gold_of(question: str, labels: Labels) -> NDArray[np.int64]:
    """Label numbers, -1 for none."""
    order = LABELS[question]
    return np.array([-1 if label is None else order.index(label) for label in labels], np.int64)


def calibrate(odds: Floats, gold: NDArray[np.int64]) -> tuple[float, Floats]:
    """(slope, shift of each class) that make held-out log-odds fit their labels best.

    Vector scaling with one slope (Guo et al. 2017, arXiv:1706.04599).
    """
    classes = odds.shape[1]

    def loss(theta: Floats) -> tuple[float, Floats]:
        slope, shift = theta[0], theta[1:]
        p = softmax(odds * slope + shift)
        rows = np.arange(len(gold))
        value = -np.log(np.clip(p[rows, gold], 1e-12, None)).mean()
        error = p
        error[rows, gold] -= 1.0
        gradient = np.concatenate([[(error * odds).sum()], error.sum(axis=0)]) / len(gold)
        return value + 1e-4 * (shift**2).sum(), gradient + np.concatenate([[0.0], 2e-4 * shift])

    start = np.concatenate([[1.0], np.zeros(classes)])
    found = minimize(loss, start, jac=True, method="L-BFGS-B").x
    return float(found[0]), found[1:]


def shares(gold: NDArray[np.int64], classes: int) -> Floats:
    """How often each label occurs; 1 for one that never does, which no prior then lifts.

    >>> shares(np.array([0, 0, 0, 2]), 3).tolist()
    [0.75, 1.0, 0.25]
    """
    found = np.bincount(gold, minlength=classes)
    return np.where(found > 0, found / max(len(gold), 1), 1.0)


def softmax(odds: Floats) -> Floats:
    """Probabilities of rows of log-odds."""
    z = np.exp(odds - odds.max(axis=1, keepdims=True))
    found: Floats = z / z.sum(axis=1, keepdims=True)
    return found


def sure_threshold(probabilities: Floats, gold: NDArray[np.int64]) -> float:
    """The least top probability at and above which SURE of the answers are right; 1 where none.

    Judged on at least 30 posts, so that a lucky few do not decide.
    """
    top = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == gold
    order = np.argsort(-top, kind="stable")
    share = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    (good,) = np.nonzero(share[29:] >= SURE)
    return float(top[order][good[-1] + 29]) if len(good) else 1.0


def joined(fits: Mapping[str, Fit]) -> Weights:
    """The weights of both questions in one table."""
    parts = [(fits[q].features, fits[q].table, columns) for q, columns in COLUMNS_OF.items()]
    intercept = np.zeros(COLUMNS, np.float32)
    for question, columns in COLUMNS_OF.items():
        intercept[columns] = fits[question].intercept
    return Weights(
        *united(parts, COLUMNS), intercept, np.array([fits[q].sure for q in COLUMNS_OF], np.float32)
    )
