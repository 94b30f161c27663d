"""Tickers and levels: every figure of docs/extraction.md from one command.

    python -m benchmarks.extraction [--shared ../shared] [--dev] [--speed]

Grouped cross-validation over the train posts of real.jsonl that have spans (corpora/ train is in
every fit, as it is in the bundled model): without teachers, and with what those say of the
unlabelled posts in the folds that one of them had not seen. Then a fit on all of that,
measured on corpora/ test, crypto_ner, the trade-signal messages and FinNum train. ``--dev`` adds
the dev posts of real.jsonl, which are opened once, at the end. Intervals are 95 %, bootstrap over
groups.
"""

from __future__ import annotations

import argparse
import gc
import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tools.build_model import taught_spans

from opgsent.assets import Assets
from opgsent.corpus import (
    SPANS_FILE,
    LabelledPost,
    corpora_folder,
    read_lines,
    read_spans,
    to_post,
)
from opgsent.extraction import Extractor, Spans
from opgsent.fitting import FOLDS, folds_of
from opgsent.fitting_spans import fit_extraction, learnable, table_of

from .posts import machine, posts

ROOT = Path(__file__).parents[1]
DRAWS = 500
FIRST_OF_NAMES = "w66"  #: the first writer of spans.jsonl who wrote names in prose
#: FinNum's category of a number -> our roles; the others are no level
FINNUM = {
    "quote": ("last",), "buy price": ("entry",), "sell price": ("exit",), "forecast": ("target",),
    "support or resistance": ("support", "resistance"), "stop loss": ("stop",),
    "exercise price": ("strike",),
}  # fmt: skip
#: figure -> (what counts as right, out of what)
FIGURES = {
    "ticker span F1": ("ticker_both", "ticker_all"),
    "symbol right": ("symbol", "ticker"),
    "level span F1": ("level_both", "level_all"),
    "role right": ("role", "level"),
    "value right": ("value", "level"),
    "level's ticker right": ("owner", "level"),
    "subject right": ("subject", "subject_all"),
    "piggybacked tags found": ("passenger", "passenger_all"),
}


def read_all(extractor: Extractor, texts: Sequence[str]) -> list[Spans]:
    return extractor.read(table_of(extractor.assets).read(texts))


def counted(post: LabelledPost, spans: Spans) -> Counter[str]:
    """What one post adds to the figures."""
    c: Counter[str] = Counter()
    gold = {(t.start, t.end): t for t in post.tickers or ()}
    found = {(t.start, t.end): t for t in spans.tickers}
    both = gold.keys() & found.keys()
    c["ticker"] += len(both)
    c["ticker_both"] += 2 * len(both)
    c["ticker_all"] += len(gold) + len(found)
    for key in both:
        c["symbol"] += gold[key].symbol == found[key].symbol
        if gold[key].subject is not None:
            c["subject_all"] += 1
            c["subject"] += gold[key].subject == found[key].subject
            c["passenger_all"] += not gold[key].subject
            c["passenger"] += not gold[key].subject and not found[key].subject
    levels = {(v.start, v.end): v for v in post.levels or ()}
    ours = {(v.start, v.end): v for v in spans.levels}
    shared = levels.keys() & ours.keys()
    c["level"] += len(shared)
    c["level_both"] += 2 * len(shared)
    c["level_all"] += len(levels) + len(ours)
    for key in shared:
        c["role"] += levels[key].role == ours[key].role
        c["owner"] += levels[key].symbol == ours[key].symbol
        c["value"] += same(levels[key].value, ours[key].value)
    return c


def same(gold: Any, found: Any) -> bool:
    """Equal, but for the binary noise that some labels carry in their 15th digit."""
    return gold is not None and abs(gold - found) <= abs(gold) * type(gold)("1e-12")


