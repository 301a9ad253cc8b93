"""The calendar of a room, a staff member or a patient on one UTC day: no two sessions at the same time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Final, assert_never
from uuid import UUID

from shared.decider import Decider, command
from shared.events.scheduling import CalendarEvent, TimeReleased, TimeReserved
from shared.failures import Refused

RESERVATIONS_MAX: Final = 200


class Owner(StrEnum):
    """Whose calendar it is."""

    ROOM = "room"
    STAFF = "staff"
    PATIENT = "patient"


@dataclass(frozen=True)
class Calendar:
    """Who has which time: start and end by session. An end is not part of its time."""

    reserved: Mapping[UUID, tuple[datetime, datetime]] = field(default_factory=dict)


@command
class Reserve:
    """Take a time for a session, in place of what it had on this day; `where` is the owner's place in the request."""

    owner: Owner
    session_id: UUID
    starts_at: datetime
    ends_at: datetime
    where: str | None = None


@command
class Release:
    """Give a session's time back; does nothing when it has none on this day."""

    session_id: UUID


type Command = Reserve | Release


class RoomTaken(Refused):
    """Another session has the room at this time."""


class LeaderTaken(Refused):
    """A leader of this session is in another one at this time."""


class PatientTaken(Refused):
    """A patient is in another session at this time."""


class CalendarFull(Refused):
    """There are as many sessions on this day as can be kept."""


def evolve(calendar: Calendar, event: CalendarEvent) -> Calendar:
    """The calendar after the event."""
    others = {one: when for one, when in calendar.reserved.items() if one != event.session_id}
    match event:
        case TimeReserved():
            return Calendar({**others, event.session_id: (event.starts_at, event.ends_at)})
        case TimeReleased():
            return Calendar(others)
        case _:
            assert_never(event)


def decide(calendar: Calendar, command: Command) -> Sequence[CalendarEvent]:
    """What happens on the command, or who has the time already."""
    match command:
        case Reserve():
            return reserve(calendar, command)
        case Release():
            return [TimeReleased(command.session_id)] if command.session_id in calendar.reserved else []
        case _:
            assert_never(command)


def reserve(calendar: Calendar, command: Reserve) -> Sequence[CalendarEvent]:
    """A patient's or leader's other session may be at another site, which is not told; a room's is at the same."""
    wanted = (command.starts_at, command.ends_at)
    if calendar.reserved.get(command.session_id) == wanted:
        return []
    for session_id, (starts_at, ends_at) in calendar.reserved.items():
        if session_id != command.session_id and starts_at < command.ends_at and command.starts_at < ends_at:
            raise taken(command, session_id)
    if len(calendar.reserved) >= RESERVATIONS_MAX:
        raise CalendarFull(reservations_max=RESERVATIONS_MAX)
    return [TimeReserved(command.session_id, *wanted)]


def taken(command: Reserve, session_id: UUID) -> Refused:
    """The refusal that says who is busy."""
    match command.owner:
        case Owner.ROOM:
            return RoomTaken(field=command.where, session_id=str(session_id))
        case Owner.STAFF:
            return LeaderTaken(field=command.where)
        case Owner.PATIENT:
            return PatientTaken(field=command.where)
        case _:
            assert_never(command.owner)


def days(starts_at: datetime, ends_at: datetime) -> Sequence[date]:
    """The UTC days that a time touches: the same instants fall on the same days whatever the sites' zones are."""
    first, last = starts_at.astimezone(UTC).date(), (ends_at.astimezone(UTC) - timedelta(microseconds=1)).date()
    return [first + timedelta(n) for n in range((last - first).days + 1)]


def stream_id(owner: Owner, owner_id: UUID, on: date) -> str:
    """The calendar's own id: whose it is and on which UTC day."""
    return f"{owner}.{owner_id}.{on.isoformat()}"


decider: Final[Decider[Calendar]] = Decider("calendar", Calendar(), decide, evolve)
