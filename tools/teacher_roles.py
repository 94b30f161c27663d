"""Teachers of roles for the folds that the GPU's time did not reach, trained without one.

    python tools/teacher_roles.py WORK MPNET    # two hours of two cores

tools/teacher_spans.npz holds what one teacher says, which has seen all folds but the first. Here
MPNet learns one question of its three, which of the eight roles a level has: once from corpora/,
then for each other fold from the labelled posts outside it. Each of these teachers says the roles
of some levels of the unlabelled posts, and of those of its fold, which is printed.

tools/teacher_roles.npz, written after each fold: ``level`` (m,) the spans of teacher_spans.npz that
were asked about, ``hold`` (k,) the folds, ``role`` (m, k). Needs torch, transformers and MPNET, see
teacher.py; WORK keeps the teacher that has read corpora/ alone, for a run that goes on.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from build_model import ROLE_TEACHER, ROOT, SPAN_TEACHER, public_posts, short
from teacher import NUMBER, Words, flat, packed, unlabelled
from teacher_fit import DEVICE, Descent, Pieces, Teacher, answer, answers, batches, body_of
from torch.nn import functional

from opgsent.corpus import LabelledPost, corpora_folder, read_spans
from opgsent.fitting import folds_of
from opgsent.fitting_spans import learnable
from opgsent.result import ROLES

HOLD = (4, 1, 3, 2)  # teacher_spans.npz has fold 0
MOST = 2  # levels of a post that are asked about
AGAIN = 2_500  # levels of corpora/ that the teacher of a fold reads again
FIRST_RATE, RATE = 6e-5, 4e-5
Array = np.ndarray[Any, Any]
Spot = tuple[int, int, int]  # post, start, end


@dataclass(frozen=True)
class Levels:
    """Levels as rows of word pieces, those with a role first: ``role`` and ``fold`` (n,), fold -1
    for corpora/; then the unlabelled ones, ``level`` (m,) of teacher_spans.npz.
    """

    rows: Pieces
    role: Array
    fold: Array
    level: Array


def asked(of: Array, levels: Array) -> Array:
    """At most MOST of the levels of each post, drawn by lot; ``of`` is the post of each span."""
    mixed = np.random.default_rng(0).permutation(levels)
    order = np.argsort(of[mixed], kind="stable")
    posts = of[mixed][order]
    nth = np.arange(len(order)) - np.searchsorted(posts, posts)
    return np.sort(mixed[order[nth < MOST]])


def read(shared: Path, mpnet: Path, work: Path) -> Levels:
    """All levels; packs the body of MPNet into ``work``."""
    texts = unlabelled(shared)
    words = Words(mpnet, texts)
    np.savez(work / "body.npz", **packed(words.body()))
    public, corpora = public_posts(shared), read_spans(corpora_folder())
    real = learnable(public)
    own = learnable(p for p in corpora if p.split == "train")
    folds = [*folds_of([p.group for p in real]).tolist(), *[-1] * len(own)]
    spots, role, fold = [], [], []
    for at, post in enumerate([*real, *own]):
        for v in post.levels or ():
            if v.role is not None:
                spots.append((at, v.start, v.end))
                role.append(ROLES.index(v.role))
                fold.append(folds[at])
    with np.load(SPAN_TEACHER, allow_pickle=False) as found:
        stored = {name: found[name] for name in found.files}
    level = asked(stored["of"], np.flatnonzero(stored["role"][:, -1] < len(ROLES)))
    of_hash = {short(text): text for text in texts}
    others = [LabelledPost("", of_hash[key]) for key in stored["post"].tolist()]
    places = [stored[name][level].tolist() for name in ("of", "start", "end")]
    rows = pieces(words, [*real, *own], spots)
    rows += pieces(words, others, list(zip(*places, strict=True)))
    arrays = flat("level", rows)
    print(f"{len(spots):,} levels with a role, {len(level):,} to ask about", flush=True)
    together = Pieces.of(arrays["level_ids"], arrays["level_at"])
    return Levels(together, np.array(role), np.array(fold), level)


def pieces(words: Words, posts: Sequence[LabelledPost], spots: Sequence[Spot]) -> list[list[int]]:
    """Rows of word pieces of spots of posts."""
    return words.candidates([post.text for post in posts], spots, NUMBER)


def learn(net: Teacher, levels: Levels, at: Array, rate: float, seed: int) -> None:
    """One pass over levels ``at``."""
    torch.manual_seed(seed)
    parts = batches(levels.rows.lengths[at], 48, np.random.default_rng(seed))
    descent = Descent(net.body, rate, list(net.head.parameters()))
    net.train()
    start, run = time.time(), 0.0
    for step, part in enumerate(parts, 1):
        here = at[part]
        odds = answer(net, levels.rows, here)
        role = torch.from_numpy(levels.role[here])
        loss = functional.cross_entropy(odds, role, label_smoothing=0.03)
        pace = min(1.0, step / (len(parts) * 0.08 + 1)) * max(0.02, 1 - (step - 1) / len(parts))
        descent.step(loss, pace)
        run += float(loss.detach())
        if step % 25 == 0:
            took = time.time() - start
            print(f"  {step} of {len(parts)}: loss {run / 25:.3f} ({took:.0f} s)", flush=True)
            run = 0.0


def main() -> None:
    """All of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path, help="folder for what is big")
    parser.add_argument("mpnet", type=Path, help="all-mpnet-base-v2, unpacked")
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(2)
    levels = read(options.shared, options.mpnet, options.work)
    written = np.flatnonzero(levels.fold == -1)
    first = options.work / "first.pt"
    if not first.is_file():
        net = Teacher(body_of(options.work), (len(ROLES),)).to(DEVICE)
        learn(net, levels, written, FIRST_RATE, 0)
        torch.save(net, first)
    said: list[Array] = []
    for fold in HOLD:
        net = torch.load(first, weights_only=False)
        train = np.flatnonzero((levels.fold >= 0) & (levels.fold != fold))
        again = np.random.default_rng(fold).permutation(written)[:AGAIN]
        learn(net, levels, np.concatenate([train, train, again]), RATE, fold)
        held = np.flatnonzero(levels.fold == fold)
        right = answers(net, levels.rows, held).argmax(axis=1) == levels.role[held]
        print(f"fold {fold}: {right.mean():.3f} of {len(held):,} roles", flush=True)
        rest = len(levels.role) + np.arange(len(levels.level))
        said.append(answers(net, levels.rows, rest).argmax(axis=1).astype(np.uint8))
        np.savez_compressed(
            ROLE_TEACHER,
            level=levels.level.astype(np.uint32),
            hold=np.array(HOLD[: len(said)]),
            role=np.stack(said, axis=1),
        )


if __name__ == "__main__":
    main()
