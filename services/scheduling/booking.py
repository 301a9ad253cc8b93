"""A patient is booked into a session, moved with it, signs in, or gives the booking up."""

from collections.abc import Sequence
from datetime import UTC, timedelta
from typing import assert_never
from uuid import UUID

from services.scheduling.attendance_state import Attendance, Status, shared_fields
from services.scheduling.gates import BookingPolicy
from services.scheduling.participant import Participant
from services.scheduling.passage import Override, check_override, passed
from services.scheduling.slot import SessionMoved, Slot
from services.scheduling.staff import StaffMember
from shared.decider import command
from shared.events.scheduling import (
    AttendanceEvent,
    BookingCancelled,
    BookingCancelReason,
    BookingMoved,
    GateOverridden,
    PatientArrived,
    SessionBooked,
    SessionOfPatient,
)
from shared.failures import Invalid, NotFound, Refused
from shared.units import Instant


@command
class Book:
    """Expect a patient at a session; `where` is the patient's place in the request."""

    patient_id: UUID
    session_id: UUID
    slot: Slot
    policy: BookingPolicy
    override: Override | None = None
    where: str = "patient_ids"


@command
class Move:
    """Move the booking with its session."""

    slot: Slot


@command
class CancelBooking:
    """Expect the patient no longer, at the time that the caller knows of."""

    starts_at: Instant
    reason: BookingCancelReason
    policy: BookingPolicy
    now: Instant


@command
class Arrive:
    """Sign the patient in."""

    arrived_at: Instant
    now: Instant


type BookingCommand = Book | Move | CancelBooking | Arrive


class AlreadyBooked(Refused):
    """The patient is booked into this session already, or has attended it."""


class NotBooked(Refused):
    """The patient is not booked into this session, or has attended it already."""


class AttendanceUnknown(NotFound):
    """There is no booking and no attendance under this id."""


class ArrivalInFuture(Invalid):
    """The patient cannot have arrived yet."""


def decide_booking(
    attendance: Attendance, command: BookingCommand, given: Sequence[object]
) -> Sequence[AttendanceEvent]:
    """What happens on the command; booking looks at the participant and at whoever lets the patient pass."""
    if isinstance(command, Book):
        return book(attendance, command, given)
    if attendance.session is None:
        raise AttendanceUnknown
    if attendance.status not in {Status.BOOKED, Status.ARRIVED}:
        raise NotBooked
    what = shared_fields(SessionOfPatient, attendance.session)
    match command:
        case Move():
            what["session_on"] = command.slot.session_on
            return [BookingMoved(**what, starts_at=command.slot.starts_at, ends_at=command.slot.ends_at)]
        case CancelBooking():
            if command.starts_at != attendance.starts_at:
                raise SessionMoved
            return [BookingCancelled(**what, reason=command.reason, in_time=in_time(attendance, command))]
        case Arrive():
            if attendance.status is Status.ARRIVED:
                raise NotBooked
            if command.arrived_at > command.now:
                raise ArrivalInFuture(field="arrived_at")
            return [PatientArrived(**what, arrived_at=command.arrived_at.astimezone(UTC))]
        case _:
            assert_never(command)


def book(attendance: Attendance, command: Book, given: Sequence[object]) -> Sequence[AttendanceEvent]:
    """Every gate before this form of help is open, or somebody who may lets the patient pass, by name and with a reason.

    A `GateOverridden` without gates says that only the session's capacity stood in the way.
    """
    if attendance.status not in {Status.ABSENT, Status.CANCELLED, Status.RETRACTED}:
        raise AlreadyBooked(field=command.where)
    (participant,) = [one for one in given if isinstance(one, Participant)]
    gates = passed(participant, command.slot.modality, command.policy, command.override, command.where)
    session = SessionOfPatient(
        patient_id=command.patient_id,
        session_id=command.session_id,
        group_id=command.slot.group_id,
        modality=command.slot.modality,
        kind=command.slot.kind,
        session_on=command.slot.session_on,
        zone=command.slot.zone,
    )
    what = shared_fields(SessionOfPatient, session)
    booked = SessionBooked(**what, starts_at=command.slot.starts_at, ends_at=command.slot.ends_at)
    if command.override is None:
        return [booked]
    (member,) = [one for one in given if isinstance(one, StaffMember)]
    check_override(member, command.policy)
    by, reason = command.override.authorised_by, command.override.reason
    return [booked, GateOverridden(**what, gates=tuple(gates), authorised_by=by, reason=reason)]


def in_time(attendance: Attendance, command: CancelBooking) -> bool:
    """Whether the clinic hears of it early enough; what the clinic itself cancels is never the patient's delay."""
    assert attendance.starts_at is not None
    if command.reason in {BookingCancelReason.SESSION_CANCELLED, BookingCancelReason.CLINIC_ASKED}:
        return True
    return attendance.starts_at - command.now >= timedelta(hours=command.policy.late_cancellation_hours)
