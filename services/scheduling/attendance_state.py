"""How far a patient has come with a session, folded from what was written down."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import Enum
from typing import Any, assert_never
from uuid import UUID, uuid5

from shared.event import AnyRecorded
from shared.events.scheduling import (
    AttendanceCorrected,
    AttendanceEvent,
    AttendanceRecorded,
    AttendanceRetracted,
    Attended,
    BookingCancelled,
    BookingMoved,
    EvidenceRejected,
    EvidenceVerified,
    GateOverridden,
    PatientArrived,
    SessionBooked,
    SessionOfPatient,
)


class Status(Enum):
    """How far it has come."""

    ABSENT = "absent"
    BOOKED = "booked"
    ARRIVED = "arrived"
    CANCELLED = "cancelled"
    RECORDED = "recorded"
    RETRACTED = "retracted"


@dataclass(frozen=True)
class Attendance:
    """What later decisions look at; `standing` is the record as it was last corrected."""

    status: Status = Status.ABSENT
    session: SessionOfPatient | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    standing: Attended | None = None


def attendance_id(session_id: UUID, patient_id: UUID) -> UUID:
    """A patient has one attendance at a session: the same two always give the same id."""
    return uuid5(session_id, patient_id.hex)


def shared_fields(kind: type[SessionOfPatient], of: SessionOfPatient) -> dict[str, Any]:
    """The fields that every event of one attendance repeats, or that every record of it does."""
    return {one.name: getattr(of, one.name) for one in fields(kind)}


def standing_record(story: Sequence[AnyRecorded]) -> UUID | None:
    """The event that a correction corrects: the record, or the last correction of it. None when nothing is recorded."""
    records = [one.event_id for one in story if isinstance(one.data, AttendanceRecorded | AttendanceCorrected)]
    return records[-1] if records else None


def evolve(attendance: Attendance, event: AttendanceEvent) -> Attendance:
    """The attendance after the event."""
    match event:
        case SessionBooked():
            return Attendance(Status.BOOKED, event, event.starts_at, event.ends_at)
        case BookingMoved():
            return replace(attendance, session=event, starts_at=event.starts_at, ends_at=event.ends_at)
        case BookingCancelled() | PatientArrived():
            status = Status.ARRIVED if isinstance(event, PatientArrived) else Status.CANCELLED
            return replace(attendance, status=status)
        case AttendanceRecorded() | AttendanceCorrected():
            return replace(attendance, status=Status.RECORDED, session=event, standing=event)
        case AttendanceRetracted():
            return replace(attendance, status=Status.RETRACTED, standing=None)
        case GateOverridden() | EvidenceVerified() | EvidenceRejected():
            return attendance
        case _:
            assert_never(event)
