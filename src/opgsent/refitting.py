"""A user's labels and a base model -> weights that are no worse than either alone would give.

The fit is centred on the base: the log-odds of the base model, rescaled on the labels, are the
offset of a logistic regression whose L2 penalty draws towards no change (maximum a posteriori
adaptation: Chelba & Acero 2006, "Adaptation of maximum entropy capitalizer", Computer Speech &
Language 20). How far it may move, from "unchanged" to "from scratch", grouped cross-validation
decides by log loss: what moves more is taken only where it is better by more than its standard
error (Breiman et al. 1984, the one-standard-error rule), for twenty labels prove little. Between
the last two stands their mean: they err on different posts, and of many labels it is the best.

Posts of rare labels weigh more, by a power of their number (BALANCE): between the shares of the
feed, which cost the rare labels their F1, and equal shares. All of it is linear, so the
result is weights like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
    gold_of,
    softmax,
    sure_threshold,
    told,
    weighed,
    worth_keeping,
)
from .linear import COLUMNS, COLUMNS_OF, Part, Weights, united

#: C of the fits that are tried, from the one that moves least
STRENGTHS = (0.1, 0.5, 1.0, 2.0)
SCRATCH = (0.5, 2.0, 8.0)
#: power of how much a column tells of the label (``fitting.told``) by which it is weighed; beside a
#: base, a fit from scratch helps the centred one more the more they differ
TOLD, TOLD_BESIDE = 0.5, 0.75
BALANCE = 0.6  # 0: labels weigh by their number, 1: all labels the same
MARGIN = 1.0  # standard errors by which a method that moves more has to be better
FEW = 40  # posts at which it has to be better by twice as many
MAX_ITER = 60
SLOPE_SPREAD, SHIFT_SPREAD = 0.3, 0.5  # prior standard deviations of the rescaling
BOTH = "centred and scratch"  # the mean of HALVES: they err on different posts
HALVES = ("centred C=0.5", "scratch C=1")
FREE_SPREAD = 10.0  # of the shift of a fit from scratch

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Refit:
    """A question refitted: how ('unchanged', 'centred C=2', ...), and what was tried.

    ``tried`` is method -> mean weighted held-out log loss in nats. ``fit`` is as
    fitting.fit_question gives it; its ``held_out`` come from folds that chose the method too, one
    choice for all.
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
    columns = COLUMNS_OF[question]
    features, scale = weighed(x)  # without those of a single post, which are half of all
    x = x[known][:, features].multiply(scale).tocsr()
    seen, gold = np.unique(gold[known], return_inverse=True)
    folds = folds[known]
    whole = None
    if base is not None and base_odds is not None:
        whole = base_odds[known][:, columns].astype(np.float64)
    posts = _Posts(x, gold, balanced(gold), None if whole is None else whole[:, seen], len(seen))
    held = _held_out(question, posts, folds, progress)
    # every method but the base as it is gets rescaled once more, on held-out log-odds: a fit that
    # moves far is too sure of itself, and would lose by that alone
    mend = {name: rescaled(odds, gold, posts.trust) for name, odds in held.items()}
    mend["unchanged"] = 1.0, np.zeros(len(seen))
    losses = {
        name: posts.trust * _log_losses(odds * mend[name][0] + mend[name][1], gold)
        for name, odds in held.items()
    }
    method = _least_that_pays(losses)
    slope, shift = mend[method]
    (model,) = _fitted(posts, only=method).values()
    change = np.zeros((len(features), 3))
    change[:, seen] = model.change * (slope * scale[:, None])
    parts: list[Part] = [(features, change, slice(0, 3))]
    slope_of_base = slope * model.slope if model.follows else 0.0
    if whole is not None and base is not None and slope_of_base > 0:
        parts.append((base.features, base.table[:, columns] * slope_of_base, slice(0, 3)))
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
        *worth_keeping(*united(parts, 3)),
        intercept.astype(np.float32),
        sure_threshold(found[known], seen[gold]),
        found,
    )
    return Refit(fit, method, {name: float(loss.mean()) for name, loss in losses.items()})


def merged(base: Weights | None, fits: Mapping[str, Fit]) -> Weights:
    """The refitted questions beside what the base had of the others (nothing: even odds)."""
    parts: list[Part] = [(f.features, f.table, COLUMNS_OF[name]) for name, f in fits.items()]
    intercept = np.zeros(COLUMNS, np.float32) if base is None else base.intercept.copy()
    sure = np.ones(len(COLUMNS_OF), np.float32) if base is None else base.sure.copy()
    for place, (question, columns) in enumerate(COLUMNS_OF.items()):
        if question in fits:
            intercept[columns] = fits[question].intercept
            sure[place] = fits[question].sure
        elif base is not None:
            parts.append((base.features, base.table[:, columns], columns))
    return Weights(*united(parts, COLUMNS), intercept, sure, own_tickers=True)


