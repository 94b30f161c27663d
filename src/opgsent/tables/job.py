"""What one run of ``score_file`` is asked to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .columns import Columns
from .pool import Model

Progress = Callable[[int, int, int | None], None]  # rows done, bytes read, bytes in all

CHUNK_ROWS = 1024  # posts classified at once
CHUNK_CHARS = 1 << 20  # a chunk of long posts has fewer rows


@dataclass(frozen=True)
class Job:
    """The arguments of ``score_file``, checked."""

    src: str
    dst: str
    text: str
    columns: Columns
    model: Model
    jobs: int
    resume: bool
    progress: Progress
    chunk_rows: int
