"""What the label names of a file mean: a table of spellings, and a mapping that goes before it.

A name that is in neither is refused with what to type, never guessed.
"""

from __future__ import annotations

import re
import shlex
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from .errors import InputError
from .exports import STANCE_NAMES, STYLE_NAMES, Answer, Columns
from .marks import LEAVE_OUT, SPAN_NAMES, Marks
from .result import LABELS
from .terminal import shown

#: label -> the spellings read as it: lower case, without marks or emoji
SPELLINGS: dict[str, tuple[str, ...]] = {
    "bullish": (
        "bullish", "bull", "bulls", "buy", "buying", "long", "positive", "pos", "up", "call",
        "calls", "strong buy", "very bullish", "very positive",
    ),
    "bearish": (
        "bearish", "bear", "bears", "sell", "selling", "short", "negative", "neg", "down", "put",
        "puts", "strong sell", "very bearish", "very negative",
    ),
    "neutral": ("neutral", "neu", "neut", "hold", "flat", "sideways", "no direction"),
    "analytical": ("analytical", "analytic", "analysis", "analyst", "reasoned"),
    "hype": ("hype", "hyped", "hyping", "hyper", "hype post"),
    "other": ("other", "others", "neither"),
}  # fmt: skip
#: numbers are read so only where -1 is among them: 0 and 1 alone could mean anything
SIGNS = {"1": "bullish", "0": "neutral", "-1": "bearish"}

_QUESTION = {label: question for question, labels in LABELS.items() for label in labels}
_TABLE = {spelling: label for label, found in SPELLINGS.items() for spelling in found}


@dataclass(frozen=True, slots=True)
class Mapped:
    """A label name of the file, what it was read as (or 'leave out'), and how often it stood."""

    column: str
    seen: str
    label: str
    count: int


def parse_mapping(items: Iterable[str]) -> dict[str, str]:
    """Read ``--map NAME=LABEL`` arguments; raises InputError for what is no such pair.

    >>> parse_mapping(["bullisch=bullish", "spam=skip"])
    {'bullisch': 'bullish', 'spam': 'skip'}
    """
    found: dict[str, str] = {}
    for item in items:
        name, equals, label = item.rpartition("=")
        if not equals or not name.strip():
            raise InputError(f"--map {shown(item)!r}: give NAME=LABEL, such as bullisch=bullish")
        name, label = name.strip(), label.strip()
        if found.setdefault(name, label) != label:
            raise InputError(_two_labels(name, found[name], label))
    return found


def _two_labels(name: str, one: str, other: str) -> str:
    return f"--map {shown(name)} to {shown(one)} and to {shown(other)}: give one of the two"


def _exact(name: str) -> str:
    """A label name without case; numbers as integers, whatever dash is their minus.

    >>> _exact(" Bullish?"), _exact("\u22121.0"), _exact("+1")
    ('bullish?', '-1', '1')
    """
    bare = " ".join(name.casefold().split())
    bare = re.sub(r"^[-\u2010-\u2015\u2212\ufe63\uff0d] ?(?=[0-9])", "-", bare)
    return str(int(float(bare))) if re.fullmatch(r"[+-]?[0-9]{1,6}(\.0+)?", bare) else bare


def _plain(name: str) -> str:
    """A label name without case, marks and emoji; the minus of a number is no mark.

    >>> _plain(" Bullish 🚀"), _plain("-1.0"), _plain("\u22121 🐻"), _plain("STRONG_BUY")
    ('bullish', '-1', '-1', 'strong buy')
    """
    exact = _exact(name)
    minus = "-" if re.match("-[0-9]", exact) else ""
    words = " ".join(re.sub(r"[\W_]+", " ", exact).split())
    return minus + words if words else exact


