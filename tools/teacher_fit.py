"""Teachers of verdicts and spans: MiniLM, trained on with unlabelled posts, then fine-tuned.

    python tools/teacher.py prepare .teach/data.npz     # where the posts are: texts -> word pieces
    python tools/teacher_fit.py .teach/data.npz OUT     # where the GPU is: a quarter of an hour
    python tools/teacher.py finish OUT                  # answers -> tools/teacher*.npz

Steps, each printed with what the held-out folds give:

1. MiniLM goes on as a masked language model over the unlabelled posts, with emoji as word pieces of
   their own (Gururangan et al. 2020, "Don't stop pretraining", ACL).
2. Some teachers of verdicts learn from the labelled posts outside the folds held out; some of them
   from MiniLM as it is, which knows more of other people's posts.
3. Teachers of a second generation learn from the mean of their answers for all unlabelled posts and
   from the labels (noisy student, Xie et al. 2020, arXiv:1911.04252), one of a third from those:
   without the folds held out, and (``_final``) with all labels.
4. Teachers of spans learn what a candidate between two marks is, without those folds and with them;
   all of them together mark posts for the final fit.

What tools/teacher*.npz hold was made in three calls on an H200, 13 minutes in all, and the
``plain`` half of it earlier, by two cores, with other folds (tools/teacher.py at commit 91a4cc8):
posts that either half has seen count as seen there, see docs/experiments.md.

Needs torch, transformers and scikit-learn, and no text: prepare's file holds numbers alone. Fits of
one step run beside each other, a process each.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.metrics import f1_score, roc_auc_score
from torch import nn
from transformers import BertConfig, BertModel

VERDICTS, SPANS = (3, 3), (9, 2)  # classes: of stance and style; of numbers and tickers
OPEN, CLOSE = 7, 8  # word pieces: the marks of a candidate
MASK, ORDINARY = 103, 999  # of BERT's vocabulary; ordinary pieces follow the special ones
HELD = (0, 1)
TAUGHT = 0.7  # weight of a post that other teachers labelled
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


@dataclass(frozen=True)
class Pieces:
    """Rows of word pieces, padded with 0: ``ids`` (rows, longest), ``lengths`` (rows,)."""

    ids: torch.Tensor
    lengths: np.ndarray[Any, Any]

    @classmethod
    def of(cls, flat: np.ndarray[Any, Any], at: np.ndarray[Any, Any]) -> Pieces:
        """Rows that lie one behind the other in ``flat``, row i from at[i] to at[i + 1]."""
        lengths = np.diff(at)
        ids = np.zeros((len(lengths), int(lengths.max())), np.int32)
        ids[np.arange(ids.shape[1]) < lengths[:, None]] = flat
        return cls(torch.from_numpy(ids).to(DEVICE), lengths)

    def batch(self, rows: Sequence[int]) -> torch.Tensor:
        """Ids of some rows, as wide as the longest of them."""
        width = int(self.lengths[rows].max())
        return self.ids[torch.as_tensor(rows, device=DEVICE), :width].long()


class Teacher(nn.Module):
    """MiniLM with a head: log-odds of all classes of a post, or of a candidate between marks."""

    def __init__(self, body: nn.Module, sizes: tuple[int, ...]) -> None:
        super().__init__()
        self.body, self.sizes = body, sizes
        self.head = nn.Linear(2 * body.config.hidden_size, sum(sizes))
        self.drop = nn.Dropout(0.1)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Log-odds, shape (rows, classes)."""
        mask = ids > 0
        hidden = self.body(input_ids=ids, attention_mask=mask.long()).last_hidden_state
        if self.sizes == VERDICTS:
            weight = mask.unsqueeze(-1).to(hidden.dtype)
            two = [(hidden * weight).sum(1) / weight.sum(1), hidden[:, 0]]
        else:
            two = [(hidden * (ids == mark).unsqueeze(-1)).sum(1) for mark in (OPEN, CLOSE)]
        odds: torch.Tensor = self.head(self.drop(torch.cat(two, 1)))
        return odds


def bert(data: Any) -> BertModel:
    """The body that ``prepare`` packed, its embeddings one byte a number."""
    names = [name[5:] for name in data.files if name.startswith("body_")]
    state = {name: torch.from_numpy(data[f"body_{name}"].astype(np.float32)) for name in names}
    words = data["words"].astype(np.float32) * data["words_scale"][:, None]
    state["embeddings.word_embeddings.weight"] = torch.from_numpy(words)
    config = BertConfig(
        vocab_size=len(words), hidden_size=384, num_hidden_layers=6, num_attention_heads=12,
        intermediate_size=1536, attn_implementation="sdpa",
    )  # fmt: skip
    body = BertModel(config, add_pooling_layer=False)
    missing, unknown = body.load_state_dict(state, strict=False)
    if unknown or any("position_ids" not in name for name in missing):
        raise SystemExit(f"the body does not match: {missing} missing, {unknown} unknown")
    return body


def batches(lengths: np.ndarray[Any, Any], size: int, draw: np.random.Generator) -> list[Any]:
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
        parts = list(body.parameters()), list(rest)
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


