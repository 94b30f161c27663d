"""Texts -> a batch: every distinct token looked at once, a post a run of small numbers.

A ``TokenTable`` gives each distinct token a number and keeps what is known of it in arrays
(kind, hash of the normal form, flags, counts, weight row), so that whatever is computed for a
batch of posts is a look-up per token and a few numpy operations per batch.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .tokens import BREAK, MAX_PIECE, Reading, cut_once, pieces, whole

#: describes one token for a table; see features.describe
Describe = Callable[[str], "Described"]

CAPACITY = 1 << 16  # distinct tokens of a page; then the next page begins
FIRST_ROOM = 1 << 12  # tokens that a new page has room for; it grows by doubling
START = ""  # what stands before the first token of each post, and after the last post


class Described(NamedTuple):
    """What is known of a token whatever stands around it.

    ``norm`` is a 64-bit hash of the normal form, ``flags`` its bits, ``counts``
    what the token adds to each counter of features.COUNTS, ``row`` its own summed weights.
    """

    kind: str
    norm: int | np.uint64
    flags: int | np.uint32
    counts: NDArray[np.uint8]
    row: NDArray[np.float32] | None


class TokenTable:
    """Numbers for tokens, and what is known of each token in arrays indexed by number.

    Number 0 is START. When ``capacity`` tokens are known a new page begins, into which tokens
    that come again are copied from the page before; what has not come for a whole page is
    forgotten. A batch holds on to the page it was read with, so threads never see one change
    under them.
    """

    def __init__(
        self, describe: Describe, counters: int, columns: int, capacity: int = CAPACITY
    ) -> None:
        self._describe = describe
        self._shape = counters, columns, capacity
        self._lock = threading.Lock()
        self._page = self._new_page(None)

    def _new_page(self, before: Page | None) -> Page:
        page = Page(*self._shape, before)
        page.add(START, self._describe(START))
        return page

    def read(self, texts: Sequence[str]) -> Batch:
        """A batch of the texts, their HTML entities read."""
        page = self._page
        if page.full:
            with self._lock:
                if self._page is page:
                    self._page = self._new_page(page)
                    page.before = None
                page = self._page
        clean = [Reading(text).text if "&" in text else text for text in texts]
        runs: list[tuple[int, ...]] = []
        begins: list[int] = []
        get = page.pieces.get
        for text in clean:
            found = pieces(text)
            before = len(runs)
            runs.append((0,))
            if found is None:
                runs.append(self._numbered(page, whole(text)))
            else:
                numbered: list[Any] = list(map(get, found))
                if not all(numbered):  # a piece seen for the first time
                    numbered = [
                        self._take(page, piece) if run is None else run
                        for piece, run in zip(found, numbered, strict=True)
                    ]
                runs += numbered
            begins.append(before)
        begins.append(len(runs))
        runs.append((0,))
        lengths = np.fromiter(map(len, runs), np.int64, len(runs))
        run_at = np.cumsum(lengths) - lengths
        ids = np.fromiter(chain.from_iterable(runs), np.int32, int(lengths.sum()))
        return Batch(texts, clean, page, ids, run_at[begins])

    def _take(self, page: Page, piece: str) -> tuple[int, ...]:
        """The numbers of a piece's tokens, kept for the next time it comes."""
        numbers = self._numbered(page, cut_once(piece) if piece != BREAK else ("\n",))
        if len(piece) <= MAX_PIECE and len(page.pieces) < 2 * self._shape[2]:
            page.pieces[piece] = numbers
        return numbers

    def _numbered(self, page: Page, tokens: Sequence[str]) -> tuple[int, ...]:
        numbers = list(map(page.numbers.get, tokens))
        return tuple(
            [
                self._learn(page, token) if number is None else number
                for token, number in zip(tokens, numbers, strict=True)
            ]
        )

    def _learn(self, page: Page, token: str) -> int:
        before = page.before
        old = None if before is None else before.numbers.get(token)
        described = self._describe(token) if before is None or old is None else before.told(old)
        with self._lock:
            found = page.numbers.get(token)
            return page.add(token, described) if found is None else found


class Page:
    """The tokens of a table and their arrays; grows, never changes what it holds."""

    __slots__ = (
        "before", "capacity", "counts", "flags", "kinds", "norms", "notes", "numbers",
        "pieces", "rows", "strings",
    )  # fmt: skip

    def __init__(
        self, counters: int, columns: int, capacity: int, before: Page | None = None
    ) -> None:
        self.capacity = capacity
        self.before = before
        self.numbers: dict[str, int] = {}
        self.pieces: dict[str, tuple[int, ...]] = {}
        self.strings: list[str] = []
        self.kinds: list[str] = []
        self.notes: dict[int, Any] = {}  # what a room wants to remember of a token, by number
        self.norms = np.zeros(FIRST_ROOM, np.uint64)
        self.flags = np.zeros(FIRST_ROOM, np.uint32)
        self.counts = np.zeros((FIRST_ROOM, counters), np.uint8)
        self.rows = np.zeros((FIRST_ROOM, columns), np.float32)

    @property
    def full(self) -> bool:
        """Whether a new page should begin."""
        return len(self.strings) >= self.capacity

    def told(self, number: int) -> Described:
        """What is known of a token, to be added to another page."""
        return Described(
            self.kinds[number],
            self.norms[number],
            self.flags[number],
            self.counts[number],
            self.rows[number],
        )

    def add(self, token: str, described: Described) -> int:
        """Give a token its number (under the table's lock)."""
        number = len(self.strings)
        if number >= len(self.norms):
            self._grow()
        self.norms[number] = described.norm
        self.flags[number] = described.flags
        self.counts[number] = described.counts
        if described.row is not None:
            self.rows[number] = described.row
        self.kinds.append(described.kind)
        self.strings.append(token)
        self.numbers[token] = number  # last: whoever finds the number finds the arrays filled
        return number

    def _grow(self) -> None:
        """Twice the room; arrays are replaced, not resized, for other threads may read them."""
        for name in ("norms", "flags", "counts", "rows"):
            old = getattr(self, name)
            setattr(self, name, np.concatenate([old, np.zeros_like(old)]))


@dataclass(frozen=True, slots=True)
class Batch:
    """Posts as numbers. ``ids[starts[i]]`` is START, post i's tokens follow to ``starts[i + 1]``.

    ``ids`` has a START more behind the last post. ``clean`` are the texts with entities read:
    token strings are found in them.
    """

    texts: Sequence[str]
    clean: list[str]
    page: Page
    ids: NDArray[np.int32]  #: shape (tokens + posts + 1,)
    starts: NDArray[np.int64]  #: shape (posts + 1,)

    def alone(self, post: int) -> Batch:
        """A batch of one of its posts."""
        begin, end = int(self.starts[post]), int(self.starts[post + 1])
        return Batch(
            [self.texts[post]],
            [self.clean[post]],
            self.page,
            np.append(self.ids[begin:end], np.int32(0)),
            np.array([0, end - begin], np.int64),
        )

    def tokens(self, post: int) -> list[str]:
        """Token strings of one post, line breaks among them."""
        strings = self.page.strings
        return [
            strings[i] for i in self.ids[self.starts[post] + 1 : self.starts[post + 1]].tolist()
        ]
