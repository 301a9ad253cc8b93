"""Plan state: the order in which the topics arrive does not matter, and corrections reach what they correct."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.intake.plan_state import figures
from services.intake.plan_state_attendance import REACH_WEEKS, monday_of
from shared.events import scheduling
from tests.intake.recording import Attendances, Doses, fold, in_treatment, state
from tests.intake.situations import MONDAY

DAYS = st.integers(0, 400).map(lambda days: MONDAY + timedelta(days=days))
ATTENDANCES = st.lists(
    st.tuples(
        st.sampled_from(["record", "record", "correct", "retract", "book"]),
        st.integers(0, 12),
        DAYS,
        st.integers(0, 90),
    ),
    max_size=25,
)
SLOTS = st.lists(st.tuples(st.sampled_from(["give", "refuse", "miss", "void"]), DAYS), max_size=25)


def attendance_book(steps: Sequence[tuple[str, int, date, int]]) -> Attendances:
    """A story in which only what is recorded gets corrected or retracted."""
    book, known = Attendances(), {}
    for verb, number, on, minutes in steps:
        if verb == "book" and number not in known:
            book.book(number, on)
        elif verb == "record" and number not in known:
            known[number] = book.record(number, on, minutes)
        elif verb == "correct" and number in known:
            book.correct(number, on, minutes)
        elif verb == "retract" and number in known:
            book.retract(number, known[number].data.session_on)
    return book


def dose_book(steps: Sequence[tuple[str, date]]) -> Doses:
    book = Doses()
    book.sign()
    for verb, on in steps:
        getattr(book, verb)(on)
    return book


@settings(max_examples=150, deadline=None)
@given(ATTENDANCES, SLOTS, st.randoms(use_true_random=False))
def test_the_figures_do_not_depend_on_how_the_topics_interleave(
    steps: list[tuple[str, int, date, int]], slots: list[tuple[str, date]], chance: Any
) -> None:
    """T42: every service keeps its own order, the three arrive in any."""
    queues = [list(in_treatment().events), list(attendance_book(steps).events), list(dose_book(slots).events)]
    expected = state(*(one for queue in queues for one in queue))

    shuffled = []
    while any(queues):
        queue = chance.choice([one for one in queues if one])
        shuffled.append(queue.pop(0))

    assert state(*shuffled) == expected


@settings(max_examples=150, deadline=None)
@given(ATTENDANCES)
def test_weeks_equal_a_naive_count_of_the_last_word_on_each_attendance(
    steps: list[tuple[str, int, date, int]],
) -> None:
    """T42, T43: the oracle keeps everything and adds up at the end. All days are within reach here or counted."""
    book = attendance_book(steps)
    last: dict[str, Any] = {}
    for one in book.events:
        if isinstance(one.data, scheduling.AttendanceRecorded | scheduling.AttendanceCorrected):
            last[one.stream] = one.data
        elif isinstance(one.data, scheduling.AttendanceRetracted):
            last.pop(one.stream, None)
    naive: dict[str, int] = {}
    for data in last.values():
        naive[monday_of(data.session_on)] = naive.get(monday_of(data.session_on), 0) + data.minutes

    facts = fold(book.events)
    weeks = facts.get("attendance", {}).get("weeks", {})
    if figures(facts)["corrections_out_of_reach"] or _some_correction_crossed_the_reach(book):
        return
    found = {monday: sum(totals[0] for totals in week.get("totals", {}).values()) for monday, week in weeks.items()}
    assert {monday: minutes for monday, minutes in found.items() if minutes} == {
        monday: minutes for monday, minutes in naive.items() if minutes
    }


def _some_correction_crossed_the_reach(book: Attendances) -> bool:
    days = [one.data.session_on for one in book.events]
    return bool(days) and (max(days) - min(days)).days > REACH_WEEKS * 7
