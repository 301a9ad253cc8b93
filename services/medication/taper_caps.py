"""Whether a way down stays within the caps: every cut is held against the doses of the cap's own window of days.

The rules are those of the smoothest taper (`smoothest/rules.py`), for steps on any dates.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from itertools import pairwise

from services.medication.taper_policies import TaperPolicy
from shared.events.medication import PlannedStep
from shared.failures import Refused
from shared.units import Prose

type DoseOn = Callable[[date], Decimal]


@dataclass(frozen=True)
class CutAboveCap:
    """The step (from 0) whose cut breaks a rule, with the dose that it is held against."""

    policy: TaperPolicy
    rule: str
    step: int
    reference_mg: Decimal
    dose_mg: Decimal


class CapExceeded(Refused):
    """A cut is above a cap; it needs the prescriber's rationale."""


def above_caps(policies: Sequence[TaperPolicy], steps: Sequence[PlannedStep], taken: DoseOn) -> list[CutAboveCap]:
    """Every cut that breaks a rule, in order. `taken` is the dose of any day before the first step."""
    found: list[CutAboveCap] = []
    taken = cache(taken)
    for index, step in enumerate(steps):
        before = steps[index - 1].dose_mg if index else taken(step.starts_on - timedelta(days=1))
        if step.dose_mg < before:
            found += (one for policy in policies for one in _broken(policy, index, before, steps, taken))
    return found


def checked(cuts: Sequence[CutAboveCap], rationale: Prose | None, place: str = "steps") -> tuple[str, ...]:
    """The ids of the policies that the rationale answers. Raises CapExceeded without one."""
    if cuts and rationale is None:
        first = cuts[0]
        raise CapExceeded(
            field=f"{place}[{first.step}].dose_mg",
            policy_id=first.policy.id,
            policy_version=first.policy.version,
            rule=first.rule,
            reference_mg=str(first.reference_mg),
            source=first.policy.source,
            may_override=first.policy.may_override,
        )
    return tuple(sorted({one.policy.id for one in cuts}))


def _broken(
    policy: TaperPolicy, index: int, before: Decimal, steps: Sequence[PlannedStep], taken: DoseOn
) -> Iterator[CutAboveCap]:
    dose_mg = steps[index].dose_mg
    jump_off = policy.jump_off_max_mg
    if jump_off is None or before > jump_off:
        for number, cap in enumerate(policy.relative_caps):
            reference = largest_taken(steps, index, cap.window_days, taken)
            cut, most = reference - dose_mg, cap.fraction * reference
            if cut > most or (cap.strict and cut == most):
                yield CutAboveCap(policy, f"relative_caps[{number}]", index, reference, dose_mg)
        if jump_off is not None and dose_mg == 0:
            yield CutAboveCap(policy, "jump_off_max_mg", index, before, dose_mg)
    if policy.max_cut_mg is not None and before - dose_mg > policy.max_cut_mg:
        yield CutAboveCap(policy, "max_cut_mg", index, before, dose_mg)


def largest_taken(steps: Sequence[PlannedStep], index: int, window_days: int, taken: DoseOn) -> Decimal:
    """The largest dose on any of the days before the step that the window reaches back to."""
    since = steps[index].starts_on - timedelta(days=window_days)
    planned = [step.dose_mg for step, after in pairwise(steps[: index + 1]) if after.starts_on > since]
    days_before = max((steps[0].starts_on - since).days, 0)
    earlier = [taken(since + timedelta(days=day)) for day in range(days_before)]
    return max([*planned, *earlier])