def balanced(gold: NDArray[np.int64]) -> Floats:
    """The weight of each post, 1 on average: more for rare labels, see BALANCE.

    >>> balanced(np.array([0, 0, 0, 1])).round(2).tolist()
    [0.89, 0.89, 0.89, 1.34]
    """
    weights = (np.bincount(gold) + 1.0) ** -BALANCE
    found: Floats = weights[gold] / weights[gold].mean()
    return found


@dataclass(frozen=True)
class _Posts:
    """Labelled posts: features, label numbers, weights, and the base's log-odds if there is one."""

    x: csr_matrix
    gold: NDArray[np.int64]
    trust: Floats
    offset: Floats | None
    classes: int

    def part(self, rows: NDArray[np.bool_]) -> _Posts:
        """Some of the posts."""
        offset = None if self.offset is None else self.offset[rows]
        return _Posts(self.x[rows], self.gold[rows], self.trust[rows], offset, self.classes)


@dataclass(frozen=True)
class _Model:
    """z = slope * offset + shift + x @ change; ``follows`` says whether it uses the offset."""

    slope: float
    shift: Floats
    change: Floats
    follows: bool

    def mean(self, other: _Model) -> _Model:
        """The model whose log-odds lie half-way; only this one follows the base."""
        return _Model(
            self.slope / 2, (self.shift + other.shift) / 2, (self.change + other.change) / 2, True
        )

    def odds(self, posts: _Posts) -> Floats:
        z: Floats = posts.x @ self.change + self.shift
        return z if posts.offset is None or not self.follows else z + self.slope * posts.offset


def _held_out(
    question: str, posts: _Posts, folds: NDArray[np.int64], progress: Progress | None
) -> dict[str, Floats]:
    """Method -> log-odds of each post from a fit that had not seen its fold."""
    names = sorted(set(folds.tolist()))
    held: dict[str, Floats] = {}
    for done, fold in enumerate(names):
        if progress:
            progress(f"cross-validating {question}", done, len(names) + 1)
        out = posts.part(folds == fold)
        for name, model in _fitted(posts.part(folds != fold)).items():
            held.setdefault(name, np.empty((len(folds), posts.classes)))
            held[name][folds == fold] = model.odds(out)
    if progress:
        progress(f"fitting {question}", len(names), len(names) + 1)
    return held


def _log_losses(odds: Floats, gold: NDArray[np.int64]) -> Floats:
    p = softmax(odds)[np.arange(len(gold)), gold]
    found: Floats = -np.log(np.clip(p, 1e-12, None))
    return found


def _least_that_pays(losses: dict[str, Floats]) -> str:
    """The method to use, by the held-out losses of each post; methods that move least first."""
    chosen, *others = losses
    # of few posts the standard error itself is a guess
    margin = MARGIN * (1 + FEW / len(losses[chosen]))
    for name in others:
        gain = losses[chosen] - losses[name]
        if gain.mean() > margin * gain.std(ddof=1) / np.sqrt(len(gain)):
            chosen = name
    return chosen


def _methods(has_base: bool) -> list[tuple[str, float]]:
    """(method, C), from the one that moves least."""
    if not has_base:
        return [(f"scratch C={c:g}", c) for c in SCRATCH]
    centred = [(f"centred C={c:g}", c) for c in STRENGTHS]
    return [("unchanged", 0.0), ("rescaled", 0.0), *centred, (BOTH, 0.0), ("scratch C=1", 1.0)]


