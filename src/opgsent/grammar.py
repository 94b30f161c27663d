"""The grammar of opgsent, the only one: named branches, the first that matches at a place wins.

Every loop in a pattern is either deterministic or bounded, so that the time is linear in the
length of the text whatever the text is. tokens.py cuts texts with it.
"""

from __future__ import annotations

import re

from .numerals import WRITTEN as _NUM

# quote currencies that may follow a slash, dash or underscore; lower case where no English
# word is meant
_QUOTE = (
    r"(?:USDT|USDC|BUSD|TUSD|FDUSD|USDP|USDE|USD1|DAI|USD|PERP|BTC|ETH|BNB|SOL|EUR|GBP|JPY|CHF|CAD"
    r"|AUD|NZD|TRY|BRL|NGN|INR|KRW|MXN|ZAR|CNH|CNY|SEK|NOK|SGD|HKD"
    r"|[Uu]sdt|[Uu]sdc|[Bb]usd|[Uu]sd|[Pp]erp|[Bb]tc|[Ee]th|[Bb]nb|eur|gbp|jpy|chf)(?![^\W_])"
)
SPACED_QUOTE = "(?:USDT|USDC|USD|BTC|BUSD)"  # the only ones that white space may stand before
# "/USDT", "-PERP", "_USDT", "-27DEC24", " /USDT", " / USDT"; a third member makes it a list
_PAIR_TAIL = (
    rf"(?:/{_QUOTE}(?:-PERP|:USDT)?(?!/\w)|-{_QUOTE}(?:-SWAP|-PERP|-[0-9]{{6}}(?!\w))?"
    rf"|\s?/\s?{SPACED_QUOTE}(?![^\W_])(?!\s?/)"
    r"|-[0-9]{1,2}[A-Z]{3}[0-9]{2}(?!\w))"
)
# TradingView's "SOLUSDT.P", a perpetual future, and "BTC.D", a share of the market
_PERPETUAL = r"(?:(?:(?<=USD)|(?<=USDT)|(?<=USDC))\.P(?!\w))?"
_SHARE = r"(?:(?:BTC|ETH|USDT|USDC|OTHERS)\.D|(?:btc|eth|usdt|usdc)\.d)(?!\w)"
_TLD = (
    r"(?:com|net|org|io|me|gg|co|ly|xyz|app|finance|info|news|ai|fi|pro|live|tv|dev|exchange"
    r"|trade|trading|capital|network|money|club|site|online|link|cc|to|eu|uk|de|ru|in|us|biz)"
)
# the tail that makes a domain or an e-mail of a word: "t.me/abc", "site.co.uk", "ann@site.com"
_DOMAIN_TAIL = rf"(?:\.[A-Za-z0-9-]{{1,63}}){{0,3}}\.{_TLD}(?![\w-])(?:/[^\s<>\"]*)?"
_MAIL_TAIL = r"@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,3}"

CURRENCY = r"[$€£¥₿₹]"
_MONTH_DAY = (
    r"(?:(?:0?[1-9]|1[0-2])/(?:0?[1-9]|[12][0-9]|3[01])|(?:1[3-9]|2[0-9]|3[01])/(?:0?[1-9]|1[0-2]))"
)

_EMOJI_BASE = (
    "[\u231a\u231b\u23e9-\u23f3\u23f8-\u23fa\u24c2\u25aa\u25ab\u25b6\u25c0\u25fb-\u25fe"
    "\u2600-\u27bf\u2934\u2935\u2b05-\u2b07\u2b1b\u2b1c\u2b50\u2b55\u3030\u303d\u3297\u3299"
    "\U0001f000-\U0001f0ff\U0001f170-\U0001f19a\U0001f201-\U0001f251\U0001f300-\U0001faff]"
)
_SKIN = "[\U0001f3fb-\U0001f3ff]"
_EMOJI_ONE = (
    f"(?:{_EMOJI_BASE}|[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2194-\u2199\u21a9\u21aa]\ufe0f)"
    f"\ufe0f?{_SKIN}?(?:[\U000e0020-\U000e007e]{{1,8}}\U000e007f)?"
)
_EMOJI_JOINED = f"{_EMOJI_ONE}(?:\u200d{_EMOJI_ONE})*"  # joined sequences, skin tones, tag flags
_EMOJI = (
    "[\U0001f1e6-\U0001f1ff]{2}"  # flags
    "|[\u2776-\u2793]+"  # "❶": letters to Python, which the branches before read to their end
    "|[0-9#*]\ufe0f?\u20e3"  # keycaps
    f"|{_EMOJI_JOINED}"
)

# a label that its price is glued to, "SL138", "entry67000"; targets have numbers: "TP12"
_LABELS = "SL sl Sl STOP Stop stop ENTRY Entry entry BUY Buy buy SELL Sell sell".split()
_TARGETS = "TP tp Tp PT pt TGT tgt TARGET Target target".split()
_ENDS = r"(?:[.,][0-9]+)*[kK]?(?![\w/:%]|[.,'’][\w])"
_GLUED = (
    rf"(?<![\w$#@./])(?:(?:{'|'.join(_LABELS)})(?=[0-9]{{2,}}{_ENDS})"
    rf"|(?:{'|'.join(_TARGETS)})(?=[0-9]{{3,}}{_ENDS}))"
)

