"""``opgsent train``, ``evaluate``, ``suggest``, ``label``: from posts to a model of your own."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import Any


def _columns(args: argparse.Namespace) -> dict[str, Any]:
    """How a label file is read."""
    from ..names import parse_mapping

    names = {name: getattr(args, name) for name in ("text", "stance", "style", "encoding")}
    return {**names, "mapping": parse_mapping(args.map)}


def _model(args: argparse.Namespace) -> Path | None:
    """The folder of a model, None for the bundled one, which ``train`` calls so too."""
    return None if str(args.model) == "bundled" else args.model


def train(args: argparse.Namespace) -> int:
    """Retrain on labels; status 1 and no folder where the new model is worse."""
    from . import WRONG_USE, complain
    from .progress import StageLine

    if args.output is None and not args.dry_run:
        complain("train: name the new model folder with -o DIR, or only look with --dry-run")
        return WRONG_USE
    from ..files import check_writable, keep_apart
    from ..terminal import printable
    from ..training import train as fit

    if args.html:
        keep_apart(args.html, args.labels)
        if not args.html.parent.is_dir():
            complain(f"train: --html {args.html}: there is no folder {args.html.parent}")
            return WRONG_USE
        check_writable(args.html)
    with StageLine() as line:
        report = fit(
            args.labels,
            args.base,
            args.output,
            **_columns(args),
            force=args.force,
            dry_run=args.dry_run,
            seed=args.seed,
            progress=line,
        )
    print(printable(report.to_text()))
    if args.html:
        from ..page import write_html

        write_html(report, args.html)
        print(f"report: {args.html}")
    return 0 if report.ok else 1


def evaluate(args: argparse.Namespace) -> None:
    """Measure a model on labelled posts."""
    from ..evaluation import evaluate as measure
    from ..terminal import printable
    from . import show

    found = measure(args.labels, _model(args), **_columns(args), seed=args.seed)
    print(show.json_line(found.to_dict()) if args.json else printable(found.to_text()))


def suggest(args: argparse.Namespace) -> int | None:
    """Pick the posts worth labelling next; a feed may hold rows that cannot be read."""
    from . import DONE, SOME_REJECTED, WRONG_USE, complain

    if not args.label_studio_config and (args.posts is None or args.output is None):
        complain("suggest: give the file of posts, and where to write with -o FILE")
        return WRONG_USE
    from ..records import rejected_lines
    from ..suggest import LABEL_STUDIO_CONFIG, why_fewer, write_posts
    from ..suggest import suggest as pick

    if args.label_studio_config:
        print(LABEL_STUDIO_CONFIG, end="")
        return None
    from ..classifier import Classifier
    from ..files import check_writable, keep_apart
    from ..labels import read_posts

    keep_apart(args.output, args.posts, args.labelled)
    if args.output.exists():
        complain(f"suggest: {args.output} exists and may hold labels; name another with -o")
        return WRONG_USE
    check_writable(args.output)
    rejected: list[tuple[int, str]] = []
    posts = read_posts(args.posts, text=args.text, encoding=args.encoding, rejected=rejected)
    texts = [post.text for post in posts]
    labelled = _answered(args) if args.labelled else []
    folder = _model(args)
    classifier = Classifier.bundled() if folder is None else Classifier.load(folder)

    def probabilities(texts: Any) -> list[dict[str, dict[str, float]]]:
        answers = classifier.classify_many(texts)
        return [
            {name: v.probabilities for name, v in (("stance", a.stance), ("style", a.style)) if v}
            for a in answers
        ]

    found = pick(texts, args.n, probabilities, labelled=labelled, seed=args.seed)
    write_posts([posts[one.index] for one in found], args.output)
    why = why_fewer(texts, len(found), args.n, labelled=bool(labelled))
    print(
        f"{len(found):,} of {len(posts):,} posts written to {args.output}, most doubtful first{why}"
    )
    if rejected:
        print("\n".join([f"{len(rejected):,} rows rejected", *rejected_lines(rejected)]))
    if args.output.suffix == ".csv":
        print(f"Fill in stance and style there, or: opgsent label {args.output} -o mine.jsonl")
    return SOME_REJECTED if rejected else DONE


def _answered(args: argparse.Namespace) -> list[str]:
    """The posts of --labelled, which may have another text column and encoding than POSTS."""
    from ..errors import InputError
    from ..labels import texts_answered

    try:
        return texts_answered(
            args.labelled, text=args.labelled_text, encoding=args.labelled_encoding
        )
    except InputError as error:  # what it advises is about this file
        advice = re.sub("--(text|encoding)", r"--labelled-\1", str(error))
        raise InputError(advice) from None


def label(args: argparse.Namespace) -> int:
    """Label posts in the terminal."""
    from ..labelling import Session, label_posts, terminal_keys
    from ..labels import read_posts
    from ..result import LABELS
    from . import DONE, WRONG_USE, complain

    if args.output.suffix.lower() not in (".jsonl", ".ndjson"):
        complain(f"{args.output}: answers are JSON Lines; give a name that ends in .jsonl")
        return WRONG_USE
    posts = read_posts(args.posts, text=args.text, encoding=args.encoding)
    questions = [args.question] if args.question else LABELS
    session = Session(posts, args.output, questions, args.annotator)

    def write(text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()

    with terminal_keys() as read_key:
        tally = label_posts(session, read_key, write)
    begun = f" ({tally.begun:,} of them with one answer)" if tally.begun else ""
    print(f"\n{tally.labelled:,} labelled, {tally.skipped:,} skipped, {tally.left:,} left{begun}")
    if args.output.exists():
        print(f"in {args.output}; the same command goes on, opgsent train {args.output} uses them")
    else:
        print(f"no answer was given: there is no {args.output} yet")
    return DONE
