"""The taper schedule is where each taper of a patient stands, folded from medication's events.

The facts are each taper's steps and pauses and, per order and dosing date, what became of the dose; everything that is
shown is drawn from them anew, so that a late entry or a void changes exactly what it should.
"""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any, Final

import msgspec

from services.medication.taper_course import BACKDATED_DAYS_MAX
from services.medication.taper_figures import MISSED, REFUSED, drawn, planned
from shared.event import AnyRecorded
from shared.events import medication

type Facts = dict[str, Any]
type Handler = Callable[[Facts, AnyRecorded], Facts]


def apply(facts: Facts, recorded: AnyRecorded) -> Facts:
    """The facts with this event taken in; `facts` itself is left as it was."""
    handler = HANDLERS.get(type(recorded.data))
    return handler(facts, recorded) if handler else facts


def figures(facts: Facts) -> dict[str, Any]:
    """What a reader is shown; nothing here reads the clock."""
    plain: dict[str, Any] = msgspec.to_builtins(drawn(facts))
    return plain


def _started(facts: Facts, recorded: AnyRecorded) -> Facts:
    data: medication.TaperStarted = recorded.data
    taper = {
        "order": str(data.order_id),
        "site": recorded.site_id,
        "medicine": data.medicine,
        "zone": data.zone,
        "status": "active",
        "start_mg": str(data.start_dose_mg),
        "target_mg": str(data.target_dose_mg),
        "steps": [_planned_step(step, recorded) for step in data.steps],
        "event": str(recorded.event_id),
    }
    # What was dosed just before the first step stays known: a new plan may begin earlier than the first one.
    return {**facts, "tapers": {**facts.get("tapers", {}), recorded.subject_id: taper}}


def _planned_step(step: medication.PlannedStep, recorded: AnyRecorded) -> Facts:
    on = step.starts_on.isoformat()
    return {"mg": str(step.dose_mg), "planned": on, "starts": on, "event": str(recorded.event_id)}


def _tapered(facts: Facts) -> set[str]:
    """The orders that have, or had, a taper."""
    return {taper["order"] for taper in facts.get("tapers", {}).values()}


def _confirmed(facts: Facts, recorded: AnyRecorded) -> Facts:
    data: medication.TaperStepConfirmed = recorded.data
    effective_on = data.effective_on.isoformat()
    moved = _moved(_steps(facts, recorded), data.step, (data.effective_on - data.planned_on).days)
    change = {"starts": effective_on, "effective": effective_on, "tolerance": data.tolerance.value}
    return _with(facts, recorded, steps=_on_step(moved, data.step, recorded, change))


def _taken(facts: Facts, recorded: AnyRecorded) -> Facts:
    """Observed doses speak for themselves; only what was reported is a fact of its own."""
    data: medication.TaperStepTaken = recorded.data
    if data.dose_id is not None:
        return _with(facts, recorded)
    change = {"reported": data.taken_on.isoformat()}
    return _with(facts, recorded, steps=_on_step(_steps(facts, recorded), data.step, recorded, change))


def _reopened(facts: Facts, recorded: AnyRecorded) -> Facts:
    """The void itself took the dose away; a taper that it had completed goes on."""
    taper = facts["tapers"][recorded.subject_id]
    if taper["status"] != "completed":
        return _with(facts, recorded)
    return _with(facts, recorded, status="active", ended=None)


def _held(facts: Facts, recorded: AnyRecorded) -> Facts:
    data: medication.TaperHeld = recorded.data
    steps = _unconfirmed(_steps(facts, recorded), data.step)
    return _with(facts, recorded, status="held", held=data.held_on.isoformat(), steps=steps)


def _resumed(facts: Facts, recorded: AnyRecorded) -> Facts:
    data: medication.TaperResumed = recorded.data
    steps = _moved(_steps(facts, recorded), data.step, data.moved_days)
    return _with(facts, recorded, status="active", held=None, steps=steps)


def _completed(facts: Facts, recorded: AnyRecorded) -> Facts:
    return _with(facts, recorded, status="completed", ended=recorded.data.completed_on.isoformat())


def _stopped(facts: Facts, recorded: AnyRecorded) -> Facts:
    stopped_on = recorded.data.stopped_on.isoformat()
    steps = _steps(facts, recorded)
    begun = sum("effective" in step and step["effective"] <= stopped_on for step in steps)
    return _with(facts, recorded, status="stopped", ended=stopped_on, held=None, steps=_unconfirmed(steps, begun))


def _replanned(facts: Facts, recorded: AnyRecorded) -> Facts:
    data: medication.TaperReplanned = recorded.data
    kept = _steps(facts, recorded)[: data.step]
    return _laid_out_anew(facts, recorded, kept, data.replanned_on.isoformat(), str(data.dose_mg))


