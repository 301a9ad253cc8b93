"""One request, one answer: the smoothest schedule, or why there is none, and how other schedules compare."""

from collections.abc import Sequence
from typing import Any

from services.medication.smoothest.calendar import Calendar
from services.medication.smoothest.doses import dispensable
from services.medication.smoothest.fastest import infeasible, least_steps
from services.medication.smoothest.figures import smoothness
from services.medication.smoothest.numbers import milligrams
from services.medication.smoothest.optimum import smoothest
from services.medication.smoothest.parsing import parse
from services.medication.smoothest.request import InvalidRequest, Request, TooLarge
from services.medication.smoothest.rules import Rules, violations
from services.medication.smoothest.shapes import schedule

type Answer = dict[str, Any]


def preview(body: object) -> Answer:
    """Answer a request in the wire format; never raises for a bad one (`status: invalid` names the field)."""
    try:
        request = parse(body)
        allowed = dispensable(request)
    except InvalidRequest as wrong:
        return {"status": "invalid", "field": wrong.field, "detail": wrong.detail}
    least = least_steps(Rules(request), allowed, request.steps_max) if request.target in allowed else None
    try:
        return (
            _infeasible(request, allowed)
            if least is None
            else _optimal(request, allowed, max(least, request.steps_min))
        )
    except TooLarge as large:
        return {"status": "too_large", "detail": (large.__doc__ or "").strip()}


def _optimal(request: Request, allowed: Sequence[int], steps: int) -> Answer:
    doses = smoothest(request, allowed, steps)
    return {
        "status": "optimal",
        "steps": steps,
        "doses_mg": [milligrams(dose) for dose in doses],
        "starts_on_day": Calendar(request).starts(steps),
        "smoothness": smoothness(request.scale, doses),
        **_compared(request, allowed, steps),
    }


def _infeasible(request: Request, allowed: Sequence[int]) -> Answer:
    return {
        "status": "infeasible",
        **infeasible(request, allowed),
        **(_compared(request, allowed, request.steps_max) if request.target in allowed else {}),
    }


def _compared(request: Request, allowed: Sequence[int], steps: int) -> Answer:
    if not request.compare:
        return {}
    others = []
    for shape in request.compare:
        doses = schedule(request, allowed, shape, steps)
        others.append(
            {
                "shape": shape.name,
                "doses_mg": [milligrams(dose) for dose in doses],
                "smoothness": smoothness(request.scale, doses),
                "violations": violations(request, allowed, doses),
            }
        )
    return {"compared": others}
