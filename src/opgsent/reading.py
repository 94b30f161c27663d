"""Texts -> a batch: every distinct token looked at once, a post a run of small numbers.

A ``TokenTable`` gives each distinct token a number and keeps what is known of it in arrays
(kind, hash of the normal form, flags, counts, weight row), so that whatever is computed for a
batch of posts is a look-up per token and a few numpy operations per batch.
"""

from __future__ import annotations

import os
import struct
import threading
import weakref
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .offsets import Reading
from .piece_table import FEW, LONG, PieceTable, keys_of
from .tokens import BEGIN, BREAK, MAX_PIECE, cut_once, kept_as, laid_out, put_back, split, stand_in

#: describes tokens for a table; see forms.described
Describe = Callable[[Sequence[str]], "Described"]

CAPACITY = 1 << 17  # distinct tokens of a page; then the next page begins
FIRST_ROOM = 1 << 12  # tokens that a new page has room for; it grows by doubling
START = ""  # what stands before the first token of each post, and after the last post


class Described(NamedTuple):
    """What is known of n tokens whatever stands around them.

    ``norms`` are 64-bit hashes of the normal forms, ``flags`` their bits, ``counts`` (n, counters)
    what each adds to the counters of features.COUNTS, ``rows`` (n, columns) their summed weights.
    """

    kinds: list[str]
    norms: NDArray[np.uint64]
    flags: NDArray[np.int64]
    counts: NDArray[np.uint8]
    rows: NDArray[np.float32] | None


_tables: weakref.WeakSet[TokenTable] = weakref.WeakSet()


