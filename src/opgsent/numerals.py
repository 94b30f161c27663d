"""A number as traders write it -> exact decimals: one token may hold one price or a range.

``parts_of`` reads a token on its own; ``shorthand`` expands a number that leans on the one before
it ("0.00000380 - 385", "3150-80").
"""

from __future__ import annotations

import re
from decimal import Context, Decimal
from functools import lru_cache
from typing import NamedTuple

MAX_DIGITS = 40  # characters of a number; a longer run of digits is no price
#: exact for all of them, whatever the caller's own context of decimals is
EXACT = Context(prec=4 * MAX_DIGITS)
CURRENCIES = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₿": "BTC", "₹": "INR"}
_TIMES = {"k": 3, "m": 6, "mm": 6, "mil": 6, "mln": 6, "b": 9, "bn": 9, "t": 12, "tn": 12}

#: noughts behind the point that are counted: "0.0₅112", "0.0{5}112", "0.0(5)112"
_NOUGHTS = r"0\.0(?:[₀-₉]{1,2}|\{[0-9]{1,2}\}|\([0-9]{1,2}\))[0-9]+"
_INDIAN = r"(?<![0-9],)[1-9][0-9]?(?:,[0-9]{2}){1,4},[0-9]{3}"
#: the pattern of one number in a text: a comma parts thousands, or decimals where nothing else
#: does; "62000,63500,65000" are three
WRITTEN = (
    rf"(?:{_NOUGHTS}|{_INDIAN}(?:\.[0-9]+)?(?![0-9]|,[0-9])"
    r"|[1-9][0-9]{0,2}(?:['’][0-9]{3}(?![0-9]))+(?:\.[0-9]+)?"
    r"|[1-9][0-9]{0,2}(?:,[0-9]{3}(?![0-9]))+(?:\.[0-9]+(?!,?[0-9])|(?!\.?[0-9]))"
    r"|[0-9]{1,3}(?:\.[0-9]{3})+,[0-9]{1,2}(?![0-9]|[.,][0-9])"
    r"|(?<![0-9],)(?:[0-9]{1,3},[0-9]+|[0-9]{4,7},[0-9]{1,2})(?![0-9]|[.,][0-9])"
    r"|[0-9]+(?:\.[0-9]+)*|\.[0-9]+)"
)
_PART = re.compile(
    rf"(?P<sign>[$€£¥₿₹])?\s?(?P<digits>{_NOUGHTS}|[0-9]+(?:[.,'’][0-9]+)*|\.[0-9]+)"
    r"(?P<tail>k[0-9]{1,3}|[^\W\d_]*)(?:[-–]|$)"
)
THOUSANDS = re.compile(r"[1-9][0-9]{0,2}(?:,[0-9]{3})+(?:\.[0-9]+)?")
_THOUSANDS_DOT = re.compile(r"[1-9][0-9]{0,2}(?:\.[0-9]{3}){2,}(?:,[0-9]+)?"
                            r"|[1-9][0-9]{0,2}\.[0-9]{3},[0-9]{1,2}")  # fmt: skip
_K_AND_DIGITS = re.compile(r"[kK][0-9]{1,3}")  # "3k8"; "60k²" is none, a digit though "²" is
_VERSION = re.compile(r"(?:[0-9]{1,2}[.]){2,}[0-9]{1,2}")  # "1.2.3": no price, nor is a date


class Part(NamedTuple):
    """One number of a token: its place there, its value, what stood around the digits."""

    start: int
    end: int  #: behind a k or M that belongs to the number, before other letters
    value: Decimal
    digits: str
    tail: str  #: lower case: '', 'k', 'usdt', 'p' ...
    unit: str | None  #: code of the currency sign


def parts_of(token: str) -> tuple[Part, ...]:
    """The numbers of a token; () where it holds none that could be a price.

    >>> [(str(p.value), p.digits) for token in ("$61.5k", "30-40k") for p in parts_of(token)]
    [('61500', '61.5'), ('30000', '30'), ('40000', '40')]
    """
    if len(token) > 2 * MAX_DIGITS:
        return ()
    if len(token) <= MAX_DIGITS and token.isascii():  # as most are, with or without a dollar sign
        digits = token.removeprefix("$")
        if digits[:1].isdigit() and digits.replace(".", "", 1).isdigit() and token[-1] != ".":
            start = len(token) - len(digits)
            unit = "USD" if start else None
            # as Part(...) makes it, in half the time
            part = (start, len(token), Decimal(digits), digits, "", unit)
            return (tuple.__new__(Part, part),)
    return _parts_in_turn(token)


@lru_cache(maxsize=1024)  # asked for when a token is new, and again when its post is read
def _parts_in_turn(token: str) -> tuple[Part, ...]:
    found: list[Part] = []
    at = 0
    while at < len(token):
        match = _PART.match(token, at)
        if match is None or len(match["digits"]) > MAX_DIGITS:
            return ()
        if _VERSION.fullmatch(match["digits"]):
            return ()
        digits, tail = _spelled(match["digits"]), match["tail"]
        ours = tail.lower() in _TIMES or _K_AND_DIGITS.fullmatch(tail) is not None
        end = match.end("tail") if ours else match.end("digits")
        value = number_of(digits, tail)
        sign = CURRENCIES.get(match["sign"] or "")
        found.append(Part(match.start("digits"), end, value, digits, tail.lower(), sign))
        at = match.end()
    return tuple(_alike(found)) if len(found) > 1 else tuple(found)


