"""Quote currencies that stand beside a ticker as a word of their own: "btc usdt", "ADT / BTC"."""

from __future__ import annotations

from .assets import QUOTES, Assets
from .candidates import PRICE
from .cues import CUES, JOINT, cue_of
from .pairs import MONEY
from .reading import Batch
from .spans import Ints
from .symbols import MAJORS


def quoted(batch: Batch, quotes: list[int], assets: Assets) -> dict[int, int]:
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


def before_stablecoin(batch: Batch, cues: Ints, quotes: list[int]) -> list[int]:
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


def is_fx(batch: Batch, place: int) -> bool:
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
