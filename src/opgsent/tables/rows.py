"""What the text formats share: a row on its way from the input to the output."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple, Protocol

from ..result import Post

UNDECODABLE = re.compile("[\udc00-\udcff]")  # see source.Lines


class Row(NamedTuple):
    """One row of the input.

    ``body`` is what stands before the scores in the output, ``end`` its line end. ``reason``
    says why a row is rejected, ``raw`` is what was read of it; a row that is neither rejected
    nor ``scored`` (a blank line) is written as it is.
    """

    line: int
    body: str
    end: str
    text: str | None = None
    scored: bool = True
    reason: str | None = None
    raw: str = ""


class Render(Protocol):
    """Post -> what follows ``Row.body``, one string per output row. Picklable."""

    @property
    def empty(self) -> str:
        """What follows a row without an answer."""
        ...

    def __call__(self, post: Post) -> list[str]: ...


class TextFormat(Protocol):
    """A text format opened for reading."""

    head: str
    newline: str
    encoding: str

    @property
    def render(self) -> Render:
        """What turns an answer into text."""
        ...

    def rows(self) -> Iterator[Row]:
        """All rows after the head, in order."""
        ...


def undecodable(text: str, encoding: str) -> str | None:
    """Why a text is not in the encoding, with what to try; None where it is."""
    if text.isascii() or not (found := UNDECODABLE.search(text)):
        return None
    byte = ord(found[0]) - 0xDC00
    hint = "" if encoding != "utf-8" else "; if it comes from Excel or Windows: --encoding cp1252"
    return f"byte 0x{byte:02x} is not {encoding}{hint}"


def readable(text: str) -> str:
    """The text with a replacement character for every byte that is not in the encoding."""
    return UNDECODABLE.sub("\ufffd", text)


def reversible(text: str) -> str:
    r"""The text with every such byte as ``\xe9``."""
    return UNDECODABLE.sub(lambda found: f"\\x{ord(found[0]) - 0xDC00:02x}", text)
