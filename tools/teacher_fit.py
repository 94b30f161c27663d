"""Teachers of verdicts and spans: MPNet, trained on with unlabelled posts, then fine-tuned.

    python tools/teacher.py prepare .teach MPNET    # where the posts are: texts -> word pieces
    python tools/teacher_fit.py .teach OUT          # where the GPU is: a quarter of an hour
    python tools/teacher.py finish OUT              # answers -> tools/teacher*.npz

A teacher holds one fold of the labelled posts out, so that the linear models which learn from it
can be judged on that fold. Steps, each printed with what the held-out posts give:

1. MPNet goes on as a masked language model over the unlabelled posts, with emoji as word pieces of
   their own (Gururangan et al. 2020, "Don't stop pretraining", ACL).
2. For each fold two teachers of spans from that body, which say what a candidate between two marks
   is, one of verdicts, and one of verdicts from MPNet as it is, which knows more of others' posts.

tools/teacher.npz was made in seven minutes of an H200, cut off before all was done: read0 to read4,
plain0 to plain2. tools/teacher_spans.npz was made in ten of another day, span0 to span4 and
again0 to again4, with --seconds 80 --only spans.

Needs torch and scikit-learn, and no text: prepare's files hold numbers alone. Fits of one step run
beside each other, a process each. OUT/answers.npz is written after each kind of teacher.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.metrics import f1_score, roc_auc_score
from torch import nn
from torch.nn import functional

VERDICTS, SPANS = (3, 3), (9, 2)  # classes: of stance and style; of numbers and tickers
FOLDS = 5
#: word pieces of MPNet's vocabulary: padding, the marks of a candidate (which no text holds), the
#: mask; ordinary pieces follow the special ones
PAD, OPEN, CLOSE, MASK, ORDINARY = 1, 11, 12, 30526, 1002
RATE = 6e-5
WORKERS = FOLDS
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Pieces:
    """Rows of word pieces, padded: ``ids`` (rows, longest), ``lengths`` (rows,)."""

    ids: torch.Tensor
    lengths: Array

    @classmethod
    def of(cls, flat: Array, at: Array) -> Pieces:
        """Rows that lie one behind the other in ``flat``, row i from at[i] to at[i + 1]."""
        lengths = np.diff(at)
        ids = np.full((len(lengths), int(lengths.max()) + 7), PAD, np.int32)
        ids[np.arange(ids.shape[1]) < lengths[:, None]] = flat
        return cls(torch.from_numpy(ids).to(DEVICE), lengths)

    def batch(self, rows: Sequence[int]) -> torch.Tensor:
        """Ids of some rows, as wide as the longest of them, in steps of eight."""
        width = (int(self.lengths[rows].max()) + 7) // 8 * 8
        return self.ids[torch.as_tensor(rows, device=DEVICE), :width].long()


class Layer(nn.Module):
    """One layer of MPNet (Song et al. 2020, arXiv:2004.09297)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv, self.o = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.norm, self.last = nn.LayerNorm(width), nn.LayerNorm(width)
        self.drop = nn.Dropout(0.1)

    def forward(self, x: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        """Rows of hidden states to rows of hidden states."""
        rows, length, width = x.shape
        q, k, v = (
            part.view(rows, length, self.heads, -1).transpose(1, 2)
            for part in self.qkv(x).chunk(3, dim=-1)
        )
        seen = functional.scaled_dot_product_attention(
            q, k, v, bias.to(q.dtype), dropout_p=0.1 if self.training else 0.0
        )
        x = self.norm(x + self.drop(self.o(seen.transpose(1, 2).reshape(rows, length, width))))
        return self.last(x + self.drop(self.down(functional.gelu(self.up(x)))))  # type: ignore[no-any-return]


class Body(nn.Module):
    """MPNet's encoder; what it sees of distance (``near``) is not trained any further."""

    def __init__(self, words: int, width: int = 768, layers: int = 12, heads: int = 12) -> None:
        super().__init__()
        self.width = width
        self.words, self.places = nn.Embedding(words, width), nn.Embedding(514, width)
        self.norm, self.drop = nn.LayerNorm(width), nn.Dropout(0.1)
        self.layers = nn.ModuleList(Layer(width, heads) for _ in range(layers))
        self.near = nn.Parameter(torch.zeros(32, heads), requires_grad=False)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Hidden states, shape (rows, pieces, width)."""
        place = torch.arange(ids.shape[1], device=ids.device)
        far = place[None, :] - place[:, None]
        size = far.abs()
        steps = 8 + (torch.log(size.clamp(min=1) / 8) / math.log(128 / 8) * 8).long()
        bucket = torch.where(size < 8, size, steps.clamp(max=15)) + 16 * (far > 0)
        blank = (ids == PAD)[:, None, None, :] * -1e4
        bias = self.near[bucket].permute(2, 0, 1)[None] + blank
        x = self.drop(self.norm(self.words(ids) + self.places(place + 2)))
        for layer in self.layers:
            x = layer(x, bias)
        return x  # type: ignore[no-any-return]


class Teacher(nn.Module):
    """A body with a head: log-odds of all classes of a post, or of a candidate between marks."""

    def __init__(self, body: Body, sizes: tuple[int, ...]) -> None:
        super().__init__()
        self.body, self.sizes = body, sizes
        self.head = nn.Linear(2 * body.width, sum(sizes))
        self.drop = nn.Dropout(0.1)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Log-odds, shape (rows, classes)."""
        hidden = self.body(ids)
        if self.sizes == VERDICTS:
            weight = (ids != PAD).unsqueeze(-1).to(hidden.dtype)
            two = [(hidden * weight).sum(1) / weight.sum(1), hidden[:, 0]]
        else:
            two = [(hidden * (ids == mark).unsqueeze(-1)).sum(1) for mark in (OPEN, CLOSE)]
        odds: torch.Tensor = self.head(self.drop(torch.cat(two, 1)))
        return odds


def body_of(folder: Path) -> Body:
    """The body that ``prepare`` packed: tables as a byte a number and a scale a row."""
    packed: dict[str, Array] = {}
    for file in sorted(folder.glob("body*.npz")):
        packed |= dict(np.load(file, allow_pickle=False))
    state = {}
    for name, array in packed.items():
        if not name.endswith(".scale"):
            scale = packed.get(f"{name}.scale")
            whole = array.astype(np.float32) * (1 if scale is None else scale[:, None])
            state[name] = torch.from_numpy(whole)
    layers = 1 + max(int(name.split(".")[1]) for name in state if name.startswith("layers"))
    body = Body(len(state["words.weight"]), layers=layers)
    body.load_state_dict(state)
    return body


def batches(lengths: Array, size: int, draw: np.random.Generator) -> list[Array]:
    """Shuffled batches of rows of like length."""
    order = draw.permutation(len(lengths))
    found = []
    for start in range(0, len(order), size * 40):
        chunk = order[start : start + size * 40]
        chunk = chunk[np.argsort(lengths[chunk], kind="stable")]
        found += [chunk[i : i + size] for i in range(0, len(chunk), size)]
    return [found[i] for i in draw.permutation(len(found))]


class Descent:
    """AdamW over a body and what was put on it, each with a rate of its own."""

    def __init__(self, body: nn.Module, rate: float, rest: Sequence[nn.Parameter]) -> None:
        self.rates = rate, 1e-3
        parts = [one for one in body.parameters() if one.requires_grad], list(rest)
        self.parameters = [one for part in parts for one in part]
        groups = [{"params": part} for part in parts]
        self.adam = torch.optim.AdamW(groups, weight_decay=0.01, fused=DEVICE == "cuda")

    def step(self, loss: torch.Tensor, pace: float) -> None:
        """One step, at ``pace`` times the rates."""
        for group, rate in zip(self.adam.param_groups, self.rates, strict=True):
            group["lr"] = rate * pace
        self.adam.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.adam.step()


def read_on(body: Body, parts: Sequence[Pieces], seconds: float, size: int = 256) -> None:
    """Train ``body`` in place as a masked language model for so many seconds."""
    words, width = body.words.weight, body.width
    head = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.LayerNorm(width)).to(DEVICE)
    bias = nn.Parameter(torch.zeros(len(words), device=DEVICE))
    descent = Descent(body, 1.5e-4, [*head.parameters(), bias])
    draw, start, step, passes = np.random.default_rng(0), time.time(), 0, 0
    run = torch.zeros((), device=DEVICE)
    torch.manual_seed(0)
    body.train()
    while time.time() - start < seconds:
        order = [(part, rows) for part in parts for rows in batches(part.lengths, size, draw)]
        for place in draw.permutation(len(order)):
            done = (time.time() - start) / seconds
            if done >= 1:
                break
            part, rows = order[place]
            ids = part.batch(rows)
            chance = torch.rand(ids.shape, device=DEVICE)
            chosen = (ids > ORDINARY) & (chance < 0.2)
            shown = torch.where(chosen & (chance < 0.16), MASK, ids)
            other = torch.randint(ORDINARY + 1, len(words), ids.shape, device=DEVICE)
            shown = torch.where(chosen & (chance > 0.18), other, shown)
            with torch.autocast(DEVICE, dtype=torch.bfloat16):
                odds = head(body(shown)[chosen]) @ words.T
            loss = functional.cross_entropy(odds.float() + bias, ids[chosen])
            descent.step(loss, min(1.0, step / 200) * (1.02 - done))
            step += 1
            run += loss.detach()
            if step % 500 == 0:
                print(f"  step {step}, pass {passes}: loss {float(run) / 500:.3f}", flush=True)
                run.zero_()
        passes += 1
    print(f"masked language model: {step} steps, {passes} passes begun", flush=True)


