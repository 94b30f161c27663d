"""``python -m benchmarks.verdicts``: how good and how honest verdicts are on posts held out.

Reads what the last ``tools/build_model.py`` said of the train posts of real.jsonl, each from fits
and teachers that saw nothing of its fold (tools/held_out.npz), and needs those posts' labels in
../shared. Prints macro-F1, AUC and calibration error with 95 % intervals (bootstrap over groups),
the mean of the top probability and its reliability, how many posts may be answered with how many
right, and slices by length and platform.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tools.build_model import HELD_OUT, ROOT, public_posts, short

from opgsent.audit import plain_table
from opgsent.corpus import read_lines
from opgsent.fitting import SURE, sure_threshold
from opgsent.metrics import BINS, Judged, interval
from opgsent.result import LABELS

LENGTHS = ((0, 80), (80, 160), (160, 400), (400, 10**9))  # characters


def main(args: Sequence[str] | None = None) -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    options = parser.parse_args(args)
    posts = public_posts(options.shared)
    found = np.load(HELD_OUT, allow_pickle=False)
    if [short(post.text) for post in posts] != found["post"].tolist():
        raise SystemExit(f"{HELD_OUT} is of other posts: run tools/build_model.py")
    lines = read_lines(options.shared / "posts" / "real.jsonl")
    records = {str(record["id"]): record for _, record in lines}
    sure = np.array([bool(records[post.id]["sure"]) for post in posts])
    platform = np.array([platform_of(records[post.id]["source"]) for post in posts])
    length = np.array([len(post.text) for post in posts])
    groups = np.unique([str(post.group) for post in posts], return_inverse=True)[1]
    every = np.ones(len(posts), bool)
    slices = [("all", every), ("sure to annotators", sure), ("not sure", ~sure)]
    for low, high in LENGTHS:
        name = f"{low} to {high - 1} characters" if high < LENGTHS[-1][1] else f"{low} and more"
        slices.append((name, (length >= low) & (length < high)))
    slices += [(name, platform == name) for name in sorted(set(platform.tolist()))]
    for question, labels in LABELS.items():
        p = found[question].astype(np.float64)
        gold = np.array([labels.index(str(getattr(post, question))) for post in posts])
        rows = [[question, "posts", "macro-F1", "AUC", "accuracy", "top probability", "its error"]]
        for name, chosen in slices:
            one = Judged(labels, gold[chosen], p[chosen], groups[chosen])
            figures = [
                interval(one, figure, draws=300)
                for figure in (Judged.macro_f1, Judged.auc, Judged.accuracy)
            ]
            mean = p[chosen].max(axis=1).mean()
            rows.append(
                [name, f"{len(one):,}", *map(str, figures), f"{mean:.3f}", f"{one.ece():.3f}"]
            )
        print(plain_table(rows), end="\n\n")
        print(plain_table(reliability(Judged(labels, gold, p))), end="\n\n")
        print(plain_table(coverage(question, p, gold)), end="\n\n")


def platform_of(source: str) -> str:
    """The platform that a source of real.jsonl was taken from."""
    first = source.split("-")[0]
    return {"stocktwits": "StockTwits", "telegram": "Telegram", "reddit": "Reddit"}.get(first, "X")


def reliability(judged: Judged) -> list[list[str]]:
    """Of each tenth of the top probability: posts, its mean, and the share of right answers."""
    rows = [["top probability", "posts", "its mean", "right"]]
    for tenth, (posts, top, right) in enumerate(judged.reliability().tolist()):
        if posts:
            name = f"{tenth / BINS:.1f} to {(tenth + 1) / BINS:.1f}"
            rows.append([name, f"{posts:,.0f}", f"{top / posts:.3f}", f"{right / posts:.3f}"])
    return rows


def coverage(question: str, p: np.ndarray[Any, Any], gold: np.ndarray[Any, Any]) -> list[list[str]]:
    """Share of posts answered, and of those right, for thresholds; first the one of ``sure``."""
    top, right = p.max(axis=1), p.argmax(axis=1) == gold
    limit = sure_threshold(p, gold)
    rows = [[f"{question} answered from", "posts", "right"]]
    for threshold, note in ((limit, f" (sure: {SURE:.0%})"), *((t / 10, "") for t in range(4, 10))):
        told = top >= threshold
        share = f"{right[told].mean():.3f}" if told.any() else "-"
        rows.append([f"{threshold:.3f}{note}", f"{told.mean():.1%}", share])
    return rows


if __name__ == "__main__":
    main()
