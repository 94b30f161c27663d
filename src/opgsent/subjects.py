"""Which tickers a post is about, and which only ride along ("cashtag piggybacking").

Spam hangs popular cashtags on a text about something else: tags in a row at the end of the post,
whose symbols the text itself never mentions while it does speak of another asset.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .tickers import Found

LONG = 15  # words: a text that long is about something, named or not
TAGS = frozenset(("cashtag", "hashtag", "pair"))


def passengers(
    found: Sequence[Found], trailing: Sequence[bool], alone: bool, words: int
) -> frozenset[str]:
    """Symbols that only ride along; ``trailing`` tells of each ticker if no word follows it.

    A single tag behind a word belongs to the sentence ("... and short $ATOM"); ``alone`` says that
    something else stands before the last one, ``words`` counts the words of the post.

    >>> from opgsent.tickers import Found
    >>> def tag(symbol):
    ...     return Found("$" + symbol, 0, 0, symbol, None, "cashtag", None, True, 1.0, 0)
    >>> sorted(passengers([tag("XYZ"), tag("BTC"), tag("ETH")], [False, True, True], False, 5))
    ['BTC', 'ETH']
    """
    if sum(trailing) == 1 and not alone:
        return frozenset()
    row = [f for f, at in zip(found, trailing, strict=True) if at and f.kind in TAGS]
    if not row:
        return frozenset()
    said = {f.symbol for f, at in zip(found, trailing, strict=True) if not at}
    if not said and words >= LONG:
        said = {row[0].symbol}  # "@project #tag $OURS $BTC $ETH": the first is what it is about
    return frozenset(f.symbol for f in row if f.symbol not in said) if said else frozenset()