@dataclass(frozen=True)
class Task:
    """One fit, of verdicts or spans, without fold ``hold``."""

    name: str
    sizes: tuple[int, ...]
    hold: int = 0
    rate: float = RATE
    epochs: int = 3
    body: str = "read.pt"
    size: int = 48
    seed: int = 0


def fit(task: Task, folder: Path, work: Path) -> str:
    """Fine-tune a teacher, write NAME.npy (answers for the unlabelled) and NAME.held.npy, say how
    good it is.
    """
    seed = 10 * task.seed + task.hold
    torch.manual_seed(seed)
    torch.set_num_threads(2)
    draw = np.random.default_rng(seed)
    data = np.load(folder / "data.npz", allow_pickle=False)
    kind = "post" if task.sizes == VERDICTS else "span"
    rows = Pieces.of(data[f"{kind}_ids"], data[f"{kind}_at"])
    fold, told, weight = (data[f"{kind}_{name}"] for name in ("fold", "told", "weight"))
    (held,) = np.nonzero(fold == task.hold)
    more = np.arange(len(fold), len(rows.lengths))
    order = np.concatenate([np.flatnonzero(fold != task.hold)] * task.epochs)
    targets, weights = (torch.from_numpy(x.astype(np.float32)).to(DEVICE) for x in (told, weight))
    net = Teacher(torch.load(work / task.body, weights_only=False), task.sizes).to(DEVICE)
    descent = Descent(net.body, task.rate, list(net.head.parameters()))
    parts = batches(rows.lengths[order], task.size, draw)
    net.train()
    for step, part in enumerate(parts):
        pace = min(1.0, step / (len(parts) * 0.08 + 1)) * max(0.02, 1 - step / len(parts))
        at = order[part]
        odds = answer(net, rows, at)
        here = torch.as_tensor(at, device=DEVICE)
        surprise = torch.cat([x.log_softmax(1) for x in odds.split(task.sizes, 1)], 1)
        loss = (-(targets[here] * surprise).sum(1) * weights[here]).mean()
        descent.step(loss, pace)
    np.save(work / f"{task.name}.npy", answers(net, rows, more).astype(np.float16))
    found = answers(net, rows, held)
    np.save(work / f"{task.name}.held.npy", found.astype(np.float16))
    return f"{task.name}: {judged(found, told[held], task.sizes)}"


