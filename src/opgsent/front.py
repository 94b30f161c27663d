"""The pieces of many posts -> the numbers of their tokens: a first look, for all at once.

Most pieces of a stream are known, and looking them up in a dict of 150,000 strings is a tenth of
all work: one that the processor's cache does not hold waits for memory four times, piece by piece.
Here a piece is a 64-bit key and a place in one array, and numpy asks for all, whose waits overlap.
Two pieces of one key would be taken for each other: among 150,000 pieces a new one has the key of
another once in 10^14, and Python's hashes are salted, so that no post can aim at it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

FEW = 256  # pieces up to which a dict is faster
WIDE = sys.hash_info.width >= 64  # of 32 bits two pieces would soon be alike
SLOTS = 1 << 19  # more than the pieces that a page keeps; arrays of 4 MiB get large pages of memory
_SLOT, _SIZE, _BITS, _NONE, _TOP = map(np.array, (SLOTS - 1, 255, 8, 0, 48))
_FIRST, _SECOND = map(np.array, (0, 20))  # where a key's slots stand in it
ROOM = 1 << 20  # numbers in all; what comes later stays in the dict


def keys_of(pieces: Sequence[str]) -> Ints:
    """A key for each piece: its hash and its length, for Python hashes what it holds in memory, and
    "乎" stands there as "NN" does.

    >>> one, two = keys_of(["乎", "NN"]).tolist()
    >>> hash("乎") == hash("NN"), one == two
    (True, False)
    """
    keys = np.fromiter(map(hash, pieces), np.int64, len(pieces))
    keys ^= np.fromiter(map(len, pieces), np.int64, len(pieces)) << _TOP
    return keys


class Front:
    """Key of a piece -> the numbers of its tokens. A piece has two slots; the first one there keeps
    it, and a piece that finds both taken is not kept.

    >>> front = Front()
    >>> front.keep(np.array([5, 6]), [np.array([7, 8]).tobytes(), np.array([9]).tobytes()])
    >>> ids, missed = front.look(np.array([6, 1, 5, 6]))
    >>> missed.tolist(), front.joined(ids, missed, [np.array([3, 4]).tobytes()]).tolist()
    ([1], [9, 3, 4, 7, 8, 9])
    """

    __slots__ = ("_end", "_flat", "_keys", "_places")

    def __init__(self) -> None:
        self._keys = np.zeros(SLOTS, np.int64)
        self._places = np.zeros(SLOTS, np.int64)  # where in _flat, times 256, and how many
        self._flat = np.zeros(1 << 12, np.int64)
        self._end = 0

    def look(self, keys: Ints) -> tuple[Ints, Ints]:
        """(places of the pieces of these keys, which of them are not known)."""
        slots = keys & _SLOT
        (missed,) = (self._keys.take(slots) != keys).nonzero()
        if len(missed):
            others = keys[missed]
            second = others >> _SECOND & _SLOT
            found = self._keys.take(second) == others
            slots[missed[found]] = second[found]
            missed = missed[~found]
        places = self._places.take(slots)
        places[missed] = 0
        return places, missed

    def joined(self, places: Ints, missed: Ints, runs: Sequence[bytes]) -> Ints:
        """The numbers at places, one piece after another; ``runs`` are those of the missed ones."""
        sizes = places & _SIZE
        sizes[missed] = [len(run) >> 3 for run in runs]
        ends = sizes.cumsum()
        at = np.repeat((places >> _BITS) - ends + sizes, sizes)
        at += np.arange(len(at))
        ids = self._flat.take(at, mode="clip")
        if len(missed):
            new = np.zeros(len(places), bool)
            new[missed] = True
            ids[np.repeat(new, sizes)] = np.frombuffer(b"".join(runs), np.int64)
        return ids

    def keep(self, keys: Ints, runs: Sequence[bytes]) -> None:
        """Keep the runs (255 tokens at most) of pieces that have a free slot; one thread at a time,
        while others look.
        """
        for shift in (_FIRST, _SECOND):
            if self._end > ROOM or not len(keys):
                return
            slots, first = np.unique(keys >> shift & _SLOT, return_index=True)
            free = self._keys.take(slots) == _NONE
            self._put(slots[free], keys[first[free]], [runs[at] for at in first[free].tolist()])
            (left,) = (self._keys.take(keys >> shift & _SLOT) != keys).nonzero()
            keys, runs = keys[left], [runs[at] for at in left.tolist()]

    def _put(self, slots: Ints, keys: Ints, runs: Sequence[bytes]) -> None:
        ids = np.frombuffer(b"".join(runs), np.int64)
        end = self._end + len(ids)
        if end > len(self._flat):  # replaced, not resized: others may look
            self._flat = np.concatenate([self._flat, np.zeros(end, np.int64)])
        self._flat[self._end : end] = ids
        sizes = np.array([len(run) >> 3 for run in runs], np.int64)
        self._places[slots] = (self._end + sizes.cumsum() - sizes) << _BITS | sizes
        self._keys[slots] = keys  # last: who finds a key finds the rest
        self._end = end
