"""The taper schedule computed the slow way: all events again, day by day, with the deciders' own states."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from services.medication import dose as doses
from services.medication import taper as tapers
from services.medication.dose_state import Status as SlotStatus
from services.medication.taper_course import Status, Step, Taper
from shared.event import AnyRecorded
from shared.events.medication import (
    TaperCompleted,
    TaperReplanned,
    TaperReversed,
    TaperStarted,
    TaperStepConfirmed,
    TaperStepTaken,
    TaperStopped,
)

ENDED = {Status.COMPLETED, Status.STOPPED}


def schedule(events: list[AnyRecorded]) -> dict[str, Any]:
    """What the fold should say after these events."""
    started = [one for one in events if isinstance(one.data, TaperStarted)]
    started.sort(key=lambda one: (one.data.steps[0].starts_on, one.subject_id))
    plain: dict[str, Any] = msgspec.to_builtins({"tapers": [taper_of(one, events) for one in started]})
    return plain


def amounts(events: list[AnyRecorded], order_id: UUID) -> dict[date, Decimal | str]:
    """What each dosing date came to, slot by slot."""
    found: dict[date, Decimal | str] = {}
    for stream in {one.stream for one in events if one.stream.startswith("dose-")}:
        story = [one.data for one in events if one.stream == stream]
        if story[0].order_id != order_id:
            continue
        slot = doses.decider.fold(story)
        if slot.administered is not None:
            found[story[0].dosing_on] = slot.administered.dose_mg
        elif slot.status is not SlotStatus.OPEN:
            found[story[0].dosing_on] = slot.status.value
    return found


def ended_on(story: list[AnyRecorded], state: Taper) -> date | None:
    """The day a taper ended, if it has."""
    if state.status not in ENDED:
        return None
    last = [one.data for one in story if isinstance(one.data, TaperCompleted | TaperStopped)][-1]
    return last.completed_on if isinstance(last, TaperCompleted) else last.stopped_on


def plan_by_day(story: list[AnyRecorded], until: date) -> dict[date, Decimal]:
    """What the plan of its time had for each day: a new plan writes over every day from its own on."""
    days: dict[date, Decimal] = {}
    for one in story:
        data = one.data
        if isinstance(data, TaperStarted):
            write(days, [(step.starts_on, step.dose_mg) for step in data.steps], until)
        elif isinstance(data, TaperReplanned | TaperReversed):
            since = data.reversed_on if isinstance(data, TaperReversed) else data.replanned_on
            begun = data.step > 0 or any(day < since for day in days)
            days = {day: dose_mg for day, dose_mg in days.items() if day < since}
            present = [(since, data.dose_mg)] if begun else []
            write(days, [*present, *((step.starts_on, step.dose_mg) for step in data.steps)], until)
    return days


def write(days: dict[date, Decimal], plan: list[tuple[date, Decimal]], until: date) -> None:
    """Day by day, the newest entry that is not after it."""
    for on, dose_mg in plan:
        days.update({on + timedelta(days=number): dose_mg for number in range((until - on).days + 1)})


@dataclass
class StepStory:
    """What was said about one step since it was laid out."""

    planned_on: date
    events: list[AnyRecorded]


def step_stories(story: list[AnyRecorded]) -> list[StepStory]:
    """One for each step of the newest plan; a new plan forgets the steps after the one that it keeps."""
    steps: list[StepStory] = []
    for one in story:
        data = one.data
        if isinstance(data, TaperReplanned):
            del steps[data.step :]
        if isinstance(data, TaperReversed):
            del steps[data.step - 1 :]
            steps.append(StepStory(data.reversed_on, [one]))
        if isinstance(data, TaperStarted | TaperReplanned | TaperReversed):
            steps += [StepStory(step.starts_on, [one]) for step in data.steps]
        confirmed = isinstance(data, TaperStepConfirmed)
        if confirmed or (isinstance(data, TaperStepTaken) and data.dose_id is None):
            steps[data.step - 1].events.append(one)
    return steps


def taper_of(started: AnyRecorded, events: list[AnyRecorded]) -> dict[str, Any]:
    """One taper's figures."""
    story = [one for one in events if one.stream == started.stream]
    state = tapers.decider.fold([one.data for one in story])
    ended = ended_on(story, state)
    all_amounts = amounts(events, started.data.order_id)
    planned = plan_by_day(story, max(all_amounts, default=date.min))
    recorded = {on: what for on, what in all_amounts.items() if on in planned and (ended is None or on <= ended)}
    deviation_mg = sum((mg(what) - planned[on] for on, what in recorded.items()), Decimal(0))
    steps = [step_of(step, told, state, recorded) for step, told in zip(state.steps, step_stories(story), strict=True)]
    held_on = state.quiet_since if state.status is Status.HELD else None
    return {
        "taper_id": started.subject_id,
        "order_id": started.data.order_id,
        "site_id": started.site_id,
        "medicine": started.data.medicine,
        "zone": started.data.zone,
        "status": state.status.value,
        "start_dose_mg": state.start_dose_mg,
        "target_dose_mg": state.target_dose_mg,
        "steps": steps,
        "deviation_mg": deviation_mg,
        "moved_days": steps[-1]["moved_days"],
        "held_on": held_on,
        "next_decision": decision(state, held_on),
        "projected_end_on": ended or state.steps[-1].starts_on,
        "event_id": story[-1].event_id,
    }


