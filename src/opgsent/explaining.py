"""Why a verdict came out: the parts that scoring summed, named and placed in the text."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from .features import COUNTS, TURNED, VIEW_VALUE, counter_steps, neighbours, scale, turned
from .linear import COLUMNS_OF, Floats, Scorer
from .offsets import Reading, starts_of
from .reading import Batch
from .result import LABELS, Contribution, Explanation

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
    named = _named(scorer, batch)
    odds = scorer.log_odds(batch)[0]
    answers = []
    for question, columns in COLUMNS_OF.items():
        top = int(odds[columns].argmax())
        grown: defaultdict[tuple[str, tuple[int, int] | None], float] = defaultdict(float)
        for name, span, weights in named:
            grown[name, span] += _against(weights[columns], top)
        parts = [Contribution(name, span, w) for (name, span), w in grown.items() if w != 0.0]
        parts.sort(key=lambda c: (-abs(c.weight), c.span or (-1, -1), c.feature))
        intercept = _against(scorer.weights.intercept[columns], top)
        answers.append(Explanation(question, None, LABELS[question][top], intercept, tuple(parts)))
    return tuple(answers)


def _against(row: Floats, top: int) -> float:
    """A row of three scores as the top one's lead over the mean of the two others.

    Of log-probabilities it is log P(top) - (log P(b) + log P(c)) / 2, and it adds up.
    """
    values = row.astype(np.float64)
    return float(values[top] - (values.sum() - values[top]) / 2)


_Named = list[
    tuple[str, tuple[int, int] | None, "np.ndarray[tuple[int, ...], np.dtype[np.float32]]"]
]


def _named(scorer: Scorer, batch: Batch) -> _Named:
    """(name, span, weights of all columns, scaled) of every feature of the one post."""
    text, tokens = batch.clean[0], batch.tokens(0)
    reading = Reading(batch.texts[0])
    starts = starts_of(text, tokens)
    spans = [(0, 0)] + [(at, at + len(t)) for at, t in zip(starts, tokens, strict=True)]
    spans.append((len(text), len(text)))  # START behind the post
    factor = float(scale(np.diff(batch.starts))[0])
    named: _Named = []
    turns = turned(batch)
    turn_of = {place: view for view, places in turns.items() for place in places.tolist()}
    for place, token in enumerate(tokens, 1):
        row = batch.page.rows[batch.ids[place]] * np.float32(factor)
        span = reading.span(*spans[place])
        if place in turn_of:
            named.append((_SHOWN[turn_of[place]][0].format(_short(token)), span, row * TURNED))
        else:
            named.append((f"“{_short(token)}”", span, row))
    for view, places, rows in neighbours(batch, turns):
        shown, last = _SHOWN[view]
        at = np.arange(len(batch.ids))[places]
        found = scorer.rows(rows) * (VIEW_VALUE[view] * np.float32(factor))
        (told,) = np.nonzero(found.any(axis=1))  # most neighbours say nothing
        for place, weights in zip(at[told].tolist(), found[told], strict=True):
            span = reading.span(spans[place][0], spans[place + last][1])
            piece = batch.texts[0][span[0] : span[1]]
            edge = "start of post, " if place == 0 else ""
            if place + last >= len(spans) - 1:
                edge += "end of post, "
            named.append((edge + shown.format(_short(piece)), span, weights))
    steps = counter_steps(batch)[0]
    for name, step, weights in zip(
        COUNTS, steps.tolist(), scorer.counter_parts(batch)[0], strict=True
    ):
        named.append((f"number of {_COUNTED.get(name, name)} (step {step})", None, weights))
    return named


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
