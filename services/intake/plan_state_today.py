"""Plan state on a day: this week's hours against the plan, what is expected today and what is missing."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from services.intake.plan_state_figures import BookingFigure, EventId, Figures, OrderFigure, WeekFigure

MISSING_BY_PHASE: Final = {
    "registered": "evaluation",
    "in_evaluation": "signature of the evaluation",
    "evaluated": "admission",
    "withdrawal_management": "withdrawal management",
    "planning": "signed plan",
}
"""What the phase itself waits for."""


@dataclass(frozen=True)
class ThisWeek:
    """Minutes that count, from Monday to Sunday, against those that the plan prescribes."""

    monday: date
    counted_minutes: int
    prescribed_minutes: int
    remaining_minutes: int
    event_id: EventId


@dataclass(frozen=True)
class Missing:
    """Something that should have been done by now, since when, and the event that says so."""

    what: str
    since: date | None
    event_id: EventId


@dataclass(frozen=True)
class Day:
    """What the figures mean on one day at the patient's site."""

    on: date
    this_week: ThisWeek
    expected: list[BookingFigure]
    missing: list[Missing]


def on_day(figures: Figures, today: date) -> Day:
    """What the figures say on `today`, the date at the patient's site."""
    return Day(
        on=today,
        this_week=this_week(figures, today),
        expected=[one for one in figures.bookings if one.session_on == today],
        missing=list(missing(figures, today)),
    )


def this_week(figures: Figures, today: date) -> ThisWeek:
    """The week that `today` is in."""
    monday = today - timedelta(days=today.weekday())
    week = figures.weeks.get(monday, WeekFigure())
    prescribed = figures.plan.counted_minutes_per_week
    remaining = max(prescribed - week.counted_minutes, 0)
    return ThisWeek(monday, week.counted_minutes, prescribed, remaining, week.event_id)


def missing(figures: Figures, today: date) -> Iterator[Missing]:
    """In the order of where it comes from: care, danger, plan, sessions, doses."""
    if figures.phase in MISSING_BY_PHASE:
        yield Missing(MISSING_BY_PHASE[figures.phase], None, None)
    for sign in figures.danger_signs:
        yield Missing(f"answer to {sign.sign}", None, sign.event_id)
    review = figures.plan.next_review
    if figures.phase == "in_treatment" and review.on and review.on <= today:
        yield Missing("review of the plan", review.on, review.event_id)
    for booking in figures.bookings:
        if booking.session_on < today:
            yield Missing("attendance", booking.session_on, booking.event_id)
    for order in figures.medication:
        if due(order, today) and (order.adherence.last_slot_on or date.min) < today:
            yield Missing(f"dose of {order.medicine}", today, order.event_id)


def due(order: OrderFigure, today: date) -> bool:
    """Whether a dose falls on this day by the order's rhythm."""
    if order.status != "signed" or order.starts_on is None:
        return False
    days = (today - order.starts_on).days
    if days < 0 or (order.ends_on and today > order.ends_on):
        return False
    return days % (order.every_days or 1) == 0
