"""Post -> the text of its scores, in CSV and in JSON Lines.

What ``Columns`` says decides; the columns as they are by default, which nearly every run
writes, are put together without a detour over typed values. A test holds the two equal.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from json.encoder import encode_basestring_ascii as _quoted

from ..result import MISSING, STANCES, STYLES, Level, Post, Ticker, Verdict, plain
from .columns import (
    SPANS,
    VERDICTS,
    Columns,
    flat_levels,
    flat_tickers,
    four,
    guarded,
)
from .dialect import DELIMITERS, Dialect


@dataclass(frozen=True)
class CellRender:
    """Post -> the score cells, each behind a delimiter."""

    columns: Columns
    dialect: Dialect

    @property
    def empty(self) -> str:
        """The cells of a row without an answer."""
        return self.dialect.delimiter * len(self.columns.names)

    def __call__(self, post: Post) -> list[str]:
        """The cells, a string per output row."""
        delimiter, written = self.dialect.delimiter, self.dialect.written
        stance, style = post.stance, post.style
        usual = self.columns.names == VERDICTS + SPANS and delimiter in DELIMITERS
        if not usual or stance is None or style is None:  # sep=. would cut our numbers
            rows = self.columns.cells(post)
            return [delimiter + delimiter.join(map(written, cells)) for cells in rows]
        verdicts = _cells(stance, STANCES, delimiter) + _cells(style, STYLES, delimiter)
        if "-0.0000" in verdicts:
            verdicts = verdicts.replace("-0.0000", "0.0000")
        tickers = written(guarded(flat_tickers(post))) if post.tickers else ""
        levels = written(guarded(flat_levels(post))) if post.levels else ""
        return [f"{verdicts}{delimiter}{tickers}{delimiter}{levels}"]


def _cells(verdict: Verdict, labels: Sequence[str], d: str) -> str:
    p, (a, b, c) = verdict.probabilities, labels
    return f"{d}{verdict.label}{d}{verdict.score:.4f}{d}{p[a]:.4f}{d}{p[b]:.4f}{d}{p[c]:.4f}"


@dataclass(frozen=True)
class JsonRender:
    """Post -> the score keys and the closing brace."""

    columns: Columns

    @property
    def empty(self) -> str:
        """The keys of a row without an answer."""
        return self(MISSING)[0]

    def __call__(self, post: Post) -> list[str]:
        """The keys, a string per output row."""
        stance, style = post.stance, post.style
        if self.columns.names != VERDICTS + SPANS or stance is None or style is None:
            titles = self.columns.titles
            rows = self.columns.values(post)
            return [json.dumps(dict(zip(titles, row, strict=True)))[1:] for row in rows]
        tickers = f"[{', '.join(map(_ticker, post.tickers))}]" if post.tickers else "[]"
        levels = f"[{', '.join(map(_level, post.levels))}]" if post.levels else "[]"
        verdicts = _numbers(stance, STANCES) + _numbers(style, STYLES)
        return [_template(self.columns) % (*verdicts, tickers, levels)]


@lru_cache(maxsize=8)
def _template(columns: Columns) -> str:
    keys = [json.dumps(title).replace("%", "%%") for title in columns.titles]
    kinds = ['"%s"' if name in ("stance", "style") else "%s" for name in columns.names]
    return ", ".join(f"{key}: {kind}" for key, kind in zip(keys, kinds, strict=True)) + "}"


def _numbers(verdict: Verdict, labels: Sequence[str]) -> tuple[str | float, ...]:
    p, (a, b, c) = verdict.probabilities, labels
    return verdict.label, four(verdict.score), four(p[a]), four(p[b]), four(p[c])


def _ticker(t: Ticker) -> str:
    return (
        f'{{"text": {_quoted(t.text)}, "start": {t.start}, "end": {t.end},'
        f' "symbol": {_quoted(t.symbol)}, "quote": {_maybe(t.quote)}, "kind": {_quoted(t.kind)},'
        f' "asset_class": {_maybe(t.asset_class)}, "subject": {_BOOL[t.subject]},'
        f' "stance": {_stance(t.stance)}, "probability": {four(t.probability)}}}'
    )


def _stance(verdict: Verdict | None) -> str:
    if verdict is None:
        return "null"
    p = ", ".join([f'"{k}": {four(v)}' for k, v in verdict.probabilities.items()])
    return (
        f'{{"label": "{verdict.label}", "probabilities": {{{p}}},'
        f' "score": {four(verdict.score)}, "sure": {_BOOL[verdict.sure]}}}'
    )


def _level(n: Level) -> str:
    return (
        f'{{"text": {_quoted(n.text)}, "start": {n.start}, "end": {n.end},'
        f' "value": "{plain(n.value)}", "unit": {_maybe(n.unit)}, "role": {_quoted(n.role)},'
        f' "symbol": {_maybe(n.symbol)}, "probability": {four(n.probability)}}}'
    )


def _maybe(text: str | None) -> str:
    return "null" if text is None else _quoted(text)


_BOOL = {True: "true", False: "false"}
