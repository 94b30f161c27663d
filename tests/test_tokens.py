"""The grammar: a table of posts, and properties that hold for any text."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from opgsent.assets import Assets
from opgsent.corpus import corpora_folder, read_corpus
from opgsent.fitting_spans import table_of
from opgsent.forms import describe, described
from opgsent.grammar import BRANCHES, whole
from opgsent.offsets import starts_of
from opgsent.result import TOKEN_KINDS
from opgsent.tokens import (
    BEGIN,
    BREAK,
    BRIDGE,
    cut,
    cut_once,
    is_plain,
    kind_of,
    laid_out,
    put_back,
    split,
    stand_in,
    tokenize,
)

TABLE = table_of(Assets.load())
CASES = [
    json.loads(line)
    for line in (Path(__file__).parent / "cases" / "tokens.jsonl").read_text().splitlines()
]
TRICKY = st.lists(
    st.sampled_from(
        [
            *"aB$#@/.:-_,%xk019 \n\t&;'’🚀👍🏽🇺🇸\u200d\ufe0fé漢",
            BREAK,
            "/USDT",
            " /",
            "http://",
            "&gt;",
            "$ ",
        ]
    ),
    max_size=40,
).map("".join)
HARD = [
    "a",
    "$",
    "@",
    "#",
    ".",
    "1",
    "1,",
    "1-",
    "a.",
    "k",
    "🚀",
    "👍🏽",
    "‍",
    "&amp;",
    "/USDT ",
    "x ",
    "!?",
]


@pytest.mark.parametrize("case", CASES, ids=[case["why"] for case in CASES])
def test_tokens(case: dict[str, object]) -> None:
    found = [[token.kind, token.text] for token in tokenize(str(case["text"]))]
    assert found == case["tokens"]


@given(TRICKY)
def test_tokens_cover_everything_but_white_space(text: str) -> None:
    tokens = tokenize(text)
    at = 0
    for token in tokens:
        assert text[token.start : token.end] == token.text
        assert not text[at : token.start].strip()
        assert token.kind in TOKEN_KINDS
        at = token.end
    assert not text[at:].strip()


@given(TRICKY)
def test_pieces_are_cut_as_the_whole_is(text: str) -> None:
    assert split(text) == list(whole(text))


@given(st.lists(st.lists(st.sampled_from(
    ["https://t.co/a", "/", " ", " /USDT", "$ 5", "@bob", "up", "$A", "\n", BRIDGE, BEGIN, "<", "."]
), max_size=8).map("".join), max_size=4))  # fmt: skip
@example(["https://t.co/a/ @bob up", "$A /USDT https://t.co/a/ @bob up"])
def test_a_batch_holds_the_tokens_of_each_text(texts: list[str]) -> None:
    """Links and handles by their length, so that the places of all others are found again."""
    batch = TABLE.read(texts)
    for post, text in enumerate(texts):
        ids = batch.ids[batch.starts[post] + 1 : batch.starts[post + 1]].tolist()
        read = [batch.page.strings[i] for i in ids]
        assert list(map(len, read)) == list(map(len, split(text)))


@given(TRICKY | st.lists(st.sampled_from(
    ["www", ".", "x", "5", "-", "1INCH", "$", "USD", "/", "k", "%", ",", "am", "ℹ", "❶", "\ufe0f",
     "é", "BTC", ".P", "'", "r", "@", ":", "//", "http", " "]
), max_size=8).map("".join))  # fmt: skip
def test_what_is_tried_first_is_what_the_branches_give(text: str) -> None:
    branches = re.compile("|".join(f"(?:{pattern})" for _, pattern in BRANCHES))
    assert whole(text) == branches.findall(text)


@given(st.text(st.sampled_from(list('aB1$#@.,/_:-"<hwtp!')), max_size=12))
def test_what_is_plain_needs_no_pattern(piece: str) -> None:
    """The short cuts for single pieces give what the grammar gives, kinds too."""
    assert cut_once(piece) == tuple(whole(piece))
    for kind, pattern in BRANCHES:
        if re.fullmatch(pattern, piece):
            if is_plain(piece):
                assert is_plain(piece) == kind
            break


@given(st.lists(st.sampled_from(
    ["@bob", "@4.20", "@", "@@x", "https://t.co/a", "http", "https://", "ann@b.com", "u/bob", "$A"]
)))  # fmt: skip
def test_links_and_handles_are_described_alike(tokens: list[str]) -> None:
    """What is read in place of a link or handle has its length, and all that is known of it."""
    assets, alike = Assets.load(), stand_in(tokens)
    assert list(map(len, alike)) == list(map(len, tokens))
    for token, other in zip(tokens, alike, strict=True):
        for one in split(token):
            assert one != token or describe(token, assets) == describe(other, assets)


def test_plain_tokens_are_described_as_all_are() -> None:
    """The short way for words and numbers that no table names ends where the long one does."""
    assets = Assets.load()
    posts = [post.text for post in read_corpus(corpora_folder())][::7]
    odd = "0 500 SPX500 sooooo 1. ② 0700 3k8 BTCUSDT btcusd".split()
    written = {token for post in posts for token in split(post)}.union(odd)
    turned = {
        form
        for token in written
        for form in (token.lower(), token.title(), token.upper(), token.swapcase(), f"{token}usd")
    }
    tokens = sorted(written | turned)
    assert len(tokens) > 20_000
    found, forms = described(tokens, assets)
    rows = zip(found.kinds, forms, found.flags.tolist(), map(bytes, found.counts), strict=True)
    for token, row in zip(tokens, rows, strict=True):
        assert row == describe(token, assets), token


@given(st.lists(st.text(st.sampled_from(list(f"a$1/ \n\t{BREAK}{BRIDGE}{BEGIN}")), max_size=9)))
def test_pieces_of_several_texts_are_those_of_each(texts: list[str]) -> None:
    laid, uncut = laid_out(texts)
    found: list[list[str]] = []
    for piece in put_back(laid.split(), uncut):
        if piece == BEGIN:
            found.append([])
        else:
            found[-1] += cut(piece)
    assert found.pop() == [] and found == [split(text) for text in texts]


@given(st.text(max_size=40))
def test_any_text_has_tokens_in_place(text: str) -> None:
    tokens = split(text)
    for token, start in zip(tokens, starts_of(text, tokens), strict=True):
        assert text[start : start + len(token)] == token


@pytest.mark.parametrize("piece", HARD)
def test_time_grows_with_length_and_no_faster(piece: str) -> None:
    text = (piece * 100_000)[:100_000]
    started = time.process_time()
    for token in split(text):
        if len(token) < 1000:
            kind_of(token)
    assert time.process_time() - started < 1.0


def test_what_is_no_text_is_named() -> None:
    with pytest.raises(TypeError, match="float: nan"):
        tokenize(float("nan"))  # type: ignore[arg-type]
