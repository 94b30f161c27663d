"""Python's cyclic garbage collector, held off while a batch is read.

A batch makes a few tens of thousands of small objects, none of them in a cycle; each 700 of them
make the collector look through all that are young, again and again. It is let go between batches,
where a caller's own garbage waits at most for the 1,024 posts of one batch.
"""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")

_lock = threading.Lock()
_inside = 0
_was_on = False


@contextmanager
def paused() -> Iterator[None]:
    """Hold the collector off; safe to enter from several threads at once.

    >>> with paused():
    ...     gc.isenabled()
    False
    """
    global _inside, _was_on
    with _lock:
        if not _inside:
            _was_on = gc.isenabled()
            gc.disable()
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if not _inside and _was_on:
                gc.enable()


def let_go(batches: Iterable[list[T]]) -> Iterator[T]:
    """The items of each list in turn, each let go as it is given: the lists are emptied.

    What a list still holds is looked through with whatever the caller makes of the items; a caller
    that keeps all of it waited a quarter of its time for that.

    >>> list(let_go([[1, 2], [3]]))
    [1, 2, 3]
    """
    for batch in batches:
        batch.reverse()
        while batch:
            yield batch.pop()


def _after_fork() -> None:
    """In a new process: threads that held the collector off are not there to let it go."""
    global _lock, _inside
    _lock = threading.Lock()
    if _inside and _was_on:
        gc.enable()
    _inside = 0


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_after_fork)
