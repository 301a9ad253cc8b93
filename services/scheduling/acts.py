"""Which streams a request touches: a session with the calendars of its room, its leaders and its patients, all or nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID

from services.scheduling import attendance, group, participant, room, session, site, staff
from services.scheduling.attendance_state import Attendance, attendance_id
from services.scheduling.booking import Book, CancelBooking, Move
from services.scheduling.calendar import Owner, Release, Reserve, days, stream_id
from services.scheduling.calendar import decider as calendars
from services.scheduling.gates import BookingPolicy
from services.scheduling.passage import Override
from services.scheduling.recording import Record, Sheet
from services.scheduling.session import AddToSheet, Cancel, GiveBackSeat, Hold, Reschedule, Schedule, Session, TakeSeats
from services.scheduling.setting import Setting
from services.scheduling.slot import Slot, check_time, held_minutes, planned
from shared.events.scheduling import BookingCancelReason
from shared.log import Act, Given, Subject


@dataclass(frozen=True)
class Bearer:
    """Whose calendar holds a session; `where` is their place in the request."""

    owner: Owner
    owner_id: UUID
    where: str | None = None


@dataclass(frozen=True)
class Span:
    """From when to when."""

    starts_at: datetime
    ends_at: datetime


def surroundings(setting: Setting, site_id: str) -> tuple[Given, ...]:
    """What a session or group looks at: site, leaders, room."""
    looked_at = [Given(site.decider, site_id), *(Given(staff.decider, one) for one in leaders(setting))]
    if setting.room_id is not None:
        looked_at.append(Given(room.decider, setting.room_id))
    return tuple(looked_at)


def leaders(setting: Setting) -> tuple[UUID, ...]:
    """Leader, then co-leader."""
    return tuple(one for one in (setting.leader_id, setting.co_leader_id) if one is not None)


def schedule(session_id: UUID, command: Schedule) -> list[Act]:
    """The session first, then the calendars of room and leaders."""
    # Before there is a calendar for each day of a time that is too long.
    check_time(command.starts_at, command.ends_at, command.now)
    given = surroundings(command.setting, command.site_id)
    if command.group_id is not None:
        given += (Given(group.decider, command.group_id),)
    when = Span(command.starts_at, command.ends_at)
    return [
        Act(session.decider, session_id, command, given=given),
        *moves(session_id, bearers(command.setting), None, when),
    ]


def book(
    session_id: UUID, slot: Slot, patient_ids: Iterable[UUID], policy: BookingPolicy, override: Override | None = None
) -> list[Act]:
    """Each patient's booking, and the time in each patient's calendar. The seats are the session's own act."""
    acts: list[Act] = []
    for number, patient_id in enumerate(patient_ids):
        where = f"patient_ids[{number}]"
        given = [Given(participant.decider, patient_id)]
        if override is not None:
            given.append(Given(staff.decider, override.authorised_by))
        command = Book(patient_id, session_id, slot, policy, override, where)
        acts.append(
            Act(
                attendance.decider,
                attendance_id(session_id, patient_id),
                command,
                Subject(patient_id),
                tuple(given),
            )
        )
        bearer = Bearer(Owner.PATIENT, patient_id, where)
        acts += moves(session_id, [bearer], None, Span(slot.starts_at, slot.ends_at))
    return acts


def take_seats(
    session_id: UUID, command: TakeSeats, policy: BookingPolicy, override: Override | None = None
) -> list[Act]:
    """Seats for patients in a session that is scheduled."""
    return [
        Act(session.decider, session_id, command),
        *book(session_id, command.slot, command.patient_ids, policy, override),
    ]


def cancel_booking(of: Attendance, command: CancelBooking, site_id: str, expected: int) -> list[Act]:
    """The booking, the seat and the time in the patient's calendar."""
    assert of.session is not None
    session_id, patient_id = of.session.session_id, of.session.patient_id
    acts = [
        Act(attendance.decider, attendance_id(session_id, patient_id), command, expected=expected),
        Act(session.decider, session_id, GiveBackSeat(site_id, patient_id)),
    ]
    if of.starts_at is None or of.ends_at is None:
        return acts
    return acts + moves(session_id, [Bearer(Owner.PATIENT, patient_id)], Span(of.starts_at, of.ends_at), None)


def retract(of: Attendance, head: Act, site_id: str) -> list[Act]:
    """The attendance (`head`), and the seat and time of a patient who was not there; a meeting outside had neither."""
    if of.session is None or of.starts_at is None or of.ends_at is None:
        return [head]
    session_id, patient_id = of.session.session_id, of.session.patient_id
    seat = Act(session.decider, session_id, GiveBackSeat(site_id, patient_id))
    return [
        head,
        seat,
        *moves(session_id, [Bearer(Owner.PATIENT, patient_id)], Span(of.starts_at, of.ends_at), None),
    ]


