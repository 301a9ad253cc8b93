"""Conventional shapes of a taper, rounded dose by dose to what can be handed out: what the optimum is compared with."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from fractions import Fraction

from services.medication.smoothest.request import Request, Shape


def schedule(request: Request, allowed: Sequence[int], shape: Shape, steps: int) -> list[int]:
    """The doses d_0 … d_N of a shape (in 10⁻⁶ mg): never rising, each the dispensable dose nearest to the curve."""
    if shape.name == "given":
        return [request.start, *shape.doses]
    curve = _CURVES[shape.name](request, shape.parameter, steps)
    doses = [request.start]
    for step in range(1, steps + 1):
        ideal = curve(step) if step < steps else Fraction(request.target)
        doses.append(_nearest(allowed[: bisect_right(allowed, doses[-1])], ideal))
    return doses


def _nearest(allowed: Sequence[int], ideal: Fraction) -> int:
    """Ties to the higher dose."""
    at = bisect_left(allowed, ideal)
    if at == len(allowed):
        return allowed[-1]
    return allowed[at] if at == 0 or allowed[at] - ideal <= ideal - allowed[at - 1] else allowed[at - 1]


type Curve = Callable[[int], Fraction]


def _linear(request: Request, _: Fraction, steps: int) -> Curve:
    return lambda step: request.start - Fraction(step * (request.start - request.target), steps)


def _percent_of_original(request: Request, rate: Fraction, _: int) -> Curve:
    return lambda step: max(Fraction(request.target), request.start * (1 - step * rate))


def _percent_of_current(request: Request, rate: Fraction, _: int) -> Curve:
    return lambda step: max(Fraction(request.target), request.start * (1 - rate) ** step)


def _hyperbolic(request: Request, ed50: Fraction, steps: int) -> Curve:
    first, last = (Fraction(dose) / (dose + ed50) for dose in (request.start, request.target))

    def dose(step: int) -> Fraction:
        occupied = first - step * (first - last) / steps
        return ed50 * occupied / (1 - occupied)

    return dose


_CURVES: dict[str, Callable[[Request, Fraction, int], Curve]] = {
    "linear": _linear,
    "percent_of_original": _percent_of_original,
    "percent_of_current": _percent_of_current,
    "hyperbolic": _hyperbolic,
}
