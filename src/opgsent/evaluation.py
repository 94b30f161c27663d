"""How good a model is on labelled posts: ``evaluate`` and what it returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .audit import plain_table
from .corpus import LabelledPost
from .errors import InputError
from .labels import posts_given, read_labels
from .metrics import DRAWS
from .result import LABELS, Post
from .scores import (
    QuestionScores,
    SpanScores,
    figure,
    groups_of,
    judged_answers,
    plain_data,
    question_scores,
    question_text,
    span_scores,
    verdict_part,
)

if TYPE_CHECKING:
    from .classifier import Classifier


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A model's answers beside the labels of people."""

    model: str
    posts: int
    questions: dict[str, QuestionScores]  #: 'stance', 'style': those that are labelled
    spans: dict[str, SpanScores] = field(default_factory=dict)  #: 'tickers', 'levels'
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready copy; None for what cannot be told."""
        return {
            "model": self.model,
            "posts": self.posts,
            "questions": {name: plain_data(scores) for name, scores in self.questions.items()},
            "spans": {
                name: {**plain_data(s), "f1": plain_data(s.f1)} for name, s in self.spans.items()
            },
            "notes": list(self.notes),
        }

    def to_text(self) -> str:
        """The figures for a terminal."""
        parts = [f"{self.posts:,} labelled posts, model {self.model}"]
        for scores in self.questions.values():
            parts.append(question_text(scores))
        if self.spans:
            rows = [["spans", "labelled", "found", "right", "F1", "same where right"]]
            for name, span in self.spans.items():
                same = ", ".join(f"{part} {share:.3f}" for part, share in span.same.items())
                counts = [f"{n:,}" for n in (span.labelled, span.found, span.right)]
                rows.append([name, *counts, figure(span.f1), same])
            parts.append(plain_table(rows))
        return "\n\n".join([*parts, *self.notes])


def evaluate(
    labels: str | Path | Sequence[LabelledPost],
    model: Classifier | str | Path | None = None,
    *,
    text: str | None = None,
    stance: str | None = None,
    style: str | None = None,
    mapping: Mapping[str, str] | None = None,
    encoding: str = "utf-8",
    draws: int = DRAWS,
    seed: int = 0,
) -> Evaluation:
    """Measure a model on labelled posts: a label file of any shape, or posts in memory.

    ``model`` is a Classifier, the path of a model folder, or None or "bundled" for the bundled
    model. The other arguments name columns and label names as in
    :func:`opgsent.labels.read_labels`. Intervals draw groups (near-duplicates, shared authors or
    channels), ``draws`` times.
    Raises InputError for a file that cannot be read or holds no label, for a post whose label or
    text is none and for a seed below 0, TypeError for labels that
    are neither posts nor a path.

    >>> posts = [LabelledPost("1", "buying more $SOL, this runs", "bullish"),
    ...          LabelledPost("2", "$SOL is finished, sold it all", "bearish")]
    >>> found = evaluate(posts, draws=10)
    >>> found.posts, list(found.questions), found.questions["stance"].labels["bullish"].count
    (2, ['stance'], 1)
    """
    from .classifier import Classifier

    check_seed(seed)
    notes: tuple[str, ...] = ()
    if isinstance(labels, str | Path):
        read = read_labels(
            labels, text=text, stance=stance, style=style, mapping=mapping, encoding=encoding
        )
        posts: Sequence[LabelledPost] = read.posts
        notes = read.warnings
    else:
        posts = legal_posts(labels)
    if model is None or model == "bundled":  # as ``train`` calls it
        name, classifier = "bundled", Classifier.bundled()
    elif isinstance(model, str | Path):
        name, classifier = str(model), Classifier.load(model)
    else:
        name, classifier = "given", model
    answers = list(classifier.classify_many([post.text for post in posts]))
    return score_answers(posts, answers, model=name, notes=notes, draws=draws, seed=seed)


def legal_posts(labels: Sequence[LabelledPost]) -> list[LabelledPost]:
    """Posts in memory as a list; raises InputError for what read_labels would not have made.

    >>> [post.stance for post in legal_posts([LabelledPost("1", "up we go", "bullish")])]
    ['bullish']
    """
    posts = posts_given(labels)
    for number, post in enumerate(posts, 1):
        where = f"post {number} (id {post.id!r})"
        if not isinstance(post.text, str):
            raise InputError(f"{where}: text is {post.text!r}, not str; leave the post out")
        for question, legal in LABELS.items():
            label = getattr(post, question)
            if label is not None and label not in legal:
                raise InputError(
                    f"{where}: {question} is {label!r}, not {', '.join(legal)} or None"
                )
    return posts


def check_seed(seed: int) -> None:
    """Raises InputError for a seed that numpy would not take."""
    if seed < 0:
        raise InputError(f"seed is {seed}; give 0 or more")


def score_answers(
    posts: Sequence[LabelledPost],
    answers: Sequence[Post],
    *,
    model: str = "given",
    notes: Sequence[str] = (),
    draws: int = DRAWS,
    seed: int = 0,
) -> Evaluation:
    """Compare answers with labels, post by post in the same order.

    Raises InputError where no post has a label.
    """
    groups = groups_of(posts)
    questions: dict[str, QuestionScores] = {}
    noted = list(notes)
    for question in LABELS:
        held = [i for i, post in enumerate(posts) if getattr(post, question) is not None]
        if not held:
            continue
        judged = judged_answers(question, posts, answers, groups)
        sure = np.array([verdict_part(answers[i], question, "sure") for i in held], bool)
        questions[question] = question_scores(question, judged, sure, draws=draws, seed=seed)
        said = {getattr(posts[i], question) for i in held}
        if absent := [label for label in LABELS[question] if label not in said]:
            read = (
                f"{question} is read among the others"
                if len(said) > 1
                else f"whether {question} is told apart cannot be seen"
            )
            noted.append(f"no post is labelled {' or '.join(absent)}: {read}")
    spans = span_scores(posts, answers)
    if not questions and not spans:
        raise InputError("no post has a label of stance, style, tickers or levels; label some")
    return Evaluation(model, len(posts), questions, spans, tuple(noted))
