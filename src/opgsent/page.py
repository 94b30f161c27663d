"""A training report as one HTML page: no script, nothing from elsewhere, all text escaped."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from .files import write_whole
from .metrics import Interval
from .reporting import CONTROL, Comparison, TrainingReport
from .scores import QuestionScores, figure
from .suspects import Suspect
from .terminal import printable

SUSPECTS = 200  # rows of the table
OLD, NEW, INK = "#9aa5b1", "#2563eb", "#1f2933"
_WIDTH, _ROW, _LEFT, _RIGHT = 640, 26, 170, 60  # pixels of a plot

_STYLE = f"""
body {{ font: 15px/1.5 system-ui, sans-serif; color: {INK}; max-width: 900px; margin: 2em auto;
  padding: 0 1em }}
table {{ border-collapse: collapse; margin: .5em 0 }}
th, td {{ padding: .2em .7em; border-bottom: 1px solid #d9e2ec; text-align: right }}
th:first-child, td:first-child, td.text {{ text-align: left }}
td.text {{ white-space: pre-wrap; overflow-wrap: anywhere }}
pre {{ background: #f5f7fa; padding: 1em; overflow-x: auto; white-space: pre-wrap }}
.outcome {{ border-left: 4px solid {NEW}; padding: .5em 1em; background: #f5f7fa }}
.refused {{ border-color: #c81e1e }}
svg text {{ font: 13px system-ui, sans-serif; fill: {INK} }}
"""


def write_html(report: TrainingReport, path: str | Path) -> None:
    """Write the report as a page, whole or not at all. Raises InputError."""
    write_whole(path, to_html(report))


def to_html(report: TrainingReport) -> str:
    """The report as a page.

    >>> report = TrainingReport("a.csv", "bundled", 9, "<9 posts>", (), {}, {}, (), (), (), False,
    ...                         True, None, 0.0)
    >>> "&lt;9 posts&gt;" in to_html(report)
    True
    """
    refused = " refused" if report.refusals else ""
    body = [
        f"<h1>Training on {_text(report.source)}</h1>",
        f'<pre class="outcome{refused}">{_text(report.outcome())}</pre>',
    ]
    gains = [(f"{name}, your labels", one.gain) for name, one in report.own.items()]
    gains += [(f"{name}, control", one.gain) for name, one in report.control.items()]
    if gains:
        body.append("<h2>New minus old, macro-F1</h2>" + _forest(gains))
    for where, found in (("your labels, cross-validated", report.own), (CONTROL, report.control)):
        for name, one in found.items():
            body.append(f"<h2>{_text(name)}: {_text(where)}</h2>{_comparison(one)}")
    if report.suspects:
        body.append(f"<h2>Labels in doubt</h2>{_suspects(report.suspects)}")
    findings = "\n".join(map(str, report.findings)) or "nothing found"
    body.append(f"<h2>Checks</h2><pre>{_text(findings)}</pre>")
    body.append(f"<h2>How the labels were read</h2><pre>{_text(report.account)}</pre>")
    if report.notes:
        body.append(f"<pre>{_text(chr(10).join(report.notes))}</pre>")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'\">"
        f"<title>opgsent: training report</title><style>{_STYLE}</style></head>\n<body>\n"
        + "\n".join(body)
        + "\n</body></html>\n"
    )


def _text(text: str) -> str:
    return html.escape(printable(text))


def _table(rows: Iterable[Sequence[str]], text_column: int | None = None) -> str:
    lines = []
    for number, row in enumerate(rows):
        tag = "td" if number else "th"
        cells = [
            f"<{tag}{' class=text' if place == text_column else ''}>{_text(cell)}</{tag}>"
            for place, cell in enumerate(row)
        ]
        lines.append(f"<tr>{''.join(cells)}</tr>")
    return f"<table>{''.join(lines)}</table>"


def _comparison(found: Comparison) -> str:
    old, new = found.old, found.new
    rows = [["", "old", "new"]]
    rows += [
        ["macro-F1", str(old.macro_f1), str(new.macro_f1)],
        ["accuracy", str(old.accuracy), str(new.accuracy)],
        ["AUC", str(old.auc), str(new.auc)],
        ["calibration error", figure(old.ece), figure(new.ece)],
    ]
    bars = [
        (f"{label} ({scores.count:,})", old.labels[label].f1, scores.f1)
        for label, scores in new.labels.items()
    ]
    tables = f"<h3>Old model</h3>{_confusion(old)}<h3>New model</h3>{_confusion(new)}"
    counts = f"{new.posts:,} posts in {new.groups:,} groups"
    head = f"<p>{counts}; intervals are 95 %, bootstrap by group</p>"
    return f"{head}{_table(rows)}<h3>F1 of each label, old and new</h3>{_bars(bars)}{tables}"


def _confusion(scores: QuestionScores) -> str:
    """Labels by answers, each row shaded by its shares."""
    names = list(scores.labels)
    head = "".join(f"<th>read as {_text(name)}</th>" for name in names)
    lines = [f"<tr><th>label</th>{head}</tr>"]
    for label in names:
        counts = scores.confusion[label]
        total = max(1, sum(counts.values()))
        cells = "".join(
            f'<td style="background: rgba(37,99,235,{0.5 * counts[other] / total:.3f})">'
            f"{counts[other]:,}</td>"
            for other in names
        )
        lines.append(f"<tr><td>{_text(label)}</td>{cells}</tr>")
    return f"<table>{''.join(lines)}</table>"


def _suspects(suspects: Sequence[Suspect]) -> str:
    rows = [["row", "label", "models say", "doubt", "post"]]
    for one in suspects[:SUSPECTS]:
        rows.append(
            [str(one.post.row), one.label, one.instead, f"{one.doubt:.2f}", one.post.text[:500]]
        )
    return _table(rows, text_column=4)


def _bars(bars: Sequence[tuple[str, float, float]]) -> str:
    """Two bars a row, on a scale from 0 to 1."""
    parts = []
    for number, (name, *values) in enumerate(bars):
        top = number * 2 * _ROW
        parts.append(f'<text x="0" y="{top + _ROW}">{_text(name)}</text>')
        for row, (value, colour) in enumerate(zip(values, (OLD, NEW), strict=True)):
            length = 0 if math.isnan(value) else value * (_WIDTH - _LEFT - _RIGHT)
            y = top + row * (_ROW - 4)
            parts.append(
                f'<rect x="{_LEFT}" y="{y + 4}" width="{length:.1f}" height="16" fill="{colour}"/>'
                f'<text x="{_LEFT + length + 6:.1f}" y="{y + 17}">{figure(value)}</text>'
            )
    return _svg(parts, len(bars) * 2 * _ROW)


def _forest(gains: Sequence[tuple[str, Interval]]) -> str:
    """A point and its interval a row, around a line at zero."""
    ends = [abs(x) for _, gain in gains for x in (gain.low, gain.high) if not math.isnan(x)]
    reach = max([0.02, *ends]) * 1.1
    middle = (_LEFT + _WIDTH - _RIGHT) / 2

    def place(value: float) -> float:
        return middle + value / reach * (_WIDTH - _RIGHT - _LEFT) / 2

    height = len(gains) * _ROW
    parts = [
        f'<line x1="{middle}" x2="{middle}" y1="0" y2="{height}" stroke="{OLD}"/>',
    ]
    for number, (name, gain) in enumerate(gains):
        y = number * _ROW + _ROW / 2
        parts.append(f'<text x="0" y="{y + 4}">{_text(name)}</text>')
        if not math.isnan(gain.low):
            parts.append(
                f'<line x1="{place(gain.low):.1f}" x2="{place(gain.high):.1f}" y1="{y}" y2="{y}" '
                f'stroke="{NEW}" stroke-width="2"/>'
            )
        if not math.isnan(gain.value):
            parts.append(
                f'<circle cx="{place(gain.value):.1f}" cy="{y}" r="4" fill="{NEW}"/>'
                f'<text x="{_WIDTH - _RIGHT + 6}" y="{y + 4}">{gain.value:+.3f}</text>'
            )
    return _svg(parts, height)


def _svg(parts: Sequence[str], height: float) -> str:
    return (
        f'<svg role="img" width="{_WIDTH}" height="{height + 4:.0f}" '
        f'viewBox="0 0 {_WIDTH} {height + 4:.0f}">{"".join(parts)}</svg>'
    )
