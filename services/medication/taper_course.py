"""The course of a taper: its steps with the dates that hold today, which have begun, and the dose of any date."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from enum import Enum
from typing import Final, assert_never
from uuid import UUID

from shared.events.medication import (
    TaperCompleted,
    TaperDesign,
    TaperEvent,
    TaperHeld,
    TaperReplanned,
    TaperResumed,
    TaperReversed,
    TaperStarted,
    TaperStepConfirmed,
    TaperStepReopened,
    TaperStepTaken,
    TaperStopped,
)

BACKDATED_DAYS_MAX: Final = 60
"""How far back something about a taper may be dated when it is entered; what was dosed in that time still finds its step."""

PLANNED_DAYS_MAX: Final = 3660
"""How far ahead the last step may be."""

STEPS_MAX: Final = 400
"""Steps of one taper, with those that were taken before it was planned anew."""


class Status(Enum):
    """How far a taper has come."""

    ABSENT = "absent"
    ACTIVE = "active"
    HELD = "held"
    COMPLETED = "completed"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Step:
    """One dose level. `starts_on` is the date that holds today; `effective_on` is set once a prescriber confirmed the step."""

    number: int
    dose_mg: Decimal
    starts_on: date
    effective_on: date | None = None
    taken_on: date | None = None
    taken_by: UUID | None = None


@dataclass(frozen=True)
class Taper:
    """What the next decision and the next dose need to know. `quiet_since` is the latest hold, resumption or new plan."""

    status: Status = Status.ABSENT
    taper_id: UUID | None = None
    patient_id: UUID | None = None
    order_id: UUID | None = None
    medicine: str = ""
    zone: str = "UTC"
    start_dose_mg: Decimal = Decimal(0)
    target_dose_mg: Decimal = Decimal(0)
    steps: tuple[Step, ...] = ()
    quiet_since: date | None = None
    design: TaperDesign | None = None

    def begun(self, on: date) -> int:
        """The number of the step that is in effect on a date; 0 before the first."""
        return max(
            (one.number for one in self.steps if one.effective_on is not None and one.effective_on <= on), default=0
        )

    def dose_on(self, on: date) -> Decimal:
        """The day's dose: a step counts only when it was confirmed; until then the dose before it goes on."""
        number = self.begun(on)
        return self.steps[number - 1].dose_mg if number else self.start_dose_mg

    def next_to_confirm(self) -> Step | None:
        """The first step that no prescriber has confirmed."""
        return next((one for one in self.steps if one.effective_on is None), None)

    def taken_by(self, dose_id: UUID) -> Step | None:
        """The step that counts as taken by this dose."""
        return next((one for one in self.steps if one.taken_by == dose_id), None)


def evolve(taper: Taper, event: TaperEvent) -> Taper:
    """The taper after the event."""
    match event:
        case TaperStarted():
            return started(event)
        case TaperStepConfirmed():
            return confirmed(taper, event)
        case TaperStepTaken():
            return on_step(taper, event.step, lambda one: replace(one, taken_on=event.taken_on, taken_by=event.dose_id))
        case TaperStepReopened():
            status = Status.ACTIVE if taper.status is Status.COMPLETED else taper.status
            reopened = on_step(taper, event.step, lambda one: replace(one, taken_on=None, taken_by=None))
            return replace(reopened, status=status)
        case TaperHeld() | TaperResumed() | TaperCompleted() | TaperStopped():
            return paused(taper, event)
        case TaperReplanned() | TaperReversed():
            return laid_out_anew(taper, event)
        case _:
            assert_never(event)


def started(event: TaperStarted) -> Taper:
    """The steps as they were laid out, none confirmed."""
    return Taper(
        status=Status.ACTIVE,
        taper_id=event.taper_id,
        patient_id=event.patient_id,
        order_id=event.order_id,
        medicine=event.medicine,
        zone=event.zone,
        start_dose_mg=event.start_dose_mg,
        target_dose_mg=event.target_dose_mg,
        steps=tuple(Step(number, one.dose_mg, one.starts_on) for number, one in enumerate(event.steps, start=1)),
        design=event.design,
    )


def confirmed(taper: Taper, event: TaperStepConfirmed) -> Taper:
    """The step begins; if later than planned, all after it move along, so that no step gets shorter."""
    moved = moved_after(taper, event.step, (event.effective_on - event.planned_on).days)
    return on_step(
        moved, event.step, lambda one: replace(one, starts_on=event.effective_on, effective_on=event.effective_on)
    )


def paused(taper: Taper, event: TaperHeld | TaperResumed | TaperCompleted | TaperStopped) -> Taper:
    """The taper waits, goes on, or has ended."""
    match event:
        case TaperHeld():
            return replace(unconfirmed_after(taper, event.step), status=Status.HELD, quiet_since=event.held_on)
        case TaperResumed():
            moved = moved_after(taper, event.step, event.moved_days)
            return replace(moved, status=Status.ACTIVE, quiet_since=event.resumed_on)
        case TaperCompleted():
            return replace(taper, status=Status.COMPLETED)
        case TaperStopped():
            return replace(unconfirmed_after(taper, taper.begun(event.stopped_on)), status=Status.STOPPED)
        case _:
            assert_never(event)


def laid_out_anew(taper: Taper, event: TaperReplanned | TaperReversed) -> Taper:
    """The taper with another rest, none of it confirmed; a reversal is itself a step that has begun."""
    if isinstance(event, TaperReversed):
        since = event.reversed_on
        kept = (*taper.steps[: event.step - 1], Step(event.step, event.dose_mg, since, since))
    else:
        since, kept = event.replanned_on, taper.steps[: event.step]
    rest = (Step(number, one.dose_mg, one.starts_on) for number, one in enumerate(event.steps, start=len(kept) + 1))
    steps = (*kept, *rest)
    return replace(taper, status=Status.ACTIVE, steps=steps, target_dose_mg=event.target_dose_mg, quiet_since=since)


def on_step(taper: Taper, number: int, change: Callable[[Step], Step]) -> Taper:
    """The taper with one step changed."""
    return replace(taper, steps=tuple(change(one) if one.number == number else one for one in taper.steps))


def moved_after(taper: Taper, number: int, days: int) -> Taper:
    """The taper with every step after this one so many whole days later."""
    later = timedelta(days=days)
    return replace(
        taper,
        steps=tuple(
            replace(one, starts_on=one.starts_on + later) if one.number > number else one for one in taper.steps
        ),
    )


def unconfirmed_after(taper: Taper, number: int) -> Taper:
    """The taper in which the steps after this one have lost their confirmation: an older assessment says nothing after a pause."""
    return replace(
        taper,
        steps=tuple(replace(one, effective_on=None) if one.number > number else one for one in taper.steps),
    )