def report(name: str, labelled: Sequence[LabelledPost], spans: Sequence[Spans]) -> None:
    """Print the figures of a set with intervals over its groups."""
    groups: dict[str, Counter[str]] = {}
    for post, found in zip(labelled, spans, strict=True):
        groups.setdefault(post.group or post.id, Counter()).update(counted(post, found))
    parts = list(groups.values())
    draws = np.random.default_rng(0).integers(0, len(parts), (DRAWS, len(parts)))
    print(f"\n{name}: {len(labelled):,} posts in {len(parts):,} groups")
    for figure, (right, whole) in FIGURES.items():
        r = np.array([c[right] for c in parts], float)
        w = np.array([c[whole] for c in parts], float)
        if not w.sum():
            continue
        shares = r[draws].sum(axis=1) / np.maximum(w[draws].sum(axis=1), 1)
        low, high = np.quantile(shares, (0.025, 0.975))
        print(f"  {figure:24} {r.sum() / w.sum():.3f}  [{low:.3f}, {high:.3f}]  of {w.sum():,.0f}")


def real(shared: Path, split: str) -> list[LabelledPost]:
    """Posts of real.jsonl that have spans."""
    rows = read_lines(shared / "posts" / "real.jsonl")
    found = [to_post(r, n) for n, r in rows if r.get("split") == split and "tickers" in r]
    return [post for post in found if post.levels is not None]


def crossed(
    labelled: Sequence[LabelledPost],
    always: Sequence[LabelledPost],
    assets: Assets,
    taught: Mapping[int, Sequence[LabelledPost]],
) -> tuple[list[LabelledPost], list[Spans]]:
    """The posts of the folds of ``taught``, and answers for each from a fit without its fold, but
    with what was taught for it.
    """
    fold = folds_of([p.group for p in labelled], FOLDS)
    posts: list[LabelledPost] = []
    out: list[Spans] = []
    for k, more in taught.items():
        fit = [p for p, f in zip(labelled, fold, strict=True) if f != k]
        extractor = Extractor(assets, fit_extraction([*fit, *always], assets, taught=more))
        held = [labelled[i] for i in np.flatnonzero(fold == k).tolist()]
        posts += held
        out += read_all(extractor, [post.text for post in held])
    return posts, out


def readers(folder: Path) -> None:
    """spans.jsonl: how often two readers gave a level the same role, and marked the same names."""
    rows = [row for _, row in read_lines(folder / SPANS_FILE)]
    of_levels = [row for row in rows if "second" in row]
    of_names = [row for row in rows if "second" not in row]
    pairs = [pair for row in of_levels for pair in zip(row["levels"], row["second"], strict=True)]
    same = sum(level["role"] == second for level, second in pairs)
    c: Counter[str] = Counter()
    for row in of_names:
        first = {(ticker["start"], ticker["end"]) for ticker in row["tickers"]}
        second = {(start, end) for start, end in row["second_tickers"]}
        c += Counter(both=len(first & second), all=len(first) + len(second))
    print("\nspans.jsonl: two readers")
    for kind, posts_of, words in (
        ("levels", of_levels, f"gave {same:,} of {len(pairs):,} levels the same role"),
        ("names", of_names, f"marked tickers with F1 {2 * c['both'] / c['all']:.3f}"),
    ):
        disputed = sum(row.get("disputed", False) for row in posts_of)
        print(f"  {kind}: {words}; {disputed} of {len(posts_of):,} posts are disputed")


def coins(shared: Path, extractor: Extractor) -> None:
    """crypto_ner: coin names in Reddit posts, spans only, against all tickers and against coins,
    for the set marks no gold, shares and currencies.
    """
    rows = json.loads((shared / "datasets" / "crypto_ner" / "dev.json").read_text())
    answers = read_all(extractor, [row["text"] for row in rows])
    gold = {(n, s, e) for n, row in enumerate(rows) for s, e, _ in row["entities"]}
    print(f"\ncrypto_ner dev: {len(rows)} posts, {len(gold)} names")
    every = [(n, ticker) for n, spans in enumerate(answers) for ticker in spans.tickers]
    of_coins = [(n, ticker) for n, ticker in every if ticker.asset_class in (None, "crypto")]
    for kind, chosen in (("all tickers", every), ("no gold, shares, currencies", of_coins)):
        found = {(n, ticker.start, ticker.end) for n, ticker in chosen}
        both = len(gold & found)
        print(
            f"  {kind:28} F1 {2 * both / (len(gold) + len(found)):.3f}"
            f" (precision {both / len(found):.3f}, recall {both / len(gold):.3f})"
        )


