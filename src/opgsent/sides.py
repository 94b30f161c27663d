"""Stance per ticker: a post about two assets can hold two views.

A post is cut into clauses at its punctuation and line breaks. A clause speaks of the symbols in
it; one without a symbol goes on about those of the clause before. A symbol's view is the score of
its clauses alone, drawn towards the post's where they hold few tokens:

    view = post + n / (n + PULL) * (clauses - post)

Everything is a partial sum of what scoring the post has already computed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .extraction import Found
from .features import END, scale
from .linear import COLUMNS_OF, Floats, Scorer
from .reading import Batch

PULL = 6.0  # tokens; chosen on the two-view posts of corpora/ (train), see docs/experiments.md
_STANCE = COLUMNS_OF["stance"]


class Sides:
    """Views of each symbol in posts that name several."""

    def __init__(self, scorer: Scorer) -> None:
        self._intercept = scorer.weights.intercept[_STANCE]

    def views(
        self, batch: Batch, parts: Floats, odds: Floats, found: Sequence[Sequence[Found]]
    ) -> tuple[dict[tuple[int, str], int], Floats]:
        """((post, symbol) -> row, log-odds of the stances, (rows, 3)) of posts of several symbols.

        The work is done once for the whole batch: clauses are summed together, then the clauses
        of each (post, symbol).
        """
        several = [
            post
            for post, tickers in enumerate(found)
            if len(tickers) > 1 and any(t.symbol != tickers[0].symbol for t in tickers)
        ]
        if not several:
            return {}, np.empty((0, 3), np.float32)
        (cuts,) = np.nonzero(batch.flags & np.uint32(END))
        sums = np.add.reduceat(parts[:, _STANCE], cuts, axis=0)
        sizes = np.diff(cuts, append=len(batch.ids))
        places = [t.place for post in several for t in found[post]]
        clause_of = iter((np.searchsorted(cuts, places, side="right") - 1).tolist())
        first = np.searchsorted(cuts, batch.starts).tolist()
        rows: dict[tuple[int, str], int] = {}
        members: list[int] = []  # clauses of the rows, one row's after another's
        begins: list[int] = []
        for post in several:
            marks = [(next(clause_of), t.symbol) for t in found[post]]
            for symbol, clauses in clauses_of(marks, first[post], first[post + 1]).items():
                rows[post, symbol] = len(begins)
                begins.append(len(members))
                members += clauses
        n = np.add.reduceat(sizes[members], begins)
        part = np.add.reduceat(sums[members], begins, axis=0) * scale(n)[:, None]
        whole = odds[[post for post, _ in rows], _STANCE]
        trust = (n / (n + PULL)).astype(np.float32)[:, None]
        views: Floats = whole + trust * (part - (whole - self._intercept))
        return rows, views


def clauses_of(marks: Sequence[tuple[int, str]], first: int, end: int) -> dict[str, list[int]]:
    """Symbol -> the clauses of first..end-1 that speak of it, given (clause, symbol) in order.

    >>> clauses_of([(0, "BTC"), (2, "ETH")], 0, 3)
    {'BTC': [0, 1], 'ETH': [2]}
    """
    clauses: dict[str, list[int]] = {symbol: [] for _, symbol in marks}
    current: list[str] = []
    at = 0
    for clause in range(first, end):
        if at < len(marks) and marks[at][0] == clause:
            current = []
            while at < len(marks) and marks[at][0] == clause:
                if marks[at][1] not in current:
                    current.append(marks[at][1])
                at += 1
        for symbol in current:
            clauses[symbol].append(clause)
    return clauses
