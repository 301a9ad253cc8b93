"""What is written down about one patient at one session: booked, arrived, attended for how long, corrected.

Every event says by itself which session and date it is about, so that a reader needs nothing else.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from shared.event import Personal, event
from shared.events.scheduling.session import Modality


class AttendanceStatus(StrEnum):
    """How a booked session went for one patient. Only the first three have minutes."""

    ATTENDED = "attended"
    ARRIVED_LATE = "arrived_late"
    LEFT_EARLY = "left_early"
    NO_SHOW = "no_show"
    EXCUSED = "excused"


class EvidenceKind(StrEnum):
    """What shows that a patient was at a meeting outside the clinic."""

    SELF_REPORT = "self_report"
    SIGNATURE = "signature"
    PHOTO = "photo"
    SPONSOR = "sponsor"
    CHECK_IN = "check_in"


class BookingCancelReason(StrEnum):
    """Why a booking was given up."""

    PATIENT_ASKED = "patient_asked"
    TRANSPORT = "transport"
    ILLNESS = "illness"
    WORK_OR_FAMILY = "work_or_family"
    SESSION_CANCELLED = "session_cancelled"
    CLINIC_ASKED = "clinic_asked"


class RetractionReason(StrEnum):
    """Why an attendance should never have been written down."""

    WRONG_PATIENT = "wrong_patient"
    WRONG_SESSION = "wrong_session"
    WRITTEN_TWICE = "written_twice"


@dataclass(frozen=True)
class SessionOfPatient:
    """Which session of which patient: `session_on` is the date on the site's own clock (`zone`)."""

    patient_id: UUID
    session_id: UUID
    group_id: UUID | None
    modality: Modality
    kind: str
    session_on: date
    zone: str


@event()
class SessionBooked(SessionOfPatient):
    """A patient is expected at a session."""

    starts_at: datetime
    ends_at: datetime


@event()
class GateOverridden(SessionOfPatient):
    """A named staff member let the patient be booked although `gates` stood in the way."""

    gates: tuple[str, ...]
    authorised_by: UUID
    reason: Personal[str | None]


@event()
class BookingMoved(SessionOfPatient):
    """The session moved, and the patient's booking with it."""

    starts_at: datetime
    ends_at: datetime


@event()
class BookingCancelled(SessionOfPatient):
    """The patient is no longer expected; `in_time` by the programme's rule for late cancellations."""

    reason: BookingCancelReason
    in_time: bool


@event()
class PatientArrived(SessionOfPatient):
    """The patient signed in for the session."""

    arrived_at: datetime


@dataclass(frozen=True)
class Attended(SessionOfPatient):
    """How it went. `minutes` are the patient's own, breaks excluded, of the session's `session_minutes`.

    `counts_toward_plan_hours` is what the rule `rule_id` of the counting policy says about this kind of session.
    `companions` is how many family members came along; they are counted and never named.
    """

    status: AttendanceStatus
    minutes: int
    session_minutes: int
    counts_toward_plan_hours: bool
    policy_id: str
    policy_version: int
    rule_id: str
    evidence: EvidenceKind | None
    companions: int


@event()
class AttendanceRecorded(Attended):
    """How a session went for one patient; `note` is the session's, `remark` the patient's own."""

    note: Personal[str | None]
    remark: Personal[str | None]


@event()
class AttendanceCorrected(Attended):
    """What the record should have said: takes the place of the whole earlier one, which `corrects` names."""

    remark: Personal[str | None]


@event()
class AttendanceRetracted(SessionOfPatient):
    """The record should not have been made: the patient was not part of this session at all."""

    reason: RetractionReason


@event()
class EvidenceVerified(SessionOfPatient):
    """A named staff member found the evidence of an outside meeting good."""

    verified_by: UUID


@event()
class EvidenceRejected(SessionOfPatient):
    """A named staff member found the evidence of an outside meeting not good enough."""

    rejected_by: UUID
    reason: Personal[str | None]


type AttendanceEvent = (
    SessionBooked
    | GateOverridden
    | BookingMoved
    | BookingCancelled
    | PatientArrived
    | AttendanceRecorded
    | AttendanceCorrected
    | AttendanceRetracted
    | EvidenceVerified
    | EvidenceRejected
)