def _reversed(facts: Facts, recorded: AnyRecorded) -> Facts:
    data: medication.TaperReversed = recorded.data
    on = data.reversed_on.isoformat()
    back = _planned_step(medication.PlannedStep(data.reversed_on, data.dose_mg), recorded) | {"effective": on}
    kept = [*_steps(facts, recorded)[: data.step - 1], back]
    return _laid_out_anew(facts, recorded, kept, on, str(data.dose_mg))


def _laid_out_anew(facts: Facts, recorded: AnyRecorded, kept: list[Facts], on: str, dose_mg: str) -> Facts:
    """Another rest; `plan` keeps what the plan of its time had for every date, for the deviation from it."""
    data: medication.TaperReplanned | medication.TaperReversed = recorded.data
    steps = [_planned_step(step, recorded) for step in data.steps]
    before = planned(facts["tapers"][recorded.subject_id])
    past = [entry for entry in before if entry[0] < on]
    present = [[on, dose_mg]] if past or kept else []
    return _with(
        facts,
        recorded,
        status="active",
        held=None,
        target_mg=str(data.target_dose_mg),
        steps=[*kept, *steps],
        plan=[*past, *present, *([step["planned"], step["mg"]] for step in steps)],
        first=facts["tapers"][recorded.subject_id].get("first", before[0][0]),
    )


def _steps(facts: Facts, recorded: AnyRecorded) -> list[Facts]:
    steps: list[Facts] = facts["tapers"][recorded.subject_id]["steps"]
    return steps


def _with(facts: Facts, recorded: AnyRecorded, **changes: Any) -> Facts:
    """The facts with some of the taper's entries replaced."""
    taper = {**facts["tapers"][recorded.subject_id], "event": str(recorded.event_id), **changes}
    return {**facts, "tapers": {**facts["tapers"], recorded.subject_id: taper}}


def _on_step(steps: list[Facts], number: int, recorded: AnyRecorded, change: Facts) -> list[Facts]:
    """The steps with one changed."""
    changed = {**steps[number - 1], **change, "event": str(recorded.event_id)}
    return [*steps[: number - 1], changed, *steps[number:]]


def _moved(steps: list[Facts], number: int, days: int) -> list[Facts]:
    """The steps after this one that many days later."""
    later = timedelta(days=days)
    return [
        *steps[:number],
        *({**step, "starts": (date.fromisoformat(step["starts"]) + later).isoformat()} for step in steps[number:]),
    ]


def _unconfirmed(steps: list[Facts], number: int) -> list[Facts]:
    """The steps after this one without their confirmations."""
    return [
        *steps[:number],
        *(
            {key: fact for key, fact in step.items() if key not in {"effective", "tolerance"}}
            for step in steps[number:]
        ),
    ]


def _dose(what: Callable[[Any], str | None]) -> Handler:
    """What became of the dose of a date; None when it is to be forgotten."""

    def handler(facts: Facts, recorded: AnyRecorded) -> Facts:
        data = recorded.data
        if data.split != 1:
            return facts  # a day in parts is never tapered
        order, on, became = str(data.order_id), data.dosing_on.isoformat(), what(data)
        known = dict(facts.get("doses", {}).get(order, {}))
        if became is None:
            known.pop(on, None)
        else:
            known[on] = became
        if order not in _tapered(facts):
            known = _within_reach(known)
        return {**facts, "doses": {**facts.get("doses", {}), order: known}}

    return handler


def _within_reach(doses: Facts) -> Facts:
    """While an order has no taper, only the dates are kept that the first step of one could still reach back to."""
    if not doses:
        return doses
    since = (date.fromisoformat(max(doses)) - timedelta(days=BACKDATED_DAYS_MAX + 1)).isoformat()
    return {on: what for on, what in doses.items() if on >= since}


def _order_over(facts: Facts, recorded: AnyRecorded) -> Facts:
    """No taper can come any more for an order that had none."""
    if recorded.subject_id in _tapered(facts) or recorded.subject_id not in facts.get("doses", {}):
        return facts
    return {**facts, "doses": {order: known for order, known in facts["doses"].items() if order != recorded.subject_id}}


HANDLERS: Final[Mapping[type, Handler]] = {
    medication.TaperStarted: _started,
    medication.TaperStepConfirmed: _confirmed,
    medication.TaperStepTaken: _taken,
    medication.TaperStepReopened: _reopened,
    medication.TaperHeld: _held,
    medication.TaperResumed: _resumed,
    medication.TaperReplanned: _replanned,
    medication.TaperReversed: _reversed,
    medication.TaperCompleted: _completed,
    medication.TaperStopped: _stopped,
    medication.DoseAdministered: _dose(lambda data: str(data.dose_mg)),
    medication.DoseRefused: _dose(lambda _: REFUSED),
    medication.DoseMissed: _dose(lambda _: MISSED),
    medication.DoseVoided: _dose(lambda _: None),
    medication.OrderDiscontinued: _order_over,
}
