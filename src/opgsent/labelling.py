"""Labelling in the terminal: one post at a time, a key for each label.

What is answered of a post is one line of JSON, appended with a single write and flushed to the
disk, so that whatever happens the file holds whole answers; undo cuts the last line off. A later
run passes over the posts whose questions the file already answers; what it adds to a post is a
line that says all that is known of it, and that it replaces the one before. ``opgsent train``
reads the file as it is.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .corpus import LabelledPost
from .errors import InputError
from .files import Growing
from .result import LABELS
from .terminal import printable, shown

#: question -> key -> label
KEYS: dict[str, dict[str, str]] = {
    "stance": {"b": "bullish", "e": "bearish", "n": "neutral"},
    "style": {"a": "analytical", "h": "hype", "o": "other"},
}
UNDO, SKIP, QUIT = "u", "s", "q"
MAX_SHOWN = 5_000  # characters of a post on the screen

_Key = tuple[str, str]  # the id and the text of a post
ReadKey = Callable[[], str]  # the next key, '' at the end
Write = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Tally:
    """Where a labelling stands: posts labelled, skipped and still to do, all runs together.

    ``begun`` of those left have an answer to one question and none to another.
    """

    labelled: int
    skipped: int
    left: int
    begun: int = 0


@dataclass(frozen=True, slots=True)
class _Said:
    """What is known of a post: question -> label, and the questions that were skipped."""

    labels: Mapping[str, str]
    passed: frozenset[str]

    @property
    def settled(self) -> frozenset[str]:
        """The questions that are not asked again."""
        return self.passed.union(self.labels)

    def then(self, labels: Mapping[str, str], passed: Collection[str]) -> _Said:
        """With what was said later."""
        known = {**self.labels, **labels}
        return _Said(known, self.passed.union(passed).difference(known))


_NOTHING = _Said({}, frozenset())


class Session:
    """The posts to label and the file of answers, kept in step.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     session = Session([LabelledPost("1", "up"), LabelledPost("2", "?")],
    ...                       Path(folder, "mine.jsonl"), ["stance"])
    ...     session.save(session.next(), {"stance": "bullish"})
    ...     session.next().id, session.undo(), session.next().id
    ('2', True, '1')
    """

    def __init__(
        self,
        posts: Sequence[LabelledPost],
        path: str | Path,
        questions: Collection[str] = LABELS,
        annotator: str | None = None,
    ) -> None:
        """Take up ``path`` where it stopped; ``annotator`` is who answers, to be kept in it.

        Raises InputError for a file of something else or of another annotator, or one that cannot
        be written.
        """
        self.path = Path(path)
        self.questions = tuple(questions)
        self.annotator = annotator
        self._posts = list(posts)
        self._keys = {_key(post) for post in self._posts}
        self._lines: list[tuple[_Key, int]] = []  # post, offset
        self._said: dict[_Key, list[_Said]] = {}  # after each line of a post
        self.file = Growing(self.path)
        if self.path.exists():
            self._read()
        self.file.check()  # what cannot be written is said before anything is answered

    def _read(self) -> None:
        try:
            raw = self.path.read_bytes()
        except OSError as error:
            raise InputError(f"cannot read {self.path}: {error.strerror}") from None
        offset = 0
        for row, line in enumerate(raw.splitlines(keepends=True), 1):
            try:
                record = json.loads(line)
                key = (str(record["id"]), str(record["text"]))
            except (ValueError, KeyError, TypeError, RecursionError):
                if offset + len(line) == len(raw) and not line.endswith(b"\n"):
                    self.file.cut(offset)  # a line that a power cut left unfinished
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
            if (who := record.get("annotator")) != self.annotator:
                # what one has answered would not be asked of the other
                before, now = (shown(str(name or "nobody named")) for name in (who, self.annotator))
                raise InputError(
                    f"{self.path}, row {row}: answered by {before}, and now by {now}; give "
                    "--annotator as before, or name another output"
                )
            self._add(key, offset, self._last(key).then(*_known(record)))
            offset += len(line)
        if raw and not raw.endswith(b"\n"):  # an editor left the last line end away
            self.file.append(b"\n")

    @property
    def tally(self) -> Tally:
        """How many posts are done and left."""
        asked = frozenset(self.questions)
        count: Counter[tuple[bool, bool]] = Counter()  # is it left, is something answered
        for key in self._keys:
            said = self._last(key)
            count[not asked <= said.settled, not asked.isdisjoint(said.labels)] += 1
        left = count[True, False] + count[True, True]
        return Tally(count[False, True], count[False, False], left, count[True, True])

    def next(self) -> LabelledPost | None:
        """The first post with a question open; None when there is none."""
        return next((post for post in self._posts if self.open(post)), None)

    def open(self, post: LabelledPost) -> list[str]:
        """The questions of this session that a post was neither answered nor skipped for."""
        settled = self._last(_key(post)).settled
        return [question for question in self.questions if question not in settled]

    def _last(self, key: _Key) -> _Said:
        said = self._said.get(key)
        return said[-1] if said else _NOTHING

    def save(
        self, post: LabelledPost | None, labels: Mapping[str, str], passed: Collection[str] = ()
    ) -> None:
        """Append answers: question -> label, and the questions skipped. Nothing for neither.

        Raises InputError when the file cannot be written; it then holds what it held before.
        """
        if post is None or not (labels or passed):
            return
        key = _key(post)
        said = self._last(key).then(labels, passed)
        record: dict[str, object] = {"id": post.id, "row": post.row, "text": post.text}
        record |= {question: said.labels.get(question) for question in LABELS}
        if not said.labels:
            record["skipped"] = True
        if said.passed and len(said.passed) < len(LABELS):
            record["passed"] = sorted(said.passed)
        if self._said.get(key):
            record["replaces"] = True
        if self.annotator is not None:
            record["annotator"] = self.annotator
        self._add(key, self.file.append(json.dumps(record).encode() + b"\n"), said)

    def _add(self, key: _Key, offset: int, said: _Said) -> None:
        self._lines.append((key, offset))
        self._said.setdefault(key, []).append(said)

    def undo(self) -> bool:
        """Take the last answer back, also one of an earlier run; False where there is none.

        An answer to a question that this session does not ask stays: it would not come again.
        So does everything in a file that another program wrote to (``file.foreign``).
        """
        if self.file.foreign or not self._lines or self._lines[-1][0] not in self._keys:
            return False
        key, offset = self._lines[-1]
        *older, last = self._said[key]
        if last.settled.difference(*(said.settled for said in older), self.questions):
            return False
        self.file.cut(offset)
        self._lines.pop()
        self._said[key] = older
        return True


def _known(record: Mapping[str, Any]) -> tuple[dict[str, str], frozenset[str]]:
    """The labels in a line, and the questions that were skipped."""
    labels = {question: str(record[question]) for question in LABELS if record.get(question)}
    passed = record.get("passed")
    if isinstance(passed, list):
        return labels, frozenset(question for question in LABELS if question in passed)
    return labels, frozenset(LABELS if record.get("skipped") else ())


def _key(post: LabelledPost) -> _Key:
    return post.id, post.text


def label_posts(session: Session, read_key: ReadKey, write: Write) -> Tally:
    """Walk through the posts of a session until they or the keys end; returns where it stands.

    Keys: b / e / n for stance, a / h / o for style, u undo, s skip, q quit. ``read_key`` gives
    one key at a time, '' at the end; ``write`` takes text for the screen. A post is saved when
    all its questions are answered, or when the labeller skips the rest of them or leaves. Raises
    InputError when the file cannot be written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     session = Session([LabelledPost("1", "up"), LabelledPost("2", "?")],
    ...                       Path(folder, "mine.jsonl"))
    ...     label_posts(session, iter("bhsq").__next__, lambda text: None)
    Tally(labelled=1, skipped=1, left=0, begun=0)
    """
    try:
        while (post := session.next()) is not None:
            tally = session.tally
            done = tally.labelled + tally.skipped
            write(
                f"\n--- {done + 1} of {done + tally.left}, row {post.row}\n"
                f"{printable(post.text[:MAX_SHOWN])}\n\n"
            )
            if not _ask(session, post, read_key, write):
                break
    except KeyboardInterrupt:
        write("\n")
    return session.tally


def _ask(session: Session, post: LabelledPost, read_key: ReadKey, write: Write) -> bool:
    """Ask the open questions of one post; False to stop."""
    questions = session.open(post)
    labels: dict[str, str] = {}
    while len(labels) < len(questions):
        question = questions[len(labels)]
        choices = "  ".join(f"{key} {label}" for key, label in KEYS[question].items())
        write(f"{question}: {choices}   ({UNDO} undo, {SKIP} skip, {QUIT} quit) ")
        try:
            key = _one_of((*KEYS[question], UNDO, SKIP, QUIT), read_key)
        except KeyboardInterrupt:
            session.save(post, labels)
            raise
        write(f"{KEYS[question].get(key, {UNDO: 'undo', SKIP: 'skip'}.get(key, 'quit'))}\n")
        if key in KEYS[question]:
            labels[question] = KEYS[question][key]
        elif key == SKIP:
            session.save(post, labels, passed=questions[len(labels) :])
            return True
        elif key != UNDO:
            session.save(post, labels)
            return False
        elif labels:
            labels.popitem()
        elif session.undo():
            return True  # the post before is the next one again
        elif session.file.foreign:
            write(f"no undo: another program has written to {session.path}\n")
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
