"""terminal.py, cli/show.py, cli/progress.py: what reaches a screen."""

from __future__ import annotations

import io
import json
import sys
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opgsent.cli import progress, show
from opgsent.result import Contribution, Explanation, Level, Post, Ticker, Verdict
from opgsent.tables import ScoreSummary
from opgsent.terminal import printable, shown

NASTY = "a\x1b[2J\x07\x9b31mb\u202egnp\u200b\ud800\r\nnext 👩\u200d💻 é"
RISKY = "\x1b\x07\x9b\u202e\u200b\ud800\r"


def test_posts_lose_what_a_terminal_obeys() -> None:
    for text in (printable(NASTY), shown(NASTY)):
        assert not set(text) & set(RISKY)
    assert printable(NASTY).endswith("\nnext 👩\u200d💻 é")
    assert "\n" not in shown(NASTY) and len(shown("x" * 100, 10)) == 10


@given(st.text())
def test_json_can_be_read_back_and_holds_no_control_characters(text: str) -> None:
    line = show.json_line({"text": text})
    assert json.loads(line)["text"] == text
    assert printable(line) == line


VERDICT = Verdict("bearish", {"bullish": 0.1, "bearish": 0.8, "neutral": 0.1}, -0.7, False)
POST = Post(
    "$BTC \x1b[31mlost 61.5k",
    VERDICT,
    Verdict("other", {"analytical": 0.2, "hype": 0.2, "other": 0.6}, 0.0, True),
    (
        Ticker("$BTC", 0, 4, "BTC", None, "cashtag", "crypto", True, VERDICT, 0.9),
        Ticker("X/Y", 4, 7, "X", "Y", "pair", None, False, None, 0.5),
    ),
    (Level("61.5k", 15, 20, Decimal("615E+2"), "USD", "support", "BTC", 0.9),),
)


def test_a_reading() -> None:
    assert show.reading(POST).split("\n") == [
        "stance   bearish     bullish 0.10  bearish 0.80  neutral 0.10  (not sure)",
        "style    other       analytical 0.20  hype 0.20  other 0.60",
        "tickers  $BTC                 BTC         cashtag  crypto    bearish",
        "         X/Y                  X/Y         pair     unknown    not what the post is about",
        "levels   61.5k                61500 USD   support    BTC",
    ]
    assert show.reading(Post(None, None, None, (), ())) == ""


PARTS = [Contribution(f"w:{n}", (n, n + 1), 0.1 * n) for n in range(12, 0, -1)]
WHY = Explanation("stance", None, "bearish", -0.5, (*PARTS, Contribution("counter", None, -0.2)))


def test_reasons_are_the_strongest_and_the_rest_in_one_line() -> None:
    text = show.explained(POST, [WHY])
    assert "stance: bearish, log-odds +7.10, intercept -0.50" in text
    assert "+1.20" in text and "+0.80" in text and "5 more" in text
    assert "\x1b" not in text


def test_colours_only_on_a_terminal_that_wants_them(monkeypatch: pytest.MonkeyPatch) -> None:
    class Screen(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(sys, "stdout", Screen())
    painted = show.explained(POST, [WHY])
    assert show.FOR in painted and "\x1b[31ml" not in show.coloured("\x1b[31mlost", WHY)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in show.explained(POST, [WHY])


def test_the_closing_words_of_score() -> None:
    done = ScoreSummary(
        1200, 3, 2, {"bullish": 1000, "neutral": 198}, {"other": 1198}, (("BTC", 7),), 2.5,
        "out.csv", "out.csv.rejected.csv", ((17, "byte \x1b"),), 600,
    )  # fmt: skip
    text = show.summary(done)
    assert text.startswith("1,200 rows in 2.5 s (480/s), 600 of them by an earlier run")
    assert "2 rows rejected, copied to out.csv.rejected.csv\n  line 17: byte" in text
    assert text.endswith("written to out.csv") and "\x1b" not in text


def test_progress_is_for_terminals(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.ScoreBar() as bar:
        bar(10, 5, 100)
    with progress.StageLine() as line:
        line("fold", 1, 5)
    assert capsys.readouterr() == ("", "")


def test_progress_on_a_terminal_is_drawn_over(monkeypatch: pytest.MonkeyPatch) -> None:
    class Screen(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(progress, "EVERY", 0.0)
    with progress.ScoreBar() as bar:
        bar(10, 50, 100)
        bar(20, 100, 100)
    drawn = screen.getvalue()
    assert "10 posts" in drawn and "100 %" in drawn
    assert drawn.endswith("\r") and drawn.split("\r")[-2].strip() == ""


def test_progress_does_not_wrap(monkeypatch: pytest.MonkeyPatch) -> None:
    pty = pytest.importorskip("pty", reason="a terminal to measure is POSIX")
    termios = pytest.importorskip("termios")
    master, slave = pty.openpty()
    monkeypatch.setattr(progress, "EVERY", 0.0)
    with open(slave, "w") as screen, open(master, "rb", buffering=0) as shown_there:
        monkeypatch.setattr(sys, "stderr", screen)
        for columns, least in ((100, "[=="), (50, " 50 % "), (20, " 50 % ")):
            termios.tcsetwinsize(slave, (24, columns))
            with progress.ScoreBar() as bar:
                bar._started -= 10  # a rate in millions is longer
                bar(5000, 50, 100)
            drawn = shown_there.read(4096).decode().split("\r")[1]
            assert drawn.startswith(least) and len(drawn) < columns
            assert columns < 50 or drawn.endswith(" left")