class TokenTable:
    """Numbers for tokens, and what is known of each token in arrays indexed by number.

    Number 0 is START. When ``capacity`` tokens are known a new page begins, into which tokens
    that come again are copied from the page before, whose pieces are let go; what has not come
    for a whole page is forgotten. A batch holds on to the page it was read with; threads may add to
    a page, an old one too, and never change what a number means there.
    """

    def __init__(
        self, describe: Describe, counters: int, columns: int, capacity: int = CAPACITY
    ) -> None:
        self._describe = describe
        self._shape = counters, columns, capacity
        self._lock = threading.Lock()
        self._page = self._new_page(None)
        _tables.add(self)

    def after_fork(self) -> None:
        """In a new process: nobody is left to let go of the lock, or to end what it was doing."""
        inside = self._lock.locked()
        self._lock = threading.Lock()  # always: who was just being let in did not count as inside
        if inside:
            self._page = self._new_page(None)

    def _new_page(self, before: Page | None) -> Page:
        page = Page(*self._shape, before)
        first = [START, "\n"]
        page.add(first, self._describe(first))
        for piece, token in ((BEGIN, START), (BREAK, "\n")):
            page.pieces[piece] = packed(page.numbers[token])
        return page

    def read(self, texts: Sequence[str]) -> Batch:
        """A batch of the texts, their HTML entities read."""
        page = self._page
        if page.full:
            with self._lock:
                if self._page is page:
                    new = self._new_page(page)
                    page.before = None
                    # its tokens may come again; its pieces are many, and made of them soon enough
                    page.pieces, page.table = dict(new.pieces), PieceTable()
                    self._page = new  # last: nobody else has put a piece into it yet
                page = self._page
        clean = [Reading(text).text if "&" in text else text for text in texts]
        laid, uncut = laid_out(clean)
        if FEW < len(laid) <= LONG:
            ids = self._all_at_once(page, laid, uncut)
        else:
            pieces = put_back(laid.split(), uncut)
            ids = np.frombuffer(b"".join(self._runs(page, pieces)), np.int64)
        (starts,) = (ids == _START).nonzero()
        return Batch.of(texts, clean, page, ids, starts)

    def _all_at_once(self, page: Page, laid: str, uncut: list[str]) -> NDArray[np.int64]:
        """The numbers of the tokens of many pieces; see piece_table.py."""
        table = page.table  # which another thread may replace
        keys, begins, ends = keys_of(laid)
        places, missed = table.look(keys)
        spans = zip(begins[missed].tolist(), ends[missed].tolist(), strict=True)
        others = put_back([laid[begin:end] for begin, end in spans], uncut)
        runs = self._runs(page, others)
        kept = [at for at, piece in enumerate(others) if _comes_again(piece)]
        if kept:
            with self._lock:
                table.keep(keys[missed[kept]], [runs[at] for at in kept])
        return table.joined(places, missed, runs)

    def _runs(self, page: Page, pieces: list[str]) -> list[bytes]:
        """The numbers of the tokens of each piece, packed; links are replaced in the list."""
        known = page.pieces.get
        runs: list[Any] = list(map(known, pieces))
        gaps = []
        for gap in [at for at, run in enumerate(runs) if run is None]:
            if pieces[gap][:4] == "http":  # no link comes twice, but others as long as it
                pieces[gap] = kept_as(pieces[gap])
                runs[gap] = known(pieces[gap])
            if runs[gap] is None:
                gaps.append(gap)
        if gaps:
            filled = self._fill(page, list(dict.fromkeys([pieces[gap] for gap in gaps])))
            for gap in gaps:
                runs[gap] = filled[pieces[gap]]
        return runs

    def _fill(self, page: Page, fresh: Sequence[str]) -> dict[str, bytes]:
        """Number what is new in a batch, all at once, and keep it for the next time."""
        cuts: list[Sequence[str]] = [
            stand_in(cut_once(piece)) if "@" in piece or "http" in piece else cut_once(piece)
            for piece in fresh
        ]
        self._learn(page, chain.from_iterable(cuts))
        known = page.numbers
        runs = [
            packed(known[tokens[0]])
            if len(tokens) == 1
            else b"".join([packed(known[token]) for token in tokens])
            for tokens in cuts
        ]
        filled = kept = dict(zip(fresh, runs, strict=True))
        if len(page.pieces) < 2 * page.capacity:
            if max(map(len, fresh)) > MAX_PIECE:
                kept = {piece: run for piece, run in filled.items() if len(piece) <= MAX_PIECE}
            page.pieces.update(kept)
        return filled

    def _learn(self, page: Page, tokens: Iterable[str]) -> None:
        """Give numbers to the tokens that have none."""
        new = [token for token in dict.fromkeys(tokens) if token not in page.numbers]
        before = page.before
        if before is not None:
            # asked once: threads that still read with the old page add to it
            numbers = [before.numbers.get(token) for token in new]
            told = {t: n for t, n in zip(new, numbers, strict=True) if n is not None}
            if told:
                copied = before.told(list(told.values()))
                with self._lock:
                    page.add(list(told), copied)
                new = [token for token in new if token not in told]
        if new:
            described = self._describe(new)
            with self._lock:
                page.add(new, described)


def _comes_again(piece: str) -> bool:
    """Whether a piece may be met again as it is: no link, which is read as another of its length,
    and no text that was not cut.
    """
    return len(piece) <= MAX_PIECE and piece[:4] != "http" and (piece[0] != BEGIN or piece == BEGIN)


_START = np.array(0)  # its number; beside an array an array without an axis is the fastest
packed = struct.Struct("=q").pack  #: a number as the arrays hold it


def _after_fork() -> None:
    for table in list(_tables):
        table.after_fork()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_after_fork)


