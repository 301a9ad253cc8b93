"""The fastest compliant way down, and why there is none.

Going as low as the rules allow at every step keeps each later reference as low as it can be, and from a lower dose the
lowest compliant dose is never higher: so the greedy way is lowest at every step, and it reaches the target in the least
number of steps.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace
from math import ceil

from services.medication.smoothest.calendar import Calendar
from services.medication.smoothest.numbers import milligrams
from services.medication.smoothest.request import Request
from services.medication.smoothest.rules import Rules


def least_steps(rules: Rules, allowed: Sequence[int], most: int) -> int | None:
    """The least number of steps that reach the target, None when `most` are not enough."""
    request, calendar = rules.request, Calendar(rules.request)
    handed_out = frozenset(allowed)
    doses = [request.start]
    for step in range(1, most + 1):
        before = doses[-1]
        backs = [calendar.look_back(step, cap) for cap in request.caps]
        references = [doses[step - back.steps] if back.steps else back.dose for back in backs]
        lower = allowed[: bisect_left(allowed, before)]
        # What a lower dose keeps, a higher one keeps too, so the lowest compliant dose can be bisected.
        at = bisect_left(lower, x=True, key=lambda dose: not any(rules.broken(before, dose, references)))
        if at == len(lower) and before not in handed_out:
            return None
        doses.append(lower[at] if at < len(lower) else before)
        if doses[-1] == request.target:
            return step
    return None


def steps_that_suffice(request: Request, allowed: Sequence[int]) -> int:
    """So many steps reach everything that can be reached: at each dose, wait until every window has passed."""
    widest = max((cap.window_days for cap in request.caps), default=1)
    return (len(allowed) + 1) * ceil(widest / request.step_days) + 1


def infeasible(request: Request, allowed: Sequence[int]) -> dict[str, object]:
    """The first reason why no schedule complies with at most `steps_max` steps."""
    if request.target not in allowed:
        return {"reason": "target_not_dispensable"}
    return _stuck(request, allowed) or _too_few(request, allowed)


def _stuck(request: Request, allowed: Sequence[int]) -> dict[str, object] | None:
    """Going down one dose at a time, waiting at each: the first cut that no waiting makes compliant."""
    rules, dose = Rules(request), request.start
    for lower in reversed(allowed[: bisect_left(allowed, dose)]):
        waited_out = dose in allowed
        references = [dose if waited_out else Calendar(request).look_back(1, cap).dose for cap in request.caps]
        if broken := list(rules.broken(dose, lower, references)):
            return {
                "reason": "no_compliant_step",
                "stuck_at_mg": milligrams(dose),
                "next_lower_mg": milligrams(lower),
                "broken_by": broken,
            }
        dose = lower
    return None


def _too_few(request: Request, allowed: Sequence[int]) -> dict[str, object]:
    rules, given = Rules(request), request.steps_max
    relaxing = [name for name in rules.names() if least_steps(rules.without(name), allowed, given) is not None]
    return {
        "reason": "too_few_steps",
        "least_steps": least_steps(rules, allowed, steps_that_suffice(request, allowed)),
        "relaxing_any_of": relaxing,
        "least_jump_off_mg": _least_jump_off(request, allowed),
    }


def _least_jump_off(request: Request, allowed: Sequence[int]) -> str | None:
    """An explanation, not a suggestion: the smallest jump-off above the given one that makes the steps enough."""
    if request.jump_off is None:
        return None
    candidates = sorted(dose for dose in {*allowed, request.start} if dose > request.jump_off)
    enough = bisect_left(candidates, x=True, key=lambda dose: _enough_with(request, allowed, dose))
    return milligrams(candidates[enough]) if enough < len(candidates) else None


def _enough_with(request: Request, allowed: Sequence[int], jump_off: int) -> bool:
    return least_steps(Rules(replace(request, jump_off=jump_off)), allowed, request.steps_max) is not None
