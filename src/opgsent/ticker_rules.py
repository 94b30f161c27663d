"""What is known of a ticker candidate without examples: rules that add to its log-odds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .assets import STABLECOINS
from .candidates import CASES, FORMS, KNOWN, PRICE, TICKER
from .cues import JOINT
from .features import END, norm_of, norms_of
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
    odds = np.zeros(len(which), np.float32)
    looks = found.shape[which].tolist()
    for n, (i, post, shape) in enumerate(zip(which.tolist(), r.post.tolist(), looks, strict=True)):
        symbol = found.symbols[i]
        case, known, form = shape & 3, (shape >> 2) & 7, shape >> 5
        if known == _NAME and symbol.classes[:1] == ("crypto",):
            if case == _TITLE:
                if not int(r.batch.flags[r.first[n] - 1]) & END:
                    odds[n] += 1.5 + (found.sure.many[post] > 0)
                elif _word(r, n) in _PREDICATES:  # "Optimism has left the room"
                    odds[n] += 0.5 + 2 * (found.sure.many[post] > 0)
            if form == _WORD and _listed(r, found, n):
                odds[n] += 3.0
        if form == _HASHTAG:
            if case == _UPPER and not known and _on_card(r, found, n):
                odds[n] += 4.0
        elif form == _WORD:
            if case == _UPPER:
                if (post, symbol.symbol) in found.sure.tags:
                    odds[n] += 2.0  # "$SE ... if SE can't defend": capitals that it has as a tag
                if known in _SYMBOLS and _listed(r, found, n):
                    odds[n] += 2.5
                elif known == _DOUBTFUL and symbol.symbol in MAJORS and not _shouted(r, n):
                    odds[n] += 1.0
                if known in _IN_TABLE and _ends_card(r, found, n, shape):
                    odds[n] += 4.0
            elif case and symbol.classes[:1] == ("equity",) and _word(r, n) in _SHARES:
                odds[n] += 3.0
            plot = symbol.symbol == "DOT" and _word(r, n) == _PLOT
            if plot or (symbol.symbol == "LINK" and _in_bio(r, n)):
                odds[n] -= 6.0
            if symbol.symbol in _PAIRED and _is_quote(r, n):
                odds[n] -= 6.0
            elif symbol.symbol in DOLLARS and int(r.batch.flags[r.first[n] - 1]) & PRICE:
                odds[n] -= 3.0
    return odds


_PAIRED = STABLECOINS | {"BTC", "ETH", "BNB"}


def _shouted(r: Runs, n: int) -> bool:
    """Whether a word in capitals that is no candidate stands beside candidate n."""
    beside = r.batch.flags[[r.first[n] - 1, r.last[n] + 1]]
    return bool(((shapes(beside) == _UPPER) & (beside & TICKER == 0)).any())


def _is_quote(r: Runs, n: int) -> bool:
    """Whether candidate n is what coins are paired with or paid in: "the BTC pairing", "Pair:
    USDT", "get some at 0.0033 btc".
    """
    page, at = r.batch.page, int(r.first[n])
    amount = page.strings[r.batch.ids[at - 1]]
    if _word(r, n) in _PAIRING or (amount.startswith("0.") and amount[-1].isdigit()):
        return True
    norms = page.norms
    before = norms[r.batch.ids[max(at - 2, int(r.low[n])) : at]].tolist()
    return len(before) == 2 and before[0] in _PAIRING and before[1] in _COLONS


_PAIRING = frozenset(norms_of("pair pairs pairing pairings").tolist())
_COLONS = frozenset(norms_of(": - =").tolist())


def _word(r: Runs, n: int) -> int:
    """The normal form behind candidate n, as a hash."""
    return int(r.batch.page.norms[r.batch.ids[r.last[n] + 1]])


#: what is said of a name that begins a sentence
_PREDICATES = frozenset(
    norms_of(
        "is isn't was wasn't has hasn't had will won't would can can't could does doesn't did"
        " itself and vs"
    ).tolist()
)
_SHARES, _PLOT = frozenset(norms_of("calls puts stock shares squeeze").tolist()), norm_of("plot")


def _ends_card(r: Runs, found: Candidates, n: int, shape: int) -> bool:
    """Whether candidate n is the last word of a post, behind a price, and no other is sure."""
    if r.last[n] + 1 != r.high[n] or not int(r.batch.flags[r.first[n] - 1]) & PRICE:
        return False
    return bool(found.sure.many[r.post[n]] <= SURE_SHAPES[shape])


def _on_card(r: Runs, found: Candidates, n: int) -> bool:
    """Whether candidate n stands in a post of three prices and more and no sure ticker."""
    if found.sure.many[r.post[n]]:
        return False
    flags = r.batch.flags[r.low[n] : r.high[n]]
    return int(((flags & PRICE) != 0).sum()) >= 3


def _in_bio(r: Runs, n: int) -> bool:
    """LINK that stands in a profile: "LINK IN BIO", "the LINK is in the comments"."""
    last, high = int(r.last[n]), int(r.high[n])
    behind = r.batch.page.norms[r.batch.ids[last + 1 : min(last + 5, high)]]
    return not _PROFILE.isdisjoint(behind.tolist())


_PROFILE = frozenset(norms_of("bio profile comment comments description pinned").tolist())


def _listed(r: Runs, found: Candidates, n: int) -> bool:
    """Whether a comma, slash, "and" ... joins it to a sure ticker: "SOL, ATOM and NEAR"."""
    flags = r.batch.flags.data
    for at, step in ((int(r.first[n]) - 1, -1), (int(r.last[n]) + 1, 1)):
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
