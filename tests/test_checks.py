"""checks.py: what is wrong with a user's labels, each with its rows."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from opgsent.checks import CHECKS, Checked, check_labels, looks_like_id, other_language
from opgsent.corpus import LabelledLevel, LabelledPost, LabelledTicker

STANCES = ("bullish", "bearish", "neutral")
WORDS = "one two three four five six seven eight nine ten".split()


def sound(count: int = 30) -> list[LabelledPost]:
    """Posts in which every check holds."""
    return [
        LabelledPost(
            str(i),
            f"the {WORDS[i % 10]} and {WORDS[i // 10]} thing is here",
            STANCES[i % 3],
            row=i + 1,
        )
        for i in range(count)
    ]


def with_rows(*texts_and_labels: tuple[str, str | None]) -> list[LabelledPost]:
    posts = sound()
    for text, label in texts_and_labels:
        posts.append(LabelledPost("x", text, label, row=len(posts) + 1))
    return posts


def rows(checked: Checked) -> dict[str, tuple[int, ...]]:
    return {finding.check: finding.rows for finding in checked.findings}


def test_sound_labels_have_no_finding() -> None:
    checked = check_labels(sound())
    assert checked.findings == () and checked.ok and len(checked.posts) == 30


CASES: list[tuple[str, list[LabelledPost], tuple[int, ...], int]] = [
    # check, posts, rows it names, posts that are left
    ("empty", with_rows(("", "bullish"), (" \n", "bullish")), (31, 32), 30),
    ("id", with_rows(("1694418422930612", "bullish"), ("https://t.co/x", "neutral")), (31, 32), 30),
    ("duplicate", with_rows(("the one and  one thing is here", "bullish")), (31,), 30),
    ("conflict", with_rows(("the one and one thing is here", "bearish")), (1, 31), 29),
    (
        "near conflict",
        with_rows(("The one, and ONE thing is here!! https://t.co/x", "bearish")),
        (1, 31),
        31,
    ),
    ("language", with_rows(("el precio no sube, pero hoy está muy barato", "bullish")), (31,), 31),
    ("language", with_rows(("Биток упал", "bearish")), (31,), 31),
]


@pytest.mark.parametrize(("check", "posts", "named", "left"), CASES)
def test_each_check_names_its_rows(
    check: str, posts: list[LabelledPost], named: tuple[int, ...], left: int
) -> None:
    checked = check_labels(posts)
    assert rows(checked) == {check: named}
    assert checked.ok and len(checked.posts) == left
    assert f"row {named[0]}" in checked.to_text() and CHECKS[check][1] in checked.to_text()


TEMPLATE = "{} {} is ready to leave the station, entry {}, and do not tell me I was late to it"


def test_opposite_labels_of_near_duplicates_are_named_in_pairs() -> None:
    def says(text: str, stance: str | None, style: str | None, row: int) -> LabelledPost:
        return LabelledPost("x", text, stance, style, row=row)

    posts = [
        *sound(),
        says(TEMPLATE.format("the", "$SOL", 140), "bullish", "hype", 31),
        says(TEMPLATE.format("THE", "$ETH", 3100), "bearish", "hype", 32),
        says(TEMPLATE.format("the", "$BTC", 61_000), "bullish", "analytical", 33),
    ]
    checked = check_labels(posts)
    assert rows(checked)["near conflict"] == (31, 32, 33, 31) and len(checked.posts) == 33
    assert checked.ok and (
        "warning: 2 pairs of near-duplicates with opposite labels, such as row 31, bullish, and "
        "row 32, bearish (row 31, 32, 33, 31): nearly the same text" in checked.to_text()
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("$BTC +5% today", "$BTC -5% today"),
        ("bullish on this", "bullish on this?"),
        ("SUI/USDT 🚀", "SUI/USDT 🔻"),
        ("long $SOL 140, tp 150 160, sl 131", "short $SOL 140, tp 130 120, sl 149"),
        ("the bulls are in charge of this market", "the bears are in charge of this market"),
    ],
)
def test_a_word_or_a_mark_may_turn_a_post(one: str, other: str) -> None:
    assert check_labels(with_rows((one, "bullish"), (other, "bearish"))).findings == ()
    assert check_labels(with_rows((one, "bullish"), (f"{one}!", "neutral"))).findings == ()


def test_a_conflict_leaves_the_other_question_alone() -> None:
    posts = [*sound(), LabelledPost("a", "same words here", "bullish", "hype", row=31),
             LabelledPost("b", "same words here", "bearish", "hype", row=32)]  # fmt: skip
    kept = check_labels(posts).posts[-1]
    assert (kept.row, kept.stance, kept.style) == (31, None, "hype")


def test_spans_of_repeats_are_those_of_whichever_row_has_them() -> None:
    the, one = LabelledTicker("the", 0, 3, "THE"), LabelledTicker("one", 4, 7, "ONE")
    level = LabelledLevel("two", 9, 12, Decimal(2), "target")
    first = LabelledPost("a", "the one  two", "bullish", row=31)
    marked = replace(first, stance=None, tickers=(the,), levels=(level,), row=32)
    bare = replace(first, tickers=(), levels=(), row=33)
    for group in ([first, marked], [bare, marked], [marked, first, bare]):
        checked = check_labels([*sound(), *group])
        kept = checked.posts[-1]
        assert (kept.stance, kept.tickers, kept.levels) == ("bullish", (the,), (level,))
        assert [finding.check for finding in checked.findings] == ["duplicate"]
    # offsets stay those of the text they were made on
    kept = check_labels([*sound(), replace(first, text="the one two"), marked]).posts[-1]
    assert kept.levels and kept.text[9:12] == "two" and kept.row == 31
    # two sets of spans are two labels
    checked = check_labels([*sound(), marked, replace(marked, tickers=(one,), row=33)])
    assert rows(checked) == {"conflict": (32, 33)}
    assert (checked.posts[-1].tickers, checked.posts[-1].levels) == (None, (level,))


def test_training_posts_near_a_test_post_are_left_out() -> None:
    long = "{} is ready to leave the station, entry {} and do not tell me I was late to it"
    posts = with_rows((long.format("$SOL", 140), "bullish"))
    test = [LabelledPost("t", long.format("$BTC", 61_000), "bullish", row=1)]
    checked = check_labels(posts, test)
    assert rows(checked) == {"leak": (31,)} and len(checked.posts) == 30
    assert checked.to_text() == (
        "warning: 1 training posts (row 31): near the control posts that opgsent keeps to see "
        "what is forgotten: left out of training"
    )


def test_a_missing_and_a_small_class_only_warn() -> None:
    posts = [replace(p, stance="bullish" if p.row > 3 else "bearish") for p in sound()]
    checked = check_labels(posts)
    assert rows(checked) == {"missing class": (), "few": (1, 2, 3)} and checked.ok
    assert "no post is neutral" in checked.to_text()


STOPS: list[tuple[str, list[LabelledPost]]] = [
    ("too few", sound(9)),
    ("too few", []),
    ("one class", [replace(post, stance="neutral") for post in sound()]),
    ("ids", [replace(post, text=f"tw_{post.row:08d}") for post in sound()]),
]


@pytest.mark.parametrize(("check", "posts"), STOPS)
def test_what_stops_a_training(check: str, posts: list[LabelledPost]) -> None:
    checked = check_labels(posts)
    assert not checked.ok and check in rows(checked)
    assert checked.to_text().startswith("stop: ")


def test_spans_alone_can_be_taught() -> None:
    tickers = (LabelledTicker("the", 0, 3, "THE"),)
    posts = [replace(post, stance=None, tickers=tickers) for post in sound()]
    checked = check_labels(posts)
    assert checked.ok and len(checked.posts) == 30


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1234", True), ("deadbeef00112233", True), ("3fa85f64-5717-4562-b3fc-2c963f66afa6", True),
     ("https://t.co/AbC", True), ("$10000", False), ("gm", False), ("moon 2024", False),
     ("100k", False), ("", False)],
)  # fmt: skip
def test_ids(text: str, expected: bool) -> None:
    assert looks_like_id(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ich glaube das wird heute noch steigen, aber nicht mit dem Volumen", "German"),
        ("le marché est fermé mais nous avons encore des positions pour demain", "French"),
        ("ビットコインが上がる", "a script other than Latin"),
        ("BTC ETH SOL", None),
        ("le chart says it is not over for the bulls and we will see", None),
        ("die bears die, was a fun short", None),
        ("🚀🚀🚀", None),
    ],
)
def test_languages(text: str, expected: str | None) -> None:
    assert other_language(text) == expected
