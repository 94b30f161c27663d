"""A model folder and the extraction put together: text -> Post.

The bundled classifier is loaded once, on first use. A classifier can be used from any thread.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from math import exp
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .assets import Assets
from .collector import let_go, paused
from .explaining import explain_verdicts
from .extraction import Extractor
from .folder import ModelError, read_folder
from .linear import COLUMNS_OF, Scorer, Weights
from .result import LABELS, MISSING, POLES, Explanation, Post, Ticker, Verdict, maker
from .sides import Sides

if TYPE_CHECKING:
    import pandas as pd

    from .tables import ScoreSummary

BATCH = 1024  # posts scored at once
BATCH_CHARS = 1 << 18  # a batch of long posts has fewer
_post, _ticker, _verdict = maker(Post), maker(Ticker), maker(Verdict)
_BUNDLED = Path(__file__).with_name("data") / "model"

_POLES = {
    name: tuple(LABELS[name].index(label) for label in poles) for name, poles in POLES.items()
}


class Classifier:
    """Reads posts with one model: see ``Classifier.bundled`` and ``Classifier.load``.

    >>> post = Classifier.bundled().classify("$BTC lost 61.5k, next stop 58,200")
    >>> post.tickers[0].symbol, post.levels[0].role
    ('BTC', 'support')
    """

    def __init__(
        self, arrays: dict[str, NDArray[Any]], card: dict[str, Any], assets: Assets
    ) -> None:
        """From the contents of a model folder; raises ValueError where they do not fit."""
        weights = Weights.of(arrays)
        self.card = card
        self.checksum: str = card["checksum"]
        self.assets = assets
        self.arrays = arrays
        self.weights = weights
        self._scorer = Scorer(weights, assets)
        self._extractor = Extractor(assets, arrays)
        self._sides = Sides(self._scorer)
        self._sure: list[float] = weights.sure.tolist()

    @classmethod
    def load(cls, folder: str | os.PathLike[str], assets: Any = None) -> Classifier:
        """Load a model folder; ``assets`` (a TSV path or a frame) adds symbols of the user's own.

        Raises ModelError for a folder that is not a model or does not answer as its card says,
        AssetError for a table of assets that cannot be used. Nothing in the folder is run.
        """
        arrays, card = read_folder(folder)
        table = _assets()
        own = table if assets is None else table.extended(assets)
        try:
            made = cls(arrays, card, own)
            check = made if own is table else cls(arrays, card, table)
            check._check_golden()
        except (ValueError, TypeError, KeyError, IndexError, OverflowError) as error:
            raise ModelError(
                f"{folder}: {str(error)[:200]}; copy it again, or train anew"
            ) from None
        return made

    @classmethod
    def bundled(cls) -> Classifier:
        """The model that ships with opgsent, loaded once.

        >>> Classifier.bundled() is Classifier.bundled()
        True
        """
        return _bundled()

    def _check_golden(self) -> None:
        """The posts of the card still get the probabilities they got when it was written."""
        golden = self.card.get("golden", [])
        if not isinstance(golden, list) or len(golden) > 50:
            raise ValueError("card.json: golden is no short list")
        posts = self.classify_many([str(g["text"])[:10_000] for g in golden])
        for expected, post in zip(golden, posts, strict=True):
            for name, verdict in (("stance", post.stance), ("style", post.style)):
                for label, p in (verdict.probabilities if verdict else {}).items():
                    if not abs(p - float(expected[name][label])) < 0.005:
                        raise ValueError(
                            f"a golden post of card.json is {label} with {p:.4f}, not "
                            f"{float(expected[name][label]):.4f}: another opgsent wrote it"
                        )

    def classify(self, text: str) -> Post:
        """Read one post. Raises TypeError for what is not a str.

        >>> Classifier.bundled().classify("gm").style.label
        'other'
        """
        if not isinstance(text, str):
            raise TypeError(f"classify() takes a str, not {type(text).__name__}: {text!r:.80}")
        return self._answers([text])[0]

    def classify_many(self, texts: Iterable[str | None], *, jobs: int = 1) -> Iterator[Post]:
        """Read posts one after the other, in order; memory is bounded whatever comes in.

        A missing value (None, NaN, pandas.NA) is answered with an empty Post. ``jobs`` is a
        number of processes (-1: one per core, and never more than four per core). Raises
        TypeError for anything else that is not a str, naming its place.
        """
        if isinstance(texts, (str, bytes)):
            raise TypeError("classify_many() takes many texts; for one there is classify()")
        if isinstance(texts, Mapping) or hasattr(texts, "columns"):  # their names are no posts
            raise TypeError("classify_many() takes texts; for a table there is score_frame()")
        if type(jobs) is not int or jobs != 1:  # True is 1, too
            from .tables.pool import Model, posts_of

            return posts_of(Model.of(self, None), _batches(texts), jobs)
        return let_go(map(self._quietly, _batches(texts)))

    def explain(self, text: str) -> tuple[Explanation, ...]:
        """Why a post is read as it is: an Explanation per verdict, ticker and level.

        For a verdict, intercept + contributions = the label's log-odds against the geometric
        mean of the other labels' probabilities.

        >>> why = Classifier.bundled().explain("not bullish here")[0]
        >>> why.of, any(part.span == (4, 11) for part in why.contributions)
        ('stance', True)
        """
        if not isinstance(text, str):
            raise TypeError(f"explain() takes a str, not {type(text).__name__}: {text!r:.80}")
        with paused():  # a long post has millions of reasons
            batch = self._scorer.read([text])
            return (*explain_verdicts(self._scorer, batch), *self._extractor.explain(batch, 0))

    def score_frame(self, df: pd.DataFrame, text: str = "text", **options: Any) -> pd.DataFrame:
        """A copy of ``df`` with the score columns; see tables.score_frame."""
        from .tables import score_frame

        return score_frame(df, text, classifier=self, **options)

    def score_file(
        self,
        src: str | os.PathLike[str],
        dst: str | os.PathLike[str],
        text: str = "text",
        **options: Any,
    ) -> ScoreSummary:
        """Score a file of posts; see tables.score_file."""
        from .tables import score_file

        return score_file(src, dst, text, classifier=self, **options)

    def _quietly(self, texts: Sequence[str | None]) -> list[Post]:
        with paused():
            return self._answers(texts)

    def _answers(self, texts: Sequence[str | None]) -> list[Post]:
        """Posts of texts, one batch."""
        given = [text for text in texts if text is not None]
        batch = self._scorer.read(given)
        parts = self._scorer.parts(batch)
        odds = self._scorer.log_odds(batch, parts)
        sure_stance, sure_style = self._sure
        foreign = self._scorer.foreign(batch)
        stances = verdicts("stance", odds[:, COLUMNS_OF["stance"]].tolist(), sure_stance, foreign)
        styles = verdicts("style", odds[:, COLUMNS_OF["style"]].tolist(), sure_style, foreign)
        spans = self._extractor.read(batch)
        symbols, views = self._sides.views(batch, parts, odds, [found.tickers for found in spans])
        strange = [foreign[post] for post, theirs in symbols.items() for _ in theirs]
        each = iter(verdicts("stance", views, sure_stance, strange))
        #: post -> symbol -> what it says of it, of posts of several
        own = {post: dict(zip(theirs, each, strict=False)) for post, theirs in symbols.items()}
        posts = []
        for at, (text, stance, style, found) in enumerate(
            zip(given, stances, styles, spans, strict=True)
        ):
            parted = own.get(at)
            tickers = [
                _ticker(
                    piece, start, end, symbol, quote, kind, asset_class, subject,
                    parted[symbol] if parted else stance, chance,
                )
                for piece, start, end, symbol, quote, kind, asset_class, subject, chance, _
                in found.tickers
            ]  # fmt: skip
            posts.append(_post(text, stance, style, tuple(tickers), tuple(found.levels)))
        if len(given) == len(texts):
            return posts
        answers = iter(posts)
        return [MISSING if text is None else next(answers) for text in texts]

    def __reduce__(self) -> Any:
        return type(self), (self.arrays, self.card, self.assets)


def verdicts(
    name: str, odds: Sequence[Sequence[float]], sure: float, foreign: Sequence[bool]
) -> list[Verdict]:
    """The verdicts of a question from log-odds of its labels; those of ``foreign`` posts are never
    sure.
    """
    first, second = _POLES[name]
    one, two, three = LABELS[name]
    found = []
    # plain floats: quicker than numpy for three numbers
    for (a, b, c), strange in zip(odds, foreign, strict=True):
        top = a if a > b else b
        if c > top:
            top = c
        a, b, c = exp(a - top), exp(b - top), exp(c - top)
        total = a + b + c
        p = a, b, c = a / total, b / total, c / total
        label, best = (one, a) if a >= b and a >= c else (two, b) if b >= c else (three, c)
        score = p[first] - p[second]
        found.append(
            _verdict(label, {one: a, two: b, three: c}, score, best >= sure and not strange)
        )
    return found


def _batches(texts: Iterable[Any]) -> Iterator[list[str | None]]:
    batch: list[str | None] = []
    chars = 0
    for place, text in enumerate(texts):
        if not isinstance(text, str):
            if not _missing(text):
                kind = type(text).__name__
                raise TypeError(f"text {place} is {kind}, not a str: {text!r:.80}")
            text = None
        else:
            chars += len(text)
        batch.append(text)
        if len(batch) >= BATCH or chars >= BATCH_CHARS:
            yield batch
            batch, chars = [], 0
    if batch:
        yield batch


def _missing(value: Any) -> bool:
    """None, a float NaN (numpy's too), pandas.NA, NaT."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, (float, np.floating)) and bool(value != value)


@lru_cache(maxsize=1)
def _assets() -> Assets:
    return Assets.load()


@lru_cache(maxsize=1)
def _bundled() -> Classifier:
    return Classifier.load(_BUNDLED)


def classify(text: str) -> Post:
    """Read one post with the bundled model.

    >>> classify("$SOL to the moon!!! 🚀🚀 last chance").style.label
    'hype'
    """
    return _bundled().classify(text)


def classify_many(texts: Iterable[str | None], *, jobs: int = 1) -> Iterator[Post]:
    """Read posts with the bundled model, in order; see Classifier.classify_many.

    >>> [post.stance is None for post in classify_many(["gm", None])]
    [False, True]
    """
    return _bundled().classify_many(texts, jobs=jobs)


def explain(text: str) -> tuple[Explanation, ...]:
    """Why the bundled model reads a post as it does; see Classifier.explain.

    >>> explain("gm")[1].of
    'style'
    """
    return _bundled().explain(text)


def score_frame(df: pd.DataFrame, text: str = "text", **options: Any) -> pd.DataFrame:
    """A copy of ``df`` with the score columns of the bundled model; see tables.score_frame.

    >>> import pandas as pd
    >>> score_frame(pd.DataFrame({"text": ["gm"]}))["style"].tolist()
    ['other']
    """
    from .tables import score_frame as score

    return score(df, text, **options)


def score_file(
    src: str | os.PathLike[str], dst: str | os.PathLike[str], text: str = "text", **options: Any
) -> ScoreSummary:
    """Score a file of posts with the bundled model, or the folder ``model``.

    Options: ``columns``, ``sure``, ``long``, ``prefix``, ``jobs``, ``encoding``, ``resume``,
    ``progress``; tables.score_file says what each does. ``python -m pydoc opgsent.tables.score``.
    """
    from .tables import score_file as score

    return score(src, dst, text, **options)
