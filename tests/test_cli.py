"""The command line: every example of the help parses, statuses, errors, what reaches a screen."""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import opgsent
from opgsent import ScoreSummary
from opgsent.cli import main, show
from opgsent.cli.examples import EXAMPLES
from opgsent.cli.parser import parser_of

TOP = Path(__file__).parents[1]
ENV = {**os.environ, "PYTHONPATH": str(TOP / "src")}


def typed(raw: bytes) -> io.TextIOWrapper:
    """Standard input that holds these bytes."""
    return io.TextIOWrapper(io.BytesIO(raw), encoding="utf-8", errors="replace")


def parsers(
    parser: argparse.ArgumentParser, name: str = ""
) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Every command and its parser; '' is the whole."""
    yield name, parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for word, sub in action.choices.items():
                yield from parsers(sub, f"{name} {word}".strip())


PARSERS = dict(parsers(parser_of()))


def examples() -> list[str]:
    """The command lines in the help texts and in README."""
    texts = [*EXAMPLES.values(), (TOP / "README.md").read_text(encoding="utf-8")]
    lines = [line for text in texts for line in text.splitlines()]
    return [
        found[0]
        for line in lines
        if re.match(r"\s*(\$ )?(\w+ \S+ \| )?opgsent \w", line)
        for found in [re.findall(r"opgsent \w.*", line)]
    ]


@pytest.mark.parametrize("line", examples())
def test_every_example_is_a_command_line(line: str) -> None:
    words = shlex.split(line, comments=True)[1:]
    for mark in ("|", ">", "<"):
        words = words[: words.index(mark)] if mark in words else words
    args = parser_of().parse_args(words)
    assert callable(args.run)


def shown_in_readme() -> list[tuple[str, list[str]]]:
    """(command line, what README says it prints, up to a "...") of each ``classify``."""
    text = (TOP / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^\$ (opgsent classify .*)\n((?:(?!```|\$ ).*\n)+)", text, re.MULTILINE)
    assert blocks, "no example of classify: pytest would skip a test without cases"
    return [(line, says.split("\n  ...\n")[0].rstrip().split("\n")) for line, says in blocks]


@pytest.mark.parametrize(("line", "says"), shown_in_readme())
def test_readme_shows_what_is_printed(
    line: str, says: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(shlex.split(line)[1:]) == 0
    assert capsys.readouterr().out.split("\n")[: len(says)] == says


def test_every_command_has_examples_and_help() -> None:
    assert set(PARSERS) == set(EXAMPLES)
    for name, parser in PARSERS.items():
        text = parser.format_help()
        assert name == "report" or "examples:\n  opgsent" in text, name
        assert max(map(len, text.splitlines())) <= 100, name
        for action in parser._actions:
            if action.option_strings and action.dest != "output":
                assert action.help, f"{name} {action.option_strings}"


@pytest.mark.parametrize("name", sorted(set(PARSERS) - {"report"}))
def test_readme_names_every_option_of_score_and_every_command(name: str) -> None:
    readme = (TOP / "README.md").read_text(encoding="utf-8")
    assert f"opgsent {name}".strip() in readme
    if name == "score":
        for action in PARSERS[name]._actions:
            assert not action.option_strings or any(
                option in readme for option in (*action.option_strings, "--help")
            )


@pytest.mark.parametrize(
    "words",
    [
        [], ["frobnicate"], ["score", "posts.csv"], ["score", "a", "-o", "b", "--jobs", "0"],
        ["suggest", "posts.csv", "-n", "none", "-o", "x.csv"], ["model"], ["label", "posts.csv"],
        ["label", "posts.csv", "-o", "m.jsonl", "--annotator", " "],
        ["train", "labels.csv", "-o", "mine", "--seed", "-1"],
        ["train", "labels.csv", "-o", "mine", "--map", "foo"],
        ["evaluate", "labels.csv", "--map", "foo=sidewise"], ["suggest", "a.csv", "-o", "x.txt"],
        ["train", "labels.csv", "-o", "mine", "--encoding", "none"],
        ["suggest", "a.csv", "-o", "x.csv", "--encoding", "hex"],
        ["score", "a.csv", "-o", "b.csv", "--encoding", "none"],
    ],
)  # fmt: skip
def test_a_wrong_command_line_is_status_2(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2
    assert "usage: opgsent" in capsys.readouterr().err


@pytest.mark.parametrize("jobs", ["0", "-2", "two", "9" * 5000])
def test_jobs_say_what_they_take(jobs: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["score", "a.csv", "-o", "b.csv", "--jobs", jobs])
    says = capsys.readouterr().err
    assert f"{jobs!r:.40}; a whole number from 1, or -1 for all cores" in says
    assert len(says) < 800


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["report", "scored.csv", "-o", "r.html"], "reserved"),
        (["score", "a.csv", "-o", "b.csv", "--columns", "foo"], "'foo'"),
        (["score", "a.csv", "-o", "b.csv", "--columns", "stance,stance"], "twice"),
        (["score", "a.csv", "-o", "b.csv", "--columns", ""], "no score column"),
        (["score", "a.csv", "-o", "b.csv", "--prefix", "=x"], "formula"),
        (["score", "a.csv", "-o", "b.csv", "--columns", "tickers", "--long"], "'tickers'"),
        (["train", "labels.csv"], "-o DIR"),
        (["suggest", "posts.csv"], "-o FILE"),
        (["train", "labels.csv", "--dry-run", "--html", "nowhere/r.html"], "no folder nowhere"),
    ],
)
def test_what_argparse_cannot_see_is_status_2_too(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["score", "{tmp}/none.csv", "-o", "{tmp}/out.csv"], "none.csv"),
        (["score", "{tmp}/posts.csv", "-o", "{tmp}/out.csv", "--text", "txt"], "'text'"),
        (["score", "{tmp}/posts.csv", "-o", "{tmp}/posts.csv"], "input"),
        (["evaluate", "{tmp}/posts.csv"], "no labelled post"),
        (["evaluate", "{tmp}/odd.csv"], "--map"),
        (
            ["train", "{tmp}/none.csv", "-o", "{tmp}/m"],
            "cannot read {tmp}/none.csv: No such file or directory",
        ),
        (
            ["suggest", "{tmp}/none.csv", "-o", "{tmp}/todo.csv"],
            "cannot read {tmp}/none.csv: No such file or directory",
        ),
        (["label", "{tmp}/posts.csv", "-o", "{tmp}/none/mine.jsonl"], "cannot be written"),
        (["classify", "gm", "--model", "{tmp}"], "{tmp}"),
        (["model", "info", "{tmp}"], "{tmp}"),
        (["model", "verify", "{tmp}/none"], "none"),
        (["corpus", "check", "{tmp}/none"], "none"),
        (["label", "{tmp}/none.csv", "-o", "{tmp}/mine.jsonl"], "none.csv"),
    ],
)
def test_failed_work_is_status_1_with_one_clear_error(
    words: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "posts.csv").write_text("text\ngm\n")
    (tmp_path / "odd.csv").write_text("text,stance\ngm,sidewise\n")
    before = sorted(os.listdir(tmp_path))
    assert main([word.format(tmp=tmp_path) for word in words]) == 1
    out, err = capsys.readouterr()
    assert err.startswith("opgsent: ") and says.format(tmp=tmp_path) in err
    assert "Traceback" not in err and out == ""
    assert sorted(os.listdir(tmp_path)) == before


def test_errors_hold_no_terminal_escapes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "odd.csv").write_text("text,stance\ngm,\x1b[31mred\x07\n")
    assert main(["evaluate", str(tmp_path / "odd.csv")]) == 1
    assert not set(capsys.readouterr().err) & set("\x1b\x07")


# --- classify -------------------------------------------------------------------------------

POST = "$BTC lost 61.5k, next stop 58,200. Not touching this 🐻"


def test_classify_prints_a_reading(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["classify", POST]) == 0
    out = capsys.readouterr().out
    assert re.search(r"^stance   bearish ", out, re.MULTILINE)
    assert re.search(r"^style    (analytical|hype|other) +analytical 0\.", out, re.MULTILINE)
    assert re.search(r"^tickers  \$BTC +BTC +cashtag +crypto", out, re.MULTILINE)
    assert re.search(r"61\.5k +61500 ", out)


def test_classify_json_is_the_reading(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["classify", POST, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == opgsent.classify(POST).to_dict()
    assert main(["classify", POST, "--json", "--explain"]) == 0
    found = json.loads(capsys.readouterr().out)["explanations"]
    assert found[0]["of"] == "stance" and found[0]["contributions"][0]["weight"]


def test_explain_names_the_strongest_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["classify", POST, "--explain"]) == 0
    out = capsys.readouterr().out
    assert "stance: bearish, log-odds" in out and re.search(r"style: \w+, log-odds", out)
    weights = [float(w) for w in re.findall(r"^  ([+-]\d+\.\d\d)  ", out, re.MULTILINE)]
    assert len(weights) > 8 and "\x1b" not in out


@pytest.mark.parametrize("raw", [b"gm $BTC\n", b"", "\u2003🚀\n".encode(), b"\xff\xfe broken"])
def test_classify_reads_standard_input(
    raw: bytes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", typed(raw))
    assert main(["classify", "--json"]) == 0
    text = json.loads(capsys.readouterr().out)["text"]
    assert text == raw.decode("utf-8", "replace").removesuffix("\n")


def test_a_post_a_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", typed(b"first\r\n\nthird"))
    assert main(["classify", "--lines", "--json"]) == 0
    assert main(["classify", "first\r\n\nthird", "--lines", "--json"]) == 0
    texts = [json.loads(line)["text"] for line in capsys.readouterr().out.splitlines()]
    assert texts == ["first", "", "third"] * 2


def test_a_mark_before_the_text_is_no_part_of_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stdin = io.TextIOWrapper(io.BytesIO("\ufeff$BTC up\nsold $ETH\n".encode()))
    monkeypatch.setattr("sys.stdin", stdin)
    assert main(["classify", "--lines"]) == 0
    first, second = capsys.readouterr().out.split("\n\n")
    assert first.startswith("$BTC up\nstance") and second.startswith("sold $ETH\nstance")


def test_escapes_in_a_post_do_not_reach_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    nasty = "\x1b]0;owned\x07 $BTC \x9b31m \u202e gone \ud800 \x1b[2J"
    for options in ([], ["--json"], ["--explain"]):
        assert main(["classify", nasty, *options]) == 0
        assert not set(capsys.readouterr().out) & set("\x1b\x07\x9b\u202e\ud800")


# --- score ----------------------------------------------------------------------------------


def test_score_says_what_it_did(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    src, dst = tmp_path / "posts.csv", tmp_path / "scored.csv"
    src.write_text(f'id,text\n1,"{POST}"\n2,\n3,NA\n')
    assert main(["score", str(src), "-o", str(dst)]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("3 rows in ") and "1 blank post\n" in out and f"written to {dst}" in out
    assert err == ""
    with dst.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["text"] for row in rows] == [POST, "", "NA"]
    assert rows[0]["stance"] == "bearish" and rows[0]["tickers"] == "BTC"


def test_score_flags_reach_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    src, dst = tmp_path / "posts.tsv", tmp_path / "scored.tsv"
    src.write_bytes("stance\tbody\nmine\tcaf\xe9 $BTC\n".encode("cp1252"))
    flags = ["--text", "body", "--encoding", "cp1252", "--prefix", "x_", "--columns",
             "stance, tickers", "--sure", "--jobs", "2"]  # fmt: skip
    assert main(["score", str(src), "-o", str(dst), *flags]) == 0
    head, row = dst.read_bytes().decode("cp1252").splitlines()
    assert head == "stance\tbody\tx_stance\tx_tickers\tx_stance_sure\tx_style_sure"
    assert row.startswith("mine\tcafé $BTC\t")
    assert main(["score", str(src), "-o", str(dst), "--text", "body"]) == 1
    assert "--prefix" in capsys.readouterr().err


def test_rejected_rows_are_status_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    src, dst = tmp_path / "posts.csv", tmp_path / "scored.csv"
    src.write_bytes(b"id,text\n1,gm\n2,gm,too,many\n")
    assert main(["score", str(src), "-o", str(dst)]) == 3
    assert "1 row rejected, copied to" in capsys.readouterr().out
    assert (tmp_path / "scored.csv.rejected.csv").exists()
    assert len(dst.read_text().splitlines()) == 3


def test_scores_on_standard_output_stand_alone(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "opgsent", "score", "-", "-o", "-", "--columns", "stance"],
        input=b"text\ngm\n", capture_output=True, check=False, env=ENV,
    )  # fmt: skip
    assert run.returncode == 0 and run.stdout == b"text,stance\ngm,neutral\n", run.stderr
    assert run.stderr.startswith(b"1 row in ")


@pytest.mark.skipif(sys.platform == "win32", reason="/dev/stdout is POSIX")
@pytest.mark.parametrize("name", ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "link.csv"])
def test_standard_output_by_any_name(tmp_path: Path, name: str) -> None:
    if name.startswith("/proc") and not Path(name).exists():
        pytest.skip("no /proc here")
    (tmp_path / "posts.csv").write_bytes(b"text\ngm\n")
    (tmp_path / "link.csv").symlink_to("/dev/stdout")
    (tmp_path / "log").write_bytes(b"precious\n")
    names = sorted(os.listdir(tmp_path))

    def added(src: str, log: str) -> subprocess.CompletedProcess[bytes]:
        words = [sys.executable, "-m", "opgsent", "score", src, "-o", name, "--columns", "stance"]
        with (tmp_path / log).open("ab") as stdout, (tmp_path / "posts.csv").open("rb") as stdin:
            return subprocess.run(
                words, stdin=stdin, stdout=stdout, stderr=subprocess.PIPE, cwd=tmp_path, env=ENV,
                check=False,
            )  # fmt: skip

    run = added("posts.csv", "log")
    assert run.returncode == 0 and run.stderr.startswith(b"1 row in "), run.stderr
    assert (tmp_path / "log").read_bytes() == b"precious\ntext,stance\ngm,neutral\n"
    for src in ("posts.csv", "-"):  # it would read what it writes, for ever
        run = added(src, "posts.csv")
        assert run.returncode == 1 and b"is the input: name another output" in run.stderr
    assert (tmp_path / "posts.csv").read_bytes() == b"text\ngm\n"
    assert sorted(os.listdir(tmp_path)) == names


@pytest.mark.skipif(sys.platform == "win32", reason="a shell of POSIX closes streams so")
def test_nothing_meant_for_a_closed_error_stream_goes_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "posts.csv").write_bytes(b"text\ngm\n")
    for words, status, says in (
        ("posts.csv -o out.csv", 0, "1 row in .*"),
        ("posts.csv -o - --columns stance", 0, "text,stance\ngm,neutral\n"),
        ("none.csv -o out.csv", 1, ""),
    ):
        run = subprocess.run(
            f"{sys.executable} -m opgsent score {words} 2>&-",
            shell=True, capture_output=True, text=True, check=False, cwd=tmp_path, env=ENV,
        )  # fmt: skip
        assert run.returncode == status and re.fullmatch(says, run.stdout, re.DOTALL)


@pytest.mark.parametrize(
    ("rows", "seconds", "says"),
    [
        (1, 0.2, "1 row in 0.2 s"),
        (0, 0.0, "0 rows in 0.0 s"),
        (4000, 2.0, "4,000 rows in 2.0 s (2,000/s)"),
    ],
)
def test_the_summary_counts_one_row_and_has_no_rate_of_an_instant(
    rows: int, seconds: float, says: str
) -> None:
    done = ScoreSummary(rows, 0, 0, {}, {}, (), seconds, "-", None)
    assert show.summary(done) == says


# --- evaluate, suggest, label, model ----------------------------------------------------------

LABELS = 'text,stance\n"loading more $BTC, higher from here",bull\n"sold it all, this dumps",bear\n'


def test_evaluate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "labels.csv"
    file.write_text(LABELS)
    assert main(["evaluate", str(file)]) == 0
    assert "stance: 2 posts in 2 groups" in capsys.readouterr().out
    assert main(["evaluate", str(file), "--model", "bundled"]) == 0
    assert "model bundled" in capsys.readouterr().out
    todo = str(tmp_path / "todo.csv")
    assert main(["suggest", str(file), "-o", todo, "--model", "bundled"]) == 0
    capsys.readouterr()
    assert main(["evaluate", str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["questions"]["stance"]["posts"] == 2


def test_suggest_and_label(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    posts, todo, mine = (str(tmp_path / n) for n in ("posts.csv", "todo.csv", "mine.jsonl"))
    Path(posts).write_text(
        "text\nselling $BTC here\nwhat is a blockchain\n$ETH breaks out of the range\n"
    )
    assert main(["suggest", posts, "-n", "2", "-o", todo]) == 0
    assert "2 of 3 posts written" in capsys.readouterr().out
    monkeypatch.setattr(sys, "stdin", io.StringIO("baq"))
    assert main(["label", todo, "-o", mine]) == 0
    assert "1 labelled, 0 skipped, 1 left" in capsys.readouterr().out
    monkeypatch.setattr(sys, "stdin", io.StringIO("e"))
    assert main(["label", todo, "-o", mine, "--question", "stance"]) == 0
    assert "2 labelled, 0 skipped, 0 left" in capsys.readouterr().out
    lines = Path(mine).read_text().splitlines()
    assert [json.loads(line)["stance"] for line in lines] == ["bullish", "bearish"]
    assert main(["suggest", "--label-studio-config"]) == 0
    assert capsys.readouterr().out.startswith("<View>")


def test_quitting_before_any_answer_claims_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    posts, mine = tmp_path / "posts.csv", tmp_path / "mine.jsonl"
    posts.write_text("text\nup\ndown\n")
    monkeypatch.setattr(sys, "stdin", io.StringIO("q"))
    assert main(["label", str(posts), "-o", str(mine)]) == 0
    out = capsys.readouterr().out
    assert f"no answer was given: there is no {mine} yet" in out and "train" not in out
    assert not mine.exists()
    monkeypatch.setattr(sys, "stdin", io.StringIO("bq"))
    assert main(["label", str(posts), "-o", str(mine)]) == 0
    out = capsys.readouterr().out
    assert "0 labelled, 0 skipped, 2 left (1 of them with one answer)" in out
    assert f"in {mine}; the same command goes on" in out


def test_answers_go_into_json_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "posts.csv").write_text("\n\ntext\nbuying btc\n")  # blank lines before the header
    assert main(["label", str(tmp_path / "posts.csv"), "-o", str(tmp_path / "mine.csv")]) == 2
    assert "ends in .jsonl" in capsys.readouterr().err
    assert main(["suggest", str(tmp_path / "posts.csv"), "-o", str(tmp_path / "todo.csv")]) == 0


def test_suggest_offers_nothing_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    posts, todo, mine = (tmp_path / n for n in ("posts.csv", "todo.csv", "mine.jsonl"))
    posts.write_text("text\nselling $BTC here\nwhat is a blockchain\nlöading $ETH again\n", "utf-8")
    monkeypatch.setattr(sys, "stdin", io.StringIO("bas"))
    assert main(["label", str(posts), "-o", str(mine)]) == 0
    words = ["suggest", str(posts), "-o", str(todo), "--labelled"]
    assert main([*words, str(mine)]) == 0
    assert "1 of 3 posts written" in capsys.readouterr().out
    assert "löading $ETH again" in todo.read_text("utf-8")
    todo.unlink()
    theirs = tmp_path / "theirs.csv"
    theirs.write_bytes("post,what,my call\nx,löading $ETH again,Stier\n".encode("cp1252"))
    assert main([*words, str(theirs)]) == 1
    assert "with --labelled-encoding, such as cp1252" in capsys.readouterr().err
    words += [str(theirs), "--labelled-encoding", "cp1252", "--labelled-text"]
    assert main([*words, "whät"]) == 1
    assert "--labelled-text takes one of 'post', 'what', 'my call'" in capsys.readouterr().err
    assert main([*words, "what"]) == 0
    assert "2 of 3 posts written" in capsys.readouterr().out


def test_suggest_leaves_out_rows_that_cannot_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    posts, todo = tmp_path / "posts.csv", tmp_path / "todo.csv"
    posts.write_text('id,text,,\n1,selling $BTC here\n2,a,b,c,d\n3,selling $BTC here\n4,"x" y\n')
    assert main(["suggest", str(posts), "-o", str(todo)]) == 3
    out = capsys.readouterr().out
    assert "1 of 2 posts written" in out
    assert "most doubtful first (the others are near-duplicates of these)\n" in out
    assert "2 rows rejected\n  row 2: 5 cells, the header has 4\n  row 4: " in out
    assert main(["train", str(posts), "--dry-run"]) == 1
    assert "2 rows cannot be read" in capsys.readouterr().err


def test_files_of_another_encoding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    posts, todo, mine = (tmp_path / n for n in ("posts.csv", "todo.csv", "mine.jsonl"))
    posts.write_bytes("text,stance\nlöading $BTC here,bull\nsold it,bear\n".encode("cp1252"))
    option = ["--encoding", "cp1252"]
    assert main(["suggest", str(posts), "-o", str(todo), *option]) == 0
    assert "löading" in todo.read_text(encoding="utf-8")
    monkeypatch.setattr(sys, "stdin", io.StringIO("bh"))
    assert main(["label", str(posts), "-o", str(mine), *option]) == 0
    assert json.loads(mine.read_text().splitlines()[0])["text"] == "löading $BTC here"
    assert main(["evaluate", str(posts), *option]) == 0
    capsys.readouterr()
    main(["train", str(posts), "--dry-run", *option])
    assert "2 posts read as table: 1 bullish, 1 bearish" in capsys.readouterr().out


def test_nothing_is_written_over_what_is_read_or_labelled(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    posts = tmp_path / "posts.csv"
    posts.write_text("text,stance\nselling $BTC here,bearish\n")
    before = posts.read_bytes()
    other = tmp_path / "more.csv"
    other.write_bytes(before)
    assert main(["suggest", str(posts), "-o", str(posts)]) == 1
    assert main(["suggest", str(posts), "-o", str(other), "--labelled", str(other)]) == 1
    assert main(["train", str(posts), "--dry-run", "--html", str(posts)]) == 1
    assert capsys.readouterr().err.count("is read too: name another file") == 3
    assert main(["suggest", str(posts), "-o", str(other)]) == 2
    assert "exists and may hold labels" in capsys.readouterr().err
    for file in (posts, other):
        assert main(["corpus", "suspects", str(posts), "-o", str(file)]) == 2
        assert "exists and may hold labels" in capsys.readouterr().err
    assert posts.read_bytes() == other.read_bytes() == before


def test_what_cannot_be_written_is_said_before_the_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    posts = str(tmp_path / "posts.csv")
    Path(posts).write_text("text,stance\nselling $BTC here,bearish\n")
    for work in ("training.train", "labels.read_posts", "corpus.read_corpus"):
        monkeypatch.setattr(f"opgsent.{work}", None)
    assert main(["train", posts, "-o", str(tmp_path / "m"), "--html", str(tmp_path)]) == 1
    assert "is a folder; name a file in it" in capsys.readouterr().err
    for words in (
        ["train", posts, "--dry-run", "--html"], ["suggest", posts, "-o"],
        ["corpus", "suspects", posts, "-o"],
    ):  # fmt: skip
        assert main([*words, str(tmp_path / f"{'x' * 250}.csv")]) == 1
        assert "cannot be written" in capsys.readouterr().err
    assert os.listdir(tmp_path) == ["posts.csv"]


def test_model_commands_on_the_bundled_model(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["model", "info"]) == 0
    assert "stance" in capsys.readouterr().out
    assert main(["model", "info", "--json"]) == 0
    json.loads(capsys.readouterr().out)
    assert main(["model", "verify"]) == 0
    assert "golden posts" in capsys.readouterr().out
    bundled = str(TOP / "src" / "opgsent" / "data" / "model")
    assert main(["model", "diff", bundled]) == 0
    assert "the same" in capsys.readouterr().out


def test_model_diff_goes_from_the_bundled_model_to_yours(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundled, mine = TOP / "src" / "opgsent" / "data" / "model", tmp_path / "mine"
    shutil.copytree(bundled, mine)
    card = json.loads((mine / "card.json").read_text())
    del card["data"]
    card |= {"name": "my own", "lineage": {"parent": "x"}}
    (mine / "card.json").write_text(json.dumps(card))
    assert main(["model", "diff", str(mine)]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"the bundled model -> {mine}\n")
    assert " -> my own\n" in out and "none" not in out
    assert "lineage" not in out and "data." not in out
    assert main(["model", "diff", str(mine), str(bundled)]) == 0
    assert capsys.readouterr().out.startswith(f"{mine} -> {bundled}\n")


# --- processes --------------------------------------------------------------------------------


def test_python_m_opgsent_and_version() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "opgsent", "--version"],
        capture_output=True, text=True, check=True, env=ENV,
    )  # fmt: skip
    assert run.stdout.strip() == f"opgsent {opgsent.__version__}"


def test_a_reader_that_leaves_is_no_traceback() -> None:
    run = subprocess.run(
        f"yes 'gm $BTC' | head -20000 | {sys.executable} -m opgsent classify --lines --json"
        " | head -1",
        shell=True, capture_output=True, text=True, check=False, env=ENV,
    )  # fmt: skip
    assert json.loads(run.stdout)["text"] == "gm $BTC"
    assert run.stderr == ""


def test_a_screen_that_knows_no_emoji() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "opgsent", "classify", "#Ünïcode 🚀 $BTC", "--json"],
        capture_output=True, check=False,
        env={**ENV, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"},
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout)["text"] == "#Ünïcode 🚀 $BTC"


@pytest.mark.skipif(sys.platform == "win32", reason="a shell of POSIX closes streams so")
@pytest.mark.parametrize("closed", ["gm >&-", "<&-", "--lines <&-", "gm --json >&-"])
def test_closed_streams_are_no_traceback(closed: str) -> None:
    run = subprocess.run(
        f"{sys.executable} -m opgsent classify {closed}",
        shell=True, capture_output=True, text=True, check=False, env=ENV,
    )  # fmt: skip
    assert run.returncode == 1
    assert re.fullmatch("opgsent: .* (is closed.*)\n", run.stderr)


@pytest.mark.skipif(sys.platform == "win32", reason="signals to a process are POSIX")
def test_an_interrupt_is_one_word_and_leaves_nothing(tmp_path: Path) -> None:
    dst = tmp_path / "scored.csv"
    run = subprocess.Popen(
        [sys.executable, "-m", "opgsent", "score", "-", "-o", str(dst)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENV,
        # what runs in the background of a script is started with the signal ignored
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    assert run.stdin is not None
    run.stdin.write(b"text\n" + b"gm\n" * 20_000)
    run.stdin.flush()
    for _ in range(200):  # until it has begun to write
        if any(file.stat().st_size for file in tmp_path.iterdir()):
            break
        time.sleep(0.05)
    run.send_signal(signal.SIGINT)
    _, err = run.communicate(timeout=30)
    assert run.returncode == 130 and err == b"opgsent: stopped\n"
    assert list(tmp_path.iterdir()) == []
