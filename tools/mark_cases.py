"""Mark the known failures in tests/cases after the bundled model was rebuilt.

    python tools/mark_cases.py [--check]

A row of extraction.jsonl that the model reads wrong gets ``known`` (which of its two halves fails),
one of verdicts.jsonl ``known_failure`` (what it says instead); one that it reads right loses it.
``--check`` only says what would change. Look at the difference before committing: a row that newly
fails is a loss.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from opgsent import Classifier

CASES = Path(__file__).parents[1] / "tests" / "cases"


def same(found: list[dict[str, Any]], wanted: list[dict[str, Any]]) -> bool:
    """Whether the spans are those of the row, in every field that the row tells."""
    if len(found) != len(wanted):
        return False
    return all(
        all(told(f, key) == told(want, key) for key in want)
        for f, want in zip(found, wanted, strict=True)
    )


def told(span: dict[str, Any], key: str) -> Any:
    """A field of a span; 0.142 and 0.1420 are one value."""
    return Decimal(span[key]) if key == "value" else span[key]


def extraction(model: Classifier, row: dict[str, Any]) -> None:
    """Mark a row of extraction.jsonl."""
    row.pop("known", None)
    post = model.classify(row["text"]).to_dict()
    if known := [half for half in ("tickers", "levels") if not same(post[half], row[half])]:
        row["known"] = known


def verdicts(model: Classifier, row: dict[str, Any]) -> None:
    """Mark a row of verdicts.jsonl."""
    row.pop("known_failure", None)
    post = model.classify(row["text"]).to_dict()
    found = {q: post[q]["label"] for q in ("stance", "style") if q in row}
    if wrong := [f"read as {label}" for q, label in found.items() if label != row[q]]:
        row["known_failure"] = ", ".join(wrong)


def main(args: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args(args)
    model = Classifier.bundled()
    for mark in (extraction, verdicts):
        file = CASES / f"{mark.__name__}.jsonl"
        lines, changed = [], 0
        for line in file.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            mark(model, row)
            lines.append(json.dumps(row, ensure_ascii=False) + "\n")
            if row != json.loads(line):
                changed += 1
                state = row.get("known") or row.get("known_failure") or "right"
                print(f"{row['text'][:70]!r}: now {state}")
        known = sum('"known' in line for line in lines)
        print(f"{file.name}: {len(lines)} rows, {known} known failures, {changed} changed")
        if not options.check:
            file.write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
