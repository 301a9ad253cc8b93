"""A session from its scheduling to its end."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from services.scheduling.group import Group
from services.scheduling.group import Status as GroupStatus
from services.scheduling.seats import NotSeated, SeatTakenAlready, SessionFull, SheetIncomplete
from services.scheduling.session import (
    AddToSheet,
    Cancel,
    GiveBackSeat,
    GroupMovedOn,
    Hold,
    Reschedule,
    Schedule,
    SessionAlreadyScheduled,
    SessionNotHeld,
    SessionNotScheduled,
    SessionWasCancelled,
    SessionWasHeld,
    TakeSeats,
    decider,
)
from services.scheduling.site import OutsideOpeningHours, SiteClosed
from services.scheduling.site import decider as sites
from services.scheduling.slot import BreakTooLong, NotYetOver, SessionMoved, SessionTimeImpossible
from shared.events.scheduling import (
    ClosureAnnounced,
    Modality,
    Place,
    SeatGivenBack,
    SeatTaken,
    SessionCancelled,
    SessionCancelReason,
    SessionHeld,
    SessionRescheduled,
)
from shared.failures import Failure
from tests.scenario import Scenario
from tests.scheduling.situations import (
    ANNA,
    BEN,
    CLARA,
    GROUP,
    HALF_PAST_SEVEN,
    LEADER,
    MONDAY,
    NIGHT,
    NOON,
    RIVERSIDE,
    ROOM,
    SIX,
    leader,
    opened,
    relapse_prevention,
    room,
    scheduled,
    site,
    slot,
)

session = Scenario(decider)
schedule = Schedule(RIVERSIDE, relapse_prevention, SIX, HALF_PAST_SEVEN, NOON, group_id=GROUP)
the_group = Group(GroupStatus.MEETING, RIVERSIDE, relapse_prevention)
anna, ben = SeatTaken(ANNA, over_capacity=False), SeatTaken(BEN, over_capacity=False)
hold = Hold(RIVERSIDE, slot, SIX, HALF_PAST_SEVEN, 10, (ANNA,), NIGHT)
held = SessionHeld(SIX, HALF_PAST_SEVEN, 10, 80)
reschedule = Reschedule(
    RIVERSIDE, Place.ON_SITE, ROOM, SIX - timedelta(hours=2), HALF_PAST_SEVEN - timedelta(hours=2), NOON
)
cancelled = SessionCancelled(SessionCancelReason.LEADER_UNAVAILABLE)


def test_a_meeting_is_scheduled_on_the_date_of_the_sites_own_clock() -> None:
    assert session.given().when(schedule, site, leader, room, the_group) == [scheduled]


def test_an_appointment_is_scheduled_with_its_patient() -> None:
    cbt = replace(relapse_prevention, kind="cbt", modality=Modality.INDIVIDUAL, capacity=1)
    command = replace(schedule, setting=cbt, group_id=None, patient_ids=(ANNA,))

    events = session.given().when(command, site, leader, room)

    assert events == [
        replace(scheduled, kind="cbt", modality=Modality.INDIVIDUAL, capacity=1, group_id=None),
        anna,
    ]
    with pytest.raises(SessionFull):
        session.given().when(replace(command, patient_ids=(ANNA, BEN)), site, leader, room)


def test_a_session_is_scheduled_once() -> None:
    with pytest.raises(SessionAlreadyScheduled):
        session.given(scheduled).when(schedule, site, leader, room, the_group)


@pytest.mark.parametrize(
    "changed",
    [
        replace(the_group, setting=replace(relapse_prevention, leader_id=UUID(int=1))),
        replace(the_group, status=GroupStatus.ENDED),
        replace(the_group, site_id="hillside"),
        Group(),
    ],
)
def test_a_meeting_of_a_group_that_moved_on_is_refused(changed: Group) -> None:
    with pytest.raises(GroupMovedOn):
        session.given().when(schedule, site, leader, room, changed)


@pytest.mark.parametrize(
    ("starts_at", "ends_at", "where"),
    [
        (SIX, SIX, "ends_at"),
        (SIX, SIX + timedelta(hours=13), "ends_at"),
        (SIX - timedelta(days=3661), HALF_PAST_SEVEN - timedelta(days=3661), "starts_at"),
        (SIX + timedelta(days=800), HALF_PAST_SEVEN + timedelta(days=800), "starts_at"),
        (datetime(1, 1, 1, tzinfo=UTC), datetime(1, 1, 1, 1, tzinfo=UTC), "starts_at"),
        (datetime(9999, 12, 31, 22, tzinfo=UTC), datetime(9999, 12, 31, 23, tzinfo=UTC), "starts_at"),
    ],
)
def test_an_impossible_time_is_refused(starts_at: datetime, ends_at: datetime, where: str) -> None:
    """H1"""
    with pytest.raises(SessionTimeImpossible) as refusal:
        session.given().when(replace(schedule, starts_at=starts_at, ends_at=ends_at), site, leader, room)

    assert refusal.value.field == where


def test_a_session_is_held_while_the_site_is_open() -> None:
    closed = sites.fold([opened, ClosureAnnounced(MONDAY, "Stocktaking")])
    night = replace(schedule, starts_at=NIGHT, ends_at=NIGHT + timedelta(hours=1))

    with pytest.raises(SiteClosed):
        session.given().when(schedule, closed, leader, room)
    with pytest.raises(OutsideOpeningHours):
        session.given().when(night, site, leader, room)
    outside = replace(relapse_prevention, place=Place.OUTSIDE, room_id=None)
    assert session.given().when(replace(night, setting=outside), site, leader)


def test_seats_are_taken_until_the_session_is_full() -> None:
    take = TakeSeats(RIVERSIDE, slot, (ANNA, BEN))

    assert session.given(scheduled).when(take) == [anna, ben]
    with pytest.raises(SessionFull):
        session.given(scheduled, anna, ben).when(replace(take, patient_ids=(CLARA,)))
    with pytest.raises(SeatTakenAlready):
        session.given(scheduled, anna).when(take)
    with pytest.raises(SeatTakenAlready):
        session.given(scheduled).when(replace(take, patient_ids=(ANNA, ANNA)))


def test_one_more_than_fit_is_written_down_as_such() -> None:
    beyond = TakeSeats(RIVERSIDE, slot, (BEN, CLARA), beyond_capacity=True)

    assert session.given(scheduled, anna).when(beyond) == [ben, SeatTaken(CLARA, over_capacity=True)]


def test_a_seat_that_is_given_back_is_free() -> None:
    assert session.given(scheduled, anna).when(GiveBackSeat(RIVERSIDE, ANNA)) == [SeatGivenBack(ANNA)]
    with pytest.raises(NotSeated):
        session.given(scheduled, anna, SeatGivenBack(ANNA)).when(GiveBackSeat(RIVERSIDE, ANNA))


def test_a_session_moves_with_its_date() -> None:
    moved = SessionRescheduled(Place.ON_SITE, ROOM, reschedule.starts_at, reschedule.ends_at, MONDAY)

    assert session.given(scheduled).when(reschedule, site, leader, room) == [moved]
    with pytest.raises(SessionMoved):
        session.given(scheduled, moved).when(TakeSeats(RIVERSIDE, slot, (ANNA,)))
    with pytest.raises(SessionMoved):
        session.given(scheduled, anna, moved).when(hold)


def test_a_session_is_held_for_everyone_with_a_seat() -> None:
    assert session.given(scheduled, anna).when(hold) == [held]
    wrong = {(): SheetIncomplete, (ANNA, BEN): NotSeated, (BEN,): NotSeated, (ANNA, ANNA): NotSeated}
    for patient_ids, refusal in wrong.items():
        with pytest.raises(refusal):
            session.given(scheduled, anna).when(replace(hold, patient_ids=patient_ids))


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"now": HALF_PAST_SEVEN - timedelta(minutes=1)}, NotYetOver),
        ({"break_minutes": 90}, BreakTooLong),
        ({"ended_at": SIX}, SessionTimeImpossible),
    ],
)
def test_a_session_that_cannot_have_been_held_so_is_refused(change: dict[str, object], refusal: type[Failure]) -> None:
    with pytest.raises(refusal):
        session.given(scheduled, anna).when(replace(hold, **change))  # type: ignore[arg-type]


def test_patients_are_added_to_the_sheet_of_a_session_that_was_held() -> None:
    add = AddToSheet(RIVERSIDE, slot, (BEN,))

    assert session.given(scheduled, anna, held, ben).when(add) == []
    with pytest.raises(SessionNotHeld):
        session.given(scheduled, anna, ben).when(add)
    with pytest.raises(NotSeated):
        session.given(scheduled, anna, held).when(add)


def test_a_session_that_was_held_neither_moves_nor_ends_again() -> None:
    for command in (reschedule, hold, Cancel(RIVERSIDE, SessionCancelReason.TOO_FEW_PATIENTS)):
        with pytest.raises(SessionWasHeld):
            session.given(scheduled, anna, held).when(command, site, leader, room)


def test_a_cancelled_session_has_no_seats_and_nothing_more_happens_to_it() -> None:
    assert session.given(scheduled, anna).when(Cancel(RIVERSIDE, cancelled.reason)) == [cancelled]
    assert not decider.fold([scheduled, anna, cancelled]).seats.taken
    for command in (reschedule, hold, TakeSeats(RIVERSIDE, slot, (BEN,)), Cancel(RIVERSIDE, cancelled.reason)):
        with pytest.raises(SessionWasCancelled):
            session.given(scheduled, anna, cancelled).when(command, site, leader, room)


def test_a_session_of_another_site_reads_as_absent() -> None:
    """T50"""
    commands = (
        replace(reschedule, site_id="hillside"),
        replace(hold, site_id="hillside"),
        Cancel("hillside", cancelled.reason),
        TakeSeats("hillside", slot, (BEN,)),
        GiveBackSeat("hillside", ANNA),
        AddToSheet("hillside", slot, (ANNA,)),
    )
    for command in commands:
        with pytest.raises(SessionNotScheduled):
            session.given(scheduled, anna).when(command, site, leader, room)
        with pytest.raises(SessionNotScheduled):
            session.given().when(command, site, leader, room)


def test_leaders_are_those_of_the_setting() -> None:
    state = decider.fold([scheduled])

    assert state.setting == relapse_prevention
    assert state.setting.leader_id == LEADER
