"""Checks before fitting: what is wrong with a user's labels, row by row.

``CHECKS`` says which findings stop a training (it could not give a model) and which only warn
and what is done about them; both name their rows.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from .corpus import LabelledLevel, LabelledPost, LabelledTicker
from .duplicates import group_near_duplicates
from .labels import rows_text
from .result import LABELS

_S = TypeVar("_S", LabelledTicker, LabelledLevel)

FEWEST = 10  # labelled posts that a question needs
FEW = 5  # posts of a label below which its scores mean nothing
OPPOSITE = (("bullish", "bearish"), ("analytical", "hype"))
#: from which overlap, and how many words, posts say the same: below, "long" or "short" may be what
#: tells two posts of one template apart (of 20,999 posts in corpora/ none is named)
ALIKE, LONG = 0.7, 6

#: check -> (does it stop the training, what is done); the order of a report
CHECKS: dict[str, tuple[bool, str]] = {
    "ids": (True, "more than half of the texts look like ids: name the text column with --text"),
    "too few": (True, f"no question has {FEWEST} labelled posts: label more"),
    "short": (False, "that question stays as the base model has it"),
    "one class": (True, "all labels of a question are the same: label posts of another class"),
    "missing class": (False, "the model keeps what it knew of that class"),
    "few": (False, f"under {FEW} posts of a class: its scores will mean little"),
    "empty": (False, "left out"),
    "id": (False, "text that looks like an id or is only a link: left out"),
    "conflict": (False, "the same text with two labels, or two sets of spans: left out"),
    "near conflict": (False, "nearly the same text, opposite labels: kept; is one label wrong?"),
    "duplicate": (False, "the same text with the same label: used once"),
    "leak": (
        False,
        "near the control posts that opgsent keeps to see what is forgotten: left out of training",
    ),
    "language": (False, "looks like another language: kept; the bundled model reads English"),
}

# all digits, one token with four of them, or a link
_ID = re.compile(r"[0-9]{4,}|(?=(?:[^0-9]*[0-9]){4})[\w-]{6,64}|(?:https?://|www\.)\S+")
_WORD = re.compile(r"[^\W\d_]+")
_SAYS_NOTHING = re.compile(r"https?://\S+|[\s.,;:!'\"()…]+")  # "?", "-" and emoji may turn a post
_ENGLISH = frozenset(
    "the and to of is it this that for on with you my we are not be at will if have has just was"
    " now but all from they so up out what get can when more than how your its it's i'm".split()
)
# everyday words of other languages in Latin script that are not English words
_OTHERS = {
    "Spanish": "el los las una para con por que esta pero como más muy todo está hoy del",
    "German": "der und ist nicht ein eine das mit auf für von dem den auch sich wird noch",
    "French": "le les des une est pas pour dans que qui sur avec plus vous nous ce cette",
    "Portuguese": "o os uma para com não que mais por está isso você muito hoje esse do da",
    "Italian": "il gli una che non per con sono della più questo anche molto oggi di è",
    "Dutch": "het een niet van voor met zijn dat maar ook naar wordt deze nog dan zal",
    "Turkish": "bir ve bu için çok daha değil olarak kadar ile ne var yok ama gibi en",
    "Indonesian": "yang dan ini itu untuk dengan tidak akan bisa sudah ada dari juga di ke",
    "Polish": "nie jest na się że do jak ale to czy już tylko przez będzie bardzo od",
}
_WORDS_OF = {name: frozenset(words.split()) - _ENGLISH for name, words in _OTHERS.items()}


@dataclass(frozen=True, slots=True)
class Finding:
    """One check that did not hold: its name in CHECKS, what was seen, and the rows (from 1)."""

    check: str
    seen: str
    rows: tuple[int, ...] = ()

    @property
    def stops(self) -> bool:
        """True when no training should follow.

        >>> Finding("one class", "every stance is bullish").stops
        True
        """
        return CHECKS[self.check][0]

    def __str__(self) -> str:
        kind = "stop" if self.stops else "warning"
        rows = f" (row {rows_text(self.rows)})" if self.rows else ""
        return f"{kind}: {self.seen}{rows}: {CHECKS[self.check][1]}"


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found, and the posts to train on: without the rows that were to be left out."""

    findings: tuple[Finding, ...]
    posts: tuple[LabelledPost, ...]

    @property
    def ok(self) -> bool:
        """True when nothing stops a training."""
        return not any(finding.stops for finding in self.findings)

    def to_text(self) -> str:
        """One line a finding, the ones that stop first."""
        return "\n".join(map(str, sorted(self.findings, key=lambda finding: not finding.stops)))


