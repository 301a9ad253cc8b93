"""No room, leader or patient is in two sessions at once."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scheduling.calendar import (
    RESERVATIONS_MAX,
    Calendar,
    CalendarFull,
    LeaderTaken,
    Owner,
    PatientTaken,
    Release,
    Reserve,
    RoomTaken,
    days,
    decider,
    stream_id,
)
from shared.events.scheduling import TimeReleased, TimeReserved
from shared.failures import Refused
from tests.scenario import Scenario
from tests.scheduling.situations import HALF_PAST_SEVEN, MONDAY, ROOM, SESSION, SIX

calendar = Scenario(decider)
OTHER = UUID("0195a000-0000-7000-8000-0000000000ff")
reserved = TimeReserved(SESSION, SIX, HALF_PAST_SEVEN)


def test_a_free_time_is_reserved() -> None:
    assert calendar.given().when(Reserve(Owner.ROOM, SESSION, SIX, HALF_PAST_SEVEN)) == [reserved]


def test_reserving_the_same_time_again_says_nothing_new() -> None:
    assert calendar.given(reserved).when(Reserve(Owner.ROOM, SESSION, SIX, HALF_PAST_SEVEN)) == []


def test_one_session_may_begin_when_the_other_ends() -> None:
    later = HALF_PAST_SEVEN + timedelta(hours=1)

    assert calendar.given(reserved).when(Reserve(Owner.ROOM, OTHER, HALF_PAST_SEVEN, later)) == [
        TimeReserved(OTHER, HALF_PAST_SEVEN, later)
    ]


@pytest.mark.parametrize(
    ("owner", "refusal"), [(Owner.ROOM, RoomTaken), (Owner.STAFF, LeaderTaken), (Owner.PATIENT, PatientTaken)]
)
def test_a_time_that_another_session_has_is_refused(owner: Owner, refusal: type[Refused]) -> None:
    with pytest.raises(refusal):
        calendar.given(reserved).when(Reserve(owner, OTHER, HALF_PAST_SEVEN - timedelta(minutes=1), HALF_PAST_SEVEN))


def test_only_a_room_says_which_session_is_in_the_way() -> None:
    """T50: a patient's or leader's other session may be at another site."""
    facts = []
    for owner in Owner:
        with pytest.raises(Refused) as refusal:
            calendar.given(reserved).when(Reserve(owner, OTHER, SIX, HALF_PAST_SEVEN))
        facts.append(refusal.value.facts)

    assert facts == [{"session_id": str(SESSION)}, {}, {}]


def test_a_session_that_moves_does_not_stand_in_its_own_way() -> None:
    later = SIX + timedelta(minutes=30)

    moved = calendar.given(reserved).when(Reserve(Owner.ROOM, SESSION, later, HALF_PAST_SEVEN))

    assert moved == [TimeReserved(SESSION, later, HALF_PAST_SEVEN)]
    assert decider.fold([reserved, *moved]).reserved == {SESSION: (later, HALF_PAST_SEVEN)}


def test_a_time_is_released_once() -> None:
    assert calendar.given(reserved).when(Release(SESSION)) == [TimeReleased(SESSION)]
    assert calendar.given(reserved, TimeReleased(SESSION)).when(Release(SESSION)) == []


def test_a_day_has_a_limit() -> None:
    full = Calendar({UUID(int=n): (SIX, SIX) for n in range(RESERVATIONS_MAX)})

    with pytest.raises(CalendarFull):
        decider.decide(full, Reserve(Owner.ROOM, SESSION, SIX, HALF_PAST_SEVEN))


def test_a_time_across_midnight_is_in_the_calendars_of_both_days() -> None:
    late = datetime(2026, 3, 9, 23, 30, tzinfo=UTC)
    midnight = datetime(2026, 3, 10, tzinfo=UTC)

    assert days(late, midnight) == [MONDAY]
    assert days(late, midnight + timedelta(minutes=1)) == [MONDAY, date(2026, 3, 10)]
    assert stream_id(Owner.ROOM, ROOM, MONDAY) == f"room.{ROOM}.2026-03-09"


@settings(deadline=None)
@given(
    wishes=st.lists(st.tuples(st.integers(0, 400), st.integers(1, 200)), max_size=30),
)
def test_whatever_is_asked_for_no_two_reservations_overlap(wishes: list[tuple[int, int]]) -> None:
    state = Calendar()
    for number, (start, length) in enumerate(wishes):
        starts_at = SIX + timedelta(minutes=start)
        try:
            events = decider.decide(
                state, Reserve(Owner.ROOM, UUID(int=number % 7), starts_at, starts_at + timedelta(minutes=length))
            )
        except RoomTaken:
            continue
        for event in events:
            state = decider.evolve(state, event)

    times = sorted(state.reserved.values())
    assert all(ends_at <= starts_at for (_, ends_at), (starts_at, _) in pairwise(times))
