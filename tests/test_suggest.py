"""suggest.py: which posts to label next, and the files they are written to."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from opgsent import score_file
from opgsent.corpus import LabelledPost
from opgsent.errors import InputError
from opgsent.labels import read_labels, read_posts
from opgsent.suggest import LABEL_STUDIO_CONFIG, doubt_of, suggest, why_fewer, write_posts

SUBJECTS = "coffee gold rates wheat chips banks oil bonds".split()


def texts(count: int = 240) -> list[str]:
    """Posts about eight subjects; the numbers are words, for digits count as the same."""
    names = "ant bee cat dog elk fox gnu hen ibis jay kiwi lynx moth newt owl pig".split()
    out = []
    for i in range(count):
        subject, one, other = SUBJECTS[i % 8], names[i % 16], names[i // 16]
        out.append(f"{subject} {one} {other} said {subject} of the {other}")
    return out


def model(posts: Sequence[str]) -> list[Mapping[str, Mapping[str, float]]]:
    """In doubt about gold most, about bonds least."""
    out: list[Mapping[str, Mapping[str, float]]] = []
    for post in posts:
        p = 0.5 if post.startswith("gold") else 0.9 if post.startswith("bonds") else 0.7
        out.append({"stance": {"bullish": p, "bearish": 1 - p}})
    return out


def test_the_pick_is_doubtful_spread_and_the_same_again() -> None:
    posts = texts()
    found = suggest(posts, 5, model)
    assert len({s.index for s in found}) == 5
    assert [s.doubt for s in found] == sorted((s.doubt for s in found), reverse=True)
    picked = {posts[s.index].split()[0] for s in found}
    assert len(picked) >= 3 and "bonds" not in picked
    assert suggest(posts, 5, model) == found


def test_any_seed_will_do() -> None:
    for seed in (5_000_000_000, -1):
        assert len(suggest(texts(), 5, model, seed=seed)) == 5


def test_near_duplicates_labelled_and_empty_posts_are_passed_over() -> None:
    long = "{} is ready to leave the station, entry {} and do not tell me I was late to it"
    posts = ["", " ", long.format("$A", 1), long.format("$B", 2), "gold is gold", "Gold is gold!"]
    assert [s.index for s in suggest(posts, 9, model)] == [4, 2]
    again = suggest(posts, 9, model, labelled=[long.format("$C", 3)])
    assert [s.index for s in again] == [4]


def test_fewer_posts_than_asked_for_is_all_of_them() -> None:
    assert len(suggest(texts(5), 50, model)) == 5
    assert suggest([], 5, model) == []
    with pytest.raises(ValueError, match="n is 0"):
        suggest(texts(5), 0, model)


@pytest.mark.parametrize(
    ("posts", "n", "labelled", "says"),
    [
        (["a b", "c d"], 1, False, ""),
        (["a b", "c d"], 9, False, ""),
        (["a b", "a b", "c d"], 9, False, " (the others are near-duplicates of these)"),
        (["a b", " "], 9, False, " (the others are empty)"),
        (["a b", "a b", ""], 9, False, " (the others are near-duplicates of these or empty)"),
        (["a b", "a b"], 9, True,
         " (the others are near-duplicates of these or of labelled posts)"),
    ],
)  # fmt: skip
def test_why_fewer_were_found(posts: list[str], n: int, labelled: bool, says: str) -> None:
    found = suggest(posts, n, model)
    assert why_fewer(posts, len(found), n, labelled=labelled) == says


def test_doubt() -> None:
    even = {"stance": {"bullish": 1 / 3, "bearish": 1 / 3, "neutral": 1 / 3}}
    assert doubt_of(even) == pytest.approx(1)
    assert doubt_of({}) == 0


POSTS = [
    LabelledPost("7", '=HYPERLINK("x")', row=3),
    LabelledPost("@9", "line one\nline two, 🚀 'quoted'", row=4),
    LabelledPost("10", "'=already", row=5),
]


@pytest.mark.parametrize("name", ["todo.csv", "todo.json", "todo.jsonl", "TODO.CSV"])
def test_what_is_written_is_read_back(name: str, tmp_path: Path) -> None:
    write_posts(POSTS, tmp_path / name)
    back = read_posts(tmp_path / name)
    assert [(p.id, p.text) for p in back] == [(p.id, p.text) for p in POSTS]
    assert os.listdir(tmp_path) == [name]


def test_a_spreadsheet_runs_nothing_and_its_labels_are_read(tmp_path: Path) -> None:
    write_posts(POSTS, tmp_path / "todo.csv")
    with (tmp_path / "todo.csv").open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert not any(cell[:1] in ("=", "+", "-", "@") for row in rows for cell in row.values())
    rows[0]["stance"] = "bull"
    with (tmp_path / "done.csv").open("w", newline="") as file:
        out = csv.DictWriter(file, list(rows[0]))
        out.writeheader()
        out.writerows(rows)
    found = read_labels(tmp_path / "done.csv")
    assert [(p.text, p.stance) for p in found.posts] == [('=HYPERLINK("x")', "bullish")]
    assert found.skipped == {"no label": (2, 3)}


def test_a_spreadsheet_sees_that_it_is_utf8(tmp_path: Path) -> None:
    todo = tmp_path / "todo.csv"
    write_posts(POSTS, todo)
    assert todo.read_bytes().startswith(b"\xef\xbb\xbfid,")
    for encoding in ("utf-8", "cp1252"):  # the mark says more than an option meant for the feed
        back = read_posts(todo, encoding=encoding)
        assert [(p.id, p.text) for p in back] == [(p.id, p.text) for p in POSTS]
    scored = tmp_path / "scored.csv"
    score_file(todo, scored, prefix="our_")
    rows = list(csv.DictReader(scored.read_text("utf-8-sig").splitlines()))
    assert rows[0]["id"] == "7" and rows[0]["our_p_hype"]
    write_posts(POSTS, tmp_path / "todo.json")
    assert (tmp_path / "todo.json").read_bytes()[:1] == b"["  # JSON has no mark


def test_the_shapes_of_the_tools(tmp_path: Path) -> None:
    write_posts(POSTS, tmp_path / "todo.json")
    tasks = json.loads((tmp_path / "todo.json").read_text())
    assert tasks[0] == {"data": {"id": "7", "row": 3, "text": '=HYPERLINK("x")'}}
    assert 'value="$text"' in LABEL_STUDIO_CONFIG and 'value="analytical"' in LABEL_STUDIO_CONFIG
    write_posts(POSTS, tmp_path / "todo.jsonl")
    assert json.loads((tmp_path / "todo.jsonl").read_text().split("\n")[0])["label"] == []


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"give \.csv"):
        write_posts(POSTS, tmp_path / "todo.xlsx")
    with pytest.raises(InputError, match="cannot be written"):
        write_posts(POSTS, tmp_path / "none" / "todo.csv")
    write_posts([LabelledPost("1", "\ud83d lone")], tmp_path / "todo.csv")
    assert read_posts(tmp_path / "todo.csv")[0].text == "? lone"
