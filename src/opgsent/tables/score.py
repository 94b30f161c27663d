"""``score_file``: a file of posts in, the same file with the score columns out."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Sequence

from ..errors import InputError
from .columns import Columns
from .delimited import Delimited
from .job import CHUNK_ROWS, Job, Progress
from .jsonlines import JsonLines
from .pool import Model, Reader, workers
from .rows import TextFormat
from .source import Lines, Source
from .summary import ScoreSummary, is_rejects, rejects_path
from .target import descriptor, is_file
from .textrun import score_rows

Path = str | os.PathLike[str]

_KINDS = {
    ".csv": "delimited", ".tsv": "delimited", ".tab": "delimited", ".txt": "delimited",
    ".jsonl": "json lines", ".ndjson": "json lines", ".json": "json lines",
    ".parquet": "parquet", ".pq": "parquet",
}  # fmt: skip
_TABS = {".tsv", ".tab"}  # .csv and .txt go for any delimiter

#: names that promise what is not written here
_NOT_WRITTEN = (
    ".xlsx", ".xlsm", ".xls", ".ods", ".feather", ".arrow", ".avro", ".orc",
    ".bz2", ".xz", ".zip", ".7z", ".lz4", ".br", ".rar",
)  # fmt: skip
_UNPACK = "unpack it first, or pack it again as .gz or .zst"
_SAVE = "open it in the spreadsheet program and save it as CSV (UTF-8)"
#: the first bytes of what is not read here: what it is, what to do
_NOT_READ = (
    (rb"PK\x03\x04", f"an Excel workbook (.xlsx) or another zip file; a workbook: {_SAVE}"),
    (rb"\xd0\xcf\x11\xe0", f"an old Excel workbook (.xls): {_SAVE}"),
    (rb"BZh[1-9](1AY&SY|\x17rE8P\x90)", f"compressed with bzip2: {_UNPACK}"),
    (rb"\xfd7zXZ\0", f"compressed with xz: {_UNPACK}"),
    (rb"7z\xbc\xaf\x27\x1c", f"compressed with 7z: {_UNPACK}"),
)


def score_file(
    src: Path,
    dst: Path,
    text: str = "text",
    *,
    classifier: Reader | None = None,
    model: Path | None = None,
    jobs: int = 1,
    encoding: str = "utf-8",
    prefix: str = "",
    columns: Sequence[str] | None = None,
    sure: bool = False,
    long: bool = False,
    resume: bool = False,
    progress: Progress | None = None,
    chunk_rows: int = CHUNK_ROWS,
) -> ScoreSummary:
    """Score every post of a file and write the file again with the score columns behind.

    ``src`` is CSV, TSV, JSON Lines or Parquet, plain, .gz or .zst, or ``-`` for standard input;
    ``dst`` keeps its format, dialect and encoding and is compressed as its name says. Every
    input row keeps its place and its cells. A row that cannot be read has empty scores and is
    copied to ``<dst>.rejected.csv`` with its line and the reason.

    ``columns`` names the score columns to write (all by default), ``sure`` adds whether each
    verdict passes the documented threshold, ``long`` writes one row per ticker or level,
    ``prefix`` begins the names of our columns. ``jobs`` is a number of processes (-1: one per
    core, and never more than four per core). ``progress`` is called with rows done, bytes read
    and bytes in all (None for a pipe).

    ``dst`` appears whole, in one step, or stays as it was. With ``resume`` a run that is
    stopped keeps what it finished, and goes on from there where an earlier run left some.

    Raises :class:`OpgsentError` (:class:`InputError` for what is wrong with the input) with
    what was seen and what to do. Memory is bounded whatever the file's size.

    >>> import tempfile
    >>> from pathlib import Path
    >>> from opgsent import score_file
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "posts.csv").write_text("id,text\\n7,$BTC to the moon\\n")
    >>> summary = score_file(folder / "posts.csv", folder / "scored.csv", columns=["tickers"])
    >>> summary.rows, (folder / "scored.csv").read_text()
    (1, 'id,text,tickers\\n7,$BTC to the moon,BTC\\n')
    """
    for name, value in (("text", text), ("encoding", encoding)):
        if not isinstance(value, str):
            raise TypeError(f"{name} is {value!r:.80}, not a str")
    dst = _path(dst)
    job = Job(
        src=_path(src),
        dst="-" if descriptor(dst) == 1 else dst,
        text=text,
        columns=Columns.choose(columns, prefix=prefix, sure=sure, long=long),
        model=Model.of(classifier, model),
        jobs=workers(jobs),
        resume=resume,
        progress=progress or (lambda rows, done, total: None),
        chunk_rows=max(1, chunk_rows),
    )
    _refuse_name(job.dst)
    source = Source(job.src)
    try:
        _refuse_same(source, job.dst)
        _refuse_theirs(job.dst)
        kind = _kind(job.src, job.dst, source)
        job.model.load()
        if kind == "parquet":
            try:
                from .parquet import score_parquet
            except ImportError:
                raise InputError("Parquet needs the extra: pip install opgsent[parquet]") from None
            return score_parquet(source, job)
        with source.reading():
            form = _format(kind, Lines(source, encoding), source.name, job)
        return score_rows(source, form, job)
    finally:
        source.close()


def _path(path: Path) -> str:
    """A path as text; the system's own errors for names that no file has say nothing of them."""
    name = os.fsdecode(path)
    try:
        possible = b"\0" not in os.fsencode(name)
    except UnicodeEncodeError:  # a lone surrogate
        possible = False
    if not possible:
        raise InputError(f"no file can be called {name!r:.80}: give another name")
    return name