def read_on(body: BertModel, parts: Sequence[Pieces], minutes: float, size: int = 192) -> None:
    """Train ``body`` in place as a masked language model for so many minutes."""
    width = body.config.hidden_size
    words = body.embeddings.word_embeddings.weight
    head = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.LayerNorm(width)).to(DEVICE)
    bias = nn.Parameter(torch.zeros(len(words), device=DEVICE))
    descent = Descent(body, 4e-4, [*head.parameters(), bias])
    draw, start, step, run, passes = np.random.default_rng(0), time.time(), 0, 0.0, 0
    torch.manual_seed(0)
    body.train()
    while (done := (time.time() - start) / (60 * minutes)) < 1:
        order = [(part, rows) for part in parts for rows in batches(part.lengths, size, draw)]
        for place in draw.permutation(len(order)):
            done = (time.time() - start) / (60 * minutes)
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
                hidden = body(input_ids=shown, attention_mask=(ids > 0).long()).last_hidden_state
                odds = head(hidden[chosen]) @ words.T
            loss = nn.functional.cross_entropy(odds.float() + bias, ids[chosen])
            descent.step(loss, min(1.0, step / 300) * (1.02 - done))
            step += 1
            run += loss.detach()
            if step % 500 == 0:
                print(f"  step {step}, pass {passes}: loss {float(run) / 500:.3f}", flush=True)
                run = 0.0
        passes += 1
    print(f"masked language model: {step} steps, {passes} passes begun", flush=True)


@dataclass(frozen=True)
class Task:
    """One fit: of verdicts or spans, without some folds; the settings are those of experiments."""

    name: str
    sizes: tuple[int, ...]
    hold: tuple[int, ...] = ()
    seed: int = 0
    rate: float = 8e-5
    epochs: int = 3
    learn: str = ""  # answers of other teachers to learn from, a file
    body: str = "read.pt"
    size: int = 48


def fit(task: Task, data_file: Path, out: Path) -> str:
    """Fine-tune a teacher, write NAME.npy (answers for the unlabelled), say how good it is."""
    torch.manual_seed(task.seed)
    torch.set_num_threads(2)
    draw = np.random.default_rng(task.seed)
    data = np.load(data_file, allow_pickle=False)
    kind = "post" if task.sizes == VERDICTS else "span"
    rows = Pieces.of(data[f"{kind}_ids"], data[f"{kind}_at"])
    fold, told, weight = (data[f"{kind}_{name}"] for name in ("fold", "told", "weight"))
    seen = np.flatnonzero(~np.isin(fold, task.hold))
    held = np.flatnonzero(np.isin(fold, task.hold))
    more = np.arange(len(fold), len(rows.lengths))
    order = np.concatenate([seen] * task.epochs)
    if task.learn:
        told = np.concatenate([told, np.load(out / task.learn).astype(np.float32)])
        weight = np.concatenate([weight, np.full(len(more), TAUGHT, np.float32)])
        order = np.concatenate([order, more])
    targets, weights = (torch.from_numpy(x.astype(np.float32)).to(DEVICE) for x in (told, weight))
    net = Teacher(torch.load(out / task.body, weights_only=False), task.sizes).to(DEVICE)
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
    np.save(out / f"{task.name}.npy", answers(net, rows, more).astype(np.float16))
    if not len(held):
        return f"{task.name}: fitted"
    found = answers(net, rows, held)
    np.save(out / f"{task.name}.held.npy", found.astype(np.float16))
    return f"{task.name}: {judged(found, data[f'{kind}_told'][held], task.sizes)}"


def answer(net: Teacher, rows: Pieces, at: Sequence[int]) -> torch.Tensor:
    """Log-odds of some rows."""
    with torch.autocast(DEVICE, dtype=torch.bfloat16):
        odds = net(rows.batch(at))
    return odds.float()


