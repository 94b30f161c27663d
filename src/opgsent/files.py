"""Small files written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from .errors import InputError


def keep_apart(target: Path, *sources: Path | None) -> None:
    """Raises InputError where a file is to be written over one that is read."""
    for source in sources:
        if source is not None and target.exists() and source.exists() and target.samefile(source):
            raise InputError(f"{target} is read too: name another file to write to")


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
