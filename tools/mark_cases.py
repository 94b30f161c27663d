"""Mark the known failures in tests/cases/extraction.jsonl after the bundled model was rebuilt.

    python tools/mark_cases.py [--check]

A row that the model reads wrong gets ``known`` (which of its two halves fails); one that it reads
right loses it. ``--check`` only says what would change. Look at the difference before committing:
a row that newly fails is a loss.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from opgsent import Classifier

FILE = Path(__file__).parents[1] / "tests" / "cases" / "extraction.jsonl"


def same(found: list[dict[str, Any]], wanted: list[dict[str, Any]]) -> bool:
    """Whether the spans are those of the row, in every field that the row tells."""
    if len(found) != len(wanted):
        return False
    return all(
        all(f[key] == value for key, value in want.items())
        for f, want in zip(found, wanted, strict=True)
    )


def main(args: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args(args)
    model = Classifier.bundled()
    lines, changed = [], 0
    for line in FILE.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        before = row.pop("known", [])
        post = model.classify(row["text"]).to_dict()
        known = [half for half in ("tickers", "levels") if not same(post[half], row[half])]
        if known != before:
            changed += 1
            print(f"{row['text'][:70]!r}: {before or 'right'} -> {known or 'right'}")
        if known:
            row["known"] = known
        lines.append(json.dumps(row, ensure_ascii=False) + "\n")
    print(f"{changed} of {len(lines)} rows changed")
    if not options.check:
        FILE.write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
