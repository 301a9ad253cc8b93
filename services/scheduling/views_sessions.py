"""What takes place at a site on a day, and how full it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, assert_never
from uuid import UUID

from services.scheduling.shown import shown
from shared.event import AnyRecorded
from shared.events.scheduling import (
    Modality,
    Place,
    SeatGivenBack,
    SeatTaken,
    SessionCancelled,
    SessionCancelReason,
    SessionEvent,
    SessionHeld,
    SessionRescheduled,
    SessionScheduled,
)
from shared.http import Page, QueryDoor
from shared.projector import Write


@dataclass(frozen=True)
class SessionLine:
    """A session on the day sheet: what, when, where, led by whom, how full. No patient is named here."""

    session_id: UUID
    site_id: str
    kind: str
    modality: Modality
    group_id: UUID | None
    group_name: str | None
    topic: str | None
    place: Place
    room_id: UUID | None
    room_name: str | None
    leader_id: UUID
    leader_name: str | None
    co_leader_id: UUID | None
    starts_at: datetime
    ends_at: datetime
    session_on: date
    zone: str
    capacity: int
    seats_taken: int
    status: str
    minutes: int | None
    cancel_reason: SessionCancelReason | None
    version: int
    degraded_since: datetime | None


_LINE: Final = shown(SessionLine)


def writes(recorded: AnyRecorded) -> Sequence[Write]:
    """How an event changes the list of sessions."""
    event: SessionEvent = recorded.data
    session_id, version = UUID(recorded.subject_id), recorded.version
    match event:
        case SessionScheduled():
            return [_scheduled(session_id, event, version)]
        case SessionRescheduled():
            sql = """update view.session set place = $2, room_id = $3, starts_at = $4, ends_at = $5, session_on = $6, version = $7
                     where session_id = $1"""
            when = (event.starts_at, event.ends_at, event.session_on)
            return [Write(sql, (session_id, event.place.value, event.room_id, *when, version))]
        case SeatTaken() | SeatGivenBack():
            sql = "update view.session set seats_taken = seats_taken + $2, version = $3 where session_id = $1"
            return [Write(sql, (session_id, 1 if isinstance(event, SeatTaken) else -1, version))]
        case SessionHeld():
            sql = """update view.session set status = 'held', starts_at = $2, ends_at = $3, minutes = $4, version = $5
                     where session_id = $1"""
            return [Write(sql, (session_id, event.started_at, event.ended_at, event.minutes, version))]
        case SessionCancelled():
            sql = """update view.session set status = 'cancelled', seats_taken = 0, cancel_reason = $2, version = $3
                     where session_id = $1"""
            return [Write(sql, (session_id, event.reason.value, version))]
        case _:
            assert_never(event)


def _scheduled(session_id: UUID, event: SessionScheduled, version: int) -> Write:
    return Write(
        """insert into view.session (session_id, site_id, kind, modality, group_id, topic, place, room_id, leader_id, co_leader_id,
                                     starts_at, ends_at, session_on, zone, capacity, version)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)""",
        (
            session_id,
            event.site_id,
            event.kind,
            event.modality.value,
            event.group_id,
            event.topic,
            event.place.value,
            event.room_id,
            event.leader_id,
            event.co_leader_id,
            event.starts_at,
            event.ends_at,
            event.session_on,
            event.zone,
            event.capacity,
            version,
        ),
    )


_SESSIONS: Final = """
select s.session_id, s.site_id, s.kind, s.modality, s.group_id, g.name as group_name, s.topic, s.place, s.room_id, r.name as room_name,
       s.leader_id, l.short_name as leader_name, s.co_leader_id, s.starts_at, s.ends_at, s.session_on, s.zone, s.capacity,
       s.seats_taken, s.status, s.minutes, s.cancel_reason, s.version, projection.degraded_since(s.session_id::text) as degraded_since
from view.session s
left join view.therapy_group g on g.group_id = s.group_id
left join view.room r on r.room_id = s.room_id
left join view.staff_member l on l.staff_id = s.leader_id
"""


async def one(door: QueryDoor, session_id: UUID) -> SessionLine:
    """One session. Raises NotFound."""
    return _LINE(await door.one(f"{_SESSIONS} where s.session_id = $1", session_id))


async def of_day(door: QueryDoor, site_id: str, on: date) -> Page[SessionLine]:
    """The day sheet of a site: every session on a date of its own clock."""
    page = await door.page(
        f"{_SESSIONS} where s.site_id = $1 and s.session_on = $2", site_id, on, key=("starts_at", "session_id")
    )
    return page.each(_LINE)


async def of_group(door: QueryDoor, group_id: UUID) -> Page[SessionLine]:
    """Every session of a group, the newest first."""
    page = await door.page(
        f"{_SESSIONS} where s.group_id = $1", group_id, key=("starts_at", "session_id"), descending=True
    )
    return page.each(_LINE)
