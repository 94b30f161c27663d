"""The errors that opgsent raises on purpose."""

from __future__ import annotations


class OpgsentError(Exception):
    """Anything opgsent refuses; its text says what was seen and what to do."""


class InputError(OpgsentError):
    """A file or row that cannot be read: names the file, the row, what was seen, what to do."""
