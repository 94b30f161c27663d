"""``opgsent classify`` and ``opgsent score``."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from ..errors import InputError, OpgsentError

if TYPE_CHECKING:
    from pathlib import Path

    from ..classifier import Classifier


def classify(args: argparse.Namespace) -> None:
    """Read a post, or with --lines one a line."""
    from ..terminal import shown
    from . import show

    if sys.stdout is None:
        raise OpgsentError("cannot write standard output: it is closed")
    classifier = _classifier(args.model)
    given = _typed() if args.text is None else _argument(args.text)
    lines = [line.removesuffix("\r") for line in given.split("\n")]
    texts = lines if args.lines else [given]
    for n, text in enumerate(texts):
        if args.lines and not args.json:  # which answer is whose
            print("\n" * (n > 0) + shown(text, 60))
        if args.json:
            reading = classifier.classify(text).to_dict()
            if args.explain:
                reading["explanations"] = [show.plain(e) for e in classifier.explain(text)]
            print(show.json_line(reading))
        elif args.explain:
            print(show.explained(classifier.classify(text), classifier.explain(text)))
        else:
            print(show.reading(classifier.classify(text)))


def _classifier(folder: Path | None) -> Classifier:
    from ..classifier import Classifier

    return Classifier.bundled() if folder is None else Classifier.load(folder)


def _argument(text: str) -> str:
    """The post as UTF-8, where a locale made surrogates of its bytes (LC_ALL=C).

    >>> _argument("\\udcc3\\udca9 up")
    'é up'
    """
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    except UnicodeEncodeError:  # surrogates of another making, as Windows has them
        return text


def _typed() -> str:
    if sys.stdin is None:
        raise InputError("standard input is closed: give the post as an argument, or pipe it in")
    if sys.stdin.isatty():
        print("Type the post; Ctrl-D on a line of its own ends it.", file=sys.stderr)
    raw = getattr(sys.stdin, "buffer", None)
    text = raw.read().decode("utf-8-sig", "replace") if raw is not None else sys.stdin.read()
    return text.removesuffix("\n")


def score(args: argparse.Namespace) -> int:
    """Score a file."""
    from ..tables import score_file
    from ..tables.columns import Columns
    from . import DONE, SOME_REJECTED, WRONG_USE, complain, show
    from .progress import ScoreBar

    try:
        Columns.choose(args.columns, prefix=args.prefix, sure=args.sure, long=args.long)
    except InputError as error:
        complain(str(error))
        return WRONG_USE
    with ScoreBar() as bar:
        summary = score_file(
            args.posts,
            args.output,
            args.text,
            model=args.model,
            jobs=args.jobs,
            encoding=args.encoding,
            prefix=args.prefix,
            columns=args.columns,
            sure=args.sure,
            long=args.long,
            resume=args.resume,
            progress=bar,
        )
    # the scores themselves may be on standard output
    print(show.summary(summary), file=sys.stderr if summary.output == "-" else sys.stdout)
    return SOME_REJECTED if summary.rejected else DONE


def report(args: argparse.Namespace) -> int:
    """The name is kept for a later version."""
    from . import WRONG_USE, complain

    complain("report is reserved for a later version; pandas opens a scored file until then")
    return WRONG_USE
