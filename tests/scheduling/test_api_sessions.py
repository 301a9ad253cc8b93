"""Sessions over HTTP: scheduled, moved, cancelled, never two at once in a room."""

from uuid import uuid4

from services.scheduling import examples
from tests.scheduling.running import Clinic, body, done, refused


async def test_an_appointment_is_on_the_day_sheet_of_its_site(clinic: Clinic) -> None:
    patient = await clinic.patient()
    session = await clinic.session(patient, kind="cbt", topic="Thought records")

    (line,) = await clinic.rows(f"sites/{clinic.site}/days/2026-03-03/sessions", "front_desk")

    assert (line["session_id"], line["status"], line["seats_taken"]) == (session, "scheduled", 1)
    assert (line["kind"], line["modality"], line["topic"]) == ("cbt", "individual", "Thought records")
    assert (line["room_name"], line["leader_name"]) == ("Garden room", "J. Rivera")
    assert (line["session_on"], line["zone"]) == ("2026-03-03", "Europe/Berlin")
    assert str(patient) not in str(line)
    assert await clinic.rows(f"sites/{clinic.site}/days/2026-03-04/sessions") == []


async def test_a_room_holds_one_session_at_a_time(clinic: Clinic) -> None:
    first = await clinic.session()
    other = str(uuid4())
    done(await clinic.put(f"staff/{other}", body(examples.STAFF), "site_manager"))
    before = await clinic.stored()

    answer = await clinic.put(f"sessions/{uuid4()}", clinic.wanted(hour=11, leader_id=other))

    assert refused(answer) == (409, "room-taken", "room_id")
    assert answer.json()["session_id"] == first
    assert await clinic.stored() == before
    done(await clinic.put(f"sessions/{uuid4()}", clinic.wanted(hour=12, leader_id=other)))


async def test_a_leader_and_a_patient_are_in_one_session_at_a_time(clinic: Clinic) -> None:
    patient = await clinic.patient()
    await clinic.session(patient)
    online = {"place": "telehealth", "room_id": None}

    same_leader = await clinic.put(f"sessions/{uuid4()}", clinic.wanted() | online)
    same_patient = await clinic.put(f"sessions/{uuid4()}", clinic.wanted(patient, leader_id=clinic.physician) | online)

    assert refused(same_leader) == (409, "leader-taken", "leader_id")
    assert refused(same_patient) == (409, "patient-taken", "patient_ids[0]")
    assert "session_id" not in same_patient.json()


async def test_a_session_fits_the_sites_hours_and_the_kinds_capacity(clinic: Clinic) -> None:
    patients = [await clinic.patient(), await clinic.patient()]

    night = await clinic.put(f"sessions/{uuid4()}", clinic.wanted(hour=21))
    crowd = await clinic.put(f"sessions/{uuid4()}", clinic.wanted(*patients, kind="dbt"))
    outside = await clinic.put(f"sessions/{uuid4()}", clinic.wanted(kind="aa"))

    assert refused(night) == (409, "outside-opening-hours", "starts_at")
    assert refused(crowd) == (409, "session-full", "patient_ids")
    assert refused(outside) == (422, "kind-not-led-by-staff", "kind")


async def test_a_closure_keeps_the_site_free(clinic: Clinic) -> None:
    closure = {"closed_on": "2026-03-03", "reason": "Stocktaking"}
    done(await clinic.post(f"sites/{clinic.site}/closures", closure, "site_manager"))

    assert refused(await clinic.put(f"sessions/{uuid4()}", clinic.wanted())) == (409, "site-closed", "starts_at")
    done(await clinic.post(f"sites/{clinic.site}/closures/2026-03-03/withdrawal", {}, "site_manager"))
    await clinic.session()


async def test_a_session_moves_with_its_bookings_and_frees_the_old_time(clinic: Clinic) -> None:
    patient = await clinic.patient()
    session = await clinic.session(patient, kind="cbt")
    new_time = body(examples.RESCHEDULING, room_id=clinic.room)

    moved = done(await clinic.post(f"sessions/{session}/rescheduling", new_time, version=2))

    (line,) = await clinic.rows(f"patients/{patient}/attendances")
    assert line["starts_at"] == "2026-03-03T13:00:00Z"
    assert "BookingMoved" in [one["type"] for one in moved["events"]]
    await clinic.session(patient)
    taken = await clinic.put(f"sessions/{uuid4()}", clinic.wanted(patient, hour=14))
    assert refused(taken) == (409, "room-taken", "room_id")


