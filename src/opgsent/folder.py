"""A model is a folder of data: ``weights.npz`` (plain arrays) and ``card.json``.

Whatever a folder holds, reading it runs no code and takes bounded memory: the archive is checked
before a byte of it is believed (names, sizes, types, shapes, checksum), links are not followed,
pickled arrays are refused. Writing is deterministic: no clock, no compression, sorted names.
"""

from __future__ import annotations

import ast
import errno
import hashlib
import io
import json
import math
import os
import shutil
import stat
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import OpgsentError

FORMAT = 2  # 1: before 2026-11-26, a table of all features
MAX_WEIGHTS = 64 << 20  # bytes of weights.npz
MAX_CARD = 1 << 20  # bytes of card.json
MAX_ARRAYS = 64
_TYPES = {
    np.dtype(code).str: np.dtype(code)
    for code in ("<f2", "<f4", "<f8", "<i4", "<i8", "<u8", "|u1", "|i1")
}
_OPEN = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)

Arrays = dict[str, NDArray[Any]]


class ModelError(OpgsentError):
    """A model folder that cannot be used: what was seen in which file, and what to do."""


def write_folder(
    folder: str | os.PathLike[str], arrays: Mapping[str, NDArray[Any]], card: Mapping[str, Any]
) -> None:
    """Write a model folder, whole or not at all; the card gets ``format`` and ``checksum``.

    Raises ModelError when the folder exists and is not a model alone, or cannot be written.
    """
    target = Path(folder)
    if not target.is_symlink() and target.is_dir() and not os.listdir(target):
        target.rmdir()
    check_target(target)
    packed = pack(arrays)
    text = card_text({**card, "format": FORMAT, "checksum": hashlib.sha256(packed).hexdigest()})
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
        try:
            (made / "weights.npz").write_bytes(packed)
            (made / "card.json").write_text(text, encoding="utf-8")
            made.chmod(0o755)
            if target.exists():
                old = made.with_name(made.name + ".old")
                target.rename(old)
                made.rename(target)
                shutil.rmtree(old)
            else:
                made.rename(target)
        finally:
            shutil.rmtree(made, ignore_errors=True)
    except OSError as error:
        raise ModelError(f"{target}: cannot be written ({error.strerror or error})") from None


def check_target(folder: str | os.PathLike[str]) -> None:
    """Raises ModelError for what a model folder may not replace: anything but a model alone.

    And where none can be written: no folder above it, or one that is closed to us.
    """
    target = Path(folder)
    if target.is_symlink():
        raise ModelError(f"{target}: is a link, which would be lost; name the folder itself")
    above = next((at for at in target.absolute().parents if os.path.lexists(at)), target)
    if not above.is_dir():
        raise ModelError(f"{target}: cannot be written ({above} is no folder); name another")
    if not os.access(above, os.W_OK):
        raise ModelError(f"{target}: cannot be written ({above} is read-only); name another")
    if not target.exists():
        return
    if not (target / "card.json").is_file():
        raise ModelError(f"{target}: is there and holds no model; name a new folder")
    if others := sorted(set(os.listdir(target)) - {"card.json", "weights.npz"}):
        named = ", ".join(map(_safe, others[:5])) + ", ..." * (len(others) > 5)
        raise ModelError(
            f"{target}: holds {named} beside a model, which would be lost; move that, or name a "
            "new folder"
        )


def card_text(card: Mapping[str, Any]) -> str:
    """A card as it stands in its file."""
    return json.dumps(card, indent=1, sort_keys=True, ensure_ascii=True) + "\n"


