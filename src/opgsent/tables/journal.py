"""What a run leaves behind so that it can go on where it stopped."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from ..errors import OpgsentError
from .target import beside, changed, no_link, writing


class Journal:
    """The state of a run, kept beside its target: what it is, and how far it came."""

    def __init__(self, target: str) -> None:
        self._path, self._target = beside(target, "state"), target

    def read(self, setup: dict[str, Any]) -> dict[str, Any] | None:
        """The state of an earlier run with the same setup; None where there is none."""
        try:
            state: Any = json.loads(Path(self._path).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (ValueError, OSError) as error:
            raise OpgsentError(f"cannot read {self._path}: {error}; run without --resume") from None
        before = state.get("setup") if isinstance(state, dict) else None
        if not isinstance(before, dict):
            raise OpgsentError(f"{self._path} holds no state of a run; run without --resume")
        if before != setup:
            raise changed(self._target, ", ".join(k for k in setup if before.get(k) != setup[k]))
        if state.pop("seal", None) != _seal(state):
            raise changed(self._target, self._path)
        found: dict[str, Any] = state
        return found

    def write(self, state: dict[str, Any]) -> None:
        """Replace the state, in one step."""
        fresh = self._path + "~"
        with writing(self._target, "; what stood there before is untouched"):
            with open(fresh, "w", encoding="utf-8", opener=no_link) as file:
                json.dump(state | {"seal": _seal(state)}, file)
            os.replace(fresh, self._path)

    def remove(self) -> None:
        """Forget the run."""
        for path in (self._path, self._path + "~"):
            Path(path).unlink(missing_ok=True)


def _seal(state: dict[str, Any]) -> str:
    """A checksum: no run goes on from a state that somebody changed."""
    return hashlib.blake2b(json.dumps(state).encode(), digest_size=16).hexdigest()
