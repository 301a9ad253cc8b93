"""Groups over HTTP: founded, enrolled in, and meeting every week at the same time on the site's clock."""

from typing import Any
from uuid import uuid4

import pytest

from services.scheduling import examples
from tests.scheduling.running import Clinic, body, done, refused


async def founded(clinic: Clinic, **changes: Any) -> str:
    group = str(uuid4())
    wanted = body(examples.GROUP, room_id=clinic.room, leader_id=clinic.leader, **changes)
    done(await clinic.put(f"groups/{group}", wanted))
    return group


@pytest.mark.parametrize(
    ("kind", "modality", "capacity"),
    [
        ("psychoeducation", "group", 14),
        ("family-group", "family", 8),
        ("skills-training", "skills", 12),
        ("relapse-prevention", "group", 12),
        ("process", "group", 12),
    ],
)
async def test_each_kind_of_group_is_founded(clinic: Clinic, kind: str, modality: str, capacity: int) -> None:
    group = await founded(clinic, kind=kind, capacity=capacity)

    await clinic.project()
    line = (await clinic.get(f"groups/{group}")).json()

    assert (line["kind"], line["modality"], line["capacity"]) == (kind, modality, capacity)
    assert (line["zone"], line["recurrence"]) == ("Europe/Berlin", "FREQ=WEEKLY;BYDAY=MO,TH")


async def test_a_group_too_large_for_kind_or_room_is_refused(clinic: Clinic) -> None:
    wanted = body(examples.GROUP, room_id=clinic.room, leader_id=clinic.leader)

    above = await clinic.put(f"groups/{uuid4()}", wanted | {"capacity": 13})
    crowd = await clinic.put(f"groups/{uuid4()}", wanted | {"kind": "psychoeducation", "capacity": 25})

    assert refused(above) == (422, "capacity-above-limit", "capacity")
    assert refused(crowd) == (409, "room-too-small", "room_id")


async def test_meetings_are_scheduled_at_six_before_and_after_the_clocks_change(clinic: Clinic) -> None:
    """T44"""
    group = await founded(clinic, starts_at="18:00")
    stretch = {"from_on": "2026-03-23", "until_on": "2026-04-05"}

    meetings = await clinic.get(f"groups/{group}/meetings?from_on=2026-03-23&until_on=2026-04-05")
    done(await clinic.post(f"groups/{group}/sessions", stretch, "front_desk"))

    sessions = await clinic.rows(f"groups/{group}/sessions")
    assert [(one["session_on"], one["starts_at"]) for one in reversed(sessions)] == [
        ("2026-03-23", "2026-03-23T17:00:00Z"),
        ("2026-03-26", "2026-03-26T17:00:00Z"),
        ("2026-03-30", "2026-03-30T16:00:00Z"),
        ("2026-04-02", "2026-04-02T16:00:00Z"),
    ]
    assert [one["session_id"] for one in meetings.json()] == [one["session_id"] for one in reversed(sessions)]
    assert {one["group_name"] for one in sessions} == {"Monday and Thursday evening"}
    again = await clinic.post(f"groups/{group}/sessions", stretch)
    assert refused(again)[:2] == (409, "session-already-scheduled")


async def test_closures_and_dates_left_out_have_no_meeting(clinic: Clinic) -> None:
    group = await founded(clinic)
    closure = {"closed_on": "2026-03-05", "reason": "Stocktaking"}
    done(await clinic.post(f"sites/{clinic.site}/closures", closure, "site_manager"))
    done(await clinic.post(f"groups/{group}/dates-left-out", {"meeting_on": "2026-03-09", "reason": "Retreat"}))

    meetings = (await clinic.get(f"groups/{group}/meetings?from_on=2026-03-01&until_on=2026-03-13")).json()

    assert [one["meeting_on"] for one in meetings] == ["2026-03-02", "2026-03-12"]
    nothing = {"from_on": "2026-03-03", "until_on": "2026-03-04"}
    assert refused(await clinic.post(f"groups/{group}/sessions", nothing))[:2] == (409, "no-meetings")
    for_ever = {"from_on": "2026-03-03", "until_on": "2028-03-04"}
    assert refused(await clinic.post(f"groups/{group}/sessions", for_ever)) == (422, "stretch-too-long", "until_on")
    year = {"from_on": "2026-03-03", "until_on": "2027-03-02"}
    assert refused(await clinic.post(f"groups/{group}/sessions", year)) == (422, "too-many-meetings", "until_on")


async def test_one_meeting_that_cannot_be_stops_all(clinic: Clinic) -> None:
    group = await founded(clinic)
    await clinic.session(day=5, hour=17)
    before = await clinic.stored()

    answer = await clinic.post(f"groups/{group}/sessions", body(examples.MEETINGS))

    assert refused(answer)[:2] == (409, "room-taken")
    assert await clinic.stored() == before


async def test_the_roster_says_who_has_a_place_and_how_it_went(clinic: Clinic) -> None:
    group, anna, ben = await founded(clinic, capacity=2), await clinic.patient(), await clinic.patient()
    path = f"groups/{group}/enrolments"
    for one in (anna, ben):
        done(await clinic.post(path, {"patient_id": str(one)}, "front_desk"))
    full = await clinic.post(path, {"patient_id": str(await clinic.patient())})
    assert refused(full)[:2] == (409, "group-full")
    done(await clinic.post(f"groups/{group}/sessions", body(examples.MEETINGS)))
    session = (await clinic.rows(f"groups/{group}/sessions"))[-1]["session_id"]
    done(await clinic.post(f"sessions/{session}/bookings", {"patient_ids": [str(anna), str(ben)]}))
    written = body(
        examples.SHEET,
        lines=[{"patient_id": str(anna), "status": "attended"}, {"patient_id": str(ben), "status": "no_show"}],
    )
    done(await clinic.post(f"sessions/{session}/attendance-sheet", written))

    roster = {
        one["patient_id"]: (one["attended"], one["no_shows"]) for one in await clinic.rows(f"groups/{group}/roster")
    }

    assert roster == {str(anna): (1, 0), str(ben): (0, 1)}
    done(await clinic.post(f"{path}/{ben}/withdrawal", {}))
    assert [one["patient_id"] for one in await clinic.rows(f"groups/{group}/roster")] == [str(anna)]


async def test_a_group_goes_on_under_other_leaders_until_it_ends(clinic: Clinic) -> None:
    group = await founded(clinic)
    leaders = {"leader_id": clinic.physician, "co_leader_id": clinic.leader}

    named = done(await clinic.post(f"groups/{group}/leaders", leaders, version=1))
    done(await clinic.post(f"groups/{group}/ending", {"last_on": "2026-03-04"}, version=named["version"]))

    (line,) = [one for one in await clinic.rows("groups") if one["group_id"] == group]
    assert (line["leader_id"], line["last_on"]) == (clinic.physician, "2026-03-04")
    late = await clinic.post(f"groups/{group}/sessions", body(examples.MEETINGS))
    assert refused(late)[:2] == (409, "group-moved-on")
