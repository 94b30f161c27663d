"""One worker process: answers, errors, and its death at any moment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from opgsent.errors import OpgsentError
from opgsent.tables.worker import Worker, end_all, take_in


@contextmanager
def working(start: Callable[[], Callable[[Any], Any]]) -> Iterator[Worker[Any, Any]]:
    worker = Worker(start)
    try:
        yield worker
    finally:
        end_all([worker])


def _start() -> Callable[[Any], Any]:
    return _answer


def _answer(asked: Any) -> Any:
    if asked == "pid":
        return os.getpid()
    if asked == "lambda":
        return lambda: asked
    if asked == "error":
        raise ZeroDivisionError(asked)
    if asked == "odd error":
        raise OddError(lambda: asked)
    if asked == "two":
        raise Two("one", "two")
    if asked == "worse":
        raise Worse(asked)
    return "x" * asked


class OddError(Exception):
    """Cannot be sent to another process."""


class Two(Exception):
    """Can be sent, and not be received."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} {second}")


class Worse(Exception):
    """Fails while it is sent."""

    def __reduce__(self) -> Any:
        raise ValueError("no")


class Unknown:
    """Fails while it is received."""

    def __reduce__(self) -> Any:
        return __import__, ("no_such_module",)


def _stillborn() -> Callable[[Any], Any]:
    raise FileNotFoundError("no model")


def _killed() -> Callable[[Any], Any]:
    os.kill(os.getpid(), signal.SIGKILL)
    return _answer


def test_answers_come_in_the_order_of_what_was_given() -> None:
    with working(_start) as worker:
        assert not worker.free  # it is still starting
        take_in([worker], waiting=True)
        first, second = worker.give(3), worker.give(5_000_000)  # more than any pipe holds
        assert not worker.free
        while not second.done():
            take_in([worker], waiting=True)
        assert first.result() == "xxx" and len(second.result()) == 5_000_000
        take_in([worker], waiting=False)  # nothing is there: it does not wait
        assert worker.free


def test_errors_come_back_and_the_worker_goes_on() -> None:
    with working(_start) as worker:
        worker.take()
        for asked, error, says in (
            ("error", ZeroDivisionError, "error"),
            ("lambda", OpgsentError, "Error: .*lambda"),
            ("odd error", OpgsentError, "OddError: <function"),
            ("two", OpgsentError, "Two: one two"),
            ("worse", OpgsentError, "Worse: worse"),
            (Unknown(), ImportError, "no_such_module"),
        ):
            future = worker.give(asked)
            worker.take()
            with pytest.raises(error, match=says):
                future.result()
        future = worker.give("pid")
        worker.take()
        assert future.result() not in (None, os.getpid())


@pytest.mark.parametrize(
    ("start", "error", "says"),
    [
        (_stillborn, FileNotFoundError, "no model"),
        (Unknown(), ImportError, "no_such_module"),
    ],
)
def test_a_worker_that_cannot_start_says_why(
    start: Any, error: type[Exception], says: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with working(start) as worker, pytest.raises(error, match=says):
        worker.take()
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(sys.platform == "win32", reason="SIGTERM is POSIX")
def test_a_worker_ends_where_the_signal_is_ignored() -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it goes on in what is started
    try:
        for ready in (True, False):
            with working(_start) as worker:
                if ready:
                    worker.take()
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_worker_starts_where_the_streams_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", None)
        patched.setattr(sys, "stderr", None)
        with working(_start) as worker:
            worker.take()
        assert sys.stdout is None and sys.stderr is None


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX")
@pytest.mark.parametrize("when", ["starting", "idle", "answering", "handing back"])
def test_a_worker_that_dies_is_one_error_whenever_it_dies(when: str) -> None:
    with working(_killed if when == "starting" else _start) as worker:
        if when != "starting":
            worker.take()
            pid = worker.give("pid")
            worker.take()
            if when == "answering":
                worker.give(500_000_000)
            if when == "handing back":
                worker.give(50_000_000)
                assert worker.answers.poll(20)  # it has begun; the pipe cannot hold it all
            os.kill(pid.result(), signal.SIGKILL)
        with pytest.raises(OpgsentError, match="a worker process died"):
            worker.take()
        if when == "idle":
            with pytest.raises(OpgsentError, match="a worker process died"):
                worker.give(1)


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="/proc says whether a process lives")
def test_a_worker_ends_with_its_parent() -> None:
    code = (
        f"import sys, time; sys.path[:0] = {sys.path!r}; import test_tables_worker as t; "
        "worker = t.Worker(t._start); worker.take(); pid = worker.give('pid'); worker.take(); "
        "print(pid.result(), flush=True); worker.give(100_000_000); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    pid = int(parent.stdout.readline())
    assert _lives(pid)
    parent.kill()
    parent.communicate()
    end = time.monotonic() + 10
    while _lives(pid):
        assert time.monotonic() < end
        time.sleep(0.05)


def _lives(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
