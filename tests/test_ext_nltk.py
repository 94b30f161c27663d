"""PostTokenizer does what nltk asks of a tokenizer, with our grammar."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nltk.tokenize.api import TokenizerI

from opgsent.ext.nltk import PostTokenizer
from opgsent.tokens import tokenize

TOKENIZER = PostTokenizer()
POST = "$BTC lost 61.5k &amp; $MSTR /USDT fell 🐻 https://t.co/x"


def test_it_is_an_nltk_tokenizer_with_our_tokens() -> None:
    assert isinstance(TOKENIZER, TokenizerI)
    assert TOKENIZER.tokenize(POST) == [
        "$BTC", "lost", "61.5k", "&amp;", "$MSTR /USDT", "fell", "🐻", "https://t.co/x",
    ]  # fmt: skip


@given(st.text(max_size=80) | st.just(POST))
def test_spans_are_where_the_tokens_stand(text: str) -> None:
    spans = list(TOKENIZER.span_tokenize(text))
    assert [text[start:end] for start, end in spans] == TOKENIZER.tokenize(text)
    assert spans == [(t.start, t.end) for t in tokenize(text)]


def test_what_nltk_adds_works() -> None:
    assert TOKENIZER.tokenize_sents(["$A up", ""]) == [["$A", "up"], []]
    assert [list(s) for s in TOKENIZER.span_tokenize_sents(["$A up"])] == [[(0, 2), (3, 5)]]
    assert pickle.loads(pickle.dumps(TOKENIZER)).tokenize("$A up") == ["$A", "up"]


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(TypeError, match="takes a str, not NoneType"):
        TOKENIZER.tokenize(None)  # type: ignore[arg-type]
