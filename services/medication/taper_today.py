"""A taper schedule on a day: the dose in effect, whether a decision is overdue, and when it would end."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from services.medication.taper_figures import TaperFigures


@dataclass(frozen=True)
class TaperDay:
    """What the figures mean on one day at the site. `step` 0 is the dose before the first step.

    `decision_overdue_days` counts from the day by which a prescriber should have decided; 0 when nothing is overdue.
    `projected_end_on` is the date of the last step if whatever waits were decided today.
    """

    on: date
    step: int
    dose_mg: Decimal
    days_held: int
    decision_overdue_days: int
    projected_end_on: date


def on_day(taper: TaperFigures, today: date) -> TaperDay:
    """What the figures say on `today`, the date at the site."""
    step = max(
        (one for one in taper.steps if one.effective_on is not None and one.effective_on <= today),
        key=lambda one: one.number,
        default=None,
    )
    days_held = max((today - taper.held_on).days, 0) if taper.held_on is not None else 0
    waiting = taper.next_decision
    overdue = max((today - waiting.due_on).days, 0) if waiting is not None else 0
    return TaperDay(
        on=today,
        step=step.number if step else 0,
        dose_mg=step.dose_mg if step else taper.start_dose_mg,
        days_held=days_held,
        decision_overdue_days=overdue,
        projected_end_on=taper.projected_end_on + timedelta(days=further_days(taper, days_held, today)),
    )


def further_days(taper: TaperFigures, days_held: int, today: date) -> int:
    """How much later the rest would begin if the next step were resumed and confirmed today."""
    waiting = taper.next_decision
    if waiting is None or taper.steps[waiting.step - 1].effective_on is not None:
        return 0
    return max((today - taper.steps[waiting.step - 1].starts_on).days, days_held)
