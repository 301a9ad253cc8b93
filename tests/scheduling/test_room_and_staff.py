"""Rooms and the people who lead sessions in them."""

from datetime import date

import pytest

from services.scheduling import room as rooms
from services.scheduling import staff
from services.scheduling.site import Site, SiteNotOpened
from shared.events.scheduling import (
    Credential,
    CredentialRecorded,
    Profession,
    RoomClosed,
    RoomOpened,
    StaffMemberJoined,
    StaffMemberLeft,
)
from tests.scenario import Scenario
from tests.scheduling.situations import RIVERSIDE, site

room = Scenario(rooms.decider)
member = Scenario(staff.decider)
garden = RoomOpened(RIVERSIDE, "Garden room", 14)
julia = StaffMemberJoined(RIVERSIDE, "J. Rivera", (Profession.COUNSELLOR,), date(2024, 1, 1), "Julia Rivera")
licence = Credential("LADC", "12-3456", "VT", date(2027, 6, 30))


def test_a_room_is_opened_at_a_site_that_exists() -> None:
    assert room.given().when(rooms.Open(RIVERSIDE, "Garden room", 14), site) == [garden]
    with pytest.raises(SiteNotOpened):
        room.given().when(rooms.Open(RIVERSIDE, "Garden room", 14), Site())


def test_a_room_is_opened_and_closed_once() -> None:
    closed = RoomClosed("Water damage")

    assert room.given(garden).when(rooms.Close("Water damage")) == [closed]
    with pytest.raises(rooms.RoomAlreadyOpened):
        room.given(garden).when(rooms.Open(RIVERSIDE, "Garden room", 14), site)
    with pytest.raises(rooms.RoomIsClosed):
        room.given(garden, closed).when(rooms.Close("Again"))
    with pytest.raises(rooms.RoomNotOpened):
        room.given().when(rooms.Close("Water damage"))


def test_somebody_joins_the_staff_with_each_profession_once() -> None:
    twice = (Profession.COUNSELLOR, Profession.COUNSELLOR)

    assert member.given().when(staff.Join(RIVERSIDE, "J. Rivera", "Julia Rivera", twice, date(2024, 1, 1))) == [julia]
    with pytest.raises(staff.StaffMemberAlreadyJoined):
        member.given(julia).when(staff.Join(RIVERSIDE, "J. Rivera", "Julia Rivera", twice, date(2024, 1, 1)))


def test_a_credential_is_recorded_while_somebody_works_here() -> None:
    assert member.given(julia).when(staff.RecordCredential(licence)) == [CredentialRecorded(licence)]
    with pytest.raises(staff.StaffMemberUnknown):
        member.given().when(staff.RecordCredential(licence))
    with pytest.raises(staff.StaffMemberHasLeft):
        member.given(julia, StaffMemberLeft(date(2025, 1, 1))).when(staff.RecordCredential(licence))


def test_nobody_leaves_before_they_joined() -> None:
    assert member.given(julia).when(staff.Leave(date(2025, 1, 1))) == [StaffMemberLeft(date(2025, 1, 1))]
    with pytest.raises(staff.LeftBeforeJoining):
        member.given(julia).when(staff.Leave(date(2023, 12, 31)))