def signals(shared: Path, extractor: Extractor) -> None:
    """Trade-signal messages: every entry, target, stop and symbol that the message states."""
    folder = shared / "datasets" / "signals"
    rows = [(r["message"], expected(r["expected"], r["message"])) for r in
            json.loads((folder / "dev.json").read_text())]  # fmt: skip
    for _, row in read_lines(folder / "gold_xauusd.jsonl"):
        rows.append(
            (row["message"], expected(gold_card(json.loads(row["expected"])), row["message"]))
        )
    right, asked, misses = Counter[str](), Counter[str](), []
    for (message, wanted), spans in zip(
        rows, read_all(extractor, [m for m, _ in rows]), strict=True
    ):
        got: dict[str, Any] = {"symbol": {t.symbol for t in spans.tickers}}
        for role in ("entry", "target", "stop"):
            got[role] = sorted({float(v.value) for v in spans.levels if v.role == role})
        for field, want in wanted.items():
            asked[field] += 1
            ok = want in got["symbol"] if field == "symbol" else want == got[field]
            right[field] += ok
            if not ok:
                misses.append(
                    f"    {field}: {want} is said, {got[field]} found in {message[:60]!r}"
                )
    print(f"\ntrade signals: {len(rows)} messages")
    for field, count in asked.items():
        print(f"  {field:8} {right[field]} of {count}")
    print("\n".join(misses))


def gold_card(card: dict[str, Any]) -> dict[str, Any]:
    """The expected fields of gold_xauusd in the names of dev.json."""
    entry = card.get("entry") or {}
    prices = [entry[k] for k in ("price", "low", "high") if k in entry]
    return {
        "symbol": card.get("symbol"), "entries": prices, "sl": card.get("stopLoss"),
        "tps": card.get("takeProfits"),
    }  # fmt: skip


def expected(fields: dict[str, Any], message: str) -> dict[str, Any]:
    """What a message states: fields whose numbers stand in its text (some tests mock them)."""
    entries = fields.get("entries") or [
        fields[k] for k in ("entry_low", "entry_high", "entry", "entry_price") if fields.get(k)
    ]
    wanted = {"entry": entries, "target": fields.get("tps") or [], "stop": [fields.get("sl") or 0]}
    said = {float(word) for word in _numbers(message)}
    out: dict[str, Any] = {
        role: sorted(map(float, values))
        for role, values in wanted.items()
        if values and set(map(float, values)) <= said
    }
    symbol = (fields.get("symbol") or "").removesuffix("USDT").removesuffix("USD")
    if symbol and (symbol in message.upper() or symbol == "XAU"):
        out["symbol"] = symbol
    return out


def _numbers(message: str) -> list[str]:
    import re

    return re.findall(r"[0-9]+(?:\.[0-9]+)?", message)


def finnum_numbers(row: Mapping[str, Any]) -> dict[int, str]:
    """Where the numbers of a post of FinNum begin, and the category of each."""
    found: dict[int, str] = {}
    at = 0
    for number, category in zip(row["target_num"], row["subcategory"], strict=True):
        start = row["tweet"].find(number.rstrip("."), at)
        if start >= 0:
            found[start] = category
            at = start + 1
    return found


