"""Tokens -> tickers: candidates by grammar and table, a model over the context decides.

``find`` collects the candidates of a batch, ``rows`` the weight rows of what speaks for and
against each, ``Tickers.read`` keeps those that the model takes for an asset.
"""

from __future__ import annotations

from array import array
from itertools import compress
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .assets import CLASS_ORDER, STABLECOINS, Assets
from .candidates import (
    CASES,
    FORMS,
    KNOWN,
    OPENS,
    PRICE,
    SHAPE_SHIFT,
    TICKER,
    is_coin,
    openings,
)
from .cues import QUOTE
from .features import END, QUOTING, norm_of
from .pairs import MONEY
from .quotes import before_stablecoin, is_fx, quoted
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
from .symbols import Symbol, symbol_of


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


_QUOTE, _QUOTING, _TICKER, _OPENS, _PRICE = map(np.array, (QUOTE, QUOTING, TICKER, OPENS, PRICE))
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
    flags, page = batch.flags, batch.page
    # FOLLOWS is one bit above OPENS
    (opens,) = (flags[:-1] & (flags[1:] >> ONE) & _OPENS).nonzero()
    phrases = _phrases(batch, opens, assets) if len(opens) else {}
    (quoting,) = (flags & _QUOTING).nonzero()
    quotes = quoting[cues[quoting] == _QUOTE].tolist() if len(quoting) else []
    (at,) = (flags & _TICKER).nonzero()
    traded = before_stablecoin(batch, cues, quotes) if quotes else []
    if forced := [*phrases, *traded]:
        at = np.array(sorted({*at.tolist(), *forced}))
    if not len(at):
        return Candidates(at, at, [], at, Sure(set(), set(), []))
    first, numbers = at.tolist(), batch.ids.take(at).tolist()
    posts = [0] * len(first)
    if len(batch.starts) > 2:
        posts = (batch.starts.searchsorted(at, side="right") - ONE).tolist()
    shape = shapes(flags.take(at)).tolist()
    notes, strings, kinds = page.notes, page.strings, page.kinds
    symbols: list[Symbol] = [notes[number] for number in numbers]
    for i in [i for i, known in enumerate(symbols) if known is None]:
        number = numbers[i]
        symbols[i] = notes[number] = symbol_of(strings[number], kinds[number], assets)
    last = first
    behind = quoted(batch, quotes, assets) if len(quoting) else {}
    for place, form in zip(first, shape, strict=True) if behind else ():
        if form == _LOWER_WORD and place not in traded:  # "link usdt wallet"
            behind.pop(place, None)
    if longer := _joined(batch, first, symbols, shape, phrases, behind, assets):
        last = [longer.get(place, place) for place in first]
        inside = {place for begin, end in longer.items() for place in range(begin + 1, end + 1)}
        kept = [place not in inside for place in first]
        first, last, symbols, shape, posts = (
            list(compress(values, kept)) for values in (first, last, symbols, shape, posts)
        )
        at = np.array(first, np.int64)
    return Candidates(
        at, np.array(last, np.int64) if longer else at, symbols, np.array(shape, np.int64),
        _sure(posts, symbols, shape, len(batch.starts)),
    )  # fmt: skip


def _joined(
    batch: Batch, places: list[int], symbols: list[Symbol], shape: list[int],
    phrases: dict[int, tuple[int, Symbol, int]], behind: dict[int, int], assets: Assets,
) -> dict[int, int]:  # fmt: skip
    """place -> place of the last token of candidates that are runs of several; a place that a run
    holds begins none. The symbols and shapes of runs and pairs are put in their places.
    """
    longer: dict[int, int] = {}
    rare, free = phrases.keys() | behind.keys(), 0
    for i, (place, symbol) in enumerate(zip(places, symbols, strict=True)):
        if symbol.kind != "pair" and symbol.symbol not in MONEY and place not in rare:
            continue  # as most
        if place < free:
            continue
        end = place
        if place in phrases:
            end, symbol, shape[i] = phrases[place]
        if symbol.kind != "pair":
            quote = behind.get(place, 0)
            if quote or (symbol.symbol in MONEY and is_fx(batch, place)):
                end += quote or 1
                code = batch.page.strings[batch.ids[end]].lstrip("#$").removeprefix("m").upper()
                code = {"BITCOIN": "BTC"}.get(code, code) if code in assets.quotes else "USD"
                symbol = symbol._replace(quote=code, kind="pair", end=-1)
        if symbol.kind == "pair":  # "XAUUSDSELL" and "POLY_BTC" are one, too
            shape[i] = shape[i] & 31 | _PAIR << 5
        symbols[i] = symbol
        if end > place:
            longer[place] = end
            free = end + 1
    return longer


