"""Conventional ways down: the curve a prescriber has in mind, and what is handed out of it step by step.

Two numbers are kept per step: the ideal dose of the curve, and the dose that can be handed out. From which of the two
the next ideal dose is taken, and which way it is rounded, changes the schedule, so both are chosen and said.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from services.medication.smoothest.numbers import MICRO, milligrams, rounded
from services.medication.smoothest.parsing import Fields
from services.medication.smoothest.request import STEPS_MAX, Request

FIELDS = "shape cut_mg fraction ed50_mg basis rounding steps jump_off_mg"
PARAMETERS = {
    "linear": "cut_mg",
    "percent_of_original": "fraction",
    "percent_of_current": "fraction",
    "hyperbolic": "ed50_mg",
}


class Basis(StrEnum):
    """From which dose of the step before the next ideal dose is taken."""

    IDEAL = "ideal"
    DISPENSED = "dispensed"


class Rounding(StrEnum):
    """Which dose is handed out for an ideal one; a half goes up. Rounding up cuts less: the safe way where a cap would break."""

    HALF_UP = "half_up"
    DOWN = "down"
    UP = "up"


@dataclass(frozen=True)
class Conventional:
    """One conventional way down. From `jump_off` on (10⁻⁶ mg) the next step is the target: percentages alone never reach 0."""

    shape: str
    parameter: Fraction
    basis: Basis
    rounding: Rounding
    steps: int | None
    jump_off: int | None


@dataclass(frozen=True)
class Rung:
    """One step in 10⁻⁶ mg: what the curve says, and what is handed out."""

    ideal: Fraction
    dose: int


def read(fields: Fields) -> Conventional:
    """One shape of a request. Raises InvalidRequest."""
    shape = fields.choice("shape", list(PARAMETERS))
    parameter = PARAMETERS[shape]
    for other in ("cut_mg", "fraction", "ed50_mg"):
        if other in fields and other != parameter:
            raise fields.wrong(other, f"the {shape} shape does not take it")
    return Conventional(
        shape,
        fields.fraction(parameter) if parameter == "fraction" else Fraction(fields.dose(parameter)),
        Basis(fields.choice("basis", list(Basis))),
        Rounding(fields.choice("rounding", list(Rounding))),
        fields.whole("steps", STEPS_MAX) if "steps" in fields else None,
        fields.dose("jump_off_mg") if "jump_off_mg" in fields else None,
    )


def ladder(request: Request, allowed: Sequence[int], way: Conventional, steps: int) -> list[Rung]:
    """The steps 0 … n of a way down, never rising; `allowed` are the dispensable doses, the target among them.

    Source of the shapes and of the two bases: the usual practice in tapering, worked out in `tests/medication/taper_vectors.json`.
    """
    descend = _DESCENTS[way.shape](request, way.parameter, steps)
    rungs = [Rung(Fraction(request.start), request.start)]
    for _ in range(steps):
        last = rungs[-1]
        before = last.ideal if way.basis is Basis.IDEAL else Fraction(last.dose)
        stops = way.jump_off is not None and last.dose <= way.jump_off
        ideal = Fraction(request.target) if stops else max(descend(before), Fraction(request.target))
        within = allowed[: bisect_right(allowed, last.dose)]
        rungs.append(Rung(ideal, _rounded(within, ideal, way.rounding)))
    return rungs


def written(way: Conventional, rungs: Sequence[Rung], target: int) -> dict[str, object]:
    """A way down as it is answered; ideal doses to six places of a milligram."""
    return {
        "shape": way.shape,
        "basis": way.basis.value,
        "rounding": way.rounding.value,
        "steps": len(rungs) - 1,
        "ideal_mg": [rounded(one.ideal / MICRO, 6) for one in rungs],
        "doses_mg": [milligrams(one.dose) for one in rungs],
        "reaches_target": rungs[-1].dose == target,
    }


def _rounded(within: Sequence[int], ideal: Fraction, rounding: Rounding) -> int:
    """Above all doses the highest, below all the lowest."""
    at = min(bisect_left(within, ideal), len(within) - 1)
    above, below = within[at], within[at - 1] if at > 0 and within[at] > ideal else within[at]
    match rounding:
        case Rounding.UP:
            return above
        case Rounding.DOWN:
            return below
        case Rounding.HALF_UP:
            return above if above - ideal <= ideal - below else below


type Descent = Callable[[Fraction], Fraction]


def _linear(_request: Request, cut: Fraction, _steps: int) -> Descent:
    return lambda before: before - cut


def _percent_of_original(request: Request, rate: Fraction, _steps: int) -> Descent:
    return lambda before: before - rate * request.start


def _percent_of_current(_request: Request, rate: Fraction, _steps: int) -> Descent:
    return lambda before: before * (1 - rate)


def _hyperbolic(request: Request, ed50: Fraction, steps: int) -> Descent:
    """Equal steps of receptor occupancy, D/(D + ED50), from the start to the target."""
    first, last = (Fraction(dose) / (dose + ed50) for dose in (request.start, request.target))

    def descend(before: Fraction) -> Fraction:
        occupied = max(before / (before + ed50) - (first - last) / steps, last)
        return ed50 * occupied / (1 - occupied)

    return descend


_DESCENTS: dict[str, Callable[[Request, Fraction, int], Descent]] = {
    "linear": _linear,
    "percent_of_original": _percent_of_original,
    "percent_of_current": _percent_of_current,
    "hyperbolic": _hyperbolic,
}
