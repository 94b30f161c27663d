"""What is known of a ticker candidate without examples: rules that add to its log-odds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .candidates import FORMS, KNOWN, PRICE
from .cues import JOINT
from .features import END, norms_of
from .spans import Ints, Runs, among, cue_classes
from .tickers import CERTAIN, SURE_SHAPES, Candidates

_WORD, _HASHTAG = FORMS.index("word"), FORMS.index("hashtag")
_SYMBOLS = np.array([KNOWN.index(name) for name in ("symbol", "doubtful symbol", "capitals")])


def leaning(r: Runs, found: Candidates, which: Ints) -> NDArray[np.float32]:
    """Log-odds that rules add, where the examples are too few to teach what they know.

    A coin's name that is also a word is likelier meant with a capital in mid-sentence ("Nano"),
    and an unknown tag in capitals where a post lists prices and names nothing else ("Coin: #XYZ").
    """
    shape = found.shape[which]
    known, title = (shape >> 2) & 7, shape & 3 == 1
    opening = (r.batch.flags[r.first - 1] & np.uint32(END)) != 0
    coin = np.array([found.symbols[i].classes[:1] == ("crypto",) for i in which.tolist()], bool)
    name = title & (known == KNOWN.index("doubtful name")) & coin & ~opening
    odds: NDArray[np.float32] = np.float32(1.5) * name
    # "$SE ... if SE can't defend": capitals that the post has as a tag
    odds += np.float32(2.0) * (_tagged(r, found, which) & (shape & 3 == 2) & (shape >> 5 == _WORD))
    odds -= np.float32(6.0) * (_link_in_bio(r, found, which) & (shape >> 5 == _WORD))
    listed = (shape & 3 == 2) & (shape >> 5 == _WORD) & among(known, _SYMBOLS)
    if listed.any():
        odds += np.float32(2.5) * (listed & _listed(r, found))
    tags = (shape >> 5 == _HASHTAG) & (known == 0) & (shape & 3 == 2)
    if tags.any():
        numbers = ((r.batch.flags & np.uint32(PRICE)) != 0).cumsum()
        posts = r.batch.starts.searchsorted(found.first, side="right") - 1
        sure = np.bincount(posts, SURE_SHAPES[found.shape], len(r.batch.starts))[r.post]
        card = (numbers[r.high - 1] - numbers[r.low] >= 3) & (sure == 0)
        odds += np.float32(4.0) * (tags & card)
    return odds


def _link_in_bio(r: Runs, found: Candidates, which: Ints) -> NDArray[np.bool_]:
    """LINK that stands in a profile: "LINK IN BIO", "the LINK is in the comments"."""
    link = np.array([found.symbols[i].symbol == "LINK" for i in which.tolist()], bool)
    if link.any():
        behind = np.minimum(r.last[:, None] + np.arange(1, 5), r.high[:, None] - 1)
        link &= among(r.batch.page.norms[r.batch.ids[behind]], _PROFILE).any(axis=1)
    return link


_PROFILE = norms_of("bio profile comment comments description pinned")


def _listed(r: Runs, found: Candidates) -> NDArray[np.bool_]:
    """Whether a comma, slash, "and" ... joins it to a sure ticker: "SOL, ATOM and NEAR"."""
    sure = SURE_SHAPES[found.shape]
    joint = cue_classes(r.batch.flags) == JOINT
    before = joint[r.first - 1] & np.isin(r.first - 2, found.last[sure])
    behind = joint[r.last + 1] & np.isin(r.last + 2, found.first[sure])
    joined: NDArray[np.bool_] = before | behind
    return joined


def _tagged(r: Runs, found: Candidates, which: Ints) -> NDArray[np.bool_]:
    """Whether the same symbol stands in the post as a cashtag or in a pair."""
    certain = CERTAIN[found.shape].nonzero()[0]
    if not len(certain):
        return np.zeros(len(which), bool)
    posts = r.batch.starts.searchsorted(found.first[certain], side="right") - 1
    tags = {
        (post, found.symbols[i].symbol)
        for i, post in zip(certain.tolist(), posts.tolist(), strict=True)
    }
    return np.array(
        [
            (post, found.symbols[i].symbol) in tags
            for i, post in zip(which.tolist(), r.post.tolist(), strict=True)
        ],
        bool,
    )
