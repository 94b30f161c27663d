"""Post -> the score columns: their names, their typed values, their text cells.

This is the one row function of opgsent: files, frames and engines all write what ``values``
or ``cells`` give.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import InputError
from ..result import STANCES, STYLES, Level, Post, Ticker, Verdict, plain

VERDICTS = (
    "stance", "stance_score", "p_bullish", "p_bearish", "p_neutral",
    "style", "style_score", "p_analytical", "p_hype", "p_other",
)  # fmt: skip
SPANS = ("tickers", "levels")
SURE = ("stance_sure", "style_sure")
#: what ``long`` writes in the place of ``tickers`` and ``levels``
ITEM = (
    "item", "item_text", "item_start", "item_end", "item_symbol", "item_role", "item_value",
    "item_unit", "item_stance", "item_probability",
)  # fmt: skip

#: a spreadsheet takes a cell that begins with one of these for a formula
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


@dataclass(frozen=True, slots=True)
class Columns:
    """Which score columns are written, in which order, under which names.

    ``long`` gives one row per ticker or level (one row with empty items where there is none).
    """

    names: tuple[str, ...] = VERDICTS + SPANS
    prefix: str = ""
    long: bool = False

    @classmethod
    def choose(
        cls,
        names: Sequence[str] | None = None,
        *,
        prefix: str = "",
        sure: bool = False,
        long: bool = False,
    ) -> Columns:
        """The columns asked for; an unknown or repeated name is an :class:`InputError`.

        Raises TypeError for what is no list of names, and for a prefix that is no text.

        >>> Columns.choose(["stance", "tickers"], prefix="x_").titles
        ('x_stance', 'x_tickers')
        """
        spans = ITEM if long else SPANS
        if isinstance(names, str):
            raise InputError(f"columns={names!r}: give a list of names, such as [{names!r}]")
        if not isinstance(prefix, str):
            raise TypeError(f"prefix is {prefix!r:.80}, not a str; leave it out for none")
        if not (names is None or isinstance(names, Iterable)):
            raise TypeError(f"columns is {names!r:.80}; give a list of names, such as ['stance']")
        if names is None:
            chosen = VERDICTS + (SURE if sure else ()) + spans
        else:
            missing = tuple(name for name in SURE if sure and name not in names)
            chosen = tuple(names) + missing
        known = VERDICTS + SURE + spans
        for name in chosen:
            if name not in known:
                raise unknown("score column", str(name), known)
            if chosen.count(name) > 1:
                raise InputError(f"score column {name!r} is asked for twice")
        if not chosen:
            raise InputError("no score column is asked for: name some, or leave columns out")
        if prefix.startswith(_FORMULA) or set(prefix) & set("\r\n\0"):
            raise InputError(
                f"prefix {prefix!r} would make a formula or break a line: begin it with a letter"
            )
        return cls(chosen, prefix, long)

    @property
    def titles(self) -> tuple[str, ...]:
        """The names as they stand in the output."""
        return tuple(self.prefix + name for name in self.names)

    def check_free(self, taken: Iterable[str], where: str) -> None:
        """Raise an :class:`InputError` that names every input column called like one of ours."""
        clash = sorted(set(taken).intersection(self.titles))
        if clash:
            raise InputError(
                f"{where} already has the column{'s' * (len(clash) > 1)} {listed(clash)}; "
                "choose other names for the scores with --prefix (prefix=...)"
            )

    def values(self, post: Post, *, flat: bool = False) -> list[list[Any]]:
        """The typed values of one post, a list per output row; None where nothing is known.

        ``tickers`` and ``levels`` are lists of dicts, or with ``flat`` one string each; for a
        missing post they are None too, because nobody looked.
        """
        fields = _verdict("stance", post.stance, STANCES) | _verdict("style", post.style, STYLES)
        if not self.long:
            if post.text is not None:
                fields["tickers"] = flat_tickers(post) if flat else ticker_dicts(post)
                fields["levels"] = flat_levels(post) if flat else level_dicts(post)
            return [[fields.get(name) for name in self.names]]
        items = [_ticker_item(t) for t in post.tickers] + [_level_item(n) for n in post.levels]
        items.sort(key=lambda item: (item["item_start"], item["item_end"]))
        return [[(fields | item).get(name) for name in self.names] for item in items or [{}]]

    def cells(self, post: Post) -> list[list[str]]:
        """The same as text cells, safe to open in a spreadsheet; 4 decimals, empty for None."""
        return [[_cell(value) for value in row] for row in self.values(post, flat=True)]


def flat_tickers(post: Post) -> str:
    """The distinct symbols in order, space-separated."""
    return " ".join(dict.fromkeys(t.symbol for t in post.tickers)) if post.tickers else ""


def flat_levels(post: Post) -> str:
    """``SYMBOL:role:value`` items, space-separated; ``_`` for no symbol."""
    return " ".join(f"{n.symbol or '_'}:{n.role}:{plain(n.value)}" for n in post.levels)


def ticker_dicts(post: Post) -> list[dict[str, Any]]:
    """The tickers as they stand in JSON and in Parquet: ``Ticker.to_dict`` with 4 decimals."""
    return [_ticker(t) for t in post.tickers]


def level_dicts(post: Post) -> list[dict[str, Any]]:
    """The levels as they stand in JSON and in Parquet: ``Level.to_dict`` with 4 decimals."""
    return [_level(n) for n in post.levels]


def unknown(what: str, name: str, known: Sequence[str]) -> InputError:
    """The error for a name that is not there: what there is, and what may have been meant."""
    guessed = [k for k in known if what != "column" or not _ABOUT_TEXT.search(k)]
    folded = {k.strip().casefold(): k for k in guessed}
    near = difflib.get_close_matches(name.strip().casefold(), folded, n=1)
    if not near and what == "column":
        short_first = sorted(folded, key=len)
        near = [k for usual in _USUAL_TEXT_NAMES for k in short_first if usual in k]
    guess = f", did you mean {folded[near[0]]!r}?" if near else "."
    return InputError(f"no {what} {name!r}{guess} There is: {listed(known)}")


def named(name: str, known: Sequence[str]) -> str | None:
    r"""The one that is called so, or that messages show so: a line end is hard to type in a shell.

    >>> named(r"the\npost", ["id", "the\npost"])
    'the\npost'
    """
    if name in known:
        return name
    return next((one for one in known if repr(one)[1:-1] == name), None)


def no_posts(where: str, name: str, known: Sequence[str]) -> InputError:
    """The error for an input without the column of posts: which one, and how to name another."""
    missing = unknown("column", name, known)
    return InputError(f"{where}: {missing}; name the column of posts with --text (text=...)")


#: what the name of a column of posts usually is or contains, the likeliest first; of post_title
#: and post_body it is the body
_USUAL_TEXT_NAMES = (
    "text", "body", "content", "message", "msg", "nachricht", "mensaje", "tweet", "post", "comment",
    "caption", "description", "title",
)  # fmt: skip
#: post_id, tweetUrl, content_type: the name of what is known about a post
_ABOUT_TEXT = re.compile(
    r"([\W_]|(?<=[a-z])(?=[A-Z]))"
    r"(?i:ids?|at|by|urls?|link|date|time|lang|language|type|source|len|length|count|score)$"
)


def listed(names: Sequence[str], most: int = 40) -> str:
    """Names for an error message, quoted, cut where there are very many.

    >>> listed(["a", "b"])
    "'a', 'b'"
    """
    shown = ", ".join(repr(name[:80]) for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def four(number: float) -> float:
    """Four decimals, and no minus zero.

    >>> four(-0.00001), four(0.123456)
    (0.0, 0.1235)
    """
    return round(number, 4) + 0.0


def _verdict(of: str, verdict: Verdict | None, labels: Sequence[str]) -> dict[str, Any]:
    if verdict is None:
        names = (of, f"{of}_score", f"{of}_sure", *(f"p_{label}" for label in labels))
        return dict.fromkeys(names)
    fields: dict[str, Any] = {f"p_{label}": four(verdict.probabilities[label]) for label in labels}
    fields[of] = verdict.label
    fields[f"{of}_score"] = four(verdict.score)
    fields[f"{of}_sure"] = verdict.sure
    return fields


def _ticker(ticker: Ticker) -> dict[str, Any]:
    fields = ticker.to_dict()
    fields["probability"] = four(ticker.probability)
    if ticker.stance is not None:
        stance = fields["stance"]
        stance["score"] = four(stance["score"])
        stance["probabilities"] = {k: four(p) for k, p in stance["probabilities"].items()}
    return fields


def _level(level: Level) -> dict[str, Any]:
    fields = level.to_dict()
    fields["probability"] = four(level.probability)
    return fields


def _ticker_item(ticker: Ticker) -> dict[str, Any]:
    return _span_item("ticker", ticker) | {
        "item_stance": None if ticker.stance is None else ticker.stance.label,
    }


def _level_item(level: Level) -> dict[str, Any]:
    return _span_item("level", level) | {
        "item_role": level.role,
        "item_value": plain(level.value),
        "item_unit": level.unit,
    }


def _span_item(what: str, span: Ticker | Level) -> dict[str, Any]:
    return {
        "item": what,
        "item_text": span.text,
        "item_start": span.start,
        "item_end": span.end,
        "item_symbol": span.symbol,
        "item_probability": four(span.probability),
    }


def _cell(value: str | float | bool | None) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return guarded(value)
    if value is True or value is False:
        return "true" if value else "false"
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def guarded(cell: str) -> str:
    """A text cell that no spreadsheet takes for a formula.

    >>> guarded("=1+1"), guarded("SOL ETH")
    ("'=1+1", 'SOL ETH')
    """
    return "'" + cell if cell.startswith(_FORMULA) else cell