def answer(net: Teacher, rows: Pieces, at: Sequence[int] | Array) -> torch.Tensor:
    """Log-odds of some rows."""
    with torch.autocast(DEVICE, dtype=torch.bfloat16):
        odds = net(rows.batch(at))
    return odds.float()  # type: ignore[no-any-return]


@torch.no_grad()
def answers(net: Teacher, rows: Pieces, at: Array) -> Array:
    """Probabilities, shape (rows, classes)."""
    net.eval()
    order = np.argsort(rows.lengths[at], kind="stable")
    found = np.zeros((len(at), sum(net.sizes)), np.float32)
    for start in range(0, len(order), 512):
        part = order[start : start + 512]
        odds = answer(net, rows, at[part]).split(net.sizes, 1)
        found[part] = torch.cat([x.softmax(1) for x in odds], 1).cpu().numpy()
    return found


def judged(found: Array, told: Array, sizes: tuple[int, ...]) -> str:
    """What answers are worth, in words."""
    if sizes == VERDICTS:
        words = []
        for name, columns in (("stance", slice(0, 3)), ("style", slice(3, 6))):
            gold, p = told[:, columns].argmax(1), found[:, columns]
            f1 = f1_score(gold, p.argmax(1), average="macro")
            auc = roc_auc_score(gold, p / p.sum(1, keepdims=True), multi_class="ovr")
            words.append(f"{name} {f1:.3f} / {auc:.3f}")
        return ", ".join(words)
    number = told[:, : SPANS[0]].sum(1) > 0.5
    gold, top = told[number, : SPANS[0]].argmax(1), found[number, : SPANS[0]]
    level = top[:, 0] < 0.5
    right = (1 + top[:, 1:].argmax(1) == gold)[(gold > 0) & level].mean()
    f1 = 2 * ((gold > 0) & level).sum() / ((gold > 0).sum() + level.sum())
    ticker = told[~number, -1] > 0.5
    guess = found[~number, -1] > 0.5
    names = 2 * (ticker & guess).sum() / max((ticker.sum() + guess.sum()), 1)
    return f"level F1 {f1:.3f}, roles right {right:.3f}, doubtful tickers F1 {names:.3f}"


