"""Plan state: minutes and attendance, late and corrected, and how large they grow."""

import json
from datetime import timedelta
from typing import Any

from services.intake.plan_state import apply, figures
from services.intake.plan_state_attendance import REACH_WEEKS
from shared.events.intake.plan_parts import Modality
from shared.events.scheduling import AttendanceStatus
from tests.intake.recording import Attendances, Doses, attendance_id, fold, state
from tests.intake.situations import MONDAY


def test_hours_count_in_the_week_of_the_session() -> None:
    book = Attendances()
    book.record(1, MONDAY, 60)
    book.record(2, MONDAY + timedelta(days=6), 45)
    book.record(3, MONDAY + timedelta(days=7), 90)
    book.record(4, MONDAY, 60, modality=Modality.SUPPORT_GROUP, counts=False)

    weeks = state(*book.events)["weeks"]

    assert {monday: week["counted_minutes"] for monday, week in weeks.items()} == {"2026-03-02": 105, "2026-03-09": 90}
    assert weeks["2026-03-02"]["minutes"] == {"group": 105, "support_group": 60}


def test_a_correction_takes_the_place_of_what_it_corrects() -> None:
    """T42, T43: also a correction of a correction, and a late one."""
    book = Attendances()
    book.record(1, MONDAY, 60)
    book.record(2, MONDAY + timedelta(weeks=8), 60)
    book.correct(1, MONDAY, 30)
    book.correct(1, MONDAY, 45)

    weeks = state(*book.events)["weeks"]

    assert weeks["2026-03-02"]["counted_minutes"] == 45


def test_a_correction_may_move_an_attendance_to_another_week() -> None:
    book = Attendances()
    book.record(1, MONDAY, 60)
    book.correct(1, MONDAY - timedelta(days=1), 60)

    weeks = state(*book.events)["weeks"]

    assert (weeks["2026-02-23"]["counted_minutes"], weeks["2026-03-02"]["counted_minutes"]) == (60, 0)


def test_a_retracted_attendance_never_was() -> None:
    book = Attendances()
    book.record(1, MONDAY, 60)
    book.retract(1)

    found = state(*book.events)

    assert found["weeks"]["2026-03-02"]["counted_minutes"] == 0
    assert found["attendance"] == {}


def test_attendance_rate_leaves_out_excused_absences() -> None:
    book = Attendances()
    book.record(1)
    book.record(2, MONDAY, 0, status=AttendanceStatus.NO_SHOW)
    book.record(3, MONDAY, 0, status=AttendanceStatus.EXCUSED)

    assert state(*book.events)["attendance"] == {"group": {"sessions": 3, "attended": 1, "no_shows": 1, "rate": 0.5}}


def test_a_booking_waits_until_attendance_is_recorded() -> None:
    book = Attendances()
    book.book(1, MONDAY)
    assert [one["attendance_id"] for one in state(*book.events)["bookings"]] == [str(attendance_id(1))]

    book.record(1)
    assert state(*book.events)["bookings"] == []


def test_a_correction_reaches_a_closed_week_up_to_the_limit_and_is_counted_beyond() -> None:
    book = Attendances()
    book.record(1, MONDAY, 60)
    book.record(2, MONDAY + timedelta(weeks=REACH_WEEKS), 60)
    book.correct(1, MONDAY, 15)
    assert fold(book.events)["attendance"]["weeks"]["2026-03-02"]["totals"]["group"][0] == 15

    book.record(3, MONDAY + timedelta(weeks=REACH_WEEKS + 1), 60)
    book.correct(1, MONDAY, 30)
    facts = fold(book.events)
    assert facts["attendance"]["weeks"]["2026-03-02"]["totals"]["group"][0] == 15
    assert figures(facts)["corrections_out_of_reach"] == 1


def test_three_busy_years_stay_small() -> None:
    """The value of a patient with 15 sessions and 7 doses a week, three years long."""
    sessions, doses = Attendances(), Doses()
    doses.sign()
    facts: dict[str, Any] = {}
    for week in range(156):
        for number in range(15):
            facts = apply(facts, sessions.record(week * 15 + number, MONDAY + timedelta(weeks=week, days=number % 5)))
            sessions.events.clear()
        for day in range(7):
            facts = apply(facts, doses.give(MONDAY + timedelta(weeks=week, days=day)))
            doses.events.clear()

    assert len(json.dumps({"facts": facts, "figures": figures(facts)})) < 90_000
