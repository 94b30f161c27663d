"""Labelled posts -> the arrays that extraction.py scores with: the only fit of spans.

All three models (ticker or not, price or not, which role) are logistic regressions on exactly the
rows that scoring gathers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from . import level_views
from . import levels as level_room
from . import tickers as ticker_room
from .assets import Assets
from .corpus import LabelledPost
from .features import COUNTERS
from .fitting import told
from .forms import described
from .offsets import Reading, starts_of
from .reading import Batch, TokenTable
from .result import ROLES
from .spans import ROWS, Rows, around, cue_classes, runs

Floats = NDArray[np.float64]
Spot = tuple[int, int, int]

TICKER_C = 1.0  #: inverse strength of the priors, chosen by grouped cross-validation
LEVEL_C = 0.5
ROLE_C = 0.1
TAUGHT = 0.8  #: weight of a post that teachers labelled beside a labelled one's 1
TAUGHT_TICKER = 0.3  #: of its tickers: feeds tag what they name, and hold few names in prose
TOO_SMALL = 2e-3
NO_ROLE = -1
#: writers of corpora/ whose levels stand in metaphors ("the lid", "that door"): two readers gave
#: them other roles in 41 of 260 posts, and real posts lose by them, see docs/extraction.md
UNSETTLED = frozenset(["w51"])


def learnable(posts: Iterable[LabelledPost]) -> list[LabelledPost]:
    """The posts whose spans are worth a fit: both kinds marked, by no writer of UNSETTLED."""
    settled = (post for post in posts if post.writer not in UNSETTLED)
    return [post for post in settled if post.tickers is not None and post.levels is not None]


def table_of(assets: Assets) -> TokenTable:
    """A token table for finding candidates, without weights of its own."""
    return TokenTable(lambda tokens: described(tokens, assets)[0], COUNTERS, 0)


@dataclass(slots=True)
class Examples:
    """Candidates of labelled posts with what the labels say of each.

    A spot is (post, start, end): the span of the candidate in the text as given.
    """

    batch: Batch
    tickers: ticker_room.Candidates
    ticker_rows: Rows
    is_ticker: NDArray[np.bool_]
    ticker_post: NDArray[np.int64]
    ticker_spots: list[Spot]
    numbers: level_room.Numbers
    role_rows: Rows
    role: NDArray[np.int64]
    role_post: NDArray[np.int64]
    number_spots: list[Spot]


def examples(posts: Sequence[LabelledPost], assets: Assets) -> Examples:
    """Read labelled posts; those without spans must have been left out before."""
    batch = table_of(assets).read([post.text for post in posts])
    cues = cue_classes(batch.flags)
    tickers = ticker_room.find(batch, cues, assets)
    numbers = level_room.find(batch)
    offsets = _Offsets(batch)
    (which,) = np.nonzero(~ticker_room.CERTAIN[tickers.shape])  # the rest is never asked about
    first, last = tickers.first[which], tickers.last[which]
    a = runs(batch, first, last)
    of_ticker = {(i, t.start, t.end) for i, p in enumerate(posts) for t in p.tickers or ()}
    names = [
        (post, *offsets.span(post, begin, end, symbol.start, symbol.end))
        for post, begin, end, symbol in zip(
            a.post.tolist(),
            first.tolist(),
            last.tolist(),
            [tickers.symbols[i] for i in which.tolist()],
            strict=True,
        )
    ]
    is_ticker = np.array([spot in of_ticker for spot in names], bool)
    b = around(runs(batch, numbers.place, numbers.place), cues)
    of_level = {(i, v.start, v.end): v.role for i, p in enumerate(posts) for v in p.levels or ()}
    figures = [
        (post, *offsets.span(post, place, place, known.part.start, known.part.end))
        for post, place, known in zip(
            b.runs.post.tolist(), numbers.place.tolist(), numbers.known, strict=True
        )
    ]
    said = [of_level.get(spot) for spot in figures]
    role = np.array([NO_ROLE if one is None else ROLES.index(one) for one in said], np.int64)
    by = level_views.beside(b, numbers)
    return Examples(
        batch, tickers, ticker_room.rows(a, tickers, which), is_ticker, a.post, names,
        numbers, level_views.rows(b, numbers, by), role, b.runs.post, figures,
    )  # fmt: skip


class _Offsets:
    """Offsets in the text as given of runs of tokens."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self._known: dict[int, tuple[list[str], list[int], Reading]] = {}

    def span(self, post: int, first: int, last: int, start: int, end: int) -> tuple[int, int]:
        if post not in self._known:
            tokens = self.batch.tokens(post)
            reading = Reading(self.batch.texts[post])
            self._known[post] = tokens, starts_of(self.batch.clean[post], tokens), reading
        tokens, at, reading = self._known[post]
        base = int(self.batch.starts[post]) + 1
        behind = end if end >= 0 else len(tokens[last - base])
        return reading.span(at[first - base] + start, at[last - base] + behind)


