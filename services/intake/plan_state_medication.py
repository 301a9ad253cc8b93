"""What plan state learns from medication: orders, doses given, refused and missed, tapers, and what is on hold.

A dosing slot is one letter in its week; the last event about the slot decides it, so voids and late entries reach back.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any, Final

from services.intake.plan_state_attendance import monday_of
from services.intake.plan_state_care import Facts, amend
from shared.event import AnyRecorded
from shared.events import medication

SLOT_WEEKS: Final = 53
"""Weeks of dosing slots kept per order; what is older stays in the totals and can no longer be voided here."""

RECENT_DAYS: Final = 28
"""Days, counted back from the newest slot, over which recent adherence is shown."""

RECENT_WEEKS: Final = 6
"""Weeks with slots that are looked at for them: a weekly or monthly dose has few."""

GIVEN, REFUSED, MISSED, EMPTY, OUT_OF_REACH = "g", "r", "m", "-", "x"


def apply(medicine: Facts, recorded: AnyRecorded) -> Facts:
    """The facts with this event of medication taken in; `medicine` itself is left as it was."""
    handler = HANDLERS.get(type(recorded.data))
    return handler(medicine, recorded) if handler else medicine


def _order(**changes: Any) -> Callable[[Facts, AnyRecorded], Facts]:
    def handler(medicine: Facts, recorded: AnyRecorded) -> Facts:
        return amend(medicine, "orders", recorded.subject_id, event=str(recorded.event_id), **changes)

    return handler


def _drafted(medicine: Facts, recorded: AnyRecorded) -> Facts:
    data = recorded.data
    return amend(
        medicine,
        "orders",
        recorded.subject_id,
        status="draft",
        medicine=data.medicine,
        dose_mg=str(data.dose_mg),
        starts_on=data.starts_on.isoformat(),
        ends_on=data.ends_on and data.ends_on.isoformat(),
        every_days=data.rhythm.every_days,
        splits=len(data.split_doses_mg),
        zone=data.zone,
        event=str(recorded.event_id),
    )


def _order_held(medicine: Facts, recorded: AnyRecorded) -> Facts:
    hold = {"reason": recorded.data.reason.value, "since": recorded.data.held_on.isoformat()}
    return amend(medicine, "orders", recorded.subject_id, status="held", hold=hold, event=str(recorded.event_id))


def _put_on_taper(medicine: Facts, recorded: AnyRecorded) -> Facts:
    return amend(medicine, "orders", recorded.subject_id, taper=str(recorded.data.taper_id))


def _slot(letter: str) -> Callable[[Facts, AnyRecorded], Facts]:
    def handler(medicine: Facts, recorded: AnyRecorded) -> Facts:
        data = recorded.data
        order = str(data.order_id)
        doses = medicine.get("doses", {}).get(order, {})
        weeks = doses.get("weeks", {})
        monday = monday_of(data.dosing_on)
        week = weeks.get(monday, {})
        days = list(week.get(str(data.split), EMPTY * 7))
        before, days[data.dosing_on.weekday()] = days[data.dosing_on.weekday()], letter
        known = _within_reach({**weeks, monday: {**week, str(data.split): "".join(days)}})
        if letter == EMPTY and monday not in known:
            before = OUT_OF_REACH
        counts = _counted(doses.get("counts", {}), before, letter)
        return amend(medicine, "doses", order, weeks=known, counts=counts, event=str(recorded.event_id))

    return handler


def _within_reach(weeks: Facts) -> Facts:
    """Slots of weeks out of reach are forgotten; they stay counted."""
    start = (date.fromisoformat(max(weeks)) - timedelta(weeks=SLOT_WEEKS)).isoformat()
    return {monday: week for monday, week in weeks.items() if monday >= start}


def _counted(counts: Facts, before: str, after: str) -> Facts:
    """The slot's letter was `before` and is `after`; a void that found nothing to take back is counted by itself."""
    changed = {**counts, after: counts.get(after, 0) + 1}
    changed[before] = changed.get(before, 0) + (1 if before == OUT_OF_REACH else -1)
    return {one: number for one, number in changed.items() if one != EMPTY}


