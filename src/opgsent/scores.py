"""The figures of one question and of spans: what an Evaluation is made of."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from .audit import plain_table
from .corpus import LabelledPost
from .duplicates import group_near_duplicates
from .exports.answers import ABOUT
from .metrics import DRAWS, Interval, Judged, interval
from .result import LABELS, Post
from .terminal import shown


@dataclass(frozen=True, slots=True)
class LabelScores:
    """One label against the rest; ``count`` posts carry it. NaN where it cannot be told."""

    precision: float
    recall: float
    f1: float
    auc: float
    count: int


@dataclass(frozen=True, slots=True)
class QuestionScores:
    """Stance or style. Shares in [0, 1]; intervals are 95 %, bootstrap over groups.

    ``labels`` holds the labels that occur; where one of the three does not, the answers are read
    among the others. ``sure`` is the share of verdicts that call themselves sure, ``sure_right``
    how many of those are right. ``confusion`` is label -> answer -> posts.
    """

    question: str
    posts: int
    groups: int
    accuracy: Interval
    macro_f1: Interval
    auc: Interval
    ece: float
    labels: dict[str, LabelScores]
    confusion: dict[str, dict[str, int]]
    sure: float
    sure_right: float


@dataclass(frozen=True, slots=True)
class SpanScores:
    """Tickers or levels: spans are right where both offsets are; ``same`` is measured on those."""

    posts: int
    labelled: int
    found: int
    right: int
    same: dict[str, float]  #: 'symbol', 'role', 'value', ... -> share in [0, 1]

    @property
    def f1(self) -> float:
        """2 right / (labelled + found); NaN without spans.

        >>> SpanScores(1, 3, 1, 1, {}).f1
        0.5
        """
        total = self.labelled + self.found
        return 2 * self.right / total if total else math.nan


def question_text(scores: QuestionScores) -> str:
    """One question's figures, per label and confused."""
    head = (
        f"{scores.question}: {scores.posts:,} posts in {scores.groups:,} groups\n"
        f"macro-F1 {scores.macro_f1}, accuracy {scores.accuracy}, AUC {scores.auc}, "
        f"calibration error {figure(scores.ece)}\n"
        f"sure of {scores.sure:.0%}, and right there in {figure(scores.sure_right)}"
    )
    rows = [
        ["label", "posts", "precision", "recall", "F1", "AUC", *(f"as {n}" for n in scores.labels)]
    ]
    for name, label in scores.labels.items():
        shares = [figure(x) for x in (label.precision, label.recall, label.f1, label.auc)]
        cells = [f"{scores.confusion[name][other]:,}" for other in scores.labels]
        rows.append([name, f"{label.count:,}", *shares, *cells])
    return f"{head}\n{plain_table(rows)}"


def figure(value: float) -> str:
    """Three decimals, or a dash for what cannot be told."""
    return "-" if math.isnan(value) else f"{value:.3f}"


_KIN = ("group", "author", "writer")  # the first that a post names


def groups_of(posts: Sequence[LabelledPost]) -> list[int]:
    """The group of each post, numbered by first appearance; whole groups share a fold and a draw.

    Posts of one author or channel (or one ``group`` of the file) are a group. A near-duplicate
    joins the group of the first post like it: chains of shared authors and of "gm" would
    otherwise make one group of them all.

    >>> posts = [LabelledPost("1", "gm", author="ann"), LabelledPost("2", "gm", author="bob"),
    ...          LabelledPost("3", "selling it all", author="bob")]
    >>> groups_of(posts)
    [0, 0, 1]
    """
    near = group_near_duplicates([post.text for post in posts])
    key_of: dict[int, object] = {}
    for post, cluster in zip(posts, near, strict=True):
        kin = [(kind, who) for kind in _KIN if (who := getattr(post, kind)) is not None]
        if kin:
            key_of.setdefault(cluster, kin[0])
    numbers: dict[object, int] = {}
    return [numbers.setdefault(key_of.get(at, ("alone", at)), len(numbers)) for at in near]


def why_one_group(posts: Sequence[LabelledPost], groups: Sequence[int]) -> str | None:
    """Why posts cannot be cross-validated by group, and the way out; None where they can.

    ``groups`` are those of groups_of.

    >>> posts = [LabelledPost(text, text, author="ann") for text in ("up we go", "sold it all")]
    >>> print(why_one_group(posts, groups_of(posts)))
    all 2 posts are of one author ('ann'); a model is measured on groups that it has not seen, so \
two at least are needed. Add posts of another author; if there is no other, take the column of \
authors (author, user, username, channel or handle) out: each post then stands alone, and the \
figures hold for this author only
    """
    if len(set(groups)) > 1:
        return None
    alike = f"all {len(posts):,} posts are"
    need = "a model is measured on groups that it has not seen, so two at least are needed"
    if len(set(group_near_duplicates([post.text for post in posts]))) < 2:
        return f"{alike} near-duplicates of one another; {need}. Add posts that say other things"
    kind, who = next(
        (kind, who) for post in posts for kind in _KIN if (who := getattr(post, kind)) is not None
    )
    *names, last = ABOUT.get(kind, (kind,))
    columns = f"{', '.join(names)} or {last}" if names else last
    return (
        f"{alike} of one {kind} ({shown(who, 40)!r}); {need}. Add posts of another {kind}; if "
        f"there is no other, take the column of {kind}s ({columns}) out: each post then stands "
        f"alone, and the figures hold for this {kind} only"
    )


