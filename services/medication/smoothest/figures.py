"""How smooth a schedule is: figures that are the same for the optimum and for any other schedule."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

from services.medication.smoothest.effect import Scale
from services.medication.smoothest.numbers import EFFECT_ONE, nearest_root, rounded, scaled

type Smoothness = dict[str, str | None]


def sum_of_squares(effects: Sequence[int]) -> int:
    """E, in 10⁻²⁴: least when every cut takes the same effect away."""
    return sum((before - after) ** 2 for before, after in pairwise(effects))


def distance_from_line(effects: Sequence[int]) -> int:
    """V, in n²·10⁻²⁴: how far the effects are from a straight line between the first and the last."""
    steps, first, last = len(effects) - 1, effects[0], effects[-1]
    return sum((steps * effects[i] - (steps - i) * first - i * last) ** 2 for i in range(1, steps + 1))


def smoothness(scale: Scale, doses: Sequence[int]) -> Smoothness:
    """The figures of a schedule d_0 … d_n (doses in 10⁻⁶ mg), as written on the wire."""
    effects = [scale.effect(dose) for dose in doses]
    steps, span = len(effects) - 1, effects[0] - effects[-1]
    squares = sum_of_squares(effects)
    line = Fraction(distance_from_line(effects), steps**2 * (steps + 1) * EFFECT_ONE**2)
    return {
        "sum_of_squares": scaled(squares, 24),
        "max_effect_step": scaled(max(abs(a - b) for a, b in pairwise(effects)), 12),
        "ideal_effect_step": rounded(Fraction(span, steps * EFFECT_ONE), 12),
        "ratio_to_ideal": rounded(Fraction(steps * squares, span**2), 6) if span else None,
        "rms_from_line": nearest_root(line, 6),
    }