def _taper_started(medicine: Facts, recorded: AnyRecorded) -> Facts:
    data = recorded.data
    return amend(
        medicine,
        "tapers",
        recorded.subject_id,
        status="active",
        order=str(data.order_id),
        medicine=data.medicine,
        dose_mg=str(data.start_dose_mg),
        target_dose_mg=str(data.target_dose_mg),
        step=0,
        steps=[[step.starts_on.isoformat(), str(step.dose_mg)] for step in data.steps],
        event=str(recorded.event_id),
    )


def _step_confirmed(medicine: Facts, recorded: AnyRecorded) -> Facts:
    data = recorded.data
    return amend(
        medicine,
        "tapers",
        recorded.subject_id,
        step=data.step,
        dose_mg=str(data.dose_mg),
        steps=_moved(medicine, recorded, (data.effective_on - data.planned_on).days),
        event=str(recorded.event_id),
    )


def _taper_held(medicine: Facts, recorded: AnyRecorded) -> Facts:
    data = recorded.data
    hold = {"reason": data.reason.value, "since": data.held_on.isoformat()}
    event = str(recorded.event_id)
    return amend(
        medicine,
        "tapers",
        recorded.subject_id,
        status="held",
        step=data.step,
        dose_mg=str(data.dose_mg),
        hold=hold,
        event=event,
    )


def _taper_resumed(medicine: Facts, recorded: AnyRecorded) -> Facts:
    steps = _moved(medicine, recorded, recorded.data.moved_days)
    event = str(recorded.event_id)
    return amend(medicine, "tapers", recorded.subject_id, status="active", hold=None, steps=steps, event=event)


def _laid_out_anew(medicine: Facts, recorded: AnyRecorded) -> Facts:
    """The steps after the event's own are others; a reversal is itself a step."""
    data = recorded.data
    steps = medicine.get("tapers", {}).get(recorded.subject_id, {}).get("steps", [])
    if isinstance(data, medication.TaperReversed):
        kept = [*steps[: data.step - 1], [data.reversed_on.isoformat(), str(data.dose_mg)]]
    else:
        kept = steps[: data.step]
    return amend(
        medicine,
        "tapers",
        recorded.subject_id,
        status="active",
        hold=None,
        step=data.step,
        dose_mg=str(data.dose_mg),
        target_dose_mg=str(data.target_dose_mg),
        steps=[*kept, *([step.starts_on.isoformat(), str(step.dose_mg)] for step in data.steps)],
        event=str(recorded.event_id),
    )


def _step_reopened(medicine: Facts, recorded: AnyRecorded) -> Facts:
    """The dose that had completed the taper was voided: it goes on. A step that is open again changes no position."""
    taper = medicine.get("tapers", {}).get(recorded.subject_id, {})
    if taper.get("status") != "completed":
        return medicine
    return amend(medicine, "tapers", recorded.subject_id, status="active", event=str(recorded.event_id))


def _moved(medicine: Facts, recorded: AnyRecorded, days: int) -> list[list[str]]:
    """The steps after the event's own, that many days later; a step that begins late moves all that follow."""
    steps: list[list[str]] = medicine.get("tapers", {}).get(recorded.subject_id, {}).get("steps", [])
    if days <= 0:
        return steps
    return [
        [(date.fromisoformat(on) + timedelta(days=days)).isoformat(), dose]
        if number > recorded.data.step
        else [on, dose]
        for number, (on, dose) in enumerate(steps, start=1)
    ]


def _taper_over(status: str) -> Callable[[Facts, AnyRecorded], Facts]:
    def handler(medicine: Facts, recorded: AnyRecorded) -> Facts:
        dose, event = str(recorded.data.dose_mg), str(recorded.event_id)
        return amend(medicine, "tapers", recorded.subject_id, status=status, dose_mg=dose, hold=None, event=event)

    return handler


