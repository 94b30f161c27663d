"""Posts -> the sparse matrix that scikit-learn fits on: the features of features.py, written out.

Column j is weight row j of the scorer, so that fitted coefficients are the scorer's weights.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_matrix, vstack

from .assets import Assets
from .features import (
    COUNTER_ROWS,
    COUNTER_VALUE,
    COUNTS,
    NOTHING,
    SIZE,
    TICKER_FORMS,
    counter_steps,
    describe,
    hashed,
    neighbours,
    own_ticker,
    scale,
    token_features,
)
from .reading import Batch, Described, TokenTable

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

    def described(token: str) -> Described:
        kind, form, flags, counts = describe(token, assets)
        forms[token] = kind, form
        return Described(kind, hashed(form), flags, counts, None)

    parts = []
    for start in range(0, len(texts), CHUNK):
        table = TokenTable(described, len(COUNTS), 0, 1 << 20)
        batch = table.read(texts[start : start + CHUNK])
        parts.append(_chunk(batch, forms, own_tickers))
    return vstack(parts, format="csr") if parts else csr_matrix((0, SIZE), dtype=np.float32)


def _chunk(batch: Batch, forms: dict[str, tuple[str, str]], own_tickers: bool) -> csr_matrix:
    posts = len(batch.texts)
    sizes = np.diff(batch.starts)
    post_of = np.repeat(np.arange(posts), sizes)
    post_of = np.append(post_of, posts - 1)  # the last START belongs to nobody, and counts zero
    weight = scale(sizes)
    rows, columns, values = [], [], []

    # views of single tokens: one line per (distinct token, feature), joined to the places
    strings = batch.page.strings
    per = [_token(t, *forms[t], own_tickers) if t else [] for t in strings]
    counts = np.array([len(p) for p in per])
    flat = np.array([c for p in per for c, _ in p], np.int64)
    flat_values = np.array([v for p in per for _, v in p], np.float32)
    offset = np.concatenate([[0], np.cumsum(counts)])
    ids = batch.ids
    repeat = counts[ids]
    within = np.arange(repeat.sum()) - np.repeat(np.cumsum(repeat) - repeat, repeat)
    at = np.repeat(offset[ids], repeat) + within
    of = np.repeat(post_of, repeat)
    rows.append(of)
    columns.append(flat[at])
    values.append(flat_values[at] * weight[of])

    for _, places, found in neighbours(batch):
        of = post_of[places]
        keep = found != NOTHING
        rows.append(of[keep])
        columns.append(found[keep])
        values.append(weight[of[keep]])

    found = COUNTER_ROWS[np.arange(len(COUNTS)), counter_steps(batch)]
    rows.append(np.repeat(np.arange(posts), len(COUNTS)))
    columns.append(found.ravel())
    values.append(np.full(found.size, COUNTER_VALUE, np.float32))
    data = np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))
    return csr_matrix(data, shape=(posts, SIZE), dtype=np.float32)


def _token(token: str, kind: str, form: str, own_tickers: bool) -> list[tuple[int, float]]:
    found = token_features(token, kind, form)
    if form in TICKER_FORMS and not own_tickers:
        found.remove((own_ticker(token), 1.0))
    return found
