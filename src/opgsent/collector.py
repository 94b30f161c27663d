"""Python's cyclic garbage collector, held off while a batch is read.

A batch makes a few tens of thousands of small objects, none of them in a cycle; each 700 of them
make the collector look through all that are young, again and again: a tenth of the time
(``python -m benchmarks.stages``). It is let go between batches, where a caller's own garbage waits
at most for the 1,024 posts of one batch.
"""

from __future__ import annotations

import gc
import threading
from types import TracebackType


class Paused:
    """A context that holds the collector off; safe to enter from several threads at once.

    >>> with Paused():
    ...     gc.isenabled()
    False
    """

    _lock = threading.Lock()
    _inside = 0
    _was_on = False

    def __enter__(self) -> None:
        with Paused._lock:
            if not Paused._inside:
                Paused._was_on = gc.isenabled()
                gc.disable()
            Paused._inside += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with Paused._lock:
            Paused._inside -= 1
            if not Paused._inside and Paused._was_on:
                gc.enable()
