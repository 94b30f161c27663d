"""Posts that repeat one another: bots fill a template, people re-post, channels forward.

Two posts are near-duplicates when the sets of their masked word 4-grams overlap by half
(Jaccard >= .5). Tickers, numbers, handles and links are masked first, since that is what a
template changes. A group is a connected component of near-duplicates and shared authors: what
must stay on one side of every split (Lee et al. 2022 measured what happens otherwise).

The join is prefix filtering (Chaudhuri et al. 2006): with the n-grams of a post ordered from
rare to common, two sets with Jaccard >= t share one among their first n - ceil(t n) + 1.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Sequence

from .tokens import kind_of, split

SHINGLE = 4  # words
THRESHOLD = 0.5
# In a list of posts that share a rare n-gram each is compared with this many that follow it, so
# that ten thousand copies of a template cost ten thousand times this, not a hundred million.
WINDOW = 40

_MASKS = {
    "cashtag": "$", "hashtag": "#", "pair": "$", "handle": "@", "link": "/", "number": "0",
    "percent": "0", "multiple": "0", "date": "0", "time": "0", "mark": "", "emoji": "",
}  # fmt: skip


class Groups:
    """Disjoint sets of the numbers 0..n-1 (union-find with path halving)."""

    __slots__ = ("_parent",)

    def __init__(self, size: int) -> None:
        self._parent = list(range(size))

    def find(self, item: int) -> int:
        """Return the smallest-numbered member that stands for the set of ``item``."""
        parent = self._parent
        while parent[item] != item:
            parent[item] = item = parent[parent[item]]
        return item

    def join(self, a: int, b: int) -> None:
        """Make one set of the sets of ``a`` and ``b``."""
        a, b = self.find(a), self.find(b)
        self._parent[max(a, b)] = min(a, b)

    def numbers(self) -> list[int]:
        """Return the set of each item, numbered from 0 by first appearance."""
        seen: dict[int, int] = {}
        return [seen.setdefault(self.find(item), len(seen)) for item in range(len(self._parent))]


def group_near_duplicates(
    texts: Sequence[str],
    authors: Sequence[Hashable | None] | None = None,
    *,
    threshold: float = THRESHOLD,
) -> list[int]:
    """Return the group of each post, numbered from 0 by first appearance; same input, same answer.

    Posts are in one group when a chain of near-duplicates or shared ``authors`` (channels; None
    is nobody) links them. Near-duplicate: the masked texts are equal, or the Jaccard index of
    their word 4-grams is at least ``threshold``, in (0, 1]. About 10 s for 100,000 posts.
    Raises ValueError when ``authors`` has another length or the threshold is out of range.

    >>> group_near_duplicates([
    ...     "BUY $BTC now at 61,200 before it is too late, join our channel",
    ...     "gm",
    ...     "BUY $SOL now at 142.5 before it is too late, join our channel!!"])
    [0, 1, 0]
    >>> group_near_duplicates(["up", "down"], authors=["ann", "ann"])
    [0, 0]
    """
    if authors is not None and len(authors) != len(texts):
        raise ValueError(f"{len(authors)} authors for {len(texts)} texts; give one for each")
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold {threshold}; above 0 and at most 1")
    groups = Groups(len(texts))
    first_of: dict[Hashable, int] = {}
    for item, author in enumerate(authors or ()):
        if author is not None:
            groups.join(item, first_of.setdefault(author, item))
    words = masked_words(texts)
    first_with: dict[Hashable, int] = {}
    for item, (text, key) in enumerate(zip(texts, words, strict=True)):
        groups.join(item, first_with.setdefault(key or text.strip(), item))
    distinct = [item for key, item in first_with.items() if isinstance(key, tuple)]
    _join_similar(groups, distinct, [words[item] for item in distinct], threshold)
    return groups.numbers()


def masked_words(texts: Sequence[str]) -> list[tuple[int, ...]]:
    """Each post as numbers that stand for its words, lower case, with tickers, numbers, handles
    and links masked, marks and emoji left out, and a run of one mask read once.
    """
    numbers: dict[str, int] = {}  # word or mask -> its number
    number_of: dict[str, int] = {}  # token as written -> the same
    out = []
    for text in texts:
        row: list[int] = []
        for token in split(text):
            number = number_of.get(token)
            if number is None:
                word = _MASKS.get(kind_of(token))
                word = token.lower() if word is None else word
                number = numbers.setdefault(word, len(numbers)) if word else -1
                number_of[token] = number
            if number >= 0 and not (row and row[-1] == number):
                row.append(number)
        out.append(tuple(row))
    return out


def _join_similar(
    groups: Groups, items: Sequence[int], words: Sequence[tuple[int, ...]], threshold: float
) -> None:
    """Join the items whose word n-grams overlap by ``threshold``."""
    # longest last: neighbours in a list are then of like length, as similar sets must be
    order = sorted(
        (i for i in range(len(items)) if len(words[i]) >= SHINGLE),
        key=lambda i: (len(words[i]), words[i]),
    )
    shingles = [_shingles(words[i]) for i in order]
    count = Counter(shingle for row in shingles for shingle in row)
    sizes = [len(row) for row in shingles]
    # an n-gram that one post alone has finds nothing: only the size of the set remembers it
    shared = [frozenset(s for s in row if count[s] > 1) for row in shingles]
    lists: dict[Hashable, list[int]] = defaultdict(list)
    for place, row in enumerate(shared):
        prefix = len(row) - math.ceil(threshold * sizes[place]) + 1
        if prefix > 0:
            for shingle in sorted(row, key=lambda s: (count[s], s))[:prefix]:
                lists[shingle].append(place)
    for a, b in _candidates(lists):
        x, y = items[order[a]], items[order[b]]
        if groups.find(x) != groups.find(y):
            common = len(shared[a] & shared[b])
            if common >= threshold * (sizes[a] + sizes[b] - common):
                groups.join(x, y)


def _candidates(lists: dict[Hashable, list[int]]) -> Iterator[tuple[int, int]]:
    for places in lists.values():
        for at, a in enumerate(places):
            for b in places[at + 1 : at + 1 + WINDOW]:
                yield a, b


def _shingles(words: tuple[int, ...]) -> set[tuple[int, ...]]:
    return set(zip(*(words[start:] for start in range(SHINGLE)), strict=False))