def decision(state: Taper, held_on: date | None) -> dict[str, Any] | None:
    """What a prescriber owes the taper."""
    step = state.next_to_confirm()
    if held_on is not None:
        return {"kind": "resume_or_stop", "step": (step or state.steps[-1]).number, "due_on": held_on}
    if state.status is Status.ACTIVE and step is not None:
        return {"kind": "confirm_step", "step": step.number, "due_on": step.starts_on}
    return None


def step_of(step: Step, told: StepStory, state: Taper, recorded: dict[date, Decimal | str]) -> dict[str, Any]:
    """One step's figures, asking the taper for each date which step it belonged to."""
    mine = {on: what for on, what in sorted(recorded.items()) if state.begun(on) == step.number}
    given = [on for on, what in mine.items() if isinstance(what, Decimal)]
    reported = [one.data.taken_on for one in told.events if isinstance(one.data, TaperStepTaken)]
    confirmations = [one.data for one in told.events if isinstance(one.data, TaperStepConfirmed)]
    return {
        "number": step.number,
        "dose_mg": step.dose_mg,
        "status": status(step, state, given, mine, reported),
        "planned_on": told.planned_on,
        "starts_on": step.starts_on,
        "moved_days": (step.starts_on - told.planned_on).days,
        "effective_on": step.effective_on,
        "tolerance": confirmations[-1].tolerance if confirmations and step.effective_on else None,
        "taken_on": min([*given, *reported], default=None),
        "doses_taken": len(given),
        "doses_missed": sum(what == "missed" for what in mine.values()),
        "doses_refused": sum(what == "refused" for what in mine.values()),
        "deviation_mg": sum((mg(what) - step.dose_mg for what in mine.values()), Decimal(0)),
        "event_id": told.events[-1].event_id,
    }


def status(step: Step, state: Taper, given: list[date], mine: dict[date, Any], reported: list[date]) -> str:
    """What became of the step."""
    if given or reported:
        return "taken"
    if step.effective_on is not None:
        return "missed" if mine else "confirmed"
    return {Status.HELD: "held", Status.STOPPED: "dropped"}.get(state.status, "planned")


def mg(what: Decimal | str) -> Decimal:
    """Nothing was taken where a dose was missed or refused."""
    return what if isinstance(what, Decimal) else Decimal(0)


def dates(first: date, days: int) -> list[date]:
    """So many dates in a row."""
    return [first + timedelta(days=index) for index in range(days)]
