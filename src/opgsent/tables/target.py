"""Output files: whole or not there, and able to go on where a killed run stopped.

Everything is written to a hidden file beside the target, which is renamed onto the target at
the end.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import shutil
import stat
import sys
import zlib
from collections.abc import Iterator
from typing import IO, Protocol

from ..errors import InputError, OpgsentError
from .packing import PIECE, packer

Mark = tuple[int, int]  # bytes in the file so far, their CRC-32


class Target(Protocol):
    """Where bytes go."""

    def write(self, data: bytes) -> None: ...
    def mark(self) -> Mark: ...
    def commit(self) -> None: ...
    def abandon(self, keep: bool = False) -> None: ...


def is_file(path: str) -> bool:
    """Whether a path is, or will be, a file that can be replaced in one step."""
    if path == "-" or descriptor(path) is not None:
        return False
    try:
        return stat.S_ISREG(os.stat(path).st_mode) or os.path.isdir(path)
    except OSError:
        return True


def descriptor(path: str) -> int | None:
    """The number of the open file that a name or a link to it stands for, as /dev/stdout does.

    Such a file belongs to whoever opened it: it is written where it stands, never replaced.

    >>> descriptor("/dev/fd/3"), descriptor("posts.csv")
    (3, None)
    """
    for _ in range(9):  # /dev/stdout -> /proc/self/fd/1; links may lead in a circle
        folder, name = os.path.split(path)
        if name.isdecimal() and os.path.realpath(folder) == os.path.realpath("/dev/fd"):
            return int(name)
        if not os.path.islink(path):
            break
        path = os.path.join(folder, os.readlink(path))
    return None


def opened(path: str) -> Target:
    """A target for a path: a file, or standard output, a device, a named pipe."""
    if path == "-":
        if sys.stdout is None:  # the shell closed it: >&-
            raise OpgsentError("cannot write standard output: it is closed; name a file with -o")
        return Pipe(sys.stdout.buffer, "standard output")
    if is_file(path):
        return Part(path)
    number = descriptor(path)
    with writing(path):  # closed by commit or abandon
        stream = open(path if number is None else number, "wb", closefd=number is None)  # noqa: SIM115
    return Pipe(stream, path, close=True)


def reopened(path: str, mark: Mark, complete: bool) -> Target:
    """The target of a run that stopped when it held as much as ``mark`` says; ``complete`` where
    that was all, and it may be in place already.

    Raises OpgsentError where it holds something else now.
    """
    if os.path.exists(beside(path, "part")):
        return Part(path, mark)
    if not complete or _mark_of(path) != mark:
        raise changed(path, f"the unfinished output {beside(path, 'part')} is gone")
    return Placed(mark)


@contextlib.contextmanager
def writing(name: str, behind: str = "") -> Iterator[None]:
    """Turn what the system refuses into one clear error; a reader that left stays what it is."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OpgsentError(f"cannot write {name}: {error.strerror or error}{behind}") from error


class Pipe:
    """A target that takes bytes as they come."""

    def __init__(self, stream: IO[bytes], name: str, close: bool = False) -> None:
        self._stream, self._packer, self._name = stream, packer(name), name
        self._close = close

    def write(self, data: bytes) -> None:
        """Pass bytes on."""
        with writing(self._name):
            self._stream.write(self._packer.feed(data))

    def mark(self) -> Mark:
        """End a compressed member."""
        with writing(self._name):
            self._stream.write(self._packer.end())
        return 0, 0

    def commit(self) -> None:
        """Everything was written."""
        self.mark()
        with writing(self._name):
            self._stream.flush()
            if self._close:
                self._stream.close()

    def abandon(self, keep: bool = False) -> None:
        """What was passed on cannot be taken back."""
        if self._close:
            with contextlib.suppress(OSError):  # the error that led here is the one to tell
                self._stream.close()