def pack(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Arrays as the bytes of an .npz; the same arrays give the same bytes.

    >>> unpack(pack({"a": np.arange(3, dtype=np.int32)}), "it")["a"].tolist()
    [0, 1, 2]
    """
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(arrays):
            array = np.ascontiguousarray(arrays[name])
            array = array.astype(array.dtype.newbyteorder("<"), copy=False)
            body = io.BytesIO()
            np.lib.format.write_array(body, array, version=(1, 0), allow_pickle=False)
            info = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))
            info.external_attr = 0o644 << 16
            info.create_system = 3
            archive.writestr(info, body.getvalue())
    return out.getvalue()


def read_folder(folder: str | os.PathLike[str]) -> tuple[Arrays, dict[str, Any]]:
    """(arrays, card) of a model folder. Raises ModelError for anything that is not one."""
    path = Path(folder)
    if not path.is_dir():
        raise ModelError(f"{path}: no such folder; give one that opgsent train wrote")
    card = read_card(path)
    packed = _bytes_of(path / "weights.npz", MAX_WEIGHTS)
    if hashlib.sha256(packed).hexdigest() != card["checksum"]:
        raise ModelError(
            f"{path / 'weights.npz'}: not the file that card.json was written with (its checksum "
            "differs); copy the folder again, or train anew"
        )
    return unpack(packed, str(path / "weights.npz")), card


def read_card(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """The card of a model folder, checked as far as it can be without the weights."""
    path = Path(folder) / "card.json"
    try:
        card = json.loads(_bytes_of(path, MAX_CARD).decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path}: not JSON ({str(error)[:100]}); train anew") from None
    if not isinstance(card, dict):
        raise ModelError(f"{path}: {type(card).__name__}, not an object; train anew")
    if card.get("format") != FORMAT:
        raise ModelError(
            f"{path}: format {str(card.get('format'))[:40]!r}, this opgsent reads {FORMAT}; "
            "train anew from the labels with this version"
        )
    checksum = card.get("checksum")
    if not isinstance(checksum, str) or len(checksum) != 64:
        raise ModelError(f"{path}: no checksum; train anew")
    return card


def _bytes_of(path: Path, most: int) -> bytes:
    """The bytes of a plain file; never a link, a device or a pipe, never more than ``most``."""
    try:
        handle = os.open(path, _OPEN | getattr(os, "O_BINARY", 0))
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise ModelError(f"{path}: is a link, and none is followed; copy the file") from None
        raise ModelError(
            f"{path}: cannot be read ({error.strerror}); a plain file is expected"
        ) from None
    about = os.fstat(handle)
    if not stat.S_ISREG(about.st_mode):
        os.close(handle)
        raise ModelError(f"{path}: not a plain file")
    with open(handle, "rb") as file:
        if about.st_size > most:
            raise ModelError(f"{path}: {about.st_size:,} bytes; at most {most:,} are read")
        return file.read(most)


def unpack(packed: bytes, name: str) -> Arrays:
    """The arrays of an .npz that ``pack`` wrote; raises ModelError for any other.

    Members are stored, not compressed, so that the arrays are no larger than the file.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            members = archive.infolist()
            if len(members) > MAX_ARRAYS:
                raise ModelError(f"{name}: {len(members):,} arrays; at most {MAX_ARRAYS}")
            if sum(info.file_size for info in members) > len(packed):
                raise ModelError(f"{name}: its arrays are larger than it; not of opgsent's making")
            found: Arrays = {}
            for info in members:
                title = info.filename.removesuffix(".npy")
                if info.compress_type != zipfile.ZIP_STORED:
                    raise ModelError(
                        f"{name}: {_safe(title)} is compressed; not of opgsent's making"
                    )
                if not title.isidentifier() or len(title) > 60 or title in found:
                    raise ModelError(f"{name}: array name {_safe(title)}; not of opgsent's making")
                found[title] = _array(archive.read(info), f"{name}: array {title}")
            return found
    except (
        zipfile.BadZipFile,
        EOFError,
        ValueError,
        NotImplementedError,
        RuntimeError,
        KeyError,
    ) as error:
        raise ModelError(f"{name}: damaged ({_safe(str(error))}); copy it again") from None


def _array(raw: bytes, what: str) -> NDArray[Any]:
    """One .npy of version 1.0, its header read as a literal and nothing else."""
    if raw[:8] != b"\x93NUMPY\x01\x00" or len(raw) < 10:
        raise ModelError(f"{what}: no .npy of version 1.0")
    length = int.from_bytes(raw[8:10], "little")
    header = raw[10 : 10 + length]
    if len(header) != length or length > 4096:
        raise ModelError(f"{what}: its header is cut short")
    try:
        about = ast.literal_eval(header.decode("latin1").strip())
        dtype = _TYPES[about["descr"]]
        shape = tuple(about["shape"])
        if about["fortran_order"] or not all(type(n) is int and 0 <= n <= 1 << 28 for n in shape):
            raise ValueError("shape")
    except (ValueError, KeyError, TypeError, SyntaxError, MemoryError, RecursionError):
        raise ModelError(f"{what}: a header that opgsent does not write (pickled data?)") from None
    if len(shape) > 4 or math.prod(shape) * dtype.itemsize != len(raw) - 10 - length:
        raise ModelError(f"{what}: {len(raw) - 10 - length:,} bytes do not fit the shape {shape}")
    return np.frombuffer(raw, dtype, offset=10 + length).reshape(shape)


def _safe(text: str) -> str:
    return ascii(text[:60])
