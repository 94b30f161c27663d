"""Tokens -> tickers: candidates by grammar and table, a model over the context decides.

``find`` collects the candidates of a batch, ``rows`` the weight rows of what speaks for and
against each, ``Tickers.read`` keeps those that the model takes for an asset.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .assets import CLASS_ORDER, QUOTES, STABLECOINS, Assets
from .candidates import FORMS, KNOWN, OPENS, PRICE, TICKER, openings
from .cues import CUES, JOINT, cue_of
from .features import END, norm_of
from .pairs import MONEY
from .reading import Batch
from .spans import (
    SECOND,
    Ints,
    Rows,
    Runs,
    View,
    Window,
    rows_of,
    salts,
    shapes,
)
from .symbols import MAJORS, Symbol, symbol_of


class Found(NamedTuple):
    """A ticker of a post; ``place`` is the index into ``batch.ids`` of its first token."""

    text: str
    start: int
    end: int
    symbol: str
    quote: str | None
    kind: str
    asset_class: str | None
    subject: bool
    probability: float
    place: int


class Candidates(NamedTuple):
    """Ticker candidates of a batch in order: runs of tokens and what they would stand for."""

    first: Ints
    last: Ints
    symbols: list[Symbol]
    shape: Ints


_QUOTE = CUES.index("quote")
_WORD, _HASHTAG, _CASHTAG, _PAIR = range(len(FORMS))
#: what asks no model: cashtags and pairs (of 2,750 in the labelled posts all but 9 name an asset)
#: and hashtags that the table is sure of (492 of 505)
_FORM, _KNOWN = np.arange(128) >> 5, (np.arange(128) >> 2) & 7
_SURE = (KNOWN.index("name") == _KNOWN) | (KNOWN.index("symbol") == _KNOWN)
CERTAIN = (_FORM >= _CASHTAG) | ((_FORM == _HASHTAG) & _SURE)
CERTAIN_CHANCE = np.where(_FORM >= _CASHTAG, 0.995, 0.975)
SURE_SHAPES = CERTAIN | _SURE


def find(batch: Batch, cues: Ints, assets: Assets) -> Candidates:
    """All ticker candidates of a batch; names of several words and pairs are one run.

    ``cues`` are the cue classes of its tokens.
    """
    flags = batch.flags
    (at,) = (flags & np.uint32(TICKER)).nonzero()
    # FOLLOWS is one bit above OPENS
    (opens,) = (flags[:-1] & (flags[1:] >> np.uint32(1)) & np.uint32(OPENS)).nonzero()
    page, ids = batch.page, batch.ids
    strings, notes, kinds = page.strings, page.notes, page.kinds
    phrases = _phrases(batch, opens.tolist(), assets) if len(opens) else {}
    first: list[int] = []
    last: list[int] = []
    found: list[Symbol] = []
    shape: list[int] = []
    if phrases:
        at = np.unique(np.concatenate([at, np.fromiter(phrases, np.int64, len(phrases))]))
    if coins := _before_stablecoin(batch, cues):
        at = np.union1d(at, np.array(coins, np.int64))
    shape_of = shapes(flags[at]).tolist()
    numbers = ids[at].tolist()
    behind = _quoted(batch, cues, at, assets)
    free = 0
    for place, number, form, quote in zip(at.tolist(), numbers, shape_of, behind, strict=True):
        if place < free:
            continue
        if place in phrases:
            end, symbol, form = phrases[place]
        else:
            end = place
            known = notes.get(number)
            if known is None:
                known = notes[number] = symbol_of(strings[number], kinds[number], assets)
            symbol = known
        if symbol.kind == "pair":  # "XAUUSDSELL" and "POLY_BTC" are one, too
            form = form & 31 | _PAIR << 5
        if not quote and symbol.symbol in MONEY and _is_fx(batch, place):
            quote = 1
        if quote and symbol.kind in ("symbol", "name", "hashtag", "cashtag"):
            end += quote
            code = strings[ids[end]].lstrip("#$").removeprefix("m").upper()
            code = {"BITCOIN": "BTC"}.get(code, code) if code in assets.quotes else "USD"
            symbol = symbol._replace(quote=code, kind="pair", end=-1)
            form = form & 31 | _PAIR << 5
        first.append(place)
        last.append(end)
        found.append(symbol)
        shape.append(form)
        free = end + 1
    return Candidates(
        np.array(first, np.int64), np.array(last, np.int64), found, np.array(shape, np.int64)
    )


def _quoted(batch: Batch, cues: Ints, at: Ints, assets: Assets) -> list[int]:
    """How many tokens behind a candidate make a pair of it: "btc usdt", "ADT / BTC"."""
    slash = batch.page.numbers.get("/", -1)
    if not (cues == _QUOTE).any() and not (batch.ids == slash).any():
        return [0] * len(at)
    reach = len(cues) - 1
    one = cues[np.minimum(at + 1, reach)] == _QUOTE
    two = batch.ids[np.minimum(at + 1, reach)] == slash
    out = [0] * len(at)
    strings, ids = batch.page.strings, batch.ids
    for i in two.nonzero()[0].tolist():
        token = strings[ids[min(at[i] + 2, reach)]]
        code = token.lstrip("#$").removeprefix("m").upper()  # "USD/#CAD", "SPKI/mUSDT"
        is_quote = code in assets.quotes and token != token.lower()
        if is_quote or cues[min(at[i] + 2, reach)] == _QUOTE:
            out[i] = 2
    for i in one.nonzero()[0].tolist():
        quote = strings[ids[at[i] + 1]]
        # "btc usdt" is a pair, "BTC perp" a product, "BTC ETH" two coins
        if quote.upper() in _STABLE:
            out[i] = 1
    return out


_STABLE = frozenset(("USDT", "USDC", "BUSD"))
_SIDES = frozenset(CUES.index(name) for name in ("buy", "sell", "long", "short"))
_PAYS = frozenset("wallet wallets address account network card bank payment peg to".split())


def _before_stablecoin(batch: Batch, cues: Ints) -> list[int]:
    """Places of coins that are words otherwise: "link usdt breakout", "long near usdt".

    Only where a post or line begins or behind the side of a trade, for one may "link usdt" to a
    wallet.
    """
    strings, ids = batch.page.strings, batch.ids
    found = []
    for place in ((cues[2:] == _QUOTE).nonzero()[0] + 2).tolist():
        before, coin, quote = (strings[i] for i in ids[place - 2 : place + 1].tolist())
        if quote.upper() not in _STABLE or coin.upper() not in MAJORS:
            continue
        behind = strings[ids[place + 1]].lower()
        opens = before == "" or before == "\n" or int(cues[place - 2]) in _SIDES
        if coin.islower() and quote.islower() and opens and behind not in _PAYS:
            found.append(place - 1)
    return found


def _is_fx(batch: Batch, place: int) -> bool:
    """Whether two currencies or a metal and one side by side are a pair: "eur usd", "XAU USD".

    Three are a list ("USD JPY EUR", "usd eur or gbp"), and behind a number a currency is money.
    """
    ids = batch.ids[max(place - 3, 0) : place + 5].tolist()
    words = [""] * (3 - place) + [batch.page.strings[i] for i in ids] + [""] * 3
    base, quote = words[3:5]
    if base not in MONEY or quote not in MONEY or base == quote or quote.upper() not in QUOTES:
        return False
    if base.isupper() != quote.isupper() or batch.flags[place - 1] & np.uint32(PRICE):
        return False
    for one, two, three in (words[2::-1], words[5:8]):
        joined = cue_of(one) == JOINT and two in MONEY and three not in MONEY
        if one in MONEY or joined:
            return False
    return True


def _phrases(batch: Batch, opens: list[int], assets: Assets) -> dict[int, tuple[int, Symbol, int]]:
    """place -> (place of the last token, symbol, shape) of names of several words."""
    strings, notes = batch.page.strings, batch.page.notes
    ids = batch.ids
    found = {}
    for place, first, second in zip(
        opens, ids[opens].tolist(), ids[np.array(opens) + 1].tolist(), strict=True
    ):
        key = -(first << 32 | second)  # token numbers are positive: no other note is there
        if key not in notes:
            notes[key] = f"{strings[first]} {_bare(strings[second])}".lower() in openings(assets)
        if notes[key] and (phrase := _phrase(batch, place, assets)):
            found[place] = phrase
    return found


def _bare(word: str) -> str:
    return word.removesuffix("'s").removesuffix("’s")


def _phrase(batch: Batch, place: int, assets: Assets) -> tuple[int, Symbol, int] | None:
    """The longest name of several words that begins at a place."""
    strings = batch.page.strings
    words = [strings[i] for i in batch.ids[place : place + assets.longest_name].tolist()]
    for n in range(len(words), 1, -1):
        last = _bare(words[n - 1])
        name = " ".join([*words[: n - 1], last]).lower()
        asset = assets.by_name(name)
        if asset and not (n == 2 and words[0].lower() == "the" and assets.by_name(last.lower())):
            known = KNOWN.index("doubtful name" if assets.is_doubtful(name) else "name")
            case = 1 if words[0][0].isupper() else 0
            symbol = Symbol(asset.symbol, None, "name", (asset.asset_class,), 0, len(last))
            return place + n - 1, symbol, case | known << 2
    return None


# --- features -------------------------------------------------------------------------------

_SHAPE_VIEWS = (
    View("its own word", 0), View("its shape", 0), View("word and shape", 0),
    View("shape of the word before", -1), View("shape of the word behind", 1),
    View("shapes on both sides"), View("named for sure elsewhere in the post"),
    View("tickers in the post"), View("capitals around"), View("shape and word before", -1),
    View("shape and word behind", 1), View("its class and shape"),
    View("class and word before", -1), View("class and word behind", 1),
    View("numbers in the post"),
)  # fmt: skip
_WINDOW = Window("ticker", 5)
VIEWS: tuple[View, ...] = (*_SHAPE_VIEWS, *_WINDOW.views)
_SALTS = salts("ticker", [v.name for v in _SHAPE_VIEWS])
_ASSET = np.uint64(norm_of("T"))  # the normal form of a name that the table is sure of
_CLASSES: dict[tuple[str, ...], int] = {(name,): i for i, name in enumerate(CLASS_ORDER)}


def rows(r: Runs, found: Candidates, which: Ints) -> Rows:
    """Weight rows of the views of some candidates, shape (len(VIEWS), n).

    ``which`` are their indices into ``found``, in the order of ``r``.
    """
    window, norms, places = _WINDOW.read(r)
    middle = _WINDOW.far
    shape = found.shape[which]
    beside = shapes(r.batch.flags[places])
    left, right = beside[middle - 1], beside[middle]
    caps = ((beside & 3) == 2).sum(axis=0)
    kind = np.array([_class(found.symbols[i]) for i in which.tolist()], np.int64)
    opening = (r.batch.flags[r.first - 1] & np.uint32(END)) != 0  # START is one, too
    elsewhere, count = _elsewhere(r, found, which)
    numbers = ((r.batch.flags & np.uint32(PRICE)) != 0).cumsum()
    case = kind * 4 + (shape & 3)
    codes = np.array(
        [
            shape * 0, shape, shape, left, right, left * 128 + right, elsewhere * 128 + shape,
            count * 128 + shape, caps * 128 + shape, shape, shape,
            (kind * 128 + shape) * 2 + opening, case, case,
            _FEW[np.minimum(numbers[r.high - 1] - numbers[r.low], 7)] * 128 + shape,
        ]
    )  # fmt: skip
    hashes = codes.astype(np.uint64) * SECOND + _SALTS
    # a sure name is one like another: "BTC's" and a coin never seen count as BTC does
    own = r.batch.page.norms[r.batch.ids[r.first]]
    own = np.where(SURE_SHAPES[shape] & (shape >> 5 == _WORD), _ASSET, own)
    before, behind = norms[middle - 1], norms[middle]
    hashes[_NAMED] ^= np.array([own, own, before, behind, before, behind])
    return rows_of(np.concatenate([hashes, window]))


_FEW = np.array([0, 1, 2, 2, 3, 3, 3, 4])  # steps of a count
_NAMED = np.array([0, 2, 9, 10, 12, 13])  # the views that tell a word


def _class(symbol: Symbol) -> int:
    """A number for the asset class that is likeliest; money has one of its own."""
    if symbol.symbol in STABLECOINS or symbol.symbol == "USD":
        return len(CLASS_ORDER)
    return _CLASSES.get(symbol.classes[:1], 7)


def _elsewhere(r: Runs, found: Candidates, which: Ints) -> tuple[Ints, Ints]:
    """Whether the symbol is meant for sure elsewhere in the post; sure tickers of the post."""
    sure = SURE_SHAPES[found.shape]
    posts = r.batch.starts.searchsorted(found.first, side="right") - 1
    symbols = found.symbols
    names = {
        (post, symbols[i].symbol)
        for i, post in zip(sure.nonzero()[0].tolist(), posts[sure].tolist(), strict=True)
    }
    said = [
        (post, symbols[i].symbol) in names
        for i, post in zip(which.tolist(), r.post.tolist(), strict=True)
    ]
    count = np.bincount(posts, sure, len(r.batch.starts)).astype(np.int64)[r.post]
    return np.array(said, np.int64), np.minimum(count - sure[which], 4)


def agreed(
    odds: NDArray[np.float32], r: Runs, found: Candidates, which: Ints
) -> NDArray[np.float32]:
    """Log-odds with what the mentions of one symbol in a post share: "one sense per discourse".

    Each takes the middle between the best of them and their mean, for one clear mention settles
    what the others mean (Gale, Church & Yarowsky 1992).
    """
    mentions = [
        (post, found.symbols[i].symbol)
        for post, i in zip(r.post.tolist(), which.tolist(), strict=True)
    ]
    if len(set(mentions)) == len(mentions):
        return odds
    together: dict[tuple[int, str], list[int]] = {}
    for at, mention in enumerate(mentions):
        together.setdefault(mention, []).append(at)
    values = odds.tolist()
    for places in together.values():
        if len(places) > 1:
            theirs = [values[at] for at in places]
            agreed_on = (max(theirs) + sum(theirs) / len(theirs)) / 2
            for at in places:
                values[at] = agreed_on
    return np.array(values, np.float32)


def by_rule(found: Candidates) -> NDArray[np.float64]:
    """Chances without a model: .95 for cashtags, pairs and what the table is sure of, else .05."""
    return np.where(SURE_SHAPES[found.shape], 0.95, 0.05)