#: (kind, pattern), in order of precedence. Patterns hold no capturing groups.
BRANCHES: tuple[tuple[str, str], ...] = (
    ("word", _GLUED),
    ("link", r"(?:https?://|www\.)[^\s<>\"]*[^\s<>\".,;:!?)\]}'…]"),
    ("link", rf"[^\W\d_]\w*{_DOMAIN_TAIL}|[^\W\d_]\w*{_MAIL_TAIL}"),
    # "@4.20" and "@145k" are prices, "@" inside a word is no handle
    ("handle", r"(?<![\w@])@(?![0-9][0-9.,]*[kKmM]?(?!\w))[A-Za-z0-9_]+"),
    # Reddit's: "r/btc" is a place and no pair
    ("handle", r"(?<![\w/])/?[ru]/[A-Za-z]\w{2,50}(?![\w/])"),
    ("word", r"(?<![\w/])(?:[Ss]/[Ll]|[Tt]/[Pp][0-9]?)(?![\w/])"),
    # "anti-BTC" is no pair
    ("pair", rf"(?!(?:[Aa]nti|[Pp]ro|[Nn]on|[Pp]re|[Pp]ost|ex)-)[$#]?[^\W_][^\W_]*{_PAIR_TAIL}"),
    # never $10, $5M, $300k: a digit-led cashtag needs three capitals ($1INCH)
    (
        "cashtag",
        r"\$[A-Za-z][A-Za-z0-9]*(?:[.](?:[A-Za-z]|[A-Z]{2}|to|ax|de|hk|ns|bo|pa|tw)(?!\w)"
        r"|_(?:[A-Za-z]|PERP|[0-9]{6})(?!\w)|-[A-Z](?!\w))?"
        # exchanges that number their shares
        r"|\$(?:[0-9]{4}\.T|[0-9]{1,6}\.(?:HK|hk|TWO?|tw|S[SZ]|K[SQ]))(?!\w)"
        r"|\$[0-9]{1,4}(?!(?:USD|EUR|CAD|AUD|MIL|BIL|MLN|BLN|MM|BN)[A-Z]*(?!\w))[A-Z]{3,}(?!\w)",
    ),
    ("hashtag", rf"#(?:{_SHARE}|(?=[0-9_]*[^\W\d_])\w+{_PERPETUAL})"),
    ("date", rf"(?:19|20)[0-9]{{2}}[-/.](?:0?[1-9]|1[0-2])[-/.](?:0?[1-9]|[12][0-9]|3[01])(?!\w)"
             rf"|(?!24/7){_MONTH_DAY}(?:/(?:20)?[0-9]{{2}})?(?![\w/]|[.,][0-9])"
             r"|(?:0?[1-9]|[12][0-9]|3[01])\.(?:0[1-9]|1[0-2])\.(?:19|20)[0-9]{2}(?!\w)"),
    ("time", r"[0-9]{1,2}:[0-5][0-9](?::[0-5][0-9])?(?:[AaPp][Mm])?(?!\w)|(?:1[0-2]|[1-9])[AaPp][Mm](?!\w)"),
    ("percent", rf"{_NUM}(?:[-–]{_NUM})?[%٪]"),
    ("multiple", rf"{_NUM}(?:[-–]{_NUM})?[xX](?!\w)|[xX][0-9]+(?!\w)"),
    # keycap digits are emoji before they are numbers
    ("emoji", "[0-9#*]\ufe0f?\u20e3"),
    # 43,250.5  $3.2K  67k-69k  0.00001234  .618  3k8  1.2M  250p  100usdt  4h
    ("number", rf"(?:{CURRENCY}\s?(?=[0-9.]))?(?:{_NUM}|(?<!\w)\.[0-9]+)(?:[^\W\d_]\w*{_PERPETUAL})?"
               rf"(?:[-–]{CURRENCY}?{_NUM}(?:[^\W\d_]\w*)?)*"),
    ("emoji", _EMOJI),
    # digits of other scripts are words as a whole: one by one they would cost time
    ("word", rf"{_SHARE}|(?:[^\W\d_]|(?![0-9])\d)\w*(?:['’&][^\W\d_]\w*)*{_PERPETUAL}"),
    ("mark", r"[!?]+|\.\.+|…|--+|==+|__+|\*\*+|~~+|\$\$+|\S"),
    ("break", r"\n"),  # a line break: read by the models, no token of ``tokenize``
)  # fmt: skip

# Most tokens are plain: what follows them shows that no branch could take more or less. They are
# looked for before the branches, which are slow: each reads a word again, and again letter by letter.
_FEW = r"[0-9]+(?:\.[0-9]+)?"
_NO_MORE = "(?![\\w/:%٪\u2013\ufe0f\u20e3-]|[.,][0-9A-Za-z]|['’{(][0-9]|\\s/)"
# a word may go on with digits unless it ends as one of those labels does
_NO_LABEL = "".join(f"(?<!{end})" for end in sorted({word[-2:] for word in _LABELS + _TARGETS}))
_PLAIN = (
    # "up", "$BTC", "#Bitcoin", "ema200"; "co-" of "co-op", for no quote begins with "o"
    rf"[$#]?[A-Za-z]+(?:{_NO_LABEL}[0-9][A-Za-z0-9]*)?"
    r"(?![\w/@]|['’&][^\W\d_]|\.(?:[0-9A-Za-z-]|(?<=www\.))|-[0-9A-Zbcegjpu]|://|\s/)",
    rf"\$?{_FEW}(?:[A-Z]?[a-z]*|-{_FEW}){_NO_MORE}|{_FEW}%",  # "5", "$61.5k", "20x", "10-12", "3%"
    r"[,;:()\[\]\"'“”’‘|%+&•…]|[!?]+|\.\.+|\.(?![0-9])|-(?!-)",
    rf"(?!\w){_EMOJI_JOINED}",  # "❶" is an emoji that a word could begin with
)
#: one ``findall`` with this is what ``split`` does, slower
whole = re.compile("|".join([*_PLAIN, *(pattern for _, pattern in BRANCHES)])).findall
