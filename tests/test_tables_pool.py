"""Several processes: answers in order, whoever is first; counts; models loaded once."""

from __future__ import annotations

import multiprocessing
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from opgsent import classify_many, score_frame
from opgsent.errors import InputError, OpgsentError
from opgsent.result import MISSING, Post
from opgsent.tables import pool
from opgsent.tables.columns import Columns
from opgsent.tables.pool import Model, Tally, Task, answered, posts_of, workers
from tables_fake import FakeClassifier, scored

FAKE = FakeClassifier()
MANY = b"text\n" + b"ab\n" * 199  # a worker is up before they are all answered


class Jittery(FakeClassifier):
    """Takes its time with some batches, so that later ones overtake them."""

    def classify_many(self, texts: Iterable[str | None], *, jobs: int = 1) -> Iterator[Post]:
        time.sleep(random.random() / 20)
        return super().classify_many(texts)


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_answers_come_in_order_whoever_is_first(jobs: int) -> None:
    batches = [[f"$A {n}", None] for n in range(40)]
    posts = list(posts_of(Model(Jittery()), batches, jobs))
    expected = [post for n in range(40) for post in (FAKE.classify(f"$A {n}"), MISSING)]
    assert posts == expected


def test_this_process_answers_while_the_others_start() -> None:
    task, where = Task(Model(FakeClassifier(delay=0.02)), _pid), []
    for _, pids, _ in answered(task, ((None, ["ab"]) for _ in range(199)), 2):
        where += pids
    assert os.getpid() in where and len(set(where)) == 2


def _pid(post: Post) -> int:
    return os.getpid()


def test_only_so_many_batches_are_under_way() -> None:
    taken = 0

    def batches() -> Iterator[tuple[int, list[str | None]]]:
        nonlocal taken
        for taken in range(1, 1000):
            yield taken, ["ab"]

    answers = answered(Task(Model(FAKE), Columns().cells), batches(), 2)
    key, rendered, tally = next(answers)
    assert (key, len(rendered), tally.rows) == (1, 1, 1)
    assert taken <= 1 + pool.MOST * 2
    answers.close()


