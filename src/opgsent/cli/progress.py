"""Progress on a terminal, silence everywhere else."""

from __future__ import annotations

import os
import sys
import time
from types import TracebackType

EVERY = 0.2  # seconds between two drawings
WIDTH = 24  # characters of the bar


class Line:
    """One line of standard error that is drawn again and again; nothing where it is no terminal."""

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()
        self._started = self._last = time.monotonic()
        self._length = 0

    def __enter__(self) -> Line:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._length:
            print(f"\r{' ' * self._length}\r", end="", file=sys.stderr, flush=True)

    @property
    def due(self) -> bool:
        """Whether it is time to draw again."""
        return self._shown and time.monotonic() - self._last >= EVERY

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return time.monotonic() - self._started

    def draw(self, text: str) -> None:
        """Show a text in the place of the last one; what wrapped could not be drawn over."""
        if self._shown:
            text = text[: columns() - 1]
            print(f"\r{text.ljust(self._length)}", end="", file=sys.stderr, flush=True)
            self._length, self._last = len(text), time.monotonic()


class ScoreBar(Line):
    """Rows, rate and time left of ``score_file``; call it as its ``progress``."""

    def __enter__(self) -> ScoreBar:
        return self

    def __call__(self, rows: int, done: int, total: int | None) -> None:
        if self.due:
            self.draw(bar(rows, done, total, self.seconds, columns()))


class StageLine(Line):
    """The stages of a training; call it with the stage, what is done, and of how much."""

    def __enter__(self) -> StageLine:
        return self

    def __call__(self, stage: str, done: int, total: int) -> None:
        self.draw(f"{stage} {done} of {total}, {clock(self.seconds)}" if total else stage)


def columns() -> int:
    """How wide the terminal is; 80 where it does not say."""
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or 80
    except OSError:
        return 80


def bar(rows: int, done: int, total: int | None, seconds: float, width: int = 80) -> str:
    """One drawing of a progress bar; the words alone where a line of ``width`` has no room for it.

    >>> bar(5000, 40, 100, 2.0)
    '[=========>              ]  40 %   5,000 posts   2,500/s   0:03 left'
    >>> bar(5000, 40, None, 2.0)
    '5,000 posts   2,500/s   0:02'
    """
    rate = f"{rows:,} posts   {rows / max(seconds, 1e-9):,.0f}/s"
    if not total or not done:
        return f"{rate}   {clock(seconds)}"
    share = min(done / total, 1.0)
    filled = "=" * int(share * WIDTH)
    drawn = f"{filled}>"[:WIDTH].ljust(WIDTH)
    words = f"{share * 100:3.0f} %   {rate}   {clock(seconds * (1 - share) / share)} left"
    whole = f"[{drawn}] {words}"
    return whole if len(whole) < width else words


def clock(seconds: float) -> str:
    """Minutes and seconds.

    >>> clock(75), clock(3700)
    ('1:15', '1:01:40')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