def _spelled(digits: str) -> str:
    """Digits without signs of their own: "0.0₅112" is 0.00000112, "64'800" 64800, "57,00,000"
    5700000. Where more noughts are counted than a number may have digits, nothing is spelled out.
    """
    if digits.count(",") > 1 and _GROUPED.fullmatch(digits):
        return digits.replace(",", "")
    if digits.replace(".", "").replace(",", "").isdecimal():  # as most are
        return digits
    if noughts := _COUNTED.fullmatch(digits):
        count = int(noughts[1].translate(_SUBSCRIPTS).strip("{()}"))
        return f"0.{'0' * count}{noughts[2]}" if count < MAX_DIGITS else digits
    return digits.replace("'", "").replace("’", "")


_COUNTED = re.compile(r"0\.0([₀-₉]+|\{[0-9]+\}|\([0-9]+\))([0-9]+)")
_SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_GROUPED = re.compile(rf"{_INDIAN}(?:\.[0-9]+)?")

#: Fibonacci ratios that are doubtful wherever they stand
RATIOS = frozenset("0.236 0.382 0.618 0.786 0.886 1.272 1.618 2.618".split())
#: those that mark themselves beside a fib word, and those that assets trade at
SHARP = RATIOS | {"0.705", "1.414"}
ROUND = frozenset("0.5 0.65 0.66 0.79".split())
_MILLIONS = frozenset("m mm mil".split())
_OPTIONS = frozenset("p c ce pe".split())
#: traits of a number as it is written: with a currency sign; with neither sign nor letters; bare
#: digits; of these more than one, a nought first; a strike ("250p"); a ratio or millions, which are
#: seldom prices; a ratio; a year
SIGNED, BARE, WHOLE, LED, STRIKE, SELDOM, RATIO, YEAR = (1 << bit for bit in range(8))


def traits_of(part: Part) -> int:
    """How a number is written, as bits.

    >>> bool(traits_of(parts_of("2030")[0]) & YEAR), bool(traits_of(parts_of("$5")[0]) & BARE)
    (True, False)
    """
    digits, tail = written(part), part.tail
    if part.unit is not None:
        return SIGNED | STRIKE * (tail in _OPTIONS)
    found = SELDOM * (digits in RATIOS or tail in _MILLIONS) | STRIKE * (tail in _OPTIONS)
    if len(digits) == 4 and digits[:2] in ("19", "20"):
        found |= YEAR
    if not tail:
        found |= BARE | RATIO * (digits in SHARP or digits in ROUND)
        if digits.isdigit():
            found |= WHOLE | LED * (len(digits) > 1 and digits[0] == "0")
    return found


def written(part: Part) -> str:
    """Its digits with the nought that ".618" leaves out."""
    return "0" + part.digits if part.digits[0] == "." else part.digits


def number_of(digits: str, tail: str = "") -> Decimal:
    """The value of digits with their separators, and of a k, M or k8 behind them.

    A comma before three digits parts thousands, otherwise decimals; a dot parts decimals unless
    there are two.

    >>> [str(number_of(d)) for d in ("43,250.5", "0,00125", "1.234.567", ".618", "83.05")]
    ['43250.5', '0.00125', '1234567', '0.618', '83.05']
    >>> str(number_of("3", "k8"))
    '3800'
    """
    if THOUSANDS.fullmatch(digits):
        plain = digits.replace(",", "")
    elif _THOUSANDS_DOT.fullmatch(digits):
        plain = digits.replace(".", "").replace(",", ".")
    elif digits.count(",") == 1 and "." not in digits:
        plain = digits.replace(",", ".")
    elif "," in digits or digits.count(".") > 1:  # odd: the last mark parts decimals
        last = max(digits.rfind(","), digits.rfind("."))
        plain = re.sub(r"[.,]", "", digits[:last]) + "." + digits[last + 1 :]
    else:
        plain = digits
    value = Decimal(plain)
    tail = tail.lower()
    if _K_AND_DIGITS.fullmatch(tail):
        return EXACT.add(value.scaleb(3, EXACT), Decimal((tail[1:] + "00")[:3]))
    if tail in _TIMES:
        return plain_decimal(value.scaleb(_TIMES[tail], EXACT))
    return value


def _alike(found: list[Part]) -> list[Part]:
    """A range whose last number alone says k: "30-40k" is 30k to 40k."""
    tail = found[-1].tail
    if tail in _TIMES and all(not part.tail for part in found[:-1]):
        return [
            part._replace(value=number_of(part.digits, tail)) if not part.tail else part
            for part in found
        ]
    return found


def shorthand(before: str, value: Decimal, digits: str) -> Decimal | None:
    """What digits mean that carry on from the number before: its last digits replaced.

    ``value`` is the number before, written ``before``. None where they mean what they say.

    >>> str(shorthand("0.00000380", Decimal("0.00000380"), "385"))
    '0.00000385'
    >>> shorthand("3150", Decimal("3150"), "3180") is None
    True
    >>> shorthand("0.0.0000019", Decimal("0.0000019"), "195") is None  # as somebody typed it
    True
    """
    if not digits.isdigit() or not value or len(digits) >= len(before):
        return None
    own = Decimal(digits)
    whole, dot, decimals = before.partition(".")
    if dot:
        if not (whole + decimals).isdigit():
            return None
        if len(digits) > len(decimals) or own < 20 * value or value >= 100:
            return None
        return Decimal(f"{whole}.{decimals[: len(decimals) - len(digits)]}{digits}")
    if not whole.isdigit() or len(digits) < 2 or len(whole) - len(digits) > 2:
        return None
    joined = Decimal(whole[: len(whole) - len(digits)] + digits)
    return joined if value < joined < 2 * value and own * 5 < value else None


def plain_decimal(value: Decimal) -> Decimal:
    """A decimal without a positive exponent.

    >>> plain_decimal(Decimal("67E+3"))
    Decimal('67000')
    """
    if value == value.to_integral_value(context=EXACT):
        return value.quantize(Decimal(1), context=EXACT)
    return value.normalize(EXACT)