def test_an_error_in_a_worker_is_the_error_here(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        scored(tmp_path, MANY, classifier=Broken(), jobs=2, chunk_rows=1)
    assert [p.name for p in tmp_path.iterdir()] == ["posts.csv"]


class Broken(FakeClassifier):
    """Takes its time, and fails in a worker."""

    def classify(self, text: str) -> Post:
        if os.getpid() != self.home:
            raise ZeroDivisionError(text)
        time.sleep(0.02)
        return super().classify(text)


class Interrupted(FakeClassifier):
    """Reaches its worker together with Ctrl-C, before the worker is ready for either."""

    def __reduce__(self) -> Any:
        return _interrupted, ()


def _interrupted() -> FakeClassifier:
    os.kill(os.getpid(), signal.SIGINT)
    return FakeClassifier(delay=0.02)


@pytest.mark.skipif(sys.platform == "win32", reason="signals to a process are POSIX")
def test_ctrl_c_does_not_hit_a_worker_that_starts() -> None:
    code = (  # in a fresh process: what starts with the first workers has a hand in signals
        f"import sys; sys.path[:0] = {sys.path!r}; import test_tables_pool as t; "
        "task = t.Task(t.Model(t.Interrupted(delay=0.02)), t._pid); "
        "print(len({p for _, ps, _ in t.answered(task, [(0, ['ab'])] * 199, 2) for p in ps}))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (run.stdout, run.stderr) == ("2\n", "")


class Mine(str):
    """Text of a class that a worker need not know."""

    __slots__ = ()

    def __reduce__(self) -> Any:
        return __import__, ("no_such_module",)


def test_texts_may_be_of_a_class_of_their_own() -> None:
    posts = list(posts_of(Model(FakeClassifier(delay=0.02)), [[Mine("ab")]] * 99, 2))
    assert posts == [FAKE.classify("ab")] * 99


def test_counts_are_the_same_in_parts_and_at_once() -> None:
    posts = [FAKE.classify(text) for text in ("$A $A $B", "$B", "", " \n", "abcd")] + [MISSING]
    whole, parts = Tally.over(posts), Tally()
    for post in posts:
        parts.add(Tally.over([post]))
    assert parts == whole
    assert (whole.rows, whole.blank) == (6, 3)
    assert whole.stance.total() == 5
    assert whole.top_tickers() == [("B", 2), ("A", 1)]
    assert Tally.of(vars(whole)) == whole


def test_counts_of_tickers_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "_MOST_TICKERS", 10)
    tally = Tally()
    for n in range(100):
        tally.add(Tally.over([FAKE.classify(f"$USUAL ${'ABCDEFGHIJ'[n % 10]}{'K' * (n // 10)}")]))
    assert len(tally.tickers) <= 10
    assert tally.top_tickers(1) == [("USUAL", 100)]


def test_numbers_of_processes() -> None:
    assert workers(1) == 1
    assert workers(-1) == (os.cpu_count() or 1)
    with pytest.raises(InputError, match="jobs is 0"):
        workers(0)
    assert workers(10**9) == 4 * (os.cpu_count() or 1)
    assert workers(-(10**9)) == 1
    assert type(workers(np.int64(1))) is int  # type: ignore[arg-type]


@pytest.mark.parametrize("jobs", ["2", 2.5, 1.0, True, None, [2]])
def test_jobs_that_are_no_number_are_named(jobs: Any, tmp_path: Path) -> None:
    says = re.escape(f"jobs is {jobs!r}, not a whole number: give 1 or more, or -1")
    with pytest.raises(TypeError, match=says):
        classify_many(["gm"], jobs=jobs)  # at once, not when the first answer is asked for
    with pytest.raises(TypeError, match=says):
        scored(tmp_path, b"text\nab\n", classifier=FAKE, jobs=jobs)
    with pytest.raises(TypeError, match=says):
        score_frame(pd.DataFrame({"text": ["ab"]}), classifier=FAKE, jobs=jobs)
    assert [p.name for p in tmp_path.iterdir()] == ["posts.csv"]


def test_a_folder_in_place_of_a_classifier_is_named(tmp_path: Path) -> None:
    wrong: Any = "my-model"
    with pytest.raises(TypeError, match="classifier is 'my-model', not a Classifier: a folder"):
        scored(tmp_path, b"text\nab\n", classifier=wrong)
    with pytest.raises(TypeError, match="classifier is 'my-model', not a Classifier: a folder"):
        score_frame(pd.DataFrame({"text": ["ab"]}), classifier=wrong)
    assert [p.name for p in tmp_path.iterdir()] == ["posts.csv"]


def test_a_worker_of_another_pool_is_told_to_give_one_job() -> None:
    with multiprocessing.get_context("spawn").Pool(1) as outer:  # its processes are daemons
        said, alone = outer.map(_said_of_jobs, [2, 1])
    assert said.startswith("jobs is 2, and this is a worker process") and "give jobs=1" in said
    assert alone == "1"


def _said_of_jobs(jobs: int) -> str:
    try:
        return str(workers(jobs))
    except OpgsentError as error:
        return str(error)


def test_a_model_is_loaded_once_and_again_when_it_was_retrained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from opgsent.classifier import Classifier

    loaded: list[Any] = []

    def load(folder: str) -> FakeClassifier:
        loaded.append(folder)
        return FakeClassifier()

    monkeypatch.setattr(Classifier, "load", load)
    card = tmp_path / "card.json"
    card.write_text("{}")
    os.utime(card, (1, 1))
    first = Model.of(None, tmp_path).load()
    assert Model.of(None, str(tmp_path)).load() is first
    os.utime(card, (2, 2))
    assert Model.of(None, tmp_path).load() is not first
    assert loaded == [str(tmp_path)] * 2


MEMORY = """
import resource, sys
sys.path[:0] = {path!r}
from opgsent.tables import score_file
from tables_fake import FakeClassifier
POST = FakeClassifier().classify("$A 5")
class Quick(FakeClassifier):
    def classify_many(self, texts, *, jobs=1):
        return iter([POST] * len(texts))
score_file(sys.argv[1], sys.argv[1] + ".out" + sys.argv[2], classifier=Quick())
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["x.csv", "x.jsonl", "x.parquet"])
def test_memory_does_not_grow_with_the_file(tmp_path: Path, name: str) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    peaks = []
    for rows in (20_000, 300_000):
        path = tmp_path / f"{rows}{name}"
        if name == "x.csv":
            path.write_bytes(b"id,text\n" + b'1,"a post\nof two lines"\n' * rows)
        elif name == "x.jsonl":
            path.write_bytes(b'{"id": 1, "text": "a post of one line"}\n' * rows)
        else:
            pq.write_table(pa.table({"text": [f"a post {n}" for n in range(rows)]}), path)
        code = MEMORY.format(path=sys.path)
        command = [sys.executable, "-c", code, str(path), path.suffix]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        peaks.append(int(said))
    small, large = peaks
    assert large - small < 40_000, f"{small} KiB for 20,000 rows, {large} KiB for 300,000"
