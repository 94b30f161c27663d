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
from pathlib import Path

from .corpus import LabelledPost
from .errors import InputError
from .files import write_whole
from .metrics import Judged
from .result import LABELS
from .suggest import BOM, guarded

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


def find_suspects(
    posts: Sequence[LabelledPost], n: int, *, seed: int = 0, progress: Progress | None = None
) -> list[Suspect]:
    """The ``n`` labels of a corpus that models fitted on the rest of it doubt most.

    Cross-validated by group (near-duplicates, authors, channels, writers), stance and style each.
    Raises InputError where no question has two labels.
    """
    from .assets import Assets
    from .fitting import FOLDS, fit_question, folds_of
    from .matrix import features_matrix
    from .scores import groups_of, why_one_group

    groups = groups_of(posts)
    if why := why_one_group(posts, groups):
        raise InputError(why)
    folds = folds_of(groups, min(FOLDS, len(set(groups))), seed)
    x = features_matrix([post.text for post in posts], Assets.load())
    found: list[Suspect] = []
    asked = 0
    for question, order in LABELS.items():
        labels = [getattr(post, question) for post in posts]
        held = [i for i, label in enumerate(labels) if label is not None]
        if len({labels[i] for i in held}) < 2:
            continue
        asked += 1
        try:
            fit = fit_question(question, x, labels, folds, progress=progress)
        except ValueError as error:  # a fit without some of them has one label, or no feature
            few = f"{question}: {len(held)} posts are too few to hold some out; label more"
            raise InputError(few) from error
        judged = Judged(order, [order.index(labels[i]) for i in held], fit.held_out[held])
        found += rank_suspects(question, [posts[i] for i in held], judged)
    if not asked:
        raise InputError("no question has posts of two labels; label more")
    return sorted(found, key=lambda one: (-one.doubt, one.post.row, one.post.id))[:n]


def write_suspects(suspects: Sequence[Suspect], path: str | Path) -> None:
    """Write suspects as CSV, whole or not at all, with a byte order mark. Raises InputError."""
    write_whole(path, BOM + suspects_csv(suspects))


def suspects_csv(suspects: Sequence[Suspect]) -> str:
    """The suspects as CSV, one a row, for a spreadsheet."""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(["row", "id", "question", "label", "instead", "doubt", "text"])
    for one in suspects:
        cells = [one.question, one.label, one.instead, f"{one.doubt:.4f}", guarded(one.post.text)]
        rows.writerow([one.post.row, guarded(one.post.id), *cells])
    return out.getvalue()
