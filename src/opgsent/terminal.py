"""Other people's text on its way to a terminal: nothing in it may be obeyed."""

from __future__ import annotations

import unicodedata

_UNSHOWN = frozenset(("Cc", "Cf", "Cs", "Co", "Cn"))


def printable(text: str) -> str:
    """A post for a terminal: no control, bidirectional or unassigned characters; lines stay.

    >>> printable("a\\x1b]0;owned\\x07b\\u202ec\\r\\nd")
    'a]0;ownedbc\\nd'
    """
    return "".join(
        char
        for char in text.replace("\t", " ").replace("\u2028", "\n").replace("\u2029", "\n")
        if char in "\n\u200d" or unicodedata.category(char) not in _UNSHOWN
    )


def shown(text: str, most: int = 60) -> str:
    """Other people's text for a message: one short line without control characters.

    >>> shown("up\\x1b[31m\\nand away")
    'up[31m and away'
    """
    text = printable(" ".join(text.split()))
    return text if len(text) <= most else text[: most - 1] + "…"
