"""Plan state: where a patient stands, and what a day asks for."""

from datetime import timedelta
from typing import Any

import msgspec

from services.intake.plan import weekly_minutes
from services.intake.plan_state import apply, figures
from services.intake.plan_state_figures import Figures
from services.intake.plan_state_today import on_day
from services.intake.wording import taken_apart
from shared.events import intake
from shared.events.intake.plan_parts import Progress
from tests.intake.recording import Attendances, Doses, in_treatment, state
from tests.intake.situations import ACTIVATED, ADMITTED, EPISODE, EVALUATION, MONDAY, PATIENT, PLAN, written_plan


def read(found: dict[str, Any]) -> Figures:
    return msgspec.json.decode(msgspec.json.encode(found), type=Figures)


def test_each_step_of_the_way_in_is_a_phase() -> None:
    phases = []
    facts: dict[str, Any] = {}
    for one in in_treatment().events:
        facts = apply(facts, one)
        phases.append(figures(facts)["phase"])

    assert phases == [
        "registered",
        "in_evaluation",
        "evaluated",
        "withdrawal_management",
        "evaluated",
        "planning",
        "planning",
        "in_treatment",
    ]


def test_figures_name_the_events_they_stand_on() -> None:
    book = in_treatment()
    *_, admitted, _, activated = book.events

    found = state(*book.events)

    assert found["site_id"] == "riverside"
    assert found["level_of_care"] == {"level": "2.1", "since": "2026-03-02", "event_id": str(admitted.event_id)}
    assert found["plan"]["event_id"] == str(activated.event_id)
    assert found["plan"]["next_review"] == {"on": "2026-03-16", "event_id": str(activated.event_id)}
    assert found["plan"]["goals"] == [{"goal_id": "g1", "progress": "not_started", "event_id": str(activated.event_id)}]


def test_progress_is_kept_when_a_revision_becomes_the_plan() -> None:
    book = in_treatment()
    noted = book.write(f"plan-{PLAN}", intake.GoalProgressNoted("g1", Progress.ACHIEVED, MONDAY, None))
    book.write(f"plan-{PLAN}", ACTIVATED)

    assert state(*book.events)["plan"]["goals"] == [
        {"goal_id": "g1", "progress": "achieved", "event_id": str(noted.event_id)}
    ]


def test_a_discharged_patient_is_discharged_and_a_new_episode_begins_anew() -> None:
    book = in_treatment()
    discharged = intake.PatientDischarged(PATIENT, intake.DischargeReason.COMPLETED, MONDAY, None)
    book.write(f"episode-{EPISODE}", discharged)
    assert state(*book.events)["phase"] == "discharged"

    book.write(f"episode-{PLAN}", ADMITTED)
    again = state(*book.events)
    assert (again["phase"], again["plan"]["plan_id"]) == ("planning", None)


def test_an_open_danger_sign_is_shown_until_it_is_closed() -> None:
    book = in_treatment()
    stream = f"assessment-{EVALUATION}"
    raised = book.write(stream, intake.DangerSignRaised(PATIENT, "suicide-risk", "phq-9", "self-harm", "screen"))

    assert state(*book.events)["danger_signs"] == [
        {"assessment_id": str(EVALUATION), "sign": "suicide-risk", "event_id": str(raised.event_id)}
    ]
    book.write(stream, intake.DangerSignClosed("suicide-risk", None))
    assert state(*book.events)["danger_signs"] == []


def test_today_says_what_is_missing_and_how_many_hours_remain() -> None:
    sessions, doses = Attendances(), Doses()
    sessions.record(1, MONDAY, 180)
    sessions.book(2, MONDAY + timedelta(days=1))
    sessions.book(3, MONDAY + timedelta(days=2))
    doses.sign()
    doses.give(MONDAY)
    found = state(*in_treatment().events, *sessions.events, *doses.events)

    today = on_day(read(found), MONDAY + timedelta(days=2))

    assert today.this_week.counted_minutes == 180
    assert today.this_week.remaining_minutes == 420
    assert [one.what for one in today.missing] == ["attendance", "dose of methadone"]
    assert [one.session_on for one in today.expected] == [MONDAY + timedelta(days=2)]
    later = on_day(read(found), MONDAY + timedelta(days=14))
    assert "review of the plan" in [one.what for one in later.missing]


def test_a_patient_of_whom_only_a_dose_is_known_has_a_state_too() -> None:
    book = Doses()
    book.give(MONDAY)

    found = state(*book.events)

    assert (found["phase"], found["site_id"]) == ("unknown", None)
    assert on_day(read(found), MONDAY).missing == []


def test_the_plan_of_the_tests_prescribes_what_its_events_say() -> None:
    problems, _ = taken_apart(written_plan())

    assert weekly_minutes(problems, MONDAY) == ACTIVATED.prescribed
