"""How far two labellers of a corpus agree: ``opgsent corpus agreement``.

Cohen's kappa (Cohen 1960) is nltk.metrics.agreement's; spans are compared by their offsets.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .audit import plain_table
from .corpus import read_lines
from .errors import InputError
from .terminal import shown


@dataclass(frozen=True, slots=True)
class SpanAgreement:
    """Spans of two labellers: F1 of offsets and, on spans both have, how often a part agrees."""

    first: int
    second: int
    common: int
    same: dict[str, float | None]  #: part ('symbol', 'role', ...) -> share in [0, 1]

    @property
    def f1(self) -> float | None:
        """2 common / (first + second); None where neither labeller has a span.

        >>> SpanAgreement(3, 1, 1, {}).f1
        0.5
        """
        total = self.first + self.second
        return 2 * self.common / total if total else None


@dataclass(frozen=True, slots=True)
class Agreement:
    """Writer against second labeller. ``kappa`` is None where no label varies."""

    posts: int
    labelled: dict[str, int]  #: 'stance', 'style' -> posts that both gave a label of it
    kappa: dict[str, float | None]
    same: dict[str, float | None]  #: share of those with the same label, in [0, 1]; None of none
    confusion: dict[str, Counter[tuple[str, str]]]  #: (writer's label, second's) -> posts
    spans: dict[str, SpanAgreement]  #: 'tickers', 'levels'
    differ: tuple[str, ...]  #: ids of posts whose stance or style differs

    def to_text(self) -> str:
        """The figures for a terminal."""
        rows = [["label", "posts", "same", "kappa"]]
        for name, kappa in self.kappa.items():
            count = f"{self.labelled[name]:,}"
            rows.append([name, count, _figure(self.same[name]), _figure(kappa)])
        parts = [plain_table(rows)]
        rows = [["spans", "writer", "second", "both", "F1", "same where both"]]
        for name, span in self.spans.items():
            same = ", ".join(f"{part} {_figure(share)}" for part, share in span.same.items())
            counts = [f"{n:,}" for n in (span.first, span.second, span.common)]
            rows.append([name, *counts, _figure(span.f1), same])
        parts.append(plain_table(rows))
        for name, confusion in self.confusion.items():
            rows = [[f"{name}: writer", "second", "posts"]]
            rows += [[*pair, f"{n:,}"] for pair, n in confusion.most_common() if pair[0] != pair[1]]
            if len(rows) > 1:
                parts.append(plain_table(rows))
        return "\n\n".join(parts)


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def agreement(folder: str | Path, *, first: str = "writer", second: str = "second") -> Agreement:
    """Compare two stages of annotations.jsonl on the posts that both labelled.

    Lines without a ``stage`` count by their ``annotator``: those of ``opgsent label``, of which
    the last of a post says all. Raises InputError when the file cannot be read or no post has both.

    >>> import json, tempfile
    >>> note = {"id": "a", "stance": "bullish", "style": "hype", "tickers": [], "levels": []}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     lines = [json.dumps({**note, "stage": stage}) for stage in ("writer", "second")]
    ...     _ = Path(folder, "annotations.jsonl").write_text("\\n".join(lines))
    ...     found = agreement(folder)
    >>> found.posts, found.same["stance"], found.kappa["stance"]
    (1, 1.0, None)
    """
    file = Path(folder)
    file = file / "annotations.jsonl" if file.is_dir() else file
    stages: dict[str, dict[str, Mapping[str, Any]]] = {first: {}, second: {}}
    seen: dict[str, None] = {}
    for row, note in read_lines(file):
        if not isinstance(note.get("id"), str):
            raise InputError(f"{file}, row {row}: id {note.get('id')!r:.60}; the id of a post")
        who = str(note.get("stage", note.get("annotator", "nobody named")))
        seen.setdefault(who)
        if who in stages:
            stages[who][note["id"]] = note
    ids = [key for key in stages[first] if key in stages[second]]
    if not ids:
        named = ", ".join(shown(who) for who in list(seen)[:10])
        raise InputError(
            f"{file}: no post has labels of both {shown(first)} and {shown(second)}; there are "
            f"labels of {named or 'nobody'}; name two with --first and --second, or add posts"
        )
    return compare([stages[first][key] for key in ids], [stages[second][key] for key in ids])


def compare(first: Sequence[Mapping[str, Any]], second: Sequence[Mapping[str, Any]]) -> Agreement:
    """Compare two labellers' lines, post by post in the same order (see annotations.jsonl)."""
    labelled: dict[str, int] = {}
    kappa: dict[str, float | None] = {}
    same: dict[str, float | None] = {}
    confusion: dict[str, Counter[tuple[str, str]]] = {}
    for name in ("stance", "style"):
        said = [(a.get(name), b.get(name)) for a, b in zip(first, second, strict=True)]
        pairs = [(str(a), str(b)) for a, b in said if a is not None and b is not None]
        labelled[name] = len(pairs)
        kappa[name] = cohen_kappa(pairs)
        same[name] = sum(a == b for a, b in pairs) / len(pairs) if pairs else None
        confusion[name] = Counter(pairs)
    differ = [
        str(a.get("id"))
        for a, b in zip(first, second, strict=True)
        if any(
            a.get(name) != b.get(name) and None not in (a.get(name), b.get(name)) for name in kappa
        )
    ]
    spans = {
        "tickers": _spans(first, second, "tickers", ("symbol", "kind", "subject")),
        "levels": _spans(first, second, "levels", ("role", "value", "symbol")),
    }
    return Agreement(len(first), labelled, kappa, same, confusion, spans, tuple(differ))


def cohen_kappa(pairs: Sequence[tuple[str, str]]) -> float | None:
    """Cohen's kappa of (first label, second label) pairs; None where only one label occurs.

    >>> cohen_kappa([("a", "a"), ("b", "b"), ("a", "b"), ("b", "a")])
    0.0
    """
    if len({label for pair in pairs for label in pair}) < 2:
        return None
    from nltk.metrics.agreement import AnnotationTask

    data = [(who, item, pair[who]) for item, pair in enumerate(pairs) for who in (0, 1)]
    return float(AnnotationTask(data=data).kappa())


def _spans(
    first: Sequence[Mapping[str, Any]],
    second: Sequence[Mapping[str, Any]],
    field: str,
    parts: tuple[str, ...],
) -> SpanAgreement:
    counts: Counter[str] = Counter()
    for a, b in zip(first, second, strict=True):
        if a.get(field) is None or b.get(field) is None:
            continue  # one of the two was not asked
        ours = {(span["start"], span["end"]): span for span in a[field]}
        theirs = {(span["start"], span["end"]): span for span in b[field]}
        both = ours.keys() & theirs.keys()
        counts.update(first=len(ours), second=len(theirs), common=len(both))
        for part in parts:
            counts[part] += sum(ours[at].get(part) == theirs[at].get(part) for at in both)
    common = counts["common"]
    same = {part: counts[part] / common if common else None for part in parts}
    return SpanAgreement(counts["first"], counts["second"], common, same)