def sparse(rows: Rows) -> csr_matrix:
    """Rows of weight numbers as a matrix that scikit-learn fits."""
    width, n = rows.shape
    return csr_matrix(
        (np.ones(rows.size, np.float32), rows.T.ravel(), np.arange(0, rows.size + 1, width)),
        shape=(n, ROWS),
    )


def fit_binary(
    matrix: csr_matrix, y: NDArray[np.bool_], c: float, weight: Floats
) -> tuple[Floats, float]:
    """(weights (columns,), bias) of a two-way logistic regression."""
    if y.all() or not y.any():  # nothing to tell apart: what was seen, with a doubt
        return np.zeros(matrix.shape[1]), 2.0 if y.all() else -2.0
    model = LogisticRegression(C=c, max_iter=300, tol=1e-3).fit(matrix, y, sample_weight=weight)
    return model.coef_[0], float(model.intercept_[0])


def fit_roles(
    matrix: csr_matrix, y: NDArray[np.int64], c: float, weight: Floats
) -> tuple[Floats, Floats]:
    """(weights (columns, roles), bias (roles,)); a role nobody labelled is never chosen."""
    weights = np.zeros((matrix.shape[1], len(ROLES)))
    bias = np.full(len(ROLES), -30.0)
    seen = np.unique(y)
    if len(seen) < 2:
        bias[seen] = 0.0
        return weights, bias
    gain = np.sqrt(told(matrix, y, len(ROLES)))
    model = LogisticRegression(C=c, max_iter=200, tol=1e-3)
    model.fit(matrix.multiply(gain).tocsr(), y, sample_weight=weight)
    if len(seen) == 2:
        weights[:, seen[1]] = model.coef_[0] * gain
        bias[seen] = 0.0, model.intercept_[0]
    else:
        weights[:, seen] = model.coef_.T * gain[:, None]
        bias[seen] = model.intercept_
    return weights, bias


def fit_extraction(
    posts: Sequence[LabelledPost],
    assets: Assets,
    *,
    taught: Sequence[LabelledPost] = (),
    seed: int = 0,
) -> dict[str, NDArray[Any]]:
    """Fit the models on the posts whose spans are labelled; names begin ticker_ and level_.

    ``taught`` are posts whose spans a slower model has marked; they count TAUGHT each, and their
    tickers TAUGHT_TICKER. Raises ValueError when no post has spans. The result depends on the
    posts alone (``seed`` is there for fits that draw lots; this one does not).
    """
    posts = [post for post in posts if post.tickers is not None and post.levels is not None]
    if not posts:
        raise ValueError("no post has labelled tickers and levels; give some that have")
    x = examples([*posts, *taught], assets)
    sizes = [len(posts), len(taught)]
    worth = np.repeat([1.0, TAUGHT_TICKER], sizes)[x.ticker_post]
    ticker, ticker_bias = fit_binary(sparse(x.ticker_rows), x.is_ticker, TICKER_C, worth)
    matrix = sparse(x.role_rows)
    is_level = x.role != NO_ROLE
    weight = np.repeat([1.0, TAUGHT], sizes)[x.role_post]
    level, level_bias = fit_binary(matrix, is_level, LEVEL_C, weight)
    roles, role_bias = fit_roles(matrix[is_level], x.role[is_level], ROLE_C, weight[is_level])
    table = np.column_stack([level, roles])
    table[np.abs(table) < TOO_SMALL] = 0.0  # what says next to nothing only takes room
    return {
        "ticker_weights": ticker[:, None].astype(np.float16),
        "ticker_bias": np.array([ticker_bias], np.float32),
        "level_weights": table.astype(np.float16),
        "level_bias": np.array([level_bias, *role_bias], np.float32),
    }
