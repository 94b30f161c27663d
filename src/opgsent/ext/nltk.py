"""The tokenizer of opgsent as nltk wants one."""

from __future__ import annotations

from collections.abc import Iterator

from nltk.tokenize.api import TokenizerI

from ..tokens import tokenize


class PostTokenizer(TokenizerI):  # type: ignore[misc]  # nltk ships no types
    """Tokens of a post: tickers, pairs, prices, handles, links and emoji stay in one piece.

    >>> PostTokenizer().tokenize("$BTC lost 61.5k 🐻")
    ['$BTC', 'lost', '61.5k', '🐻']
    """

    def tokenize(self, s: str) -> list[str]:
        """The tokens of a text as written, in order; they hold everything but white space."""
        return [token.text for token in tokenize(s)]

    def span_tokenize(self, s: str) -> Iterator[tuple[int, int]]:
        """The (start, end) of every token: ``s[start:end]`` is what ``tokenize`` gives.

        >>> list(PostTokenizer().span_tokenize("$BTC lost 61.5k"))
        [(0, 4), (5, 9), (10, 15)]
        """
        for token in tokenize(s):
            yield token.start, token.end
