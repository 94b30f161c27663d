"""A user's labels and a base model -> weights that are no worse than either alone would give.

The fit is centred on the base: the log-odds of the base model, rescaled on the labels, are the
offset of a logistic regression whose L2 penalty draws towards no change (maximum a posteriori
adaptation: Chelba & Acero 2006, "Adaptation of maximum entropy capitalizer", Computer Speech &
Language 20). How far it may move, from "only rescaled" to "from scratch", grouped
cross-validation decides by log loss. All of it is linear, so the result is weights like any other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_matrix

from .fitting import (
    ABSENT,
    Fit,
    Floats,
    Labels,
    column_weights,
    gold_of,
    softmax,
    sure_threshold,
)
from .linear import COLUMNS_OF, Weights

#: C of the fits that are tried, from the one that moves least
STRENGTHS = (0.1, 0.5, 2.0, 8.0)
MAX_ITER = 60
SLOPE_SPREAD, SHIFT_SPREAD = 0.3, 1.0  # prior standard deviations of the rescaling

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Refit:
    """A question refitted: how ('rescaled', 'centred C=2', 'scratch C=2'), and what was tried.

    ``tried`` is method -> mean held-out log loss in nats. ``fit`` is as fitting.fit_question
    gives it; its ``held_out`` come from folds that chose the method too, one choice for all.
    """

    fit: Fit
    method: str
    tried: dict[str, float]


def refit(
    question: str,
    x: csr_matrix,
    labels: Labels,
    folds: NDArray[np.int64],
    *,
    base: Weights | None,
    base_odds: NDArray[np.float32] | None = None,
    progress: Progress | None = None,
) -> Refit:
    """Fit ``question`` on the rows of ``x`` that have a label, centred on ``base``.

    ``x`` comes from matrix.features_matrix(texts, assets, own_tickers=True), ``folds`` from
    fitting.folds_of(groups), ``base_odds`` (posts, 6) from the base's Scorer.log_odds. With
    ``base`` None everything is fitted from scratch. Raises ValueError where the labels are all
    the same.

    Labels that never occur have no say in the fit: what moves is how the others stand to one
    another, so that the new model keeps what the base knew of the absent one.
    """
    gold = gold_of(question, labels)
    known = gold >= 0
    if len(set(gold[known].tolist())) < 2:
        raise ValueError(f"every {question} label is the same")
    scale = column_weights(x)
    x = x[known].multiply(scale).tocsr()
    x.eliminate_zeros()  # columns of a single post, which are half of all
    seen, gold = np.unique(gold[known], return_inverse=True)
    folds = folds[known]
    columns = COLUMNS_OF[question]
    whole = offset = None
    if base is not None and base_odds is not None:
        whole = base_odds[known][:, columns].astype(np.float64)
        offset = whole[:, seen]
    names = sorted(set(folds.tolist()))
    methods = _methods(offset is not None)
    held: dict[str, Floats] = {name: np.empty((len(gold), len(seen))) for name, _ in methods}
    for done, fold in enumerate(names):
        if progress:
            progress(f"cross-validating {question}", done, len(names) + 1)
        rows, out = folds != fold, folds == fold
        for name, model in _fitted(
            x[rows], gold[rows], len(seen), offset[rows] if offset is not None else None
        ):
            held[name][out] = model.odds(x[out], offset[out] if offset is not None else None)
    if progress:
        progress(f"fitting {question}", len(names), len(names) + 1)
    tried = {name: _log_loss(odds, gold) for name, odds in held.items()}
    method = min(tried, key=lambda name: (tried[name], [n for n, _ in methods].index(name)))
    model = dict(_fitted(x, gold, len(seen), offset, only=method))[method]
    # held-out log-odds of the chosen method: rescaled once more, which mends its confidence
    slope, shift = rescaled(held[method], gold)
    table = np.zeros((x.shape[1], 3))
    table[:, seen] = model.change * (slope * scale[:, None])
    if whole is not None and base is not None and model.follows:
        slope_of_base = slope * model.slope
        table += base.table[:, columns] * slope_of_base
        intercept = base.intercept[columns] * slope_of_base
        odds = whole * slope_of_base
    else:  # an absent label stands below the rarest one
        intercept = np.full(3, (model.shift * slope + shift).min() - ABSENT)
        odds = np.tile((held[method] * slope + shift).min(axis=1, keepdims=True) - ABSENT, 3)
        intercept[seen] = odds[:, seen] = 0.0
    intercept[seen] += model.shift * slope + shift
    odds[:, seen] = held[method] * slope + shift
    found = np.full((len(known), 3), np.nan)
    found[known] = softmax(odds)
    fit = Fit(
        table.astype(np.float16).astype(np.float32),
        intercept.astype(np.float32),
        sure_threshold(found[known], seen[gold]),
        found,
    )
    return Refit(fit, method, tried)


def merged(base: Weights | None, fits: dict[str, Fit]) -> Weights:
    """The refitted questions beside what the base had of the others (nothing: even odds)."""
    from .features import SIZE
    from .linear import COLUMNS

    table = np.zeros((SIZE, COLUMNS), np.float32) if base is None else base.table.copy()
    intercept = np.zeros(COLUMNS, np.float32) if base is None else base.intercept.copy()
    sure = np.ones(len(COLUMNS_OF), np.float32) if base is None else base.sure.copy()
    for place, (question, columns) in enumerate(COLUMNS_OF.items()):
        if question in fits:
            table[:, columns] = fits[question].table
            intercept[columns] = fits[question].intercept
            sure[place] = fits[question].sure
    return Weights(table, intercept, sure)


@dataclass(frozen=True)
class _Model:
    """z = slope * offset + shift + x @ change; ``follows`` says whether it uses the offset."""

    slope: float
    shift: Floats
    change: Floats
    follows: bool

    def odds(self, x: csr_matrix, offset: Floats | None) -> Floats:
        z: Floats = x @ self.change + self.shift
        return z + self.slope * offset if self.follows and offset is not None else z


def _methods(has_base: bool) -> list[tuple[str, float]]:
    scratch = [(f"scratch C={c:g}", c) for c in STRENGTHS[1:]]
    if not has_base:
        return scratch
    return [("rescaled", 0.0), *((f"centred C={c:g}", c) for c in STRENGTHS), scratch[1]]


def _fitted(
    x: csr_matrix,
    gold: NDArray[np.int64],
    classes: int,
    offset: Floats | None,
    only: str | None = None,
) -> list[tuple[str, _Model]]:
    """The models of every method (of ``only`` one), each begun where the one before ended."""
    width = x.shape[1]
    slope, shift, still = 1.0, np.zeros(classes), np.zeros((width, classes))
    if offset is not None:
        slope, shift = rescaled(offset, gold)
    used = np.unique(x.indices)
    packed = x[:, used]
    found = []
    start: Floats | None = None
    for name, strength in _methods(offset is not None):
        follows = not name.startswith("scratch")
        if only not in (None, name):
            continue
        if name == "rescaled":
            found.append((name, _Model(slope, shift, still, True)))
            continue
        fixed = slope * offset + shift if follows and offset is not None else None
        if not follows:
            start = None if start is None or found[-1][1].follows else start
        part, bias = _descend(packed, gold, classes, fixed, strength, start)
        start = np.vstack([part, bias])
        change = still.copy()
        change[used] = part
        base_shift = shift if fixed is not None else 0.0
        found.append((name, _Model(slope, base_shift + bias, change, follows)))
    return found


def _descend(
    x: csr_matrix,
    gold: NDArray[np.int64],
    classes: int,
    fixed: Floats | None,
    strength: float,
    start: Floats | None,
) -> tuple[Floats, Floats]:
    """Softmax regression with an offset: sum of losses + |coefficients|^2 / (2 C), by L-BFGS."""
    posts, width = x.shape
    rows = np.arange(posts)
    turned = x.T.tocsr()

    def loss(theta: Floats) -> tuple[float, Floats]:
        theta = theta.reshape(width + 1, classes)
        z = x @ theta[:-1] + theta[-1]
        if fixed is not None:
            z += fixed
        p = softmax(z)
        value = -np.log(np.clip(p[rows, gold], 1e-12, None)).sum()
        p[rows, gold] -= 1.0
        gradient = np.vstack([turned @ p, p.sum(axis=0)])
        gradient[:-1] += theta[:-1] / strength
        # the shift has a spread too, so that five posts of a class do not move it without bound
        gradient[-1] += theta[-1] / SHIFT_SPREAD**2
        value += (theta[:-1] ** 2).sum() / (2 * strength)
        value += (theta[-1] ** 2).sum() / (2 * SHIFT_SPREAD**2)
        return value / posts, gradient.ravel() / posts

    begin = np.zeros((width + 1, classes)) if start is None else start
    options = {"maxiter": MAX_ITER, "ftol": 1e-7}
    theta = minimize(loss, begin.ravel(), jac=True, method="L-BFGS-B", options=options).x
    theta = theta.reshape(width + 1, classes)
    return theta[:-1], theta[-1]


def rescaled(odds: Floats, gold: NDArray[np.int64]) -> tuple[float, Floats]:
    """(slope, shift) that fit log-odds to labels, drawn towards 1 and 0 as few labels should be."""
    rows = np.arange(len(gold))

    def loss(theta: Floats) -> tuple[float, Floats]:
        slope, shift = theta[0], theta[1:]
        p = softmax(odds * slope + shift)
        value = -np.log(np.clip(p[rows, gold], 1e-12, None)).sum()
        p[rows, gold] -= 1.0
        gradient = np.concatenate([[(p * odds).sum()], p.sum(axis=0)])
        value += (slope - 1) ** 2 / (2 * SLOPE_SPREAD**2) + (shift**2).sum() / (2 * SHIFT_SPREAD**2)
        gradient[0] += (slope - 1) / SLOPE_SPREAD**2
        gradient[1:] += shift / SHIFT_SPREAD**2
        return value / len(gold), gradient / len(gold)

    begin = np.concatenate([[1.0], np.zeros(odds.shape[1])])
    theta = minimize(loss, begin, jac=True, method="L-BFGS-B").x
    return float(theta[0]), theta[1:]


def _log_loss(odds: Floats, gold: NDArray[np.int64]) -> float:
    p = softmax(odds)[np.arange(len(gold)), gold]
    return float(-np.log(np.clip(p, 1e-12, None)).mean())
