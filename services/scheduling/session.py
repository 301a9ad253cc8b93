"""A session is one meeting of a group or one appointment: scheduled, its seats taken, held or cancelled."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC
from enum import Enum
from typing import Annotated, Final, assert_never
from uuid import UUID

from pydantic import Field

from services.scheduling import group as groups
from services.scheduling.group import Group
from services.scheduling.seats import Seats, check_seated, check_sheet, give_back, take
from services.scheduling.setting import Setting, check_setting, setting_from
from services.scheduling.site import Site, check_open
from services.scheduling.slot import SessionMoved, Slot, check_time, held_minutes, moved, planned, slot_of
from shared.decider import Decider, command
from shared.events.scheduling import (
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
from shared.failures import NotFound, Refused
from shared.units import Instant, Minutes, Name

PATIENTS_AT_ONCE_MAX: Final = 50
"""How many patients one request may book or record: all of them are one transaction."""

type Patients = Annotated[tuple[UUID, ...], Field(min_length=1, max_length=PATIENTS_AT_ONCE_MAX)]


class Status(Enum):
    """How far the session has come."""

    ABSENT = "absent"
    SCHEDULED = "scheduled"
    HELD = "held"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Session:
    """What later decisions look at; `minutes` (without breaks) and `ended_at` once the session is held."""

    status: Status = Status.ABSENT
    site_id: str = ""
    setting: Setting | None = None
    slot: Slot | None = None
    seats: Seats = field(default_factory=Seats)
    minutes: int = 0
    ended_at: Instant | None = None


@command
class Schedule:
    """Give a session a time, a place and leaders, and seats to the patients named."""

    site_id: str
    setting: Setting
    starts_at: Instant
    ends_at: Instant
    now: Instant
    group_id: UUID | None = None
    topic: Name | None = None
    patient_ids: tuple[UUID, ...] = ()


@command
class TakeSeats:
    """Give patients seats, in the session as the caller found it (`slot`)."""

    site_id: str
    slot: Slot
    patient_ids: tuple[UUID, ...]
    beyond_capacity: bool = False


@command
class GiveBackSeat:
    """Free a patient's seat."""

    site_id: str
    patient_id: UUID


@command
class Reschedule:
    """Hold the session at another time, and perhaps in another place."""

    site_id: str
    place: Place
    room_id: UUID | None
    starts_at: Instant
    ends_at: Instant
    now: Instant


@command
class Hold:
    """Say that the session took place, and for whom the sheet says how it went."""

    site_id: str
    slot: Slot
    started_at: Instant
    ended_at: Instant
    break_minutes: Minutes
    patient_ids: tuple[UUID, ...]
    now: Instant


@command
class AddToSheet:
    """Add patients to the sheet of a session that was held."""

    site_id: str
    slot: Slot
    patient_ids: tuple[UUID, ...]


@command
class Cancel:
    """Do not hold the session."""

    site_id: str
    reason: SessionCancelReason


type Command = Schedule | TakeSeats | GiveBackSeat | Reschedule | Hold | AddToSheet | Cancel


class SessionAlreadyScheduled(Refused):
    """There is a session under this id already."""


class SessionNotScheduled(NotFound):
    """There is no session under this id."""


class SessionWasHeld(Refused):
    """The session has taken place."""


class SessionNotHeld(Refused):
    """The session has not taken place yet."""


class SessionWasCancelled(Refused):
    """The session is cancelled."""


class GroupMovedOn(Refused):
    """The group has other leaders or has ended in the meantime; look at it again."""


def evolve(session: Session, event: SessionEvent) -> Session:
    """The session after the event."""
    match event:
        case SessionScheduled():
            return Session(Status.SCHEDULED, event.site_id, setting_from(event), slot_of(event), Seats(event.capacity))
        case SessionRescheduled():
            assert session.setting is not None
            assert session.slot is not None
            setting = replace(session.setting, place=event.place, room_id=event.room_id)
            return replace(session, setting=setting, slot=moved(session.slot, event))
        case SeatTaken():
            return with_taken(session, session.seats.taken | {event.patient_id})
        case SeatGivenBack():
            return with_taken(session, session.seats.taken - {event.patient_id})
        case SessionHeld():
            return replace(session, status=Status.HELD, minutes=event.minutes, ended_at=event.ended_at)
        case SessionCancelled():
            return replace(with_taken(session, frozenset()), status=Status.CANCELLED)
        case _:
            assert_never(event)


