"""``python -m benchmarks.speed``: opgsent beside its peers, in one run, as ratios.

Each contender lives in a process of its own, so that none profits from what another one left
in a cache. Round after round all are handed the same posts, one contender after the other, and
no post comes twice: caches help as they do on a stream, and start empty. One-core figures are
CPU seconds, so that other work on the machine changes little. Figures of several processes are
seconds on the wall.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

if not __package__:  # run as a file, not with -m
    sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.growth import growth
from benchmarks.peers import CONTENDERS, Contender, Labelled
from benchmarks.posts import TOP, csv_file, machine, posts, table

TRAINING = 5_000  # posts that the trained peers are fitted on


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posts", type=int, default=16_000, help="posts a round (16000)")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--file-rows", type=int, default=119_000, help="rows of the file for jobs")
    parser.add_argument("--no-plot", action="store_true", help="leave docs/growth.svg as it is")
    args = parser.parse_args()
    real = posts(TRAINING + args.posts * args.rounds)
    print(machine())
    one_core(real, args.posts, args.rounds)
    with tempfile.TemporaryDirectory() as folder:
        two_jobs(Path(folder), real, args.file_rows)
        growth(Path(folder), real, plot=not args.no_plot)


# --- one core -----------------------------------------------------------------------------------


def one_core(real: list[str], size: int, rounds: int) -> None:
    """The table of all contenders."""
    from opgsent import classify_many

    first, rest = real[:TRAINING], real[TRAINING:]
    training = [(p.text, p.stance.label) for p in classify_many(first) if p.text and p.stance]
    children = [child for c in CONTENDERS if (child := Child(c, training)).ready()]
    spent: dict[str, list[float]] = {child.name: [] for child in children}
    for at in range(rounds):
        batch = rest[at * size : (at + 1) * size]
        for child in children:
            spent[child.name].append(child.seconds_per_post(batch))
    base = spent[CONTENDERS[0].name]
    rows = []
    for child in children:
        child.close()
        mine = spent[child.name]
        ratios = sorted(b / m for b, m in zip(base, mine, strict=True))
        speed = [f"{len(mine) / sum(mine):,.0f}", f"{sum(base) / sum(mine):.2f}"]
        rows.append(
            [child.name, child.contender.gives, *speed, f"{ratios[0]:.2f}-{ratios[-1]:.2f}"]
        )
    print(f"\none core, {rounds} rounds of {size:,} real posts")
    print(table(["", "gives", "posts/s", "x vader", "by round"], rows))


class Child:
    """A contender in a process of its own."""

    def __init__(self, contender: Contender, training: Labelled) -> None:
        self.contender, self.name = contender, contender.name
        context = multiprocessing.get_context("spawn")
        self._line, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, contender, training))
        self._process.start()

    def ready(self) -> bool:
        """Wait until it is built; say why where it cannot be."""
        missing: str = self._line.recv()
        if missing:
            print(f"{self.name} is not measured: {missing}")
            self._process.join()
        return not missing

    def seconds_per_post(self, batch: list[str]) -> float:
        """CPU seconds it spends on each post of its share of the batch."""
        texts = batch[: int(len(batch) * self.contender.share)]
        self._line.send(texts)
        seconds: float = self._line.recv()
        return seconds / len(texts)

    def close(self) -> None:
        """End the process."""
        self._line.send(None)
        self._process.join()


def _serve(line: Connection, contender: Contender, training: Labelled) -> None:
    """What the process of a contender does."""
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            work = contender.build(training)
        except (ImportError, LookupError) as error:
            line.send((str(error).strip() or type(error).__name__).splitlines()[0])
            return
        line.send("")
        while (texts := line.recv()) is not None:
            csv_file(Path("posts.csv"), len(texts), texts)
            start = time.process_time()
            work(texts)
            line.send(time.process_time() - start)
        os.chdir("/")


# --- two jobs -----------------------------------------------------------------------------------


RUN = """
import resource, sys, time
from opgsent import score_file
if __name__ == "__main__":
    start = time.perf_counter()
    score_file("jobs.csv", "out.csv", jobs=int(sys.argv[1]))
    seconds = time.perf_counter() - start
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(seconds, sum(who.ru_utime + who.ru_stime for who in used))
"""


def two_jobs(folder: Path, real: list[str], rows: int) -> None:
    """score_file with one and with two processes, every run in a fresh interpreter.

    The last column does not depend on what else the machine does: how often the CPU time of one
    job fits into half the CPU time that the two jobs and their parent take together.
    """
    csv_file(folder / "jobs.csv", rows, real)
    (folder / "run.py").write_text(RUN)
    path = os.pathsep.join([str(TOP / "src"), os.environ.get("PYTHONPATH", "")])
    best = {1: (math.inf, math.inf), 2: (math.inf, math.inf)}
    for jobs in (1, 2, 1, 2):
        command = [sys.executable, "run.py", str(jobs)]
        said = subprocess.run(
            command, cwd=folder, env={**os.environ, "PYTHONPATH": path}, check=True,
            stdout=subprocess.PIPE, text=True,
        ).stdout  # fmt: skip
        seconds, cpu = map(float, said.split())
        best[jobs] = min(seconds, best[jobs][0]), min(cpu, best[jobs][1])
    lines = [
        [
            f"score_file jobs={jobs}",
            f"{seconds:.1f}",
            f"{rows / seconds:,.0f}",
            f"{best[1][0] / seconds:.2f}",
            f"{cpu:.1f}",
            f"{best[1][1] / (cpu / jobs):.2f}",
        ]
        for jobs, (seconds, cpu) in best.items()
    ]
    size = (folder / "jobs.csv").stat().st_size / 1e6
    print(f"\n{rows:,} posts in a CSV of {size:.0f} MB, best of 2, start of the processes included")
    head = ["", "seconds", "posts/s", "x one job", "CPU s of all", "x with free cores"]
    print(table(head, lines))


if __name__ == "__main__":
    main()
