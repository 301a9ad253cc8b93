"""The time of a session: how long and how far away it may be, and what a patient's booking has to know about it."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Final
from uuid import UUID

from pydantic import Field

from services.scheduling.setting import Setting
from services.scheduling.site_clock import local_date
from shared.events.scheduling import Modality, Place, SessionRescheduled, SessionScheduled
from shared.failures import Invalid, Refused
from shared.units import Instant

LONGEST: Final = timedelta(hours=12)
BACK_ENTRY: Final = timedelta(days=3660)
"""How far back a session may be written into the book, such as from a paper calendar."""
AHEAD: Final = timedelta(days=732)

type Moment = Annotated[
    Instant,
    Field(
        ge=datetime(2000, 1, 1, tzinfo=UTC), le=datetime(2200, 1, 1, tzinfo=UTC), examples=["2026-03-09T18:00:00+01:00"]
    ),
]
"""An instant that every calendar can hold; what is sensible for a session is decided with the clock in hand."""


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
    """A session ends after it starts, within 12 hours, from ten years back to two years ahead."""


class SessionMoved(Refused):
    """The session was rescheduled in the meantime; look at it again."""


class NotYetOver(Invalid):
    """A session is recorded once it is over."""


class BreakTooLong(Invalid):
    """The breaks leave nothing of the session."""


def planned(setting: Setting, group_id: UUID | None, starts_at: datetime, ends_at: datetime, zone: str) -> Slot:
    """The slot of a session at this time; its date is the one on the site's clock (`zone`)."""
    return Slot(
        group_id=group_id,
        modality=setting.modality,
        kind=setting.kind,
        place=setting.place,
        starts_at=starts_at.astimezone(UTC),
        ends_at=ends_at.astimezone(UTC),
        session_on=local_date(zone, starts_at),
        zone=zone,
    )


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


def check_time(
    starts_at: datetime, ends_at: datetime, now: datetime, fields: tuple[str, str] = ("starts_at", "ends_at")
) -> None:
    """`fields` are what the caller calls start and end. Raises SessionTimeImpossible."""
    if not timedelta(0) < ends_at - starts_at <= LONGEST:
        raise SessionTimeImpossible(field=fields[1], hours_max=LONGEST // timedelta(hours=1))
    if not now - BACK_ENTRY <= starts_at <= now + AHEAD:
        raise SessionTimeImpossible(field=fields[0], days_back=BACK_ENTRY.days, days_ahead=AHEAD.days)


def held_minutes(started_at: datetime, ended_at: datetime, break_minutes: int, now: datetime) -> int:
    """How long a session lasted without its breaks, in whole minutes. Raises when that cannot be."""
    check_time(started_at, ended_at, now, ("started_at", "ended_at"))
    if ended_at > now:
        raise NotYetOver(field="ended_at")
    minutes = (ended_at - started_at) // timedelta(minutes=1) - break_minutes
    if minutes < 1:
        raise BreakTooLong(field="break_minutes")
    return minutes