class Part:
    """A file on its way: hidden beside its target until ``commit``."""

    def __init__(self, target: str, mark: Mark | None = None) -> None:
        self.target = os.path.realpath(target)
        self.path = beside(target, "part")
        self._name = target
        self._packer = packer(target)
        self._size = self._crc = 0
        if os.path.isdir(self.target):
            raise InputError(f"cannot write {target}: it is a folder")
        if os.path.exists(self.target) and not os.access(self.target, os.W_OK):
            raise OpgsentError(f"cannot write {target}: it is read-only")
        with self._writing():
            self._file = open(self.path, "r+b" if mark else "ab", opener=no_link)  # noqa: SIM115
            _lock(self._file, self.path, target)
            self._go_to(mark or (0, 0))

    def _go_to(self, mark: Mark) -> None:
        """Cut the file at a mark, after checking that it holds what it held there."""
        self._file.seek(0)
        self._size, self._crc = _read_to(self._file, mark[0])
        if (self._size, self._crc) != mark:
            self._file.close()
            raise changed(self._name, f"the unfinished output {self.path}")
        self._file.truncate(self._size)
        self._file.seek(0, io.SEEK_END)

    def _writing(self) -> contextlib.AbstractContextManager[None]:
        return writing(self._name, "; what stood there before is untouched")

    def write(self, data: bytes) -> None:
        """Add bytes (compressed on the way where the target's name asks for it)."""
        self._put(self._packer.feed(data))

    def _put(self, packed: bytes) -> None:
        if packed:
            with self._writing():
                self._file.write(packed)
            self._size += len(packed)
            self._crc = zlib.crc32(packed, self._crc)

    def mark(self) -> Mark:
        """Hand everything to the system; a later run can go on from here."""
        self._put(self._packer.end())
        with self._writing():
            self._file.flush()
        return self._size, self._crc

    def commit(self) -> None:
        """Make the file the target, in one step."""
        self.mark()
        with self._writing():
            os.fsync(self._file.fileno())
            if os.path.exists(self.target):
                shutil.copymode(self.target, self.path)
            if os.name == "nt":  # which cannot rename an open file, and has no lock to keep
                self._file.close()
            os.replace(self.path, self.target)
            self._file.close()

    def abandon(self, keep: bool = False) -> None:
        """Leave the target as it was; ``keep`` what is finished for a later run."""
        with contextlib.suppress(OSError):
            self._file.close()
        if not keep:
            with contextlib.suppress(OSError):
                os.unlink(self.path)


class Placed:
    """The file of a run that was stopped after it was put in place: nothing is left to do."""

    def __init__(self, mark: Mark) -> None:
        self._mark = mark

    def write(self, data: bytes) -> None:
        """Nothing is: ``begin`` of the run refuses an input that has grown since."""
        raise AssertionError(f"{len(data)} bytes for a file that is in place")

    def mark(self) -> Mark:
        """All of it."""
        return self._mark

    def commit(self) -> None:
        """It is done."""

    def abandon(self, keep: bool = False) -> None:
        """It stays: the run that wrote it was over."""


def _mark_of(path: str) -> Mark | None:
    try:
        with open(path, "rb") as file:
            return _read_to(file, os.fstat(file.fileno()).st_size)
    except OSError:
        return None


def _read_to(file: IO[bytes], end: int) -> Mark:
    """Size and CRC-32 of what is read from here on, at most to ``end``."""
    size = crc = 0
    while size < end and (data := file.read(min(PIECE, end - size))):
        size += len(data)
        crc = zlib.crc32(data, crc)
    return size, crc


def changed(target: str, what: str) -> OpgsentError:
    """The error for a run that cannot go on from where an earlier one stopped."""
    return OpgsentError(
        f"cannot resume {target}: changed since the run stopped: {what}; run without --resume"
    )


def beside(target: str, what: str) -> str:
    """The name of a hidden file of ours beside a target.

    >>> beside("/tmp/out.csv", "part")
    '/tmp/.out.csv.opgsent-part'
    """
    folder, name = os.path.split(os.path.realpath(target))
    if len(os.fsencode(name)) > 200:  # most systems take 255 bytes, what we add included
        name = hashlib.blake2b(os.fsencode(name), digest_size=16).hexdigest()
    return os.path.join(folder, f".{name}.opgsent-{what}")


def no_link(path: str, flags: int) -> int:
    """Open a file of ours; never one that somebody else's link leads to."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o666)


def _lock(file: IO[bytes], path: str, target: str) -> None:
    """Refuse to write what another run is writing (where the system has locks)."""
    try:
        import fcntl
    except ImportError:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        mine = os.path.samestat(os.fstat(file.fileno()), os.stat(path))
    except (BlockingIOError, FileNotFoundError):
        mine = False
    if not mine:  # another run holds the file, or put it in place before we had the lock
        file.close()
        raise OpgsentError(f"another run is writing {target}; wait for it, or end it")
