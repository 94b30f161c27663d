"""The posts that are measured with: real ones where they are at hand, the corpora otherwise."""

from __future__ import annotations

import csv
import gzip
import itertools
import json
import os
import platform
from pathlib import Path

TOP = Path(__file__).parents[1]
REAL = TOP.parent / "shared" / "posts" / "unlabelled.txt.gz"


def posts(most: int | None = None) -> list[str]:
    """The first real posts, in the order of their file."""
    if REAL.exists():
        with gzip.open(REAL, "rt", encoding="utf-8") as lines:
            return [json.loads(line) for line in itertools.islice(lines, most)]
    print(f"({REAL} is not here: measuring with the posts of corpora/, over and over)")
    found = []
    for file in sorted(TOP.glob("corpora/*.jsonl")):
        with file.open(encoding="utf-8") as lines:
            found += [json.loads(line)["text"] for line in lines]
    return list(itertools.islice(itertools.cycle(found), most or 20_000))


def csv_file(path: Path, rows: int, texts: list[str]) -> None:
    """A CSV of ``id,text`` with this many rows; the texts come again where there are too few."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text"])
        writer.writerows(zip(range(rows), itertools.cycle(texts), strict=False))


def machine() -> str:
    """What a figure was measured on."""
    load = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}; "
        f"load average at the start {load:.1f} (other work takes from wall-clock figures)"
    )


def table(head: list[str], rows: list[list[str]]) -> str:
    """Columns of equal width, the first to the left and the others to the right."""
    widths = [max(len(row[k]) for row in [head, *rows]) for k in range(len(head))]
    lines = []
    for row in [head, ["-" * width for width in widths], *rows]:
        first, *rest = (
            cell.ljust(w) if k == 0 else cell.rjust(w)
            for k, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        lines.append("  ".join([first, *rest]))
    return "\n".join(lines)
