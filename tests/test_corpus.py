"""corpus.py, duplicates.py, audit.py, agreement.py: labelled posts in, and what holds of them."""

from __future__ import annotations

import gzip
import json
import random
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opgsent.agreement import agreement, cohen_kappa, compare
from opgsent.audit import check_corpus, overlaps, plain_table
from opgsent.corpus import (
    GENRES,
    SPLITS,
    LabelledLevel,
    LabelledTicker,
    corpora_folder,
    load,
    problems_of,
    read_corpus,
    read_lines,
    read_spans,
)
from opgsent.duplicates import SHINGLE, group_near_duplicates, masked_words
from opgsent.errors import InputError

TEXT = "$BTC lost 61.5k, next 58,200"
TICKER = {
    "start": 0, "end": 4, "text": "$BTC", "symbol": "BTC", "quote": None, "kind": "cashtag",
    "subject": True,
}  # fmt: skip
LEVEL = {"start": 10, "end": 15, "text": "61.5k", "value": "61500", "role": "support",
         "symbol": "BTC"}  # fmt: skip
POST: dict[str, Any] = {
    "id": "p1", "text": TEXT, "stance": "bearish", "style": "analytical", "tickers": [TICKER],
    "levels": [LEVEL], "platform": "x", "genre": "chart_read", "confusable": None,
    "writer": "w1", "labellers": ["w1", "r2"], "split": "train", "disputed": False,
}  # fmt: skip


def write(folder: Path, *posts: dict[str, Any], name: str = "posts.jsonl") -> Path:
    lines = "".join(json.dumps(post) + "\n" for post in posts)
    (folder / name).write_text(lines, encoding="utf-8")
    return folder


def test_a_post_is_read_with_its_spans(tmp_path: Path) -> None:
    (post,) = read_corpus(write(tmp_path, POST))
    assert post.tickers is not None and post.levels is not None
    assert (post.stance, post.genre, post.split, post.row) == ("bearish", "chart_read", "train", 1)
    assert post.levels[0].value == Decimal(61500)
    spans: list[LabelledTicker | LabelledLevel] = [*post.tickers, *post.levels]
    for span in spans:
        assert post.text[span.start : span.end] == span.text


def test_unlabelled_spans_are_none_and_labelled_absence_is_empty(tmp_path: Path) -> None:
    write(tmp_path, {"id": 7, "text": "gm"}, {"id": "b", "text": "gn", "tickers": []})
    first, second = read_corpus(tmp_path / "posts.jsonl")
    assert first.id == "7" and first.tickers is None
    assert second.tickers == () and second.levels is None


def test_load_is_a_frame_with_the_columns_of_the_file(tmp_path: Path) -> None:
    frame = load(write(tmp_path, POST, {**POST, "id": "p2"}))
    assert list(frame.columns) == list(POST)
    assert frame.levels[1][0]["value"] == "61500"


def test_gzip_is_read(tmp_path: Path) -> None:
    file = tmp_path / "posts.jsonl.gz"
    file.write_bytes(gzip.compress(json.dumps(POST).encode()))
    assert read_corpus(file)[0].id == "p1"


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"id": ""}, "id ''"),
    ({"text": None}, "text None"),
    ({"stance": "bull"}, "stance 'bull'; one of bullish, bearish, neutral"),
    ({"genre": "poem"}, "genre 'poem'; one of dramatic"),
    ({"disputed": "no"}, "disputed 'no'; true or false"),
    ({"writer": 3}, "writer 3; a string or null"),
    ({"tickers": {}}, "tickers {}; a list of objects"),
    ({"tickers": [{**TICKER, "end": 5}]}, "text[0:5] is '$BTC ', not '$BTC'; it is at 0:4"),
    ({"tickers": [{**TICKER, "start": "0"}]}, "needs integer start and end"),
    ({"tickers": [TICKER, TICKER]}, "overlaps or precedes"),
    ({"tickers": [{**TICKER, "kind": "tag"}]}, "kind 'tag'; one of cashtag"),
    ({"levels": [{**LEVEL, "value": 61500}]}, "value 61500; a plain decimal in a string"),
    ({"levels": [{**LEVEL, "value": "6E4"}]}, "value '6E4'"),
    ({"levels": [{**LEVEL, "role": "floor"}]}, "role 'floor'; one of last"),
]


