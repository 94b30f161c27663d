"""What is known of a ticker candidate without examples: rules that add to its log-odds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .assets import STABLECOINS
from .candidates import CASES, FORMS, KNOWN, PRICE, TICKER
from .cues import JOINT
from .features import END, norm_of, norms_of
from .reading import Batch
from .spans import Ints, Runs, cue_class, shapes
from .symbols import MAJORS
from .tickers import DOLLARS, SURE_SHAPES, Candidates

_WORD, _HASHTAG = FORMS.index("word"), FORMS.index("hashtag")
_TITLE, _UPPER = CASES.index("title"), CASES.index("upper")
_NAME, _DOUBTFUL = KNOWN.index("doubtful name"), KNOWN.index("doubtful symbol")
_IN_TABLE = frozenset(KNOWN.index(name) for name in ("name", "symbol", "doubtful symbol"))
_SYMBOLS = frozenset(KNOWN.index(name) for name in ("symbol", "doubtful symbol", "capitals"))


def leaning(r: Runs, found: Candidates, which: Ints) -> NDArray[np.float32]:
    """Log-odds that rules add, where the examples are too few to teach what they know.

    A coin's name that is also a word is likelier meant with a capital in mid-sentence ("Nano"),
    with a verb behind it ("Nano is") and in a list with a coin ("BCH and nano"), an unknown tag in
    capitals where a post lists prices and names nothing else ("Coin: #XYZ"), a large coin whose
    symbol is a word in capitals that nobody shouts ("NEAR and ATOM"), a symbol that ends a card
    behind a price ("TP 151 SL 138 NVDA"), a share whose options are named ("Amazon calls").
    What others are paired with or paid in is none ("using the BTC pairing", "at 0.0033 btc"), nor
    is a stablecoin behind an amount ("500 usdt").
    """
    batch, flags, odds = r.batch, r.batch.flags.data, []
    many, tags = found.sure.many, found.sure.tags
    for i, post, shape, first, last, low, high in zip(
        which.tolist(), r.post.tolist(), found.shape[which].tolist(), r.first.tolist(),
        r.last.tolist(), r.low.tolist(), r.high.tolist(), strict=True,
    ):  # fmt: skip
        symbol = found.symbols[i]
        name = symbol.symbol
        case, known, form = shape & 3, (shape >> 2) & 7, shape >> 5
        more = 0.0
        if known == _NAME and symbol.classes[:1] == ("crypto",):
            if case == _TITLE:
                if not flags[first - 1] & END:
                    more += 1.5 + (many[post] > 0)
                elif _word(batch, last) in _PREDICATES:  # "Optimism has left the room"
                    more += 0.5 + 2 * (many[post] > 0)
            if form == _WORD and _listed(batch, found, first, last):
                more += 3.0
        if form == _HASHTAG:
            if case == _UPPER and not known and not many[post] and _is_card(batch, low, high):
                more += 4.0
        elif form == _WORD:
            priced = flags[first - 1] & PRICE
            if case == _UPPER:
                if (post, name) in tags:
                    more += 2.0  # "$SE ... if SE can't defend": capitals that it has as a tag
                if known in _SYMBOLS and _listed(batch, found, first, last):
                    more += 2.5
                elif known == _DOUBTFUL and name in MAJORS and not _shouted(batch, first, last):
                    more += 1.0
                # the last word of a card, where no other is sure
                if priced and last + 1 == high and known in _IN_TABLE:
                    more += 4.0 * (many[post] <= SURE_SHAPES[shape])
            elif case and symbol.classes[:1] == ("equity",) and _word(batch, last) in _SHARES:
                more += 3.0
            plot = name == "DOT" and _word(batch, last) == _PLOT
            if plot or (name == "LINK" and _in_bio(batch, last, high)):
                more -= 6.0
            if name in _PAIRED and _is_quote(batch, first, last, low):
                more -= 6.0
            elif priced and name in DOLLARS:
                more -= 3.0
        odds.append(more)
    return np.array(odds, np.float32)


_PAIRED = STABLECOINS | {"BTC", "ETH", "BNB"}


def _shouted(batch: Batch, first: int, last: int) -> bool:
    """Whether a word in capitals that is no candidate stands beside a candidate."""
    beside = batch.flags[[first - 1, last + 1]]
    return bool(((shapes(beside) == _UPPER) & (beside & TICKER == 0)).any())


def _is_quote(batch: Batch, first: int, last: int, low: int) -> bool:
    """Whether a candidate is what coins are paired with or paid in: "the BTC pairing", "Pair:
    USDT", "get some at 0.0033 btc".
    """
    page, ids = batch.page, batch.ids.data
    amount = page.strings[ids[first - 1]]
    if _word(batch, last) in _PAIRING or (amount.startswith("0.") and amount[-1].isdigit()):
        return True
    if first - 2 < low:
        return False
    norms = page.norms.data
    return norms[ids[first - 1]] in _COLONS and norms[ids[first - 2]] in _PAIRING


_PAIRING = frozenset(norms_of("pair pairs pairing pairings").tolist())
_COLONS = frozenset(norms_of(": - =").tolist())


def _word(batch: Batch, last: int) -> int:
    """The normal form behind a candidate, as a hash."""
    return batch.page.norms.data[batch.ids.data[last + 1]]


#: what is said of a name that begins a sentence
_PREDICATES = frozenset(
    norms_of(
        "is isn't was wasn't has hasn't had will won't would can can't could does doesn't did"
        " itself and vs"
    ).tolist()
)
_SHARES, _PLOT = frozenset(norms_of("calls puts stock shares squeeze").tolist()), norm_of("plot")


def _is_card(batch: Batch, low: int, high: int) -> bool:
    """Whether a post has three prices and more."""
    return int(((batch.flags[low:high] & PRICE) != 0).sum()) >= 3


def _in_bio(batch: Batch, last: int, high: int) -> bool:
    """LINK that stands in a profile: "LINK IN BIO", "the LINK is in the comments"."""
    behind = batch.page.norms[batch.ids[last + 1 : min(last + 5, high)]]
    return not _PROFILE.isdisjoint(behind.tolist())


_PROFILE = frozenset(norms_of("bio profile comment comments description pinned").tolist())


def _listed(batch: Batch, found: Candidates, first: int, last: int) -> bool:
    """Whether a comma, slash, "and" ... joins it to a sure ticker: "SOL, ATOM and NEAR"."""
    flags = batch.flags.data
    for at, step in ((first - 1, -1), (last + 1, 1)):
        if cue_class(flags[at]) == JOINT:
            side = found.last if step < 0 else found.first
            beside = int(side.searchsorted(at + step))  # of the candidates the nearest to it
            if beside < len(side) and side[beside] == at + step:
                if SURE_SHAPES[found.shape[beside]]:
                    return True
    return False


def agreed(
    odds: NDArray[np.float32], r: Runs, found: Candidates, which: Ints
) -> NDArray[np.float32]:
    """Log-odds with what the mentions of one symbol in a post share: "one sense per discourse".

    Each takes the middle between the best of them and their mean, for one clear mention settles
    what the others mean (Gale, Church & Yarowsky 1992); but a word in lower case is not what its
    capitals are: "NEAR holders, we are near the bottom".
    """
    mentions: dict[tuple[int, str], list[int]] = {}
    for at, (post, i) in enumerate(zip(r.post.tolist(), which.tolist(), strict=True)):
        mentions.setdefault((post, found.symbols[i].symbol), []).append(at)
    if len(mentions) == len(odds):
        return odds
    values, looks = odds.tolist(), found.shape[which].tolist()
    for places in mentions.values():
        if len(places) == 1:
            continue
        lower: list[int] = []  # beside capitals
        if any(looks[at] & 3 == _UPPER for at in places):
            lower = [at for at in places if looks[at] == _LOWER_WORD]
            places = [at for at in places if looks[at] != _LOWER_WORD]
        for together in (places, lower):
            if len(together) > 1:
                theirs = [values[at] for at in together]
                agreed_on = (max(theirs) + sum(theirs) / len(theirs)) / 2
                for at in together:
                    values[at] = agreed_on
    return np.array(values, np.float32)


#: an everyday word in lower case that names an asset, too
_LOWER_WORD = CASES.index("lower") | _NAME << 2 | _WORD << 5
