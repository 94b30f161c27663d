"""Which bare words are a pair or a futures contract, by their letters alone.

tokens.py asks for the kind of a word, symbols.py for what it stands for.
"""

from __future__ import annotations

import re

_MONTH = "[FGHJKMNQUVXZ]"  # of delivery, January to December
#: behind a pair in dollars: "BTCUSDT_240927", "BTCUSD_PERP", "ETHUSDZ24", "BTCUSDT-27SEP24"
CONTRACT_TAIL = rf"(?:_PERP|[_-][0-9]{{6}}|-[0-9]{{1,2}}[A-Z]{{3}}[0-9]{{2}}|{_MONTH}[0-9]{{2}})"
# any base before a stablecoin, a code before a currency or coin
_STABLE_PAIR = re.compile(
    r"(?=[A-Z0-9]{2,})[0-9]{0,7}[A-Z][A-Z0-9]{0,10}(?:USDT|USDC|BUSD|FDUSD|PERP)(?:\.P|PERP)?"
    r"|[0-9]{0,4}[a-z]{2,6}(?:usdt|busd)"
)
_COIN_PAIR = re.compile(r"[A-Z]{3,5}(?:USD|BTC|ETH|BNB|EUR|TRY)(?:\.P)?|[a-z]{3}(?:usd|btc)")
_FUTURE = re.compile(rf"[A-Z0-9]{{2,10}}(?:USD|USDT|USDC){CONTRACT_TAIL}")
_UNDERSCORED = frozenset("USDT USDC USD BTC ETH PERP usdt usd".split())
_NO_PAIR = frozenset("BUSDT WSTETH PYUSD GUSD LUSD SUSD TUSD FDUSD CRVUSD RLUSD BUSD HUSD".split())
_MONEY = (
    "USD|EUR|GBP|JPY|CHF|CAD|AUD|NZD|XAU|XAG|CNH|CNY|TRY|MXN|ZAR|SEK|NOK|SGD|HKD|INR|BRL|KRW|PLN"
    "|RUB"
)
#: codes of currencies and metals; "try" and "rub" are words
MONEY = frozenset([*_MONEY.split("|"), *_MONEY.lower().split("|")]) - {"try", "rub"}
#: the last three letters of a pair that is letters throughout
PAIR_ENDS = frozenset([*_MONEY.split("|"), "SDT", "SDC", "ERP", "BTC", "ETH", "BNB"])
_FX_PAIR = re.compile(rf"(?:{_MONEY})(?:{_MONEY})|(?:{_MONEY.lower()})(?:{_MONEY.lower()})")
# futures of the CME by their roots, "NQ1!" the next to expire; any root may stand before "_F";
# CLK63 is a car
_CONTRACT = re.compile(
    r"(ES|NQ|YM|RTY|M2K|MES|MNQ|MYM|GC|MGC|SI|HG|CL|MCL|NG|Z[CSWNB]|6[EJB]|BTC|MBT)"
    rf"(?:{_MONTH}[0-4]?[0-9]|[12])"
    r"|([A-Za-z0-9]{2,3})_[Ff]"
)


def is_pair(word: str) -> bool:
    """Whether a word is a pair.

    >>> [is_pair(word) for word in ("BTCUSDT", "ETHUSDZ24", "USDJPY", "BUSD", "moon")]
    [True, True, True, False, False]
    """
    if len(word) < 5 or len(word) > 24 or word in _NO_PAIR:
        return False
    base, _, quote = word.rpartition("_")
    if base.isalnum() and quote in _UNDERSCORED:
        return True
    return bool(
        _STABLE_PAIR.fullmatch(word)
        or _FX_PAIR.fullmatch(word)
        or _COIN_PAIR.fullmatch(word)
        or _FUTURE.fullmatch(word)
    )


def root_of(word: str) -> str | None:
    """The root of a futures contract, None for any other word.

    >>> [root_of(word) for word in ("ESM24", "6EZ4", "NQ_F", "ESP24", "ES")]
    ['ES', '6E', 'NQ', None, None]
    """
    if word.isalpha() or len(word) > 6 or not (found := _CONTRACT.fullmatch(word)):
        return None
    return found[1] or found[2].upper()
