"""Posts -> the sparse matrix that scikit-learn fits on: the features of features.py, written out.

Column j is feature j of the scorer, so that fitted coefficients are the scorer's weights.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack

from .assets import Assets
from .features import (
    COUNTER_ROWS,
    COUNTER_VALUE,
    COUNTERS,
    COUNTS,
    NOTHING,
    SIZE,
    TICKER_FORMS,
    TURNED,
    VIEW_VALUE,
    Turns,
    counter_steps,
    neighbours,
    own_ticker,
    scale,
    token_features,
)
from .forms import described
from .reading import Batch, Described, TokenTable
from .turns import places_of, turned

CHUNK = 2048  # posts at once


def features_matrix(
    texts: Sequence[str], assets: Assets, *, own_tickers: bool = False
) -> csr_matrix:
    """The features of each post, shape (len(texts), SIZE), float32.

    With ``own_tickers`` the tickers themselves are features too: they tell much about one feed
    and mislead on another, so only retraining on a user's labels asks for them.

    >>> features_matrix(["up we go", ""], Assets.load()).shape[0]
    2
    """
    forms: dict[str, tuple[str, str]] = {}

    def looked_at(tokens: Sequence[str]) -> Described:
        found, theirs = described(tokens, assets)
        forms.update(zip(tokens, zip(found.kinds, theirs, strict=True), strict=True))
        return found

    table = TokenTable(looked_at, COUNTERS, 0, 1 << 24)
    single, around = [], []
    for start in range(0, len(texts), CHUNK):
        batch = table.read(texts[start : start + CHUNK])
        turns = turned(batch)
        single.append(_counts(batch, turns))
        around.append(_around(batch, turns))
    if not single:
        return csr_matrix((0, SIZE), dtype=np.float32)
    strings = batch.page.strings
    per = [_token(token, *forms[token], own_tickers) if token else [] for token in strings]
    tokens = csr_matrix(
        (
            np.array([value for found in per for _, value in found], np.float32),
            np.array([column for found in per for column, _ in found], np.int64),
            np.cumsum([0, *map(len, per)]),
        ),
        shape=(len(strings), SIZE),
    )
    for part in single:
        part.resize((part.shape[0], len(strings)))
    found = vstack(single, format="csr") @ tokens + vstack(around, format="csr")
    found.eliminate_zeros()
    return found.astype(np.float32)


def _counts(batch: Batch, turns: Turns) -> csr_matrix:
    """How often each token is in each post, times the post's scale; shape (posts, tokens)."""
    post_of, weight = _posts(batch)
    values = weight[post_of]
    values[places_of(turns)] *= TURNED
    data = values, (post_of, batch.ids)
    shape = len(batch.texts), int(batch.ids.max()) + 1
    return csr_matrix(data, shape=shape, dtype=np.float32)


def _posts(batch: Batch) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """(the post of each place, the scale of each post); the last START goes to the last post,
    where it has no feature and begins no view.
    """
    sizes = np.diff(batch.starts)
    post_of = np.repeat(np.arange(len(sizes)), sizes)
    return np.append(post_of, len(sizes) - 1), scale(sizes)


def _around(batch: Batch, turns: Turns) -> csr_matrix:
    """Views of neighbours and counters, shape (posts, SIZE)."""
    post_of, weight = _posts(batch)
    posts = len(batch.texts)
    rows, columns, values = [], [], []
    for view, places, found in neighbours(batch, turns):
        of = post_of[places]
        keep = found != NOTHING
        rows.append(of[keep])
        columns.append(found[keep])
        values.append(weight[of[keep]] * VIEW_VALUE[view])
    steps = COUNTER_ROWS[np.arange(len(COUNTS)), counter_steps(batch)]
    rows.append(np.repeat(np.arange(posts), len(COUNTS)))
    columns.append(steps.ravel())
    values.append(np.full(steps.size, COUNTER_VALUE, np.float32))
    data = np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))
    return csr_matrix(data, shape=(posts, SIZE), dtype=np.float32)


def _token(token: str, kind: str, form: str, own_tickers: bool) -> list[tuple[int, float]]:
    found = token_features(token, kind, form)
    if form in TICKER_FORMS and not own_tickers:
        found.remove((own_ticker(token), 1.0))
    return found
