"""Another process that answers chunks of texts, over two pipes of its own.

Where the process dies, whatever it was doing, its pipes end, and whoever waits for it knows: a
queue that several processes share has no end, and one that is killed while it writes there leaves
the others waiting. The process is joblib's (loky), which starts without running ``__main__``
again; a script needs no ``if __name__ == "__main__"``.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from multiprocessing.connection import Connection, wait
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

from ..errors import OpgsentError

G = TypeVar("G")
A = TypeVar("A")
#: what a worker says: an answer, or the error instead; once at its start neither
_Said = tuple[A | None, Exception | None]
_AHEAD = 2  # chunks that a worker is given: the one it answers and the next


class Worker(Generic[G, A]):
    """One process, and what it has been given and not answered yet."""

    def __init__(self, start: Callable[[], Callable[[G], A]]) -> None:
        from joblib.externals.loky.backend import (  # type: ignore[import-untyped]
            get_context,
            reduction,
        )

        context, self._maker = get_context("loky"), os.getpid()
        self.answers, answering = context.Pipe(duplex=False)
        asked, self._asks = context.Pipe(duplex=False)
        self._given: deque[Future[A]] = deque()
        self._ready = False
        begun = bytes(reduction.dumps(start))  # by value what the script itself defines
        self._process = context.Process(target=_work, args=(begun, asked, answering), daemon=True)
        with _no_interrupts(), _streams():  # the process inherits them
            self._process.start()
        answering.close()  # the process holds the only other end of each pipe
        asked.close()

    @property
    def free(self) -> bool:
        """Whether it may be given another chunk; not before it has started."""
        return self._ready and len(self._given) < _AHEAD

    def give(self, given: G) -> Future[A]:
        """Hand something over; the future has an answer once ``take`` has taken it in."""
        with _alive():
            self._asks.send(given)
        future: Future[A] = Future()
        self._given.append(future)
        return future

    def take(self) -> None:
        """Take in the next thing that the worker has to say, waiting for it."""
        with _alive():
            said: _Said[A] = self.answers.recv()
        answer, error = said
        if not self._ready and error is None:
            self._ready = True
        elif error is None:
            self._given.popleft().set_result(answer)  # type: ignore[arg-type]
        elif self._given:
            self._given.popleft().set_exception(error)
        else:  # it could not even start
            raise error

    def end(self) -> None:
        """End the process, whatever it is doing. In a fork of its maker, leave it to that."""
        if os.getpid() == self._maker:
            self._process.terminate()
        self.answers.close()  # ends it, too, where that signal does nothing
        self._asks.close()

    def join(self) -> None:
        """Wait until it has ended."""
        if os.getpid() == self._maker:
            self._process.join()


def end_all(workers: Sequence[Worker[G, A]]) -> None:
    """End workers and wait until they have."""
    for worker in workers:
        worker.end()
    for worker in workers:
        worker.join()


def take_in(workers: Sequence[Worker[G, A]], *, waiting: bool) -> None:
    """Take in what workers have to say: at least one thing if ``waiting``, else what is there."""
    by_pipe: dict[Any, Worker[G, A]] = {worker.answers: worker for worker in workers}
    for pipe in wait(list(by_pipe), None if waiting else 0):
        by_pipe[pipe].take()


@contextlib.contextmanager
def _alive() -> Iterator[None]:
    try:
        yield
    except (EOFError, OSError) as error:
        raise OpgsentError(
            "a worker process died (killed, or out of memory): run again with fewer --jobs"
        ) from error


@contextlib.contextmanager
def _no_interrupts() -> Iterator[None]:
    """Let Ctrl-C wait (where the system can): a worker hit at its start dies with a traceback."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # where it began later, it would end the wait
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _streams() -> Iterator[None]:
    """Stand-ins for streams that the shell has closed: loky flushes them."""
    with contextlib.ExitStack() as stack:
        for name in ("stdout", "stderr"):
            if getattr(sys, name) is None:
                setattr(sys, name, stack.enter_context(open(os.devnull, "w")))
                stack.callback(setattr, sys, name, None)
        yield


def _work(start: bytes, asked: Connection, answering: Connection) -> None:
    """What the process does. It answers while one thread reads ahead and another one hands back:
    neither end waits for the other one's chunk to be done.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # which ends a worker by it
    sys.setswitchinterval(0.0005)  # a tenth: the parent waits while those threads have no turn
    given: SimpleQueue[Any] = SimpleQueue()
    said: SimpleQueue[_Said[Any]] = SimpleQueue()
    for target, queue, pipe in ((_read, given, asked), (_write, said, answering)):
        threading.Thread(target=target, args=(queue, pipe), daemon=True).start()
    try:
        answer = pickle.loads(start)()  # noqa: S301  our parent's
        said.put((None, None))
    except Exception as error:  # noqa: BLE001  the parent raises it
        said.put((None, error))
        given.get()  # until the parent ends this process
        return
    while True:
        chunk = given.get()
        try:
            if isinstance(chunk, Exception):
                raise chunk
            said.put((answer(chunk), None))
        except Exception as error:  # noqa: BLE001  the parent raises it
            said.put((None, error))


def _read(given: SimpleQueue[Any], asked: Connection) -> None:
    while True:
        try:
            given.put(asked.recv())
        except (EOFError, OSError):  # no worker outlives its parent
            os._exit(1)
        except Exception as error:  # noqa: BLE001  what cannot be unpickled has that for an answer
            given.put(error)


def _write(said: SimpleQueue[_Said[Any]], answering: Connection) -> None:
    while True:
        answer, error = said.get()
        try:
            pickle.loads(pickle.dumps(error))  # noqa: S301  our own
            answering.send((answer, error))
        except OSError:  # the parent is gone
            os._exit(1)
        except Exception as unpicklable:  # noqa: BLE001  neither may be silent
            reason = error or unpicklable
            answering.send((None, OpgsentError(f"{type(reason).__name__}: {reason}")))
