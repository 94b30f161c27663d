"""``opgsent corpus``: check, stats, agreement, overlap, suspects."""

from __future__ import annotations

import argparse
from pathlib import Path


def check(args: argparse.Namespace) -> int:
    """Is a corpus what it says it is."""
    from ..audit import check_corpus
    from ..terminal import printable

    report = check_corpus(_folder(args))
    print(printable(report.to_text()))
    return 0 if report.ok else 1


def stats(args: argparse.Namespace) -> None:
    """Count what is in a corpus."""
    from ..audit import check_corpus, plain_table

    report = check_corpus(_folder(args))
    print(f"{report.posts:,} posts")
    for title, rows in report.tables.items():
        print(f"\n{title}\n{plain_table(rows)}")


def agreement(args: argparse.Namespace) -> None:
    """How far two labellers agree."""
    from ..agreement import agreement as measure
    from ..terminal import printable

    print(printable(measure(_folder(args), first=args.first, second=args.second).to_text()))


def overlap(args: argparse.Namespace) -> int:
    """Runs of words shared with other people's posts."""
    from ..audit import overlaps
    from ..terminal import printable

    found = overlaps(_folder(args), args.against, run=args.length)
    for one in found:
        print(printable(str(one)))
    print(f"{len(found):,} runs of {args.length} words shared with {len(args.against)} files")
    return 1 if found else 0


def suspects(args: argparse.Namespace) -> int:
    """Posts whose label cross-validated models doubt most."""
    from . import DONE, WRONG_USE, complain

    if args.output and args.output.exists():
        complain(f"suspects: {args.output} exists and may hold labels; name another with -o")
        return WRONG_USE
    from ..corpus import read_corpus
    from ..files import check_writable
    from ..suspects import find_suspects, write_suspects
    from ..terminal import shown
    from .progress import StageLine

    if args.output:
        check_writable(args.output)
    with StageLine() as line:
        found = find_suspects(read_corpus(_folder(args)), args.n, seed=args.seed, progress=line)
    if args.output:
        write_suspects(found, args.output)
        print(f"{len(found):,} posts written to {args.output}")
        return DONE
    for one in found:
        print(
            f"{one.doubt:.2f}  {one.question} {one.label}, models say {one.instead}"
            f"  [{shown(one.post.id, 30)}]\n      {shown(one.post.text, 90)}"
        )
    return DONE


def _folder(args: argparse.Namespace) -> Path:
    from ..corpus import corpora_folder

    return args.folder if args.folder is not None else corpora_folder()
