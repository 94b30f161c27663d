"""A stand-in for the classifier: answers follow from the text by arithmetic, fast."""

from __future__ import annotations

import csv
import io
import os
import re
import signal
import time
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from opgsent.result import MISSING, STANCES, STYLES, Level, Post, Ticker, Verdict
from opgsent.tables import ScoreSummary, score_file

_TICKER = re.compile(r"\$([A-Za-z]+)")
_LEVEL = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?:,\d{3})*")


class FakeClassifier:
    """Classifies by the number of characters; can be slow, or die on a word in a worker."""

    checksum = "fake-1"

    def __init__(self, delay: float = 0.0, deadly: str = "") -> None:
        self.delay, self.deadly = delay, deadly
        self.home = os.getpid()

    def classify_many(self, texts: Iterable[str | None], *, jobs: int = 1) -> Iterator[Post]:
        for text in texts:
            if self.delay:
                time.sleep(self.delay)
            if self.deadly and text and self.deadly in text and os.getpid() != self.home:
                os.kill(os.getpid(), signal.SIGKILL)
            yield MISSING if text is None else self.classify(text)

    def classify(self, text: str) -> Post:
        count = len(text)
        return Post(
            text,
            _verdict(STANCES, count, ("bullish", "bearish")),
            _verdict(STYLES, count // 3, ("hype", "analytical")),
            tuple(_ticker(m) for m in _TICKER.finditer(text)),
            tuple(_level(m) for m in _LEVEL.finditer(text[:10_000])),
        )


def _verdict(labels: tuple[str, ...], count: int, poles: tuple[str, str]) -> Verdict:
    top = count % 3
    high = 0.4 + (count % 50) / 100
    probabilities = {name: high if i == top else (1 - high) / 2 for i, name in enumerate(labels)}
    score = probabilities[poles[0]] - probabilities[poles[1]]
    return Verdict(labels[top], probabilities, score, high > 0.6)


def _ticker(match: re.Match[str]) -> Ticker:
    stance = _verdict(STANCES, len(match[0]), ("bullish", "bearish"))
    start, end = match.span()
    symbol = match[1].upper()
    return Ticker(match[0], start, end, symbol, None, "cashtag", "crypto", True, stance, 0.9)


def _level(match: re.Match[str]) -> Level:
    value = Decimal(match[0].replace(",", ""))
    return Level(match[0], *match.span(), value, "USD", "support", None, 0.8)


def scored(folder: Path, data: bytes, name: str = "posts.csv", **options: Any) -> Scored:
    """What ``score_file`` makes of a file with these bytes."""
    src, dst = folder / name, folder / options.pop("out", f"out-{name}")
    src.write_bytes(data)
    options.setdefault("classifier", FakeClassifier())
    summary = score_file(src, dst, **options)
    rejected = dst.with_name(f"{dst.name}.rejected.csv")
    text = rejected.read_text(encoding="utf-8") if rejected.exists() else ""
    return Scored(dst.read_bytes(), summary, list(csv.reader(io.StringIO(text)))[1:])


class Scored(NamedTuple):
    """An output, its summary, and the rejected rows as (line, reason, raw)."""

    output: bytes
    summary: ScoreSummary
    rejected: list[list[str]]

    def table(self, **dialect: Any) -> list[list[str]]:
        """The output as Python's csv module reads it."""
        text = self.output.decode("utf-8-sig")
        return list(csv.reader(io.StringIO(text, newline=""), **dialect))
