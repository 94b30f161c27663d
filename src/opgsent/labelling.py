"""Labelling in the terminal: one post at a time, a key for each label.

Every answer is one line of JSON, appended with a single write and flushed to the disk, so that
whatever happens the file holds whole answers; undo cuts the last line off. A later run passes
over the posts that the file already has. ``opgsent train`` reads the file as it is.
"""

from __future__ import annotations

import errno
import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .corpus import LabelledPost
from .errors import InputError
from .result import LABELS
from .terminal import printable

#: question -> key -> label
KEYS: dict[str, dict[str, str]] = {
    "stance": {"b": "bullish", "e": "bearish", "n": "neutral"},
    "style": {"a": "analytical", "h": "hype", "o": "other"},
}
UNDO, SKIP, QUIT = "u", "s", "q"
MAX_SHOWN = 5_000  # characters of a post on the screen

ReadKey = Callable[[], str]  # the next key, '' at the end
Write = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Tally:
    """Where a labelling stands: posts labelled, skipped and still to do, all runs together."""

    labelled: int
    skipped: int
    left: int


class Session:
    """The posts to label and the file of answers, kept in step.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     session = Session([LabelledPost("1", "up"), LabelledPost("2", "?")],
    ...                       Path(folder, "mine.jsonl"))
    ...     session.save(session.next(), {"stance": "bullish"})
    ...     session.next().id, session.undo(), session.next().id
    ('2', True, '1')
    """

    def __init__(self, posts: Sequence[LabelledPost], path: str | Path) -> None:
        """Take up ``path`` where it stopped; raises InputError for a file of something else."""
        self.path = Path(path)
        self._posts = list(posts)
        self._lines: list[tuple[tuple[str, str], int, bool]] = []  # post, offset, was skipped
        self._read()
        self._done = {key for key, _, _ in self._lines}

    def _read(self) -> None:
        if not self.path.exists():
            return
        try:
            raw = self.path.read_bytes()
        except OSError as error:
            raise InputError(f"{self.path}: cannot be read ({error.strerror})") from None
        offset = 0
        for row, line in enumerate(raw.splitlines(keepends=True), 1):
            try:
                record = json.loads(line)
                key = (str(record["id"]), str(record["text"]))
            except (ValueError, KeyError, TypeError, RecursionError):
                if offset + len(line) == len(raw) and not line.endswith(b"\n"):
                    self._cut(offset)  # a line that a power cut left unfinished
                    return
                raise InputError(
                    f"{self.path}, row {row}: not a line of opgsent label; name another output"
                ) from None
            if not record.get("skipped") and not any(map(record.get, LABELS)):
                # the file of the posts itself, say: all of it would count as labelled
                raise InputError(
                    f"{self.path}, row {row}: a post with no answer, so not a line of opgsent "
                    "label; name another output"
                )
            self._lines.append((key, offset, bool(record.get("skipped"))))
            offset += len(line)
        if raw and not raw.endswith(b"\n"):  # an editor left the last line end away
            self._append(b"\n")

    @property
    def tally(self) -> Tally:
        """How many posts are done and left."""
        mine = {_key(post) for post in self._posts}
        done = [skipped for key, _, skipped in self._lines if key in mine]
        return Tally(done.count(False), done.count(True), len(mine - self._done))

    def next(self) -> LabelledPost | None:
        """The first post without an answer; None when all have one."""
        return next((post for post in self._posts if _key(post) not in self._done), None)

    def save(self, post: LabelledPost | None, labels: Mapping[str, str] | None) -> None:
        """Append an answer: question -> label, None for a skipped post. Nothing for no post.

        Raises InputError when the file cannot be written; it then holds what it held before.
        """
        if post is None:
            return
        record: dict[str, object] = {"id": post.id, "row": post.row, "text": post.text}
        record |= {question: (labels or {}).get(question) for question in LABELS}
        if labels is None:
            record["skipped"] = True
        offset = self._append(json.dumps(record).encode() + b"\n")
        self._lines.append((_key(post), offset, labels is None))
        self._done.add(_key(post))

    def _append(self, line: bytes) -> int:
        """Write at the end of the file, whole or not at all; returns the offset."""
        try:
            handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            try:
                offset = os.fstat(handle).st_size
                if os.write(handle, line) != len(line):
                    os.ftruncate(handle, offset)
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            raise InputError(f"{self.path}: cannot be written ({error.strerror})") from None
        return offset

    def _cut(self, offset: int) -> None:
        try:
            os.truncate(self.path, offset)
        except OSError as error:
            raise InputError(f"{self.path}: cannot be written ({error.strerror})") from None

    def undo(self) -> bool:
        """Take the last answer back, also one of an earlier run; False where there is none."""
        mine = {_key(post) for post in self._posts}
        if not self._lines or self._lines[-1][0] not in mine:
            return False
        key, offset, _ = self._lines.pop()
        self._cut(offset)
        if key not in {other for other, _, _ in self._lines}:
            self._done.discard(key)
        return True


