"""The commands and their options; ``--help`` teaches by example."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import corpora, learn, models, read
from .examples import EXAMPLES

_Run = Callable[[argparse.Namespace], int | None]
_Commands = Any  # argparse keeps the type of add_subparsers() private


def parser_of() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = argparse.ArgumentParser(
        prog="opgsent",
        description="Reads crypto-trader posts: stance, style, tickers and price levels.",
        epilog=f"examples:\n{EXAMPLES['']}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"opgsent {_version()}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _classify(commands)
    _score(commands)
    _train(commands)
    _evaluate(commands)
    _suggest(commands)
    _label(commands)
    _corpus(commands)
    _model(commands)
    report = _add(commands, "report", "make a page about a scored file (reserved)", read.report)
    report.add_argument("scored", metavar="SCORED")
    report.add_argument("-o", "--output", metavar="FILE")
    return parser


def _version() -> str:
    from .. import __version__

    return __version__


def _add(
    commands: _Commands, name: str, what: str, run: _Run | None = None
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=what,
        description=f"{what[0].upper()}{what[1:]}.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    if examples := EXAMPLES[parser.prog.removeprefix("opgsent ")]:
        parser.epilog = f"examples:\n{examples}"
    if run is not None:
        parser.set_defaults(run=run)
    return parser


def _whole(text: str, least: int) -> int:
    """A number of at most 18 digits (Python reads none of 5,000), from ``least``."""
    if not text.isdecimal() or len(text) > 18 or int(text) < least:
        raise argparse.ArgumentTypeError(f"{text!r:.40}; a whole number from {least}")
    return int(text)


def at_least_one(text: str) -> int:
    """A number from 1."""
    return _whole(text, 1)


def _seed(text: str) -> int:
    return _whole(text, 0)


def _jobs(text: str) -> int:
    try:
        return -1 if text == "-1" else at_least_one(text)
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f"{error}, or -1 for all cores") from None


def _name(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError(f"{text!r}; a name")
    return text.strip()


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _model_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", type=Path, metavar="DIR", help="a model folder (the bundled)")


def _encoding(text: str) -> str:
    try:
        "a".encode(text)
    except (LookupError, ValueError):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no encoding of text files that is known here; try utf-8 or cp1252"
        ) from None
    return text


def _meaning(text: str) -> str:
    """What --map takes, looked at before any file is."""
    from ..errors import InputError
    from ..exports import Columns
    from ..names import Names, parse_mapping

    try:
        Names("", Columns(), parse_mapping([text]))
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error).removeprefix("--map ")) from None
    return text


def _to_label(text: str) -> Path:
    """A file that suggest can write."""
    from ..errors import InputError
    from ..suggest import kind_of

    try:
        kind_of(text)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return Path(text)


def _encoding_option(parser: argparse.ArgumentParser, name: str = "--encoding") -> None:
    parser.add_argument(name, type=_encoding, default="utf-8", metavar="NAME",
                        help="such as cp1252")  # fmt: skip


def _label_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("labels", type=Path, metavar="LABELS", help=(
        "CSV, TSV, JSON, JSON Lines, Parquet; an export of Label Studio, doccano or Prodigy"
    ))  # fmt: skip
    parser.add_argument("--text", metavar="COLUMN", help="column of the posts (found by name)")
    parser.add_argument("--stance", metavar="COLUMN", help="column of the stance labels")
    parser.add_argument("--style", metavar="COLUMN", help="column of the style labels")
    parser.add_argument("--map", type=_meaning, action="append", default=[], metavar="NAME=LABEL",
                        help="what a label name of the file means, or NAME=skip; may be repeated"
    )  # fmt: skip
    _encoding_option(parser)


def _classify(commands: _Commands) -> None:
    parser = _add(commands, "classify", "read one post", read.classify)
    parser.add_argument("text", nargs="?", help="the post; standard input when left out")
    parser.add_argument("--json", action="store_true", help="the whole reading as JSON")
    parser.add_argument("--explain", action="store_true", help="the words behind each verdict")
    parser.add_argument("--lines", action="store_true", help="one post a line")
    _model_option(parser)


def _score(commands: _Commands) -> None:
    parser = _add(commands, "score", "score every post of a file", read.score)
    parser.add_argument("posts", metavar="POSTS", help="the file; - for standard input")
    parser.add_argument("-o", "--output", required=True, metavar="OUTPUT", help="- for a pipe")
    parser.add_argument("--text", default="text", metavar="COLUMN", help="of the posts (text)")
    parser.add_argument("--jobs", type=_jobs, default=1, metavar="N", help="processes; -1: all")
    _model_option(parser)
    _encoding_option(parser)
    parser.add_argument("--prefix", default="", metavar="P", help="begins the names of our columns")
    parser.add_argument("--columns", type=_names, metavar="A,B", help="the score columns to write")
    parser.add_argument("--sure", action="store_true", help="add stance_sure and style_sure")
    parser.add_argument("--long", action="store_true", help="a row for every ticker and level")
    parser.add_argument("--resume", action="store_true", help="go on where a stopped run ended")


def _train(commands: _Commands) -> None:
    parser = _add(commands, "train", "retrain on your own labels", learn.train)
    _label_options(parser)
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", help="the new model folder")
    parser.add_argument("--base", default="bundled", metavar="bundled|scratch|DIR",
                        help="what the new model starts from (bundled)")  # fmt: skip
    parser.add_argument("--force", action="store_true", help="write it even where it is worse")
    parser.add_argument("--dry-run", action="store_true", help="read and check, fit nothing")
    parser.add_argument("--html", type=Path, metavar="FILE", help="the report as a page as well")
    parser.add_argument("--seed", type=_seed, default=0, metavar="N", help="of what is drawn (0)")


def _evaluate(commands: _Commands) -> None:
    parser = _add(commands, "evaluate", "measure a model on labelled posts", learn.evaluate)
    _label_options(parser)
    _model_option(parser)
    parser.add_argument("--json", action="store_true", help="the figures as JSON")
    parser.add_argument("--seed", type=_seed, default=0, metavar="N", help="of the intervals")


def _suggest(commands: _Commands) -> None:
    parser = _add(commands, "suggest", "pick the posts worth labelling next", learn.suggest)
    parser.add_argument("posts", type=Path, nargs="?", metavar="POSTS")
    parser.add_argument("-n", type=at_least_one, default=200, metavar="N", help="how many (200)")
    parser.add_argument("-o", "--output", type=_to_label, metavar="FILE",
                        help=".csv, .json or .jsonl")  # fmt: skip
    parser.add_argument("--text", metavar="COLUMN", help="column of the posts (found by name)")
    _encoding_option(parser)
    parser.add_argument("--labelled", type=Path, metavar="LABELS",
                        help="posts that were labelled or skipped: passed over")  # fmt: skip
    parser.add_argument("--labelled-text", metavar="COLUMN", help="of LABELS (found by name)")
    _encoding_option(parser, "--labelled-encoding")
    _model_option(parser)
    parser.add_argument("--seed", type=_seed, default=0, metavar="N", help="of what is drawn (0)")
    parser.add_argument("--label-studio-config", action="store_true", help="print it, no more")


def _label(commands: _Commands) -> None:
    parser = _add(commands, "label", "label posts in the terminal", learn.label)
    parser.add_argument("posts", type=Path, metavar="POSTS")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE.jsonl")
    parser.add_argument("--text", metavar="COLUMN", help="column of the posts (found by name)")
    _encoding_option(parser)
    parser.add_argument("--question", choices=("stance", "style"), help="ask only this")
    parser.add_argument("--annotator", type=_name, metavar="NAME",
                        help="who answers: kept beside each answer")  # fmt: skip


def _corpus(commands: _Commands) -> None:
    parser = _add(commands, "corpus", "check and count a corpus of labelled posts")
    ways = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    default = "the corpora that ship with opgsent"

    def add(name: str, run: _Run, what: str) -> argparse.ArgumentParser:
        sub = _add(ways, name, what, run)
        sub.add_argument("folder", type=Path, nargs="?", metavar="FOLDER", help=default)
        return sub

    add("check", corpora.check, "check that a corpus is what it says it is")
    add("stats", corpora.stats, "count what is in a corpus")
    both = add("agreement", corpora.agreement, "say how far two labellers agree")
    both.add_argument(
        "--first", default="writer", metavar="WHO", help="stage or annotator (writer)"
    )
    both.add_argument("--second", default="second", metavar="WHO", help="the other one (second)")
    runs = add("overlap", corpora.overlap, "find runs of words shared with posts of other files")
    runs.add_argument("--against", nargs="+", required=True, metavar="FILE", help="JSON Lines")
    runs.add_argument(
        "--run",
        type=at_least_one,
        default=8,
        metavar="WORDS",
        dest="length",
        help="words in a run (8)",
    )
    doubts = add("suspects", corpora.suspects, "rank the posts whose label models doubt most")
    doubts.add_argument("-n", type=at_least_one, default=50, metavar="N", help="how many (50)")
    doubts.add_argument("-o", "--output", type=Path, metavar="FILE.csv")
    doubts.add_argument("--seed", type=_seed, default=0, metavar="N", help="of what is drawn (0)")


def _model(commands: _Commands) -> None:
    parser = _add(commands, "model", "look into model folders")
    ways = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    info = _add(ways, "info", "say what a model is and what it was fitted on", models.info)
    info.add_argument("folder", type=Path, nargs="?", metavar="DIR", help="the bundled model")
    info.add_argument("--json", action="store_true", help="the card as it is")
    diff = _add(ways, "diff", "show how two models differ", models.diff)
    diff.add_argument("first", type=Path, metavar="DIR")
    diff.add_argument("second", type=Path, nargs="?", metavar="DIR", help="the bundled model")
    verify = _add(
        ways, "verify", "check that a model folder is whole and answers right", models.verify
    )
    verify.add_argument("folder", type=Path, nargs="?", metavar="DIR", help="the bundled model")
