"""Retraining of tickers and levels: the user's spans beside those of corpora/."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .checks import FEWEST
from .corpus import LabelledPost, corpora_folder, read_spans
from .errors import InputError
from .fitting import folds_of
from .fitting_spans import fit_extraction, learnable
from .scores import SpanScores, span_scores
from .suspects import Progress

if TYPE_CHECKING:
    from .classifier import Classifier

FOLDS = 3  # a fit reads all of corpora/ anew


@dataclass(frozen=True, slots=True)
class Spanned:
    """Arrays of the better model of tickers and levels (none where the old one is), and why."""

    arrays: dict[str, NDArray[Any]]
    note: str


def refit_spans(
    posts: Sequence[LabelledPost],
    old: Classifier,
    groups: Sequence[int],
    seed: int,
    progress: Progress,
) -> Spanned | None:
    """Refit tickers and levels where posts have both labelled; None where too few have.

    The new arrays are kept only if, cross-validated by group on the user's posts, they find no
    fewer spans right and no fewer roles: spans have no interval here, the better one is taken.
    """
    held = [i for i, p in enumerate(posts) if p.tickers is not None and p.levels is not None]
    if len(held) < FEWEST or len({groups[i] for i in held}) < FOLDS:
        return None
    mine = [replace(posts[i], group=f"own {groups[i]}") for i in held]
    theirs = _corpora_spans()
    folds = folds_of([groups[i] for i in held], FOLDS, seed)
    answers: list[Any] = [None] * len(mine)
    for fold in range(FOLDS):
        progress("cross-validating tickers and levels", fold, FOLDS + 1)
        training = [post for post, at in zip(mine, folds, strict=True) if at != fold]
        model = _with(old, fit_extraction([*theirs, *training], old.assets, seed=seed))
        for place in np.flatnonzero(folds == fold).tolist():
            answers[place] = model.classify(mine[place].text)
    before = span_scores(mine, [old.classify(post.text) for post in mine])
    after = span_scores(mine, answers)
    better = all(_worth(after[name]) >= _worth(before[name]) for name in before)
    note = "tickers and levels, cross-validated: " + "; ".join(
        f"{name} F1 {before[name].f1:.3f} -> {after[name].f1:.3f}" for name in before
    )
    if not better:
        return Spanned({}, f"{note}; the old model of spans is kept")
    progress("fitting tickers and levels", FOLDS, FOLDS + 1)
    return Spanned(fit_extraction([*theirs, *mine], old.assets, seed=seed), note)


def _worth(scores: SpanScores) -> float:
    """F1 of spans, and of those how many have the right role or symbol."""
    if not scores.labelled + scores.found:
        return 0.0
    return scores.f1 * scores.same.get("role", scores.same.get("symbol", 1.0))


def _corpora_spans() -> list[LabelledPost]:
    try:
        posts = read_spans(corpora_folder())
    except InputError:
        return []
    return learnable(post for post in posts if post.split == "train")


def _with(old: Classifier, arrays: dict[str, NDArray[Any]]) -> Classifier:
    from .classifier import Classifier

    return Classifier({**old.arrays, **arrays}, {"checksum": ""}, old.assets)
