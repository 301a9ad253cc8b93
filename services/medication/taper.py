"""A taper brings one patient's dose down, step by step, each confirmed by a prescriber, until it reaches its target."""

from collections.abc import Sequence
from datetime import date
from typing import Final
from uuid import UUID

from services.medication import order as orders
from services.medication.limits import ConfirmationPolicy
from services.medication.taper_course import Status, Step, Taper, evolve
from services.medication.taper_going import DateBeforeStep, DateNotYetReached, TaperEnded, check_date, check_going
from services.medication.taper_rest import Command as RestCommand
from services.medication.taper_rest import rest
from services.medication.taper_start import StartTaper, start
from shared.decider import Decider, command
from shared.events.medication import (
    TakenBasis,
    TaperCompleted,
    TaperEvent,
    TaperHeld,
    TaperHoldReason,
    TaperResumed,
    TaperStepConfirmed,
    TaperStepReopened,
    TaperStepTaken,
    TaperStopped,
    TaperStopReason,
    Tolerance,
)
from shared.failures import NotFound, Refused
from shared.units import Prose


@command
class ConfirmStep:
    """Let the next step begin, after an assessment."""

    step: int
    tolerance: Tolerance
    assessment: Prose
    confirmed_on: date
    today: date
    policy: ConfirmationPolicy


@command
class TakeStep:
    """A dose was given under observation; it may be the first of a step."""

    dose_id: UUID
    dosing_on: date


@command
class ReportStepTaken:
    """The patient took the step's dose elsewhere, or the step is to take nothing."""

    step: int
    taken_on: date
    today: date


@command
class ReopenStep:
    """A dose was voided; it may be the one by which a step counted as taken."""

    dose_id: UUID


@command
class HoldTaper:
    """Stay at today's dose until resumed."""

    reason: TaperHoldReason
    held_on: date
    today: date
    note: Prose | None


@command
class ResumeTaper:
    """Go on; the remaining dates move by the days of the hold."""

    resumed_on: date
    today: date


@command
class StopTaper:
    """End before the target and stay at today's dose. With `if_going` an ended taper is left as it is."""

    reason: TaperStopReason
    stopped_on: date
    today: date
    note: Prose | None = None
    if_going: bool = False


type Command = (
    StartTaper
    | ConfirmStep
    | TakeStep
    | ReportStepTaken
    | ReopenStep
    | HoldTaper
    | ResumeTaper
    | StopTaper
    | RestCommand
)


class TaperNotStarted(NotFound):
    """There is no taper under this id."""


class TaperNotOnHold(Refused):
    """The taper is not held."""


class StepNotNext(Refused):
    """Steps are confirmed one after the other."""


class ConfirmedTooEarly(Refused):
    """The assessment is too far ahead of the step."""


class StepNotConfirmed(Refused):
    """No prescriber has confirmed the step."""


class StepAlreadyTaken(Refused):
    """It is recorded already that the step was taken."""


def decide(
    taper: Taper, command: Command, order: orders.Order | None = None, earlier: Taper | None = None
) -> Sequence[TaperEvent]:
    """What happens on the command. Starting looks at the order and its earlier taper, reopening at the order."""
    if isinstance(command, StartTaper):
        return start(taper, command, order, earlier)
    if taper.order_id is None:
        raise TaperNotStarted
    match command:
        case ConfirmStep():
            return confirm(taper, command)
        case TakeStep():
            return take(taper, command)
        case ReportStepTaken():
            return report(taper, command)
        case ReopenStep():
            return reopen(taper, taper.order_id, command, order)
        case _:
            return pause(taper, taper.order_id, command)


def confirm(taper: Taper, command: ConfirmStep) -> Sequence[TaperEvent]:
    """One step after the other, on an assessment that is not too old when the step begins (facts: 42 CFR 8.12, ASAM)."""
    check_going(taper)
    step = taper.next_to_confirm()
    if step is None or step.number != command.step:
        raise StepNotNext(field="step", next_step=step.number if step else None)
    check_date(taper, command.confirmed_on, command.today, "confirmed_on")
    policy = command.policy
    ahead = step.number - 1 - taper.begun(command.confirmed_on)
    if (step.starts_on - command.confirmed_on).days > policy.confirm_ahead_days_max or ahead >= policy.steps_ahead_max:
        raise ConfirmedTooEarly(
            policy_id=policy.id,
            policy_version=policy.version,
            days_max=policy.confirm_ahead_days_max,
            steps_max=policy.steps_ahead_max,
        )
    assert taper.order_id is not None
    return [
        TaperStepConfirmed(
            order_id=taper.order_id,
            medicine=taper.medicine,
            step=step.number,
            dose_mg=step.dose_mg,
            planned_on=step.starts_on,
            effective_on=max(step.starts_on, command.confirmed_on),
            tolerance=command.tolerance,
            policy_id=policy.id,
            policy_version=policy.version,
            assessment=command.assessment,
        )
    ]


