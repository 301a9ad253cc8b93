"""Routes: how sessions went for whom, corrections, and meetings outside."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body
from pydantic import Field

from services.scheduling import acts, attendance, examples, participant, site, staff, views_attendance
from services.scheduling.attendance_state import attendance_id as attendance_id_of
from services.scheduling.attendance_state import standing_record
from services.scheduling.catalogue import catalogue
from services.scheduling.own import own_session, own_story
from services.scheduling.recording import Correct, Line, RejectEvidence, Report, Retract, Sheet, VerifyEvidence
from services.scheduling.session import PATIENTS_AT_ONCE_MAX, AddToSheet, Hold
from services.scheduling.site_clock import local_date
from services.scheduling.slot import Moment
from services.scheduling.views_attendance import AttendanceLine, AttendanceRecord, WeekLine
from shared.decider import command
from shared.events.scheduling import EvidenceKind, Weekday
from shared.http import Accepted, Commands, Page, Queries
from shared.log import Act, Given, Subject
from shared.units import Code, Minutes, Prose

router = APIRouter(tags=["attendance"])

type Lines = Annotated[tuple[Line, ...], Field(max_length=PATIENTS_AT_ONCE_MAX)]


@command
class SessionSheet:
    """How the session went, for everybody with a seat. `note` reaches each chart, sealed with each patient's own key."""

    started_at: Moment
    ended_at: Moment
    lines: Lines
    break_minutes: Minutes = 0
    note: Prose | None = None


@command
class LateLines:
    """How the session went for patients who were booked after it was recorded."""

    lines: Annotated[Lines, Field(min_length=1)]
    note: Prose | None = None


@command
class OutsideMeeting:
    """A meeting outside that the patient tells of, and what shows it."""

    kind: Code
    attended_on: date
    minutes: Minutes
    evidence: EvidenceKind
    remark: Prose | None = None


@router.post("/sessions/{session_id}/attendance-sheet", status_code=201)
async def record_sheet(
    session_id: UUID, body: Annotated[SessionSheet, Body(openapi_examples=examples.SHEET)], door: Commands
) -> Accepted:
    """Record a session and everybody's attendance at once, at most 50 patients: all of it or nothing."""
    slot = (await own_session(door, session_id)).slot
    assert slot is not None
    times = (body.started_at, body.ended_at, body.break_minutes)
    hold = Hold(door.site_id, slot, *times, tuple(one.patient_id for one in body.lines), door.now)
    return await door.handle(*acts.record_sheet(session_id, hold, Sheet(body.lines, body.note, catalogue().counting)))


@router.post("/sessions/{session_id}/late-attendances", status_code=201)
async def record_late(
    session_id: UUID, body: Annotated[LateLines, Body(openapi_examples=examples.LATE_ATTENDANCE)], door: Commands
) -> Accepted:
    """Record attendance at a session that is recorded already, for patients who were booked into it afterwards."""
    held = await own_session(door, session_id)
    assert held.slot is not None
    add = AddToSheet(door.site_id, held.slot, tuple(one.patient_id for one in body.lines))
    sheet = Sheet(body.lines, body.note, catalogue().counting)
    return await door.handle(*acts.record_late(session_id, held, add, sheet))


@router.post("/attendances/{attendance_id}/corrections", status_code=201)
async def correct_attendance(
    attendance_id: UUID, command: Annotated[Correct, Body(openapi_examples=examples.CORRECTION)], door: Commands
) -> Accepted:
    """Write down how it should have been recorded. Both are kept; the last one counts."""
    expected = door.expected()
    corrects = standing_record(await door.story(attendance.decider, attendance_id))
    return await door.handle(Act(attendance.decider, attendance_id, command, expected=expected, corrects=corrects))


@router.post("/attendances/{attendance_id}/retraction", status_code=201)
async def retract_attendance(
    attendance_id: UUID, command: Annotated[Retract, Body(openapi_examples=examples.RETRACTION)], door: Commands
) -> Accepted:
    """Say that the patient was not part of this session at all. The record stays in the story; seat and time are free again."""
    expected = door.expected()
    story = await own_story(door, attendance_id)
    head = Act(attendance.decider, attendance_id, command, expected=expected, corrects=standing_record(story))
    now_is = attendance.decider.fold([one.data for one in story])
    return await door.handle(*acts.retract(now_is, head, door.site_id))


@router.put("/patients/{patient_id}/support-meetings/{meeting_id}", status_code=201)
async def report_support_meeting(
    patient_id: UUID,
    meeting_id: UUID,
    body: Annotated[OutsideMeeting, Body(openapi_examples=examples.SUPPORT_MEETING)],
    door: Commands,
) -> Accepted:
    """Write down a 12-step or support-group meeting outside. It never counts as clinical hours unless a policy says so."""
    the_site, _ = await door.state(site.decider, door.site_id)
    activity, today = catalogue().activities.activity(body.kind), local_date(the_site.zone, door.now)
    what = (activity, body.attended_on, body.minutes, body.evidence, today, catalogue().counting, body.remark)
    given = (Given(site.decider, door.site_id), Given(participant.decider, patient_id))
    which = attendance_id_of(meeting_id, patient_id)
    report = Report(patient_id, meeting_id, *what)
    return await door.handle(Act(attendance.decider, which, report, Subject(patient_id), given))


@router.post("/attendances/{attendance_id}/evidence-verification", status_code=201)
async def verify_evidence(
    attendance_id: UUID,
    command: Annotated[VerifyEvidence, Body(openapi_examples=examples.VERIFICATION)],
    door: Commands,
) -> Accepted:
    """Find the evidence of a meeting outside good; `verified_by` is a staff member of the site."""
    given = (Given(staff.decider, command.verified_by),)
    return await door.handle(Act(attendance.decider, attendance_id, command, given=given))


@router.post("/attendances/{attendance_id}/evidence-rejection", status_code=201)
async def reject_evidence(
    attendance_id: UUID,
    command: Annotated[RejectEvidence, Body(openapi_examples=examples.REJECTION)],
    door: Commands,
) -> Accepted:
    """Find the evidence of a meeting outside not good enough; `rejected_by` is a staff member of the site."""
    given = (Given(staff.decider, command.rejected_by),)
    return await door.handle(Act(attendance.decider, attendance_id, command, given=given))


@router.get("/attendances/{attendance_id}")
async def get_attendance(attendance_id: UUID, door: Queries) -> AttendanceRecord:
    """How did one session go for one patient, with the notes?"""
    return await views_attendance.record(door, attendance_id)


@router.get("/sessions/{session_id}/attendances")
async def list_session_attendances(session_id: UUID, door: Queries) -> Page[AttendanceLine]:
    """Who is expected at a session, who came, and for how long?"""
    return await views_attendance.at_session(door, session_id)


@router.get("/patients/{patient_id}/attendances")
async def list_patient_attendances(
    patient_id: UUID, door: Queries, from_on: date | None = None, until_on: date | None = None
) -> Page[AttendanceLine]:
    """Which sessions is a patient booked into, and how did the others go?"""
    return await views_attendance.of_patient(door, patient_id, from_on, until_on)


@router.get("/patients/{patient_id}/weeks")
async def list_patient_weeks(patient_id: UUID, door: Queries, week_starts: Weekday = Weekday.MONDAY) -> Page[WeekLine]:
    """How many minutes of each form of help did a patient have in a week, and how many of them count?"""
    return await views_attendance.weeks(door, patient_id, week_starts)