@torch.no_grad()
def answers(net: Teacher, rows: Pieces, at: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Probabilities, shape (rows, classes)."""
    net.eval()
    order = np.argsort(rows.lengths[at], kind="stable")
    found = np.zeros((len(at), sum(net.sizes)), np.float32)
    for start in range(0, len(order), 256):
        part = order[start : start + 256]
        odds = answer(net, rows, at[part]).split(net.sizes, 1)
        found[part] = torch.cat([x.softmax(1) for x in odds], 1).cpu().numpy()
    return found


def judged(found: np.ndarray[Any, Any], told: np.ndarray[Any, Any], sizes: tuple[int, ...]) -> str:
    """What answers are worth, in words."""
    if sizes == SPANS:
        number = told[:, : SPANS[0]].sum(1) > 0.5
        gold, top = told[number, : SPANS[0]].argmax(1), found[number, : SPANS[0]]
        level = top[:, 0] < 0.5
        right = (1 + top[:, 1:].argmax(1) == gold)[(gold > 0) & level].mean()
        f1 = 2 * ((gold > 0) & level).sum() / ((gold > 0).sum() + level.sum())
        ticker = told[~number, -1] > 0.5
        guess = found[~number, -1] > 0.5
        names = 2 * (ticker & guess).sum() / max((ticker.sum() + guess.sum()), 1)
        return f"level F1 {f1:.3f}, roles right {right:.3f}, doubtful tickers F1 {names:.3f}"
    words = []
    for name, columns in (("stance", slice(0, 3)), ("style", slice(3, 6))):
        gold, p = told[:, columns].argmax(1), found[:, columns]
        f1 = f1_score(gold, p.argmax(1), average="macro")
        auc = roc_auc_score(gold, p / p.sum(1, keepdims=True), multi_class="ovr")
        words.append(f"{name} {f1:.3f} / {auc:.3f}")
    return ", ".join(words)


def together(tasks: Sequence[Task], data: Path, out: Path) -> None:
    """Run fits beside each other; print what each says as it ends."""
    start = time.time()
    with ProcessPoolExecutor(len(tasks), mp_context=get_context("spawn")) as pool:
        for said in pool.map(fit, tasks, [data] * len(tasks), [out] * len(tasks)):
            print(f"  {said}  ({time.time() - start:.0f} s)", flush=True)


def join(out: Path, name: str, parts: Sequence[str], told: Any, sizes: tuple[int, ...]) -> None:
    """Write the mean answers of several teachers; print what it gives on the held-out folds."""
    for end in (".npy", ".held.npy"):
        files = [out / f"{part}{end}" for part in parts]
        if all(file.exists() for file in files):
            joint = np.mean([np.load(file).astype(np.float32) for file in files], axis=0)
            np.save(out / f"{name}{end}", joint.astype(np.float16))
            if end == ".held.npy":
                print(f"  {name}: {judged(joint, told, sizes)}", flush=True)


def main() -> None:
    """All steps in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--minutes", type=float, default=3.5, help="of the masked language model")
    parser.add_argument("--seeds", type=int, default=3, help="teachers of each kind")
    options = parser.parse_args()
    data, out = np.load(options.data, allow_pickle=False), options.out
    out.mkdir(parents=True, exist_ok=True)
    start = time.time()

    def told(sizes: tuple[int, ...]) -> Any:
        kind = "post" if sizes == VERDICTS else "span"
        return data[f"{kind}_told"][np.isin(data[f"{kind}_fold"], HELD)]

    body = bert(data)
    torch.save(body, out / "plain.pt")
    body.to(DEVICE)
    posts = Pieces.of(data["post_ids"], data["post_at"])
    spans = Pieces.of(data["span_ids"], data["span_at"])
    unlabelled = [
        Pieces(part.ids[n:], part.lengths[n:])
        for part, n in ((posts, len(data["post_fold"])), (spans, len(data["span_fold"])))
    ]
    read_on(body, unlabelled, options.minutes)
    torch.save(body.cpu(), out / "read.pt")
    seeds = range(options.seeds)

    def step(name: str, tasks: Sequence[Task], *means: tuple[str, Sequence[str]]) -> None:
        """Fit some teachers beside each other, then write the means of their answers."""
        print(f"{name} ({time.time() - start:.0f} s)", flush=True)
        together(tasks, options.data, out)
        for mean, parts in means:
            join(out, mean, parts, told(tasks[0].sizes), tasks[0].sizes)

    step(
        "verdicts, first teachers",
        [
            *(Task(f"one{seed}", VERDICTS, HELD, seed) for seed in seeds),
            Task("fast", VERDICTS, HELD, 9, rate=1.5e-4, epochs=4),
            *(Task(f"plain{seed}", VERDICTS, HELD, seed, body="plain.pt") for seed in seeds[:2]),
        ],
        ("one", [*(f"one{seed}" for seed in seeds), "fast"]),
        ("plain", [f"plain{seed}" for seed in seeds[:2]]),
    )
    step(
        "second",
        [
            *(
                Task(f"two{end}{seed}", VERDICTS, hold, 20 + seed, 8e-5, 2, "one.npy", size=64)
                for end, hold in (("", HELD), ("_final", ()))
                for seed in seeds
            ),
            Task("plain_final", VERDICTS, (), 30, 8e-5, 2, "plain.npy", "plain.pt", 64),
        ],
        ("two", [f"two{seed}" for seed in seeds]),
        ("two_final", [f"two_final{seed}" for seed in seeds]),
    )
    step(
        "third",
        [
            Task(f"three{end}", VERDICTS, hold, 60, rate=1.4e-4, learn=f"two{end}.npy", size=80)
            for end, hold in (("", HELD), ("_final", ()))
        ],
        ("verdicts", ["three", "three", "fast", "two", *["plain"] * 4]),
        ("verdicts_final", ["three_final"] * 2 + ["fast", "two_final", *["plain_final"] * 4]),
    )
    step(
        "spans",
        [
            Task(f"span{end}{seed}", SPANS, hold, 40 + seed, rate=1.2e-4, size=80)
            for end, hold in (("", HELD), ("_final", ()))
            for seed in seeds[:2]
        ],
        ("spans", [f"span{seed}" for seed in seeds[:2]]),
        ("spans_final", [f"span{end}{seed}" for end in ("", "_final") for seed in seeds[:2]]),
    )
    print(f"done ({time.time() - start:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
