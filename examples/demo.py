"""What ``make demo`` prints: the posts of posts.csv, read by the bundled model."""

from __future__ import annotations

import csv
from pathlib import Path

from opgsent import classify_many
from opgsent.result import Post, plain

HERE = Path(__file__).parent
WIDTH = 62  # characters of a post that are shown


def main() -> None:
    """Read the posts and print one row for each."""
    with (HERE / "posts.csv").open(newline="", encoding="utf-8") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    print(f"{'post':{WIDTH}}  {'stance':13}  {'style':15}  tickers, levels")
    print("-" * 118)
    for post in classify_many(texts):
        text = " ".join((post.text or "").split())
        shown = text if len(text) <= WIDTH else text[: WIDTH - 1] + "…"
        stance, style = verdict(post, "stance"), verdict(post, "style")
        print(f"{shown:{WIDTH}}  {stance:13}  {style:15}  {' '.join(spans(post))}")
    print("\nYour own file:  opgsent score posts.csv -o scored.csv")


def verdict(post: Post, question: str) -> str:
    """The label with the probability behind it."""
    found = post.stance if question == "stance" else post.style
    return "" if found is None else f"{found.label} {found.probabilities[found.label]:.2f}"


def spans(post: Post) -> list[str]:
    """The symbols of a post, then its levels as symbol:role:value."""
    symbols = dict.fromkeys(ticker.symbol for ticker in post.tickers)
    levels = [f"{lv.symbol or '_'}:{lv.role}:{plain(lv.value)}" for lv in post.levels]
    return [*symbols, *levels]


if __name__ == "__main__":
    main()
