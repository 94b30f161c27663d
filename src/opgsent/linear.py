"""A scorer made of plain arrays: batch -> log-odds, and what each place of the text gave.

One table of weights serves both questions: columns 0-2 are the stances, 3-5 the styles, in the
order of result.LABELS. Scoring is a gather and a sum; nothing here knows how the weights came.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .assets import Assets
from .candidates import candidate_flags
from .features import (
    COUNTER_ROWS,
    COUNTER_VALUE,
    COUNTS,
    GRAM_VALUE,
    SIZE,
    TICKER_FORMS,
    VIEW_VALUE,
    buckets,
    counter_steps,
    gram_rows_of,
    gram_word,
    is_loud,
    loud,
    negated,
    neighbours,
    own_ticker,
    scale,
)
from .forms import described
from .reading import START, Batch, Described, TokenTable
from .result import LABELS

COLUMNS = sum(map(len, LABELS.values()))
#: question -> its columns
COLUMNS_OF = {"stance": slice(0, 3), "style": slice(3, 6)}

GRAM = np.float32(GRAM_VALUE)
_EVERY = np.arange(len(COUNTS))

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Weights:
    """What a fit gives: ``table`` (SIZE, 6), ``intercept`` (6,), ``sure`` (2,) thresholds.

    ``own_tickers`` says that the fit knew single tickers, as retraining does.
    Raises ValueError for arrays of another shape, or that hold what is not a finite number.
    """

    table: Floats
    intercept: Floats
    sure: Floats
    own_tickers: bool = False

    def __post_init__(self) -> None:
        shapes = {"table": (SIZE, COLUMNS), "intercept": (COLUMNS,), "sure": (len(LABELS),)}
        for name, shape in shapes.items():
            array = getattr(self, name)
            if array.shape != shape:
                raise ValueError(f"{name} has the shape {array.shape}, not {shape}")
            if not np.isfinite(array).all():
                raise ValueError(f"{name} holds what is not a finite number")

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """The arrays as a folder keeps them; the table in half precision."""
        return {
            "verdict_table": self.table.astype(np.float16),
            "verdict_intercept": self.intercept.astype(np.float32),
            "verdict_sure": self.sure.astype(np.float32),
            "verdict_own_tickers": np.array([self.own_tickers], np.uint8),
        }

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[np.generic]]) -> Weights:
        """From the arrays of a folder."""
        names = ("verdict_table", "verdict_intercept", "verdict_sure", "verdict_own_tickers")
        for name in names:
            if name not in arrays:
                raise ValueError(f"no array {name}")
        table, intercept, sure = (arrays[name].astype(np.float32) for name in names[:3])
        return cls(table, intercept, sure, bool(arrays[names[3]].any()))


class Scorer:
    """Weights over the views of features.py, applied to batches of posts.

    >>> zeros = np.zeros((SIZE, COLUMNS), np.float32)
    >>> scorer = Scorer(Weights(zeros, zeros[0], zeros[0, :2]), Assets.load())
    >>> scorer.log_odds(scorer.read(["up we go", ""])).shape
    (2, 6)
    """

    def __init__(self, weights: Weights, assets: Assets) -> None:
        self.weights = weights
        self._assets = assets
        # the row behind the last one is "no feature"
        self._table = np.concatenate([weights.table, np.zeros((1, COLUMNS), np.float32)])
        self._steps = self._table[COUNTER_ROWS] * np.float32(COUNTER_VALUE)
        self._tokens = TokenTable(self._describe, len(COUNTS), COLUMNS)

    def _describe(self, tokens: Sequence[str]) -> Described:
        """Tokens as the table keeps them: flags of candidates, and the weights of their views."""
        found, forms = described(tokens, self._assets, candidate_flags)
        rows = self._table.take(buckets(found.norms), axis=0)
        if START in tokens:
            rows[tokens.index(START)] = 0.0
        words = [gram_word(kind, form) for kind, form in zip(found.kinds, forms, strict=True)]
        spelled = [at for at, word in enumerate(words) if word]
        if spelled:
            grams, begins = gram_rows_of([words[at] for at in spelled])
            rows[spelled] += GRAM * np.add.reduceat(self._table.take(grams, axis=0), begins)
        for at, (token, kind, form) in enumerate(zip(tokens, found.kinds, forms, strict=True)):
            if form in TICKER_FORMS:
                if self.weights.own_tickers:
                    rows[at] += self._table[own_ticker(token)]
            elif kind == "word" and is_loud(token):
                row, value = loud(form)
                rows[at] += self._table[row] * np.float32(value)
        return found._replace(rows=rows)

    def read(self, texts: list[str]) -> Batch:
        """The texts as a batch."""
        return self._tokens.read(texts)

    def parts(self, batch: Batch) -> Floats:
        """What each place of ``batch.ids`` gives before scaling, shape (places, 6)."""
        parts: Floats = batch.page.rows.take(batch.ids, axis=0)
        silent = negated(batch)
        parts[silent] = 0.0
        for view, places, found in neighbours(batch, silent):
            weights = self._table.take(found, axis=0)
            parts[places] += weights if VIEW_VALUE[view] == 1 else weights * VIEW_VALUE[view]
        return parts

    def row(self, index: int) -> Floats:
        """The weights of one feature, shape (6,)."""
        found: Floats = self._table[index]
        return found

    def log_odds(self, batch: Batch, parts: Floats | None = None) -> Floats:
        """Scores of each post, shape (posts, 6): softmax of a question's columns gives P."""
        if not len(batch.texts):
            return np.empty((0, COLUMNS), np.float32)
        parts = self.parts(batch) if parts is None else parts
        # not the START behind the last post: a zero more, but a sum of another number of summands
        # is rounded otherwise, and a post must not depend on those beside it
        sums = np.add.reduceat(parts[:-1], batch.starts[:-1], axis=0)
        found: Floats = (
            self.weights.intercept
            + scale(batch.starts[1:] - batch.starts[:-1])[:, None] * sums
            + self.counted(batch)
        )
        return found

    def counted(self, batch: Batch) -> Floats:
        """What the counters of each post give, shape (posts, 6)."""
        found: Floats = self.counter_parts(batch).sum(axis=1)
        return found

    def counter_parts(self, batch: Batch) -> Floats:
        """What each counter of each post gives, shape (posts, len(COUNTS), 6)."""
        found: Floats = self._steps[_EVERY, counter_steps(batch)]
        return found
