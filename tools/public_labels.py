"""Write corpora/public-labels.csv: tools/public_labels.py [--shared DIR] [--mended FILE]

One row per post of the train split of ../shared/posts/real.jsonl, no text: ``sha256`` of the
white-space-collapsed NFC text, ``source``, the labels that the bundled model is fitted on, and the
labels as they were published where a reading of the suspects corrected them. ``--mended`` is JSON
Lines of ``id, stance, style`` for posts whose label was found wrong; corrections already in the
file are kept.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
from pathlib import Path

from build_model import PUBLIC, ROOT, text_hash

HEAD = ["sha256", "source", "stance", "style", "published_stance", "published_style"]


def main() -> None:
    """Write the file anew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--mended", type=Path)
    options = parser.parse_args()
    before = {}
    if PUBLIC.is_file():
        with PUBLIC.open(encoding="utf-8", newline="") as rows:
            before = {row["sha256"]: row for row in csv.DictReader(rows)}
    mended = {}
    if options.mended:
        for line in options.mended.read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            mended[str(record["id"])] = record
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEAD)
    seen: set[str] = set()
    lines = (options.shared / "posts" / "real.jsonl").read_text(encoding="utf-8").splitlines()
    for post in map(json.loads, lines):
        key = text_hash(post["text"])
        if post["split"] != "train" or key in seen:
            continue
        seen.add(key)
        now = {**post, **{k: before[key][k] for k in ("stance", "style") if key in before}}
        found = mended.get(str(post["id"]), {})
        now |= {k: v for k, v in found.items() if k in ("stance", "style")}
        was = [post[k] if post[k] != now[k] else "" for k in ("stance", "style")]
        writer.writerow([key, post["source"], now["stance"], now["style"], *was])
    PUBLIC.write_text(out.getvalue(), encoding="utf-8")
    print(f"{len(seen):,} posts")


if __name__ == "__main__":
    main()
