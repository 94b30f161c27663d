"""The command line: parses, calls, prints; the only place that prints.

What a command needs is imported when it runs, so that ``--help`` and ``classify`` answer at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from .parser import parser_of

DONE, FAILED, WRONG_USE, SOME_REJECTED = 0, 1, 2, 3
STOPPED = 130  # by Ctrl-C, as shells have it


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status (argparse leaves with 2 on its own).

    >>> main(["classify", "gm", "--json"])  # doctest: +ELLIPSIS
    {"text": "gm", "stance": {"label": "neutral", ...
    0
    """
    from ..errors import OpgsentError

    if sys.stderr is None:  # the shell closed it: nothing meant for it may go anywhere else
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - for the rest of the process
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal that cannot show an emoji shows a mark
            stream.reconfigure(errors="replace")
    args = parser_of().parse_args(argv)
    try:
        status = args.run(args)
        if sys.stdout is not None:  # the shell may have closed it
            sys.stdout.flush()
        return int(status or DONE)
    except BrokenPipeError:  # the reader of our pipe has gone, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except KeyboardInterrupt:
        goes_on = "; the same command goes on from here" if getattr(args, "resume", False) else ""
        complain(f"stopped{goes_on}")
        return STOPPED
    except OpgsentError as error:
        complain(str(error))
        return FAILED
    except MemoryError:
        complain("out of memory: run again with fewer --jobs, or where there is more")
        return FAILED
    except OSError as error:
        complain(f"{error.filename or 'system'}: {error.strerror or error}")
        return FAILED


def complain(message: str) -> None:
    """Say what is wrong, on standard error."""
    from ..terminal import printable

    print(f"opgsent: {printable(message)}", file=sys.stderr)
