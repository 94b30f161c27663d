"""Readings, reasons and summaries as text for a terminal."""

from __future__ import annotations

import json
import os
import re
import sys
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..result import LABELS, Explanation, Post, Verdict
from ..result import plain as decimal
from ..terminal import printable, shown

if TYPE_CHECKING:
    from ..tables import ScoreSummary

MOST = 8  # reasons shown for a verdict
FOR, AGAINST, END = "\x1b[32m", "\x1b[31m", "\x1b[0m"
STRONG = "\x1b[1m"

_RISKY = re.compile(r"[^\x20-\x7e\w]")
_UNSHOWN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")  # Zl, Zp: lines end there


def json_line(value: Any) -> str:
    """JSON that keeps letters and emoji and escapes what a terminal might obey, or cannot show.

    >>> print(json_line({"text": "up \\x9b31m 🚀"}))
    {"text": "up \\u009b31m 🚀"}
    """
    line = _RISKY.sub(_escaped, json.dumps(value, ensure_ascii=False))
    try:
        line.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return json.dumps(value)
    return line


def _escaped(match: re.Match[str]) -> str:
    char = match[0]
    if char == "\u200d" or unicodedata.category(char) not in _UNSHOWN:
        return char
    return json.dumps(char)[1:-1]


def plain(why: Explanation) -> dict[str, Any]:
    """An explanation, JSON-ready."""
    return {
        "of": why.of,
        "span": why.span,
        "label": why.label,
        "intercept": why.intercept,
        "contributions": [
            {"feature": c.feature, "span": c.span, "weight": c.weight} for c in why.contributions
        ],
    }


def reading(post: Post) -> str:
    """What was read from a post."""
    lines = []
    for question in LABELS:
        verdict: Verdict | None = getattr(post, question)
        if verdict is not None:
            shares = "  ".join(f"{name} {p:.2f}" for name, p in verdict.probabilities.items())
            unsure = "" if verdict.sure else "  (not sure)"
            lines.append(f"{question:8} {verdict.label:11} {shares}{unsure}")
    for n, ticker in enumerate(post.tickers):
        view = "" if ticker.stance is None else ticker.stance.label
        about = [f"{ticker.kind:8}", f"{ticker.asset_class or 'unknown':9}", view]
        about += [] if ticker.subject else ["not what the post is about"]
        quote = f"{ticker.symbol}/{ticker.quote}" if ticker.quote else ticker.symbol
        text = shown(ticker.text, 20)
        lines.append(f"{'' if n else 'tickers':8} {text:20} {quote:11} {' '.join(about)}".rstrip())
    for n, level in enumerate(post.levels):
        unit = f" {level.unit}" if level.unit else ""
        value = f"{decimal(level.value)}{unit}"
        lines.append(
            f"{'' if n else 'levels':8} {shown(level.text, 20):20} {value:11} "
            f"{level.role:10} {level.symbol or ''}".rstrip()
        )
    return "\n".join(lines)


def explained(post: Post, reasons: Sequence[Explanation]) -> str:
    """A reading with the words behind each verdict, coloured where the terminal has colours."""
    parts = [reading(post)]
    for why in reasons:
        if why.span is None:
            parts.append(_reason(post.text or "", why, colours()))
    parts.append(f"{_painted('for', FOR)} the verdict, {_painted('against', AGAINST)} it; log-odds")
    return "\n\n".join(parts)


def colours() -> bool:
    """Whether standard output is a terminal that wants colours (https://no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.name != "nt"


def _painted(text: str, colour: str) -> str:
    return f"{colour}{text}{END}" if colours() else text


def _reason(text: str, why: Explanation, paint: bool) -> str:
    lines = [f"{why.of}: {why.label}, log-odds {why.log_odds:+.2f}, intercept {why.intercept:+.2f}"]
    if paint:
        lines.append(coloured(text, why))
    for part in why.contributions[:MOST]:
        words = shown(text[slice(*part.span)], 30) if part.span else ""
        weight = f"{part.weight:+.2f}"
        weight = _painted(weight, FOR if part.weight > 0 else AGAINST) if paint else weight
        lines.append(f"  {weight}  {words:30}  {shown(part.feature, 40)}".rstrip())
    rest = sum(part.weight for part in why.contributions[MOST:])
    if len(why.contributions) > MOST:
        lines.append(f"  {rest:+.2f}  {len(why.contributions) - MOST} more")
    return "\n".join(lines)


def coloured(text: str, why: Explanation) -> str:
    """The post, each word in the colour of what it adds; the strong ones bold.

    >>> from opgsent.result import Contribution
    >>> parts = (Contribution("w:up", (0, 2), 0.4), Contribution("w:no", (3, 5), -0.1))
    >>> coloured("up no", Explanation("stance", None, "bullish", 0.0, parts))
    '\\x1b[32m\\x1b[1mup\\x1b[0m \\x1b[31mno\\x1b[0m'
    """
    weight: defaultdict[int, float] = defaultdict(float)
    for part in why.contributions:
        if part.span:  # a run of words shares its weight among its characters
            for place in range(*part.span):
                weight[place] += part.weight / (part.span[1] - part.span[0])
    strong = 0.5 * max(map(abs, weight.values()), default=0.0)
    out, last = [], ""
    for place, char in enumerate(text):
        value = weight[place] if place in weight and not char.isspace() else 0.0
        style = "" if not value else (FOR if value > 0 else AGAINST)
        style += STRONG if value and abs(value) >= strong else ""
        if style != last:
            out.append((END if last else "") + style)
            last = style
        out.append(printable(char))
    return "".join(out) + (END if last else "")


def _counted(number: int, what: str) -> str:
    """A number of things.

    >>> _counted(1, "row"), _counted(2_000, "row")
    ('1 row', '2,000 rows')
    """
    return f"{number:,} {what}{'s' * (number != 1)}"


def summary(done: ScoreSummary) -> str:
    """The closing words of ``score``."""
    # of a shorter run it says more about the start than about the rows
    rate = f" ({done.rows / done.seconds:,.0f}/s)" if done.seconds >= 1 else ""
    resumed = f", {done.resumed:,} of them by an earlier run" if done.resumed else ""
    lines = [f"{_counted(done.rows, 'row')} in {done.seconds:.1f} s{rate}{resumed}"]
    for name, counts in (("stance", done.stance), ("style", done.style)):
        if counts:
            lines.append(f"{name:8} " + "  ".join(f"{n:,} {label}" for label, n in counts.items()))
    if done.top_tickers:
        tickers = "  ".join(f"{shown(symbol, 20)} {n:,}" for symbol, n in done.top_tickers)
        lines.append(f"{'tickers':8} {tickers}")
    if done.blank:
        lines.append(_counted(done.blank, "blank post"))
    if done.rejected:
        where = f", copied to {done.rejected_path}" if done.rejected_path else ""
        lines.append(f"{_counted(done.rejected, 'row')} rejected{where}")
        lines += [f"  line {line}: {shown(reason, 120)}" for line, reason in done.reasons]
    if done.output != "-":
        lines.append(f"written to {done.output}")
    return "\n".join(lines)
