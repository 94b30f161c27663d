"""``python -m benchmarks.capacity --rate R``: a billion posts on paper.

R is what one core scores in a second, measured with ``benchmarks.engines`` or
``benchmarks.speed`` on the machine that will be used; the price of a core's hour is the
reader's own.
"""

from __future__ import annotations

import argparse

from benchmarks.posts import table

CHARS = 155  # mean characters of a post, see shared/README.md; about 180 bytes with an id


def main() -> None:
    """Work it out and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, required=True, help="rows per second and core")
    parser.add_argument("--efficiency", type=float, default=0.8, help="of many workers (0.8)")
    parser.add_argument("--price", type=float, default=0.05, help="dollars an hour and core (0.05)")
    parser.add_argument("--posts", type=float, default=1e9)
    args = parser.parse_args()
    core_hours = args.posts / (args.rate * args.efficiency) / 3600
    print(
        f"{args.posts:,.0f} posts at {args.rate:,.0f} rows/s and core, {args.efficiency:.0%} of it "
        f"kept: {core_hours:,.0f} core hours"
    )
    lines = [[f"{n:,}", f"{core_hours / n:,.2f}"] for n in (2, 8, 64, 256, 1024)]
    print(table(["cores", "hours"], lines))
    dollars = core_hours * args.price
    million = dollars / args.posts * 1e6
    print(
        f"${dollars:,.0f} at ${args.price:.2f} an hour and core, ${million:.4f} a million posts; "
        f"about {args.posts * 180 / 1e9:,.0f} GB of text in"
    )


if __name__ == "__main__":
    main()
