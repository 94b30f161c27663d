"""Looking into model folders: what a card says, how two models differ, is a folder whole."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from . import folder as folders
from .folder import ModelError
from .result import LABELS
from .terminal import shown

if TYPE_CHECKING:
    from .classifier import Classifier

BUNDLED = Path(__file__).with_name("data") / "model"
_LONG = 100  # characters of a value that are shown
NAMED = 5  # figures that cannot be, in a message
#: name of a figure in a card -> what it lies between
_RANGES = {
    **dict.fromkeys(("macro_f1", "accuracy", "auc", "ece"), (0, 1)),
    **dict.fromkeys(("value", "low", "high"), (-1, 1)),  # of a difference
}

Folder = str | os.PathLike[str] | None  # None is the bundled model


def read_card(folder: Folder = None) -> dict[str, Any]:
    """The card of a model folder; raises ModelError for what is none.

    >>> read_card()["format"]
    2
    """
    return folders.read_card(BUNDLED if folder is None else folder)


def describe(card: Mapping[str, Any]) -> str:
    """A card as lines of text: one a fact, golden posts counted.

    >>> print(describe({"seed": 0, "data": {"posts": 12}, "golden": [{"text": "gm"}]}))
    seed        0
    data.posts  12
    golden      1 posts
    """
    facts = dict(_facts(card))
    width = max(map(len, facts), default=0)
    return "\n".join(f"{name:{width}}  {value}" for name, value in facts.items())


def _facts(value: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    for key, item in value.items():
        name = shown(f"{above}{key}", _LONG)
        if isinstance(item, Mapping):
            yield from _facts(item, f"{name}.")
        elif isinstance(item, list) and item and all(isinstance(one, Mapping) for one in item):
            yield name, f"{len(item):,} posts" if key == "golden" else f"{len(item):,} items"
        else:
            yield name, shown(str(item), _LONG)


def verified(folder: Folder = None) -> str:
    """Load a model with every check there is, and say what held; raises ModelError otherwise.

    The archive is plain arrays of the right shapes and finite numbers, the checksum is that of
    the card, the golden posts get the probabilities they got when the model was written, and the
    figures of the card can be: shares, differences, counts and a date.
    """
    model = _load(folder)
    if wrong := list(impossible_figures(model.card)):
        more = f"; and {len(wrong) - NAMED:,} more" if len(wrong) > NAMED else ""
        raise ModelError(
            f"{Path(BUNDLED if folder is None else folder) / 'card.json'}: figures that cannot be: "
            f"{'; '.join(wrong[:NAMED])}{more}; somebody wrote in it: copy it again, or train anew"
        )
    size = sum(array.nbytes for array in model.arrays.values())
    return (
        f"{_name(folder)}: {len(model.arrays)} arrays, {size / 2**20:.1f} MiB, "
        f"checksum {model.checksum[:16]}; {len(model.card.get('golden', [])):,} golden posts "
        "come out as they should"
    )


def impossible_figures(card: Mapping[str, Any]) -> Iterator[str]:
    """What a card says of its figures that no model can have; None is what could not be told.

    >>> list(impossible_figures({"control": {"stance": {"new": {"accuracy": 7, "auc": None}}}}))
    ['control.stance.new.accuracy is 7, not in [0, 1]']
    """
    todo = [(part, card[part]) for part in ("data", "cross_validation", "control") if part in card]
    while todo:  # a card can come from anybody: nothing in it may nest too deep for us
        name, value = todo.pop()
        part, key = name.partition(".")[0], name.rpartition(".")[2]
        if isinstance(value, dict):
            todo += [(f"{name}.{inner}", held) for inner, held in reversed(value.items())]
        elif "." not in name:
            yield f"{name} is {shown(repr(value))}, not an object"
        elif key in _RANGES:
            low, high = _RANGES[key]
            if value is not None and not (_is_number(value) and low <= value <= high):
                yield f"{shown(name)} is {shown(repr(value))}, not in [{low}, {high}]"
        elif (part == "data" and not isinstance(value, str)) or key == "posts":
            if type(value) is not int or value < 0:
                yield f"{shown(name)} is {shown(repr(value))}, not a count"
    date = card.get("date")
    if date is not None and not (isinstance(date, str) and is_date(date)):
        yield f"date is {shown(repr(date))}, not seconds since 1970 nor YYYY-MM-DD"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_date(text: str) -> bool:
    """Whether a text is seconds since 1970, as SOURCE_DATE_EPOCH has them, or an ISO date.

    >>> is_date("1764000000"), is_date("2026-11-26"), is_date("soon")
    (True, True, False)
    """
    try:
        if text.isdecimal():
            datetime.fromtimestamp(int(text), UTC)
        else:
            datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        return False
    return True


def compare(first: Folder, second: Folder = None, texts: Sequence[str] = ()) -> str:
    """How two models differ: cards, arrays, and the answers to some posts.

    What only one of the cards says is left out: models made in different ways tell different
    things of themselves. The posts are ``texts`` and the golden posts of both cards. Raises
    ModelError.
    """
    one, other = _load(first), _load(second)
    if one.checksum == other.checksum and one.card == other.card:
        return f"{_name(first)} and {_name(second)} are the same"
    lines = [f"{_name(first)} -> {_name(second)}"]
    before, after = dict(_facts(one.card)), dict(_facts(other.card))
    for name, value in before.items():
        if after.get(name, value) != value:
            lines.append(f"  {name}: {value} -> {after[name]}")
    lines += [f"  {line}" for line in _array_lines(one.arrays, other.arrays)]
    golden = [*one.card.get("golden", []), *other.card.get("golden", [])]
    posts = list(dict.fromkeys([*texts, *(str(post["text"]) for post in golden)]))
    answers = list(zip(one.classify_many(posts), other.classify_many(posts), strict=True))
    for question in LABELS:
        alike = sum(getattr(a, question).label == getattr(b, question).label for a, b in answers)
        lines.append(f"  {question}: {alike:,} of {len(posts):,} posts get the same label")
    return "\n".join(lines)


def _array_lines(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted({*one, *other}):
        if name not in one or name not in other:
            yield f"array {name}: only in the {'second' if name in other else 'first'}"
        elif one[name].shape != other[name].shape:
            yield f"array {name}: shape {one[name].shape} -> {other[name].shape}"
        elif not np.array_equal(one[name], other[name]):
            change = np.abs(one[name].astype(np.float64) - other[name].astype(np.float64))
            moved = int((change > 0).sum())
            yield (
                f"array {name}: {moved:,} of {change.size:,} numbers differ, "
                f"by {change.max():.3g} at most"
            )


def _load(folder: Folder) -> Classifier:
    from .classifier import Classifier

    return Classifier.load(BUNDLED if folder is None else folder)


def _name(folder: Folder) -> str:
    return "the bundled model" if folder is None else str(folder)
