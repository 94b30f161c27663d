"""Tokens -> features: one table of views, the same code for training and scoring.

A feature is a place in a hashed space of ``SIZE`` places, large enough that the n-grams of 150,000
posts seldom meet; a model keeps the few hundred thousand that tell something. Views of single
tokens (the word, its character n-grams, its shape) are computed once per distinct token; views of
neighbours (n-grams, negation scope) are a hash of two or three norms; counters of a post
(exclamation marks, emoji, capitals, numbers ...) are read in steps. All of them add up:

    log-odds = intercept + scale(tokens) * (sum over token and neighbour views) + sum over counters

``scale`` is a function of the number of tokens alone, which keeps a post's score a plain sum.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from itertools import accumulate, chain
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from .reading import Batch

BITS = 22
SIZE = 1 << BITS  # features; one more stands behind them for "no feature"
NOTHING = SIZE
GRAMS = (2, 5)  # character n-grams inside a word, shortest and longest
FEW = 12  # new tokens that are read one by one
GRAM_VALUE = 0.4  # of a character n-gram beside a word's 1: trial-run choice, see docs
#: value of a neighbour view beside a word's 1; what turns a word around is rarer than the word
VIEW_VALUE = {
    "two": np.float32(1.0), "three": np.float32(1.0),
    "negated": np.float32(2.0), "undone": np.float32(2.0), "left": np.float32(2.0),
}  # fmt: skip
#: value of a word whose sense is turned around, beside its 1 elsewhere
TURNED = np.float32(-0.5)

#: what a token is to its neighbours (the words are in forms.py); bits 16 to 31 are candidates.py's,
#: those from 32 on phrases.py's
NEGATION, END, UNDOING, LEAVING, SELLING, POSITION, OPTION, HOLLOW, JOINING, EMOJI, OWNING = (
    1 << bit for bit in range(11)
)
QUOTING = 1 << 11  #: a quote currency or the slash before one
_SIX, _ONE_OVER = np.array(6.0), np.array(1.0)

#: what is counted in a post, and the steps that a count is read in
COUNTS = (
    "exclaim", "question", "emoji", "caps", "number", "ticker", "break", "link", "handle",
    "percent", "hashtag", "word", "rocket", "long", "first_person", "comma", "ellipsis",
)  # fmt: skip
UNHEARD = len(COUNTS)  #: and last, by the scorer alone, words without a weight of their own
COUNTERS = UNHEARD + 1
COUNTER_VALUE = 0.25  # of a counter beside a word's 1 / sqrt(tokens)
STEPS = np.array([1, 2, 3, 5, 8, 13, 21, 34, 55])

_U64 = (1 << 64) - 1
# constants beside arrays are arrays without an axis: numpy takes three times as long for a number
_M1, _M2, _M3 = (
    np.array(m, np.uint64) for m in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9)
)
_SHIFT = np.array(64 - BITS, np.uint64)
_TIMES = int(_M1)


def hashed(name: str) -> int:
    """A 64-bit hash, the same on every platform and in every process."""
    digest = blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little")


_word_begun = blake2b(b"w:", digest_size=8).copy  # to go on is quicker than to begin


def word_digest(form: str) -> bytes:
    """``hashed`` of the word feature of a normal form, as its bytes, the lowest first."""
    begun = _word_begun()
    begun.update(form.encode("utf-8", "surrogatepass"))
    return begun.digest()


def norm_of(form: str) -> int:
    """The hash of a normal form, which is also its word feature."""
    return int.from_bytes(word_digest(form), "little")


def norms_of(forms: str) -> NDArray[np.uint64]:
    """The hashes of some normal forms, with spaces between, the lowest first, shape (n,)."""
    return np.array(sorted(map(norm_of, forms.split())), np.uint64)


def bucket(value: int) -> int:
    """The feature of a hash."""
    return ((value * _TIMES) & _U64) >> (64 - BITS)


def buckets(values: NDArray[np.uint64]) -> NDArray[np.int64]:
    """The features of hashes."""
    values = values * _M1
    values >>= _SHIFT
    return values.view(np.int64)


# --- one token ----------------------------------------------------------------------------


def token_features(token: str, kind: str, form: str) -> list[tuple[int, float]]:
    """(feature, value) of the views of a single token."""
    found = form_features(kind, form)
    if form in TICKER_FORMS:
        found.append((own_ticker(token), 1.0))
    elif kind == "word" and is_loud(token):
        found.append(loud(form))
    return found


def form_features(kind: str, form: str) -> list[tuple[int, float]]:
    """(feature, value) of what the normal form alone says."""
    word = gram_word(kind, form)
    return [(bucket(norm_of(form)), 1.0), *(gram_features(word) if word else ())]


def gram_word(kind: str, form: str) -> str:
    """The part of a normal form that has character n-grams; empty for what is masked."""
    if kind == "word":
        return "" if form == "T" else form
    return form[1:] if kind == "hashtag" and form != "#T" else ""


def is_loud(token: str) -> bool:
    """Whether a word is written in capitals."""
    return len(token) > 2 and token.isupper()


def loud(form: str) -> tuple[int, float]:
    """The feature of a word written in capitals."""
    return bucket(hashed("W:" + form)), 0.7


def gram_features(word: str) -> list[tuple[int, float]]:
    """(feature, value) of the character n-grams of a word."""
    return [(row, GRAM_VALUE) for row in gram_rows(word)]


def gram_rows(word: str) -> list[int]:
    """Features of the n-grams between a word's edges, of at most 40 of its bytes.

    Of UTF-8 bytes, not characters, and by CRC, which ``gram_rows_of`` can take of many at once.
    """
    return [crc & _MASK for crc in _crcs(word)]


def _crcs(word: str) -> list[int]:
    edged = _edged(word)
    return list(map(crc32, map(edged.__getitem__, _SLICES[len(edged)])))


def gram_rows_of(words: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(``gram_rows`` of all words in one array, where those of each word begin).

    The CRC of a few bytes is a constant and a table look-up for each of them, all xor-ed: a few
    dozen numpy operations whatever the number of words.

    >>> rows, begins = gram_rows_of(["up", "moon"] * 10)
    >>> rows.tolist() == 10 * [*gram_rows("up"), *gram_rows("moon")], begins[:3].tolist()
    (True, [0, 6, 20])
    """
    edged = [_edged(word) for word in words]
    data = np.frombuffer(b"".join(edged), np.uint8)
    sizes = np.array(list(map(len, edged)))
    ends = sizes.cumsum()
    left = np.repeat(ends, sizes) - np.arange(len(data))  # bytes from here to the end of the word
    crcs = np.zeros((len(data), len(_LENGTHS)), np.uint32)
    for column, n in enumerate(_LENGTHS):
        last = max(len(data) - n + 1, 0)
        crc = np.full(last, crc32(bytes(n)), np.uint32)
        for at in range(n):
            crc ^= _CRC[n - 1 - at].take(data[at : last + at])
        crcs[:last, column] = crc
    inside = left[:, None] >= _LENGTHS
    counts = np.add.reduceat(inside.sum(axis=1), ends - sizes)
    return crcs[inside].astype(np.int64) & _LOW_BITS, counts.cumsum() - counts


