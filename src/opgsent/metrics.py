"""How good probabilities are: F1, AUC, calibration, and intervals that know of groups.

Everything is weighted, for a bootstrap is nothing but other weights: near-duplicates and posts of
one author stand or fall together, so it draws groups, not posts (Efron & Tibshirani 1993, ch. 8;
Field & Welsh 2007 for clusters). Two models are compared on the same draws, which is what makes
a small difference visible (Koehn 2004).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DRAWS = 1000
LEVEL = 0.95  # of an interval
BINS = 10  # of the calibration error, equal widths of the top probability


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure and the interval of its group bootstrap (95 %, percentiles)."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        if math.isnan(self.value):
            return "-"
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]".replace("nan", "-")


class Judged:
    """Answers to one question beside what people said: probabilities (n, k), gold (n,).

    ``labels`` names the columns of ``probabilities``; a row need not sum to 1, the largest column
    is the answer. ``groups`` are what a bootstrap draws; every post its own when None.

    >>> judged = Judged(("up", "down"), [0, 1, 1], [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    >>> judged.accuracy(), round(judged.macro_f1(), 3), judged.auc()
    (0.6666666666666666, 0.667, 1.0)
    """

    def __init__(
        self,
        labels: Sequence[str],
        gold: Sequence[int] | Ints,
        probabilities: Sequence[Sequence[float]] | Floats,
        groups: Sequence[int] | Ints | None = None,
    ) -> None:
        self.labels = tuple(labels)
        self.gold = np.asarray(gold, np.int64)
        self.probabilities = np.asarray(probabilities, np.float64).reshape(-1, len(self.labels))
        if len(self.gold) != len(self.probabilities):
            raise ValueError(f"{len(self.gold)} labels for {len(self.probabilities)} answers")
        every = np.arange(len(self.gold)) if groups is None else np.asarray(groups)
        self.groups: Ints = np.unique(every, return_inverse=True)[1].astype(np.int64)
        self.answers: Ints = (
            self.probabilities.argmax(axis=1) if len(self.gold) else np.empty(0, np.int64)
        )
        self._ranks = [_ties(self.probabilities[:, label]) for label in range(len(self.labels))]

    def __len__(self) -> int:
        return len(self.gold)

    def confusion(self, weights: Floats | None = None) -> Floats:
        """Posts by (gold, answer), shape (k, k)."""
        k = len(self.labels)
        cells = np.bincount(self.gold * k + self.answers, weights, k * k)
        return cells.reshape(k, k).astype(np.float64)

    def accuracy(self, weights: Floats | None = None) -> float:
        """Share of posts answered right, in [0, 1]; NaN without posts."""
        table = self.confusion(weights)
        return _ratio(float(np.trace(table)), float(table.sum()))

    def macro_f1(self, weights: Floats | None = None) -> float:
        """Mean F1 of the labels that occur among gold or answers, in [0, 1]."""
        table = self.confusion(weights)
        both = table.sum(axis=0) + table.sum(axis=1)
        seen = both > 0
        return float((2 * np.diag(table)[seen] / both[seen]).mean()) if seen.any() else np.nan

    def auc_of(self, label: int, weights: Floats | None = None) -> float:
        """Area under the ROC curve of one label against the rest; NaN where one side is empty."""
        weights = np.ones(len(self.gold)) if weights is None else weights
        rank, count = self._ranks[label]
        of = np.where(self.gold == label, weights, 0.0)
        ours = np.bincount(rank, of, count)
        theirs = np.bincount(rank, weights - of, count)
        below = np.cumsum(theirs) - theirs
        return _ratio(float((ours * (below + theirs / 2)).sum()), float(ours.sum() * theirs.sum()))

    def auc(self, weights: Floats | None = None) -> float:
        """Mean one-vs-rest AUC of the labels that occur, in [0, 1]."""
        found = [self.auc_of(label, weights) for label in range(len(self.labels))]
        held = [value for value in found if not np.isnan(value)]
        return float(np.mean(held)) if held else float("nan")

    def reliability(self) -> Floats:
        """Per bin of the top probability, shape (BINS, 3): posts, their sum of top probabilities,
        and how many of them are right.

        >>> judged = Judged(("up", "down"), [0, 1], [[0.9, 0.1], [0.95, 0.05]])
        >>> judged.reliability()[-1].round(2).tolist()
        [2.0, 1.85, 1.0]
        """
        top = self.probabilities.max(axis=1) if len(self.gold) else np.empty(0)
        places = np.minimum((top * BINS).astype(np.int64), BINS - 1)
        columns = np.ones(len(top)), top, self.answers == self.gold
        return np.column_stack([np.bincount(places, column, BINS) for column in columns])

    def ece(self) -> float:
        """Expected calibration error of the top probability in [0, 1], BINS bins of one width."""
        if not len(self.gold):
            return float("nan")
        _, top, right = self.reliability().T
        return float(np.abs(top - right).sum() / len(self.gold))

    def restricted(self, labels: Sequence[str]) -> Judged:
        """The posts of these labels, read among them only: the other columns are left out.

        Of one label none is left out: every answer would be right.
        """
        if len(labels) == 1:
            kept = self.gold == self.labels.index(labels[0])
            return Judged(self.labels, self.gold[kept], self.probabilities[kept], self.groups[kept])
        places = [self.labels.index(label) for label in labels]
        where = np.full(len(self.labels), -1)
        where[places] = np.arange(len(places))
        kept = where[self.gold] >= 0
        shares = self.probabilities[kept][:, places]
        totals = shares.sum(axis=1, keepdims=True)
        shares = np.divide(
            shares, totals, out=np.full_like(shares, 1 / len(places)), where=totals > 0
        )
        return Judged(labels, where[self.gold[kept]], shares, self.groups[kept])


Figure = Callable[[Judged, Floats | None], float]


def interval(judged: Judged, figure: Figure, *, draws: int = DRAWS, seed: int = 0) -> Interval:
    """A figure of the answers with its group-bootstrap interval.

    >>> judged = Judged(("up", "down"), [0, 1] * 50, [[0.9, 0.1], [0.2, 0.8]] * 50)
    >>> str(interval(judged, Judged.accuracy, draws=20))
    '1.000 [1.000, 1.000]'
    """
    found = [figure(judged, weights) for weights in _draws(judged.groups, draws, seed)]
    return _interval(figure(judged, None), found)


def difference(
    old: Judged, new: Judged, figure: Figure, *, draws: int = DRAWS, seed: int = 0
) -> Interval:
    """How much better ``new`` answers the same posts than ``old``: paired group bootstrap.

    Raises ValueError where the two are not about the same posts.
    """
    if old.labels != new.labels or not np.array_equal(old.gold, new.gold):
        raise ValueError("two models are compared on the same posts")
    found = [
        figure(new, weights) - figure(old, weights) for weights in _draws(new.groups, draws, seed)
    ]
    return _interval(figure(new, None) - figure(old, None), found)


def _draws(groups: Ints, draws: int, seed: int) -> list[Floats]:
    """Weights of the posts in each draw of as many groups as there are, with replacement."""
    count = int(groups.max()) + 1 if len(groups) else 0
    if count < 2:
        return []  # one group says nothing of how groups differ
    rng = np.random.default_rng(seed)
    return [
        np.bincount(rng.integers(count, size=count), minlength=count)[groups].astype(np.float64)
        for _ in range(draws)
    ]


def _interval(value: float, found: list[float]) -> Interval:
    held = [x for x in found if not np.isnan(x)]
    if not held:
        return Interval(value, float("nan"), float("nan"))
    low, high = np.quantile(held, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(value, float(low), float(high))


def _ties(scores: Floats) -> tuple[Ints, int]:
    """The rank of each score (equal ones share it), and how many ranks there are."""
    values, rank = np.unique(scores, return_inverse=True)
    return rank.astype(np.int64), len(values)


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else float("nan")
