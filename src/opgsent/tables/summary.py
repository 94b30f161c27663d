"""What a scored file comes to, and the rows that could not be answered."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .columns import guarded
from .dialect import Dialect
from .pool import Tally
from .rows import reversible
from .target import Mark, Part, Target, beside, reopened

REASONS_KEPT = 10
_HEAD = "line,reason,raw\n"


@dataclass(frozen=True, slots=True)
class ScoreSummary:
    """A finished run of ``score_file``.

    ``rows`` counts every row of the input, rejected ones too; ``blank`` the posts without a
    visible character; ``stance`` and ``style`` the answers; ``reasons`` holds the first few
    rejected rows as (line, reason); ``resumed`` the rows an earlier run had finished.
    """

    rows: int
    blank: int
    rejected: int
    stance: dict[str, int]
    style: dict[str, int]
    top_tickers: tuple[tuple[str, int], ...]
    seconds: float
    output: str
    rejected_path: str | None
    reasons: tuple[tuple[int, str], ...] = ()
    resumed: int = 0


def rejects_path(output: str) -> str:
    """Where the rejected rows of an output are copied to."""
    return f"{output}.rejected.csv"


def is_rejects(path: str) -> bool:
    """Whether a path leads to such a copy, by its first line: anything else is not ours."""
    if not os.path.isfile(path):
        return False
    try:
        with open(path, "rb") as file:
            return file.readline(len(_HEAD)) == _HEAD.encode()
    except OSError:
        return False


class Rejects:
    """The rejected rows: counted, and copied to ``<output>.rejected.csv``.

    An output that is no file has no such copy, only the count and the first reasons.
    """

    def __init__(
        self, output: str | None, state: Mapping[str, Any] | None = None, complete: bool = False
    ) -> None:
        self.path = None if output is None else rejects_path(output)
        self._part: Target | None = None
        self.count, self.reasons = 0, list[tuple[int, str]]()
        if state:
            self.count = state["count"]
            self.reasons = [(line, reason) for line, reason in state["reasons"]]
            if self.path and state["mark"]:
                self._part = reopened(self.path, tuple(state["mark"]), complete)
        elif self.path and os.path.lexists(beside(self.path, "part")):
            Part(self.path).abandon()  # a killed run left it, and this one may reject nothing

    def add(self, line: int, reason: str, raw: str) -> None:
        """Take in one row."""
        self.count += 1
        if len(self.reasons) < REASONS_KEPT:
            self.reasons.append((line, reason))
        if self.path is None:
            return
        if self._part is None:
            self._part = Part(self.path)
            self._part.write(_HEAD.encode())
        written = Dialect().written
        cells = (str(line), written(reason), written(guarded(reversible(raw))))
        self._part.write((",".join(cells) + "\n").encode("utf-8", "backslashreplace"))

    def state(self) -> dict[str, Any]:
        """What a later run needs to go on."""
        mark: Mark | None = self._part.mark() if self._part else None
        return {"count": self.count, "reasons": self.reasons, "mark": mark}

    def commit(self) -> None:
        """Put the copy in place; one that an earlier run left there is out of date."""
        if self._part:
            self._part.commit()
        elif self.path and is_rejects(self.path):
            with contextlib.suppress(OSError):
                Path(self.path).unlink()

    def abandon(self, keep: bool = False) -> None:
        """Leave what stood there before."""
        if self._part:
            self._part.abandon(keep)


def summarised(
    tally: Tally, rejects: Rejects, output: str | os.PathLike[str], seconds: float, resumed: int = 0
) -> ScoreSummary:
    """The summary of a run."""
    return ScoreSummary(
        rows=tally.rows + rejects.count,
        blank=tally.blank,
        rejected=rejects.count,
        stance=dict(tally.stance.most_common()),
        style=dict(tally.style.most_common()),
        top_tickers=tuple(tally.top_tickers()),
        seconds=seconds,
        output=os.fspath(output),
        rejected_path=rejects.path if rejects.count else None,
        reasons=tuple(rejects.reasons),
        resumed=resumed,
    )
