"""``python -m benchmarks.speed``: opgsent beside its peers, in one run, as ratios.

Every round hands the same posts to every contender, one after the other, and no post comes
twice, so caches help as they would on a stream. One-core figures are CPU seconds, so that
other work on the machine changes little; the ratio is the median of the rounds' ratios.
Figures with several processes are seconds on the wall.
"""

from __future__ import annotations

import argparse
import math
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.peers import Contender, Work, each, peers, tokenizers
from benchmarks.posts import TOP, csv_file, machine, posts, table

TRAINING = 5_000  # posts that the trained peers are fitted on


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posts", type=int, default=8_000, help="posts a round (8000)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--file-rows", type=int, default=119_000, help="rows of the file for jobs")
    parser.add_argument("--no-plot", action="store_true", help="leave docs/growth.svg as it is")
    args = parser.parse_args()
    real = posts(TRAINING + args.posts * args.rounds)
    print(machine())
    one_core(real, args.posts, args.rounds)
    with tempfile.TemporaryDirectory() as folder:
        two_jobs(Path(folder), real, args.file_rows)
        growth(Path(folder), real, plot=not args.no_plot)


def cpu(work: Callable[[], object]) -> float:
    """CPU seconds of this process."""
    start = time.process_time()
    work()
    return time.process_time() - start


def wall(work: Callable[[], object]) -> float:
    """Seconds on the wall."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


# --- one core -----------------------------------------------------------------------------------


def ours(folder: Path) -> list[Contender]:
    """What opgsent is measured at: every field computed, ``to_dict`` inside the clock."""
    from opgsent import Classifier, score_file

    bundled = Classifier.bundled()

    def many(texts: list[str]) -> None:
        for post in bundled.classify_many(texts):
            post.to_dict()

    def file(texts: list[str]) -> None:
        score_file(_written(folder, texts), folder / "out.csv")

    return [
        Contender("opgsent.classify_many", "everything", many),
        Contender("opgsent.classify", "everything", each(lambda t: bundled.classify(t).to_dict())),
        Contender("opgsent.score_file", "everything", file),
    ]


def floor(folder: Path) -> Contender:
    """Reading and writing the same file with pyarrow, nothing else."""
    import pyarrow.csv as arrow

    options = arrow.ParseOptions(newlines_in_values=True)

    def work(texts: list[str]) -> None:
        rows = arrow.read_csv(_written(folder, texts), parse_options=options)
        arrow.write_csv(rows, folder / "floor.csv")

    return Contender("pyarrow, read and write the file", "nothing", work)


def _written(folder: Path, texts: list[str]) -> Path:
    """The posts as a file; ``one_core`` calls it once before the clock runs."""
    path = folder / f"posts-{len(texts)}-{hash(texts[0])}.csv"
    if not path.exists():
        csv_file(path, len(texts), texts)
    return path


def one_core(real: list[str], size: int, rounds: int) -> None:
    """The table of all contenders."""
    from opgsent import classify_many

    training, rest = real[:TRAINING], real[TRAINING:]
    labels = [post.stance.label for post in classify_many(training) if post.stance]
    with tempfile.TemporaryDirectory() as name:
        folder, contenders, notes = Path(name), list[Contender](), list[str]()
        for peer in peers(training, labels):
            if isinstance(peer, str):
                notes.append(peer)
            else:
                contenders.append(peer)
        contenders += [*ours(folder), floor(folder), *tokenizers()]
        rates: dict[str, list[float]] = {c.name: [] for c in contenders}
        for at in range(rounds):
            batch = rest[at * size : (at + 1) * size]
            _written(folder, batch)
            for contender in contenders:
                texts = batch[: int(len(batch) * contender.share)]
                rates[contender.name].append(len(texts) / cpu(_on(contender.work, texts)))
    base = rates["vaderSentiment"]
    rows = []
    for c in contenders:
        mine = rates[c.name]
        ratio = statistics.median(m / b for m, b in zip(mine, base, strict=True))
        rows.append([c.name, c.gives, f"{statistics.median(mine):,.0f}", f"{ratio:.2f}"])
    print(f"\none core, {rounds} rounds of {size:,} real posts")
    print(table(["", "gives", "posts/s", "x vader"], rows))
    print(*notes, sep="\n")


def _on(work: Work, texts: list[str]) -> Callable[[], object]:
    return lambda: work(texts)


# --- two jobs -----------------------------------------------------------------------------------


def two_jobs(folder: Path, real: list[str], rows: int) -> None:
    """score_file with one and with two processes, on the wall."""
    from opgsent import score_file

    path = folder / "jobs.csv"
    csv_file(path, rows, real)
    seconds = {}
    for jobs in (1, 2, 1, 2):
        took = wall(lambda jobs=jobs: score_file(path, folder / "out.csv", jobs=jobs))
        seconds[jobs] = min(took, seconds.get(jobs, math.inf))
    lines = [
        [
            f"score_file jobs={jobs}",
            f"{took:.1f}",
            f"{rows / took:,.0f}",
            f"{seconds[1] / took:.2f}",
        ]
        for jobs, took in seconds.items()
    ]
    print(f"\n{rows:,} posts in a CSV of {path.stat().st_size / 1e6:.0f} MB, wall clock, best of 2")
    print(table(["", "seconds", "posts/s", "x one job"], lines))


# --- growth -------------------------------------------------------------------------------------


def growth(folder: Path, real: list[str], *, plot: bool) -> None:
    """How the time grows with the length of a post and with the rows of a file."""
    from opgsent import Classifier, score_file

    bundled = Classifier.bundled()
    whole = " ".join(real)
    lengths, by_length = [100 * 4**k for k in range(6)], list[float]()
    for length in lengths:
        texts = [whole[at * length : (at + 1) * length] for at in range(max(3, 400_000 // length))]
        took = min(cpu(lambda t=texts: list(bundled.classify_many(t))) for _ in range(3))
        by_length.append(took / len(texts))
    sizes, by_rows = [1_000 * 2**k for k in range(7)], list[float]()
    for rows in sizes:
        csv_file(folder / "grow.csv", rows, real)
        run = lambda: score_file(folder / "grow.csv", folder / "out.csv")  # noqa: E731
        by_rows.append(min(cpu(run) for _ in range(2)))
    print("\ngrowth (CPU seconds); a slope of 1.00 is linear")
    for what, xs, ys in (
        ("characters of a post", lengths, by_length),
        ("rows of a file", sizes, by_rows),
    ):
        print(table([what, *(f"{x:,}" for x in xs)], [["seconds", *(f"{y:.2g}" for y in ys)]]))
        print(f"slope over the upper half: {slope(xs[len(xs) // 2 :], ys[len(xs) // 2 :]):.2f}")
    if plot:
        draw(lengths, by_length, sizes, by_rows)


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


if __name__ == "__main__":
    main()
