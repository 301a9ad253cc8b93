"""The time of a session: how long and how far away it may be, and what a patient's booking has to know about it."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from shared.events.scheduling import Modality, Place, SessionRescheduled, SessionScheduled
from shared.failures import Invalid, Refused

LONGEST: Final = timedelta(hours=12)
BACK_ENTRY: Final = timedelta(days=366)
AHEAD: Final = timedelta(days=732)


@dataclass(frozen=True)
class Slot:
    """What a patient's booking has to know about the session."""

    group_id: UUID | None
    modality: Modality
    kind: str
    place: Place
    starts_at: datetime
    ends_at: datetime
    session_on: date
    zone: str


class SessionTimeImpossible(Invalid):
    """A session ends after it starts, within 12 hours, from a year back to two years ahead."""


class SessionMoved(Refused):
    """The session was rescheduled in the meantime; look at it again."""


class NotYetOver(Invalid):
    """A session is recorded once it is over."""


class BreakTooLong(Invalid):
    """The breaks leave nothing of the session."""


def slot_of(event: SessionScheduled) -> Slot:
    """The slot that a session was given first."""
    return Slot(
        group_id=event.group_id,
        modality=event.modality,
        kind=event.kind,
        place=event.place,
        starts_at=event.starts_at,
        ends_at=event.ends_at,
        session_on=event.session_on,
        zone=event.zone,
    )


def moved(slot: Slot, event: SessionRescheduled) -> Slot:
    """The slot after the session was given another time or place."""
    return replace(
        slot, place=event.place, starts_at=event.starts_at, ends_at=event.ends_at, session_on=event.session_on
    )


def check_time(starts_at: datetime, ends_at: datetime, now: datetime) -> None:
    """Raises SessionTimeImpossible."""
    if not timedelta(0) < ends_at - starts_at <= LONGEST:
        raise SessionTimeImpossible(field="ends_at", hours_max=LONGEST // timedelta(hours=1))
    if not now - BACK_ENTRY <= starts_at <= now + AHEAD:
        raise SessionTimeImpossible(field="starts_at", days_back=BACK_ENTRY.days, days_ahead=AHEAD.days)


def held_minutes(started_at: datetime, ended_at: datetime, break_minutes: int, now: datetime) -> int:
    """How long a session lasted without its breaks, in whole minutes. Raises when that cannot be."""
    check_time(started_at, ended_at, now)
    if ended_at > now:
        raise NotYetOver(field="ended_at")
    minutes = (ended_at - started_at) // timedelta(minutes=1) - break_minutes
    if minutes < 1:
        raise BreakTooLong(field="break_minutes")
    return minutes
