"""Input files: a path or ``-``, plain, .gz or .zst, as bytes and as lines of bounded length.

What a file is compressed with is read from its first bytes, so a wrong suffix does no harm.
"""

from __future__ import annotations

import codecs
import contextlib
import gzip
import io
import os
import re
import stat
import sys
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from typing import IO, Any, NamedTuple

from ..errors import InputError

MAX_CHARS = 1_000_000  # one cell or line longer than this is a rejected row
KEPT_CHARS = 1_000  # what is kept of such a line
SAMPLE_LINES, SAMPLE_CHARS = 500, 1 << 18  # what is looked at before the first row is read
_GZIP = b"\x1f\x8b"
_ZSTD = re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18")  # a frame, or one to skip
_PIECE = 1 << 16  # bytes read at once
_ZSTD_PIECE = 1024  # bytes fed at once: a block of 4 bytes may grow to 128 KiB


class Source:
    """An input opened for reading; ``stream`` gives its bytes, decompressed."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.name = "standard input" if path == "-" else path
        self.total: int | None = None
        try:
            if path == "-":
                if sys.stdin is None:  # the shell closed it: posts <&-
                    raise InputError("standard input is closed: pipe the posts in, or name a file")
                self._file: IO[bytes] = sys.stdin.buffer
            else:
                self._file = open(path, "rb")  # noqa: SIM115
                self.total = os.path.getsize(path) if os.path.isfile(path) else None
            stream = _peekable(self._file)
            start = stream.peek(4)[:4]
        except OSError as error:
            raise InputError(f"cannot read {self.name}: {error.strerror or error}") from None
        zstd = _ZSTD.match(start) is not None
        self.compressed = zstd or start.startswith(_GZIP)
        if start.startswith(_GZIP):
            stream = _peekable(gzip.GzipFile(fileobj=stream))
        elif zstd:
            stream = io.BufferedReader(_Zstd(stream, self.name), 1 << 17)
        self.stream = stream

    @property
    def position(self) -> int:
        """How many bytes of the file, as stored, were read so far (0 for a pipe)."""
        return 0 if self.total is None else self._file.tell()

    def is_file(self, path: str) -> bool:
        """Whether a path leads to the very file that is read, be it as standard input."""
        try:
            mine, other = os.fstat(self._file.fileno()), os.stat(path)
        except OSError:  # one of them is no file
            return False
        return stat.S_ISREG(mine.st_mode) and os.path.samestat(mine, other)

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
        except UnicodeError as error:  # a codec with shifts (ISO-2022) may lose its way for good
            message = f"{self.name}: {error}; name the encoding it is in with --encoding"
            raise InputError(message) from None

    def close(self) -> None:
        """Close the file; standard input stays open."""
        if self.path != "-":
            self._file.close()


def _peekable(stream: Any) -> io.BufferedReader:
    return stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(stream, 1 << 17)


class _Zstd(io.RawIOBase):
    """The content of zstd frames; unlike zstandard's own reader it notices a cut file."""

    def __init__(self, raw: io.BufferedReader, name: str) -> None:
        try:
            import zstandard
        except ImportError:
            raise InputError("reading .zst needs the extra: pip install opgsent[zstd]") from None
        self._raw, self._name, self._zstandard = raw, name, zstandard
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
            if "too much memory" in str(error):  # zstd's own bound for what it is not told of
                raise InputError(
                    f"{self._name} is packed with a window over 128 MB, which would take as much "
                    "memory to read; unpack it on the way: "
                    "zstd -d --long=31 -c FILE | opgsent score - -o OUT"
                ) from None
            raise EOFError(str(error)) from None
        self._rest = b""
        if self._frame.eof:
            self._rest, self._frame = self._frame.unused_data, None


def _escaped(error: UnicodeError) -> tuple[str, int]:
    """What cannot be decoded as a lone surrogate a byte, U+DC00 to U+DCFF.

    Python's own ``surrogateescape`` refuses bytes below 0x80, and may go on inside a unit of
    UTF-16, after which all is garbled.
    """
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(chr(0xDC00 + byte) for byte in error.object[error.start : error.end]), error.end


_ESCAPE = "opgsent.tables.escape"
codecs.register_error(_ESCAPE, _escaped)


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


#: what stands in quotes in any usual dialect; a doubled quote begins another such piece
_QUOTED = re.compile(r'(?<![^,;\t|\r\n"])"[^"]*"?')
_END = re.compile(r"\r?\n|\r")


