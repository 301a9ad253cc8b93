"""Sites, rooms and staff over HTTP."""

from typing import Any
from uuid import uuid4

import pytest

from services.scheduling import examples
from tests.scheduling.running import Clinic, body, done, refused


async def test_a_site_shows_hours_zone_and_closures_to_come(clinic: Clinic) -> None:
    done(
        await clinic.post(f"sites/{clinic.site}/closures", {"closed_on": "2099-12-24", "reason": "Eve"}, "site_manager")
    )
    done(
        await clinic.post(
            f"sites/{clinic.site}/closures", {"closed_on": "2020-12-24", "reason": "Past"}, "site_manager"
        )
    )
    done(await clinic.post(f"sites/{clinic.site}/opening-hours", body(examples.OPENING_HOURS), "site_manager"))

    await clinic.project()
    site = (await clinic.get(f"sites/{clinic.site}")).json()

    assert (site["name"], site["zone"], site["version"]) == ("Riverside", "Europe/Berlin", 4)
    assert [one["weekday"] for one in site["opening_hours"]] == ["MO", "TU", "WE", "TH", "FR", "SA"]
    assert site["closures"] == [{"closed_on": "2099-12-24", "reason": "Eve"}]
    assert clinic.site in [one["site_id"] for one in await clinic.rows("sites?limit=200")]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"zone": "Europe/Atlantis"}, (422, "zone-unknown", "zone")),
        ({"zone": "EST"}, (422, "zone-unknown", "zone")),
        ({"counting_policy": "generous"}, (422, "counting-policy-unknown", "counting_policy")),
        (
            {"opening_hours": [{"weekday": "MO", "opens_at": "20:00", "closes_at": "08:00"}]},
            (422, "opening-hours-contradict", "opening_hours"),
        ),
        (
            {"opening_hours": [{"weekday": "MO", "opens_at": "8 am", "closes_at": "20:00"}]},
            (422, "invalid", "opening_hours[0].opens_at"),
        ),
        ({"opening_hours": []}, (422, "invalid", "opening_hours")),
        ({"name": "x" * 201}, (422, "invalid", "name")),
    ],
)
async def test_a_site_that_cannot_be_is_refused(
    clinic: Clinic, changes: dict[str, Any], expected: tuple[int, str, str]
) -> None:
    """H1"""
    clinic.site, before = f"other-{uuid4().hex[:8]}", await clinic.stored()

    answer = await clinic.put(f"sites/{clinic.site}", body(examples.SITE, **changes), "network_manager")

    assert refused(answer) == expected
    assert await clinic.stored() == before


async def test_only_the_network_opens_sites_and_only_in_their_own_name(clinic: Clinic) -> None:
    wanted = body(examples.SITE)

    assert refused(await clinic.put("sites/hillside", wanted, "site_manager"))[0] == 403
    elsewhere = await clinic.put("sites/hillside", wanted, "network_manager")
    assert refused(elsewhere) == (422, "site-of-another", "Evenkeel-Site")
    again = await clinic.put(f"sites/{clinic.site}", wanted, "network_manager")
    assert refused(again)[:2] == (409, "site-already-opened")


async def test_a_room_is_listed_until_it_is_closed(clinic: Clinic) -> None:
    (room,) = await clinic.rows(f"rooms?site_id={clinic.site}")
    assert (room["name"], room["seats"], room["closed_reason"]) == ("Garden room", 14, None)

    done(await clinic.post(f"rooms/{clinic.room}/closing", body(examples.ROOM_CLOSING), "site_manager"))

    (room,) = await clinic.rows(f"rooms?site_id={clinic.site}")
    assert room["closed_reason"] == "Water damage"
    assert refused(await clinic.put(f"sessions/{uuid4()}", clinic.wanted()))[:2] == (409, "room-is-closed")


async def test_a_full_name_is_sealed_and_shown_to_managers_only(clinic: Clinic) -> None:
    credential = body(examples.CREDENTIAL)
    done(await clinic.post(f"staff/{clinic.leader}/credentials", credential, "site_manager"))
    done(await clinic.post(f"staff/{clinic.leader}/credentials", credential | {"number": "99"}, "site_manager"))

    lines = {one["staff_id"]: one for one in await clinic.rows(f"staff?site_id={clinic.site}", "counsellor")}

    line = lines[clinic.leader]
    assert (line["short_name"], line["professions"]) == ("J. Rivera", ["counsellor"])
    assert [one["number"] for one in line["credentials"]] == ["99"]
    assert "Julia" not in str(lines)
    assert (await clinic.get(f"staff/{clinic.leader}", "counsellor")).status_code == 403
    assert (await clinic.get(f"staff/{clinic.leader}", "site_manager")).json()["full_name"] == "Julia Rivera"
    assert "Julia" not in await clinic.owner.fetchval("select string_agg(data::text, '') from log.event")


async def test_whoever_has_left_leads_no_session(clinic: Clinic) -> None:
    done(await clinic.post(f"staff/{clinic.leader}/departure", body(examples.DEPARTURE), "site_manager"))

    assert refused(await clinic.put(f"sessions/{uuid4()}", clinic.wanted())) == (
        409,
        "staff-member-has-left",
        "leader_id",
    )
