"""Answers for chunks of texts, in order, by one process or several."""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import lru_cache
from multiprocessing import current_process
from numbers import Integral
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from ..collector import let_go
from ..errors import InputError, OpgsentError
from .worker import Worker, end_all, take_in

if TYPE_CHECKING:
    from ..result import Post

A = TypeVar("A")
K = TypeVar("K")
T = TypeVar("T")
Texts = list[str | None]
MOST = 8  # chunks for each job that may wait until those before them are answered
_MOST_TICKERS = 20_000  # names counted at once; the rarest are forgotten


class Reader(Protocol):
    """What tables need of a ``Classifier``. Picklable where there are several jobs."""

    @property
    def checksum(self) -> str:
        """Tells one model from another."""
        ...

    def classify_many(self, texts: Iterable[str | None], *, jobs: int = 1) -> Iterator[Post]:
        """An answer for each text, in order; an empty one for None."""
        ...


@dataclass(frozen=True)
class Model:
    """Which classifier to use, cheap to send to another process."""

    classifier: Reader | None = None
    folder: str | None = None

    @classmethod
    def of(cls, classifier: Reader | None, folder: str | os.PathLike[str] | None) -> Model:
        """From the arguments that users give."""
        if classifier is not None and folder is not None:
            raise InputError("give a classifier or a model folder, not both")
        if classifier is not None and not hasattr(classifier, "classify_many"):
            raise TypeError(
                f"classifier is {classifier!r:.80}, not a Classifier: a folder goes to model="
            )
        return cls(classifier, None if folder is None else os.path.abspath(folder))

    def load(self) -> Reader:
        """The classifier, loaded at most once per process (and again once it is retrained)."""
        if self.classifier is not None:
            return self.classifier
        card = None if self.folder is None else os.path.join(self.folder, "card.json")
        stamp = os.stat(card).st_mtime_ns if card and os.path.exists(card) else 0
        return _loaded(self.folder, stamp)


@lru_cache(maxsize=2)
def _loaded(folder: str | None, stamp: int) -> Reader:
    from ..classifier import Classifier

    return Classifier.bundled() if folder is None else Classifier.load(folder)


@dataclass
class Tally:
    """Counts over answered posts."""

    rows: int = 0
    blank: int = 0
    stance: Counter[str] = field(default_factory=Counter)
    style: Counter[str] = field(default_factory=Counter)
    tickers: Counter[str] = field(default_factory=Counter)

    @classmethod
    def over(cls, posts: Sequence[Post]) -> Tally:
        """The counts of some answers."""
        return cls(
            rows=len(posts),
            blank=sum(not post.text or post.text.isspace() for post in posts),
            stance=Counter(post.stance.label for post in posts if post.stance is not None),
            style=Counter(post.style.label for post in posts if post.style is not None),
            tickers=Counter(s for p in posts if p.tickers for s in {t.symbol for t in p.tickers}),
        )

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> Tally:
        """From ``vars(tally)`` that went through JSON."""
        counts = {name: Counter(state[name]) for name in ("stance", "style", "tickers")}
        return cls(state["rows"], state["blank"], **counts)

    def top_tickers(self, most: int = 10) -> list[tuple[str, int]]:
        """The tickers named by most posts; of equals the alphabetically first."""
        return sorted(self.tickers.items(), key=lambda item: (-item[1], item[0]))[:most]

    def add(self, other: Tally) -> None:
        """Take in other counts."""
        self.rows += other.rows
        self.blank += other.blank
        self.stance.update(other.stance)
        self.style.update(other.style)
        self.tickers.update(other.tickers)
        if len(self.tickers) > _MOST_TICKERS:
            self.tickers = Counter(dict(self.top_tickers(_MOST_TICKERS // 2)))


Answered = tuple[list[T], Tally]


@dataclass(frozen=True)
class Task(Generic[T]):
    """What is done with every chunk: classify, and render each post."""

    model: Model
    render: Callable[[Post], T]

    def begun(self) -> Task[T]:
        """The task itself, once its model is loaded."""
        self.model.load()
        return self

    def __call__(self, texts: Texts) -> Answered[T]:
        """What is rendered for each text, in order, and the counts."""
        posts = list(self.model.load().classify_many(texts))
        return [self.render(post) for post in posts], Tally.over(posts)


def answered(
    task: Task[T], chunks: Iterable[tuple[K, Texts]], jobs: int
) -> Generator[tuple[K, list[T], Tally], None, None]:
    """Each chunk's key with its answers, in order; a bounded number of chunks is under way.

    This process is one of the jobs: it reads and writes, keeps the others in work, and answers
    chunks itself while they have enough, from the first moment, in which they are still starting.
    """
    if jobs == 1:
        for key, texts in chunks:
            yield key, *task(texts)
        return
    others: list[Worker[Texts, Answered[T]]] = []
    waiting: deque[tuple[K, Future[Answered[T]]]] = deque()
    try:
        for key, texts in chunks:
            if len(others) < jobs - 1:
                others.append(Worker(task.begun))
            take_in(others, waiting=False)
            if free := next((worker for worker in others if worker.free), None):
                future = free.give(texts)
            else:
                future = Future()
                future.set_result(task(texts))
            waiting.append((key, future))
            while waiting and (waiting[0][1].done() or len(waiting) > MOST * jobs):
                key, future = waiting.popleft()
                yield key, *_result(future, others)
        while waiting:
            key, future = waiting.popleft()
            yield key, *_result(future, others)
    finally:
        end_all(others)


def _result(future: Future[A], workers: Sequence[Worker[Texts, A]]) -> A:
    while not future.done():
        take_in(workers, waiting=True)
    return future.result()


def posts_of(model: Model, batches: Iterable[Texts], jobs: int) -> Iterator[Post]:
    """The answers to batches of texts, one by one and in order, by several processes."""
    chunks = ((None, [_plain(text) for text in texts]) for texts in batches)
    answers = answered(Task(model, _itself), chunks, workers(jobs))
    return let_go(posts for _, posts, _ in answers)


def _plain(text: str | None) -> str | None:
    """The text without a class of its own, which another process may not know."""
    return text if text is None or type(text) is str else str.__str__(text)


def _itself(post: Post) -> Post:
    return post


def workers(jobs: int) -> int:
    """How many processes ``jobs`` asks for; -1 is one per core.

    More than four per core gain nothing and take 200 MB each: there are never more than that.
    Raises TypeError for what is no whole number, :class:`InputError` for 0, OpgsentError for
    several in a process that may not start any.

    >>> workers(3)
    3
    """
    if isinstance(jobs, bool) or not isinstance(jobs, Integral):  # numpy's integers are some
        raise TypeError(
            f"jobs is {jobs!r:.80}, not a whole number: give 1 or more, or -1 for one per core"
        )
    if jobs == 0:
        raise InputError("jobs is 0: give 1 or more, or -1 for one per core")
    cores = os.cpu_count() or 1
    many = max(1, cores + 1 + int(jobs)) if jobs < 0 else min(int(jobs), 4 * cores)
    if many > 1 and current_process().daemon:  # better here than once a file is begun
        raise OpgsentError(
            f"jobs is {jobs}, and this is a worker process (of multiprocessing.Pool, Celery or the "
            "like) that may not start others: give jobs=1 here, and each worker its own posts"
        )
    return many
