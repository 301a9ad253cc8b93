"""Plan state on a day: this week's hours against the plan, what is expected today and what is missing."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Final

from services.intake.plan_state_attendance import monday_of

type Figures = Mapping[str, Any]
type Missing = dict[str, Any]

MISSING_BY_PHASE: Final = {
    "registered": "evaluation",
    "in_evaluation": "signature of the evaluation",
    "evaluated": "admission",
    "withdrawal_management": "withdrawal management",
    "planning": "signed plan",
}
"""What the phase itself waits for."""


def on_day(figures: Figures, today: date) -> dict[str, Any]:
    """What the figures say on `today`, the date at the patient's site."""
    return {
        "on": today.isoformat(),
        "this_week": this_week(figures, today),
        "expected": [one for one in figures.get("bookings", ()) if one["session_on"] == today.isoformat()],
        "missing": list(missing(figures, today)),
    }


def this_week(figures: Figures, today: date) -> dict[str, Any]:
    """Minutes that count, from Monday to Sunday, against those that the plan prescribes."""
    monday = monday_of(today)
    counted = figures.get("weeks", {}).get(monday, {}).get("counted_minutes", 0)
    prescribed = figures["plan"]["counted_minutes_per_week"]
    return {
        "monday": monday,
        "counted_minutes": counted,
        "prescribed_minutes": prescribed,
        "remaining_minutes": max(prescribed - counted, 0),
        "event_id": figures.get("weeks", {}).get(monday, {}).get("event_id"),
    }


def missing(figures: Figures, today: date) -> Iterator[Missing]:
    """Everything that somebody should have done by now, with the event that says so."""
    if figures["phase"] in MISSING_BY_PHASE:
        yield {"what": MISSING_BY_PHASE[figures["phase"]], "since": None, "event_id": None}
    for sign in figures["danger_signs"]:
        yield {"what": f"answer to {sign['sign']}", "since": None, "event_id": sign["event_id"]}
    review = figures["plan"]["next_review"]
    if figures["phase"] == "in_treatment" and review["on"] and review["on"] <= today.isoformat():
        yield {"what": "review of the plan", "since": review["on"], "event_id": review["event_id"]}
    for booking in figures.get("bookings", ()):
        if booking["session_on"] < today.isoformat():
            yield {"what": "attendance", "since": booking["session_on"], "event_id": booking["event_id"]}
    for order in figures.get("medication", ()):
        if due(order, today) and (order["adherence"]["last_slot_on"] or "") < today.isoformat():
            yield {"what": f"dose of {order['medicine']}", "since": today.isoformat(), "event_id": order["event_id"]}


def due(order: Mapping[str, Any], today: date) -> bool:
    """Whether a dose falls on this day by the order's rhythm."""
    if order["status"] != "signed" or not order["starts_on"]:
        return False
    days = (today - date.fromisoformat(order["starts_on"])).days
    if days < 0 or (order["ends_on"] and today.isoformat() > order["ends_on"]):
        return False
    return days % (order["every_days"] or 1) == 0
