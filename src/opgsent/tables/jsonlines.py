"""JSON Lines: one object a line, kept to the byte; the scores are added as last keys."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

from ..errors import InputError
from .columns import Columns, named, no_posts
from .render import JsonRender
from .rows import Row, readable, undecodable
from .source import MAX_CHARS, Line, Lines


class JsonLines:
    """JSON Lines opened for reading."""

    def __init__(self, lines: Lines, name: str, text: str, columns: Columns) -> None:
        self._lines, self._text = lines, text
        self._ours = frozenset(columns.titles)
        self.encoding = lines.encoding
        self.render = JsonRender(columns)
        sample = lines.sample()
        self.head = lines.bom
        self.newline = next((line.end for line in sample if line.end), "\n")
        self._check(sample, name, columns)

    def _check(self, sample: list[Line], name: str, columns: Columns) -> None:
        objects = [o for line in sample if isinstance(o := _parsed(line.text)[0], dict)]
        first = next(filter(None, (line.text.strip() for line in sample)), "")
        if first.startswith("[") and (not objects or _parsed(first)[1]):
            raise InputError(
                f"{name} is a JSON array, a JSON object a line is expected; "
                "make lines of the array: jq -c '.[]' x.json > x.jsonl"
            )
        if not sample:
            raise InputError(f"{name} is empty: a JSON object a line is expected")
        if not objects:
            raise InputError(f"{name}: no line at its start is a JSON object")
        keys = list(dict.fromkeys(key for o in objects for key in o))
        if (found := named(self._text, keys)) is None:
            raise no_posts(name, self._text, keys)
        self._text = found
        columns.check_free(objects[0], name)

    def rows(self) -> Iterator[Row]:
        """All rows, in order."""
        while line := self._lines.next():
            yield self._row(line)

    def _row(self, line: Line) -> Row:
        number, text, end, cut, _ = line
        content = text.strip()
        if not content:
            return Row(number, text, end, scored=False)
        record, fault = _parsed(content)
        if cut:
            fault = f"the line is longer than {MAX_CHARS:,} characters"
        reason = undecodable(text, self.encoding) or fault or self._fault(record)
        if reason is None:
            return Row(number, _opened(text), end, record[self._text])
        # a line that cannot take our keys keeps its place as an object of empty scores
        fits = isinstance(record, dict) and not self._ours.intersection(record)
        body = _opened(readable(content)) if fits else "{"
        return Row(number, body, end, scored=False, reason=reason, raw=text)

    def _fault(self, record: Any) -> str | None:
        """Why a line's JSON is not a row that can be answered."""
        if not isinstance(record, dict):
            return f"a JSON object is expected, this is {type(record).__name__}"
        text = record.setdefault(self._text)
        if isinstance(text, float) and math.isnan(text):  # how Python writes a missing value
            text = record[self._text] = None
        if text is not None and not isinstance(text, str):
            return f"{self._text!r} is {type(text).__name__}, not a string"
        if clash := sorted(self._ours.intersection(record)):
            return f"the row already has {', '.join(clash)}"
        return None


def _opened(text: str) -> str:
    """The text of a JSON object without its closing brace, ready for more keys."""
    opened = text.rstrip()[:-1].rstrip()
    return opened if opened.endswith("{") else opened + ", "


#: of a number only that it is one matters, and Python reads none of 5,000 digits
_DECODER = json.JSONDecoder(parse_int=lambda _: 0)


def _parsed(text: str) -> tuple[Any, str | None]:
    try:
        return _DECODER.decode(text), None
    except RecursionError:
        return None, "the JSON is nested too deeply"
    except ValueError as error:
        return None, f"not JSON: {error}"