def _key(post: LabelledPost) -> tuple[str, str]:
    return post.id, post.text


def label_posts(
    session: Session,
    read_key: ReadKey,
    write: Write,
    *,
    questions: Sequence[str] = ("stance", "style"),
) -> Tally:
    """Walk through the posts of a session until they or the keys end; returns where it stands.

    Keys: b / e / n for stance, a / h / o for style, u undo, s skip, q quit. ``read_key`` gives
    one key at a time, '' at the end; ``write`` takes text for the screen. A post is saved once
    all its questions are answered. Raises InputError when the file cannot be written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     session = Session([LabelledPost("1", "up"), LabelledPost("2", "?")],
    ...                       Path(folder, "mine.jsonl"))
    ...     label_posts(session, iter("bhsq").__next__, lambda text: None)
    Tally(labelled=1, skipped=1, left=0)
    """
    try:
        while (post := session.next()) is not None:
            tally = session.tally
            write(
                f"\n--- {tally.labelled + tally.skipped + 1} of "
                f"{tally.labelled + tally.skipped + tally.left}, row {post.row}\n"
                f"{printable(post.text[:MAX_SHOWN])}\n\n"
            )
            if not _ask(session, post, read_key, write, questions):
                break
    except KeyboardInterrupt:
        write("\n")
    return session.tally


def _ask(
    session: Session,
    post: LabelledPost,
    read_key: ReadKey,
    write: Write,
    questions: Sequence[str],
) -> bool:
    """Ask all questions of one post; False to stop."""
    labels: dict[str, str] = {}
    while len(labels) < len(questions):
        question = questions[len(labels)]
        choices = "  ".join(f"{key} {label}" for key, label in KEYS[question].items())
        write(f"{question}: {choices}   ({UNDO} undo, {SKIP} skip, {QUIT} quit) ")
        key = _one_of((*KEYS[question], UNDO, SKIP, QUIT), read_key)
        write(f"{KEYS[question].get(key, {UNDO: 'undo', SKIP: 'skip'}.get(key, 'quit'))}\n")
        if key in KEYS[question]:
            labels[question] = KEYS[question][key]
        elif key == SKIP:
            session.save(post, None)
            return True
        elif key != UNDO:
            return False
        elif labels:
            labels.popitem()
        elif session.undo():
            return True  # the post before is the next one again
        else:
            write("nothing to undo\n")
    session.save(post, labels)
    return True


def _one_of(keys: Sequence[str], read_key: ReadKey) -> str:
    """The next key that means something; QUIT at the end."""
    while key := read_key():
        if key.lower() in keys:
            return key.lower()
        if key in ("\x03", "\x04"):  # Ctrl-C, Ctrl-D where the terminal hands them on
            return QUIT
    return QUIT


_SEQUENCE = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|O.|.)?", re.DOTALL)


@contextmanager
def terminal_keys() -> Iterator[ReadKey]:
    """Single keys from standard input, without Enter on a terminal; '' at the end.

    Keys that send more than one character (arrows) are passed over whole, for the last of them
    could be a label.
    """
    if not sys.stdin.isatty():
        yield lambda: sys.stdin.read(1)
    elif sys.platform == "win32":
        import msvcrt

        def read_windows() -> str:
            while (key := msvcrt.getwch()) in ("\x00", "\xe0"):
                msvcrt.getwch()  # the second half of an arrow or function key
            return key

        yield read_windows
    else:
        import termios
        import tty

        handle = sys.stdin.fileno()
        before = termios.tcgetattr(handle)
        waiting: list[str] = []

        def read_unix() -> str:
            while not waiting:
                raw = os.read(handle, 64)
                if not raw:
                    return ""
                waiting.extend(_SEQUENCE.sub(b"", raw).decode("utf-8", "ignore"))
            return waiting.pop(0)

        try:
            tty.setcbreak(handle)
            yield read_unix
        finally:
            termios.tcsetattr(handle, termios.TCSADRAIN, before)