def features_of(
    norms: NDArray[np.uint64], words: Sequence[str]
) -> tuple[NDArray[np.int64], Sequence[int] | NDArray[np.int64]]:
    """(``buckets`` of norms and then ``gram_rows`` of words, where those of each word begin).

    >>> words = ["up", "moon"] * 10
    >>> norms = np.array(list(map(norm_of, words)), np.uint64)
    >>> few, many = features_of(norms[:2], words[:2]), features_of(norms, words)
    >>> few[0].tolist() == [*many[0][:2].tolist(), *many[0][20:40].tolist()], few[1]
    (True, [0, 6])
    """
    if len(norms) < FEW:
        single = list(map(_crcs, words))
        values = array("q", [*map(bucket, norms.tolist()), *chain.from_iterable(single)])
        ends = accumulate(map(len, single), initial=0)
        return np.frombuffer(values, np.int64) & _LOW_BITS, list(ends)[:-1]
    if not words:
        return buckets(norms), ()
    grams, begins = gram_rows_of(words)
    return np.concatenate([buckets(norms), grams]), begins


def _edged(word: str) -> bytes:
    return b"<%b>" % word.encode("utf-8", "replace")[:40]


_MASK = SIZE - 1
_LOW_BITS = np.array(_MASK)
_LENGTHS = tuple(range(GRAMS[0], GRAMS[1] + 1))
#: where the n-grams of an edged word of each size are
_SLICES = [[slice(i, i + n) for i in range(m) for n in _LENGTHS if i + n <= m] for m in range(43)]
#: what a byte adds to the CRC of a run that has so many more bytes, shape (longest, 256)
_CRC = np.array(
    [
        [crc32(bytes([byte]) + bytes(more)) ^ crc32(bytes(more + 1)) for byte in range(256)]
        for more in range(GRAMS[1])
    ],
    np.uint32,
)


