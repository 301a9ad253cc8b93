"""Exact numbers in and out: doses as whole multiples of 10⁻⁶ mg, effects as whole multiples of 10⁻¹²."""

import re
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction

MICRO = 1_000_000
EFFECT_ONE = 10**12
NUMBER = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6})?")

# More digits than the 50 that correct rounding of ln asks for.
PRECISE = Context(prec=90, rounding=ROUND_HALF_EVEN)


def micro(text: str) -> int:
    """`"17.5"` mg is 17,500,000: the exact number of 10⁻⁶ mg. The text has been matched against `NUMBER`."""
    whole, _, rest = text.partition(".")
    return int(whole) * MICRO + int(rest.ljust(6, "0") or "0")


def plain(value: Decimal) -> str:
    """A plain decimal without exponent and without trailing zeros."""
    text = f"{value:f}"
    return (text.rstrip("0").rstrip(".") or "0") if "." in text else text


def milligrams(dose: int) -> str:
    """A dose as it is written on the wire, in mg."""
    return plain(Decimal(dose).scaleb(-6, PRECISE))


def scaled(value: int, places: int) -> str:
    """`value · 10^-places`, exact."""
    return plain(Decimal(value).scaleb(-places, PRECISE))


def rounded(value: Fraction, places: int) -> str:
    """A fraction to so many decimal places, half to even."""
    return scaled(round(value * 10**places), places)


def nearest_root(value: Fraction, places: int) -> str:
    """The square root of a fraction to so many decimal places, half to even."""
    quotient = PRECISE.divide(Decimal(value.numerator), Decimal(value.denominator))
    return plain(PRECISE.sqrt(quotient).quantize(Decimal(1).scaleb(-places), context=PRECISE))
