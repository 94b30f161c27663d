"""``python -m benchmarks.stages``: where the time of ``score_file`` goes, stage by stage."""

from __future__ import annotations

import argparse
import cProfile
import pstats
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import opgsent
from benchmarks.posts import csv_file, machine, posts, table
from opgsent import Classifier, Post
from opgsent.tables import score_file
from opgsent.tables.columns import Columns
from opgsent.tables.delimited import Delimited
from opgsent.tables.dialect import Dialect
from opgsent.tables.pool import Tally
from opgsent.tables.render import CellRender
from opgsent.tables.source import Lines, Source
from opgsent.tokens import split

PACKAGE = str(Path(opgsent.__file__).parent)


STEP = 2_000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--warm", type=int, default=50_000, help="posts before the clock runs")
    parser.add_argument("--posts", type=int, default=40_000, help="posts under the clock")
    args = parser.parse_args()
    warm = args.warm + args.posts
    real = posts(warm + FEW)
    print(machine())
    for _ in Classifier.bundled().classify_many(real[: args.warm]):
        pass
    stages(real[args.warm : warm])
    inside(real[args.warm : warm])
    familiar(real[warm - FEW : warm], real[warm:], warm)


def stages(real: list[str]) -> None:
    """CPU microseconds per post, each stage on its own; no post comes twice."""
    cost: Counter[str] = Counter()
    steps = len(real) // STEP
    with tempfile.TemporaryDirectory() as name:
        path, out = Path(name) / "posts.csv", Path(name) / "out.csv"
        for at in range(steps):
            texts = real[at * STEP :][:STEP]
            csv_file(path, STEP, texts)
            by_stage(path, out, texts, cost)
    per_post = {stage: spent / (steps * STEP) * 1e6 for stage, spent in cost.items()}
    beside = {stage: per_post.pop(stage) for stage in ("tokens.split", "Post.to_dict")}
    tables = per_post.pop("all but the classifier")
    known = sum(per_post[stage] for stage in (READ, COUNT, RENDER))
    per_post["join, hash, encode, write"] = tables - known
    whole = tables + per_post[CLASSIFY]
    lines = [[stage, f"{us:.1f}", f"{us / whole:.0%}"] for stage, us in per_post.items()]
    lines.append(["score_file", f"{whole:.1f}", "100%"])
    print(f"\nscore_file, one core, {steps * STEP:,} posts")
    print(table(["stage", "us/post", "share"], lines))
    print("beside it:", ", ".join(f"{stage} {us:.1f}" for stage, us in beside.items()), "us/post")


FEW = 5_000  # posts for the look at caches and single calls


def familiar(real: list[str], new: list[str], warm: int) -> None:
    """A fresh classifier: posts it sees first, then again, beside vaderSentiment; single calls, too
    of posts that are ``new`` to a classifier which has read ``warm`` others.
    """
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    score = SentimentIntensityAnalyzer().polarity_scores
    bundled = Classifier.bundled()
    fresh = Classifier(bundled.arrays, bundled.card, bundled.assets)
    cost: Counter[str] = Counter()
    clock(cost, "vaderSentiment", lambda: [score(text) for text in real])
    clock(cost, "first time", lambda: [p.to_dict() for p in fresh.classify_many(real)])
    clock(cost, "again", lambda: [p.to_dict() for p in fresh.classify_many(real)])
    vader = cost["vaderSentiment"]
    lines = [[n, f"{t / len(real) * 1e6:.0f}", f"{vader / t:.2f}"] for n, t in cost.items()]
    print(f"\n{len(real):,} posts, classify_many and to_dict()")
    print(table(["", "us/post", "x vader"], lines))
    print("\nsingle calls and to_dict(), median us")
    lines = [["every token seen before", *single_calls(fresh, real)]]
    lines.append([f"posts met first, after {warm:,} others", *single_calls(bundled, new)])
    print(table(["", "all", *KINDS], lines))


KINDS = ("with prices", "tickers only", "neither")


def single_calls(classifier: Classifier, texts: list[str]) -> list[str]:
    """Median microseconds of a call, of all posts and by what they hold."""
    taken: dict[str, list[float]] = {kind: [] for kind in ("all", *KINDS)}
    for text in texts:
        started = time.perf_counter()
        post = classifier.classify(text)
        post.to_dict()
        spent = time.perf_counter() - started
        kind = KINDS[0] if post.levels else KINDS[1] if post.tickers else KINDS[2]
        for name in ("all", kind):
            taken[name].append(spent * 1e6)
    return [f"{statistics.median(times):.0f}" for times in taken.values()]


class Answered:
    """A classifier whose answers are there already."""

    checksum = "answered"

    def __init__(self, answers: list[Post]) -> None:
        self._answers = iter(answers)

    def classify_many(self, texts: Iterable[str | None], *, jobs: int = 1) -> Iterator[Post]:
        """The next answers, as many as there are texts."""
        return (answer for _, answer in zip(texts, self._answers, strict=False))


READ, COUNT, RENDER = "read: bytes to rows", "count: posts to the summary", "render: posts to cells"
CLASSIFY = "classify_many: texts to posts"


def by_stage(path: Path, out: Path, texts: list[str], cost: Counter[str]) -> None:
    """Each stage on its own."""
    render = CellRender(Columns(), Dialect())
    clock(cost, READ, lambda: rows(path))
    many = Classifier.bundled().classify_many
    answers = clock(cost, CLASSIFY, lambda: list(many(texts)))
    clock(cost, COUNT, lambda: Tally.over(answers))
    clock(cost, RENDER, lambda: [render(post) for post in answers])
    answered = Answered(answers)
    clock(cost, "all but the classifier", lambda: score_file(path, out, classifier=answered))
    clock(cost, "tokens.split", lambda: [split(text) for text in texts])
    clock(cost, "Post.to_dict", lambda: [post.to_dict() for post in answers])


def clock(cost: Counter[str], stage: str, work: Callable[[], Any]) -> Any:
    """Add the CPU seconds of some work to a stage."""
    start = time.process_time()
    made = work()
    cost[stage] += time.process_time() - start  # type: ignore[assignment]
    return made


def rows(path: Path) -> int:
    """Read a file as ``score_file`` does."""
    source = Source(str(path))
    try:
        form = Delimited(Lines(source, "utf-8"), source.name, "text", Columns())
        return sum(1 for _ in form.rows())
    finally:
        source.close()


def inside(real: list[str]) -> None:
    """The rooms behind classify_many, by their share of its profile."""
    profile = cProfile.Profile()
    bundled = Classifier.bundled()
    profile.enable()
    for _ in bundled.classify_many(real):
        pass
    profile.disable()
    shares: Counter[str] = Counter()
    for (file, _, _), (_, _, own, _, callers) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        if file.startswith(PACKAGE):
            shares[Path(file).stem] += own
            continue
        # built-in work is the work of the rooms that asked for it
        asked = {who: spent[2] for who, spent in callers.items()}
        for (caller, *_), spent in asked.items():
            room = Path(caller).stem if caller.startswith(PACKAGE) else "elsewhere"
            shares[room] += spent
        if not asked:
            shares["elsewhere"] += own
    total = sum(shares.values())
    print("\ninside classify_many (shares of a profile, which makes small functions look larger)")
    print(table(["room", "share"], [[n, f"{s / total:.0%}"] for n, s in shares.most_common(12)]))


if __name__ == "__main__":
    main()
