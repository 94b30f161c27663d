"""``python -m benchmarks.stages``: where the time of ``score_file`` goes, stage by stage."""

from __future__ import annotations

import argparse
import cProfile
import pstats
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import opgsent
from benchmarks.posts import csv_file, machine, posts, table
from opgsent import Classifier, score_file
from opgsent.tables.columns import Columns
from opgsent.tables.delimited import Delimited
from opgsent.tables.dialect import Dialect
from opgsent.tables.pool import Tally
from opgsent.tables.render import CellRender
from opgsent.tables.source import Lines, Source
from opgsent.tokens import split

PACKAGE = str(Path(opgsent.__file__).parent)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posts", type=int, default=20_000)
    size = parser.parse_args().posts
    warm, real = posts(3 * size)[:size], posts(3 * size)[size:]
    print(machine())
    with tempfile.TemporaryDirectory() as name:
        path, out = Path(name) / "posts.csv", Path(name) / "out.csv"
        csv_file(path, size, real[:size])
        stages(path, out, warm, real[:size])
    inside(real[size:])


def stages(path: Path, out: Path, warm: list[str], real: list[str]) -> None:
    """CPU microseconds per post, each stage on its own."""
    bundled, render = Classifier.bundled(), CellRender(Columns(), Dialect())
    list(bundled.classify_many(warm))
    cost: dict[str, float] = {}

    def clock(stage: str, work: Callable[[], Any]) -> Any:
        start = time.process_time()
        made = work()
        cost[stage] = (time.process_time() - start) / len(real) * 1e6
        return made

    clock("read: bytes to rows", lambda: rows(path))
    answers = clock("classify_many: rows to posts", lambda: list(bundled.classify_many(real)))
    clock("count for the summary", lambda: Tally.over(answers))
    clock("render: posts to cells", lambda: [render(post) for post in answers])
    parts = sum(cost.values())
    clock("score_file", lambda: score_file(path, out))
    whole = cost.pop("score_file")
    cost["join, hash, encode, write; hand over"] = whole - parts
    lines = [[name, f"{us:.1f}", f"{us / whole:.0%}"] for name, us in cost.items()]
    lines += [["score_file", f"{whole:.1f}", "100%"]]
    print(f"\nscore_file on {len(real):,} posts, one core, the classifier's caches warm")
    print(table(["stage", "us/post", "share"], lines))
    clock("split", lambda: [split(text) for text in real])
    clock("to_dict", lambda: [post.to_dict() for post in answers])
    print(f"for comparison: tokens.split alone {cost['split']:.1f}, to_dict {cost['to_dict']:.1f}")


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