class Page:
    """The tokens of a table and their arrays; grows, and never changes what it knows of a token."""

    __slots__ = (
        "before", "capacity", "counts", "flags", "kinds", "norms", "notes", "numbers", "phrases",
        "pieces", "rows", "solid", "strings", "table",
    )  # fmt: skip

    def __init__(
        self, counters: int, columns: int, capacity: int, before: Page | None = None
    ) -> None:
        self.capacity = capacity
        self.before = before
        self.numbers: dict[str, int] = {}
        self.pieces: dict[str, bytes] = {}  # the numbers of their tokens, packed to be joined
        self.table = PieceTable()  # of the same, for many pieces at once
        self.strings: list[str] = []
        self.kinds: list[str] = []
        self.notes: list[Any] = []  # what a room wants to remember of each token
        self.phrases: dict[int, bool] = {}  # and of two side by side, see tickers.py
        self.norms = np.zeros(FIRST_ROOM, np.uint64)
        self.flags = np.zeros(FIRST_ROOM, np.int64)
        self.counts = np.zeros((FIRST_ROOM, counters), np.uint8)
        self.rows = np.zeros((FIRST_ROOM, columns), np.float32)
        self.solid = np.zeros(FIRST_ROOM, np.int32)  # characters that are no white space

    @property
    def full(self) -> bool:
        """Whether a new page should begin."""
        return len(self.strings) >= self.capacity

    def told(self, numbers: list[int]) -> Described:
        """What is known of tokens, to be added to another page."""
        return Described(
            [self.kinds[number] for number in numbers],
            self.norms[numbers],
            self.flags[numbers],
            self.counts[numbers],
            self.rows[numbers],
        )

    def add(self, tokens: list[str], described: Described) -> None:
        """Give tokens their numbers (under the table's lock). One that has a number keeps it, and
        stands in the arrays twice.
        """
        begin = len(self.strings)
        end = begin + len(tokens)
        while end > len(self.norms):
            self._grow()
        self.norms[begin:end] = described.norms
        self.flags[begin:end] = described.flags
        self.counts[begin:end] = described.counts
        if described.rows is not None:
            self.rows[begin:end] = described.rows
        self.kinds += described.kinds
        self.solid[begin:end] = [len("".join(token.split())) for token in tokens]
        self.strings += tokens
        self.notes += [None] * len(tokens)
        # last: whoever finds a number finds the arrays filled
        for number, token in enumerate(tokens, begin):
            self.numbers.setdefault(token, number)

    def _grow(self) -> None:
        """Twice the room; arrays are replaced, not resized, for other threads may read them."""
        for name in ("norms", "flags", "counts", "rows", "solid"):
            old = getattr(self, name)
            setattr(self, name, np.concatenate([old, np.zeros_like(old)]))


class Batch(NamedTuple):
    """Posts as numbers. ``ids[starts[i]]`` is START, post i's tokens follow to ``starts[i + 1]``.

    ``ids`` has a START more behind the last post. ``clean`` are the texts with entities read:
    token strings are found in them.
    """

    texts: Sequence[str]
    clean: list[str]
    page: Page
    ids: NDArray[np.int64]  #: shape (tokens + posts + 1,)
    starts: NDArray[np.int64]  #: shape (posts + 1,)
    flags: NDArray[np.int64]  #: of each of ``ids``
    totals: NDArray[np.int64]  #: what the counters of each post add up to, (posts, counters)

    @classmethod
    def of(
        cls,
        texts: Sequence[str],
        clean: list[str],
        page: Page,
        ids: NDArray[np.int64],
        starts: NDArray[np.int64],
    ) -> Batch:
        """With what the page knows of the tokens."""
        counts = page.counts.take(ids, axis=0)
        totals = np.add.reduceat(counts, starts[:-1], axis=0, dtype=np.int64)
        return cls(texts, clean, page, ids, starts, page.flags.take(ids), totals)

    def alone(self, post: int) -> Batch:
        """A batch of one of its posts."""
        begin, end = int(self.starts[post]), int(self.starts[post + 1])
        return Batch(
            [self.texts[post]],
            [self.clean[post]],
            self.page,
            np.append(self.ids[begin:end], np.int64(0)),
            np.array([0, end - begin], np.int64),
            np.append(self.flags[begin:end], self.flags[-1]),
            self.totals[post : post + 1],
        )

    def tokens(self, post: int) -> list[str]:
        """Token strings of one post, line breaks among them."""
        return split(self.clean[post])
