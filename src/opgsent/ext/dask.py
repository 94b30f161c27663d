"""Scoring on Dask: every partition is a pandas frame, and ``score_frame`` answers it.

Needs the extra: ``pip install opgsent[dask]``.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from ..tables.frame import score_frame as score_partition
from ..tables.pool import Reader


def score_frame(
    df: Any,
    text: str = "text",
    *,
    classifier: Reader | None = None,
    model: str | os.PathLike[str] | None = None,
    columns: Sequence[str] | None = None,
    prefix: str = "",
    sure: bool = False,
    flat: bool = False,
) -> Any:
    """A Dask frame with the score columns behind, computed when Dask computes it.

    The arguments are those of :func:`opgsent.score_frame`, and so is each row of the answer:
    partitions stay as they are, nothing moves between workers. A ``model`` folder must be
    found under its path on every worker; a worker loads it once. Use ``flat`` to write the
    answer where lists of dicts cannot go.

    A wrong column is an :class:`InputError` here, before anything runs; a cell that is neither
    text nor missing is one when the partition is computed.

    >>> import pandas as pd
    >>> import dask.dataframe as dd                              # doctest: +SKIP
    >>> posts = pd.DataFrame({"text": ["$BTC to the moon 🚀"]})
    >>> score_frame(dd.from_pandas(posts, npartitions=1)).compute()  # doctest: +SKIP
    """
    options: dict[str, Any] = {
        "classifier": classifier,
        "model": None if model is None else os.path.abspath(model),
        "columns": columns,
        "prefix": prefix,
        "sure": sure,
        "flat": flat,
    }
    # an empty frame takes no model to answer, so the shape of the answer costs nothing
    meta = score_partition(df._meta, text, **options)
    return df.map_partitions(score_partition, text, meta=meta, **options)