def with_taken(session: Session, taken: frozenset[UUID]) -> Session:
    """The session with these patients in its seats."""
    return replace(session, seats=replace(session.seats, taken=taken))


def decide(session: Session, command: Command, *given: object) -> Sequence[SessionEvent]:
    """What happens on the command; scheduling and rescheduling look at site, leaders, room and group."""
    if isinstance(command, Schedule):
        return schedule(session, command, given)
    if session.status is Status.ABSENT or session.site_id != command.site_id:
        raise SessionNotScheduled
    if session.status is Status.CANCELLED:
        raise SessionWasCancelled
    if isinstance(command, TakeSeats | Hold | AddToSheet) and command.slot != session.slot:
        raise SessionMoved
    match command:
        case TakeSeats():
            # A held session may be given seats too: somebody was there who had not been booked.
            return take(session.seats, command.patient_ids, beyond_capacity=command.beyond_capacity)
        case GiveBackSeat():
            return give_back(session.seats, command.patient_id)
        case AddToSheet():
            return add_to_sheet(session, command)
        case Reschedule() | Hold() | Cancel():
            return close_or_move(session, command, given)
        case _:
            assert_never(command)


def schedule(session: Session, command: Schedule, given: Sequence[object]) -> Sequence[SessionEvent]:
    """A session fits the site's hours, its room and its leaders; one of a group is as the group is."""
    if session.status is not Status.ABSENT:
        raise SessionAlreadyScheduled
    site = check_fits(command, command.setting, given)
    check_group(command, [one for one in given if isinstance(one, Group)])
    slot = planned(command.setting, command.group_id, command.starts_at, command.ends_at, site.zone)
    event = SessionScheduled(
        site_id=command.site_id,
        kind=command.setting.kind,
        modality=command.setting.modality,
        group_id=command.group_id,
        place=command.setting.place,
        room_id=command.setting.room_id,
        leader_id=command.setting.leader_id,
        co_leader_id=command.setting.co_leader_id,
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        session_on=slot.session_on,
        zone=slot.zone,
        capacity=command.setting.capacity,
        topic=command.topic,
    )
    return [event, *take(Seats(event.capacity), command.patient_ids, beyond_capacity=False)]


def check_fits(command: Schedule | Reschedule, setting: Setting, given: Sequence[object]) -> Site:
    """The time is possible, the setting can bear it and the site is open. Gives the site."""
    check_time(command.starts_at, command.ends_at, command.now)
    site = check_setting(setting, command.site_id, given)
    if setting.place is not Place.OUTSIDE:
        check_open(site, command.starts_at, command.ends_at)
    return site


def check_group(command: Schedule, given: Sequence[Group]) -> None:
    """A meeting is as its group is. Raises GroupMovedOn."""
    for group in given:
        there = group.status is groups.Status.MEETING and group.site_id == command.site_id
        if not there or group.setting != command.setting:
            raise GroupMovedOn


def add_to_sheet(session: Session, command: AddToSheet) -> Sequence[SessionEvent]:
    """Nothing new happens to the session itself."""
    if session.status is not Status.HELD:
        raise SessionNotHeld
    check_seated(session.seats, command.patient_ids)
    return []


def close_or_move(
    session: Session, command: Reschedule | Hold | Cancel, given: Sequence[object]
) -> Sequence[SessionEvent]:
    """What happens to a session that has not taken place yet."""
    if session.status is Status.HELD:
        raise SessionWasHeld
    match command:
        case Reschedule():
            return reschedule(session, command, given)
        case Hold():
            check_sheet(session.seats, command.patient_ids)
            started, ended = command.started_at.astimezone(UTC), command.ended_at.astimezone(UTC)
            minutes = held_minutes(started, ended, command.break_minutes, command.now)
            return [SessionHeld(started, ended, command.break_minutes, minutes)]
        case Cancel():
            return [SessionCancelled(command.reason)]
        case _:
            assert_never(command)


def reschedule(session: Session, command: Reschedule, given: Sequence[object]) -> Sequence[SessionEvent]:
    """The new time and place have to fit as the old ones did."""
    assert session.setting is not None
    setting = replace(session.setting, place=command.place, room_id=command.room_id)
    site = check_fits(command, setting, given)
    slot = planned(setting, None, command.starts_at, command.ends_at, site.zone)
    return [SessionRescheduled(command.place, command.room_id, slot.starts_at, slot.ends_at, slot.session_on)]


decider: Final[Decider[Session]] = Decider("session", Session(), decide, evolve)