def check_labels(posts: Iterable[LabelledPost], test: Iterable[LabelledPost] = ()) -> Checked:
    """Check labelled posts before a fit; ``test`` holds posts that a model will be measured on.

    Posts of which only spans are labelled are kept and not counted. Never raises: what stops a
    training is a Finding with ``stops``.

    >>> posts = [LabelledPost(str(i), f"post number {i} goes up", "bullish", row=i)
    ...          for i in range(1, 12)]
    >>> print(check_labels(posts).to_text())
    stop: every stance is bullish: all labels of a question are the same: label posts of another \
class
    """
    posts = list(posts)
    findings: list[Finding] = []
    empty = [post for post in posts if not post.text.strip()]
    ids = [post for post in posts if looks_like_id(post.text)]
    _note(findings, "empty", f"{len(empty):,} empty posts", empty)
    if 2 * len(ids) > len(posts):
        seen = f"{len(ids):,} of {len(posts):,} texts look like ids"
        findings.append(Finding("ids", seen, tuple(post.row for post in ids)))
    else:
        _note(findings, "id", f"{len(ids):,} texts look like ids or links", ids)
    gone = {id(post) for post in (*empty, *ids)}
    posts = [post for post in posts if id(post) not in gone]
    posts = _without_repeats(posts, findings)
    posts = _without_leaks(posts, list(test), findings)
    _near_conflicts(posts, findings)
    _languages(posts, findings)
    findings += _classes(posts)
    order = list(CHECKS)
    findings.sort(key=lambda finding: order.index(finding.check))
    return Checked(tuple(findings), tuple(posts))


def _note(findings: list[Finding], check: str, seen: str, posts: Sequence[LabelledPost]) -> None:
    if posts:
        findings.append(Finding(check, seen, tuple(post.row for post in posts)))


def looks_like_id(text: str) -> bool:
    """True for a number, a hash, a key such as ``tw_10443``, or a link alone.

    >>> [looks_like_id(t) for t in ("1234567890123", "t3_99812", "BTC", "100k soon")]
    [True, True, False, False]
    """
    return bool(_ID.fullmatch(text.strip()))


def _without_repeats(posts: Sequence[LabelledPost], findings: list[Finding]) -> list[LabelledPost]:
    """Each text once; a question, or spans, on which its rows disagree are left out of it."""
    same: defaultdict[str, list[LabelledPost]] = defaultdict(list)
    for post in posts:
        same[" ".join(post.text.split())].append(post)
    kept: list[LabelledPost] = []
    repeats: list[LabelledPost] = []
    conflicts: list[LabelledPost] = []
    for group in same.values():
        first, *rest = group
        stance, style = (_agreed(group, question) for question in LABELS)
        # offsets are those of a text with its spaces: all spans that are kept are of one row's
        text = next((post.text for post in group if post.tickers or post.levels), first.text)
        same_spaces = [post for post in group if post.text == text]
        tickers, ticker_sets = _spans(post.tickers for post in same_spaces)
        levels, level_sets = _spans(post.levels for post in same_spaces)
        if "?" in (stance, style) or ticker_sets > 1 or level_sets > 1:
            conflicts += group
        else:
            repeats += rest
        first = replace(
            first,
            text=text,
            stance=None if stance == "?" else stance,
            style=None if style == "?" else style,
            tickers=tickers,
            levels=levels,
        )
        if first.stance or first.style or first.tickers or first.levels:
            kept.append(first)
    _note(findings, "conflict", f"{len(conflicts):,} rows of posts with two labels", conflicts)
    _note(findings, "duplicate", f"{len(repeats):,} repeated posts", repeats)
    return kept


def _agreed(group: Sequence[LabelledPost], question: str) -> str | None:
    """The label that all of a group have, '?' where they differ, None where none has one."""
    labels = {getattr(post, question) for post in group} - {None}
    return "?" if len(labels) > 1 else next(iter(labels), None)


def _spans(said: Iterable[tuple[_S, ...] | None]) -> tuple[tuple[_S, ...] | None, int]:
    """The spans that rows of one text have, None where they differ; how many different ones.

    () beside spans says nothing: a tool writes it where a row was labelled for something else.
    """
    known = [spans for spans in said if spans is not None]
    found: list[tuple[_S, ...]] = []
    for spans in known:
        if spans and spans not in found:
            found.append(spans)
    if len(found) > 1:
        return None, len(found)
    return (found[0] if found else next(iter(known), None)), len(found)


