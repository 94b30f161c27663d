"""Words that say what a number or a name beside them is: one table, word -> cue class.

A cue is looked for to the left and to the right of every candidate; which role it speaks for is
learned, this table only says what counts as a cue and which cues are of a kind.
"""

from __future__ import annotations

import re

#: name of the class, its words; a word stands once
_CUES: tuple[tuple[str, str], ...] = (
    ("target", "target targets tgt tgts targetting targeting tp tps goal goals objective pt 🎯"
               " take-profit takeprofit profit profits tarp tar sell-target magnet ✅ 🏁 ☑ ✔"
               " t/p t/p1 t/p2 t/p3 objectives"),
    ("stop", "sl stop stops stoploss stoplosses stopploss stoploose stoploss: invalidation"
             " invalidated invalid stopped los loss 🛑 ⛔ ❌ ✂ ☠ 🚫 🧯 ✖ cut wrong s/l"),
    ("entry", "entry entries enter entering entered buyzone entryzone buying bought accumulate"
              " accumulation accumulating add adding added averaging avg average filled fill"
              " opened open bid bidding limit limits reload reloading"),
    ("buy", "buy buys call calls"),
    ("sell", "sell sells selling put puts sel"),
    ("long", "long longs longing longed bullish bull bulls"),
    ("short", "short shorts shorting shorted reshort bearish bear bears"),
    ("support", "support supports supported sup supp supps demand floor bottom bottoms low lows"
                " dip dips hold holds holding held bounce bounced bounces base"
                " defend defended bids 🛡 defence defense footing"),
    ("resistance", "resistance resistances res resis resist resistence supply ceiling high highs"
                   " top tops ath rejection reject rejected rejects barrier hurdle"
                   " capped lid roof wall caps opposition"),
    ("break", "break breaks breaking broke broken breakout breakouts breakdown reclaim reclaims"
              " reclaimed reclaiming clear clears cleared clearing flip flips flipped cross"
              " crosses crossed surpass penetrate crack cracks"),
    ("above", "above over past upside beyond > >="),
    ("below", "below under beneath downside < <="),
    ("lost", "lose loses losing fails fail failing fall falls falling drop drops dropping dump"
             " dumps dumping tank crash crashes decline declines slide slides"),
    ("past", "fell fallen rallied declined dropped plunged rose risen moved slumped pushed"
             " crashed dumped pumped lost failed recorded was were had reached hit hits touched"
             " tagged jumped climbed surged rebounded traded since ago yesterday previous"
             " previously earlier achieved done made bottomed topped peaked soared slid slipped"
             " spiked tumbled dipped depegged recovered retraced sank plunges tumbles sinks jumps"
             " surges soars climbs eased faded bled settled tapped squeezed gapped halved stalled"
             " swept drifted leapt flew plummeted collapsed ripped edged crept retook round-trip"),
    ("future", "will may could can should might would likely expect expecting expected if in-case"
               " unless once possible possibly tomorrow soon 'll gonna"),
    ("last", "price prices current currently cmp premarket now trading trades last quote quoted"
             " at @ is sits sitting hovering worth ≈ around near"
             " touch touches"),
    ("close", "close closes closed closing opens"),
    ("exit", "exit exits exited exiting sold trimmed trim out banked bailed covered covering"),
    ("to", "to towards toward till until going headed heading heads next → -> ➡ ➡️ ➜ 👉 test"
           " retest visit revisit eye eyes eyeing see seeing"),
    ("option", "strike strikes expiry exp expiring otm itm atm contract contracts premium"),
    ("level", "level levels zone zones area region range between pivot line key mark handle"),
    ("money", "market cap mcap marketcap volume vol revenue revenues billion billions million"
              " millions trillion bn eps sales funding raised"
              " capital portfolio invested invest investment balance wallet deposit fee"
              " fees per paid pay cost costs salary income earned"),
    ("clock", "am pm hour hours hr hrs hour: day days week weeks month months year years minutes"
              " minute min mins seconds utc gmt est edt pst jan january feb february mar march"
              " apr april june july jun jul aug august sep sept september oct october nov"
              " november dec december monday tuesday wednesday thursday friday saturday sunday"
              " date time"),
    ("period", "ema sma ma mas emas dma wma rsi macd fib fibonacci fibs atr adx candle candles"
               " wave waves phase part step vwap bar bars tf leverage lev x isolated times"
             " margin rr rrr risk reward ratio"),
    ("unit", "% percent percentage pct sats sat satoshi satoshis $ € £ dollar dollars bucks cents"
             " pips pip point euro"),
    ("quote", "usdt usdc busd usd perp btc tusd fdusd dai eth bnb xbt bitcoin eur"),
    ("count", "cars units gwei points watchers subscribers views likes users people members"
             " holders followers coins tokens shares signals coin"
              " token transactions addresses nodes blocks block join channel vip signal number"
              " rank no # wins"),
    ("joint", "- – — / , & and or ~ + | ; then"),
    ("colon", ": ( ) [ ] = :-"),
    ("wait", "when wait waiting watch watching as either otherwise"),
)  # fmt: skip

CUES: tuple[str, ...] = ("", *(name for name, _ in _CUES), "line")
LINE = len(CUES) - 1  #: the class of a line break
JOINT = CUES.index("joint")  #: what stands between the numbers of a list or range
#: classes that say whether a price was or will be
PAST, FUTURE = CUES.index("past"), CUES.index("future")
TARGET, STOP, ENTRY = CUES.index("target"), CUES.index("stop"), CUES.index("entry")
QUOTE = CUES.index("quote")  #: currencies that others are quoted in
COLON = CUES.index("colon")  #: marks that end no sentence
#: classes that name a role or a side, which the words between them and a number do not change
STRONG = frozenset(CUES.index(name) for name in (
    "target", "stop", "entry", "buy", "sell", "long", "short", "support", "resistance", "break",
    "above", "below", "last", "close", "exit", "to", "option",
))  # fmt: skip
_CLASS = {
    word: number
    for number, (_, words) in reversed(list(enumerate(_CUES, 1)))
    for word in words.split()
}
CUE_WORDS = frozenset(_CLASS)  #: all words in small letters that have a class
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
    if token.isalpha() or token[:1].isdigit() or token[:1] == "$":
        return _CLASS.get(token.lower(), 0)
    if token == "\n":
        return LINE
    if len(token) == 3 and _CONTRACT.fullmatch(token):
        return CUES.index("quote")
    lower = token.lower().removesuffix("\ufe0f")
    found = _CLASS.get(lower, 0)
    if not found and len(lower) < 10 and lower[-1:].isdigit():
        match = _NUMBERED.fullmatch(lower)
        if match and match.lastgroup:
            return _OF_GROUP[match.lastgroup]
    return found
