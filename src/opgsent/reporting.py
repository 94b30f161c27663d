"""What a training comes to: old model beside new, what was forgotten, which labels look wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .audit import plain_table
from .checks import Finding
from .labels import rows_text
from .metrics import Interval
from .scores import QuestionScores, figure
from .suspects import Suspect
from .terminal import shown

SHOWN = 20  # suspects in the plain text


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two models on the same posts; ``gain`` is new minus old macro-F1, paired group bootstrap."""

    old: QuestionScores
    new: QuestionScores
    gain: Interval

    @property
    def worse(self) -> bool:
        """Whether the new model is worse beyond the interval."""
        return self.gain.high < 0


@dataclass(frozen=True, slots=True)
class TrainingReport:
    """What ``train`` did, or refused to do, and why.

    ``own`` compares the models by grouped cross-validation on the user's labels, ``control`` on a
    fixed set of posts from corpora/: what was forgotten. ``refusals`` are the reasons not to
    write a folder; ``folder`` is None where none was written.
    """

    source: str
    base: str
    posts: int
    account: str  #: how the label file was read
    findings: tuple[Finding, ...]
    own: Mapping[str, Comparison]
    control: Mapping[str, Comparison]
    suspects: tuple[Suspect, ...]
    refusals: tuple[str, ...]
    notes: tuple[str, ...]
    forced: bool
    dry_run: bool
    folder: Path | None
    seconds: float

    @property
    def ok(self) -> bool:
        """True where nothing stood against the new model, or it was forced."""
        return not self.refusals or (self.forced and self.folder is not None)

    def to_text(self) -> str:
        """The report for a terminal."""
        parts = [self.account] if self.account else []
        if self.findings:
            parts.append("\n".join(map(str, self.findings)))
        for where, found in (("your labels, cross-validated", self.own), (CONTROL, self.control)):
            parts += [comparison_text(one, where) for one in found.values()]
        if self.suspects:
            parts.append(suspects_text(self.suspects))
        parts += [*self.notes] and ["\n".join(self.notes)]
        return "\n\n".join([*parts, self.outcome()])

    def outcome(self) -> str:
        """The last word: written, refused, or only looked at."""
        if self.refusals:
            why = "\n".join(f"  {reason}" for reason in self.refusals)
            if self.folder is not None:
                return f"written to {self.folder} by force, against:\n{why}"
            return f"no model written:\n{why}"
        if self.dry_run:
            return f"{self.posts:,} posts to train on; nothing was fitted (dry run)"
        if self.folder is None:
            return (
                f"fitted on {self.posts:,} posts in {self.seconds:.0f} s; no folder was asked for"
            )
        return f"written to {self.folder}: {self.posts:,} posts, {self.seconds:.0f} s"


CONTROL = "control set from corpora (what was forgotten)"


def comparison_text(found: Comparison, where: str) -> str:
    """Old beside new: the whole, then label by label."""
    old, new = found.old, found.new
    rows = [["", "old", "new"]]
    for name, one, other in (
        ("macro-F1", old.macro_f1, new.macro_f1),
        ("accuracy", old.accuracy, new.accuracy),
        ("AUC", old.auc, new.auc),
    ):
        rows.append([name, str(one), str(other)])
    rows.append(["calibration error", figure(old.ece), figure(new.ece)])
    for label, scores in new.labels.items():
        before = figure(old.labels[label].f1)
        rows.append([f"F1 {label}, {scores.count:,} posts", before, figure(scores.f1)])
    gain = found.gain
    return (
        f"{new.question}: {where}, {new.posts:,} posts in {new.groups:,} groups\n"
        f"{plain_table(rows)}\n"
        f"difference of macro-F1 {gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]"
    )


def suspects_text(suspects: Sequence[Suspect], most: int = SHOWN) -> str:
    """The labels that the models doubt most, a line each."""
    lines = [f"labels that cross-validated models doubt most, {len(suspects):,} in all"]
    for one in suspects[:most]:
        lines.append(
            f"  {one.doubt:.2f}  row {one.post.row}: {one.label}, models say {one.instead}: "
            f"{shown(one.post.text, 70)}"
        )
    if len(suspects) > most:
        lines.append(f"  and {rows_text([one.post.row for one in suspects[most:]])}")
    return "\n".join(lines)