class Names:
    """The label names of a file, and what each is read as."""

    def __init__(self, path: str | Path, columns: Columns, mapping: Mapping[str, str]) -> None:
        self.path = path
        self._given = mapping
        self.mapping: dict[str, str] = {}  # name as seen -> what it is mapped to
        legal = [*_QUESTION, *SPAN_NAMES, LEAVE_OUT]
        for name, label in mapping.items():
            if label not in legal:
                raise InputError(
                    f"--map {shown(name)}={shown(label)}: no label {shown(label)!r}; "
                    f"one of {', '.join(legal)}"
                )
        self._question: dict[str, str | None] = {}
        self._columns = columns
        self._seen: Counter[tuple[str, str]] = Counter()  # (column, name as seen)
        self.marks: Counter[str] = Counter()  # names of spans
        self._read: dict[tuple[str, str], str] = {}

    def see(self, answer: Answer) -> None:
        """Count the names of an answer."""
        self._seen.update(answer.names)
        for span in answer.spans or ():
            self.marks.update(span.names)

    def settle(self) -> None:
        """Decide what each name means; InputError lists those that nobody can tell."""
        self.mapping = self._mapped({*(name for _, name in self._seen), *self.marks})
        signs: defaultdict[str, set[str]] = defaultdict(set)
        for column, name in self._seen:
            if name not in self.mapping:
                signs[column].add(_plain(name))
        unknown: Counter[str] = Counter()
        for (column, name), count in self._seen.items():
            label = self._label(column, name, signs[column])
            if label is None:
                unknown[name] += count
            else:
                self._read[column, name] = label
        for name, count in self.marks.items():
            if Marks.meaning(name, self.mapping) is None:
                unknown[name] += count
        if unknown:
            raise InputError(self._refusal(unknown))

    def _mapped(self, seen: Collection[str]) -> dict[str, str]:
        """What each name that was seen is mapped to, where it is.

        The exact name goes first. Other names that differ in marks alone follow a mapping
        without marks ("bullish" for "bullish?"), or one whose own name is not in the file.
        """
        stands = {_exact(name) for name in seen}
        exact: dict[str, str] = {}
        loose: dict[str, str] = {}
        for name, label in self._given.items():
            key, plain = _exact(name), _plain(name)
            if exact.setdefault(key, label) != label:
                raise InputError(_two_labels(key, exact[key], label))
            if (key == plain or key not in stands) and loose.setdefault(plain, label) != label:
                raise InputError(_two_labels(plain, loose[plain], label))
        mapped = {name: exact.get(_exact(name), loose.get(_plain(name))) for name in seen}
        return {name: label for name, label in mapped.items() if label is not None}

    def _label(self, column: str, name: str, beside: set[str]) -> str | None:
        if name in self.mapping:
            return self.mapping[name]
        plain = _plain(name)
        question = self.question(column)
        label = _TABLE.get(plain)
        if label is None and question != "style" and "-1" in beside and beside <= SIGNS.keys():
            label = SIGNS.get(plain)
        return label if label and question in (None, _QUESTION[label]) else None

    def question(self, column: str) -> str | None:
        """'stance' or 'style' for a column that holds nothing else, None for either."""
        if column in (self._columns.stance, self._columns.style):
            return "stance" if column == self._columns.stance else "style"
        lower = column.lower()
        if lower in STANCE_NAMES or lower in STYLE_NAMES:
            return "stance" if lower in STANCE_NAMES else "style"
        return None

    def _refusal(self, unknown: Counter[str]) -> str:
        lines = [f"{self.path}: label names that opgsent does not know; say what each one means:"]
        for name, count in unknown.most_common(20):
            near = get_close_matches(_plain(name), _TABLE, 1, 0.75)
            guess = _TABLE[near[0]] if near else "LABEL"
            # names come from other people's files, and what is advised here is pasted into a
            # shell; one that begins with a dash would be taken for an option of its own
            gap = "=" if shown(name).startswith("-") else " "
            typed = shlex.quote(f"{shown(name)}={guess}")
            lines.append(f"  {shown(name)!r} stands {count:,} times: --map{gap}{typed}")
        if len(unknown) > 20:
            lines.append(f"  and {len(unknown) - 20:,} more: is this the column of labels?")
        lines.append(f"LABEL is one of {', '.join((*_QUESTION, *SPAN_NAMES))}, or skip")
        return "\n".join(lines)

    def read(self, column: str, name: str) -> tuple[str, str] | None:
        """(question, label) of a name; None where it is to be left out."""
        label = self._read[column, name]
        return (_QUESTION[label], label) if label in _QUESTION else None

    def warnings(self) -> list[str]:
        """The mappings that nothing in the file is called by: most likely mistyped."""
        seen = list(dict.fromkeys([*(name for _, name in self._seen), *self.marks]))
        plain = {_plain(name) for name in seen}
        listed = ", ".join(repr(shown(name)) for name in seen[:10])
        return [
            f"--map {shown(name)}={shown(label)} changes nothing: no label is called "
            f"{shown(name)!r}; there is {listed or 'none'}"
            for name, label in self._given.items()
            if _plain(name) not in plain
        ]

    def table(self) -> tuple[Mapped, ...]:
        """Every name that was seen, and what it was read as."""
        rows = [Mapped(*pair, self._read[pair], n) for pair, n in self._seen.most_common()]
        for name, count in self.marks.most_common():
            rows.append(Mapped("span", name, str(Marks.meaning(name, self.mapping)), count))
        return tuple(rows)