async def test_a_session_that_moves_to_another_room_and_day_frees_the_old_one(clinic: Clinic) -> None:
    attic, session = str(uuid4()), await clinic.session(day=3)
    done(await clinic.put(f"rooms/{attic}", body(examples.ROOM, site_id=clinic.site), "site_manager"))
    new_time = clinic.wanted(day=4, room_id=attic)
    new_time = {name: new_time[name] for name in ("place", "room_id", "starts_at", "ends_at")}

    done(await clinic.post(f"sessions/{session}/rescheduling", new_time, version=1))

    await clinic.session(day=3)
    await clinic.session(day=4, leader_id=clinic.physician)
    taken = await clinic.put(f"sessions/{uuid4()}", clinic.wanted(day=4, room_id=attic, leader_id=clinic.physician))
    assert refused(taken) == (409, "room-taken", "room_id")


async def test_an_evening_in_new_york_is_on_its_own_date_and_across_midnight_of_the_calendar(clinic: Clinic) -> None:
    """T44: half past six in the evening of the third is half an hour before midnight in UTC."""
    site = f"york-{uuid4().hex[:8]}"
    clinic.site = site
    new_york = body(examples.SITE, zone="America/New_York")
    done(await clinic.put(f"sites/{site}", new_york, "network_manager"))
    online = {"place": "telehealth", "room_id": None}
    evening = {"starts_at": "2026-03-03T18:30:00-05:00", "ends_at": "2026-03-03T19:30:00-05:00"}
    later = {"starts_at": "2026-03-03T19:15:00-05:00", "ends_at": "2026-03-03T20:00:00-05:00"}

    done(await clinic.put(f"sessions/{uuid4()}", clinic.wanted() | online | evening))

    (line,) = await clinic.rows(f"sites/{site}/days/2026-03-03/sessions")
    assert (line["session_on"], line["starts_at"]) == ("2026-03-03", "2026-03-03T23:30:00Z")
    taken = await clinic.put(f"sessions/{uuid4()}", clinic.wanted() | online | later)
    assert refused(taken) == (409, "leader-taken", "leader_id")


async def test_a_session_that_moved_on_is_not_moved_blindly(clinic: Clinic) -> None:
    """T32"""
    session = await clinic.session()
    new_time = body(examples.RESCHEDULING, room_id=clinic.room)

    missing = await clinic.post(f"sessions/{session}/rescheduling", new_time)
    stale = await clinic.post(f"sessions/{session}/rescheduling", new_time, version=7)

    assert refused(missing)[0] == 428
    assert refused(stale)[0] == 412


async def test_a_cancelled_session_frees_room_leader_and_patients(clinic: Clinic) -> None:
    patient = await clinic.patient()
    session = await clinic.session(patient)

    done(await clinic.post(f"sessions/{session}/cancellation", body(examples.CANCELLATION), version=2))

    (line,) = await clinic.rows(f"patients/{patient}/attendances")
    assert (line["status"], line["cancel_reason"], line["cancelled_in_time"]) == (
        "cancelled",
        "session_cancelled",
        True,
    )
    again = await clinic.session(patient)
    lines = await clinic.rows(f"sites/{clinic.site}/days/2026-03-03/sessions")
    assert {one["session_id"]: one["status"] for one in lines} == {session: "cancelled", again: "scheduled"}


async def test_the_same_key_gives_the_same_answer(clinic: Clinic) -> None:
    """T31"""
    headers, session = clinic.headers(), uuid4()

    first = await clinic.client.put(f"/v1/sessions/{session}", json=clinic.wanted(), headers=headers)
    second = await clinic.client.put(f"/v1/sessions/{session}", json=clinic.wanted(), headers=headers)

    assert second.json() == first.json()
    assert second.headers["idempotency-replayed"] == "true"


async def test_the_list_of_activities_says_how_many_fit(clinic: Clinic) -> None:
    activities = {one["kind"]: one for one in (await clinic.get("activities")).json()}

    assert activities["psychoeducation"]["capacity_max"] == 25
    assert activities["aa"] == {
        "kind": "aa",
        "modality": "support_group",
        "name": "Alcoholics Anonymous",
        "capacity_max": None,
    }