def _fitted(posts: _Posts, only: str | None = None) -> dict[str, _Model]:
    """The model of every method (of ``only`` one), each begun where the one before ended."""
    still = np.zeros((posts.x.shape[1], posts.classes))
    slope, shift = 1.0, np.zeros(posts.classes)
    found = {"unchanged": _Model(slope, shift, still, True)}
    if posts.offset is not None:
        slope, shift = rescaled(posts.offset, posts.gold, posts.trust)
        found["rescaled"] = _Model(slope, shift, still, True)
    used = np.unique(posts.x.indices)
    packed = posts.x[:, used]
    telling = told(packed, posts.gold, posts.classes)
    # columns weighed for fits that follow the base, and for those from scratch
    beside = TOLD if posts.offset is None else TOLD_BESIDE
    gains = {True: telling**TOLD, False: telling**beside}
    scaled = {follows: packed.multiply(gain).tocsr() for follows, gain in gains.items()}
    start: dict[bool, Floats | None] = {True: None, False: None}
    methods = _methods(posts.offset is not None)
    wanted = HALVES if only == BOTH else [n for n, _ in methods if only in (None, n)]
    for name, strength in methods:
        if name in found or name == BOTH or name not in wanted:
            continue
        follows = not name.startswith("scratch")
        fixed = slope * posts.offset + shift if follows and posts.offset is not None else None
        theta = start[follows] = _descend(scaled[follows], posts, fixed, strength, start[follows])
        change = still.copy()
        change[used] = theta[:-1] * gains[follows][:, None]
        found[name] = _Model(slope, theta[-1] + (shift if follows else 0.0), change, follows)
    if only in (None, BOTH) and posts.offset is not None:
        one, other = HALVES
        found[BOTH] = found[one].mean(found[other])
    return {name: found[name] for name, _ in methods if only in (None, name)}


def _descend(
    x: csr_matrix, posts: _Posts, fixed: Floats | None, strength: float, start: Floats | None
) -> Floats:
    """Softmax regression with an offset: sum of losses + |coefficients|^2 / (2 C), by L-BFGS.

    Returns coefficients with the shift as their last row.
    """
    count, width = x.shape
    gold, trust = posts.gold, posts.trust
    rows = np.arange(count)
    turned = x.T.tocsr()
    # the shift has a spread too, so that five posts of a class do not move it without bound
    spread = FREE_SPREAD if fixed is None else SHIFT_SPREAD
    decay = np.full((width + 1, 1), 1.0 / strength)
    decay[-1] = 1.0 / spread**2

    def loss(theta: Floats) -> tuple[float, Floats]:
        theta = theta.reshape(width + 1, posts.classes)
        z = x @ theta[:-1] + theta[-1]
        if fixed is not None:
            z += fixed
        p = softmax(z)
        value = -(trust * np.log(np.clip(p[rows, gold], 1e-12, None))).sum()
        p[rows, gold] -= 1.0
        p *= trust[:, None]
        gradient = np.vstack([turned @ p, p.sum(axis=0)]) + decay * theta
        value += (decay * theta**2).sum() / 2
        return value / count, gradient.ravel() / count

    begin = np.zeros((width + 1, posts.classes)) if start is None else start
    options = {"maxiter": MAX_ITER, "ftol": 1e-5}
    theta = minimize(loss, begin.ravel(), jac=True, method="L-BFGS-B", options=options).x
    found: Floats = theta.reshape(width + 1, posts.classes)
    return found


def rescaled(odds: Floats, gold: NDArray[np.int64], trust: Floats) -> tuple[float, Floats]:
    """(slope, shift) that fit log-odds to labels, drawn towards 1 and 0 as few labels should be.

    The slope is never below 0: where a fold is all of one label its held-out log-odds point the
    wrong way, and the final model, fitted on all folds, must not be turned around by them.
    """
    rows = np.arange(len(gold))

    def loss(theta: Floats) -> tuple[float, Floats]:
        slope, shift = theta[0], theta[1:]
        p = softmax(odds * slope + shift)
        value = -(trust * np.log(np.clip(p[rows, gold], 1e-12, None))).sum()
        p[rows, gold] -= 1.0
        p *= trust[:, None]
        gradient = np.concatenate([[(p * odds).sum()], p.sum(axis=0)])
        value += (slope - 1) ** 2 / (2 * SLOPE_SPREAD**2) + (shift**2).sum() / (2 * SHIFT_SPREAD**2)
        gradient[0] += (slope - 1) / SLOPE_SPREAD**2
        gradient[1:] += shift / SHIFT_SPREAD**2
        return value / len(gold), gradient / len(gold)

    begin = np.concatenate([[1.0], np.zeros(odds.shape[1])])
    theta = minimize(loss, begin, jac=True, method="L-BFGS-B").x
    if theta[0] < 0:  # the loss is convex: of slopes from 0 on, 0 is the best
        begin[0] = 0.0
        bounds = [(0.0, 0.0)] + [(None, None)] * odds.shape[1]
        theta = minimize(loss, begin, jac=True, method="L-BFGS-B", bounds=bounds).x
    return float(theta[0]), theta[1:]