@pytest.mark.parametrize(("change", "expected"), WRONG)
def test_what_is_wrong_is_named(change: dict[str, Any], expected: str, tmp_path: Path) -> None:
    problems = problems_of({**POST, **change})
    assert len(problems) == 1 and expected in problems[0]
    with pytest.raises(InputError, match=r"posts\.jsonl, row 2: "):
        read_corpus(write(tmp_path, POST, {**POST, "id": "p2", **change}))


@pytest.mark.parametrize(
    ("raw", "expected"),
    [(b"{", "not JSON"), (b"[1]", "list, not an object"), (b"\xff\xfe", "not JSON"),
     (b"[" * 100_000, "not JSON"), (b'{"id":' + b"1" * 5_000 + b"}", "not JSON")],
)  # fmt: skip
def test_a_line_that_is_no_object_is_an_input_error(
    raw: bytes, expected: str, tmp_path: Path
) -> None:
    (tmp_path / "posts.jsonl").write_bytes(raw)
    with pytest.raises(InputError, match=expected):
        read_corpus(tmp_path)


def test_a_missing_file_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read"):
        read_corpus(tmp_path / "none.jsonl")


# --- near-duplicates ------------------------------------------------------------------------

TEMPLATE = "{} is ready to leave the station, entry {} stop {} and do not tell me I was late to it"


def test_a_template_with_other_tickers_and_numbers_is_one_group() -> None:
    texts = [TEMPLATE.format(*f) for f in (("$BTC", 61_000, 59_500), ("$SOL", "142.5", "1.2k"))]
    assert group_near_duplicates([*texts, "lunch was fine, thanks for asking me about it"]) == [
        0, 0, 1,
    ]  # fmt: skip


def test_half_of_the_four_grams_is_the_border() -> None:
    whole = "alpha bravo charlie delta echo foxtrot golf hotel india juliet kilo"  # 8 four-grams
    words = whole.split()
    most = " ".join(words[:8])  # 5 of them: Jaccard 5/8
    less = " ".join(words[:6])  # 3 of them: 3/8
    assert group_near_duplicates([whole, most]) == [0, 0]
    assert group_near_duplicates([whole, less]) == [0, 1]
    assert group_near_duplicates([whole, less], threshold=0.3) == [0, 0]
    assert group_near_duplicates([whole, most, less]) == [0, 0, 0]  # a chain


def test_authors_and_equal_short_posts_join() -> None:
    assert group_near_duplicates(["gm", "moon", "gm!"], ["a", "b", None]) == [0, 1, 0]
    assert group_near_duplicates(["one", "two", "three"], ["a", None, "a"]) == [0, 1, 0]
    assert group_near_duplicates(["🚀", "🚀", "🐻", ""]) == [0, 0, 1, 2]


def test_bad_arguments_are_named() -> None:
    with pytest.raises(ValueError, match="1 authors for 2 texts"):
        group_near_duplicates(["a", "b"], ["x"])
    with pytest.raises(ValueError, match="threshold 0"):
        group_near_duplicates(["a"], threshold=0)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.sampled_from("abcdefgh"), max_size=12), max_size=12))
def test_the_index_finds_what_comparing_all_pairs_finds(rows: list[list[str]]) -> None:
    texts = [" ".join(row) for row in rows]
    words = masked_words(texts)
    sets = [set(zip(*(w[i:] for i in range(SHINGLE)), strict=False)) for w in words]
    found = group_near_duplicates(texts)
    for i, a in enumerate(sets):
        for j, b in enumerate(sets[:i]):
            near = bool(a and b) and len(a & b) >= 0.5 * len(a | b)
            if near or words[i] == words[j]:
                assert found[i] == found[j]


