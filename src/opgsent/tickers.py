"""Tokens -> tickers: candidates by grammar and table, a model over the context decides.

``find`` collects the candidates of a batch, ``rows`` the weight rows of what speaks for and
against each, ``Tickers.read`` keeps those that the model takes for an asset.
"""

from __future__ import annotations

from array import array
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .assets import CLASS_ORDER, QUOTES, STABLECOINS, Assets
from .candidates import (
    CASES,
    FORMS,
    KNOWN,
    OPENS,
    PRICE,
    TICKER,
    is_coin,
    openings,
)
from .cues import CUES, JOINT, cue_of
from .features import END, norm_of
from .pairs import MONEY
from .reading import Batch
from .spans import (
    ONE,
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
    sure: Sure


class Sure(NamedTuple):
    """What a batch names for sure; one clear mention tells what the others of its post mean."""

    symbols: set[tuple[int, str]]  #: (post, symbol)
    tags: set[tuple[int, str]]  #: those that stand as a cashtag or in a pair
    many: list[int]  #: tickers of each post


_QUOTES, _TICKER, _OPENS, _PRICE = map(np.array, (CUES.index("quote"), TICKER, OPENS, PRICE))
_NOWHERE = np.empty(0, np.int64)
_WORD, _HASHTAG, _CASHTAG, _PAIR = range(len(FORMS))
#: what asks no model: cashtags and pairs (of 2,750 in the labelled posts all but 9 name an asset)
#: and hashtags that the table is sure of (492 of 505)
_FORM, _KNOWN = np.arange(128) >> 5, (np.arange(128) >> 2) & 7
_SURE = (KNOWN.index("name") == _KNOWN) | (KNOWN.index("symbol") == _KNOWN)
CERTAIN = (_FORM >= _CASHTAG) | ((_FORM == _HASHTAG) & _SURE)
DOUBTFUL = ~CERTAIN
CERTAIN_CHANCE = np.where(_FORM >= _CASHTAG, 0.995, 0.975)
SURE_SHAPES = CERTAIN | _SURE
_LOWER_WORD = CASES.index("lower") | KNOWN.index("doubtful symbol") << 2
_SURE_FORMS, _CERTAIN_FORMS = (frozenset(s.nonzero()[0].tolist()) for s in (SURE_SHAPES, CERTAIN))


def find(batch: Batch, cues: Ints, assets: Assets) -> Candidates:
    """All ticker candidates of a batch; names of several words and pairs are one run.

    ``cues`` are the cue classes of its tokens.
    """
    flags = batch.flags
    could_be = (flags & _TICKER).astype(bool)
    # FOLLOWS is one bit above OPENS
    (opens,) = (flags[:-1] & (flags[1:] >> ONE) & _OPENS).nonzero()
    page, ids = batch.page, batch.ids
    strings, notes, kinds = page.strings, page.notes, page.kinds
    phrases = _phrases(batch, opens, assets) if len(opens) else {}
    quotes = (cues == _QUOTES).nonzero()[0].tolist()
    traded = _before_stablecoin(batch, cues, quotes) if quotes else ()
    if forced := [*phrases, *traded]:
        could_be[forced] = True
    (at,) = could_be.nonzero()
    posts = batch.starts.searchsorted(at, side="right") - ONE
    behind = _quoted(batch, quotes, assets)
    sure = Sure(set(), set(), [0] * len(batch.starts))
    found: list[tuple[int, int, Symbol, int]] = []
    free = 0
    for place, number, form, post in zip(
        at.tolist(), ids[at].tolist(), shapes(flags[at]).tolist(), posts.tolist(),
        strict=True,
    ):  # fmt: skip
        if place < free:
            continue
        end = place
        if place in phrases:
            end, symbol, form = phrases[place]
        else:
            known = notes.get(number)
            if known is None:
                known = notes[number] = symbol_of(strings[number], kinds[number], assets)
            symbol = known
        name = symbol.symbol
        if symbol.kind == "pair":  # "XAUUSDSELL" and "POLY_BTC" are one, too
            form = form & 31 | _PAIR << 5
        else:
            quote = behind.get(place, 0)
            if form == _LOWER_WORD and place not in traded:  # "link usdt wallet"
                quote = 0
            if quote or (name in MONEY and _is_fx(batch, place)):
                end += quote or 1
                code = strings[ids[end]].lstrip("#$").removeprefix("m").upper()
                code = {"BITCOIN": "BTC"}.get(code, code) if code in assets.quotes else "USD"
                symbol = symbol._replace(quote=code, kind="pair", end=-1)
                form = form & 31 | _PAIR << 5
        found.append((place, end, symbol, form))
        free = end + 1
        if form in _SURE_FORMS:
            sure.symbols.add((post, name))
            sure.many[post] += 1
            if form in _CERTAIN_FORMS:
                sure.tags.add((post, name))
    if not found:
        return Candidates(_NOWHERE, _NOWHERE, [], _NOWHERE, sure)
    first, last, symbols, shape = zip(*found, strict=True)
    begin = np.array(first, np.int64)
    end = begin if last == first else np.array(last, np.int64)
    return Candidates(begin, end, list(symbols), np.array(shape, np.int64), sure)


def _quoted(batch: Batch, quotes: list[int], assets: Assets) -> dict[int, int]:
    """place of a token -> how many behind it would make a pair of it: "btc usdt", "ADT / BTC".

    ``quotes`` are the places of quote currencies.
    """
    strings, ids = batch.page.strings, batch.ids
    out, at_quotes = {}, set(quotes)
    for place in (ids == batch.page.numbers.get("/", -1)).nonzero()[0].tolist():
        token = strings[ids[place + 1]]
        code = token.lstrip("#$").removeprefix("m").upper()  # "USD/#CAD", "SPKI/mUSDT"
        if (code in assets.quotes and token != token.lower()) or place + 1 in at_quotes:
            out[place - 1] = 2
    for place in quotes:
        # "btc usdt" is a pair, "BTC perp" a product, "BTC ETH" two coins
        if strings[ids[place]].upper() in _STABLE:
            out[place - 1] = 1
    return out


_STABLE = frozenset(("USDT", "USDC", "BUSD"))
_SIDES = frozenset(CUES.index(name) for name in ("buy", "sell", "long", "short"))
_PAYS = frozenset("wallet wallets address account network card bank payment peg to".split())


def _before_stablecoin(batch: Batch, cues: Ints, quotes: list[int]) -> list[int]:
    """Places of coins that are words otherwise: "link usdt breakout", "long near usdt".

    Only where a post or line begins or behind the side of a trade, for one may "link usdt" to a
    wallet.
    """
    strings, ids = batch.page.strings, batch.ids
    found = []
    for place in quotes[quotes[0] < 2 :]:
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
    if base.isupper() != quote.isupper() or batch.flags[place - 1] & PRICE:
        return False
    for one, two, three in (words[2::-1], words[5:8]):
        joined = cue_of(one) == JOINT and two in MONEY and three not in MONEY
        if one in MONEY or joined:
            return False
    return True


def _phrases(batch: Batch, opens: Ints, assets: Assets) -> dict[int, tuple[int, Symbol, int]]:
    """place -> (place of the last token, symbol, shape) of names of several words."""
    strings, notes = batch.page.strings, batch.page.notes
    firsts, seconds = batch.ids.take(opens).tolist(), batch.ids.take(opens + 1).tolist()
    found = {}
    for place, first, second in zip(opens.tolist(), firsts, seconds, strict=True):
        key = -(first << 32 | second)  # token numbers are positive: no other note is there
        if key not in notes:
            one, two = strings[first], _bare(strings[second])
            notes[key] = f"{one} {two}".lower() in openings(assets) or is_coin(one, two, assets)
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
    coin = words[0]
    if is_coin(coin, words[1], assets) and not batch.flags[place] & TICKER:
        found = symbol_of(coin, "word", assets)
        return place, found, (1 if coin[0].isupper() else 0) | KNOWN.index("lower symbol") << 2
    return None


# --- features -------------------------------------------------------------------------------

_SHAPE_VIEWS = (
    View("its own word", 0), View("word and shape", 0), View("shape and word before", -1),
    View("class and word before", -1), View("shape and word behind", 1),
    View("class and word behind", 1), View("its shape", 0), View("shape of the word before", -1),
    View("shape of the word behind", 1), View("shapes on both sides"),
    View("named for sure elsewhere in the post"), View("tickers in the post"),
    View("capitals around"), View("its class and shape"), View("numbers in the post"),
)  # fmt: skip
_WINDOW = Window("ticker", 5)
VIEWS: tuple[View, ...] = (*_SHAPE_VIEWS, *_WINDOW.views)
_SALTS = salts("ticker", [v.name for v in _SHAPE_VIEWS])
_ASSET = norm_of("T")  # the normal form of a name that the table is sure of
_CLASSES: dict[tuple[str, ...], int] = {(name,): i for i, name in enumerate(CLASS_ORDER)}


def rows(r: Runs, found: Candidates, which: Ints) -> Rows:
    """Weight rows of the views of some candidates, shape (len(VIEWS), n).

    ``which`` are their indices into ``found``, in the order of ``r``.
    """
    window, norms, places = _WINDOW.read(r)
    batch, middle = r.batch, _WINDOW.far
    beside = batch.flags[places]
    around = shapes(beside)
    capitals = (around & _CASES == _UPPER).sum(axis=0)
    (priced,) = (batch.flags & _PRICE).nonzero()
    numbers = priced.searchsorted(r.high) - priced.searchsorted(r.low)
    symbols, (named, _, many) = found.symbols, found.sure
    words, codes = array("Q"), array("Q")
    # a few sums for few candidates: quicker than numpy
    for i, shape, norm, post, before, left, right, caps, count in zip(
        which.tolist(), found.shape[which].tolist(),
        batch.page.norms[batch.ids[r.first]].tolist(), r.post.tolist(),
        beside[middle - 1].tolist(), around[middle - 1].tolist(), around[middle].tolist(),
        capitals.tolist(), numbers.tolist(), strict=True,
    ):  # fmt: skip
        symbol = symbols[i]
        sure = shape in _SURE_FORMS
        # a sure name is one like another: "BTC's" and a coin never seen count as BTC does
        words.append(_ASSET if sure and shape >> 5 == _WORD else norm)
        said = (post, symbol.symbol) in named
        others = min(many[post] - sure, 4)
        kind = _class(symbol)
        case = kind * 4 + (shape & 3)
        codes.extend(
            (
                0, shape, shape, case, shape, case, shape, left, right, left * 128 + right,
                said * 128 + shape, others * 128 + shape, caps * 128 + shape,
                (kind * 128 + shape) * 2 + (before & END != 0),
                _FEW[count if count < 7 else 7] * 128 + shape,
            )
        )  # fmt: skip
    hashes = np.asarray(codes).reshape(-1, len(_SALTS)).T * SECOND + _SALTS
    hashes[:2] ^= np.asarray(words)
    hashes[2:4] ^= norms[middle - 1]
    hashes[4:6] ^= norms[middle]
    return rows_of(np.concatenate([hashes, window]))


_CASES, _UPPER = np.array(3), np.array(CASES.index("upper"))
_FEW = (0, 1, 2, 2, 3, 3, 3, 4)  # steps of a count


_MONEY = STABLECOINS | {"USD"}


def _class(symbol: Symbol) -> int:
    """A number for the asset class that is likeliest; money has one of its own."""
    return len(CLASS_ORDER) if symbol.symbol in _MONEY else _CLASSES.get(symbol.classes[:1], 7)


def by_rule(found: Candidates) -> NDArray[np.float64]:
    """Chances without a model: .95 for cashtags, pairs and what the table is sure of, else .05."""
    return np.where(SURE_SHAPES[found.shape], 0.95, 0.05)
