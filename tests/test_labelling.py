"""labelling.py: keys in, labels in a file that is always whole."""

from __future__ import annotations

import io
import json
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from opgsent.agreement import agreement
from opgsent.checks import check_labels
from opgsent.cli import main
from opgsent.corpus import LabelledPost
from opgsent.errors import InputError
from opgsent.labelling import KEYS, ReadKey, Session, Tally, label_posts, terminal_keys
from opgsent.labels import read_labels, read_posts
from opgsent.suggest import write_posts
from opgsent.terminal import printable

POSTS = [LabelledPost(str(i), f"post {i}", row=i) for i in range(1, 5)]


def keys(typed: str) -> ReadKey:
    stream: Iterator[str] = iter(typed)
    return lambda: next(stream, "")


def run(path: Path, typed: str, posts: list[LabelledPost] | None = None) -> tuple[Tally, str]:
    screen: list[str] = []
    session = Session(POSTS if posts is None else posts, path)
    return label_posts(session, keys(typed), screen.append), "".join(screen)


def answers(path: Path) -> list[tuple[str, str | None, str | None]]:
    lines = map(json.loads, path.read_text().splitlines())
    return [(line["id"], line["stance"], line["style"]) for line in lines]


TYPED: list[tuple[str, list[tuple[str, str | None, str | None]]]] = [
    # keys, the file after them
    ("ba", [("1", "bullish", "analytical")]),
    ("ehq", [("1", "bearish", "hype")]),
    ("NO", [("1", "neutral", "other")]),  # capitals are as good
    ("xx b7a", [("1", "bullish", "analytical")]),  # other keys do nothing
    ("sbo", [("1", None, None), ("2", "bullish", "other")]),
    ("bueh", [("1", "bearish", "hype")]),  # undo within a post
    ("baua", []),  # undo of a whole post; "a" is no stance
    ("bauneh", [("1", "neutral", "hype")]),
    ("su", []),
    ("u", []),  # nothing to undo
    ("b", [("1", "bullish", None)]),  # half an answer is kept: at the end of the keys,
    ("bq", [("1", "bullish", None)]),
    ("bsq", [("1", "bullish", None)]),
    ("bsbo", [("1", "bullish", None), ("2", "bullish", "other")]),
    ("bsuq", []),
    ("buq", []),
    ("ba\x04", [("1", "bullish", "analytical")]),
    ("ba" * 9, [(str(i), "bullish", "analytical") for i in range(1, 5)]),
]


@pytest.mark.parametrize(("typed", "expected"), TYPED)
def test_keys_and_what_is_in_the_file(
    typed: str, expected: list[tuple[str, str | None, str | None]], tmp_path: Path
) -> None:
    run(tmp_path / "mine.jsonl", typed)
    assert (answers(tmp_path / "mine.jsonl") if expected else []) == expected
    if not expected and (tmp_path / "mine.jsonl").exists():
        assert (tmp_path / "mine.jsonl").read_text() == ""


