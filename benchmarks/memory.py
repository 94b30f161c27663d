"""``python -m benchmarks.memory``: the peak memory of ``score_file`` on a million posts.

The run is a process of its own; what it and all its children hold (resident pages, shared ones
counted once per process) is read from /proc thirty times a second.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.posts import TOP, csv_file, machine, posts, table

PAGE = os.sysconf("SC_PAGE_SIZE")
RUN = (
    "import sys; from opgsent import score_file\n"
    "if __name__ == '__main__':\n"
    "    done = score_file(sys.argv[1], sys.argv[2], jobs=int(sys.argv[3]))\n"
    "    print(done.rows, round(done.seconds, 1))\n"
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--jobs", type=int, nargs="+", default=[1])
    args = parser.parse_args()
    print(machine())
    lines = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "run.py").write_text(RUN)
        for rows in args.rows:
            csv_file(folder / "posts.csv", rows, posts())
            size = (folder / "posts.csv").stat().st_size
            for jobs in args.jobs:
                peak, said = peak_of(folder, jobs)
                done, seconds = said.split()
                sizes = f"{size / 1e6:.0f}", str(jobs), seconds, f"{peak / 1e6:.0f}"
                lines.append([f"{int(done):,}", *sizes])
    print(table(["rows", "MB of CSV", "jobs", "seconds", "peak MB of all processes"], lines))


def peak_of(folder: Path, jobs: int) -> tuple[int, str]:
    """The most bytes that a run held, and what it said at its end."""
    command = [sys.executable, "run.py", "posts.csv", "out.csv", str(jobs)]
    peak = 0
    path = os.pathsep.join([str(TOP / "src"), os.environ.get("PYTHONPATH", "")])
    with subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        while process.poll() is None:
            peak = max(peak, sum(resident(pid) for pid in tree(process.pid)))
            time.sleep(1 / 30)
        said = process.stdout.read() if process.stdout else ""
    if process.returncode:
        sys.exit(f"the run ended with status {process.returncode}")
    return peak, said


def tree(root: int) -> list[int]:
    """A process and all its descendants."""
    found, queue = list[int](), [root]
    while queue:
        pid = queue.pop()
        found.append(pid)
        for task in Path(f"/proc/{pid}/task").glob("*/children"):
            try:
                queue += [int(child) for child in task.read_text().split()]
            except OSError:  # the thread ended meanwhile
                continue
    return found


def resident(pid: int) -> int:
    """Bytes in memory of a process; 0 for one that ended."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
    except OSError:
        return 0


if __name__ == "__main__":
    main()
