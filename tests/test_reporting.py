"""reporting.py, page.py, suspects.py: what a training says about itself."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from opgsent.checks import Finding
from opgsent.corpus import LabelledPost
from opgsent.errors import InputError
from opgsent.metrics import Interval, Judged, difference
from opgsent.page import to_html, write_html
from opgsent.reporting import Comparison, TrainingReport
from opgsent.scores import question_scores
from opgsent.suspects import find_suspects, rank_suspects, suspects_csv, write_suspects

LABELS = ("bullish", "bearish", "neutral")
NASTY = '<script>alert("$BTC")</script> \x1b[31m &amp; =1+1'


def judged(skill: float) -> Judged:
    rng = np.random.default_rng(0)
    gold = rng.choice(3, size=120)
    scores = rng.random((120, 3))
    scores[np.arange(120), gold] += skill
    return Judged(LABELS, gold, scores / scores.sum(axis=1, keepdims=True))


def comparison(before: float, after: float) -> Comparison:
    old, new = judged(before), judged(after)
    sure = np.zeros(120, bool)
    return Comparison(
        question_scores("stance", old, sure, draws=50),
        question_scores("stance", new, sure, draws=50),
        difference(old, new, Judged.macro_f1, draws=50),
    )


POSTS = [LabelledPost(str(n), f"post {n} {NASTY}", "bullish", row=n) for n in range(30)]
DOUBTFUL = rank_suspects(
    "stance", POSTS, Judged(LABELS, [0] * 30, [[n / 60, 1 - n / 60, 0.0] for n in range(30)])
)
REPORT = TrainingReport(
    source="mine.csv", base="bundled", posts=120, account=f"120 posts {NASTY}",
    findings=(Finding("duplicate", "2 repeated posts", (7, 9)),),
    own={"stance": comparison(0.1, 1.0)}, control={"stance": comparison(1.0, 0.9)},
    suspects=tuple(DOUBTFUL), refusals=(), notes=("weights: base .5",), forced=False,
    dry_run=False, folder=Path("mine"), seconds=3.2,
)  # fmt: skip


def test_too_few_posts_for_suspects_are_said_to_be() -> None:
    posts = [LabelledPost("1", "up we go", "bullish"), LabelledPost("2", "down we go", "bearish")]
    with pytest.raises(InputError, match="stance: 2 posts are too few"):
        find_suspects(posts, 5)


def test_suspects_are_those_of_another_answer_most_doubtful_first() -> None:
    assert [one.post.row for one in DOUBTFUL[:3]] == [0, 1, 2] and len(DOUBTFUL) == 30
    mixed = Judged(LABELS, [0, 1], [[0.9, 0.1, 0.0], [0.6, 0.3, 0.1]])
    (only,) = rank_suspects("stance", POSTS[:2], mixed)
    assert (only.post.row, only.label, only.instead) == (1, "bearish", "bullish")
    assert only.doubt == pytest.approx(0.3)


def test_suspects_as_csv_run_nothing() -> None:
    risky = replace(POSTS[0], text="=HYPERLINK(1)")
    rows = list(csv.DictReader(io.StringIO(suspects_csv([replace(DOUBTFUL[0], post=risky)]))))
    assert rows[0]["text"] == "'=HYPERLINK(1)" and rows[0]["instead"] == "bearish"


def test_suspects_in_a_file_are_utf8_to_a_spreadsheet(tmp_path: Path) -> None:
    write_suspects(DOUBTFUL[:1], tmp_path / "suspects.csv")
    assert (tmp_path / "suspects.csv").read_bytes().startswith(b"\xef\xbb\xbfrow,id,")


def test_the_plain_text_says_it_all() -> None:
    text = REPORT.to_text()
    for part in (
        "warning: 2 repeated posts (row 7, 9)", "stance: your labels, cross-validated",
        "control set", "difference of macro-F1 +", "row 0: bullish, models say bearish",
        "written to mine: 120 posts",
    ):  # fmt: skip
        assert part in text
    assert REPORT.ok and not REPORT.own["stance"].worse
    assert text.count("models say") == 20  # the page and the CSV hold the rest


@pytest.mark.parametrize(
    ("changes", "ok", "last"),
    [
        ({"refusals": ("stance is worse",), "folder": None}, False, "no model written"),
        ({"refusals": ("stance is worse",), "forced": True}, True, "written to mine by force"),
        ({"dry_run": True, "folder": None}, True, "dry run"),
        ({"folder": None}, True, "no folder was asked for"),
    ],
)
def test_outcomes(changes: dict[str, object], ok: bool, last: str) -> None:
    report = replace(REPORT, **changes)  # type: ignore[arg-type]
    assert report.ok is ok and last in report.to_text()


def test_worse_is_beyond_the_interval() -> None:
    one = REPORT.own["stance"]
    assert replace(one, gain=Interval(-0.2, -0.3, -0.1)).worse
    assert not replace(one, gain=Interval(-0.2, -0.3, 0.01)).worse


class Tags(HTMLParser):
    """Counts the elements, and checks that they close in order."""

    VOID = ("meta",)

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        assert not any(name.startswith("on") or name in ("src", "href") for name, _ in attrs)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_and_holds_no_markup_of_the_posts(tmp_path: Path) -> None:
    write_html(REPORT, tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    tags = Tags()
    tags.feed(page)
    assert not tags.open and "script" not in tags.seen and tags.seen.count("svg") == 3
    assert "&lt;script&gt;" in page and "\x1b" not in page
    assert page == to_html(REPORT)  # no clock in it


def test_a_page_without_figures() -> None:
    bare = replace(REPORT, own={}, control={}, suspects=(), findings=(), folder=None)
    page = to_html(replace(bare, refusals=("too few labels",)))
    assert "<svg" not in page and "too few labels" in page and "nothing found" in page


def test_a_page_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        write_html(REPORT, tmp_path / "none" / "report.html")
