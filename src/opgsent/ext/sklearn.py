"""Verdict scores and tokens of posts for scikit-learn."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin

from ..errors import InputError
from ..tables.columns import SURE, VERDICTS, Columns, unknown
from ..tables.frame import texts_of
from ..tables.pool import Model, Reader, workers
from ..tokens import tokenize

if TYPE_CHECKING:
    import numpy.typing as npt


#: the verdict columns that are numbers: what ``OpgsentFeatures`` gives when nothing is named
SCORES = tuple(name for name in VERDICTS if name not in ("stance", "style"))


class OpgsentFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # no types there
    """Posts -> their verdict scores, a row of float64 per post.

    ``columns`` names the scores (all eight by default: ``stance_score``, ``p_bullish``,
    ``p_bearish``, ``p_neutral``, ``style_score``, ``p_analytical``, ``p_hype``, ``p_other``;
    ``stance_sure`` and ``style_sure`` may be asked for). ``model`` is a model folder or a
    ``Classifier``, the bundled model by default; ``jobs`` a number of processes.

    Posts come as a list, an array, a Series, or a frame or array of one column. A missing post
    (None, NaN) is a row of NaN. Nothing is learned: ``fit`` only checks what it is given.

    >>> features = OpgsentFeatures(columns=["stance_score", "p_hype"])
    >>> features.fit_transform(["$BTC to the moon 🚀", None]).shape
    (2, 2)
    >>> list(features.get_feature_names_out())
    ['stance_score', 'p_hype']
    """

    def __init__(
        self,
        columns: Sequence[str] | None = None,
        model: str | os.PathLike[str] | Reader | None = None,
        jobs: int = 1,
    ) -> None:
        self.columns = columns
        self.model = model
        self.jobs = jobs

    def fit(self, X: Any, y: Any = None) -> OpgsentFeatures:
        """Check the posts and the arguments; learn nothing."""
        self._chosen()
        self._chosen_model()
        workers(self.jobs)
        _posts(X)
        return self

    def transform(self, X: Any) -> npt.NDArray[np.float64]:
        """The scores of the posts, shape (posts, columns)."""
        chosen, posts = self._chosen(), _posts(X)
        rows = []
        if posts:
            classifier = self._chosen_model().load()
            answers = classifier.classify_many(posts, jobs=workers(self.jobs))
            rows = [chosen.values(post)[0] for post in answers]
        return np.array(rows, dtype=np.float64).reshape(len(rows), len(chosen.names))

    def get_feature_names_out(self, input_features: Any = None) -> npt.NDArray[np.object_]:
        """The names of the scores; the names of the input have no part in them."""
        return np.array(self._chosen().names, dtype=object)

    def _chosen_model(self) -> Model:
        if self.model is None or isinstance(self.model, str | os.PathLike):
            return Model.of(None, self.model)
        return Model.of(self.model, None)

    def _chosen(self) -> Columns:
        names, known = SCORES if self.columns is None else self.columns, SCORES + SURE
        if isinstance(names, Iterable) and not isinstance(names, str):
            names = [*names]  # an array's truth is no single one
            for name in names:
                if name not in known:
                    raise unknown("numeric score column", str(name), known)
        return Columns.choose(names)

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        tags.input_tags.allow_nan = True
        tags.requires_fit = False
        tags.no_validation = True
        return tags


def _posts(X: Any) -> list[str | None]:
    """The posts of whatever scikit-learn hands over."""
    if isinstance(X, str | bytes):
        raise InputError(f"posts are expected, this is one: {X!r:.80}; give a list of them")
    if isinstance(X, pd.DataFrame):
        if X.shape[1] != 1:
            names = ", ".join(map(str, X.columns))
            raise InputError(
                f"one column of posts is expected, this has {X.shape[1]}: {names}; "
                "choose one: ColumnTransformer([('posts', OpgsentFeatures(), 'text')])"
            )
        return texts_of(X, X.columns[0])
    if not isinstance(X, Iterable):
        raise InputError(f"a list of posts is expected, this is {type(X).__name__}")
    if not isinstance(X, pd.Series):
        array = np.asarray(X, dtype=object)  # as text each would be as wide as the longest
        if array.ndim == 2 and array.shape[1] == 1:
            X = array[:, 0]
        elif array.ndim != 1:
            raise InputError(f"a list of posts is expected, this has the shape {array.shape}")
        X = pd.Series(list(X), dtype=object)
    return texts_of(X.to_frame("posts"), "posts")


def tokens(text: str) -> list[str]:
    """The tokens of a post as written, for ``CountVectorizer(tokenizer=tokens)``.

    A vectorizer folds the case first unless told otherwise; ``$BTC`` and ``$btc`` stay apart
    only with ``lowercase=False``.

    >>> from sklearn.feature_extraction.text import CountVectorizer
    >>> counts = CountVectorizer(tokenizer=tokens, token_pattern=None, lowercase=False)
    >>> _ = counts.fit(["$BTC above 64.30"])
    >>> sorted(counts.get_feature_names_out().tolist())
    ['$BTC', '64.30', 'above']
    """
    return [token.text for token in tokenize(text)]
