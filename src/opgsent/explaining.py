"""Why a verdict came out: the parts that scoring summed, named and placed in the text."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from .features import COUNTS, TURNED, VIEW_VALUE, counter_steps, neighbours, scale
from .linear import COLUMNS_OF, Floats, Scorer
from .offsets import Reading, starts_of
from .reading import Batch
from .result import LABELS, Contribution, Explanation, maker
from .turns import turned

#: view -> (how it is shown, offset from its first token to its last)
_SHOWN = {
    "two": ("“{}”", 1),
    "three": ("“{}”", 2),
    "negated": ("negated “{}”", 0),
    "undone": ("undone “{}”", 0),
    "left": ("left “{}”", 0),
}


def explain_verdicts(scorer: Scorer, batch: Batch) -> tuple[Explanation, ...]:
    """Explanations of the verdicts of a batch of one post, stance first.

    Contributions are to the winning label's log-odds against the geometric mean of the others.
    """
    named, weights = _named(scorer, batch)
    odds = scorer.log_odds(batch)[0]
    answers = []
    for question, columns in COLUMNS_OF.items():
        top = int(odds[columns].argmax())
        grown: defaultdict[_Name, float] = defaultdict(float)
        for name, weight in zip(named, _against(weights[:, columns], top).tolist(), strict=True):
            grown[name] += weight
        parts = [_contribution(name, span, w) for (name, span), w in grown.items() if w != 0.0]
        parts.sort(key=lambda c: (-abs(c.weight), c.span or (-1, -1), c.feature))
        intercept = float(_against(scorer.weights.intercept[columns], top))
        answers.append(Explanation(question, None, LABELS[question][top], intercept, tuple(parts)))
    return tuple(answers)


_contribution = maker(Contribution)
_Name = tuple[str, tuple[int, int] | None]  # as it is shown, and where


def _against(rows: Floats, top: int) -> NDArray[np.float64]:
    """Rows of three scores as the top one's lead over the mean of the two others.

    Of log-probabilities it is log P(top) - (log P(b) + log P(c)) / 2, and it adds up.
    """
    values = rows.astype(np.float64)
    first = values[..., top]
    lead: NDArray[np.float64] = first - (values.sum(axis=-1) - first) / 2
    return lead


def _named(scorer: Scorer, batch: Batch) -> tuple[list[_Name], Floats]:
    """Every feature of the one post, and a line each of the weights of all columns, scaled."""
    text, tokens = batch.clean[0], batch.tokens(0)
    reading = Reading(batch.texts[0])
    starts = starts_of(text, tokens)
    spans = [(0, 0)] + [(at, at + len(t)) for at, t in zip(starts, tokens, strict=True)]
    spans.append((len(text), len(text)))  # START behind the post
    factor = np.float32(scale(np.diff(batch.starts))[0])
    named: list[_Name] = []
    turns = turned(batch)
    turn_of = {place: view for view, places in turns.items() for place in places.tolist()}
    for place, token in enumerate(tokens, 1):
        shown = _SHOWN[turn_of[place]][0] if place in turn_of else "“{}”"
        named.append((shown.format(_short(token)), reading.span(*spans[place])))
    own = batch.page.rows[batch.ids[1 : len(tokens) + 1]] * factor
    own[np.array(list(turn_of), np.int64) - 1] *= TURNED
    weights = [own]
    for view, places, rows in neighbours(batch, turns):
        shown, last = _SHOWN[view]
        at = np.arange(len(batch.ids))[places]
        found = scorer.rows(rows) * (VIEW_VALUE[view] * factor)
        (told,) = np.nonzero(found.any(axis=1))  # most neighbours say nothing
        weights.append(found[told])
        for place in at[told].tolist():
            span = reading.span(spans[place][0], spans[place + last][1])
            piece = batch.texts[0][span[0] : span[1]]
            edge = "start of post, " if place == 0 else ""
            if place + last >= len(spans) - 1:
                edge += "end of post, "
            named.append((edge + shown.format(_short(piece)), span))
    for name, step in zip(COUNTS, counter_steps(batch)[0].tolist(), strict=True):
        named.append((f"number of {_COUNTED.get(name, name)} (step {step})", None))
    weights.append(scorer.counter_parts(batch)[0])
    return named, np.concatenate(weights)


_COUNTED = {
    "exclaim": "exclamation marks", "question": "question marks", "emoji": "emoji",
    "caps": "words in capitals", "number": "numbers", "ticker": "tickers", "break": "line breaks",
    "link": "links", "handle": "handles", "percent": "percentages", "hashtag": "hashtags",
    "word": "words", "rocket": "loud emoji", "long": "long words", "first_person": "I, me, my",
    "comma": "commas", "ellipsis": "ellipses",
}  # fmt: skip


def _short(text: str) -> str:
    text = " ".join(text[:200].split())  # a token may be the whole post
    return text if len(text) <= 40 else text[:39] + "…"
