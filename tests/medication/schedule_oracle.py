"""The taper schedule computed the slow way: all events again, day by day, with the deciders' own states."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from services.medication import dose as doses
from services.medication import taper as tapers
from services.medication.taper_course import Status, Step, Taper
from shared.event import AnyRecorded
from shared.events.medication import TaperCompleted, TaperStarted, TaperStepConfirmed, TaperStepTaken, TaperStopped

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
        elif slot.status is not doses.Status.OPEN:
            found[story[0].dosing_on] = slot.status.value
    return found


def ended_on(story: list[AnyRecorded], state: Taper) -> date | None:
    """The day a taper ended, if it has."""
    if state.status not in ENDED:
        return None
    last = [one.data for one in story if isinstance(one.data, TaperCompleted | TaperStopped)][-1]
    return last.completed_on if isinstance(last, TaperCompleted) else last.stopped_on


def taper_of(started: AnyRecorded, events: list[AnyRecorded]) -> dict[str, Any]:
    """One taper's figures."""
    story = [one for one in events if one.stream == started.stream]
    state = tapers.decider.fold([one.data for one in story])
    plan = started.data.steps
    ended = ended_on(story, state)
    recorded = {
        on: what
        for on, what in amounts(events, started.data.order_id).items()
        if on >= plan[0].starts_on and (ended is None or on <= ended)
    }
    deviation_mg = sum(
        (mg(what) - [step.dose_mg for step in plan if step.starts_on <= on][-1] for on, what in recorded.items()),
        Decimal(0),
    )
    steps = [step_of(step, started, story, state, recorded) for step in state.steps]
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


def step_of(
    step: Step, started: AnyRecorded, story: list[AnyRecorded], state: Taper, recorded: dict[date, Decimal | str]
) -> dict[str, Any]:
    """One step's figures, asking the taper for each date which step it belonged to."""
    mine = {on: what for on, what in sorted(recorded.items()) if state.begun(on) == step.number}
    given = [on for on, what in mine.items() if isinstance(what, Decimal)]
    about = [one for one in story if getattr(one.data, "step", None) == step.number]
    reported = [one.data.taken_on for one in about if isinstance(one.data, TaperStepTaken) and one.data.dose_id is None]
    confirmations = [one for one in about if isinstance(one.data, TaperStepConfirmed)]
    planned_on = started.data.steps[step.number - 1].starts_on
    own = [
        one
        for one in about
        if isinstance(one.data, TaperStepConfirmed)
        or (isinstance(one.data, TaperStepTaken) and one.data.dose_id is None)
    ]
    return {
        "number": step.number,
        "dose_mg": step.dose_mg,
        "status": status(step, state, given, mine, reported),
        "planned_on": planned_on,
        "starts_on": step.starts_on,
        "moved_days": (step.starts_on - planned_on).days,
        "effective_on": step.effective_on,
        "tolerance": confirmations[-1].data.tolerance if step.effective_on else None,
        "taken_on": min([*given, *reported], default=None),
        "doses_taken": len(given),
        "doses_missed": sum(what == "missed" for what in mine.values()),
        "doses_refused": sum(what == "refused" for what in mine.values()),
        "deviation_mg": sum((mg(what) - step.dose_mg for what in mine.values()), Decimal(0)),
        "event_id": own[-1].event_id if own else started.event_id,
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
