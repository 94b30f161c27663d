"""``python -m benchmarks.engines``: rows per second with 1 and 2 workers, engine by engine.

The clock runs while rows are scored and their scores are brought to one number, so that every
column is computed and nothing is collected. Starting an engine is not in it; the first pass,
in which workers load the model, is not either.
"""

from __future__ import annotations

import argparse
import itertools
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.posts import TOP, csv_file, machine, posts, table
from opgsent import score_file

SCORES = ["stance", "stance_score", "style_score", "tickers", "levels"]
Pass = Callable[[], Any]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    rows = parser.parse_args().rows
    print(machine())
    lines = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        csv_file(folder / "posts.csv", rows, posts())
        texts = (posts() * (rows // 100_000 + 1))[:rows]
        pq.write_table(pa.table({"text": texts}), folder / "posts.parquet")
        for engine in (files, dask, spark):
            taken: dict[int, float] = {}
            for workers in (1, 2):
                with engine(folder, workers) as scored:
                    scored()
                    start = time.perf_counter()
                    scored()
                    taken[workers] = time.perf_counter() - start
            rates = [f"{rows / taken[n]:,.0f}" for n in (1, 2)]
            lines.append([engine.__name__, *rates, f"{taken[1] / taken[2]:.2f}"])
            print(*lines[-1], flush=True)  # the next engine may take its time
    print(f"\n{rows:,} real posts, wall clock")
    print(table(["", "rows/s with 1", "rows/s with 2", "ratio"], lines))


@contextmanager
def files(folder: Path, workers: int) -> Iterator[Pass]:
    """score_file; its processes start with every run, so their start is in the clock."""
    yield lambda: score_file(folder / "posts.csv", folder / "out.csv", jobs=workers)


@contextmanager
def dask(folder: Path, workers: int) -> Iterator[Pass]:
    """A local cluster of processes."""
    import dask.dataframe as dd
    import pandas as pd
    from distributed import Client, LocalCluster

    from opgsent.ext.dask import score_frame

    frame = dd.from_pandas(pd.read_parquet(folder / "posts.parquet"), npartitions=8)
    cluster = LocalCluster(
        n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None
    )
    with cluster, Client(cluster):
        frame, run = frame.persist(), itertools.count()

        def scored() -> Any:
            anew = frame.assign(run=next(run))  # or the cluster gives the answer it still has
            return score_frame(anew, columns=SCORES, flat=True)["stance_score"].sum().compute()

        yield scored


@contextmanager
def spark(folder: Path, workers: int) -> Iterator[Pass]:
    """A local Spark with this many Python workers."""
    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ["PYTHONPATH"] = os.pathsep.join([str(TOP / "src"), os.environ.get("PYTHONPATH", "")])
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    if not shutil.which("java"):
        sys.exit("Spark needs Java 17")
    from pyspark.sql import SparkSession

    from opgsent.ext.spark import score_frame

    session = (
        SparkSession.builder.master(f"local[{workers}]")
        .config("spark.ui.enabled", "false")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    try:
        frame = session.read.parquet(str(folder / "posts.parquet")).repartition(8).cache()
        frame.count()
        scored = score_frame(frame, columns=SCORES)
        yield lambda: scored.write.format("noop").mode("overwrite").save()
    finally:
        session.stop()


if __name__ == "__main__":
    main()
