"""Output files: whole or not there, and able to go on where a killed run stopped.

Everything is written to a hidden file beside the target, which is renamed onto the target at
the end. A compressed file is a chain of members that end where ``mark`` is called, and is fed
in pieces of one size, so its bytes depend on nothing but the rows.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import stat
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from ..errors import InputError, OpgsentError

_PIECE = 1 << 16
Mark = tuple[int, int]  # bytes in the file so far, their CRC-32


class Target(Protocol):
    """Where bytes go."""

    def write(self, data: bytes) -> None: ...
    def mark(self) -> Mark: ...
    def commit(self) -> None: ...
    def abandon(self, keep: bool = False) -> None: ...


def is_file(path: str) -> bool:
    """Whether a path is, or will be, a file that can be replaced in one step."""
    if path == "-":
        return False
    try:
        return stat.S_ISREG(os.stat(path).st_mode) or os.path.isdir(path)
    except OSError:
        return True


def opened(path: str) -> Target:
    """A target for a path: a file, or standard output, a device, a named pipe."""
    if path == "-":
        return Pipe(sys.stdout.buffer, "standard output")
    return Part(path) if is_file(path) else Pipe(open(path, "wb"), path)


class Pipe:
    """A target that takes bytes as they come."""

    def __init__(self, stream: Any, name: str) -> None:
        self._stream, self._packer, self._name = stream, _packer(name), name

    def write(self, data: bytes) -> None:
        """Pass bytes on."""
        self._stream.write(self._packer.feed(data))

    def mark(self) -> Mark:
        """End a compressed member."""
        self._stream.write(self._packer.end())
        return 0, 0

    def commit(self) -> None:
        """Everything was written."""
        self.mark()
        self._stream.flush()

    def abandon(self, keep: bool = False) -> None:
        """What was passed on cannot be taken back."""


class Part:
    """A file on its way: hidden beside its target until ``commit``."""

    def __init__(self, target: str, mark: Mark | None = None) -> None:
        self.target = os.path.realpath(target)
        self.path = beside(target, "part")
        self._name = target
        self._packer = _packer(target)
        self._size = self._crc = 0
        if os.path.isdir(self.target):
            raise InputError(f"cannot write {target}: it is a folder")
        if os.path.exists(self.target) and not os.access(self.target, os.W_OK):
            raise OpgsentError(f"cannot write {target}: it is read-only")
        with self._writing():
            self._file = open(self.path, "r+b" if mark else "ab")  # noqa: SIM115
            _lock(self._file, target)
            self._go_to(mark or (0, 0))

    def _go_to(self, mark: Mark) -> None:
        """Cut the file at a mark, after checking that it holds what it held there."""
        self._file.seek(0)
        while self._size < mark[0] and (data := self._file.read(min(_PIECE, mark[0] - self._size))):
            self._size += len(data)
            self._crc = zlib.crc32(data, self._crc)
        if (self._size, self._crc) != tuple(mark):
            self._file.close()
            raise changed(self._name, f"the unfinished output {self.path}")
        self._file.truncate(self._size)
        self._file.seek(0, io.SEEK_END)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            message = f"cannot write {self._name}: {error.strerror or error}"
            raise OpgsentError(f"{message}; what stood there before is untouched") from error

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
            self._file.close()
            os.replace(self.path, self.target)

    def abandon(self, keep: bool = False) -> None:
        """Leave the target as it was; ``keep`` what is finished for a later run."""
        with contextlib.suppress(OSError):
            self._file.close()
        if not keep:
            with contextlib.suppress(OSError):
                os.unlink(self.path)


class Journal:
    """The state of a run, kept beside its target: what it is, and how far it came."""

    def __init__(self, target: str) -> None:
        self._path, self._target = beside(target, "state"), target

    def read(self, setup: dict[str, Any]) -> dict[str, Any] | None:
        """The state of an earlier run with the same setup; None where there is none."""
        try:
            state: dict[str, Any] = json.loads(Path(self._path).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (ValueError, OSError) as error:
            raise OpgsentError(f"cannot read {self._path}: {error}; run without --resume") from None
        if state.get("setup") != setup:
            before = state.get("setup") or {}
            raise changed(self._target, ", ".join(k for k in setup if before.get(k) != setup[k]))
        return state

    def write(self, state: dict[str, Any]) -> None:
        """Replace the state, in one step."""
        fresh = self._path + "~"
        try:
            Path(fresh).write_text(json.dumps(state), encoding="utf-8")
            os.replace(fresh, self._path)
        except OSError as error:
            message = f"cannot write {self._target}: {error.strerror or error}"
            raise OpgsentError(message) from error

    def remove(self) -> None:
        """Forget the run."""
        for path in (self._path, self._path + "~"):
            Path(path).unlink(missing_ok=True)


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
    return os.path.join(folder, f".{name}.opgsent-{what}")


def _lock(file: Any, target: str) -> None:
    """Refuse to write what another run is writing (where the system has locks)."""
    try:
        import fcntl
    except ImportError:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise OpgsentError(f"another run is writing {target}") from None


class _Plain:
    """Bytes as they are."""

    def feed(self, data: bytes) -> bytes:
        return data

    def end(self) -> bytes:
        return b""


class _Packer:
    """Bytes compressed as a chain of members, one per ``end``."""

    def __init__(self, member: Any) -> None:
        self._member, self._waiting = member, bytearray()
        self._open: Any = None

    def feed(self, data: bytes) -> bytes:
        self._waiting += data
        packed = bytearray()
        while len(self._waiting) >= _PIECE:
            packed += self._pack(bytes(self._waiting[:_PIECE]))
            del self._waiting[:_PIECE]
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


def _packer(name: str) -> _Plain | _Packer:
    if name.endswith(".gz"):
        return _Packer(lambda: zlib.compressobj(6, zlib.DEFLATED, 31))
    if name.endswith(".zst"):
        try:
            import zstandard
        except ImportError:
            raise InputError("writing .zst needs the extra: pip install opgsent[zstd]") from None
        return _Packer(lambda: zstandard.ZstdCompressor(3).compressobj())
    return _Plain()