class Lines:
    """The lines of a source, one at a time; lines can be put back.

    A line ends at a line feed, with the one or two carriage returns before it (CRLF written as
    text on Windows is CR CR LF); in a file that has only carriage returns outside quotes it ends
    at those. Bytes that are not in the encoding come as lone surrogates (as in PEP 383, but for
    every byte, since half an emoji in UTF-16 may hold any), so nothing is lost and nothing
    raises. A byte order mark is kept aside in ``bom``.
    """

    def __init__(self, source: Source, encoding: str) -> None:
        start = source.start()
        self.encoding = _concrete(encoding, start, source.name)
        self._decode = codecs.getincrementaldecoder(self.encoding)(_ESCAPE).decode
        self._source = source
        self._back: deque[Line] = deque()
        self._read, self._at, self._ended = "", 0, False  # what was read ahead, how far we are
        self._number = self.matched = 0
        with source.reading():
            while len(self._read) < _PIECE and self._fill():
                pass
            if self._read.endswith("\r"):  # its line feed may be still to come
                self._fill()
        self.bom = self._read[:1] if self._read.startswith("\ufeff") else ""
        self._at = len(self.bom)
        self.mark = _line_end(self._read[self._at :])

    def _fill(self) -> bool:
        """Read further ahead; False at the end."""
        if self._ended:
            return False
        data = self._source.stream.read1(_PIECE)
        self._ended = not data
        self._read = self._read[self._at :] + self._decode(data, not data)
        self._at = 0
        return True

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Take what a pattern that ends at a line end finds next; its first line is ``matched``.

        None, and nothing taken, where it finds nothing in the piece read ahead.
        """
        if self._back:
            return None
        found = pattern.match(self._read, self._at, self._at + MAX_CHARS)
        if found is None and len(self._read) - self._at < _PIECE and self._fill():
            found = pattern.match(self._read, self._at, self._at + MAX_CHARS)
        if found:
            self.matched = self._number + 1
            self._number += self._read.count(self.mark, self._at, found.end())
            self._at = found.end()
        return found

    def next(self) -> Line | None:
        """The next line, None at the end."""
        if self._back:
            return self._back.popleft()
        start, quotes, last, seen = "", 0, "", 0
        while (stop := self._read.find(self.mark, self._at + seen)) < 0:
            seen = len(self._read) - self._at
            if seen > MAX_CHARS + 2:  # more than any line may have: keep its start, go on
                start = start or self._read[self._at : self._at + KEPT_CHARS]
                quotes += self._read.count('"', self._at)
                last, self._at, seen = self._read[-2:], len(self._read), 0
            if not self._fill():
                break
        text = self._read[self._at : stop if stop >= 0 else None]
        if stop < 0 and not text and not start:
            return None
        self._number += 1
        self._at = stop + 1 if stop >= 0 else len(self._read)
        end = "" if stop < 0 else self.mark
        if end == "\n" and (text or last).endswith("\r"):
            returns = 2 if (last + text[-2:]).endswith("\r\r") else 1
            text, end = text[: max(0, len(text) - returns)], "\r" * returns + end
        if start or len(text) > MAX_CHARS:
            odd = (quotes + text.count('"')) % 2 == 1
            return Line(self._number, start or text[:KEPT_CHARS], end, True, odd)
        return Line(self._number, text, end)

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


def _line_end(text: str) -> str:
    """What ends the lines of a file that begins like this: a line feed, or a return alone.

    A post in quotes may hold either. Returns must end the header and by far the most lines: a
    stray one stands in many a cell, and a file written wrongly ends each line with both and more.

    >>> _line_end('id,text\\r1,"up\\nand up"\\r'), _line_end('id,text\\n1,"up\\rand up"\\n')
    ('\\r', '\\n')
    """
    bare = _QUOTED.sub('"', text)
    ends = _END.findall(bare) or _END.findall(text)  # a stray quote may hide all
    return "\r" if ends[:1] == ["\r"] and 3 * ends.count("\r") > 2 * len(ends) else "\n"


#: how a file in UTF-16 begins: with its mark, or with two characters of Latin script
_UTF16 = {
    "utf-16-le": rb"\xff\xfe|([^\0]\0){2}",
    "utf-16-be": rb"\xfe\xff|(\0[^\0]){2}",
}


def _concrete(encoding: str, start: bytes, where: str) -> str:
    """The codec to use: UTF-16 with its byte order, so that pieces can be encoded one by one."""
    try:
        name = codecs.lookup(encoding).name
        b"a".decode(encoding, _ESCAPE)  # there are codecs that make no text (hex), or all at once
    except (LookupError, ValueError):
        raise InputError(
            f"{encoding!r} is no encoding of text files that is known here; try utf-8 or cp1252"
        ) from None
    if name.startswith("utf-32") or start.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise InputError(
            f"{where}: UTF-32 is not read; make it UTF-8 first: "
            "iconv -f UTF-32 -t UTF-8 posts.csv > utf8.csv"
        )
    if name == "utf-8-sig":
        return "utf-8"
    seen = next((order for order, begins in _UTF16.items() if re.match(begins, start)), None)
    if name == "utf-16":
        return seen or "utf-16-le"
    if seen and "16" not in name:
        raise InputError(f"{where} starts like UTF-16: try --encoding utf-16")
    return name
