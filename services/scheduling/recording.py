"""How a session went for one patient is recorded, corrected or retracted; what happened outside is shown by evidence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, assert_never
from uuid import UUID

from pydantic import Field

from services.scheduling.activities import Activity
from services.scheduling.attendance_state import Attendance, Status, shared_fields
from services.scheduling.booking import AttendanceUnknown, NotBooked
from services.scheduling.counting import CountingPolicy
from services.scheduling.participant import Participant
from services.scheduling.passage import check_known
from services.scheduling.presence import minutes_of
from services.scheduling.site import Site, check_opened
from services.scheduling.slot import BACK_ENTRY
from services.scheduling.staff import StaffMember, check_works_here
from shared.decider import command
from shared.events.scheduling import (
    AttendanceCorrected,
    AttendanceEvent,
    AttendanceRecorded,
    AttendanceRetracted,
    AttendanceStatus,
    Attended,
    EvidenceKind,
    EvidenceRejected,
    EvidenceVerified,
    Modality,
    Place,
    RetractionReason,
    SessionOfPatient,
)
from shared.failures import Invalid, Refused
from shared.units import Minutes, Prose

type Companions = Annotated[int, Field(ge=0, le=20)]
"""How many family members came along."""


@dataclass(frozen=True)
class Line:
    """What the attendance sheet says about one patient; without `minutes` the whole session."""

    patient_id: UUID
    status: AttendanceStatus
    minutes: Minutes | None = None
    companions: Companions = 0
    remark: Prose | None = None


@command
class Record:
    """Write down how the session went for the patient; `where` is the line's place on the sheet, such as `lines[2].`."""

    line: Line
    note: Prose | None
    session_minutes: int
    place: Place
    counting: Mapping[str, CountingPolicy]
    where: str = ""


@dataclass(frozen=True)
class Sheet:
    """The attendance sheet of one session: its note reaches each patient's chart."""

    lines: tuple[Line, ...]
    note: Prose | None
    counting: Mapping[str, CountingPolicy]

    def records(self, session_minutes: int, place: Place) -> list[Record]:
        """What is written down for each patient."""
        return [
            Record(line, self.note, session_minutes, place, self.counting, f"lines[{number}].")
            for number, line in enumerate(self.lines)
        ]


@command
class Report:
    """Write down a meeting outside that the patient tells of, such as AA, with what shows it."""

    patient_id: UUID
    session_id: UUID
    activity: Activity
    attended_on: date
    minutes: Minutes
    evidence: EvidenceKind
    today: date
    counting: Mapping[str, CountingPolicy]
    remark: Prose | None = None


@command
class Correct:
    """Write down how it should have been recorded; what is left out stays as it is."""

    status: AttendanceStatus
    minutes: Minutes | None = None
    session_minutes: Annotated[int, Field(ge=1, le=720)] | None = None
    companions: Companions | None = None
    remark: Prose | None = None


@command
class Retract:
    """Say that the patient was not part of this session at all."""

    reason: RetractionReason


@command
class VerifyEvidence:
    """Find the evidence good."""

    verified_by: UUID


@command
class RejectEvidence:
    """Find the evidence not good enough."""

    rejected_by: UUID
    reason: Prose


type RecordCommand = Record | Report | Correct | Retract | VerifyEvidence | RejectEvidence


class AlreadyRecorded(Refused):
    """How it went is recorded already; correct the record instead."""


class NotRecorded(Refused):
    """It is not recorded how it went."""


class KindLedByStaff(Invalid):
    """This kind is a session of the clinic: it is booked and recorded on its sheet, never reported by the patient."""


class MeetingNotInReach(Invalid):
    """A meeting is reported once it took place, and within ten years."""


class NoEvidence(Refused):
    """There is no evidence to judge."""


def decide_record(attendance: Attendance, command: RecordCommand, given: Sequence[object]) -> Sequence[AttendanceEvent]:
    """What happens on the command; recording looks at the site, reporting also at the participant, judging at the judge."""
    if isinstance(command, Report):
        return report(attendance, command, given)
    if attendance.session is None:
        raise AttendanceUnknown
    if isinstance(command, Record):
        return record(attendance, attendance.session, command, given)
    if attendance.standing is None:
        raise NotRecorded
    what = shared_fields(SessionOfPatient, attendance.session)
    match command:
        case Correct():
            return correct(attendance.standing, command)
        case Retract():
            return [AttendanceRetracted(**what, reason=command.reason)]
        case VerifyEvidence():
            check_judge(attendance.standing, given, "verified_by")
            return [EvidenceVerified(**what, verified_by=command.verified_by)]
        case RejectEvidence():
            check_judge(attendance.standing, given, "rejected_by")
            return [EvidenceRejected(**what, rejected_by=command.rejected_by, reason=command.reason)]
        case _:
            assert_never(command)


