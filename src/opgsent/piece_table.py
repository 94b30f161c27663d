"""The pieces of many posts -> the numbers of their tokens: a first look, for all at once.

Most pieces of a stream are known, and to cut them out and look them up in a dict of 150,000
strings is a sixth of all work: a string that the processor's cache does not hold waits for memory
four times, piece by piece. Here a piece is a 64-bit key and a place in one array: numpy works out
the keys of all without a string, and asks for all, so that the waits overlap. Two pieces of one key
would be taken for each other. Among 150,000 pieces a new one has the key of another once in 10^14;
each process salts its keys, and two pieces made to clash (of 64 characters, in the pattern that is
hardest for a polynomial) do so once in 10^11.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from random import SystemRandom
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

#: characters up to which a dict is faster, and above which it is smaller; a batch of the classifier
#: has 262,144 (BATCH_CHARS there) and what ``laid_out`` puts between its texts and lines
FEW, LONG = 1_500, 300_000
SLOTS, MOST = 1 << 15, 1 << 19  # at first, and at most: twice what a page keeps
ROOM = 1 << 20  # numbers in all; what comes later stays in the dict
_SIZE, _BITS, _NONE, _ONE, _LONG = map(np.array, (255, 8, 0, 1, LONG))
_FIRST, _SECOND = map(np.array, (0, 20))  # where a key's slots stand in it
#: which characters are white space; none is above
_SPACE = np.array([chr(code).isspace() for code in range(0x3002)])
_SALT, _ODD, _BASE = (np.array(SystemRandom().getrandbits(64) | 1, np.uint64) for _ in range(3))
_MIX, _HALF = np.array(0x9E3779B97F4A7C15, np.uint64), np.array(32, np.uint64)


@cache
def _powers() -> NDArray[np.uint64]:
    """Of _BASE, from the noughth to that of LONG."""
    base = np.full(LONG + 1, _BASE, np.uint64)
    base[0] = 1
    return base.cumprod()


def keys_of(text: str) -> tuple[Ints, Ints, Ints]:
    """(key, begin, end) of what stands between the white space of a text that begins and ends with
    white space and has up to LONG characters, each of shape (pieces,).

    A key is a polynomial of the characters of a piece. All are worked out by one running sum, in
    which powers go by places in the text, and each is brought to the same power in the end.

    >>> keys, begins, ends = keys_of(" up up,  up ")
    >>> begins.tolist(), ends.tolist(), (keys[0] == keys).tolist()
    ([1, 4, 9], [3, 7, 11], [True, False, True])
    """
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")
    space = _SPACE.take(codes, mode="clip")
    edges = (space[1:] != space[:-1]).nonzero()[0] + _ONE
    begins, ends = edges[::2], edges[1::2]
    powers = _powers()
    sums = (codes.astype(np.uint64) + _SALT) * _ODD
    sums ^= sums >> _HALF  # not linear, or some characters would add up alike under any salt
    sums *= powers[: len(sums)]
    np.cumsum(sums, out=sums)
    keys = sums.take(ends - _ONE)
    keys -= sums.take(begins - _ONE)
    keys *= powers.take(_LONG - begins)
    keys ^= keys >> _HALF
    keys *= _MIX
    return keys.view(np.int64), begins, ends


class _Slots(NamedTuple):
    """Two arrays side by side, replaced together: others may look while one writes."""

    keys: Ints
    places: Ints  #: where the numbers of a piece begin, times 256, and how many they are
    mask: Ints  #: of a slot in a key

    @classmethod
    def of(cls, count: int) -> _Slots:
        return cls(np.zeros(count, np.int64), np.zeros(count, np.int64), np.array(count - 1))

    def doubled(self) -> _Slots:
        """Twice the slots, with the same pieces."""
        (full,) = self.keys.nonzero()
        larger = _Slots.of(2 * len(self.keys))
        larger.put(self.keys[full], self.places[full])
        return larger

    def put(self, keys: Ints, places: Ints) -> None:
        """Put those in that find a free slot."""
        for shift in (_FIRST, _SECOND):
            slots, first = np.unique(keys >> shift & self.mask, return_index=True)
            free = self.keys.take(slots) == _NONE
            slots, first = slots[free], first[free]
            self.places[slots] = places[first]
            self.keys[slots] = keys[first]  # last: who finds a key finds its place
            left = self.keys.take(keys >> shift & self.mask) != keys
            keys, places = keys[left], places[left]


class PieceTable:
    """Key of a piece -> the numbers of its tokens. A piece has two slots; the first one there keeps
    it, and a piece that finds both taken is not kept.

    >>> table = PieceTable()
    >>> table.keep(np.array([5, 6]), [np.array([7, 8]).tobytes(), np.array([9]).tobytes()])
    >>> ids, missed = table.look(np.array([6, 1, 5, 6]))
    >>> missed.tolist(), table.joined(ids, missed, [np.array([3, 4]).tobytes()]).tolist()
    ([1], [9, 3, 4, 7, 8, 9])
    """

    __slots__ = ("_end", "_flat", "_kept", "_slots")

    def __init__(self) -> None:
        self._slots = _Slots.of(SLOTS)
        self._kept = 0
        self._flat = np.zeros(1 << 12, np.int64)
        self._end = 0

    def look(self, keys: Ints) -> tuple[Ints, Ints]:
        """(places of the pieces of these keys, which of them are not known)."""
        known, where, mask = self._slots
        slots = keys & mask
        (missed,) = (known.take(slots) != keys).nonzero()
        if len(missed):
            others = keys[missed]
            second = others >> _SECOND & mask
            found = known.take(second) == others
            slots[missed[found]] = second[found]
            missed = missed[~found]
        places = where.take(slots)
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
        slots = self._slots
        keys, first = np.unique(keys, return_index=True)
        free = (slots.keys[[keys & slots.mask, keys >> _SECOND & slots.mask]] == _NONE).any(axis=0)
        keys, runs = keys[free], [runs[at] for at in first[free].tolist()]
        ids = np.frombuffer(b"".join(runs), np.int64)
        sizes = np.array([len(run) >> 3 for run in runs], np.int64)
        begin, end = self._end, self._end + len(ids)
        if end > ROOM:
            return
        if end > len(self._flat):  # replaced, not resized
            self._flat = np.concatenate([self._flat, np.zeros(end, np.int64)])
        self._flat[begin:end] = ids
        self._end, self._kept = end, self._kept + len(keys)
        if self._kept > len(slots.keys) // 4 and len(slots.keys) < MOST:
            slots = slots.doubled()
        slots.put(keys, (begin + sizes.cumsum() - sizes) << _BITS | sizes)
        self._slots = slots