def _format(kind: str, lines: Lines, name: str, job: Job) -> TextFormat:
    if kind == "json lines":
        return JsonLines(lines, name, job.text, job.columns)
    prefer = "\t" if {_suffix(job.src), _suffix(job.dst)} & _TABS else ","
    form = Delimited(lines, name, job.text, job.columns, prefer)
    delimiter = form.dialect.delimiter
    if _suffix(job.dst) in _TABS and delimiter != "\t":
        raise InputError(
            f"{name} is delimited by {delimiter!r} and {job.dst} is named like tabs: "
            "the output keeps the delimiter of the input; name it .csv or .txt"
        )
    return form


def _kind(src: str, dst: str, source: Source) -> str:
    """The format of the input, by its name or else by its first bytes."""
    start = source.start()
    for magic, what in _NOT_READ:
        if re.match(magic, start):
            raise InputError(f"{source.name} is {what}")
    kind = _KINDS.get(_suffix(src)) or _kind_inside(start)
    wanted = _KINDS.get(_suffix(dst), kind)
    if wanted != kind:
        raise InputError(
            f"{source.name} is {kind} and {dst} is named like {wanted}: "
            "the output keeps the format of the input"
        )
    return kind


def _suffix(path: str) -> str:
    """The suffix that names the format: that of ``posts.csv.gz`` is ``.csv``."""
    stem, suffix = os.path.splitext(path.lower())
    return os.path.splitext(stem)[1] if suffix in (".gz", ".zst") else suffix


def _kind_inside(start: bytes) -> str:
    if start.startswith(b"PAR1"):
        return "parquet"
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    return "json lines" if text.startswith((b'{"', b"{ ", b"{}")) else "delimited"


def _refuse_name(dst: str) -> None:
    """Refuse an output whose name promises another format or compression."""
    suffix = os.path.splitext(dst)[1]
    if suffix.lower() in _NOT_WRITTEN:
        raise InputError(
            f"cannot write {dst}: {suffix} is not written; name it .csv, .tsv, .jsonl or .parquet "
            "as the input is, with .gz or .zst behind to have it compressed"
        )


def _refuse_same(source: Source, dst: str) -> None:
    """Refuse to write over what is read."""
    for path in ("/dev/stdout",) if dst == "-" else (dst, rejects_path(dst)):
        if source.is_file(path):
            raise InputError(f"{path} is the input: name another output")


def _refuse_theirs(dst: str) -> None:
    """Refuse an output whose rejected rows could not be copied, or over a file that is not ours."""
    path = rejects_path(dst)
    if not is_file(dst):
        return
    try:
        os.lstat(path)
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise InputError(
                f"{path} would take the rejected rows and its name is too long: "
                "give the output a shorter one"
            ) from None
    if os.path.exists(path) and not is_rejects(path):
        raise InputError(
            f"{path} would take the rejected rows and is not a file of opgsent: "
            "move it away, or name another output"
        )
