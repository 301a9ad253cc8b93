"""The rest of a taper: slowed down, laid out anew, or taken back to a higher dose. What was taken stays as it is."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import assert_never
from uuid import UUID

from services.medication import order as orders
from services.medication.product import Product
from services.medication.taper_caps import above_caps, checked
from services.medication.taper_course import PLANNED_DAYS_MAX, STEPS_MAX, Status, Taper, unconfirmed_after
from services.medication.taper_going import TaperEnded, check_date, check_going
from services.medication.taper_policies import TaperPolicy
from services.medication.taper_start import StepTooFarAhead, check_steps
from shared.decider import command
from shared.events.medication import (
    PlannedStep,
    ReplanReason,
    ReversalReason,
    TaperEvent,
    TaperReplanned,
    TaperReversed,
)
from shared.failures import Invalid, Refused
from shared.units import Prose


@command
class ReplanTaper:
    """Another way down from today's dose; a held taper goes on by it."""

    reason: ReplanReason
    replanned_on: date
    product: Product
    target_dose_mg: Decimal
    steps: tuple[PlannedStep, ...]
    today: date
    policies: tuple[TaperPolicy, ...]
    rationale: Prose | None
    note: Prose | None


@command
class SlowDown:
    """The same doses, each for so many days from the next step on."""

    step_days: int
    slowed_on: date
    today: date
    note: Prose | None


@command
class ReverseTaper:
    """Back to a higher dose after an assessment, and from there down again."""

    reason: ReversalReason
    reversed_on: date
    dose_mg: Decimal
    product: Product
    target_dose_mg: Decimal
    steps: tuple[PlannedStep, ...]
    today: date
    policies: tuple[TaperPolicy, ...]
    rationale: Prose | None
    assessment: Prose


class NothingLeft(Refused):
    """There is no step left that has not begun."""


class NotSlower(Invalid):
    """Slowing down makes no step begin earlier than it would have."""


class NotHigher(Invalid):
    """A reversal raises the dose."""


class DoseAboveStart(Invalid):
    """The dose is above the one from which the taper started; that is a new order."""


class TooManySteps(Invalid):
    """A taper has at most so many steps, with those that were taken."""


type Command = ReplanTaper | SlowDown | ReverseTaper


def rest(taper: Taper, command: Command) -> Sequence[TaperEvent]:
    """What becomes of the steps that have not begun."""
    match command:
        case SlowDown():
            check_going(taper)
            return slow_down(taper, command)
        case ReplanTaper():
            return replan(taper, command)
        case ReverseTaper():
            return reverse(taper, command)
        case _:
            assert_never(command)


def slow_down(taper: Taper, command: SlowDown) -> Sequence[TaperEvent]:
    """Every step that has not begun is put off to `step_days` after the one before it; none comes earlier."""
    check_date(taper, command.slowed_on, command.today, "slowed_on")
    kept = taper.begun(command.slowed_on)
    left = taper.steps[kept:]
    if not left:
        raise NothingLeft
    begun_on = taper.steps[kept - 1].effective_on if kept else None
    since = max(command.slowed_on, (begun_on or command.slowed_on) + timedelta(days=command.step_days))
    first = max(since, left[0].starts_on)
    later = [first + timedelta(days=command.step_days * number) for number in range(len(left))]
    if any(on < step.starts_on for on, step in zip(later, left, strict=True)):
        raise NotSlower(field="step_days")
    if (later[-1] - command.today).days > PLANNED_DAYS_MAX:
        raise StepTooFarAhead(field="step_days", days_max=PLANNED_DAYS_MAX)
    return [
        TaperReplanned(
            order_id=order_of(taper),
            medicine=taper.medicine,
            reason=ReplanReason.SLOWED_DOWN,
            replanned_on=command.slowed_on,
            step=kept,
            dose_mg=taper.dose_on(command.slowed_on),
            target_dose_mg=taper.target_dose_mg,
            steps=tuple(PlannedStep(on, step.dose_mg) for on, step in zip(later, left, strict=True)),
            # Later cuts of the same doses: whatever cap they kept they keep.
            policies=(),
            caps_exceeded=(),
            rationale=None,
            note=command.note,
        )
    ]


def replan(taper: Taper, command: ReplanTaper) -> Sequence[TaperEvent]:
    """Downward only from the dose that is in effect, under the caps, with what was taken in their windows."""
    check_not_ended(taper)
    check_date(taper, command.replanned_on, command.today, "replanned_on")
    kept = taper.begun(command.replanned_on)
    dose_mg = taper.dose_on(command.replanned_on)
    check_count(kept + len(command.steps))
    begun_on = taper.steps[kept - 1].effective_on if kept else None
    not_before = max(command.replanned_on, (begun_on or date.min) + timedelta(days=1))
    check_steps(command, dose_mg, not_before, command.today)
    standing = unconfirmed_after(taper, kept)
    return [
        TaperReplanned(
            order_id=order_of(taper),
            medicine=taper.medicine,
            reason=command.reason,
            replanned_on=command.replanned_on,
            step=kept,
            dose_mg=dose_mg,
            target_dose_mg=command.target_dose_mg,
            steps=command.steps,
            policies=tuple(one.used for one in command.policies),
            caps_exceeded=checked(above_caps(command.policies, command.steps, standing.dose_on), command.rationale),
            rationale=command.rationale,
            note=command.note,
        )
    ]


def reverse(taper: Taper, command: ReverseTaper) -> Sequence[TaperEvent]:
    """A dose between the present one and the first; the rest is judged as if that dose had been taken since."""
    check_not_ended(taper)
    check_date(taper, command.reversed_on, command.today, "reversed_on")
    kept = taper.begun(command.reversed_on)
    if command.dose_mg <= taper.dose_on(command.reversed_on):
        raise NotHigher(field="dose_mg")
    if command.dose_mg > taper.start_dose_mg:
        raise DoseAboveStart(field="dose_mg", start_dose_mg=str(taper.start_dose_mg))
    if not command.product.dispensable(command.dose_mg):
        raise orders.DoseNotDispensable(field="dose_mg", product_id=command.product.id)
    check_count(kept + 1 + len(command.steps))
    check_steps(command, command.dose_mg, command.reversed_on + timedelta(days=1), command.today)
    back = PlannedStep(command.reversed_on, command.dose_mg)
    standing = unconfirmed_after(taper, kept)
    cuts = above_caps(command.policies, (back, *command.steps), standing.dose_on)
    return [
        TaperReversed(
            order_id=order_of(taper),
            medicine=taper.medicine,
            reason=command.reason,
            reversed_on=command.reversed_on,
            step=kept + 1,
            dose_mg=command.dose_mg,
            target_dose_mg=command.target_dose_mg,
            steps=command.steps,
            policies=tuple(one.used for one in command.policies),
            caps_exceeded=checked([replace(one, step=one.step - 1) for one in cuts], command.rationale),
            rationale=command.rationale,
            assessment=command.assessment,
        )
    ]


def check_not_ended(taper: Taper) -> None:
    """Raises TaperEnded."""
    if taper.status not in {Status.ACTIVE, Status.HELD}:
        raise TaperEnded


def check_count(steps: int) -> None:
    """Raises TooManySteps."""
    if steps > STEPS_MAX:
        raise TooManySteps(field="steps", steps_max=STEPS_MAX)


def order_of(taper: Taper) -> UUID:
    """The order of a taper that was started."""
    assert taper.order_id is not None
    return taper.order_id
