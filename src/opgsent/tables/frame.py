"""``score_frame``: a pandas frame of posts in, a copy with the score columns out."""

from __future__ import annotations

import os
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from ..errors import InputError
from .columns import Columns, no_posts
from .pool import Model, Reader, workers

if TYPE_CHECKING:
    import pandas as pd

    Frame: TypeAlias = "pd.DataFrame | pd.Series[Any]"


def score_frame(
    df: Frame,
    text: str = "text",
    *,
    classifier: Reader | None = None,
    model: str | os.PathLike[str] | None = None,
    jobs: int = 1,
    columns: Sequence[str] | None = None,
    prefix: str = "",
    sure: bool = False,
    flat: bool = False,
) -> pd.DataFrame:
    """A copy of ``df`` with the score columns behind; row i answers row i.

    ``df`` keeps its index, its order and every dtype, and is not changed. ``text`` names the
    column of posts, of any dtype that holds strings (str, object, string, Arrow, category). A
    Series is taken for a frame with that one column, under its own name where it has one.

    A missing post (None, NaN, pd.NA) has missing scores. ``stance`` and ``style`` are text,
    scores and probabilities float64 with 4 decimals, ``tickers`` and ``levels`` lists of dicts
    as ``Ticker.to_dict`` and ``Level.to_dict`` give them; with ``flat`` they are the strings
    that CSV files hold. ``columns``, ``prefix``, ``sure`` and ``jobs`` are those of
    ``score_file``; ``classifier`` or a ``model`` folder is used in place of the bundled model.

    Raises TypeError for what is no frame, :class:`InputError` where the column is not there,
    holds something that is neither text nor missing, or where a column is named like one of ours.

    >>> import pandas as pd
    >>> from opgsent import score_frame
    >>> posts = pd.DataFrame({"text": ["$BTC to the moon 🚀", None]}, index=["a", "b"])
    >>> scored = score_frame(posts, columns=["stance", "tickers"], flat=True)
    >>> list(scored.columns), list(scored["tickers"].isna())
    (['text', 'stance', 'tickers'], [False, True])
    """
    import pandas as pd

    chosen = Columns.choose(columns, prefix=prefix, sure=sure)
    if not isinstance(df, (pd.DataFrame, pd.Series)):
        raise TypeError(f"score_frame() takes a DataFrame or a Series, not {type(df).__name__}")
    label: Hashable = text
    if isinstance(df, pd.Series):
        label = text if df.name is None else df.name
        df = df.to_frame("posts")
        df.columns = pd.Index([label], dtype=object, tupleize_cols=False)
    posts = texts_of(df, label)
    chosen.check_free(map(str, df.columns), "the frame")
    answers = Model.of(classifier, model).load().classify_many(posts, jobs=workers(jobs))
    rows = [chosen.values(post, flat=flat)[0] for post in (answers if posts else ())]
    scored = df.copy()
    dtypes = _dtypes(flat)
    for at, (name, title) in enumerate(zip(chosen.names, chosen.titles, strict=True)):
        column = pd.Series([row[at] for row in rows], dtype=dtypes.get(name, "float64"))
        scored[title] = column.array  # by place: an index may hold a label twice
    return scored


def texts_of(df: pd.DataFrame, text: Hashable) -> list[str | None]:
    """The posts of a column, None where one is missing."""
    if df.columns.nlevels > 1:
        raise InputError(
            "the frame has column labels of several levels; flatten them first: "
            "df.columns = ['_'.join(map(str, label)) for label in df.columns]"
        )
    names = list(df.columns)
    if text not in names:
        raise no_posts("the frame", str(text), [str(name) for name in names])
    if names.count(text) > 1:
        raise InputError(f"the frame has several columns {text!r}; rename all but one")
    column = df.iloc[:, names.index(text)]
    posts: list[str | None] = []
    for at, (post, missing) in enumerate(zip(column, column.isna(), strict=True)):
        if missing:
            posts.append(None)
        elif isinstance(post, str):
            posts.append(str(post))
        else:
            raise InputError(
                f"row {at} (index {df.index[at]!r}) of column {text!r} is "
                f"{type(post).__name__} {post!r:.80}, not text; make it text or missing first"
            )
    return posts


def _dtypes(flat: bool) -> dict[str, Any]:
    import pandas as pd

    string = pd.Series(["text"]).dtype  # object before pandas 3, str since
    spans = string if flat else object
    sure = dict.fromkeys(("stance_sure", "style_sure"), "boolean")
    return {"stance": string, "style": string, "tickers": spans, "levels": spans} | sure
