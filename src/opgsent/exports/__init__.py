"""Label files as they come out of the tools: any of them -> a list of Answers.

An Answer is what one annotator said of one post, in the words of the file. What the words mean
is for labels.py. The shapes read here:

===================  ==============================================================
CSV, TSV, Parquet    a row a post; one column each for text, stance, style (or ``label``)
JSON, JSON Lines     an object a post, with the same names
Label Studio JSON    tasks: ``data`` and ``annotations`` (``completions``) with ``result``
Label Studio MIN     an object an annotation: ``annotation_id``, a key for each control
doccano              ``text`` and ``label`` / ``cats`` (names), ``label`` / ``entities`` (spans)
Prodigy              ``answer`` with ``label``, or ``options`` and ``accept``; ``spans``
.zip                 of the above: doccano's export with one file an annotator
===================  ==============================================================
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ..errors import InputError
from ..records import Record, read_records, rejected_lines
from .answers import STANCE_NAMES, STYLE_NAMES, UNSEEN, Answer, Columns, Export, RawSpan
from .doccano import doccano
from .label_studio import label_studio, label_studio_min
from .prodigy import prodigy
from .table import table_names, table_row, without_replaced

__all__ = [
    "STANCE_NAMES", "STYLE_NAMES", "UNSEEN", "Answer", "Columns", "Export", "RawSpan",
    "read_export", "twice",
]  # fmt: skip


def read_export(
    path: str | Path,
    columns: Columns | None = None,
    encoding: str = "utf-8",
    *,
    lenient: bool = False,
) -> Export:
    """Read a label file of any shape listed above.

    Rows count from 1, a CSV's header not counted. Rows that cannot be read are refused, or with
    ``lenient`` left out and told in the Export. Raises InputError that names the file, the row,
    what was seen and what to do.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "labels.csv")
    ...     _ = file.write_text("post,stance\\nup we go,Bull\\n")
    ...     read_export(file).answers[0].names
    (('stance', 'Bull'),)
    """
    path = Path(path)
    wanted = columns or Columns()
    file = read_records(path, encoding, lenient=lenient)
    if not file.rows:
        if file.rejected:
            why = "\n".join(rejected_lines(file.rejected))
            raise InputError(f"{path}: no row can be read; mend it, or export it again\n{why}")
        raise InputError(f"{path}: no rows; give a file with at least one post")
    shape = _shape(record for _, record, _ in file.rows)
    if shape == "table":
        names = table_names(path, (record for _, record, _ in file.rows), wanted, file.doubled)
        unused = names.pop("unused")
        return Export(
            "table",
            tuple(
                table_row(*row, names) for row in without_replaced(file.rows, names["annotator"])
            ),
            {kind: name for kind, name in names.items() if name},
            frozenset(file.doubled),
            tuple(file.rejected),
            unused,
        )
    if file.doubled:  # a tool writes none
        raise InputError(twice(path, min(file.doubled)))
    read = _READERS[shape]
    found: list[Answer] = []
    for row, record, who in file.rows:
        try:
            found += read(row, record, who, wanted)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{path}, row {row}: not as {shape} writes it ({type(error).__name__}: "
                f"{error!s:.80}); export it again, or give a CSV with text and stance or style"
            ) from None
    return Export(shape, tuple(found), {}, rejected=tuple(file.rejected))


def twice(path: str | Path, column: str) -> str:
    """What is said of a column that is asked for and stands twice in a file.

    >>> twice("labels.csv", "text")
    "labels.csv: column 'text' stands twice; rename one"
    """
    return f"{path}: column {column!r:.60} stands twice; rename one"


_READERS = {
    "label studio": label_studio,
    "label studio min": label_studio_min,
    "doccano": doccano,
    "prodigy": prodigy,
}


def _shape(records: Iterable[Record]) -> str:
    """The tool that wrote the records, by the first of them."""
    record = next(iter(records))
    if isinstance(record.get("data"), dict):  # a task to be labelled has nothing else
        return "label studio"
    if "annotation_id" in record and "annotator" in record:
        return "label studio min"
    if record.get("answer") in ("accept", "reject", "ignore"):
        return "prodigy"
    if any(isinstance(record.get(name), list) for name in ("label", "labels", "cats", "entities")):
        return "doccano"
    return "table"
