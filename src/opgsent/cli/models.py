"""``opgsent model``: info, diff, verify."""

from __future__ import annotations

import argparse


def info(args: argparse.Namespace) -> None:
    """Print what a model's card says."""
    from ..inspection import describe, read_card
    from ..terminal import printable
    from .show import json_line

    card = read_card(args.folder)
    print(json_line(card) if args.json else printable(describe(card)))


def diff(args: argparse.Namespace) -> None:
    """Print how two models differ; one alone, how it differs from the bundled model."""
    from ..inspection import compare
    from ..terminal import printable

    before, after = (None, args.first) if args.second is None else (args.first, args.second)
    print(printable(compare(before, after)))


def verify(args: argparse.Namespace) -> None:
    """Load a model with all checks."""
    from ..inspection import verified
    from ..terminal import printable

    print(printable(verified(args.folder)))
