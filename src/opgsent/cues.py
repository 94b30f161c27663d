"""Words that say what a number or a name beside them is: one table, word -> cue class.

A cue is looked for to the left and to the right of every candidate; which role it speaks for is
learned, this table only says what counts as a cue and which cues are of a kind.
"""

from __future__ import annotations

import re

#: name of the class, its words; a word stands once
_CUES: tuple[tuple[str, str], ...] = (
    ("target", "target targets tgt tgts targetting targeting tp tps goal goals objective pt 🎯"
               " take-profit takeprofit profit profits tarp tar sell-target"),
    ("stop", "sl stop stops stoploss stoplosses stopploss stoploose stoploss: invalidation"
             " invalidated invalid stopped los lose loss 🛑 ⛔ cut"),
    ("entry", "entry entries enter entering entered buyzone entryzone buying bought accumulate"
              " accumulation accumulating add adding added averaging avg average filled fill"
              " opened open bid bids bidding limit limits"),
    ("buy", "buy buys long longs longing longed call calls bullish bull bulls"),
    ("sell", "sell sells selling short shorts shorting shorted put puts bearish bear bears sel"),
    ("support", "support supports supported sup demand floor bottom bottoms low lows dip dips"
                " hold holds holding held bounce bounced bounces base defend defended bids"),
    ("resistance", "resistance resistances res supply ceiling high highs top tops ath"
                   " rejection reject rejected rejects barrier hurdle cap capped"),
    ("break", "break breaks breaking broke broken breakout breakouts breakdown reclaim reclaims"
              " reclaimed reclaiming clear clears cleared clearing flip flips flipped cross"
              " crosses crossed surpass penetrate"),
    ("above", "above over past upside beyond > >="),
    ("below", "below under beneath downside < <="),
    ("lost", "lost losing fails fail failed failing fall falls falling fell drop drops dropped"
             " dropping dump dumps dumped tank crash crashes"),
    ("last", "price prices current currently cmp now trading trades traded last quote quoted"
             " at @ was is sits sitting hovering worth = ≈ ~ around near reached hit hits"
             " touched touch touches tagged crossed ago"),
    ("close", "close closes closed closing opens"),
    ("exit", "exit exits exited exiting sold sold! tpd trimmed trim"),
    ("to", "to towards toward till until going headed heading heads next → -> ➡ ➡️ ➜ 👉 test"
           " retest visit revisit eye eyes eyeing see seeing expect expecting"),
    ("option", "strike strikes expiry exp expiring otm itm atm contract contracts premium"),
    ("level", "level levels zone zones area region range between and pivot line key mark handle"),
    ("percent", "% percent percentage pct"),
    ("money", "market cap mcap marketcap volume vol revenue revenues billion billions million"
              " millions trillion bn eps sales funding raised worth$ profit$ dollars bucks usd$"
              " supply$ capital portfolio invested invest investment balance wallet deposit fee"
              " fees per paid pay cost costs salary income earned"),
    ("clock", "am pm hour hours hr hrs hour: day days week weeks month months year years minutes"
              " minute min mins seconds utc gmt est edt pst jan january feb february mar march"
              " apr april may june july jun jul aug august sep sept september oct october nov"
              " november dec december monday tuesday wednesday thursday friday saturday sunday"
              " date time"),
    ("period", "ema sma ma mas emas dma wma rsi macd fib fibonacci fibs atr adx candle candles"
               " wave waves phase part step vwap bar bars tf"),
    ("unit", "sats sat satoshi satoshis $ € £ dollar dollars. cents pips pip points point euro"),
    ("quote", "usdt usdc busd usd perp btc tusd fdusd dai eth bnb xbt bitcoin eur"),
    ("lever", "leverage lev x cross isolated times margin rr rrr risk reward ratio"),
    ("count", "users people members holders followers coins tokens shares trades signals coin"
              " token transactions addresses nodes blocks block join channel vip signal number"
              " rank no # top$ wins"),
    ("if", "if should could would might when once unless wait waiting watch watching above$ as"
           " either otherwise"),
)  # fmt: skip

CUES: tuple[str, ...] = ("", *(name for name, _ in _CUES), "line")
LINE = len(CUES) - 1  #: the class of a line break
_CLASS = {
    word: number
    for number, (_, words) in reversed(list(enumerate(_CUES, 1)))
    for word in words.split()
    if not word.endswith("$") or len(word) == 1
}
_NUMBERED = re.compile(
    r"(?P<t>tps?|t|targets?|tgts?|pt|goal|sell|tar)[0-9]{1,2}|(?P<s>sl|stop)[0-9]|"
    r"(?P<e>e|entry|buy|dca)[0-9]|(?P<u>s|support)[0-9]|(?P<r>r|resistance)[0-9]"
)
_CONTRACT = re.compile(r"[FGHJKMNQUVXZ][0-9]{2}")  # "ETH/U19": a dated future
_OF_GROUP = {
    "t": CUES.index("target"), "s": CUES.index("stop"), "e": CUES.index("entry"),
    "u": CUES.index("support"), "r": CUES.index("resistance"),
}  # fmt: skip


def cue_of(token: str) -> int:
    """The cue class of a token, 0 for none.

    >>> [CUES[cue_of(word)] for word in ("TP2", "Stoploss", "🎯", "moon", "R1")]
    ['target', 'stop', 'target', '', 'resistance']
    """
    if token == "\n":
        return LINE
    if len(token) == 3 and _CONTRACT.fullmatch(token):
        return CUES.index("quote")
    lower = token.lower().removesuffix("\ufe0f")
    found = _CLASS.get(lower, 0)
    if not found and len(lower) < 10:
        match = _NUMBERED.fullmatch(lower)
        if match and match.lastgroup:
            return _OF_GROUP[match.lastgroup]
    return found
