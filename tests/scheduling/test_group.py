"""Groups of every kind, their leaders, places and meetings."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scheduling.activities import KindNotLedByStaff, KindUnknown
from services.scheduling.group import (
    AlreadyEnrolled,
    DateOutOfRange,
    End,
    Enrol,
    Found,
    GroupAlreadyFounded,
    GroupFull,
    GroupHasEnded,
    GroupNotFounded,
    LeaveOut,
    MeetingAlreadyLeftOut,
    NameLeaders,
    NotEnrolled,
    NotInCare,
    Withdraw,
    decider,
)
from services.scheduling.meetings import meeting_on, meetings
from services.scheduling.participant import Participant
from services.scheduling.recurrence import RecurrenceNotUnderstood
from services.scheduling.room import RoomIsClosed, RoomNotOpened
from services.scheduling.room import decider as rooms
from services.scheduling.setting import (
    CapacityAboveLimit,
    LeaderTwice,
    PlaceNeedsRoom,
    RoomOfAnotherSite,
    RoomTooSmall,
    setting_of,
)
from services.scheduling.site import decider as sites
from services.scheduling.staff import StaffMemberUnknown
from shared.events.scheduling import (
    ClosureAnnounced,
    GroupEnded,
    GroupFounded,
    GroupLeadersNamed,
    MeetingLeftOut,
    Modality,
    PatientEnrolled,
    PatientWithdrawn,
    Place,
    RoomClosed,
    RoomOpened,
)
from shared.failures import Failure
from tests.scenario import Scenario
from tests.scheduling.situations import (
    ANNA,
    BEN,
    BERLIN,
    CLARA,
    CO_LEADER,
    GROUP,
    LEADER,
    MONDAY,
    POLICIES,
    RIVERSIDE,
    ROOM,
    leader,
    nobody,
    opened,
    physician,
    ready,
    relapse_prevention,
    room,
    site,
)

group = Scenario(decider)
found = Found(
    site_id=RIVERSIDE,
    name="Monday evening",
    setting=relapse_prevention,
    first_on=MONDAY,
    starts_at="18:00",
    minutes=90,
    recurrence="FREQ=WEEKLY;BYDAY=MO",
    policy_id="activities",
    policy_version=1,
)
founded = GroupFounded(
    site_id=RIVERSIDE,
    zone=BERLIN,
    kind="relapse-prevention",
    modality=Modality.GROUP,
    name="Monday evening",
    curriculum=None,
    place=Place.ON_SITE,
    room_id=ROOM,
    leader_id=LEADER,
    co_leader_id=None,
    first_on=MONDAY,
    starts_at="18:00",
    minutes=90,
    recurrence="FREQ=WEEKLY;BYDAY=MO",
    capacity=2,
    policy_id="activities",
    policy_version=1,
)


def test_a_group_is_founded_in_the_zone_of_its_site() -> None:
    assert group.given().when(found, site, leader, room) == [founded]


@pytest.mark.parametrize(
    ("kind", "modality", "capacity"),
    [
        ("psychoeducation", Modality.GROUP, 25),
        ("family-group", Modality.FAMILY, 8),
        ("skills-training", Modality.SKILLS, 12),
        ("relapse-prevention", Modality.GROUP, 12),
        ("process", Modality.GROUP, 12),
    ],
)
def test_each_kind_of_group_has_its_own_size(kind: str, modality: Modality, capacity: int) -> None:
    activity = POLICIES.activities.activity(kind)
    setting = setting_of(activity, Place.TELEHEALTH, None, (LEADER, CO_LEADER))

    assert (setting.modality, setting.capacity) == (modality, capacity)
    with pytest.raises(CapacityAboveLimit):
        setting_of(activity, Place.TELEHEALTH, None, (LEADER, None), capacity + 1)
    assert setting_of(activity, Place.TELEHEALTH, None, (LEADER, None), 2).capacity == 2


def test_a_support_group_is_not_led_by_staff_and_an_unknown_kind_is_refused() -> None:
    with pytest.raises(KindNotLedByStaff):
        setting_of(POLICIES.activities.activity("aa"), Place.ON_SITE, ROOM, (LEADER, None))
    with pytest.raises(KindUnknown):
        POLICIES.activities.activity("karaoke")


@pytest.mark.parametrize(
    ("change", "given_states", "refusal"),
    [
        ({"place": Place.TELEHEALTH}, (site, leader, room), PlaceNeedsRoom),
        ({"room_id": None}, (site, leader), PlaceNeedsRoom),
        ({"co_leader_id": LEADER}, (site, leader, leader, room), LeaderTwice),
        ({"co_leader_id": CO_LEADER}, (site, leader, nobody, room), StaffMemberUnknown),
        ({}, (site, leader, rooms.initial), RoomNotOpened),
        ({}, (site, leader, rooms.fold([RoomOpened("hillside", "Attic", 9)])), RoomOfAnotherSite),
        ({}, (site, leader, rooms.fold([RoomOpened(RIVERSIDE, "Attic", 1)])), RoomTooSmall),
        ({}, (site, leader, rooms.fold([RoomOpened(RIVERSIDE, "Attic", 9), RoomClosed("Fire")])), RoomIsClosed),
    ],
)
def test_a_setting_that_cannot_bear_the_group_is_refused(
    change: dict[str, object], given_states: tuple[object, ...], refusal: type[Failure]
) -> None:
    setting = replace(relapse_prevention, **change)  # type: ignore[arg-type]

    with pytest.raises(refusal):
        group.given().when(replace(found, setting=setting), *given_states)


def test_a_rule_that_cannot_be_followed_founds_no_group() -> None:
    with pytest.raises(RecurrenceNotUnderstood):
        group.given().when(replace(found, recurrence="FREQ=HOURLY"), site, leader, room)
    with pytest.raises(DateOutOfRange):
        group.given().when(replace(found, first_on=date(9999, 12, 31)), site, leader, room)
    with pytest.raises(GroupAlreadyFounded):
        group.given(founded).when(found, site, leader, room)


def test_other_leaders_are_named_once() -> None:
    named = GroupLeadersNamed(CO_LEADER, LEADER)
    command = NameLeaders(RIVERSIDE, CO_LEADER, LEADER)

    assert group.given(founded).when(command, site, physician, leader, room) == [named]
    assert group.given(founded, named).when(command, site, physician, leader, room) == []


def test_a_patient_in_care_is_enrolled_while_there_is_a_place() -> None:
    anna, ben = PatientEnrolled(ANNA), PatientEnrolled(BEN)

    assert group.given(founded).when(Enrol(RIVERSIDE, ANNA), ready) == [anna]
    with pytest.raises(AlreadyEnrolled):
        group.given(founded, anna).when(Enrol(RIVERSIDE, ANNA), ready)
    with pytest.raises(NotInCare):
        group.given(founded).when(Enrol(RIVERSIDE, ANNA), Participant(known=True))
    with pytest.raises(GroupFull):
        group.given(founded, anna, ben).when(Enrol(RIVERSIDE, CLARA), ready)


def test_a_place_that_is_given_up_is_free_again() -> None:
    anna, ben = PatientEnrolled(ANNA), PatientEnrolled(BEN)

    assert group.given(founded, anna, ben).when(Withdraw(ANNA)) == [PatientWithdrawn(ANNA)]
    enrolled = group.given(founded, anna, ben, PatientWithdrawn(ANNA)).when(Enrol(RIVERSIDE, CLARA), ready)
    assert enrolled == [PatientEnrolled(CLARA)]
    with pytest.raises(NotEnrolled):
        group.given(founded).when(Withdraw(ANNA))


def test_a_group_of_another_site_reads_as_absent() -> None:
    """T50"""
    for command in (Enrol("hillside", ANNA), NameLeaders("hillside", LEADER)):
        with pytest.raises(GroupNotFounded):
            group.given(founded).when(command, ready)


def test_a_group_that_has_ended_takes_nobody_in() -> None:
    assert group.given(founded).when(End(MONDAY)) == [GroupEnded(MONDAY)]
    with pytest.raises(GroupHasEnded):
        group.given(founded, GroupEnded(MONDAY)).when(Enrol(RIVERSIDE, ANNA), ready)


def test_a_date_is_left_out_once() -> None:
    left_out = MeetingLeftOut(MONDAY, "Public holiday")

    assert group.given(founded).when(LeaveOut(MONDAY, "Public holiday")) == [left_out]
    with pytest.raises(MeetingAlreadyLeftOut):
        group.given(founded, left_out).when(LeaveOut(MONDAY, "Again"))


def test_a_group_does_not_meet_on_closures_or_dates_left_out_or_after_its_end() -> None:
    mondays = [MONDAY + timedelta(weeks=week) for week in range(5)]
    state = decider.fold([founded, MeetingLeftOut(mondays[1], "Retreat"), GroupEnded(mondays[3])])
    closed = sites.fold([opened, ClosureAnnounced(mondays[2], "Stocktaking")])

    found_meetings = meetings(GROUP, state, closed, MONDAY, mondays[4])

    assert [one.meeting_on for one in found_meetings] == [mondays[0], mondays[3]]


def test_a_group_meets_at_six_before_and_after_the_clocks_change() -> None:
    """T44"""
    found_meetings = meetings(GROUP, decider.fold([founded]), site, date(2026, 3, 23), date(2026, 4, 6))

    assert [one.starts_at for one in found_meetings] == [
        datetime(2026, 3, 23, 17, tzinfo=UTC),
        datetime(2026, 3, 30, 16, tzinfo=UTC),
        datetime(2026, 4, 6, 16, tzinfo=UTC),
    ]
    assert all(one.ends_at - one.starts_at == timedelta(minutes=90) for one in found_meetings)


@settings(deadline=None)
@given(
    zone=st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Beirut"]),
    first_on=st.dates(date(2008, 1, 1), date(2035, 12, 31)),
    hour=st.integers(0, 23),
)
def test_the_meetings_of_two_years_keep_their_dates_ids_and_order(zone: str, first_on: date, hour: int) -> None:
    """T44"""
    event = replace(founded, zone=zone, first_on=first_on, starts_at=f"{hour:02}:30", recurrence="FREQ=WEEKLY")
    state = decider.fold([event])
    year = timedelta(365)
    found_meetings = [
        *meetings(GROUP, state, site, first_on, first_on + year - timedelta(1)),
        *meetings(GROUP, state, site, first_on + year, first_on + 2 * year),
    ]

    assert len(found_meetings) >= 104
    assert {one.starts_at.astimezone(ZoneInfo(zone)).date() for one in found_meetings} == {
        one.meeting_on for one in found_meetings
    }
    assert all(earlier.starts_at < later.starts_at for earlier, later in pairwise(found_meetings))
    assert len({one.session_id for one in found_meetings}) == len(found_meetings)


def test_a_date_that_the_zone_skipped_has_no_meeting() -> None:
    """T44"""
    state = decider.fold([replace(founded, zone="Pacific/Apia")])
    assert state.rhythm is not None

    assert meeting_on(GROUP, state.rhythm, date(2011, 12, 30)) is None
    assert meeting_on(UUID(int=1), state.rhythm, date(2011, 12, 31)) is not None
