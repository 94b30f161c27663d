"""Bytes on their way out, compressed as the target's name asks for.

A compressed file is a chain of members that end where a run may go on, and is fed in pieces of
one size, so its bytes depend on nothing but the rows.
"""

from __future__ import annotations

import zlib
from typing import Any, Protocol

from ..errors import InputError

PIECE = 1 << 16


class Packer(Protocol):
    """Takes bytes, gives what is to be written."""

    def feed(self, data: bytes) -> bytes: ...
    def end(self) -> bytes: ...


def packer(name: str) -> Packer:
    """The packer for a file of this name, in capitals or not.

    >>> packer("posts.csv").feed(b"plain")
    b'plain'
    """
    name = name.lower()
    if name.endswith(".gz"):
        return _Chain(lambda: zlib.compressobj(6, zlib.DEFLATED, 31))
    if name.endswith(".zst"):
        try:
            import zstandard
        except ImportError:
            raise InputError("writing .zst needs the extra: pip install opgsent[zstd]") from None
        return _Chain(lambda: zstandard.ZstdCompressor(3, write_checksum=True).compressobj())
    return _Plain()


class _Plain:
    """Bytes as they are."""

    def feed(self, data: bytes) -> bytes:
        return data

    def end(self) -> bytes:
        return b""


class _Chain:
    """Bytes compressed as a chain of members, one per ``end``."""

    def __init__(self, member: Any) -> None:
        self._member, self._waiting = member, bytearray()
        self._open: Any = None

    def feed(self, data: bytes) -> bytes:
        self._waiting += data
        packed = bytearray()
        while len(self._waiting) >= PIECE:
            packed += self._pack(bytes(self._waiting[:PIECE]))
            del self._waiting[:PIECE]
        return bytes(packed)

    def _pack(self, piece: bytes) -> bytes:
        self._open = self._open or self._member()
        packed: bytes = self._open.compress(piece)
        return packed

    def end(self) -> bytes:
        if self._open is None and not self._waiting:
            return b""
        packed: bytes = self._pack(bytes(self._waiting)) + self._open.flush()
        self._waiting.clear()
        self._open = None
        return packed
