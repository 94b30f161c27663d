"""Labels that are probably wrong: held-out models are sure of something else.

A model that has not seen a post (nor anything like it) says what the label should be; the more
sure it is of another one, the more the label is in doubt. The order is the normalised margin of
confident learning (Northcutt, Jiang & Chuang 2021, arXiv:1911.00068).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .corpus import LabelledPost
from .metrics import Judged

#: called with the stage, what is done, and of how much
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Suspect:
    """A label in doubt. ``doubt`` is P(instead) - P(label) of held-out models, in (0, 1]."""

    post: LabelledPost
    question: str
    label: str
    instead: str
    doubt: float


def rank_suspects(question: str, posts: Sequence[LabelledPost], judged: Judged) -> list[Suspect]:
    """The posts whose held-out answer is another label, most doubtful first.

    ``judged`` holds the answers for ``posts`` in the same order.

    >>> posts = [LabelledPost("1", "sold it all", "bullish"), LabelledPost("2", "up", "bullish")]
    >>> judged = Judged(("bullish", "bearish"), [0, 0], [[0.1, 0.9], [0.8, 0.2]])
    >>> [(s.post.id, s.instead, round(s.doubt, 2)) for s in rank_suspects("stance", posts, judged)]
    [('1', 'bearish', 0.8)]
    """
    found = []
    for post, gold, answer, shares in zip(
        posts, judged.gold, judged.answers, judged.probabilities, strict=True
    ):
        if gold != answer:
            doubt = float(shares[answer] - shares[gold])
            label, instead = judged.labels[gold], judged.labels[answer]
            found.append(Suspect(post, question, label, instead, doubt))
    return sorted(found, key=lambda one: (-one.doubt, one.post.row, one.post.id))


def suspects_csv(suspects: Sequence[Suspect]) -> str:
    """The suspects as CSV, one a row, for a spreadsheet."""
    from .suggest import guarded

    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(["row", "id", "question", "label", "instead", "doubt", "text"])
    for one in suspects:
        cells = [one.question, one.label, one.instead, f"{one.doubt:.4f}", guarded(one.post.text)]
        rows.writerow([one.post.row, guarded(one.post.id), *cells])
    return out.getvalue()
