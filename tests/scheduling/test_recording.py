"""Recording how a session went, correcting it, and what was attended outside."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scheduling.attendance import decider
from services.scheduling.booking import AttendanceUnknown, Book, NotBooked
from services.scheduling.participant import Participant
from services.scheduling.passage import PatientNotKnown
from services.scheduling.presence import AbsentHasNoMinutes, MinutesExceedSession, MinutesNeeded
from services.scheduling.recording import (
    AlreadyRecorded,
    Correct,
    KindLedByStaff,
    Line,
    MeetingNotInReach,
    NoEvidence,
    NotRecorded,
    Record,
    RejectEvidence,
    Report,
    Retract,
    VerifyEvidence,
)
from services.scheduling.site import Site, SiteNotOpened
from services.scheduling.site import decider as sites
from services.scheduling.staff import StaffMemberUnknown
from shared.events.scheduling import (
    AttendanceCorrected,
    AttendanceRecorded,
    AttendanceRetracted,
    AttendanceStatus,
    CountingPolicyAdopted,
    EvidenceKind,
    EvidenceRejected,
    EvidenceVerified,
    Modality,
    Place,
    RetractionReason,
)
from shared.failures import Failure
from tests.scenario import Scenario
from tests.scheduling.situations import (
    ANNA,
    BERLIN,
    LEADER,
    MONDAY,
    POLICIES,
    SESSION,
    booked,
    leader,
    nobody,
    opened,
    ready,
    site,
    slot,
)

attendance = Scenario(decider)
ATTENDED = AttendanceStatus.ATTENDED
LATE = AttendanceStatus.ARRIVED_LATE
NO_SHOW = AttendanceStatus.NO_SHOW
record = Record(Line(ANNA, ATTENDED), "Coping with cravings", 80, Place.ON_SITE, POLICIES.counting)
report = Report(
    ANNA, SESSION, POLICIES.activities.activity("aa"), MONDAY, 60, EvidenceKind.SIGNATURE, MONDAY, POLICIES.counting
)
recorded = AttendanceRecorded(
    patient_id=ANNA,
    session_id=SESSION,
    group_id=booked.group_id,
    modality=Modality.GROUP,
    kind="relapse-prevention",
    session_on=MONDAY,
    zone=BERLIN,
    status=ATTENDED,
    minutes=80,
    session_minutes=80,
    counts_toward_plan_hours=True,
    policy_id="program-hours",
    policy_version=1,
    rule_id="staff-led-service",
    evidence=None,
    companions=0,
    note="Coping with cravings",
    remark=None,
)


def test_whoever_was_booked_has_the_minutes_of_the_session() -> None:
    assert attendance.given(booked).when(record, site) == [recorded]


@pytest.mark.parametrize(
    ("line", "minutes"),
    [
        (Line(ANNA, ATTENDED, 70), 70),
        (Line(ANNA, LATE, 50), 50),
        (Line(ANNA, AttendanceStatus.LEFT_EARLY, 1), 1),
        (Line(ANNA, NO_SHOW), 0),
        (Line(ANNA, AttendanceStatus.EXCUSED, 0), 0),
    ],
)
def test_each_status_has_its_minutes(line: Line, minutes: int) -> None:
    (event,) = attendance.given(booked).when(replace(record, line=line), site)

    assert (event.status, event.minutes) == (line.status, minutes)


@pytest.mark.parametrize(
    ("line", "refusal"),
    [
        (Line(ANNA, ATTENDED, 81), MinutesExceedSession),
        (Line(ANNA, ATTENDED, 0), MinutesExceedSession),
        (Line(ANNA, LATE), MinutesNeeded),
        (Line(ANNA, LATE, 80), MinutesNeeded),
        (Line(ANNA, AttendanceStatus.LEFT_EARLY, 0), MinutesNeeded),
        (Line(ANNA, NO_SHOW, 5), AbsentHasNoMinutes),
        (Line(ANNA, NO_SHOW, companions=1), AbsentHasNoMinutes),
    ],
)
def test_minutes_that_contradict_the_status_are_refused(line: Line, refusal: type[Failure]) -> None:
    with pytest.raises(refusal):
        attendance.given(booked).when(replace(record, line=line), site)


def test_how_it_went_is_recorded_once_and_only_for_whoever_was_booked() -> None:
    with pytest.raises(AlreadyRecorded):
        attendance.given(booked, recorded).when(record, site)
    with pytest.raises(AttendanceUnknown):
        attendance.given().when(record, site)
    with pytest.raises(NotBooked):
        attendance.given(booked, recorded, retracted()).when(record, site)
    with pytest.raises(SiteNotOpened):
        attendance.given(booked).when(record, Site())


def retracted() -> AttendanceRetracted:
    return AttendanceRetracted(
        patient_id=ANNA,
        session_id=SESSION,
        group_id=booked.group_id,
        modality=Modality.GROUP,
        kind="relapse-prevention",
        session_on=MONDAY,
        zone=BERLIN,
        reason=RetractionReason.WRONG_PATIENT,
    )


@pytest.mark.parametrize(
    ("modality", "kind", "place", "policy", "counts", "rule"),
    [
        (Modality.CAM, "yoga", Place.ON_SITE, "program-hours", False, "activity-therapy-not-listed"),
        (Modality.CAM, "yoga", Place.ON_SITE, "activity-therapy", True, "activity-therapy-on-site"),
        (Modality.CAM, "yoga", Place.TELEHEALTH, "activity-therapy", False, "activity-therapy-elsewhere"),
        (Modality.SKILLS, "job-search", Place.TELEHEALTH, "activity-therapy", True, "staff-led-service"),
        (Modality.INDIVIDUAL, "dbt", Place.TELEHEALTH, "program-hours", True, "staff-led-service"),
    ],
)
def test_the_policy_of_the_site_says_whether_it_counts(
    modality: Modality, kind: str, place: Place, policy: str, *, counts: bool, rule: str
) -> None:
    here = sites.fold([opened, CountingPolicyAdopted(policy)])

    (event,) = attendance.given(replace(booked, modality=modality, kind=kind)).when(replace(record, place=place), here)

    assert (event.counts_toward_plan_hours, event.policy_id, event.rule_id) == (counts, policy, rule)


def test_a_correction_takes_the_place_of_the_record_and_of_an_earlier_correction() -> None:
    """T43"""
    (first,) = attendance.given(booked, recorded).when(Correct(LATE, 45))
    (second,) = attendance.given(booked, recorded, first).when(Correct(LATE, 60, remark="The bus was late"))

    assert (first.minutes, second.minutes) == (45, 60)
    assert isinstance(second, AttendanceCorrected)
    assert decider.fold([booked, recorded, first, second]).standing == second
    assert (second.rule_id, second.counts_toward_plan_hours) == ("staff-led-service", True)


def test_a_correction_may_say_how_long_the_session_really_was() -> None:
    (longer,) = attendance.given(booked, recorded).when(Correct(ATTENDED, session_minutes=95))

    assert (longer.minutes, longer.session_minutes) == (95, 95)
    with pytest.raises(MinutesExceedSession):
        attendance.given(booked, recorded).when(Correct(ATTENDED, 95))


def test_whoever_turns_out_not_to_have_come_had_no_companions_either() -> None:
    with_family = replace(recorded, companions=2)

    (event,) = attendance.given(booked, with_family).when(Correct(NO_SHOW))

    assert (event.minutes, event.companions) == (0, 0)


corrections = st.builds(
    lambda status, minutes: Correct(status, minutes if status in {ATTENDED, LATE} else None),
    st.sampled_from([ATTENDED, LATE, NO_SHOW]),
    st.integers(1, 79),
)


@settings(deadline=None)
@given(st.lists(corrections, max_size=8))
def test_after_any_number_of_corrections_the_last_one_stands(commands: list[Correct]) -> None:
    """T43: the fold equals an oracle that only remembers the last command."""
    story: list[object] = [booked, recorded]
    for command in commands:
        story += decider.decide(decider.fold(story), command)

    last = commands[-1] if commands else Correct(ATTENDED, 80)
    standing = decider.fold(story).standing
    assert standing is not None
    assert (standing.status, standing.minutes) == (last.status, last.minutes or 0)


def test_what_should_never_have_been_recorded_is_retracted() -> None:
    assert attendance.given(booked, recorded).when(Retract(RetractionReason.WRONG_PATIENT)) == [retracted()]
    for command in (Correct(NO_SHOW), Retract(RetractionReason.WRONG_PATIENT)):
        with pytest.raises(NotRecorded):
            attendance.given(booked, recorded, retracted()).when(command)
    again = Book(ANNA, SESSION, slot, POLICIES.booking)
    assert attendance.given(booked, recorded, retracted()).when(again, ready) == [booked]


def test_a_meeting_outside_never_counts_as_clinical_hours() -> None:
    (event,) = attendance.given().when(report, site, ready)

    assert (event.modality, event.kind, event.minutes) == (Modality.SUPPORT_GROUP, "aa", 60)
    assert (event.counts_toward_plan_hours, event.rule_id) == (False, "mutual-help-is-an-adjunct")
    assert (event.evidence, event.zone, event.session_on) == (EvidenceKind.SIGNATURE, BERLIN, MONDAY)


@pytest.mark.parametrize(
    ("change", "participant", "refusal"),
    [
        ({"activity": POLICIES.activities.activity("cbt")}, ready, KindLedByStaff),
        ({"attended_on": MONDAY + timedelta(1)}, ready, MeetingNotInReach),
        ({"attended_on": MONDAY - timedelta(3661)}, ready, MeetingNotInReach),
        ({"minutes": 0}, ready, MinutesExceedSession),
        ({}, Participant(), PatientNotKnown),
    ],
)
def test_a_meeting_that_cannot_be_reported_is_refused(
    change: dict[str, object], participant: Participant, refusal: type[Failure]
) -> None:
    with pytest.raises(refusal):
        attendance.given().when(replace(report, **change), site, participant)  # type: ignore[arg-type]


def test_evidence_is_judged_by_somebody_who_works_here() -> None:
    (reported,) = attendance.given().when(report, site, ready)

    (verified,) = attendance.given(reported).when(VerifyEvidence(LEADER), leader)
    (rejected,) = attendance.given(reported).when(RejectEvidence(LEADER, "The signature is not legible"), leader)

    assert isinstance(verified, EvidenceVerified)
    assert verified.verified_by == LEADER
    assert isinstance(rejected, EvidenceRejected)
    with pytest.raises(StaffMemberUnknown):
        attendance.given(reported).when(VerifyEvidence(UUID(int=1)), nobody)
    with pytest.raises(NoEvidence):
        attendance.given(booked, recorded).when(VerifyEvidence(LEADER), leader)
    with pytest.raises(AlreadyRecorded):
        attendance.given(reported).when(report, site, ready)
