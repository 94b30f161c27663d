"""opgsent reads crypto-trader posts: stance, style, tickers and price levels.

Each name is loaded when it is first used, so that reading a post never waits for the libraries
that only training needs.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .classifier import (
        Classifier,
        classify,
        classify_many,
        explain,
        score_file,
        score_frame,
    )
    from .errors import InputError, OpgsentError
    from .evaluation import Evaluation, evaluate
    from .reporting import TrainingReport
    from .result import Explanation, Level, Post, Ticker, Token, Verdict
    from .tables import ScoreSummary
    from .tokens import tokenize
    from .training import train

__version__ = "0.1.0"

_HOME = {
    "classifier": "Classifier classify classify_many explain score_file score_frame",
    "errors": "InputError OpgsentError",
    "evaluation": "Evaluation evaluate",
    "result": "Explanation Level Post Ticker Token Verdict",
    "tables": "ScoreSummary",
    "tokens": "tokenize",
    "reporting": "TrainingReport",
    "training": "train",
}
_ROOM = {name: room for room, names in _HOME.items() for name in names.split()}

__all__ = [
    "Classifier", "Evaluation", "Explanation", "InputError", "Level", "OpgsentError", "Post",
    "ScoreSummary", "Ticker", "Token", "TrainingReport", "Verdict", "classify", "classify_many",
    "evaluate", "explain", "score_file", "score_frame", "tokenize", "train",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name == "corpus":  # the one room that users name: opgsent.corpus.load()
        return import_module(".corpus", __name__)
    if name not in _ROOM:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f".{_ROOM[name]}", __name__), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
