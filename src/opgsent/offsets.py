"""The way from what is read back to the text as given: HTML entities, places of tokens."""

from __future__ import annotations

import html
import re
from bisect import bisect_right
from collections.abc import Sequence

_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,20});")


class Reading:
    """A text with its HTML entities read, and the way back to the offsets of the original.

    >>> r = Reading("R&amp;D up")
    >>> r.text, r.span(1, 2)
    ('R&D up', (1, 6))
    """

    __slots__ = ("original", "text", "_cuts")

    def __init__(self, original: str) -> None:
        self.original = original
        self.text = original
        self._cuts: list[tuple[int, int, int]] = []  # (clean start, clean end, growth so far)
        if "&" in original and ";" in original:
            self._read_entities()

    def _read_entities(self) -> None:
        pieces: list[str] = []
        last = clean = 0
        for m in _ENTITY.finditer(self.original):
            char = html.unescape(m.group())
            if char == m.group() or len(char) != 1:  # two could not share one place, none has one
                continue
            pieces += (self.original[last : m.start()], char)
            clean += m.start() - last
            self._cuts.append((clean, clean + len(char), m.end() - clean - len(char)))
            clean += len(char)
            last = m.end()
        self.text = "".join(pieces) + self.original[last:]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Offsets in the original of a span of ``text``."""
        return (self._back(start, False), self._back(end, True)) if self._cuts else (start, end)

    def _back(self, at: int, is_end: bool) -> int:
        # the last entity that begins before this place (an end may lie at its own end)
        i = bisect_right(self._cuts, at - 1 if is_end else at, key=lambda c: c[0]) - 1
        if i < 0:
            return at
        start, end, growth = self._cuts[i]
        if at >= end:
            return at + growth
        if is_end:
            return end + growth
        return start + (self._cuts[i - 1][2] if i else 0)


def starts_of(text: str, tokens: Sequence[str]) -> list[int]:
    """Start offset of each token string of ``split(text)``.

    Only white space lies between tokens, so the next occurrence is the token itself (a line
    break in a pair's space is the one exception, and it belongs to that token).
    """
    find = text.find
    starts: list[int] = []
    at = 0
    for token in tokens:
        at = find(token, at)
        starts.append(at)
        at += len(token)
    return starts