def finnum(shared: Path, extractor: Extractor) -> None:
    """FinNum train: is a number a price, and which of seven categories."""
    rows = json.loads((shared / "datasets" / "finnum1" / "train.json").read_text())
    c: Counter[str] = Counter()
    for row, spans in zip(rows, read_all(extractor, [r["tweet"] for r in rows]), strict=True):
        for start, category in finnum_numbers(row).items():
            level = next((v for v in spans.levels if v.start <= start < v.end), None)
            roles = FINNUM.get(category)
            c["gold"] += roles is not None
            c["found"] += level is not None
            if roles and level:
                c["both"] += 1
                c["role"] += level.role in roles
    print(
        f"\nFinNum train: {len(rows):,} posts, detection F1"
        f" {2 * c['both'] / (c['gold'] + c['found']):.3f}, role {c['role'] / c['both']:.3f}"
    )


def speed(extractor: Extractor) -> None:
    """Time per post in batches and alone, and on texts of doubling length."""
    texts = posts(10_240)
    gc.collect()
    gc.freeze()  # what the fits left is not looked through beside what is timed
    table = table_of(extractor.assets)
    batches = [table.read(texts[i : i + 1024]) for i in range(0, len(texts), 1024)]
    for _ in range(2):  # the first pass fills the notes on tokens
        begin = time.process_time()
        for batch in batches:
            extractor.read(batch)
        took = time.process_time() - begin
    print(f"\nspeed ({machine()})\n  in batches of 1,024: {took / len(texts) * 1e6:.1f} µs a post")
    single = [table.read([text]) for text in texts[:2000]]
    begin = time.process_time()
    for batch in single:
        extractor.read(batch)
    print(f"  one post at a time: {(time.process_time() - begin) / 2000 * 1e6:.0f} µs a post")
    for piece in (
        "$BTC 61.5k ",
        "0.00001234 - 385 / ",
        "bitcoin cash ",
        "$BTC at 61500, $ETH near 2500. ",
        "1,",
        "$" * 7 + "A ",
        "é\n",
    ):
        row = []
        for size in (12_500, 25_000, 50_000, 100_000):
            batch = table.read([(piece * (size // len(piece) + 1))[:size]])
            extractor.read(batch)
            begin = time.process_time()
            extractor.read(batch)
            row.append(f"{(time.process_time() - begin) * 1e3:.0f}")
        print(f"  {piece!r} 12.5k to 100k characters: {', '.join(row)} ms")


def main(args: Sequence[str] | None = None) -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--dev", action="store_true", help="open the dev posts of real.jsonl")
    parser.add_argument("--speed", action="store_true", help="speed alone")
    options = parser.parse_args(args)
    assets = Assets.load()
    corpora = read_spans(corpora_folder())
    own = learnable(p for p in corpora if p.split == "train")
    labelled = real(options.shared, "train")
    taught = taught_spans(options.shared)
    last = taught.pop(-1)
    extractor = Extractor(assets, fit_extraction([*labelled, *own], assets, taught=last))
    if not options.speed:
        name = f"real.jsonl train, {FOLDS}-fold grouped cross-validation"
        none = dict.fromkeys(range(FOLDS), ())
        report(f"{name}, no teacher", *crossed(labelled, own, assets, none))
        if taught:
            report(f"{name}, taught", *crossed(labelled, own, assets, none | taught))
        readers(corpora_folder())
        tests: dict[str, list[LabelledPost]] = {}
        for post in corpora:
            if post.split == "test":
                kind = "spans.jsonl, names" if str(post.writer) >= FIRST_OF_NAMES else "spans.jsonl"
                name = "posts.jsonl" if post.style is not None else kind
                tests.setdefault(name, []).append(post)
        for name, test in tests.items():
            report(f"corpora/ {name}, test", test, read_all(extractor, [p.text for p in test]))
        if options.dev:
            dev = real(options.shared, "dev")
            report("real.jsonl dev", dev, read_all(extractor, [p.text for p in dev]))
        coins(options.shared, extractor)
        signals(options.shared, extractor)
        finnum(options.shared, extractor)
    speed(extractor)


if __name__ == "__main__":
    main()