def _without_leaks(
    posts: list[LabelledPost], test: list[LabelledPost], findings: list[Finding]
) -> list[LabelledPost]:
    if not test:
        return posts
    groups = group_near_duplicates([post.text for post in (*posts, *test)])
    tested = set(groups[len(posts) :])
    leaks = [post for post, group in zip(posts, groups, strict=False) if group in tested]
    _note(findings, "leak", f"{len(leaks):,} training posts", leaks)
    return [post for post, group in zip(posts, groups, strict=False) if group not in tested]


def _near_conflicts(posts: Sequence[LabelledPost], findings: list[Finding]) -> None:
    """Pairs of posts that say nearly the same and have opposite labels, one pair a group."""
    alike: defaultdict[int | str, list[LabelledPost]] = defaultdict(list)
    long = [post for post in posts if len(_WORD.findall(post.text)) >= LONG]
    groups = group_near_duplicates([post.text for post in long], threshold=ALIKE)
    for post, group in zip(long, groups, strict=True):
        alike[group].append(post)
    for post in posts:
        alike[_SAYS_NOTHING.sub(" ", post.text.lower()).strip()].append(post)
    pairs: dict[tuple[str, int, int], tuple[LabelledPost, LabelledPost]] = {}
    for group_of_posts in alike.values():
        first: dict[str, LabelledPost] = {}  # label -> the first post that has it
        for post in group_of_posts:
            for label in (post.stance, post.style):
                if label:
                    first.setdefault(label, post)
        for one, other in OPPOSITE:
            if one in first and other in first:
                pair = first[one], first[other]
                pairs.setdefault((one, id(pair[0]), id(pair[1])), pair)
    if pairs:
        (label, *_), (one_post, other_post) = next(iter(pairs.items()))
        other = dict(OPPOSITE)[label]
        seen = (
            f"{len(pairs):,} pairs of near-duplicates with opposite labels, such as row "
            f"{one_post.row}, {label}, and row {other_post.row}, {other}"
        )
        _note(findings, "near conflict", seen, [post for pair in pairs.values() for post in pair])


def _languages(posts: Sequence[LabelledPost], findings: list[Finding]) -> None:
    foreign = [(post, name) for post in posts if (name := other_language(post.text))]
    if foreign:
        count = Counter(name for _, name in foreign)
        names = ", ".join(f"{n:,} {name}" for name, n in count.most_common())
        _note(findings, "language", f"posts in {names}", [post for post, _ in foreign])


def other_language(text: str) -> str | None:
    """The language or script a post looks like where that is not English; None in doubt.

    >>> other_language("el precio va a subir mucho, pero hay que esperar por una caída")
    'Spanish'
    >>> other_language("Курс растёт"), other_language("$BTC to 70k")
    ('a script other than Latin', None)
    """
    words = [word.lower() for word in _WORD.findall(text)]
    letters = "".join(words)
    if len(letters) >= 4 and 2 * sum(char > "\u024f" for char in letters) > len(letters):
        return "a script other than Latin"
    english = sum(word in _ENGLISH for word in words)
    hits, name = max((sum(w in found for w in words), name) for name, found in _WORDS_OF.items())
    return name if hits >= 3 and hits > 2 * english else None


def _classes(posts: Sequence[LabelledPost]) -> Iterator[Finding]:
    """Is there something to learn for a question, and which classes are short of posts?"""
    counts = {question: Counter(getattr(p, question) for p in posts) for question in LABELS}
    for count in counts.values():
        del count[None]
    spans = sum(bool(post.tickers or post.levels) for post in posts)
    if spans < FEWEST and all(count.total() < FEWEST for count in counts.values()):
        seen = ", ".join(f"{count.total():,} of {name}" for name, count in counts.items())
        yield Finding("too few", f"usable labels: {seen}")
        return
    for question, count in counts.items():
        if not count:
            continue
        if count.total() < FEWEST:
            yield Finding("short", f"{count.total()} labels of {question}, under {FEWEST}")
            continue
        if len(count) == 1:
            yield Finding("one class", f"every {question} is {next(iter(count))}")
            continue
        for label in LABELS[question]:
            rows = tuple(p.row for p in posts if getattr(p, question) == label)
            if not rows:
                yield Finding("missing class", f"no post is {label}")
            elif len(rows) < FEW:
                yield Finding("few", f"{len(rows)} posts are {label}", rows)