HANDLERS: Final[Mapping[type, Callable[[Facts, AnyRecorded], Facts]]] = {
    medication.OrderDrafted: _drafted,
    medication.OrderSigned: _order(status="signed"),
    medication.OrderPutOnTaper: _put_on_taper,
    medication.OrderHeld: _order_held,
    medication.OrderResumed: _order(status="signed", hold=None),
    medication.OrderDiscontinued: _order(status="discontinued", hold=None),
    medication.DoseAdministered: _slot(GIVEN),
    medication.DoseRefused: _slot(REFUSED),
    medication.DoseMissed: _slot(MISSED),
    medication.DoseVoided: _slot(EMPTY),
    medication.TaperStarted: _taper_started,
    medication.TaperStepConfirmed: _step_confirmed,
    medication.TaperHeld: _taper_held,
    medication.TaperResumed: _taper_resumed,
    medication.TaperReplanned: _laid_out_anew,
    medication.TaperReversed: _laid_out_anew,
    medication.TaperStepReopened: _step_reopened,
    medication.TaperCompleted: _taper_over("completed"),
    medication.TaperStopped: _taper_over("stopped"),
}


def figures(medicine: Facts) -> Facts:
    """Orders with their adherence, tapers with their position, and everything that is on hold."""
    orders = sorted(medicine.get("orders", {}).items())
    tapers = sorted(medicine.get("tapers", {}).items())
    doses = medicine.get("doses", {})
    return {
        "medication": [_order_figures(order_id, order, doses.get(order_id, {})) for order_id, order in orders],
        "tapers": [_taper_figures(taper_id, taper) for taper_id, taper in tapers],
        "holds": [
            {"kind": kind, "id": key, **one["hold"], "event_id": one["event"]}
            for kind, facts in (("order", orders), ("taper", tapers))
            for key, one in facts
            if one.get("status") == "held" and one.get("hold")
        ],
    }


def _order_figures(order_id: str, order: Facts, doses: Facts) -> Facts:
    names = ("status", "medicine", "dose_mg", "starts_on", "ends_on", "every_days", "splits", "zone", "taper")
    recent = _recent_days(doses.get("weeks", {}))
    return {
        "order_id": order_id,
        **{name: order.get(name) for name in names},
        "event_id": order.get("event"),
        "adherence": {
            "all": _adherence(doses.get("counts", {})),
            "recent": _adherence(Counter("".join(recent.values()))),
            "recent_days": RECENT_DAYS,
            "last_slot_on": max(recent, default=None),
            "voids_out_of_reach": doses.get("counts", {}).get(OUT_OF_REACH, 0),
            "event_id": doses.get("event"),
        },
    }


def _recent_days(weeks: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Date to the letters of its splits, for the newest `RECENT_DAYS` days up to the last with a slot."""
    days: dict[str, str] = {}
    for monday in sorted(weeks)[-RECENT_WEEKS:]:
        first = date.fromisoformat(monday)
        for number in range(7):
            letters = "".join(letters[number] for letters in weeks[monday].values()).replace(EMPTY, "")
            if letters:
                days[(first + timedelta(days=number)).isoformat()] = letters
    start = (date.fromisoformat(max(days)) - timedelta(days=RECENT_DAYS - 1)).isoformat() if days else ""
    return {on: letters for on, letters in days.items() if on >= start}


def _adherence(counts: Mapping[str, int]) -> Facts:
    given, refused, missed = (counts.get(letter, 0) for letter in (GIVEN, REFUSED, MISSED))
    due = given + refused + missed
    return {
        "given": given,
        "refused": refused,
        "missed": missed,
        "rate": round(given / due, 3) if due else None,
    }


def _taper_figures(taper_id: str, taper: Facts) -> Facts:
    step, steps = taper.get("step", 0), taper.get("steps", [])
    following = steps[step] if step < len(steps) and taper.get("status") in ("active", "held") else None
    return {
        "taper_id": taper_id,
        "order_id": taper.get("order"),
        "medicine": taper.get("medicine"),
        "status": taper.get("status"),
        "dose_mg": taper.get("dose_mg"),
        "target_dose_mg": taper.get("target_dose_mg"),
        "step": step,
        "steps": len(steps),
        "next_step": following and {"starts_on": following[0], "dose_mg": following[1]},
        "event_id": taper.get("event"),
    }
