"""What people use today, each as one function over a list of posts."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Work = Callable[[list[str]], Any]


@dataclass(frozen=True)
class Contender:
    """A name, what it answers, what it does, and the part of the posts it gets (if slow)."""

    name: str
    gives: str
    work: Work
    share: float = 1.0


def each(one: Callable[[str], Any]) -> Work:
    """One call per post, nothing kept."""

    def work(posts: list[str]) -> None:
        for post in posts:
            one(post)

    return work


def peers(training: list[str], labels: list[str]) -> Iterator[Contender | str]:
    """All peers that are at hand; a line of text says which one is not, and why."""
    for build in (_vader, _nltk_vader, _textblob, _tfidf, _fasttext):
        try:
            yield from build(training, labels)
        except (ImportError, LookupError) as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            yield f"{build.__name__[1:]} is not measured: {reason}"


def _vader(training: list[str], labels: list[str]) -> list[Contender]:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    score = SentimentIntensityAnalyzer().polarity_scores
    return [Contender("vaderSentiment", "one score", each(score))]


def _nltk_vader(training: list[str], labels: list[str]) -> list[Contender]:
    import nltk.data
    import vaderSentiment
    from nltk.sentiment.vader import SentimentIntensityAnalyzer

    # nltk downloads its lexicon; the same file comes with vaderSentiment
    nltk.data.path.append(str(Path(vaderSentiment.__file__).parent))
    score = SentimentIntensityAnalyzer(lexicon_file="vader_lexicon.txt").polarity_scores
    return [Contender("nltk VADER", "one score", each(score))]


def _textblob(training: list[str], labels: list[str]) -> list[Contender]:
    from textblob import TextBlob

    return [Contender("TextBlob", "one score", each(lambda post: TextBlob(post).sentiment))]


def _tfidf(training: list[str], labels: list[str]) -> list[Contender]:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline, make_union

    model = make_pipeline(
        make_union(
            TfidfVectorizer(ngram_range=(1, 3), min_df=2),
            TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), min_df=2),
        ),
        LogisticRegression(max_iter=50),
    ).fit(training, labels)
    predict = model.predict_proba
    return [
        Contender("scikit-learn TF-IDF + LR, batch", "one verdict", predict, 0.5),
        Contender(
            "scikit-learn TF-IDF + LR, single", "one verdict", each(lambda p: predict([p])), 0.05
        ),
    ]


def _fasttext(training: list[str], labels: list[str]) -> list[Contender]:
    import fasttext

    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        for post, label in zip(training, labels, strict=True):
            file.write(f"__label__{label} {' '.join(post.split())}\n")
        file.flush()
        model = fasttext.train_supervised(file.name, wordNgrams=2, epoch=5, thread=1, verbose=0)
    # its own predict() breaks with numpy 2; this is the call behind it
    predict = model.f.predict
    one = each(lambda post: predict(" ".join(post.split()) + "\n", 1, 0.0, "strict"))
    return [Contender("fastText", "one label", one)]


def tokenizers() -> Iterator[Contender]:
    """nltk's tokenizer for posts beside ours."""
    from nltk.tokenize import TweetTokenizer

    from opgsent.tokens import split, tokenize

    yield Contender("nltk TweetTokenizer", "strings", each(TweetTokenizer().tokenize))
    yield Contender("opgsent.tokenize", "kinds, offsets", each(tokenize))
    yield Contender("opgsent.tokens.split", "strings", each(split))
