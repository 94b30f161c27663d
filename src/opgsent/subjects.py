"""Which tickers a post is about, and which only ride along ("cashtag piggybacking").

Spam hangs popular cashtags on a text about something else: tags in a row at the edge of the post,
whose symbols the text itself never mentions while it does speak of another asset.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .tokens import kind_of

if TYPE_CHECKING:
    from .tickers import Found

_TAGS = frozenset(("cashtag", "hashtag", "pair"))
_CARRIERS = frozenset(("link", "handle", "emoji", "mark", "break", *_TAGS))


def passengers(found: Sequence[Found], tokens: Sequence[str], base: int) -> frozenset[str]:
    """Symbols that only ride along; ``base`` is the place of the post's first token.

    >>> from opgsent.tickers import Found
    >>> def tag(text, symbol, place):
    ...     return Found(text, 0, 0, symbol, None, "cashtag", None, True, 1.0, place)
    >>> tokens = "$XYZ doubled its fees $BTC $ETH".split()
    >>> found = [tag("$XYZ", "XYZ", 0), tag("$BTC", "BTC", 4), tag("$ETH", "ETH", 5)]
    >>> sorted(passengers(found, tokens, 0))
    ['BTC', 'ETH']
    """
    if len({f.symbol for f in found}) < 2:
        return frozenset()
    edge = len(tokens)
    while edge and kind_of(tokens[edge - 1]) in _CARRIERS:
        edge -= 1
    row = [f for f in found if f.place - base >= edge and f.kind in _TAGS]
    said = {f.symbol for f in found if f.place - base < edge}
    if not said or not row:
        return frozenset()
    return frozenset(f.symbol for f in row) - said
