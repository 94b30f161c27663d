"""Who is measured: what people use today, and opgsent, each as one function over posts."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Work = Callable[[list[str]], Any]
Labelled = list[tuple[str, str]]  # posts and labels that trained peers are fitted on


@dataclass(frozen=True)
class Contender:
    """A name, what it answers, how it is built, and the part of the posts it gets (if slow).

    ``build`` runs in the contender's own process and takes the posts to train on.
    """

    name: str
    gives: str
    build: Callable[[Labelled], Work]
    share: float = 1.0


def each(one: Callable[[str], Any]) -> Work:
    """One call per post, nothing kept."""

    def work(posts: list[str]) -> None:
        for post in posts:
            one(post)

    return work


def vader(_: Labelled) -> Work:
    """The usual one."""
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    return each(SentimentIntensityAnalyzer().polarity_scores)


def nltk_vader(_: Labelled) -> Work:
    """nltk downloads its lexicon; the same file comes with vaderSentiment."""
    import nltk.data
    import vaderSentiment
    from nltk.sentiment.vader import SentimentIntensityAnalyzer

    nltk.data.path.append(str(Path(vaderSentiment.__file__).parent))
    return each(SentimentIntensityAnalyzer(lexicon_file="vader_lexicon.txt").polarity_scores)


def textblob(_: Labelled) -> Work:
    """Its default analyzer."""
    from textblob import TextBlob

    return each(lambda post: TextBlob(post).sentiment)


def tfidf_batch(training: Labelled) -> Work:
    """Words and characters, as most projects have it."""
    return _tfidf(training)


def tfidf_single(training: Labelled) -> Work:
    """The same, asked post by post."""
    predict = _tfidf(training)
    return each(lambda post: predict([post]))


def _tfidf(training: Labelled) -> Work:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline, make_union

    model = make_pipeline(
        make_union(
            TfidfVectorizer(ngram_range=(1, 3), min_df=2),
            TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), min_df=2),
        ),
        LogisticRegression(C=0.1, max_iter=500),
    )
    predict: Work = model.fit(*zip(*training, strict=True)).predict_proba
    return predict


def fasttext(training: Labelled) -> Work:
    """Words and pairs of words; a label and nothing else."""
    predict = fasttext_fitted(training)
    return each(lambda post: predict(post, 1))


def fasttext_fitted(training: Labelled) -> Callable[[str, int], list[tuple[float, str]]]:
    """fastText as it is fitted here: a post and a count -> so many (probability, label)."""
    import fasttext as library

    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        for post, label in training:
            file.write(f"__label__{label} {' '.join(post.split())}\n")
        file.flush()
        model = library.train_supervised(file.name, wordNgrams=2, epoch=5, thread=1, verbose=0)
    # its own predict() breaks with numpy 2; this is the call behind it
    predict = model.f.predict
    return lambda post, count: predict(" ".join(post.split()) + "\n", count, 0.0, "strict")


def classify_many(_: Labelled) -> Work:
    """Every field of every post, to_dict() included."""
    from opgsent import Classifier

    many = Classifier.bundled().classify_many

    def work(posts: list[str]) -> None:
        for post in many(posts):
            post.to_dict()

    return work


def classify(_: Labelled) -> Work:
    """The same, asked post by post."""
    from opgsent import Classifier

    one = Classifier.bundled().classify
    return each(lambda post: one(post).to_dict())


def score_file(_: Labelled) -> Work:
    """A CSV in, a CSV out; writing the input is not in the clock, see ``speed.Child``."""
    from opgsent import score_file as score

    return lambda posts: score("posts.csv", "scored.csv")


def floor(_: Labelled) -> Work:
    """Reading and writing the same CSV, nothing else."""
    import pyarrow.csv as arrow

    options = arrow.ParseOptions(newlines_in_values=True)
    return lambda posts: arrow.write_csv(
        arrow.read_csv("posts.csv", parse_options=options), "copied.csv"
    )


def tweet_tokenizer(_: Labelled) -> Work:
    """nltk's tokenizer for posts."""
    from nltk.tokenize import TweetTokenizer

    return each(TweetTokenizer().tokenize)


def tokenize(_: Labelled) -> Work:
    """Ours, with kinds and offsets."""
    from opgsent import tokenize as ours

    return each(ours)


def split(_: Labelled) -> Work:
    """Ours, the strings alone."""
    from opgsent.tokens import split as ours

    return each(ours)


CONTENDERS = [
    Contender("vaderSentiment", "one score", vader),
    Contender("nltk VADER", "one score", nltk_vader, 0.5),
    Contender("TextBlob", "one score", textblob, 0.5),
    Contender("scikit-learn TF-IDF + LR, batch", "one verdict", tfidf_batch, 0.25),
    Contender("scikit-learn TF-IDF + LR, single", "one verdict", tfidf_single, 0.02),
    Contender("fastText", "one label", fasttext),
    Contender("opgsent.classify_many", "everything", classify_many),
    Contender("opgsent.classify", "everything", classify, 0.5),
    Contender("opgsent.score_file", "everything", score_file),
    Contender("pyarrow, read and write the file", "nothing", floor),
    Contender("nltk TweetTokenizer", "tokens", tweet_tokenizer, 0.5),
    Contender("opgsent.tokenize", "tokens, kinds, offsets", tokenize),
    Contender("opgsent.tokens.split", "tokens", split),
]