def judged_answers(
    question: str,
    posts: Sequence[LabelledPost],
    answers: Sequence[Post],
    groups: Sequence[int],
) -> Judged:
    """The answers to a question beside the labels, among the labels that occur."""
    held = [i for i, post in enumerate(posts) if getattr(post, question) is not None]
    probabilities = [
        [verdict_part(answers[i], question, "probabilities")[label] for label in LABELS[question]]
        for i in held
    ]
    gold = [LABELS[question].index(getattr(posts[i], question)) for i in held]
    return among_seen(Judged(LABELS[question], gold, probabilities, [groups[i] for i in held]))


def among_seen(judged: Judged) -> Judged:
    """Read among the labels that occur, where one of them does not."""
    seen = [label for place, label in enumerate(judged.labels) if (judged.gold == place).any()]
    return judged if len(seen) in (0, len(judged.labels)) else judged.restricted(seen)


def question_scores(
    question: str, judged: Judged, sure: Any, *, draws: int = DRAWS, seed: int = 0
) -> QuestionScores:
    """All figures of one question; ``sure`` says of each post whether its verdict is."""
    measure = partial(interval, judged, draws=draws, seed=seed)
    table = judged.confusion()
    labels = {
        label: _label_scores(table, judged, place) for place, label in enumerate(judged.labels)
    }
    right = judged.answers == judged.gold
    sure = np.asarray(sure, bool)
    return QuestionScores(
        question=question,
        posts=len(judged),
        groups=len(set(judged.groups.tolist())),
        accuracy=measure(Judged.accuracy),
        macro_f1=measure(Judged.macro_f1),
        auc=measure(Judged.auc),
        ece=judged.ece(),
        labels=labels,
        confusion={
            label: {other: int(table[i, j]) for j, other in enumerate(judged.labels)}
            for i, label in enumerate(judged.labels)
        },
        sure=float(sure.mean()) if len(sure) else math.nan,
        sure_right=float(right[sure].mean()) if sure.any() else math.nan,
    )


def _label_scores(table: Any, judged: Judged, place: int) -> LabelScores:
    right, labelled, found = table[place, place], table[place].sum(), table[:, place].sum()
    return LabelScores(
        precision=float(right / found) if found else math.nan,
        recall=float(right / labelled) if labelled else math.nan,
        f1=float(2 * right / (labelled + found)) if labelled + found else math.nan,
        auc=judged.auc_of(place),
        count=int(labelled),
    )


def verdict_part(post: Post, question: str, part: str) -> Any:
    """A part of an answer: ``verdict_part(post, "stance", "label")``."""
    return getattr(getattr(post, question), part)


_PARTS = {"tickers": ("symbol", "kind", "quote", "subject"), "levels": ("role", "value", "symbol")}


def span_scores(posts: Sequence[LabelledPost], answers: Sequence[Post]) -> dict[str, SpanScores]:
    """Spans found beside spans labelled, on the posts whose spans are labelled."""
    found = {}
    for name, parts in _PARTS.items():
        held = [(p, a) for p, a in zip(posts, answers, strict=True) if getattr(p, name) is not None]
        if not held:
            continue
        counts: Counter[str] = Counter()
        same: Counter[str] = Counter()
        for post, answer in held:
            theirs = {(span.start, span.end): span for span in getattr(post, name)}
            ours = {(span.start, span.end): span for span in getattr(answer, name)}
            both = theirs.keys() & ours.keys()
            counts.update(labelled=len(theirs), found=len(ours), right=len(both))
            for at, part in ((at, part) for at in both for part in parts):
                # None may say "there is none" or "nobody said": not measured
                if getattr(theirs[at], part) is not None:
                    counts[part] += 1
                    same[part] += getattr(theirs[at], part) == getattr(ours[at], part)
        found[name] = SpanScores(
            len(held), counts["labelled"], counts["found"], counts["right"],
            {part: same[part] / counts[part] for part in parts if counts[part]},
        )  # fmt: skip
    return found


def plain_data(value: Any) -> Any:
    """JSON-ready: dataclasses as dicts, NaN as None, floats to six decimals."""
    if isinstance(value, float):
        return None if math.isnan(value) else round(value, 6)
    if isinstance(value, Mapping):
        return {key: plain_data(item) for key, item in value.items()}
    if hasattr(value, "__dataclass_fields__"):
        return {name: plain_data(getattr(value, name)) for name in value.__dataclass_fields__}
    return value
