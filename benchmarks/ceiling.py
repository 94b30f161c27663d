"""``python -m benchmarks.ceiling``: how far others' labels of spans go with our annotation guide.

Two readers, language models that had seen neither those labels nor our answers nor each other,
read 240 numbers of FinNum train (drawn from those that its labels and the model both call prices)
and the posts of crypto_ner dev by the guide. Where they agree with each other and not with a set,
the set means something else, and nobody who follows the guide can do better on it than they do.
benchmarks/readings.json holds what they said, without the posts: rows, offsets, roles.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.extraction import FINNUM, finnum_numbers, read_all
from benchmarks.posts import TOP
from opgsent import Classifier
from opgsent.extraction import Extractor

READINGS = Path(__file__).with_name("readings.json")
Span = tuple[int, int]


def main() -> None:
    """Print how the readers, the sets and the model agree."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=TOP.parent / "shared")
    sets = parser.parse_args().shared / "datasets"
    model = Classifier.bundled()
    extractor = Extractor(model.assets, model.arrays)
    readings = json.loads(READINGS.read_text())
    prices(json.loads((sets / "finnum1" / "train.json").read_text()), readings["finnum"], extractor)
    names(
        json.loads((sets / "crypto_ner" / "dev.json").read_text()),
        readings["crypto_ner"],
        extractor,
    )


def prices(rows: list[dict[str, Any]], readings: list[list[Any]], extractor: Extractor) -> None:
    """FinNum: which share of numbers has the same role by each two of set, readers, model."""
    spans = read_all(extractor, [row["tweet"] for row in rows])
    same: Counter[str] = Counter()
    for row, start, one, two in readings:
        roles = FINNUM[finnum_numbers(rows[row])[start]]
        model = next((v.role for v in spans[row].levels if v.start <= start < v.end), None)
        same["one reader, the other"] += one == two
        same["one reader, FinNum"] += one in roles
        same["the other, FinNum"] += two in roles
        same["model, FinNum"] += model in roles
        if one == two:
            same["both"] += 1
            same["both readers, FinNum"] += one in roles
            same["model, both readers"] += model == one
    both = same.pop("both")
    print(f"FinNum train, {len(readings)} prices: the same role by")
    for pair, count in same.items():
        whole = both if "both readers" in pair else len(readings)
        print(f"  {pair:24} {count / whole:.3f}  of {whole}")


def names(
    rows: list[dict[str, Any]], readings: list[dict[str, list[Span]]], extractor: Extractor
) -> None:
    """crypto_ner: F1 of the spans of each two of set, readers, model."""
    found = read_all(extractor, [row["text"] for row in rows])
    spans: dict[str, set[tuple[int, int, int]]] = {
        "crypto_ner": {(n, s, e) for n, row in enumerate(rows) for s, e, _ in row["entities"]},
        "model": {(n, t.start, t.end) for n, one in enumerate(found) for t in one.tickers},
    }
    for name, said in zip(("one reader", "the other"), readings, strict=True):
        spans[name] = {(int(n), s, e) for n, at in said.items() for s, e in at}
    print(f"\ncrypto_ner dev, {len(rows)} posts: F1 of spans")
    for one, two in (
        ("one reader", "the other"), ("one reader", "crypto_ner"), ("the other", "crypto_ner"),
        ("model", "crypto_ner"), ("model", "one reader"), ("model", "the other"),
    ):  # fmt: skip
        f1 = 2 * len(spans[one] & spans[two]) / (len(spans[one]) + len(spans[two]))
        print(f"  {one + ', ' + two:24} {f1:.3f}")


if __name__ == "__main__":
    main()
