"""Nothing of another site is seen or touched: every query, every command, and the calendars between the sites."""

from typing import Any
from uuid import UUID, uuid4

from services.scheduling import examples
from services.scheduling.attendance_state import attendance_id
from services.scheduling.main import SERVICE
from shared.http import create_app
from shared.settings import Settings
from tests.scheduling.running import Clinic, body, done, opened, refused

NETWORK_WIDE = {"list_sites", "get_site", "list_rooms", "list_staff", "get_staff_member", "list_activities"}
"""Reference data, and no patient in it."""

NOTHING = '{"items":[],"next":null}'


async def planted(clinic: Clinic) -> dict[str, str]:
    """A site with something of everything, and the ids by their place in a path."""
    patient, group = await clinic.patient(), str(uuid4())
    founding = body(examples.GROUP, room_id=clinic.room, leader_id=clinic.leader)
    done(await clinic.put(f"groups/{group}", founding))
    done(await clinic.post(f"groups/{group}/enrolments", {"patient_id": str(patient)}))
    done(await clinic.post(f"groups/{group}/sessions", body(examples.MEETINGS)))
    session = (await clinic.rows(f"groups/{group}/sessions"))[-1]["session_id"]
    done(await clinic.post(f"sessions/{session}/bookings", {"patient_ids": [str(patient)]}))
    done(await clinic.put(f"patients/{patient}/support-meetings/{uuid4()}", body(examples.SUPPORT_MEETING)))
    await clinic.project()
    return {
        "site_id": clinic.site,
        "on": "2026-03-02",
        "closed_on": "2026-03-02",
        "room_id": clinic.room,
        "staff_id": clinic.leader,
        "group_id": group,
        "session_id": session,
        "patient_id": str(patient),
        "meeting_id": str(uuid4()),
        "attendance_id": str(attendance_id(UUID(session), patient)),
    }


def documented() -> dict[str, Any]:
    settings = Settings(database_dsn="-", keyring_dsn="-", site_keys_file="-", kafka="-")
    return create_app(SERVICE, settings).openapi()["paths"]  # type: ignore[no-any-return]


async def test_no_query_shows_anything_of_another_site(clinic: Clinic) -> None:
    """T50"""
    ids = await planted(clinic)
    everything = await answers(clinic, ids)
    home, clinic.site = clinic.site, f"other-{uuid4().hex[:8]}"

    found = await answers(clinic, ids)

    for name, (status, text) in found.items():
        if name in NETWORK_WIDE:
            continue
        assert everything[name][0] == 200, name
        assert everything[name][1] != NOTHING, name
        assert status == 404 or (status, text) == (200, NOTHING), (name, text)
        assert home not in text, name
    assert len(found) > 15


async def answers(clinic: Clinic, ids: dict[str, str]) -> dict[str, tuple[int, str]]:
    """Every query of the document, asked as a site manager."""
    found = {}
    for path, methods in documented().items():
        if "get" not in methods:
            continue
        query = "?from_on=2026-03-01&until_on=2026-03-14" if path.endswith("/meetings") else ""
        answer = await clinic.get(path.removeprefix("/v1/").format(**ids) + query, "site_manager")
        found[methods["get"]["operationId"]] = (answer.status_code, answer.text)
    return found


async def test_no_command_touches_anything_of_another_site(clinic: Clinic) -> None:
    """T50: with the bodies of the documents, everything about another site's records reads as not found."""
    ids = await planted(clinic)
    clinic.site, before = f"other-{uuid4().hex[:8]}", await clinic.stored()
    roles = ("site_manager", "counsellor", "prescriber", "network_manager")

    for path, methods in documented().items():
        if "post" not in methods:
            continue
        example = {}
        if "requestBody" in methods["post"]:
            content = methods["post"]["requestBody"]["content"]["application/json"]
            example = next(iter(content["examples"].values()))["value"]
        answer = await clinic.post(path.removeprefix("/v1/").format(**ids), example, *roles, version=1)
        expected = {(404, None), (422, "Evenkeel-Site")} if path.startswith("/v1/sites/") else {(404, None)}
        status, _, where = refused(answer)
        assert (status, where) in expected, (path, answer.text)

    assert await clinic.stored() == before


async def test_a_patient_of_another_site_is_booked_here_and_is_in_one_place_at_a_time(api: Clinic) -> None:
    """N1: the patient is registered once in the network; the refusal does not say where the patient is."""
    home = await opened(api)
    patient = await home.patient()
    there = home.site
    session = await home.session(patient)
    here = await opened(api)

    busy = await here.put(f"sessions/{uuid4()}", here.wanted(patient))

    assert refused(busy) == (409, "patient-taken", "patient_ids[0]")
    assert there not in busy.text
    assert session not in busy.text
    done(await here.put(f"sessions/{uuid4()}", here.wanted(patient, hour=14)))
    lines = await here.rows(f"patients/{patient}/attendances")
    assert {one["site_id"] for one in lines} == {here.site}