def all_folds(data: Any, work: Path, name: str, sizes: tuple[int, ...]) -> dict[str, Array]:
    """NAME and fold -> the answers of that teacher for the unlabelled, probabilities x 255; prints
    what they are worth on all held-out rows together.
    """
    kind = "post" if sizes == VERDICTS else "span"
    held = [np.load(work / f"{name}{fold}.held.npy").astype(np.float32) for fold in range(FOLDS)]
    told = [data[f"{kind}_told"][data[f"{kind}_fold"] == fold] for fold in range(FOLDS)]
    together = judged(np.concatenate(held), np.concatenate(told), sizes)
    print(f"  {name}, all folds: {together}", flush=True)
    every = {f"{name}{fold}": np.load(work / f"{name}{fold}.npy") for fold in range(FOLDS)}
    return {
        name: np.round(p.astype(np.float32) * 255).astype(np.uint8) for name, p in every.items()
    }


def main() -> None:
    """All steps in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder that teacher.py prepare wrote")
    parser.add_argument("out", type=Path)
    parser.add_argument("--work", type=Path, default=Path("/tmp/teachers"), help="for what is big")
    parser.add_argument("--seconds", type=float, default=50, help="of the masked language model")
    parser.add_argument("--only", choices=("spans", "verdicts"), help="teachers of these alone")
    options = parser.parse_args()
    data, out, work = np.load(options.data / "data.npz"), options.out, options.work
    for folder in (out, work):
        folder.mkdir(parents=True, exist_ok=True)
    start = time.time()
    body = body_of(options.data)
    torch.save(body, work / "plain.pt")
    body.to(DEVICE)
    unlabelled = []
    for kind in ("post", "span"):
        part, n = Pieces.of(data[f"{kind}_ids"], data[f"{kind}_at"]), len(data[f"{kind}_fold"])
        rest = slice(n, None, 1 if kind == "post" else 3)  # a post has several candidates
        unlabelled.append(Pieces(part.ids[rest], part.lengths[rest]))
    read_on(body, unlabelled, options.seconds)
    torch.save(body.cpu(), work / "read.pt")
    del unlabelled, part

    answered: dict[str, Array] = {}
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:

        def step(kind: Task) -> None:
            """Fit teachers of all folds beside each other; print what each says as it ends."""
            tasks = [replace(kind, name=f"{kind.name}{fold}", hold=fold) for fold in range(FOLDS)]
            for one in [pool.submit(fit, task, options.data, work) for task in tasks]:
                print(f"  {one.result()}  ({time.time() - start:.0f} s)", flush=True)
            answered.update(all_folds(data, work, kind.name, kind.sizes))
            np.savez_compressed(out / "answers.npz", **answered)

        if options.only != "verdicts":
            step(Task("span", SPANS, epochs=2, size=80))
            step(Task("again", SPANS, epochs=2, size=80, seed=1))
        if options.only != "spans":
            step(Task("read", VERDICTS))
            step(Task("plain", VERDICTS, rate=5e-5, body="plain.pt"))
    print(f"done ({time.time() - start:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
