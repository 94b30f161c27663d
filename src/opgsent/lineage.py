"""The card of a retrained model: where it comes from, what it was fitted on, how good it is.

Nothing in it is text of the user's posts, and there is no clock in it: same labels, same base,
same seed give the same bytes.
"""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import sklearn
from numpy.typing import NDArray

from .corpus import LabelledPost
from .folder import ModelError, pack
from .inspection import is_date
from .refitting import Refit
from .reporting import Comparison
from .result import LABELS
from .scores import QuestionScores, plain_data

if TYPE_CHECKING:
    from .classifier import Classifier

GENERATIONS = 20  # of ancestors that a card names


def text_hash(text: str) -> str:
    """sha256 of the white-space-collapsed NFC text.

    >>> text_hash("up  we go") == text_hash("up we go ")
    True
    """
    plain = " ".join(unicodedata.normalize("NFC", text).split())
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()


def data_hash(posts: Sequence[LabelledPost]) -> str:
    """One hash over all texts and labels, in order."""
    digest = hashlib.sha256()
    for post in posts:
        spans = f"{post.tickers or ''}{post.levels or ''}"
        line = f"{text_hash(post.text)} {post.stance} {post.style} {text_hash(spans)}\n"
        digest.update(line.encode())
    return digest.hexdigest()


def counted(posts: Sequence[LabelledPost]) -> dict[str, dict[str, int]]:
    """Posts per label of each question, those without one left out."""
    return {
        question: dict(sorted(Counter(v for p in posts if (v := getattr(p, question))).items()))
        for question in LABELS
    }


def ancestors_of(parent: Classifier) -> list[str]:
    """The checksums of a model and of those it comes from, the nearest first.

    Raises ModelError where its card says so in another shape: a card can come from anybody.
    """
    lineage = parent.card.get("lineage", {})
    older = lineage.get("ancestors", []) if isinstance(lineage, dict) else None
    if not isinstance(older, list) or not all(isinstance(one, str) for one in older):
        raise ModelError(
            f"the base model's card.json: lineage is {lineage!r:.60}, not an object with a list "
            "of checksums as ancestors; take lineage out of it, or give another base"
        )
    return [parent.checksum, *older][:GENERATIONS]


def card_of(
    parent: Classifier,
    arrays: Mapping[str, NDArray[Any]],
    posts: Sequence[LabelledPost],
    fits: Mapping[str, Refit],
    own: Mapping[str, Comparison],
    control: Mapping[str, Comparison],
    *,
    scratch: bool,
    seed: int,
    forced: Sequence[str],
) -> dict[str, Any]:
    """The card of a model with these arrays; folder.write_folder adds format and checksum."""
    from . import __version__

    date = os.environ.get("SOURCE_DATE_EPOCH")
    return {
        "name": "opgsent model retrained on labels of its user",
        "labels": {name: list(order) for name, order in LABELS.items()},
        "settings": {
            "base": "scratch" if scratch else "parent",
            "seed": seed,
            **{question: made.method for question, made in fits.items()},
        },
        "lineage": {"parent": parent.checksum, "ancestors": ancestors_of(parent)},
        "data": {
            "posts": len(posts),
            **counted(posts),
            "spans": sum(post.tickers is not None for post in posts),
            "sha256": data_hash(posts),
        },
        "cross_validation": {name: _figures(found) for name, found in own.items()},
        "control": {name: _figures(found) for name, found in control.items()},
        "forced_against": list(forced),
        "versions": {
            "opgsent": __version__, "numpy": np.__version__, "scikit-learn": sklearn.__version__,
        },
        "date": date if date and is_date(date) else None,
        "golden": _golden(parent, arrays),
    }  # fmt: skip


def _figures(found: Comparison) -> dict[str, Any]:
    def plain(scores: QuestionScores) -> dict[str, Any]:
        return {
            "macro_f1": plain_data(scores.macro_f1.value),
            "accuracy": plain_data(scores.accuracy.value),
            "auc": plain_data(scores.auc.value),
            "ece": plain_data(scores.ece),
        }

    gain = {name: plain_data(value) for name, value in plain_data(found.gain).items()}
    return {"posts": found.new.posts, "old": plain(found.old), "new": plain(found.new), **gain}


def _golden(parent: Classifier, arrays: Mapping[str, NDArray[Any]]) -> list[dict[str, Any]]:
    """The parent's golden posts, which are of corpora/, with the new answers."""
    from .classifier import Classifier

    checksum = hashlib.sha256(pack(arrays)).hexdigest()
    model = Classifier(dict(arrays), {"checksum": checksum}, parent.assets)
    texts = [str(post["text"]) for post in parent.card.get("golden", [])]
    found = []
    for text, post in zip(texts, model.classify_many(texts), strict=True):
        answers = {"stance": post.stance, "style": post.style}
        found.append(
            {"text": text}
            | {
                name: {label: round(p, 5) for label, p in verdict.probabilities.items()}
                for name, verdict in answers.items()
                if verdict is not None
            }
        )
    return found
