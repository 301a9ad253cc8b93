"""The figures of a taper schedule, as they are read: steps with dates at the site, what became of each, what is due next."""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

type Facts = dict[str, Any]

MISSED: Final = "missed"
REFUSED: Final = "refused"


class StepStatus(StrEnum):
    """What became of a step; `held` waits with its taper, `dropped` never comes because the taper was stopped."""

    PLANNED = "planned"
    CONFIRMED = "confirmed"
    TAKEN = "taken"
    MISSED = "missed"
    HELD = "held"
    DROPPED = "dropped"


class DecisionKind(StrEnum):
    """What a prescriber has to decide next."""

    CONFIRM_STEP = "confirm_step"
    RESUME_OR_STOP = "resume_or_stop"


@dataclass(frozen=True)
class StepFigure:
    """One step. `planned_on` is the date of the plan that laid it out, `starts_on` the one that holds now, both at the site.

    `effective_on` is set once confirmed. The doses are those dated from there to the next step or the taper's end;
    `deviation_mg` sums what was taken less the step's dose over them, a refused or missed dose counting as nothing taken.
    `event_id` is the event the status stands on.
    """

    number: int
    dose_mg: Decimal
    status: StepStatus
    planned_on: date
    starts_on: date
    moved_days: int
    effective_on: date | None
    tolerance: str | None
    taken_on: date | None
    doses_taken: int
    doses_missed: int
    doses_refused: int
    deviation_mg: Decimal
    event_id: UUID


@dataclass(frozen=True)
class Decision:
    """The next thing a prescriber has to decide, for which step, and by when."""

    kind: DecisionKind
    step: int
    due_on: date


@dataclass(frozen=True)
class TaperFigures:
    """One taper. `deviation_mg` sums what was taken less what the plan of its time had for each dosing date with a record;
    `moved_days` says how much later than it was planned the last step begins. `projected_end_on` is that date;
    of a held taper as if it were resumed on the day of the hold, of an ended one the day it ended.
    """

    taper_id: UUID
    order_id: UUID
    site_id: str
    medicine: str
    zone: str
    status: str
    start_dose_mg: Decimal
    target_dose_mg: Decimal
    steps: list[StepFigure]
    deviation_mg: Decimal
    moved_days: int
    held_on: date | None
    next_decision: Decision | None
    projected_end_on: date
    event_id: UUID


@dataclass(frozen=True)
class Figures:
    """Every taper of one patient, the earliest first."""

    tapers: list[TaperFigures]


@dataclass
class Tally:
    """The doses of one step, counted."""

    taken: int = 0
    missed: int = 0
    refused: int = 0
    taken_mg: Decimal = Decimal(0)
    first_taken: str | None = None

    def count(self, on: str, what: str) -> None:
        """One more dosing date, in rising order."""
        if what == MISSED:
            self.missed += 1
        elif what == REFUSED:
            self.refused += 1
        else:
            self.taken += 1
            self.taken_mg += Decimal(what)
            self.first_taken = self.first_taken or on


def drawn(facts: Facts) -> Figures:
    """The figures of all tapers; pure, and the same for the same facts however they came."""
    tapers = sorted(
        facts.get("tapers", {}).items(), key=lambda one: (one[1].get("first", one[1]["steps"][0]["planned"]), one[0])
    )
    doses = facts.get("doses", {})
    return Figures([_taper(taper_id, taper, doses.get(taper["order"], {})) for taper_id, taper in tapers])


def planned(taper: Facts) -> list[list[str]]:
    """From which date the plan of its time had which dose; a plan that was never laid out anew is its steps."""
    plan: list[list[str]] = taper.get("plan") or [[step["planned"], step["mg"]] for step in taper["steps"]]
    return plan


def _taper(taper_id: str, taper: Facts, doses: Mapping[str, str]) -> TaperFigures:
    steps, ended = taper["steps"], taper.get("ended")
    tallies = [Tally() for _ in steps]
    deviation_mg = Decimal(0)
    plan = planned(taper)
    dates = [on for on, _ in plan]
    # Confirmed steps are the first ones, and their dates rise.
    effective = [step["effective"] for step in steps if "effective" in step]
    for on in sorted(one for one in doses if one >= dates[0] and (ended is None or one <= ended)):
        if number := bisect_right(effective, on):
            tallies[number - 1].count(on, doses[on])
        amount_mg = Decimal(0) if doses[on] in {MISSED, REFUSED} else Decimal(doses[on])
        deviation_mg += amount_mg - Decimal(plan[bisect_right(dates, on) - 1][1])
    figures = [_step(number, taper, tally) for number, tally in enumerate(tallies, start=1)]
    return TaperFigures(
        taper_id=UUID(taper_id),
        order_id=UUID(taper["order"]),
        site_id=taper["site"],
        medicine=taper["medicine"],
        zone=taper["zone"],
        status=taper["status"],
        start_dose_mg=Decimal(taper["start_mg"]),
        target_dose_mg=Decimal(taper["target_mg"]),
        steps=figures,
        deviation_mg=deviation_mg,
        moved_days=figures[-1].moved_days,
        held_on=_date(taper.get("held")),
        next_decision=_decision(taper, len(effective)),
        projected_end_on=date.fromisoformat(ended or steps[-1]["starts"]),
        event_id=UUID(taper["event"]),
    )


def _step(number: int, taper: Facts, tally: Tally) -> StepFigure:
    step = taper["steps"][number - 1]
    starts_on, planned_on = date.fromisoformat(step["starts"]), date.fromisoformat(step["planned"])
    dose_mg = Decimal(step["mg"])
    taken = [one for one in (tally.first_taken, step.get("reported")) if one is not None]
    return StepFigure(
        number=number,
        dose_mg=dose_mg,
        status=_status(taper["status"], step, tally),
        planned_on=planned_on,
        starts_on=starts_on,
        moved_days=(starts_on - planned_on).days,
        effective_on=_date(step.get("effective")),
        tolerance=step.get("tolerance"),
        taken_on=_date(min(taken, default=None)),
        doses_taken=tally.taken,
        doses_missed=tally.missed,
        doses_refused=tally.refused,
        deviation_mg=tally.taken_mg - dose_mg * (tally.taken + tally.missed + tally.refused),
        event_id=UUID(step["event"]),
    )


def _status(taper_status: str, step: Facts, tally: Tally) -> StepStatus:
    if tally.taken or "reported" in step:
        return StepStatus.TAKEN
    if "effective" in step:
        return StepStatus.MISSED if tally.missed or tally.refused else StepStatus.CONFIRMED
    return {"held": StepStatus.HELD, "stopped": StepStatus.DROPPED}.get(taper_status, StepStatus.PLANNED)


def _decision(taper: Facts, confirmed: int) -> Decision | None:
    steps = taper["steps"]
    if taper["status"] == "held":
        return Decision(DecisionKind.RESUME_OR_STOP, min(confirmed + 1, len(steps)), date.fromisoformat(taper["held"]))
    if taper["status"] == "active" and confirmed < len(steps):
        return Decision(DecisionKind.CONFIRM_STEP, confirmed + 1, date.fromisoformat(steps[confirmed]["starts"]))
    return None


def _date(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