def reschedule(session_id: UUID, now_is: Session, command: Reschedule, expected: int) -> list[Act]:
    """The session, and everything that moves with it."""
    assert now_is.setting is not None
    assert now_is.slot is not None
    before, after = Span(now_is.slot.starts_at, now_is.slot.ends_at), Span(command.starts_at, command.ends_at)
    check_time(command.starts_at, command.ends_at, command.now)
    setting = replace(now_is.setting, place=command.place, room_id=command.room_id)
    slot = planned(setting, now_is.slot.group_id, command.starts_at, command.ends_at, now_is.slot.zone)
    acts = [Act(session.decider, session_id, command, given=surroundings(setting, command.site_id), expected=expected)]
    staying = [one for one in bearers(now_is.setting) if one in bearers(setting)]
    acts += moves(session_id, [one for one in bearers(now_is.setting) if one not in staying], before, None)
    acts += moves(session_id, [one for one in bearers(setting) if one not in staying], None, after)
    acts += moves(session_id, staying, before, after)
    for patient_id in sorted(now_is.seats.taken):
        acts.append(Act(attendance.decider, attendance_id(session_id, patient_id), Move(slot)))
        acts += moves(session_id, [Bearer(Owner.PATIENT, patient_id, "starts_at")], before, after)
    return acts


def cancel(session_id: UUID, now_is: Session, command: Cancel, bookings: CancelBooking, expected: int) -> list[Act]:
    """The session, the bookings of everybody who has a seat, and all the time that is free again."""
    assert now_is.setting is not None
    assert now_is.slot is not None
    assert bookings.reason is BookingCancelReason.SESSION_CANCELLED
    before = Span(now_is.slot.starts_at, now_is.slot.ends_at)
    acts = [Act(session.decider, session_id, command, expected=expected)]
    acts += moves(session_id, bearers(now_is.setting), before, None)
    for patient_id in sorted(now_is.seats.taken):
        acts.append(Act(attendance.decider, attendance_id(session_id, patient_id), bookings))
        acts += moves(session_id, [Bearer(Owner.PATIENT, patient_id)], before, None)
    return acts


def record_sheet(session_id: UUID, command: Hold, sheet: Sheet) -> list[Act]:
    """The session, and each patient's attendance as of its end."""
    minutes = held_minutes(command.started_at, command.ended_at, command.break_minutes, command.now)
    head = Act(session.decider, session_id, command, effective_at=command.ended_at)
    records = sheet.records(minutes, command.slot.place)
    return [head, *record(session_id, command.site_id, records, command.ended_at)]


def record_late(session_id: UUID, held: Session, command: AddToSheet, sheet: Sheet) -> list[Act]:
    """The attendance of patients who are added to a sheet; the session itself only looks on."""
    head = Act(session.decider, session_id, command)
    records = sheet.records(held.minutes, command.slot.place)
    return [head, *record(session_id, command.site_id, records, held.ended_at)]


def record(session_id: UUID, site_id: str, records: Iterable[Record], ended_at: datetime | None) -> list[Act]:
    """One act for each line; the site's counting policy is looked at."""
    given = (Given(site.decider, site_id),)
    return [
        Act(
            attendance.decider,
            attendance_id(session_id, one.line.patient_id),
            one,
            Subject(one.line.patient_id),
            given,
            effective_at=ended_at,
        )
        for one in records
    ]


def bearers(setting: Setting) -> list[Bearer]:
    """Whose calendars hold the session, patients aside."""
    rooms = [] if setting.room_id is None else [Bearer(Owner.ROOM, setting.room_id, "room_id")]
    named = zip(leaders(setting), ("leader_id", "co_leader_id"), strict=False)
    return rooms + [Bearer(Owner.STAFF, one, where) for one, where in named]


def moves(session_id: UUID, owners: Sequence[Bearer], before: Span | None, after: Span | None) -> list[Act]:
    """The session's time in these calendars, from `before` to `after`; None is no time at all."""
    kept = days(after.starts_at, after.ends_at) if after else []
    left = [on for on in days(before.starts_at, before.ends_at) if on not in kept] if before else []
    acts = []
    for one in owners:
        # A patient's calendar is in no patient's lane: plan state has nothing to learn from it.
        streams = {on: stream_id(one.owner, one.owner_id, on) for on in [*left, *kept]}
        acts += [Act(calendars, streams[on], Release(session_id)) for on in left]
        if after:
            times = (after.starts_at.astimezone(UTC), after.ends_at.astimezone(UTC))
            reserve = Reserve(one.owner, session_id, *times, one.where)
            acts += [Act(calendars, streams[on], reserve) for on in kept]
    return acts