def test_a_later_run_goes_on_where_it_stopped_and_can_undo(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    assert run(path, "basq")[0] == Tally(1, 1, 2)
    tally, screen = run(path, "ehq")
    assert tally == Tally(2, 1, 1) and "--- 3 of 4, row 3\npost 3" in screen
    assert run(path, "uq")[0] == Tally(1, 1, 2)
    assert run(path, "nonobaq")[0] == Tally(3, 1, 0)
    assert [row[0] for row in answers(path)] == ["1", "2", "3", "4"]


def test_a_line_cut_short_is_mended_and_a_foreign_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    run(path, "babaq")
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"id": "3", "te')
    run(path, "ehq")
    assert [row[0] for row in answers(path)] == ["1", "2", "3"]
    path.write_bytes(whole.rstrip(b"\n"))  # an editor may leave the line end away
    run(path, "ehq")
    assert [row[0] for row in answers(path)] == ["1", "2", "3"]
    for other in ("text,stance\na,bull\n", "[1]\n", '{"a": 1}\n'):
        path.write_text(other)
        with pytest.raises(InputError, match="row 1: not a line of opgsent label"):
            Session(POSTS, path)
        assert path.read_text() == other


def test_posts_without_an_answer_are_not_taken_for_labelled(tmp_path: Path) -> None:
    path = tmp_path / "todo.jsonl"
    write_posts(POSTS, path)  # as suggest writes them: label todo.jsonl -o todo.jsonl
    before = path.read_bytes()
    with pytest.raises(InputError, match=r"todo\.jsonl, row 1: a post with no answer.*another out"):
        Session(read_posts(path), path)
    assert path.read_bytes() == before
    one = Session(POSTS, tmp_path / "mine.jsonl", ["stance"])
    label_posts(one, keys("bs"), str)
    assert Session(POSTS, tmp_path / "mine.jsonl", ["stance"]).tally == Tally(1, 1, 2)
    assert Session(POSTS, tmp_path / "mine.jsonl").tally == Tally(0, 0, 4, 1)


def test_a_file_that_cannot_be_written_is_refused_before_an_answer(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"mine\.jsonl: cannot be written \(No such file"):
        Session(POSTS, tmp_path / "none" / "mine.jsonl")
    with pytest.raises(InputError, match="Is a directory"):
        Session(POSTS, tmp_path)
    Session(POSTS, tmp_path / "mine.jsonl")
    assert list(tmp_path.iterdir()) == []  # finding out leaves nothing


def asked(path: Path, typed: str, *questions: str) -> Tally:
    return label_posts(Session(POSTS, path, questions), keys(typed), str)


def test_each_question_in_a_session_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    assert asked(path, "bensq", "stance") == Tally(3, 1, 0)
    assert asked(path, "ahsoq", "style") == Tally(3, 1, 0)
    found = read_labels(path)
    assert [(p.id, p.stance, p.style) for p in found.posts] == [
        ("1", "bullish", "analytical"), ("2", "bearish", "hype"), ("3", "neutral", None),
        ("4", None, "other"),
    ]  # fmt: skip
    assert check_labels(found.posts).findings[0].check != "duplicate"
    assert Session(POSTS, path).tally == Tally(4, 0, 0)  # what was skipped does not come again


def test_the_answer_of_another_session_is_not_undone(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    asked(path, "be", "stance")
    before = path.read_bytes()
    assert asked(path, "uq", "style") == Tally(0, 0, 4)
    assert path.read_bytes() == before
    asked(path, "auq", "style")
    assert path.read_bytes() == before
    assert asked(path, "uq", "stance") == Tally(1, 0, 3)


def test_undo_takes_nothing_of_another_program_along(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    first, second = Session(POSTS, path), Session(POSTS[2:], path)
    label_posts(first, keys("baehq"), str)
    label_posts(second, keys("noq"), str)
    before, screen = path.read_bytes(), list[str]()
    label_posts(first, keys("uq"), screen.append)
    assert path.read_bytes() == before
    assert f"no undo: another program has written to {path}" in "".join(screen)
    # nor later, when the last line is its own again
    first.save(POSTS[3], {"stance": "neutral"})
    before = path.read_bytes()
    assert not first.undo() and path.read_bytes() == before
    # of the same size, as an editor saves it
    third = Session(POSTS, path)
    path.write_bytes(before.replace(b"hype", b"HYPE"))
    assert not third.undo() and len(path.read_bytes()) == len(before)
    assert Session(POSTS, path).undo()  # who takes the file up now knows all of it


def test_a_post_left_half_way_comes_again_for_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    assert run(path, "bq")[0] == Tally(0, 0, 4, 1)
    tally, screen = run(path, "hq")
    assert tally == Tally(1, 0, 3) and "--- 1 of 4, row 1" in screen
    assert screen.index("style:") < screen.index("stance:")
    assert [(p.stance, p.style) for p in read_labels(path).posts] == [("bullish", "hype")]


def test_an_interrupt_keeps_half_an_answer(tmp_path: Path) -> None:
    typed = iter("b")

    def read() -> str:
        for key in typed:
            return key
        raise KeyboardInterrupt

    label_posts(Session(POSTS, tmp_path / "mine.jsonl"), read, str)
    assert answers(tmp_path / "mine.jsonl") == [("1", "bullish", None)]


def test_lines_of_an_older_version(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    old = {"id": "1", "row": 1, "text": "post 1", "stance": None, "style": None, "skipped": True}
    half = {"id": "2", "row": 2, "text": "post 2", "stance": "bullish", "style": None}
    path.write_text(f"{json.dumps(old)}\n{json.dumps(half)}\n")
    assert Session(POSTS, path, ["stance"]).tally == Tally(1, 1, 2)
    assert Session(POSTS, path, ["style"]).tally == Tally(0, 1, 3)


def test_an_interrupt_leaves_whole_answers(tmp_path: Path) -> None:
    typed = iter("bah")

    def read() -> str:
        key = next(typed, None)
        if key is None:
            raise KeyboardInterrupt
        return key

    session = Session(POSTS, tmp_path / "mine.jsonl")
    assert label_posts(session, read, lambda text: None) == Tally(1, 0, 3)
    assert answers(tmp_path / "mine.jsonl") == [("1", "bullish", "analytical")]


def test_who_answered_is_kept_and_agreement_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    todo, both = tmp_path / "todo.csv", tmp_path / "both.jsonl"
    write_posts(POSTS, todo)
    for who, typed in (("ann", "baehnos"), (" bo ", "eaehnos")):
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        mine = tmp_path / f"{who.strip()}.jsonl"
        assert main(["label", str(todo), "-o", str(mine), "--annotator", who]) == 0
    both.write_text("".join((tmp_path / f"{who}.jsonl").read_text() for who in ("ann", "bo")))
    assert {tie.question for tie in read_labels(both).ties} == {"stance"}
    found = agreement(both, first="ann", second="bo")
    assert found.labelled["stance"] == 3 and found.same["stance"] == pytest.approx(2 / 3)
    capsys.readouterr()
    assert main(["corpus", "agreement", str(both), "--first", "ann", "--second", "bo"]) == 0
    assert "stance" in capsys.readouterr().out
    assert main(["corpus", "agreement", str(both)]) == 1
    assert "there are labels of ann, bo; name two with" in capsys.readouterr().err


def test_a_file_of_one_annotator_takes_no_answers_of_another(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    label_posts(Session(POSTS, path, annotator="ann"), keys("baq"), str)
    label_posts(Session(POSTS, path, annotator="ann"), keys("ehq"), str)
    assert [json.loads(line)["annotator"] for line in path.read_text().splitlines()] == [
        "ann",
        "ann",
    ]
    for other, says in (("bo", "by ann, and now by bo"), (None, "by ann, and now by nobody named")):
        with pytest.raises(InputError, match=f"row 1: answered {says}; give --annotator as"):
            Session(POSTS, path, annotator=other)


def test_one_question_alone(tmp_path: Path) -> None:
    session = Session(POSTS, tmp_path / "mine.jsonl", ("stance",))
    label_posts(session, keys("be"), lambda text: None)
    assert answers(tmp_path / "mine.jsonl") == [("1", "bullish", None), ("2", "bearish", None)]


def test_posts_reach_the_screen_without_control_characters(tmp_path: Path) -> None:
    nasty = "a\x1b[2J\x07\x9b31mb\u202egnp\u200b\ud800\r\nnext 👩\u200d💻 é"
    _, screen = run(tmp_path / "mine.jsonl", "", [LabelledPost("1", nasty)])
    assert not any(char in screen for char in "\x1b\x07\x9b\u202e\u200b\ud800\r")
    assert "👩\u200d💻 é" in screen and printable("a\n b") == "a\n b"


def test_keys_from_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    monkeypatch.setattr(sys, "stdin", io.StringIO("ba"))
    with terminal_keys() as read:
        assert [read(), read(), read()] == ["b", "a", ""]


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_keys_from_a_terminal_pass_over_arrows(monkeypatch: pytest.MonkeyPatch) -> None:
    import os
    import pty

    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "r", closefd=True) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        with terminal_keys() as read:
            os.write(ours, b"\x1b[A")  # its last character would be 'analytical'
            later = threading.Timer(0.2, os.write, (ours, b"be"))
            later.start()
            assert [read(), read()] == ["b", "e"]
            later.join()
    os.close(ours)


def test_the_labels_go_straight_on(tmp_path: Path) -> None:
    posts = [LabelledPost(str(i), f"the {i}th and {chr(97 + i)} thing", row=i) for i in range(20)]
    write_posts(posts, tmp_path / "todo.csv")
    run(tmp_path / "mine.jsonl", "baehno" * 6 + "s", read_posts(tmp_path / "todo.csv"))
    found = read_labels(tmp_path / "mine.jsonl")
    assert len(found.posts) == 18 and found.skipped == {"skipped": (19,)}
    assert check_labels(found.posts).ok


def test_keys_are_labels() -> None:
    from opgsent.result import LABELS

    assert {q: tuple(found.values()) for q, found in KEYS.items()} == LABELS
