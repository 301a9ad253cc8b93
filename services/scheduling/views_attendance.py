"""Who is booked where, who came for how long, and what that makes in a week."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from services.scheduling import attendance
from services.scheduling.shown import shown
from shared.event import AnyRecorded
from shared.events.scheduling import (
    AttendanceCorrected,
    AttendanceEvent,
    AttendanceRecorded,
    AttendanceRetracted,
    Attended,
    BookingCancelled,
    BookingCancelReason,
    BookingMoved,
    EvidenceKind,
    EvidenceRejected,
    EvidenceVerified,
    GateOverridden,
    Modality,
    PatientArrived,
    SessionBooked,
    Weekday,
)
from shared.http import Page, QueryDoor
from shared.projector import Write


@dataclass(frozen=True)
class AttendanceLine:
    """One patient at one session; `status` is booked, arrived, cancelled, retracted or how it went.

    `counted` says whether the minutes count toward the plan's hours, `rule_id` of which policy says so.
    """

    attendance_id: UUID
    site_id: str
    patient_id: UUID
    session_id: UUID
    group_id: UUID | None
    modality: Modality
    kind: str
    session_on: date
    zone: str
    starts_at: datetime | None
    ends_at: datetime | None
    status: str
    arrived_at: datetime | None
    minutes: int | None
    session_minutes: int | None
    counted: bool | None
    policy_id: str | None
    policy_version: int | None
    rule_id: str | None
    companions: int
    evidence: EvidenceKind | None
    evidence_verdict: str | None
    overridden_gates: tuple[str, ...] | None
    cancel_reason: BookingCancelReason | None
    cancelled_in_time: bool | None
    corrections: int
    recorded_event_id: UUID | None
    version: int
    degraded_since: datetime | None


@dataclass(frozen=True)
class AttendanceRecord(AttendanceLine):
    """The same, with what was written about it; absent after erasure. `note` is the session's, `remark` the patient's own."""

    note: str | None
    remark: str | None
    override_reason: str | None
    rejection_reason: str | None


@dataclass(frozen=True)
class WeekLine:
    """A patient's minutes of one form of help in one week, which begins on `week_begins_on`."""

    week_begins_on: date
    modality: Modality
    minutes: int
    counted_minutes: int
    attended: int
    no_shows: int
    excused: int
    degraded_since: datetime | None


_BOOKED: Final = """
insert into view.attendance (attendance_id, site_id, patient_id, session_id, group_id, modality, kind, session_on, zone, starts_at,
                             ends_at, status, version)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'booked', $12)
on conflict (attendance_id) do update set
    session_on = excluded.session_on, starts_at = excluded.starts_at, ends_at = excluded.ends_at, status = 'booked',
    arrived_at = null, overridden_gates = null, cancel_reason = null, cancelled_in_time = null, version = excluded.version
"""
_RECORDED: Final = """
insert into view.attendance (attendance_id, site_id, patient_id, session_id, group_id, modality, kind, session_on, zone, status,
                             minutes, session_minutes, counted, policy_id, policy_version, rule_id, companions, evidence,
                             recorded_event_id, version)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
on conflict (attendance_id) do update set
    status = excluded.status, minutes = excluded.minutes, session_minutes = excluded.session_minutes, counted = excluded.counted,
    policy_id = excluded.policy_id, policy_version = excluded.policy_version, rule_id = excluded.rule_id,
    companions = excluded.companions, evidence = excluded.evidence, evidence_verdict = null,
    recorded_event_id = excluded.recorded_event_id, version = excluded.version
"""


_LINE: Final = shown(AttendanceLine)
_WEEK: Final = shown(WeekLine)


def writes(recorded: AnyRecorded) -> Sequence[Write]:
    """How an event changes the row of one patient at one session."""
    event: AttendanceEvent = recorded.data
    match event:
        case SessionBooked():
            where = (UUID(recorded.subject_id), recorded.site_id, *_session(event))
            return [Write(_BOOKED, (*where, event.starts_at, event.ends_at, recorded.version))]
        case AttendanceRecorded():
            where = (UUID(recorded.subject_id), recorded.site_id, *_session(event))
            return [Write(_RECORDED, (*where, *_facts(event), recorded.event_id, recorded.version))]
        case AttendanceCorrected():
            return [
                _set(
                    recorded,
                    status=event.status.value,
                    minutes=event.minutes,
                    session_minutes=event.session_minutes,
                    companions=event.companions,
                    recorded_event_id=recorded.event_id,
                ),
                Write(_CORRECTED, (UUID(recorded.subject_id),)),
            ]
        case _:
            return [_set(recorded, **_change(event))]


_CORRECTED: Final = "update view.attendance set corrections = corrections + 1 where attendance_id = $1"