#: normal forms of a masked ticker
TICKER_FORMS = ("T", "$T", "#T")


def own_ticker(token: str) -> int:
    """The feature of a ticker as such: only a retrained model may give it a weight."""
    return bucket(hashed("t:" + token.lstrip("$#").upper()))


# --- tokens around ------------------------------------------------------------------------

_VIEW = {name: np.array(hashed("view:" + name), np.uint64) for name in VIEW_VALUE}

_ONE, _SEVERAL = (
    [norm_of(word + s) for word in ("long", "short", "call", "put")] for s in ("", "s")
)
#: view -> places of ``batch.ids`` whose words it turns around
Turns = dict[str, NDArray[np.int64]]


def neighbours(
    batch: Batch, turns: Turns
) -> Iterator[tuple[str, NDArray[np.int64] | slice, NDArray[np.int64]]]:
    """(view, places in ``batch.ids``, features) of the views over several tokens.

    ``turns`` is what ``turned`` in turns.py gives. A place is that of the view's first token; a
    view never reaches from one post into another.
    """
    ids = batch.ids
    norms = batch.page.norms.take(ids)
    a = norms[:-1] * _M2
    yield "two", slice(0, -1), buckets((a ^ norms[1:]) + _VIEW["two"])
    if len(ids) > 2:
        three = buckets((a[:-1] ^ norms[1:-1] * _M3 ^ norms[2:]) + _VIEW["three"])
        if len(batch.starts) > 2:
            three[ids[1:-1] == 0] = NOTHING
        yield "three", slice(0, -2), three
    for view, places in turns.items():
        told = norms[places]
        if view == "left":  # "longs" as "long": these are rare
            for one, several in zip(_ONE, _SEVERAL, strict=True):
                told[told == several] = one
        yield view, places, buckets(told * _M3 + _VIEW[view])


#: feature of each counter at each step, shape (len(COUNTS), len(STEPS) + 1)
COUNTER_ROWS = np.array(
    [[bucket(hashed(f"count:{name}:{step}")) for step in range(len(STEPS) + 1)] for name in COUNTS]
)
#: the step of a count, the largest one's from there on
STEP_OF = np.searchsorted(STEPS, np.arange(STEPS[-1] + 1), side="right")


def counter_steps(batch: Batch) -> NDArray[np.int64]:
    """The step of each counter of each post, shape (posts, len(COUNTS))."""
    found: NDArray[np.int64] = STEP_OF[np.minimum(batch.totals[:, : len(COUNTS)], STEPS[-1])]
    return found


def scale(sizes: NDArray[np.int64]) -> NDArray[np.float32]:
    """What the sum over a post's tokens is multiplied by, given its number of tokens."""
    try:
        return _SCALES.take(sizes)
    except IndexError:  # some post has more tokens than the table
        return _scale(sizes)


def _scale(sizes: NDArray[np.int64]) -> NDArray[np.float32]:
    factor: NDArray[np.float32] = (_ONE_OVER / np.sqrt(sizes + _SIX)).astype(np.float32)
    return factor


_SCALES = _scale(np.arange(1024))