def made_up_posts(count: int) -> list[str]:
    """Synthetic text only for timing: half of it one template."""
    chance = random.Random(5)
    vocabulary = [f"w{n}" for n in range(20_000)]
    half = [" ".join(chance.choices(vocabulary, k=25)) for _ in range(count // 2)]
    for _ in range(count - len(half)):
        words = [f"t{n}" for n in range(25)]
        words[chance.randrange(25)] = chance.choice(vocabulary)
        half.append(" ".join(words))
    return half


def test_ten_thousand_posts_in_seconds_whatever_repeats() -> None:
    texts = made_up_posts(10_000)
    start = time.process_time()
    groups = group_near_duplicates(texts)
    assert time.process_time() - start < 5
    assert len(set(groups[5_000:])) == 1


# --- corpus check, overlap, agreement -------------------------------------------------------


def full_corpus() -> list[dict[str, Any]]:
    """A small corpus in which everything holds: each genre in each split, a writer for each."""
    posts = []
    for split in SPLITS:
        for genre in GENRES:
            text = f"{genre} {split} words that only {genre} of {split} would {split} {genre} say"
            post = {**POST, "id": f"{split}-{genre}", "text": text, "tickers": [], "levels": []}
            posts.append({**post, "genre": genre, "split": split, "writer": f"w-{split}"})
    return posts


def test_a_sound_corpus_has_no_problem(tmp_path: Path) -> None:
    report = check_corpus(write(tmp_path, *full_corpus()))
    assert report.problems == () and report.ok and report.posts == 39
    assert report.tables["genre"][1] == ["dramatic", "3"]
    assert report.tables["stance x style"][2] == ["bearish", "39 (100.0%)", *["0 (0.0%) !"] * 2]
    assert "39 posts, 0 problems" in report.to_text()


def test_posts_that_have_spans_alone_are_checked_beside_the_others(tmp_path: Path) -> None:
    folder = write(tmp_path, *full_corpus())
    level = {"id": "w60-000", "text": TEXT, "tickers": [TICKER], "levels": [LEVEL]}
    file = (folder if folder.is_dir() else folder.parent) / "spans.jsonl"
    file.write_text(json.dumps(level) + "\n")
    assert check_corpus(folder).problems == ()
    file.write_text(json.dumps({**level, "id": "train-dramatic", "tickers": []}) + "\n")
    twice, owner = sorted(check_corpus(folder).problems)
    assert "spans.jsonl, row 1: id 'train-dramatic' is that of row 1 of posts.jsonl too" in twice
    assert "no ticker of the post is 'BTC'" in owner


def altered(change: Callable[[list[dict[str, Any]]], object]) -> list[dict[str, Any]]:
    posts = full_corpus()
    change(posts)
    return posts


PROBLEMS: list[tuple[Callable[[list[dict[str, Any]]], object], str]] = [
    (lambda p: p[3].update(id=p[0]["id"]), "is that of row 1 of posts.jsonl too"),
    (lambda p: p[3].update(writer="w-dev"), "writer 'w-dev' is in dev, train"),
    (lambda p: p.pop(0), "split train has no dramatic"),
    (lambda p: p[0].pop("platform"), "has no platform"),
    (lambda p: p[0].pop("confusable"), "has no confusable"),
    (lambda p: p[0].update(labellers="me"), "labellers 'me'"),
    (lambda p: p[0].update(split="other"), "split 'other'; one of train, dev, test"),
    (lambda p: p[0].update(stance="up"), "row 1: stance 'up'"),
    (
        lambda p: p[0].update(text=TEXT, tickers=[{**TICKER, "symbol": "bitcoin"}]),
        "symbol 'bitcoin' of '$BTC'; capitals",
    ),
    (
        lambda p: p[0].update(text=TEXT, tickers=[{**TICKER, "symbol": "CARDANO"}]),
        "symbol 'CARDANO' of '$BTC' is a name; its symbol is ADA",
    ),
    (
        lambda p: p[0].update(
            text="Bitcoin up",
            tickers=[{**TICKER, "text": "Bitcoin", "end": 7, "kind": "name", "symbol": "ETH"}],
        ),
        "assets.tsv has BTC",
    ),
    (lambda p: p[0].update(text=TEXT, levels=[LEVEL]), "no ticker of the post is 'BTC'"),
]


@pytest.mark.parametrize(("change", "expected"), PROBLEMS)
def test_each_problem_is_named(
    change: Callable[[list[dict[str, Any]]], object], expected: str, tmp_path: Path
) -> None:
    report = check_corpus(write(tmp_path, *altered(change)))
    assert not report.ok
    assert any(expected in problem for problem in report.problems), report.problems


def test_near_duplicates_are_listed_not_refused(tmp_path: Path) -> None:
    posts = full_corpus()
    posts[1]["text"] = posts[0]["text"] + " again"
    report = check_corpus(write(tmp_path, *posts))
    assert report.ok and report.near_duplicates == ((posts[0]["id"], posts[1]["id"]),)


def test_annotations_are_checked(tmp_path: Path) -> None:
    note = {"id": "train-joke", "labeller": "r2", "stage": "second", "stance": "bullish",
            "style": "hype", "tickers": [], "levels": []}  # fmt: skip
    write(tmp_path, *full_corpus())
    write(
        tmp_path, note, note, {**note, "id": "nobody"}, {**note, "stage": "fourth"},
        name="annotations.jsonl",
    )  # fmt: skip
    text = "\n".join(check_corpus(tmp_path).problems)
    assert "row 2: second labels of 'train-joke' stand in row 1 too" in text
    assert "row 3: id 'nobody' is in no post" in text
    assert "row 4: stage 'fourth'; one of writer, second, third" in text


SHARED = "they always come back to sell us the very same dream"


@pytest.mark.parametrize(
    ("ours", "theirs", "hit"),
    [
        (f"$BTC {SHARED}", f"lol {SHARED.upper()}!", True),
        (SHARED, SHARED.replace("to sell", "$ETH to 3,200 sell"), True),  # tickers, numbers aside
        (SHARED.replace("to sell", "BTC to sell"), SHARED, True),
        ("they always come back to sell us", SHARED, False),  # seven words
    ],
)
def test_a_run_of_eight_words_is_found(ours: str, theirs: str, hit: bool, tmp_path: Path) -> None:
    write(tmp_path, {**POST, "text": ours, "tickers": [], "levels": []})
    other = tmp_path / "other.txt.gz"
    other.write_bytes(gzip.compress(f"{json.dumps('gm')}\n{json.dumps(theirs)}\n".encode()))
    write(tmp_path, {"text": theirs}, name="other.jsonl")
    found = overlaps(tmp_path, [other, tmp_path / "other.jsonl"])
    assert {(o.id, o.row) for o in found} == ({("p1", 2), ("p1", 1)} if hit else set())


def test_overlap_of_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    write(tmp_path, POST)
    (tmp_path / "bad.txt").write_text("no json")
    with pytest.raises(InputError, match="JSON strings, one a line"):
        overlaps(tmp_path, [tmp_path / "bad.txt"])


def test_kappa_is_that_of_the_textbook() -> None:
    # Cohen's worked table: 20 yes-yes, 5 yes-no, 10 no-yes, 15 no-no -> 0.4
    pairs = [("y", "y")] * 20 + [("y", "n")] * 5 + [("n", "y")] * 10 + [("n", "n")] * 15
    assert cohen_kappa(pairs) == pytest.approx(0.4)
    assert cohen_kappa([("y", "y")]) is None


def test_agreement_counts_labels_and_spans(tmp_path: Path) -> None:
    note = {"id": "a", "stage": "writer", "stance": "bearish", "style": "hype",
            "tickers": [TICKER], "levels": [LEVEL]}  # fmt: skip
    second = {**note, "stage": "second", "stance": "neutral", "levels": [{**LEVEL, "role": "last"}]}
    other = {**note, "id": "b", "levels": []}
    write(tmp_path, note, second, other, {**other, "stage": "second"}, name="annotations.jsonl")
    found = agreement(tmp_path)
    assert found.posts == 2 and found.differ == ("a",) and found.same["stance"] == 0.5
    assert found.spans["levels"].f1 == 1.0 and found.spans["levels"].same["role"] == 0.0
    assert found.spans["tickers"].common == 2
    assert "neutral" in found.to_text() and "kappa" in found.to_text()


def test_agreement_without_pairs_says_so(tmp_path: Path) -> None:
    write(tmp_path, {"id": "a", "stage": "writer"}, name="annotations.jsonl")
    with pytest.raises(InputError, match="no post has labels of both writer and second"):
        agreement(tmp_path)


def test_spans_nobody_was_asked_for_do_not_count() -> None:
    one = {"id": "a", "stance": "bullish", "style": "hype", "tickers": [TICKER], "levels": None}
    found = compare([one], [{**one, "tickers": None}])
    assert found.spans["tickers"].f1 is None and found.spans["levels"].first == 0


def test_a_table_lines_up() -> None:
    assert plain_table([["a", "n"], ["long name", "12"]]) == "a           n\nlong name  12"


def test_the_posts_written_for_their_spans_are_sound() -> None:
    """Of spans.jsonl: tickers and levels, no verdicts; a post is disputed where readers differ."""
    posts = [post for post in read_spans(corpora_folder()) if post.style is None]
    assert len(posts) > 1_000 and all(post.stance is None for post in posts)
    assert {post.split for post in posts} == {"train", "test"}
    for _, row in read_lines(corpora_folder() / "spans.jsonl"):
        first, second = [level["role"] for level in row["levels"]], row.get("second")
        if second is None:  # written for its names
            first = [[ticker["start"], ticker["end"]] for ticker in row["tickers"]]
            second = row["second_tickers"]
        assert row.get("disputed", False) == (first != second), row["id"]
