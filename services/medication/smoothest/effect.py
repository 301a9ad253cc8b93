"""The effect scale: how much a dose does, on the scale that the prescriber chose. Its parameter is a stated assumption."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from services.medication.smoothest.numbers import EFFECT_ONE, MICRO, PRECISE


class Kind(StrEnum):
    """Linear in mg; nearly constant percentages above a reference dose; or receptor occupancy with an ED50."""

    LINEAR = "linear"
    EXPONENTIAL = "exponential"
    HYPERBOLIC = "hyperbolic"


@dataclass(frozen=True)
class Scale:
    """`parameter` is the reference dose (exponential) or the ED50 (hyperbolic), in 10⁻⁶ mg; 0 for linear."""

    kind: Kind
    parameter: int = 0

    def effect(self, dose: int) -> int:
        """The integer nearest to φ(dose)·10¹², ties to even, correctly rounded; the dose is in 10⁻⁶ mg."""
        return _EFFECTS[self.kind](dose, self.parameter)


def _linear(dose: int, _: int) -> int:
    return dose * (EFFECT_ONE // MICRO)


def _hyperbolic(dose: int, ed50: int) -> int:
    return round(Fraction(dose * EFFECT_ONE, dose + ed50))


def _exponential(dose: int, reference: int) -> int:
    ratio = PRECISE.divide(Decimal(reference + dose), Decimal(reference))
    return int(PRECISE.multiply(PRECISE.ln(ratio), Decimal(EFFECT_ONE)).to_integral_value(context=PRECISE))


_EFFECTS: dict[Kind, Callable[[int, int], int]] = {
    Kind.LINEAR: _linear,
    Kind.HYPERBOLIC: _hyperbolic,
    Kind.EXPONENTIAL: _exponential,
}
