"""Input files: a path or ``-``, plain, .gz or .zst, as bytes and as lines of bounded length.

What a file is compressed with is read from its first bytes, so a wrong suffix does no harm.
"""

from __future__ import annotations

import codecs
import contextlib
import gzip
import io
import os
import sys
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from typing import IO, Any, NamedTuple

from ..errors import InputError

MAX_CHARS = 1_000_000  # one cell or line longer than this is a rejected row
KEPT_CHARS = 1_000  # what is kept of such a line
SAMPLE_LINES, SAMPLE_CHARS = 500, 1 << 18  # what is looked at before the first row is read
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_ZSTD_PIECE = 1024  # bytes fed at once: a block of 4 bytes may grow to 128 KiB


class Source:
    """An input opened for reading; ``stream`` gives its bytes, decompressed."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.name = "standard input" if path == "-" else path
        self.total: int | None = None
        try:
            if path == "-":
                self._file: IO[bytes] = sys.stdin.buffer
            else:
                self._file = open(path, "rb")  # noqa: SIM115
                self.total = os.path.getsize(path) if os.path.isfile(path) else None
            stream = _peekable(self._file)
            start = stream.peek(4)[:4]
        except OSError as error:
            raise InputError(f"cannot read {self.name}: {error.strerror or error}") from None
        self.compressed = start.startswith((_GZIP, _ZSTD))
        if start.startswith(_GZIP):
            stream = _peekable(gzip.GzipFile(fileobj=stream))
        elif start == _ZSTD:
            stream = io.BufferedReader(_Zstd(stream), 1 << 17)
        self.stream = stream

    @property
    def position(self) -> int:
        """How many bytes of the file, as stored, were read so far (0 for a pipe)."""
        return 0 if self.total is None else self._file.tell()

    def start(self) -> bytes:
        """The first bytes, decompressed, without taking them."""
        with self.reading():
            return self.stream.peek(1 << 12)

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """Turn whatever a damaged file raises into one clear error."""
        try:
            yield
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise InputError(f"{self.name} is damaged or cut short: {error}") from None
        except UnicodeError as error:
            message = f"{self.name}: {error}; name its encoding with --encoding"
            raise InputError(message) from None

    def close(self) -> None:
        """Close the file; standard input stays open."""
        if self.path != "-":
            self._file.close()


def _peekable(stream: Any) -> io.BufferedReader:
    return stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(stream, 1 << 17)


class _Zstd(io.RawIOBase):
    """The content of zstd frames; unlike zstandard's own reader it notices a cut file."""

    def __init__(self, raw: io.BufferedReader) -> None:
        try:
            import zstandard
        except ImportError:
            raise InputError("reading .zst needs the extra: pip install opgsent[zstd]") from None
        self._raw, self._zstandard = raw, zstandard
        self._frame: Any = None
        self._rest = self._ready = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            piece = self._rest or self._raw.read(_ZSTD_PIECE)
            if not piece:
                if self._frame is not None:
                    raise EOFError("the last zstd frame is incomplete")
                return 0
            self._decompress(piece)
        count = min(len(buffer), len(self._ready))
        buffer[:count], self._ready = self._ready[:count], self._ready[count:]
        return count

    def _decompress(self, piece: bytes) -> None:
        self._frame = self._frame or self._zstandard.ZstdDecompressor().decompressobj()
        try:
            self._ready = self._frame.decompress(piece)
        except self._zstandard.ZstdError as error:
            raise EOFError(str(error)) from None
        self._rest = b""
        if self._frame.eof:
            self._rest, self._frame = self._frame.unused_data, None


class Line(NamedTuple):
    """A physical line: its number from 1, its text without the line end, the line end.

    Of a line over ``MAX_CHARS`` characters only the start is kept: then ``cut`` says so, and
    ``odd`` whether the whole line had an odd number of quotes.
    """

    number: int
    text: str
    end: str
    cut: bool = False
    odd: bool = False


class Lines:
    """The lines of a source, one at a time; lines can be put back.

    A line ends at a line feed (with the carriage return before it, where there is one); in a
    file that has only carriage returns it ends at those. Bytes that are not in the encoding
    come as lone surrogates (PEP 383), so nothing is lost and nothing raises. A byte order mark
    is kept aside in ``bom``.
    """

    def __init__(self, source: Source, encoding: str) -> None:
        self.encoding = _concrete(encoding, source.start())
        start = source.start()
        self._mark = "\r" if b"\r" in start and b"\n" not in start else "\n"
        self._text = io.TextIOWrapper(
            source.stream, self.encoding, errors="surrogateescape", newline=self._mark
        )
        self._source = source
        self._back: deque[Line] = deque()
        self._number = 0
        self.bom = ""

    def next(self) -> Line | None:
        """The next line, None at the end."""
        if self._back:
            return self._back.popleft()
        text = self._text.readline(MAX_CHARS + 2)
        if not text:
            return None
        self._number += 1
        if self._number == 1 and text.startswith("\ufeff"):
            self.bom, text = "\ufeff", text[1:]
        end = ""
        if text.endswith(self._mark):
            end = "\r\n" if text.endswith("\r\n") else self._mark
            text = text[: -len(end)]
        if len(text) <= MAX_CHARS:
            return Line(self._number, text, end)
        quotes = text.count('"')
        while not end and (more := self._text.readline(MAX_CHARS)):
            end = self._mark if more.endswith(self._mark) else ""
            quotes += more.count('"')
        return Line(self._number, text[:KEPT_CHARS], end, True, quotes % 2 == 1)

    def put_back(self, lines: Iterable[Line]) -> None:
        """Make these the next lines again."""
        self._back.extendleft(reversed(list(lines)))

    def sample(self) -> list[Line]:
        """The first lines, without taking them."""
        taken: list[Line] = []
        size = 0
        with self._source.reading():
            while len(taken) < SAMPLE_LINES and size < SAMPLE_CHARS and (line := self.next()):
                taken.append(line)
                size += len(line.text)
        self.put_back(taken)
        return taken

    def close(self) -> None:
        """Let go of the source without closing it."""
        with contextlib.suppress(ValueError):
            self._text.detach()


def _concrete(encoding: str, start: bytes) -> str:
    """The codec to use: UTF-16 with its byte order, so that pieces can be encoded one by one."""
    try:
        name = codecs.lookup(encoding).name
    except LookupError:
        raise InputError(f"unknown encoding {encoding!r}; try utf-8 or cp1252") from None
    if name == "utf-8-sig":
        return "utf-8"
    if name == "utf-16":
        return "utf-16-be" if start.startswith(codecs.BOM_UTF16_BE) else "utf-16-le"
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) and "16" not in name:
        raise InputError("the file starts like UTF-16: try --encoding utf-16")
    return name
