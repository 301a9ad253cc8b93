"""Booking over HTTP: gates learned from intake, overrides by name, cancellations, signing in."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from services.scheduling import examples
from shared.events.intake import DetoxGateOverridden, WithdrawalManagementCompleted
from tests.scheduling.running import (
    ON,
    Clinic,
    admitted,
    body,
    discharged,
    done,
    gate_closed,
    plan_active,
    refused,
    registered,
)


async def test_the_detox_gate_keeps_a_patient_out_of_groups_until_intake_says_otherwise(clinic: Clinic) -> None:
    patient, session = await clinic.patient(), await clinic.session()
    wanted = {"patient_ids": [str(patient)]}
    await clinic.hear(patient, gate_closed(patient), "detox_gate")

    answer = await clinic.post(f"sessions/{session}/bookings", wanted, "front_desk")

    assert refused(answer)[:2] == (409, "detox-gate-stands")
    assert answer.json()["gates"] == ["detox"]
    done(await clinic.put(f"sessions/{uuid4()}", clinic.wanted(patient, hour=14, kind="cbt")))
    await clinic.hear(patient, WithdrawalManagementCompleted(patient, ON), "detox_gate")
    done(await clinic.post(f"sessions/{session}/bookings", wanted, "front_desk"))


async def test_nobody_is_booked_before_admission_plan_or_registration_is_known(clinic: Clinic) -> None:
    patient, session = uuid4(), await clinic.session()
    wanted, path = {"patient_ids": [str(patient)]}, f"sessions/{session}/bookings"

    kinds = [refused(await clinic.post(path, wanted))[1]]
    for data in (registered(), admitted(patient), plan_active(patient)):
        await clinic.hear(patient, data)
        kinds.append((await clinic.post(path, wanted)).json().get("type", "").rsplit("/", 1)[-1])

    assert kinds == ["patient-not-known", "patient-not-in-care", "plan-not-active", ""]


async def test_after_a_discharge_nothing_more_is_booked(clinic: Clinic) -> None:
    patient, session = await clinic.patient(), await clinic.session()
    await clinic.hear(patient, discharged(patient))

    answer = await clinic.post(f"sessions/{session}/bookings", {"patient_ids": [str(patient)]})

    assert refused(answer)[1] == "patient-not-in-care"


async def test_what_is_heard_twice_is_written_once(clinic: Clinic) -> None:
    patient, event_id = await clinic.patient(), uuid4()
    before = await clinic.stored()

    for _ in range(3):
        await clinic.hear(patient, gate_closed(patient), "detox_gate", event_id)
    await clinic.hear(patient, gate_closed(patient), "detox_gate")

    assert await clinic.stored() == before + 1
    (line,) = [one for one in await clinic.rows("participants") if one["patient_id"] == str(patient)]
    assert line["detox_gate_closed"] is True
    await clinic.hear(patient, DetoxGateOverridden(patient, None), "detox_gate")
    await clinic.project()
    assert (await clinic.get(f"participants/{patient}")).json()["detox_gate_closed"] is False


async def test_a_physician_lets_a_patient_pass_by_name_and_reason(clinic: Clinic) -> None:
    patient, session = await clinic.patient(), await clinic.session()
    await clinic.hear(patient, gate_closed(patient), "detox_gate")
    reason = "Stable on buprenorphine, seen this morning"
    override = {"authorised_by": clinic.physician, "reason": reason}
    wanted = {"patient_ids": [str(patient)], "override": override}
    path = f"sessions/{session}/overridden-bookings"

    assert refused(await clinic.post(path, wanted, "front_desk"))[0] == 403
    by_counsellor = await clinic.post(
        path, wanted | {"override": override | {"authorised_by": clinic.leader}}, "prescriber"
    )
    assert refused(by_counsellor) == (409, "profession-not-entitled", "override.authorised_by")
    done(await clinic.post(path, wanted, "prescriber"))

    (line,) = await clinic.rows(f"patients/{patient}/attendances")
    assert (line["status"], line["overridden_gates"]) == ("booked", ["detox"])
    detail = (await clinic.get(f"attendances/{line['attendance_id']}", "counsellor")).json()
    assert detail["override_reason"] == reason
    on_disk = await clinic.owner.fetchval(
        "select string_agg(data::text, '') from log.event where patient_id = $1", patient
    )
    assert reason not in on_disk


async def test_an_override_lets_one_more_in_than_fit(clinic: Clinic) -> None:
    patients = [await clinic.patient() for _ in range(3)]
    session = await clinic.session(patients[0], kind="cbt")

    full = await clinic.post(f"sessions/{session}/bookings", {"patient_ids": [str(patients[1])]})
    assert refused(full) == (409, "session-full", "patient_ids")
    wanted = body(examples.OVERRIDE, patient_ids=[str(patients[1])])
    wanted["override"] = {"authorised_by": clinic.physician, "reason": "A couple, seen together"}
    done(await clinic.post(f"sessions/{session}/overridden-bookings", wanted, "site_manager"))

    await clinic.project()
    line = (await clinic.get(f"sessions/{session}")).json()
    assert (line["seats_taken"], line["capacity"]) == (2, 1)


async def test_one_patient_who_cannot_be_booked_stops_all(clinic: Clinic) -> None:
    ready, stranger, session = await clinic.patient(), uuid4(), await clinic.session()
    before = await clinic.stored()

    answer = await clinic.post(f"sessions/{session}/bookings", {"patient_ids": [str(ready), str(stranger)]})

    assert refused(answer) == (409, "patient-not-known", "patient_ids[1]")
    assert await clinic.stored() == before


async def test_a_booking_is_cancelled_and_frees_seat_and_time(clinic: Clinic) -> None:
    patient = await clinic.patient()
    session = await clinic.session(patient, kind="cbt")
    (line,) = await clinic.rows(f"patients/{patient}/attendances")
    path = f"attendances/{line['attendance_id']}/cancellation"

    assert refused(await clinic.post(path, body(examples.BOOKING_CANCELLATION)))[0] == 428
    done(await clinic.post(path, body(examples.BOOKING_CANCELLATION), version=line["version"]))

    (line,) = await clinic.rows(f"patients/{patient}/attendances")
    assert (line["status"], line["cancel_reason"], line["cancelled_in_time"]) == ("cancelled", "illness", False)
    done(await clinic.post(f"sessions/{session}/bookings", {"patient_ids": [str(patient)]}))
    (line,) = await clinic.rows(f"patients/{patient}/attendances")
    assert (line["status"], line["cancel_reason"]) == ("booked", None)


async def test_a_patient_signs_in(clinic: Clinic) -> None:
    patient = await clinic.patient()
    await clinic.session(patient)
    (line,) = await clinic.rows(f"patients/{patient}/attendances")
    path = f"attendances/{line['attendance_id']}/arrival"

    done(await clinic.post(path, {"arrived_at": "2026-03-03T09:55:00+01:00"}, "front_desk"))
    again = await clinic.post(path, {"arrived_at": "2026-03-03T09:56:00+01:00"}, "front_desk")

    assert refused(again)[:2] == (409, "not-booked")
    (line,) = await clinic.rows(f"patients/{patient}/attendances")
    assert (line["status"], line["arrived_at"]) == ("arrived", "2026-03-03T08:55:00Z")


@pytest.mark.parametrize("contested", ["room", "leader", "patient"])
async def test_clerks_who_book_at_once_at_two_servers_book_once(clinic: Clinic, twin: Clinic, contested: str) -> None:
    """Many requests for the same hour of a room, a leader or a patient: exactly one is accepted, the others are told why."""
    clerks = 12
    patient = await clinic.patient()
    leaders = [str(uuid4()) for _ in range(clerks)]
    for one in leaders:
        done(await clinic.put(f"staff/{one}", body(examples.STAFF), "site_manager"))
    wanted = []
    for number in range(clerks):
        changes: dict[str, Any] = {"starts_at": f"2026-03-03T10:{number:02}:00+01:00"}
        if contested != "room":
            changes |= {"place": "telehealth", "room_id": None}
        if contested != "leader":
            changes |= {"leader_id": leaders[number]}
        if contested == "patient":
            changes |= {"patient_ids": [str(patient)]}
        wanted.append(clinic.wanted() | changes)

    servers = (clinic, twin)
    answers = await asyncio.gather(
        *(servers[number % 2].put(f"sessions/{uuid4()}", one, "front_desk") for number, one in enumerate(wanted))
    )

    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [201] + [409] * (clerks - 1)
    kinds = {refused(answer)[1] for answer in answers if answer.status_code == 409}
    assert kinds == {f"{contested}-taken"}
    lines = await clinic.rows(f"sites/{clinic.site}/days/2026-03-03/sessions")
    assert len(lines) == 1


async def test_the_last_seat_is_given_once(clinic: Clinic, twin: Clinic) -> None:
    session = await clinic.session(kind="cbt")
    patients = [await clinic.patient() for _ in range(8)]

    answers = await asyncio.gather(
        *(
            (clinic, twin)[number % 2].post(f"sessions/{session}/bookings", {"patient_ids": [str(one)]})
            for number, one in enumerate(patients)
        )
    )

    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    assert {refused(answer)[1] for answer in answers if answer.status_code == 409} == {"session-full"}
