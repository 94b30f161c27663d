"""Stance per ticker: a post about two assets can hold two views.

A post is cut into clauses at its punctuation, line breaks and words like "but". A clause speaks of
the symbols in it; one without a symbol goes on about those of the clause before. A symbol's view is
the score of its clauses alone, drawn towards the post's where they hold few tokens:

    view = post + n / (n + PULL) * (clauses - post)

Everything is a partial sum of what scoring the post has already computed.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .extraction import Found
from .features import END, JOINING, scale
from .linear import COLUMNS_OF, Floats, Scorer
from .reading import Batch

PULL = 6.0  # tokens; chosen on the two-view posts of corpora/ (train), see docs/experiments.md
_PULL, _CUTS = np.array(PULL), np.array(END | JOINING)  # numpy reads arrays faster than numbers
_STANCE = COLUMNS_OF["stance"]


class Sides:
    """Views of each symbol in posts that name several."""

    def __init__(self, scorer: Scorer) -> None:
        self._intercept = scorer.weights.intercept[_STANCE]

    def views(
        self, batch: Batch, parts: Floats, odds: Floats, found: Sequence[Sequence[Found]]
    ) -> tuple[dict[int, list[str]], list[list[float]]]:
        """(post -> its symbols, log-odds of the stances of each of them) of posts of several.

        Each stretch (a clause with symbols and those behind it that go on about them) is summed
        once, for the whole batch, then the stretches of each symbol.
        """
        several = [
            post
            for post, tickers in enumerate(found)
            if len(tickers) > 1 and len({t.symbol for t in tickers}) > 1
        ]
        if not several:
            return {}, []
        cuts = (batch.flags & _CUTS).nonzero()[0].tolist()
        symbols: dict[int, list[str]] = {}
        of: list[int] = []  # the post of each row
        bounds: list[int] = []  # begin and end of stretches: a clause with symbols, those behind it
        members: list[int] = []  # stretches of the rows, one row's after another's
        begins: list[int] = []
        for post in several:
            marks = [(cuts[bisect_right(cuts, t.place) - 1], t.symbol) for t in found[post]]
            stretches = stretches_of(marks, len(bounds) // 2)
            cut = list(dict.fromkeys([at for at, _ in marks]))
            for at, until in pairwise([*cut, int(batch.starts[post + 1])]):
                bounds += at, until
            symbols[post] = list(stretches)
            for own in stretches.values():
                of.append(post)
                begins.append(len(members))
                members += own
        cut_at = np.array(bounds)
        sums = np.add.reduceat(parts[:, _STANCE], cut_at, axis=0)[::2].take(members, axis=0)
        n = (cut_at[1::2] - cut_at[::2]).take(members)
        if len(members) > len(begins):  # a single post seldom has a symbol of several stretches
            sums, n = np.add.reduceat(sums, begins, axis=0), np.add.reduceat(n, begins)
        part = sums * scale(n)[:, None]
        whole = odds[:, _STANCE].take(of, axis=0)
        views: Floats = whole + trust(n)[:, None] * (part - (whole - self._intercept))
        return symbols, views.tolist()


def trust(sizes: NDArray[np.int64]) -> NDArray[np.float32]:
    """How far clauses of so many tokens draw a view from the post's."""
    try:
        return _TRUSTS.take(sizes)
    except IndexError:  # some have more tokens than the table
        return _trust(sizes)


def _trust(sizes: NDArray[np.int64]) -> NDArray[np.float32]:
    share: NDArray[np.float32] = (sizes / (sizes + _PULL)).astype(np.float32)
    return share


_TRUSTS = _trust(np.arange(1024))


def stretches_of(marks: Sequence[tuple[int, str]], first: int) -> dict[str, list[int]]:
    """Symbol -> the stretches that speak of it, numbered from ``first``.

    ``marks`` are (place of the clause, symbol) in order; a clause with symbols begins a stretch,
    which clauses without one go on.

    >>> stretches_of([(0, "BTC"), (7, "ETH"), (7, "BTC")], 3)
    {'BTC': [3, 4], 'ETH': [4]}
    """
    found: dict[str, list[int]] = {}
    number, last = first - 1, -1
    for at, symbol in marks:
        if at != last:
            number, last = number + 1, at
        own = found.setdefault(symbol, [])
        if not own or own[-1] != number:
            own.append(number)
    return found
