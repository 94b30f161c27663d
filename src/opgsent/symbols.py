"""A ticker's characters -> what they stand for: symbol, quote, kind, possible asset classes.

One token is read on its own here; what its neighbours make of it is for tickers.py.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from .assets import STABLECOINS, Asset, Assets
from .pairs import CONTRACT_TAIL, root_of

#: quotes by how common they are: the order in which a pair without a separator is tried
COMMON_QUOTES = tuple(
    "USDT USDC BUSD USD PERP BTC ETH BNB EUR TRY FDUSD TUSD DAI GBP JPY AUD CAD CHF NZD SOL XBT INR"
    " BRL ZAR MXN CNH SGD SEK NOK KRW TRX USDP HUSD PAX NGN CNY HKD RUB".split()
)
_CRYPTO_QUOTES = STABLECOINS | frozenset("BTC XBT ETH BNB SOL TRX PERP".split())
_SEPARATED = re.compile(r"(\w+)\s*[/_|-]\s*[#$]?m?(\w+?)(?:[-:_/.]\w+)*")
_DATED = re.compile(r"(\w{2,10})\s?[-/]\s?(?:[0-9]{1,2}[A-Z]{3}[0-9]{2}|[FGHJKMNQUVXZ][0-9]{2})")
_FUTURE = re.compile(rf"(\w{{2,10}})(USDT|USDC|USD){CONTRACT_TAIL}")
_SIDE = re.compile(r"(\w{6,})(?:BUY|SELL|LONG|SHORT)", re.IGNORECASE)
_SUFFIX = re.compile(
    r"(?:\.X|_F|\.(?:P|CA|TO|V|L|AX|DE|PA|HK|NS|BO|TW|MI|AS|CN|NE))$", re.IGNORECASE
)
_FUTURES = ("commodity", "index", "fx")  # what futures are of, beside coins
_OWNER = re.compile(r"(?:['’]s?|_\w*)", re.IGNORECASE)
#: the many spellings of one asset that have a row of their own in the table
_METALS = {"GOLD": "XAU", "SILVER": "XAG"}
_SAME = {"XBT": "BTC", "XXBT": "BTC", **_METALS}


#: coins that go before a share or fund of the same symbol wherever traders write it
MAJORS = frozenset(
    "BTC ETH SOL XRP ADA DOGE DOT AVAX LTC LINK BNB TRX MATIC UNI ATOM XLM ETC BCH FIL NEAR APT ARB"
    " OP SUI PEPE SHIB TON XMR EOS NEO XTZ ALGO AAVE MKR INJ TIA SEI FTM ICP VET HBAR KAS WIF BONK"
    " FLOKI JUP PYTH ENA HYPE TAO RNDR FET LUNA LUNC SAND MANA AXS CRV LDO GRT DASH ZEC".split()
)


class Symbol(NamedTuple):
    """What a ticker token stands for; ``start`` and ``end`` cut it out of the token."""

    symbol: str
    quote: str | None
    kind: str
    classes: tuple[str, ...]
    start: int
    end: int


def symbol_of(token: str, kind: str, assets: Assets) -> Symbol:
    """Read a token of kind cashtag, pair, hashtag or word as a ticker.

    >>> assets = Assets.load()
    >>> [symbol_of(t, k, assets)[:3] for t, k in (("$eth.x", "cashtag"), ("ETHUSD", "pair"))]
    [('ETH', None, 'cashtag'), ('ETH', 'USD', 'pair')]
    >>> symbol_of("Bitcoin's", "word", assets)
    Symbol(symbol='BTC', quote=None, kind='name', classes=('crypto',), start=0, end=7)
    """
    start = 0 if kind == "word" else len(token) - len(token.lstrip("$#"))
    if kind == "pair" or kind == "hashtag":
        end = len(token)
        side = _SIDE.fullmatch(token, start)
        if side:
            end = side.end(1)
        found = split_pair(token[start:end], assets)
        if found:
            classes = pair_classes(*found, assets)
            return Symbol(canonical(found[0], assets), found[1], "pair", classes, 0, end)
    if root := contract_root(token[start:], assets):
        classes = _of_future(classes_of(root, assets))
        kind = "symbol" if kind == "word" else kind
        return Symbol(root, None, kind, classes, 0, len(token))
    if kind == "cashtag" or kind == "pair":
        body = token[start:]
        # a number means a share of one exchange alone: "$0700.HK" keeps it
        by_number = body[0].isdigit() and "." in body
        tail = None if by_number or body.isalpha() else _SUFFIX.search(body)
        plain = not tail or tail.group() == ".P"
        if plain and kind == "cashtag" and not assets.by_symbol(body.upper()):
            if (found := split_pair(body, assets)) and classes_of(found[0], assets):
                classes = pair_classes(*found, assets)
                base = canonical(found[0], assets)
                return Symbol(base, found[1], "cashtag", classes, 0, len(token))
        symbol = canonical((body[: tail.start()] if tail else body).upper(), assets, cash=True)
        if assets.by_symbol(dotted := symbol.replace("-", ".")):  # "$BRK-B"
            symbol = dotted
        classes = classes_of(symbol, assets)
        if tail and tail.group().upper() == ".X":
            classes = ("crypto",)
        elif tail and tail.group().upper() == "_F":
            classes = _of_future(classes)
        return Symbol(symbol, None, "cashtag", classes, 0, len(token))
    side = _SIDE.fullmatch(token)
    if side and (found := split_pair(side[1], assets)):
        classes = pair_classes(*found, assets)
        return Symbol(canonical(found[0], assets), found[1], "pair", classes, 0, side.end(1))
    if kind == "word" and "_" in token and (found := split_pair(token, assets)):
        classes = pair_classes(*found, assets)
        return Symbol(canonical(found[0], assets), found[1], "pair", classes, 0, len(token))
    body, end = _trimmed(token, start, assets)
    named = assets.by_name(body.lower())
    upper = body.upper()
    if named and not _means_symbol(body, upper, named, assets):
        kind = "hashtag" if kind == "hashtag" else _name_kind(body, named)
        return Symbol(named.symbol, None, kind, (named.asset_class,), 0, end)
    if kind != "hashtag":
        kind = "symbol"
        if body != upper and is_called_coin(body):
            kind, upper = "name", upper.removesuffix("S")
            if one := assets.by_name(upper.lower()):  # "dogecoins"
                return Symbol(one.symbol, None, kind, (one.asset_class,), 0, end)
    return Symbol(canonical(upper, assets), None, kind, classes_of(upper, assets), 0, end)


def is_called_coin(token: str) -> bool:
    """Whether a word is made like the name of a coin, and names no kind of coin.

    >>> [is_called_coin(word) for word in ("JesusCoin", "chaincoins", "Altcoin", "coin")]
    [True, True, False, False]
    """
    lower = token.lower()
    if not lower.endswith(("coin", "coins")):  # as most
        return False
    return _COIN_NAME.fullmatch(token) is not None and lower not in _KINDS_OF_COIN


_COIN_NAME = re.compile(r"[A-Za-z]{2,20}[Cc][Oo][Ii][Nn][Ss]?")
_KINDS_OF_COIN = frozenset(  # and exchanges
    f"{kind}coin{s}"
    for kind in "ku ok net alt shit stable meme scam pump dump trash crap micro mid low large cap"
    " crypto digital fiat garbage utility privacy non any every ico penny bull bear real".split()
    for s in ("", "s")
)


def _means_symbol(body: str, upper: str, named: Asset, assets: Assets) -> bool:
    """Whether the symbol is meant rather than the doubtful name that is spelled alike.

    Capitals mean it, and so does "op": a company called OP with another symbol is not known by it.
    Capitals of a symbol in the user's own table mean that one, whoever else has the name.
    """
    if body in assets.own:
        return named.symbol != body or named.asset_class not in assets.own[body]
    if not assets.is_doubtful(body.lower()):
        return False
    return (body == upper or named.source == "sec") and bool(assets.by_symbol(upper))


def _name_kind(body: str, named: Asset) -> str:
    """What kind of ticker: "btc" is a symbol in any case, GOLD is one, "gold" is a name."""
    upper = body.upper()
    symbol = upper == named.symbol or (upper in _SAME and (body == upper or upper not in _METALS))
    return "symbol" if symbol else "name"


def _trimmed(token: str, start: int, assets: Assets) -> tuple[str, int]:
    """The name without what is glued behind it: "Bitcoin's", "#BTC_UPDATE"."""
    glued = not token.isalnum() and range(len(token) - 1, max(len(token) - 12, start + 1), -1)
    for at in glued or ():
        if token[at] in "'’_" and _OWNER.fullmatch(token, at):
            body = token[start:at]
            if assets.by_name(body.lower()) or assets.by_symbol(body.upper()):
                return body, at
    body = token[start:]
    if len(body) > 3 and body[-1] == "s" and body[:-1].isupper() and assets.by_symbol(body[:-1]):
        return body[:-1], len(token)  # "LTCs": the span is what was written
    return body, len(token)


def contract_root(word: str, assets: Assets) -> str | None:
    """The root of a futures contract that the table knows: "ESM24" and "ES_F" are ES."""
    root = root_of(word)
    if root and (root in MAJORS or any(c in _FUTURES for c in classes_of(root, assets))):
        return None if assets.by_symbol(word) else root
    return None


def _of_future(classes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(c for c in classes if c in _FUTURES) or classes


def canonical(symbol: str, assets: Assets, *, cash: bool = False) -> str:
    """The symbol that an asset goes by: XBT is BTC, GOLD is XAU unless it is a cashtag.

    What stands in the user's own table goes by the name it has there.
    """
    if symbol in assets.own or (cash and symbol in _METALS):
        return symbol
    if symbol in _SAME:
        return _SAME[symbol]
    named = assets.by_name(symbol.lower())
    if named and not assets.is_doubtful(symbol.lower()):
        return named.symbol
    return symbol


def classes_of(symbol: str, assets: Assets) -> tuple[str, ...]:
    """The asset classes that a symbol may mean: the table's, but of a major coin only the coin.

    A table of the user's own goes before both: its traders mean what stands there.
    """
    if symbol in assets.own:
        return assets.own[symbol]
    if symbol in MAJORS:
        return ("crypto",)
    return tuple(asset.asset_class for asset in assets.by_symbol(symbol))


def split_pair(text: str, assets: Assets) -> tuple[str, str] | None:
    """(base, quote) of "BTC/USDT", "btcusdt", "ETH_USD", "BTCUSDH25", None for no pair.

    >>> assets = Assets.load()
    >>> [split_pair(t, assets) for t in ("ETHUSD", "$MSTR /USDT".lstrip("$"), "BTCUSDT.P", "moon")]
    [('ETH', 'USD'), ('MSTR', 'USDT'), ('BTC', 'USDT'), None]
    """
    upper = text.upper().removesuffix(".P")
    if not upper.isalpha():
        if future := _FUTURE.fullmatch(upper):
            return future[1], future[2]
        if dated := _DATED.fullmatch(upper):
            return dated[1], "USD"
        if separated := _SEPARATED.fullmatch(upper):
            quote = "BTC" if separated[2] == "BITCOIN" else separated[2]
            if quote in assets.quotes:
                return separated[1], quote
    if not upper.isalnum() or not upper.endswith(COMMON_QUOTES):
        return None
    if upper.endswith("USDTPERP"):
        upper = upper.removesuffix("PERP")
    best: tuple[int, int] | None = None
    for rank, quote in enumerate(COMMON_QUOTES):
        base = upper.removesuffix(quote)
        if len(base) < 2 or base == upper or base.isdigit():
            continue
        listed = classes_of(canonical(base, assets), assets)
        known = 0 if set(listed) & {"crypto", "fx", "commodity"} else 1 if listed else 2
        if known and quote not in ("USDT", "USDC", "BUSD", "USD", "PERP", "BTC"):
            continue
        if best is None or known < best[0]:
            best = known, rank
    if best is None:
        return None
    if best[0] == 2 and COMMON_QUOTES[best[1]] not in ("USDT", "USDC", "BUSD", "BTC"):
        return None
    quote = COMMON_QUOTES[best[1]]
    return upper.removesuffix(quote), quote


def pair_classes(base: str, quote: str, assets: Assets) -> tuple[str, ...]:
    """Asset classes of the base of a pair: crypto where the quote says so and it may be.

    A coin may be meant by a quote though the user's own table gives its symbol to a share.
    """
    classes = classes_of(base, assets)
    coin = "crypto" in classes
    if quote in _CRYPTO_QUOTES:
        coin = coin or any(asset.asset_class == "crypto" for asset in assets.by_symbol(base))
        return ("crypto",) if coin or not classes else classes[:1]
    if quote in ("USD", "EUR") and coin:
        return ("crypto",)
    return tuple(c for c in classes if c in ("fx", "commodity", "index")) or classes
