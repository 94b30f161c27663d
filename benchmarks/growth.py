"""How the time grows with the length of a post and with the rows of a file; a plot of both."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.posts import TOP, csv_file, table


def growth(folder: Path, real: list[str], *, plot: bool) -> None:
    """Measure, print, draw."""
    from opgsent import Classifier, score_file

    many = Classifier.bundled().classify_many
    whole = " ".join(real)
    lengths, by_length = [100 * 4**k for k in range(6)], list[float]()
    for length in lengths:
        texts = [whole[at * length : (at + 1) * length] for at in range(max(4, 400_000 // length))]
        took = min(cpu(lambda texts=texts: list(many(texts))) for _ in range(3))
        by_length.append(took / len(texts))
    sizes, by_rows = [1_000 * 2**k for k in range(7)], list[float]()
    for rows in sizes:
        csv_file(folder / "grow.csv", rows, real)
        took = min(cpu(lambda: score_file(folder / "grow.csv", folder / "out.csv")) for _ in "ab")
        by_rows.append(took)
    print("\ngrowth (CPU seconds, every token seen before); a slope of 1.00 is linear")
    for what, xs, ys in (
        ("characters of a post", lengths, by_length),
        ("rows of a file", sizes, by_rows),
    ):
        print(table([what, *(f"{x:,}" for x in xs)], [["seconds", *(f"{y:.2g}" for y in ys)]]))
        print(f"slope over the upper half: {slope(xs[len(xs) // 2 :], ys[len(xs) // 2 :]):.2f}")
    if plot:
        draw(lengths, by_length, sizes, by_rows)


def cpu(work: Callable[[], object]) -> float:
    """CPU seconds of this process."""
    start = time.process_time()
    work()
    return time.process_time() - start


def slope(xs: list[int], ys: list[float]) -> float:
    """Of the line through the logarithms."""
    fit = statistics.linear_regression([math.log(x) for x in xs], [math.log(y) for y in ys])
    return fit.slope


def draw(
    lengths: list[int], by_length: list[float], sizes: list[int], by_rows: list[float]
) -> None:
    """docs/growth.svg."""
    try:
        import matplotlib
    except ImportError:
        print("docs/growth.svg is not drawn: matplotlib is not installed")
        return
    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    matplotlib.rcParams["svg.hashsalt"] = "opgsent"
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
    for ax, xs, ys, label, title in (
        (axes[0], lengths, by_length, "characters", "one post, by its length"),
        (axes[1], sizes, by_rows, "rows", "score_file, by the rows of a CSV"),
    ):
        ax.loglog(xs, ys, "o-", label="measured")
        ax.loglog(xs, [ys[-1] * x / xs[-1] for x in xs], "--", color="grey", label="linear")
        ax.set(xlabel=label, ylabel="CPU seconds", title=title)
        ax.legend()
    figure.savefig(TOP / "docs" / "growth.svg", metadata={"Date": None})
    print("drawn: docs/growth.svg")
