"""Retraining on a user's labels: a better model or a clear no, and the reasons.

The labels are read and checked, each question is refitted around the base model (refitting.py:
how far it moves is chosen by cross-validation over groups), and the old model is compared with
the held-out answers of the new one on the same posts: near-duplicates and posts of one author
stay on one side of every fold and are drawn together by the bootstrap. A fixed control set, the
dev split of corpora/, shows what was forgotten. A model that is worse is not written.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from threadpoolctl import threadpool_limits

from .checks import check_labels
from .corpus import LabelledPost
from .evaluation import check_seed, legal_posts
from .folder import ModelError, check_target
from .labels import read_labels
from .lineage import ancestors_of
from .reporting import TrainingReport
from .result import LABELS
from .scores import groups_of, why_one_group
from .suspects import Progress
from .trial import Trial, control_posts

if TYPE_CHECKING:
    from .classifier import Classifier


def train(
    labels: str | Path | Sequence[LabelledPost],
    base: str | Path | Classifier = "bundled",
    out: str | Path | None = None,
    *,
    text: str | None = None,
    stance: str | None = None,
    style: str | None = None,
    mapping: Mapping[str, str] | None = None,
    encoding: str = "utf-8",
    force: bool = False,
    dry_run: bool = False,
    seed: int = 0,
    progress: Progress | None = None,
) -> TrainingReport:
    """Retrain on labelled posts and write a model folder, if the new model is no worse.

    ``labels`` is a label file of any shape (``text``, ``stance``, ``style``, ``mapping`` and
    ``encoding`` as in read_labels) or posts in memory. ``base`` is 'bundled', a model folder or a
    Classifier to start from, or 'scratch'. ``out`` is the folder to write, None for the report
    alone. The new model is refused where its macro-F1 on the labels, cross-validated by group, is
    below the old one's beyond the 95 % interval of the paired group bootstrap, or where it loses
    more than trial.FORGET on the control set (not for 'scratch'); ``force`` writes it all the
    same, and its card says so.
    ``dry_run`` reads and checks and fits nothing. Same labels, base and seed: the same bytes.

    Raises InputError for labels that cannot be read, for a post whose label or text is none and
    for a seed below 0, TypeError for labels that are neither posts nor a path, ModelError for a
    base that is no model or an ``out`` that cannot be written or is there already (``force``
    replaces a model, where nothing else is in its folder). What stops a training is in the report.

    >>> names = "ant bee cat dog elk fox gnu hen jay owl pig rat".split()
    >>> sides = {"goes up from here": "bullish", "falls apart": "bearish"}
    >>> posts = [LabelledPost(f"{name} {says}", f"{name} {says}", sides[says])
    ...          for name in names for says in sides]
    >>> report = train(posts)
    >>> report.ok, list(report.own), report.folder
    (True, ['stance'], None)
    """
    started = time.monotonic()
    check_seed(seed)
    _refuse_target(out, force)
    account, source = "", "posts in memory"
    if isinstance(labels, str | Path):
        read = read_labels(
            labels, text=text, stance=stance, style=style, mapping=mapping, encoding=encoding
        )
        posts, account, source = list(read.posts), read.to_text(), str(labels)
    else:
        posts = legal_posts(labels)
    control = control_posts()
    checked = check_labels(posts, test=control)
    trial = Trial(base, checked, control, seed, progress or (lambda stage, done, total: None))
    if out is not None:
        ancestors_of(trial.old)  # a card that no new one can be made of: said before the fit
    trial.notes += _notes_on_groups(checked.posts)
    stops = [str(finding) for finding in checked.findings if finding.stops]
    if stops:
        trial.refusals += stops
    elif dry_run:
        if why := why_one_group(checked.posts, groups_of(checked.posts)):  # as the fit would
            trial.refusals.append(why)
    else:
        # BLAS threads only wait for one another on vectors this small
        with threadpool_limits(limits=1):
            trial.fit()
            trial.compare_control()
    folder = None
    if out is not None and trial.changed and (force or not trial.refusals):
        folder = Path(out)
        trial.write(folder, forced=force and bool(trial.refusals))
    return TrainingReport(
        source=source,
        base=trial.base_name,
        posts=len(checked.posts),
        account=account,
        findings=checked.findings,
        own=trial.own,
        control=trial.on_control,
        suspects=tuple(sorted(trial.suspects, key=lambda one: (-one.doubt, one.post.row))),
        refusals=tuple(trial.refusals),
        notes=tuple(trial.notes),
        forced=force,
        dry_run=dry_run,
        folder=folder,
        seconds=time.monotonic() - started,
    )


def _notes_on_groups(posts: Sequence[LabelledPost]) -> list[str]:
    """Questions whose cross-validation says little: no group tells one label from another."""
    groups = groups_of(posts)
    notes = []
    for question in LABELS:
        labels = [getattr(post, question) for post in posts]
        held = [(at, label) for at, label in zip(groups, labels, strict=True) if label is not None]
        count = len({at for at, _ in held})
        # where most posts stand alone, groups of one label are no news
        mixed = len(set(held)) > count or 2 * count > len(held)
        if not mixed and len({label for _, label in held}) > 1:
            notes.append(
                f"warning: each of the {count:,} groups (authors, channels, near-duplicates) "
                f"holds a single label of {question}: the figures may tell groups apart, not "
                "labels; label posts of several labels in each"
            )
    return notes


def _refuse_target(out: str | Path | None, force: bool) -> None:
    """Say at once that a folder cannot be written, not after the fit."""
    if out is None:
        return
    check_target(out)
    if os.path.lexists(out) and not force:
        raise ModelError(f"{out}: holds a model; name a new folder, or replace it with --force")