def _change(
    event: GateOverridden
    | BookingMoved
    | BookingCancelled
    | PatientArrived
    | AttendanceRetracted
    | EvidenceVerified
    | EvidenceRejected,
) -> dict[str, object]:
    """The columns that the event says something new about."""
    match event:
        case GateOverridden():
            return {"overridden_gates": list(event.gates)}
        case BookingMoved():
            return {"starts_at": event.starts_at, "ends_at": event.ends_at, "session_on": event.session_on}
        case BookingCancelled():
            reason, in_time = event.reason.value, event.in_time
            return {"status": "cancelled", "cancel_reason": reason, "cancelled_in_time": in_time}
        case PatientArrived():
            return {"status": "arrived", "arrived_at": event.arrived_at}
        case AttendanceRetracted():
            return {"status": "retracted", "minutes": None, "session_minutes": None, "counted": None}
        case EvidenceVerified() | EvidenceRejected():
            return {"evidence_verdict": "verified" if isinstance(event, EvidenceVerified) else "rejected"}


def _set(recorded: AnyRecorded, **columns: object) -> Write:
    places = ", ".join(f"{column} = ${number}" for number, column in enumerate(columns, start=3))
    # Columns are names from the code above, values go as arguments.
    sql = f"update view.attendance set version = $2, {places} where attendance_id = $1"  # noqa: S608 - see above
    return Write(sql, (UUID(recorded.subject_id), recorded.version, *columns.values()))


def _session(event: SessionBooked | AttendanceRecorded) -> tuple[object, ...]:
    what = (event.patient_id, event.session_id, event.group_id, event.modality.value, event.kind)
    return (*what, event.session_on, event.zone)


def _facts(event: Attended) -> tuple[object, ...]:
    how = (event.status.value, event.minutes, event.session_minutes, event.counts_toward_plan_hours)
    why = (event.policy_id, event.policy_version, event.rule_id)
    return (*how, *why, event.companions, event.evidence and event.evidence.value)


_ATTENDANCES: Final = """
select attendance_id, site_id, patient_id, session_id, group_id, modality, kind, session_on, zone, starts_at, ends_at, status,
       arrived_at, minutes, session_minutes, counted, policy_id, policy_version, rule_id, companions, evidence, evidence_verdict,
       overridden_gates, cancel_reason, cancelled_in_time, corrections, recorded_event_id, version,
       projection.degraded_since(patient_id::text) as degraded_since
from view.attendance
"""


async def one(door: QueryDoor, attendance_id: UUID) -> AttendanceLine:
    """One attendance. Raises NotFound."""
    return _LINE(await door.one(f"{_ATTENDANCES} where attendance_id = $1", attendance_id))


async def record(door: QueryDoor, attendance_id: UUID) -> AttendanceRecord:
    """One attendance with its notes opened. Raises NotFound."""
    line = await one(door, attendance_id)
    note = remark = override = rejection = None
    for event in (recorded.data for recorded in await door.story(attendance.decider, attendance_id, opened=True)):
        match event:
            case AttendanceRecorded():
                note, remark = event.note, event.remark
            case AttendanceCorrected() if event.remark is not None:
                remark = event.remark
            case GateOverridden():
                override = event.reason
            case EvidenceRejected():
                rejection = event.reason
            case _:
                continue
    return AttendanceRecord(
        **vars(line), note=note, remark=remark, override_reason=override, rejection_reason=rejection
    )


async def at_session(door: QueryDoor, session_id: UUID) -> Page[AttendanceLine]:
    """Everybody at a session: the attendance sheet."""
    page = await door.page(f"{_ATTENDANCES} where session_id = $1", session_id, key=("patient_id",))
    return page.each(_LINE)


async def of_patient(
    door: QueryDoor, patient_id: UUID, from_on: date | None, until_on: date | None
) -> Page[AttendanceLine]:
    """A patient's sessions, booked and attended, the newest first."""
    page = await door.page(
        f"""{_ATTENDANCES} where patient_id = $1 and ($2::date is null or session_on >= $2)
                           and ($3::date is null or session_on <= $3)""",
        patient_id,
        from_on,
        until_on,
        key=("session_on", "attendance_id"),
        descending=True,
    )
    return page.each(_LINE)


async def weeks(door: QueryDoor, patient_id: UUID, week_starts: Weekday) -> Page[WeekLine]:
    """A patient's minutes by week and form of help, the newest week first; a payer's week begins on its own day."""
    page = await door.page(
        """select session_on - (extract(isodow from session_on)::int + 6 - $2::int) % 7 as week_begins_on, modality,
                  sum(minutes)::int as minutes, coalesce(sum(minutes) filter (where counted), 0)::int as counted_minutes,
                  count(*) filter (where minutes > 0)::int as attended,
                  count(*) filter (where status = 'no_show')::int as no_shows,
                  count(*) filter (where status = 'excused')::int as excused,
                  projection.degraded_since($1::uuid::text) as degraded_since
           from view.attendance where patient_id = $1 and minutes is not null group by 1, 2""",
        patient_id,
        list(Weekday).index(week_starts),
        key=("week_begins_on", "modality"),
        descending=True,
    )
    return page.each(_WEEK)
