"""Small files written whole or not at all, and lines added to a file in the same way."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

from .errors import InputError


def keep_apart(target: Path, *sources: Path | None) -> None:
    """Raises InputError where a file is to be written over one that is read."""
    for source in sources:
        if source is not None and target.exists() and source.exists() and target.samefile(source):
            raise InputError(f"{target} is read too: name another file to write to")


def check_writable(path: str | Path) -> None:
    """Raises InputError where write_whole would: to be said before long work, not after it.

    >>> with tempfile.TemporaryDirectory() as folder:
    ...     check_writable(Path(folder, "a.txt"))
    ...     os.listdir(folder)
    []
    """
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{path}: is a folder; name a file in it")
    try:  # access rights do not tell of a file system that is read-only, or full
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        os.close(handle)
        os.unlink(name)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}); name another") from None


def write_whole(path: str | Path, text: str) -> None:
    """Write a text file in one step; what stood there before stays until then.

    A lone surrogate cannot be written in UTF-8: it becomes a question mark. Raises InputError for
    a folder that cannot be written.

    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_whole(Path(folder, "a.txt"), "gm\\n")
    ...     Path(folder, "a.txt").read_text()
    'gm\\n'
    """
    path = Path(path)
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(text.encode("utf-8", "replace"))
            os.chmod(name, 0o644)
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}); name another") from None


_State = tuple[int, int, int]  # of a file: inode, bytes, time of the last write


class Growing:
    """A file that lines are added to, each whole or not at all, and cut off again.

    Raises InputError where the file cannot be written; it then holds what it held before.

    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Growing(Path(folder, "a.txt"))
    ...     file.append(b"gm\\n"), file.append(b"gn\\n"), file.foreign
    (0, 3, False)
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._left = self._state()
        self._foreign = False

    def _state(self) -> _State | None:
        """What tells the file from one that was written to since; None where there is none."""
        try:
            found = self.path.stat()
        except OSError:  # the write that follows says why
            return None
        return found.st_ino, found.st_size, found.st_mtime_ns

    @property
    def foreign(self) -> bool:
        """Has another program written to the file? To cut it would take that along."""
        self._foreign = self._foreign or self._state() != self._left
        return self._foreign

    def check(self) -> None:
        """Raises InputError where nothing could be added; leaves no file where there was none."""
        new = self._left is None
        self.append(b"")
        if new and not self.foreign:
            self.path.unlink()
            self._left = None

    def append(self, line: bytes) -> int:
        """Write at the end of the file, and to the disk; returns the offset."""
        self._foreign = self.foreign
        size = self._left[1] if self._left else 0
        try:
            handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            try:
                offset = os.fstat(handle).st_size
                if os.write(handle, line) != len(line):
                    os.ftruncate(handle, offset)
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            raise InputError(f"{self.path}: cannot be written ({error.strerror})") from None
        self._left = self._state()
        # another line may have come in between
        self._foreign |= not self._left or self._left[1] != size + len(line)
        return offset

    def cut(self, offset: int) -> None:
        """Take off what stands from an offset on."""
        try:
            os.truncate(self.path, offset)
        except OSError as error:
            raise InputError(f"{self.path}: cannot be written ({error.strerror})") from None
        self._left = self._state()
