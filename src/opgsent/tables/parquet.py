"""Parquet: the columns, types and metadata of the input, and the score columns behind."""

from __future__ import annotations

import contextlib
import io
import itertools
import shutil
import tempfile
import time
from collections.abc import Iterator
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import InputError
from . import arrow
from .columns import no_posts
from .job import Job
from .pool import Tally, Task, Texts, answered
from .source import Source
from .summary import Rejects, ScoreSummary, summarised
from .target import Target, is_file, opened

BATCH_ROWS, BATCH_BYTES = 1024, 1 << 22  # read and answered at once
GROUP_ROWS, GROUP_BYTES = 16_384, 1 << 25  # of a row group


def score_parquet(source: Source, job: Job) -> ScoreSummary:
    """Score all rows of a Parquet file into ``job.dst``."""
    if job.resume:
        raise InputError(
            "a Parquet file cannot be resumed: its index is written last, so an unfinished one "
            "cannot be continued; run without --resume, or use CSV or JSON Lines"
        )
    started = time.monotonic()
    with _seekable(source) as file:
        try:
            parquet = pq.ParquetFile(
                file,
                pre_buffer=False,
                buffer_size=1 << 20,
                coerce_int96_timestamp_unit="us",  # nanoseconds overflow before 1677 and after 2262
            )
        except (pa.ArrowException, OSError) as error:
            raise InputError(f"{source.name} cannot be read as Parquet: {error}") from None
        run = _Run(parquet, source, job)
        try:
            run.score()
        except BaseException:
            run.abandon()
            raise
    return summarised(run.tally, run.rejects, job.dst, time.monotonic() - started)


@contextlib.contextmanager
def _seekable(source: Source) -> Iterator[IO[bytes]]:
    """The Parquet bytes as a file that can be read from its end."""
    if source.total is not None and not source.compressed:
        yield source.stream
        return
    with tempfile.TemporaryFile() as spool, source.reading():
        shutil.copyfileobj(source.stream, spool, 1 << 20)
        spool.seek(0)
        yield spool


class _Run:
    """A Parquet file on its way from the input to the output."""

    def __init__(self, parquet: pq.ParquetFile, source: Source, job: Job) -> None:
        name, total = source.name, source.total
        schema = parquet.schema_arrow
        job.columns.check_free(schema.names, name)
        if job.text not in schema.names:
            raise no_posts(name, job.text, schema.names)
        if schema.names.count(job.text) > 1:
            raise InputError(f"{name} has several columns {job.text!r}; rename all but one")
        self._at = schema.names.index(job.text)
        arrow.check_text(schema.field(self._at), name)
        self._parquet, self._name, self._job = parquet, name, job
        self._schema = arrow.schema_with(schema, job.columns)
        meta = parquet.metadata
        self._rows, self._bytes = max(1, meta.num_rows), total or 0
        groups = [meta.row_group(i) for i in range(meta.num_row_groups)]
        row_bytes = sum(g.total_byte_size for g in groups) // max(1, meta.num_rows) + 1
        self._batch_rows = max(1, min(BATCH_ROWS, BATCH_BYTES // row_bytes))
        self._group_rows = max(1, min(GROUP_ROWS, GROUP_BYTES // row_bytes))
        self._waiting: list[pa.RecordBatch] = []
        self.tally, self._target = Tally(), opened(job.dst)
        self.rejects = Rejects(job.dst if is_file(job.dst) else None)
        codec = groups[0].column(0).compression if groups else "SNAPPY"
        self._codec = "NONE" if codec == "UNCOMPRESSED" else codec
        self._writer: pq.ParquetWriter | None = None

    def score(self) -> None:
        """Read, answer and write everything."""
        job, rows = self._job, 0
        sink = _Sink(self._target)
        self._writer = writer = pq.ParquetWriter(sink, self._schema, compression=self._codec)
        task = Task(job.model, job.columns.values)
        with contextlib.closing(answered(task, self._chunks(), job.jobs)) as answers:
            for (batch, rejected), rendered, tally in answers:
                self.tally.add(tally)
                for at, (reason, raw) in rejected.items():
                    self.rejects.add(rows + at + 1, reason, raw)
                filled = arrow.with_gaps(rendered, rejected, job.columns)
                self._waiting.append(arrow.appended(batch, filled, job.columns, self._schema))
                self._write_groups(writer, self._group_rows)
                rows += batch.num_rows
                job.progress(rows, self._bytes * rows // self._rows, self._bytes or None)
        self._write_groups(writer, 1)
        writer.close()
        self.rejects.commit()
        self._target.commit()

    def _chunks(self) -> Iterator[tuple[tuple[pa.RecordBatch, dict[int, tuple[str, str]]], Texts]]:
        for batch in self._batches():
            texts, rejected = arrow.texts_of(batch.column(self._at))
            yield (batch, rejected), [t for at, t in enumerate(texts) if at not in rejected]

    def _batches(self) -> Iterator[pa.RecordBatch]:
        batches = itertools.chain.from_iterable(
            self._parquet.iter_batches(self._batch_rows, row_groups=groups, use_threads=False)
            for groups in self._groups_at_once()
        )
        while True:
            try:
                batch = next(batches, None)
            except (pa.ArrowException, OSError) as error:
                raise InputError(f"{self._name} is damaged: {error}") from None
            if batch is None:
                return
            yield batch

    def _groups_at_once(self) -> list[list[int]]:
        """The row groups that batches may span: all, or each alone for a dictionary inside a list
        or struct, which Arrow cannot read across groups.
        """
        groups = list(range(self._parquet.num_row_groups))
        kinds = [kind for kind in self._parquet.schema_arrow.types if pa.types.is_nested(kind)]
        alone = any("dictionary<" in str(kind) for kind in kinds)
        return [[group] for group in groups] if alone else [groups]

    def _write_groups(self, writer: pq.ParquetWriter, least: int) -> None:
        """Write what is waiting in row groups of one size, once there are ``least`` rows."""
        while (waiting := sum(batch.num_rows for batch in self._waiting)) >= least:
            table = pa.Table.from_batches(self._waiting)
            try:
                table = table.unify_dictionaries().combine_chunks()
            except pa.ArrowInvalid:  # no index of their type counts the words of all of them
                for batch in self._waiting:
                    writer.write_batch(batch)
                self._waiting = []
                break
            group = table.slice(0, self._group_rows)
            writer.write_table(group, row_group_size=self._group_rows)
            self._waiting = table.slice(group.num_rows).to_batches()
            if waiting == group.num_rows:
                break

    def abandon(self) -> None:
        """Leave what stood there before."""
        with contextlib.suppress(Exception):  # the error that led here is the one to tell
            if self._writer:
                self._writer.close()
        self._target.abandon()
        self.rejects.abandon()


class _Sink(io.RawIOBase):
    """A target as the file object that Arrow wants."""

    def __init__(self, target: Target) -> None:
        self._target, self._done = target, 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._done

    def write(self, data: Any) -> int:
        self._target.write(bytes(data))
        self._done += len(data)
        return len(data)