def _sure(posts: list[int], symbols: list[Symbol], shape: list[int], count: int) -> Sure:
    """What the candidates name for sure."""
    found = Sure(set(), set(), [0] * count)
    named, tags, many = found
    for post, symbol, form in zip(posts, symbols, shape, strict=True):
        if form in _SURE_FORMS:
            name = post, symbol.symbol
            named.add(name)
            many[post] += 1
            if form in _CERTAIN_FORMS:
                tags.add(name)
    return found


def _phrases(batch: Batch, opens: Ints, assets: Assets) -> dict[int, tuple[int, Symbol, int]]:
    """place -> (place of the last token, symbol, shape) of names of several words."""
    strings, begin = batch.page.strings, batch.page.phrases
    ids = batch.ids.data
    found = {}
    for place in opens.tolist():
        key = ids[place] << 32 | ids[place + 1]  # the numbers of both
        told = begin.get(key)
        if told is None:
            one, two = strings[ids[place]], _bare(strings[ids[place + 1]])
            told = f"{one} {two}".lower() in openings(assets) or is_coin(one, two, assets)
            begin[key] = told
        if told and (phrase := _phrase(batch, place, assets)):
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
    if is_coin(coin, _bare(words[1]), assets) and not batch.flags[place] & TICKER:
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
    hashes, norms, places = _WINDOW.read(r, len(_SALTS))
    batch, middle = r.batch, _WINDOW.far
    beside = batch.flags[places]
    capitals = np.add.reduce((beside & _CASES) == _UPPER, axis=0)
    left, right = shapes(beside[middle - 1 : middle + 1]).tolist()
    (priced,) = (batch.flags & _PRICE).nonzero()
    numbers = [0] * len(which)
    if len(priced):
        numbers = (priced.searchsorted(r.high) - priced.searchsorted(r.low)).tolist()
    symbols, (named, _, many) = found.symbols, found.sure
    words, codes = array("Q"), array("Q")
    # a few sums for few candidates: quicker than numpy
    for i, shape, norm, post, before, lead, tail, caps, count in zip(
        which.tolist(), found.shape[which].tolist(),
        batch.page.norms[batch.ids[r.first]].tolist(), r.post.tolist(),
        beside[middle - 1].tolist(), left, right, capitals.tolist(), numbers, strict=True,
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
                0, shape, shape, case, shape, case, shape, lead, tail, lead * 128 + tail,
                said * 128 + shape, others * 128 + shape, caps * 128 + shape,
                (kind * 128 + shape) * 2 + (before & END != 0),
                _FEW[count if count < 7 else 7] * 128 + shape,
            )
        )  # fmt: skip
    own = hashes[: len(_SALTS)]
    np.multiply(np.asarray(codes).reshape(-1, len(_SALTS)).T, SECOND, out=own)
    own += _SALTS
    own[:2] ^= np.asarray(words)
    own[2:6] ^= norms.take(_BESIDE, axis=0)
    return rows_of(hashes)


_CASES, _UPPER = np.array(3 << SHAPE_SHIFT), np.array(CASES.index("upper") << SHAPE_SHIFT)
_FEW = (0, 1, 2, 2, 3, 3, 3, 4)  # steps of a count
#: of the words around, those of the views that tell the word before and the word behind
_BESIDE = np.array([_WINDOW.far - 1, _WINDOW.far - 1, _WINDOW.far, _WINDOW.far])


DOLLARS = STABLECOINS | {"USD"}  #: money, mostly


def _class(symbol: Symbol) -> int:
    """A number for the asset class that is likeliest; money has one of its own."""
    return len(CLASS_ORDER) if symbol.symbol in DOLLARS else _CLASSES.get(symbol.classes[:1], 7)


def by_rule(found: Candidates) -> NDArray[np.float64]:
    """Chances without a model: .95 for cashtags, pairs and what the table is sure of, else .05."""
    return np.where(SURE_SHAPES[found.shape], 0.95, 0.05)
