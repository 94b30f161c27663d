"""A run over a text format: rows in, rows with scores out, resumable block by block."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import islice
from typing import Any

from .. import __version__
from ..errors import InputError
from .job import CHUNK_CHARS, Job
from .journal import Journal
from .pool import Tally, Task, Texts, answered
from .rows import Row, TextFormat
from .source import Source
from .summary import Rejects, ScoreSummary, summarised
from .target import Target, changed, is_file, opened, reopened

BLOCK_ROWS = 4096  # a run can go on at every multiple of this


def score_rows(source: Source, form: TextFormat, job: Job) -> ScoreSummary:
    """Score all rows of an opened text format into ``job.dst``."""
    started = time.monotonic()
    run = _Run(form, job)
    try:
        rows = _read(source, form)
        resumed = run.begin(rows)
        task = Task(job.model, form.render)
        chunks = ((chunk, _texts(chunk)) for chunk in _chunks(rows, job.chunk_rows))
        with closing(answered(task, chunks, job.jobs)) as answers:
            for chunk, rendered, tally in answers:
                run.write(chunk, rendered, tally)
                job.progress(run.tally.rows + run.rejects.count, source.position, source.total)
        run.commit()
    except BaseException:
        run.abandon()
        raise
    return summarised(run.tally, run.rejects, job.dst, time.monotonic() - started, resumed)


def _read(source: Source, form: TextFormat) -> Iterator[Row]:
    with source.reading():
        yield from form.rows()


def _chunks(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    """Rows in lists of at most ``size``, none of which crosses the end of a block."""
    chunk: list[Row] = []
    chars = 0
    for count, row in enumerate(rows, 1):
        chunk.append(row)
        chars += len(row.body)
        if len(chunk) >= size or chars >= CHUNK_CHARS or count % BLOCK_ROWS == 0:
            yield chunk
            chunk, chars = [], 0
    if chunk:
        yield chunk


def _texts(chunk: list[Row]) -> Texts:
    return [row.text for row in chunk if row.scored]


class _Run:
    """The output of a run and how far it is."""

    def __init__(self, form: TextFormat, job: Job) -> None:
        self._form, self._keep = form, job.resume
        self._digest = hashlib.blake2b(digest_size=16)
        self._done, self.tally = 0, Tally()
        file = is_file(job.dst)
        if job.resume and not file:
            raise InputError("only a file can be resumed: name one with -o")
        self._journal = Journal(job.dst) if file else None
        self._setup = _setup(form, job)
        self._state = self._journal.read(self._setup) if self._journal and job.resume else None
        if self._state:
            mark, complete = tuple(self._state["output"]), self._state["complete"]
            self._target: Target = reopened(job.dst, mark, complete)
            self.rejects = Rejects(job.dst, self._state["rejects"], complete)
        else:
            self._target = opened(job.dst)
            self.rejects = Rejects(job.dst if file else None)
            if self._journal:
                self._journal.remove()

    def begin(self, rows: Iterator[Row]) -> int:
        """Write the head; or pass over the rows an earlier run finished, and say how many."""
        if not self._state:
            self._target.write(self._form.head.encode(self._form.encoding, "replace"))
            return 0
        for row in islice(rows, self._state["done"]):
            self._take([row])
        if self._digest.hexdigest() != self._state["digest"]:
            raise changed("the run", "the input")
        if self._state["complete"] and next(rows, None):
            raise changed("the run", "the input is longer")
        self.tally = Tally.of(self._state["tally"])
        return self.tally.rows + self.rejects.count

    def _take(self, chunk: list[Row]) -> None:
        read = "".join([f"{row.body}{row.raw}{row.end}" for row in chunk])
        self._digest.update(read.encode("utf-8", "surrogatepass"))
        self._done += len(chunk)

    def write(self, chunk: list[Row], rendered: list[list[str]], tally: Tally) -> None:
        """Write answered rows, and the rows between them that have no answer."""
        self._take(chunk)
        self.tally.add(tally)
        answers, out = iter(rendered), list[str]()
        empty, newline = self._form.render.empty, self._form.newline
        for row in chunk:
            if row.scored:
                *more, last = next(answers)
                out += [f"{row.body}{scores}{row.end or newline}" for scores in more]
                out.append(f"{row.body}{last}{row.end}")
            elif row.reason is None:
                out.append(row.body + row.end)
            else:
                out.append(row.body + empty + row.end)
                self.rejects.add(row.line, row.reason, row.raw)
        self._target.write("".join(out).encode(self._form.encoding, "replace"))
        if self._done % BLOCK_ROWS == 0:
            self._checkpoint()

    def _checkpoint(self, complete: bool = False) -> None:
        """Note how far the run is."""
        mark = self._target.mark()
        if self._journal:
            self._journal.write(
                {
                    "setup": self._setup,
                    "done": self._done,
                    "complete": complete,
                    "digest": self._digest.hexdigest(),
                    "output": mark,
                    "rejects": self.rejects.state(),
                    "tally": vars(self.tally),
                }
            )

    def commit(self) -> None:
        """Everything is written: put it in place. A run that is stopped meanwhile only has to
        do that when it goes on, with what is not in place yet.
        """
        self._checkpoint(complete=True)
        self.rejects.commit()
        self._target.commit()
        if self._journal:
            self._journal.remove()

    def abandon(self) -> None:
        """Leave what stood there before, and nothing else unless the run may be resumed."""
        if self._journal and not self._keep:  # first: what is left without it is taken over
            self._journal.remove()
        self._target.abandon(self._keep)
        self.rejects.abandon(self._keep)


def _setup(form: TextFormat, job: Job) -> dict[str, Any]:
    """All that decides about the bytes of the output, apart from the rows."""
    return {
        "opgsent version": __version__,
        "model": job.model.load().checksum,
        "text column": job.text,
        "score columns": list(job.columns.titles),
        "long": job.columns.long,  # which has no titles of its own beside --columns stance
        "encoding": form.encoding,
        "header": form.head,
    }
