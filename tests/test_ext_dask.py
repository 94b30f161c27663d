"""Scoring on Dask: on a real local cluster of processes, the rows of score_frame."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from opgsent.errors import InputError
from opgsent.tables import score_frame as pandas_frame
from tables_fake import FakeClassifier

dd = pytest.importorskip("dask.dataframe", reason="Dask comes with the extra opgsent[dask]")
distributed: Any = pytest.importorskip("distributed", reason="as above")
from opgsent.ext import dask as engine  # noqa: E402 - after the skip

FAKE = FakeClassifier()
FRAME = pd.DataFrame(
    {"id": range(300), "text": pd.Series([f"$A {n}" for n in range(299)] + [None], dtype="string")},
    index=pd.Index(range(1000, 1300), name="key"),
)


def test_the_shape_is_known_before_anything_runs() -> None:
    scored = engine.score_frame(dd.from_pandas(FRAME, npartitions=3), classifier=FAKE, sure=True)
    expected = pandas_frame(FRAME, classifier=FAKE, sure=True)
    assert list(scored.columns) == list(expected.columns)
    assert scored.npartitions == 3 and scored.known_divisions
    pd.testing.assert_series_equal(scored.dtypes, expected.dtypes)


@pytest.mark.parametrize(
    ("frame", "options", "message"),
    [
        (FRAME, {"text": "txt"}, "no column 'txt', did you mean 'text'"),
        (FRAME, {"columns": ["x"]}, "no score column 'x'"),
        (FRAME.assign(stance="x"), {}, "already has the column 'stance'"),
    ],
)
def test_wrong_columns_are_refused_before_anything_runs(
    frame: pd.DataFrame, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        engine.score_frame(dd.from_pandas(frame, npartitions=2), classifier=FAKE, **options)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    processes = {"n_workers": 2, "threads_per_worker": 1, "processes": True}
    with (
        distributed.LocalCluster(**processes, dashboard_address=None) as up,
        distributed.Client(up) as client,
    ):
        yield client


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"flat": True, "prefix": "our_"}, {"columns": ["style"]}])
def test_a_cluster_gives_the_rows_of_score_frame(cluster: Any, options: dict[str, Any]) -> None:
    lazy = engine.score_frame(dd.from_pandas(FRAME, npartitions=4), classifier=FAKE, **options)
    done = cluster.compute(lazy).result()
    pd.testing.assert_frame_equal(done, pandas_frame(FRAME, classifier=FAKE, **options))


@pytest.mark.slow
def test_a_cluster_writes_what_it_scored(cluster: Any, tmp_path: Path) -> None:
    lazy = engine.score_frame(
        dd.from_pandas(FRAME, npartitions=4),
        classifier=FAKE,
        columns=["stance", "tickers"],
        flat=True,
    )
    lazy.to_parquet(tmp_path / "out")
    back = pd.read_parquet(tmp_path / "out")
    expected = pandas_frame(FRAME, classifier=FAKE, columns=["stance", "tickers"], flat=True)
    pd.testing.assert_frame_equal(back, expected)


@pytest.mark.slow
def test_a_cell_that_is_no_text_is_the_error_of_its_partition(cluster: Any) -> None:
    frame = pd.DataFrame({"text": pd.Series(["ab", 5] * 4, dtype=object)})
    with pytest.MonkeyPatch.context() as patch:
        import dask

        patch.setitem(dask.config.config["dataframe"], "convert-string", False)
        lazy = engine.score_frame(dd.from_pandas(frame, npartitions=2), classifier=FAKE)
        with pytest.raises(InputError, match="is int 5, not text"):
            cluster.compute(lazy).result()