def take(taper: Taper, command: TakeStep) -> Sequence[TaperEvent]:
    """The first dose of a step takes it; every other dose says nothing new."""
    number = taper.begun(command.dosing_on)
    if taper.status is not Status.ACTIVE or number == 0:
        return []
    step = taper.steps[number - 1]
    return [] if step.taken_on is not None else taken(taper, step, command.dosing_on, command.dose_id)


def reopen(taper: Taper, order_id: UUID, command: ReopenStep, order: orders.Order | None) -> Sequence[TaperEvent]:
    """The step is open again, also that of a completed taper, unless the order has gone onto another one since."""
    step = taper.taken_by(command.dose_id)
    if step is None or order is None or order.taper_id != taper.taper_id:
        return []
    return [TaperStepReopened(order_id, step.number, command.dose_id)]


def report(taper: Taper, command: ReportStepTaken) -> Sequence[TaperEvent]:
    """A confirmed step may be taken where nobody observes it."""
    check_going(taper)
    if not 1 <= command.step <= len(taper.steps):
        raise StepNotConfirmed(field="step")
    step = taper.steps[command.step - 1]
    if step.effective_on is None:
        raise StepNotConfirmed(field="step")
    if step.taken_on is not None:
        raise StepAlreadyTaken(field="step", taken_on=step.taken_on.isoformat())
    if command.taken_on > command.today:
        raise DateNotYetReached(field="taken_on")
    if command.taken_on < step.effective_on:
        raise DateBeforeStep(field="taken_on", not_before=step.effective_on.isoformat())
    return taken(taper, step, command.taken_on, None)


def taken(taper: Taper, step: Step, on: date, dose_id: UUID | None) -> Sequence[TaperEvent]:
    """Taking the last step completes the taper."""
    assert taper.order_id is not None
    basis = TakenBasis.REPORTED if dose_id is None else TakenBasis.OBSERVED
    event = TaperStepTaken(taper.order_id, taper.medicine, step.number, step.dose_mg, on, basis, dose_id)
    if step.number < len(taper.steps):
        return [event]
    return [event, TaperCompleted(taper.order_id, taper.medicine, step.dose_mg, on)]


def pause(
    taper: Taper, order_id: UUID, command: HoldTaper | ResumeTaper | StopTaper | RestCommand
) -> Sequence[TaperEvent]:
    """A taper may wait, go on, end where it is, or get another rest; each by whole days at the site."""
    match command:
        case HoldTaper():
            check_going(taper)
            check_date(taper, command.held_on, command.today, "held_on")
            step, dose_mg = taper.begun(command.held_on), taper.dose_on(command.held_on)
            return [
                TaperHeld(order_id, taper.medicine, command.reason, command.held_on, step, dose_mg, command.note),
            ]
        case ResumeTaper():
            if taper.status is not Status.HELD:
                raise TaperNotOnHold
            check_date(taper, command.resumed_on, command.today, "resumed_on")
            assert taper.quiet_since is not None
            moved_days = (command.resumed_on - taper.quiet_since).days
            return [TaperResumed(order_id, command.resumed_on, taper.begun(taper.quiet_since), moved_days)]
        case StopTaper():
            if taper.status not in {Status.ACTIVE, Status.HELD}:
                if command.if_going:
                    return []
                raise TaperEnded
            check_date(taper, command.stopped_on, command.today, "stopped_on")
            dose_mg = taper.dose_on(command.stopped_on)
            return [
                TaperStopped(order_id, taper.medicine, command.reason, dose_mg, command.stopped_on, command.note),
            ]
        case _:
            return rest(taper, command)


decider: Final[Decider[Taper]] = Decider("taper", Taper(), decide, evolve)
