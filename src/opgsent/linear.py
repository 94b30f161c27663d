"""A scorer made of plain arrays: batch -> log-odds, and what each place of the text gave.

One table of weights serves both questions: columns 0-2 are the stances, 3-5 the styles, in the
order of result.LABELS. Scoring is a gather and a sum; nothing here knows how the weights came.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .assets import Assets
from .features import (
    COUNTER_ROWS,
    COUNTER_VALUE,
    COUNTERS,
    COUNTS,
    GRAM_VALUE,
    SIZE,
    STEP_OF,
    STEPS,
    TICKER_FORMS,
    TURNED,
    UNHEARD,
    VIEW_VALUE,
    features_of,
    gram_word,
    is_loud,
    loud,
    neighbours,
    own_ticker,
    scale,
)
from .forms import described
from .reading import START, Batch, Described, TokenTable
from .result import LABELS
from .turns import places_of, turned

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

COLUMNS = sum(map(len, LABELS.values()))
#: question -> its columns
COLUMNS_OF = {"stance": slice(0, 3), "style": slice(3, 6)}

GRAM = np.float32(GRAM_VALUE)
LARGEST = 65_504  # of half precision, in which a folder keeps weights: none of a fit comes near it
#: share of new words from which no verdict is sure: 1 % of the unlabelled posts, nearly all of them
#: in another language
FOREIGN = 0.4
_WORD = COUNTS.index("word")
_MOST, _NO_LINE = np.array(STEPS[-1]), np.array(0, np.int32)
_FIRST = np.arange(len(COUNTS)) * len(STEP_OF)  # of each counter's counts

Floats = NDArray[np.float32]
Features = NDArray[np.int32]
#: features, weights for some columns each, those columns
Part = tuple[Features, NDArray[np.floating[Any]], slice]


@dataclass(frozen=True, slots=True)
class Weights:
    """What a fit gives: ``table`` (n, 6) of the ``features`` (n,) that have weights, in order;
    ``intercept`` (6,), ``sure`` (2,) thresholds.

    ``own_tickers`` says that the fit knew single tickers, as retraining does.
    Raises ValueError for arrays of another shape, features that are none, and what is no finite
    number or beyond LARGEST.
    """

    features: Features
    table: Floats
    intercept: Floats
    sure: Floats
    own_tickers: bool = False

    def __post_init__(self) -> None:
        count = len(self.features) if self.features.ndim == 1 else -1
        shapes = {"table": (count, COLUMNS), "intercept": (COLUMNS,), "sure": (len(LABELS),)}
        for name, shape in shapes.items():
            array = getattr(self, name)
            if array.shape != shape:
                raise ValueError(f"{name} has the shape {array.shape}, not {shape}")
            if not (np.abs(array) <= LARGEST).all():
                raise ValueError(f"{name} holds what is no weight")
        inside = ((self.features >= 0) & (self.features < SIZE)).all()
        if not inside or (np.diff(self.features) <= 0).any():
            raise ValueError(f"features are not numbers below {SIZE}, each once and in order")

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """The arrays as a folder keeps them; the table in half precision."""
        return {
            "verdict_features": self.features.astype(np.int32),
            "verdict_table": self.table.astype(np.float16),
            "verdict_intercept": self.intercept.astype(np.float32),
            "verdict_sure": self.sure.astype(np.float32),
            "verdict_own_tickers": np.array([self.own_tickers], np.uint8),
        }

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[np.generic]]) -> Weights:
        """From the arrays of a folder."""
        names = ("features", "table", "intercept", "sure", "own_tickers")
        for name in names:
            if f"verdict_{name}" not in arrays:
                raise ValueError(f"no array verdict_{name}")
        if arrays["verdict_features"].dtype != np.int32:
            raise ValueError(
                f"verdict_features holds {arrays['verdict_features'].dtype}, not int32"
            )
        features = arrays["verdict_features"].astype(np.int32)
        table, intercept, sure = (
            arrays[f"verdict_{name}"].astype(np.float32) for name in names[1:4]
        )
        return cls(features, table, intercept, sure, bool(arrays["verdict_own_tickers"].any()))

    def log_odds(self, x: csr_matrix) -> Floats:
        """Scores of rows of features (matrix.py), shape (posts, 6)."""
        found: Floats = x[:, self.features] @ self.table + self.intercept
        return found


def united(parts: Sequence[Part], width: int) -> tuple[Features, Floats]:
    """(features, their weights (n, width)) of parts with weights for some columns; they add up.

    >>> one, two = np.array([3, 9], np.int32), np.array([9], np.int32)
    >>> parts = [(one, np.ones((2, 1)), slice(0, 1)), (two, np.ones((1, 2)), slice(0, 2))]
    >>> features, table = united(parts, 2)
    >>> features.tolist(), table.tolist()
    ([3, 9], [[1.0, 0.0], [2.0, 1.0]])
    """
    none = np.empty(0, np.int32)
    features = np.unique(np.concatenate([none, *(theirs for theirs, _, _ in parts)]))
    table = np.zeros((len(features), width), np.float32)
    for theirs, weights, columns in parts:
        table[np.searchsorted(features, theirs), columns] += weights
    return features, table


class Scorer:
    """Weights over the views of features.py, applied to batches of posts.

    >>> none = np.zeros((0, COLUMNS), np.float32)
    >>> even = Weights(np.zeros(0, np.int32), none, np.zeros(COLUMNS), np.ones(2))
    >>> scorer = Scorer(even, Assets.load())
    >>> scorer.log_odds(scorer.read(["up we go", ""])).shape
    (2, 6)
    """

    def __init__(self, weights: Weights, assets: Assets) -> None:
        self.weights = weights
        self._assets = assets
        # feature -> row of the table; the first row is that of all features without weights
        self._row = np.zeros(SIZE + 1, np.int32)
        self._row[weights.features] = np.arange(1, len(weights.features) + 1)
        self._table = np.concatenate([np.zeros((1, COLUMNS), np.float32), weights.table])
        steps = self.rows(COUNTER_ROWS) * np.float32(COUNTER_VALUE)
        #: what each count of each counter gives, one counter's after another's
        self._counts = steps[:, STEP_OF].reshape(-1, COLUMNS)
        self._tokens = TokenTable(self._describe, COUNTERS, COLUMNS)

    def rows(self, features: NDArray[np.int64]) -> Floats:
        """The weights of features, shape (..., 6)."""
        found: Floats = self._table.take(self._row.take(features), axis=0)
        return found

    def _describe(self, tokens: Sequence[str]) -> Described:
        """Tokens as the table keeps them: flags of candidates, and the weights of their views."""
        found, forms = described(tokens, self._assets)
        words = list(map(gram_word, found.kinds, forms))
        spelled = [at for at, word in enumerate(words) if word]
        features, begins = features_of(found.norms, [words[at] for at in spelled])
        lines = self._row.take(features)
        weights = self._table.take(lines, axis=0)
        count = len(tokens)
        rows = weights[:count]
        if spelled:
            places = slice(None) if len(spelled) == count else spelled
            rows[places] += GRAM * np.add.reduceat(weights[count:], begins)
        if START in tokens:
            rows[tokens.index(START)] = 0.0
        counts = found.counts
        if "word" in found.kinds:
            counts[:, UNHEARD] = (lines[:count] == _NO_LINE) & counts[:, _WORD]
        for at in spelled:
            if found.kinds[at] == "word" and is_loud(tokens[at]):
                feature, value = loud(forms[at])
                rows[at] += self.row(feature) * np.float32(value)
        if self.weights.own_tickers:
            for at, form in enumerate(forms):
                if form in TICKER_FORMS:
                    rows[at] += self.row(own_ticker(tokens[at]))
        return Described(found.kinds, found.norms, found.flags, counts, rows)

    def read(self, texts: list[str]) -> Batch:
        """The texts as a batch."""
        return self._tokens.read(texts)

    def parts(self, batch: Batch) -> Floats:
        """What each place of ``batch.ids`` gives before scaling, shape (places, 6)."""
        parts: Floats = batch.page.rows.take(batch.ids, axis=0)
        turns = turned(batch)
        if turns:
            parts[places_of(turns)] *= TURNED
        for view, places, found in neighbours(batch, turns):
            weights = self.rows(found)
            parts[places] += weights if VIEW_VALUE[view] == 1 else weights * VIEW_VALUE[view]
        return parts

    def row(self, feature: int) -> Floats:
        """The weights of one feature, shape (6,)."""
        found: Floats = self._table[self._row[feature]]
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

    def foreign(self, batch: Batch) -> list[bool]:
        """Whether the model has next to nothing to go by in each post: more than FOREIGN of its
        words are new to it, as in another language, or there is no token at all.
        """
        words, unheard = batch.totals[:, _WORD].tolist(), batch.totals[:, UNHEARD].tolist()
        return [
            new > FOREIGN * said or not text.strip()
            for said, new, text in zip(words, unheard, batch.clean, strict=True)
        ]

    def counted(self, batch: Batch) -> Floats:
        """What the counters of each post give, shape (posts, 6)."""
        found: Floats = np.add.reduce(self.counter_parts(batch), axis=1)
        return found

    def counter_parts(self, batch: Batch) -> Floats:
        """What each counter of each post gives, shape (posts, len(COUNTS), 6)."""
        counts = np.minimum(batch.totals[:, : len(COUNTS)], _MOST)
        found: Floats = self._counts.take(counts + _FIRST, axis=0)
        return found