def record(
    attendance: Attendance, session: SessionOfPatient, command: Record, given: Sequence[object]
) -> Sequence[AttendanceEvent]:
    """Whoever had a booking attended, or did not; the site's counting policy says whether it counts."""
    if attendance.status is Status.RECORDED:
        raise AlreadyRecorded(field=f"{command.where}patient_id")
    if attendance.status not in {Status.BOOKED, Status.ARRIVED}:
        raise NotBooked(field=f"{command.where}patient_id")
    line = command.line
    minutes = minutes_of(
        line.status, line.minutes, command.session_minutes, companions=line.companions, where=command.where
    )
    return [
        AttendanceRecorded(
            **shared_fields(SessionOfPatient, session),
            **counted(command.counting, given, session.modality, session.kind, command.place),
            status=line.status,
            minutes=minutes,
            session_minutes=command.session_minutes,
            evidence=None,
            companions=line.companions,
            note=command.note,
            remark=line.remark,
        )
    ]


def report(attendance: Attendance, command: Report, given: Sequence[object]) -> Sequence[AttendanceEvent]:
    """A meeting outside has no booking and no leader of ours."""
    if attendance.status not in {Status.ABSENT, Status.RETRACTED}:
        raise AlreadyRecorded
    if command.activity.capacity_max is not None:
        raise KindLedByStaff(field="kind")
    if not command.today - BACK_ENTRY <= command.attended_on <= command.today:
        raise MeetingNotInReach(field="attended_on")
    (participant,) = [one for one in given if isinstance(one, Participant)]
    check_known(participant, "patient_id")
    modality, kind = command.activity.modality, command.activity.kind
    return [
        AttendanceRecorded(
            patient_id=command.patient_id,
            session_id=command.session_id,
            group_id=None,
            modality=modality,
            kind=kind,
            session_on=command.attended_on,
            zone=site_of(given).zone,
            **counted(command.counting, given, modality, kind, Place.OUTSIDE),
            status=AttendanceStatus.ATTENDED,
            minutes=minutes_of(AttendanceStatus.ATTENDED, None, command.minutes),
            session_minutes=command.minutes,
            evidence=command.evidence,
            companions=0,
            note=None,
            remark=command.remark,
        )
    ]


def correct(standing: Attended, command: Correct) -> Sequence[AttendanceEvent]:
    """The rule that counts stays the one by which it was recorded: a correction mends a fact, not a policy."""
    session_minutes = command.session_minutes or standing.session_minutes
    companions = standing.companions if command.companions is None else command.companions
    minutes = minutes_of(command.status, command.minutes, session_minutes, companions=command.companions or 0)
    what = shared_fields(Attended, standing) | {
        "status": command.status,
        "minutes": minutes,
        "session_minutes": session_minutes,
        "companions": companions if minutes else 0,
    }
    return [AttendanceCorrected(**what, remark=command.remark)]


def counted(
    policies: Mapping[str, CountingPolicy], given: Sequence[object], modality: Modality, kind: str, place: Place
) -> dict[str, Any]:
    """What the site's counting policy says: whether it counts, and by which rule of which policy."""
    policy = policies[site_of(given).counting_policy]
    rule = policy.rule_for(modality, kind, place)
    return {
        "counts_toward_plan_hours": rule.counts,
        "policy_id": policy.id,
        "policy_version": policy.version,
        "rule_id": rule.id,
    }


def site_of(given: Sequence[object]) -> Site:
    """The site that was looked at. Raises SiteNotOpened."""
    (site,) = [one for one in given if isinstance(one, Site)]
    check_opened(site)
    return site


def check_judge(standing: Attended, given: Sequence[object], where: str) -> None:
    """There is evidence, and whoever judges it works here."""
    if standing.evidence is None:
        raise NoEvidence
    (member,) = [one for one in given if isinstance(one, StaffMember)]
    check_works_here(member, field=where)
