"""A site's way through scheduling over HTTP with the bodies and ids of the documents, as printed and in their order."""

from typing import Any
from uuid import UUID

from services.scheduling import examples
from tests.scheduling.running import Clinic, admitted, body, done, plan_active, registered

MANAGER = "site_manager"


async def test_the_examples_of_the_documents_work_as_printed(api: Clinic) -> None:
    clinic = api
    clinic.site = examples.SITE_ID
    await site_and_staff(clinic)
    for patient in (UUID(examples.PATIENT_ID), UUID(examples.SECOND_PATIENT_ID)):
        for data in (registered(), admitted(patient), plan_active(patient)):
            await clinic.hear(patient, data)

    session = await group_and_meetings(clinic)
    await appointment(clinic)
    await attendance(clinic, session)

    weeks = await clinic.rows(f"patients/{examples.PATIENT_ID}/weeks")
    assert {one["modality"]: (one["minutes"], one["counted_minutes"]) for one in weeks} == {
        "group": (80, 80),
        "support_group": (60, 0),
    }


async def site_and_staff(clinic: Clinic) -> None:
    site = f"sites/{examples.SITE_ID}"
    done(await clinic.put(site, body(examples.SITE), "network_manager"))
    done(await clinic.post(f"{site}/opening-hours", body(examples.OPENING_HOURS), MANAGER))
    done(await clinic.post(f"{site}/closures", body(examples.CLOSURE), MANAGER))
    done(await clinic.put(f"rooms/{examples.ROOM_ID}", body(examples.ROOM), MANAGER))
    for staff in (examples.LEADER_ID, examples.CO_LEADER_ID):
        done(await clinic.put(f"staff/{staff}", body(examples.STAFF), MANAGER))
        done(await clinic.post(f"staff/{staff}/credentials", body(examples.CREDENTIAL), MANAGER))
    physician = body(examples.STAFF, professions=["physician"])
    done(await clinic.put(f"staff/{examples.PHYSICIAN_ID}", physician, MANAGER))


async def group_and_meetings(clinic: Clinic) -> str:
    """The group, and the id of its first session."""
    group = f"groups/{examples.GROUP_ID}"
    done(await clinic.put(group, body(examples.GROUP)))
    done(await clinic.post(f"{group}/leaders", body(examples.LEADERS), version=1))
    done(await clinic.post(f"{group}/dates-left-out", body(examples.LEFT_OUT)))
    done(await clinic.post(f"{group}/enrolments", body(examples.ENROLMENT)))
    done(await clinic.post(f"{group}/sessions", body(examples.MEETINGS)))
    first: dict[str, Any] = (await clinic.rows(f"{group}/sessions"))[-1]
    return str(first["session_id"])


async def appointment(clinic: Clinic) -> None:
    session = f"sessions/{examples.SESSION_ID}"
    scheduled = done(await clinic.put(session, body(examples.SESSION)))
    moved = done(
        await clinic.post(f"{session}/rescheduling", body(examples.RESCHEDULING), version=scheduled["version"])
    )
    done(await clinic.post(f"{session}/cancellation", body(examples.CANCELLATION), version=moved["version"]))


async def attendance(clinic: Clinic, session: str) -> None:
    done(await clinic.post(f"sessions/{session}/bookings", body(examples.BOOKING)))
    lines = {one["patient_id"]: one["attendance_id"] for one in await clinic.rows(f"sessions/{session}/attendances")}
    mine, other = (f"attendances/{lines[one]}" for one in (examples.PATIENT_ID, examples.SECOND_PATIENT_ID))
    done(await clinic.post(f"{mine}/arrival", body(examples.ARRIVAL), "front_desk"))
    done(await clinic.post(f"sessions/{session}/attendance-sheet", body(examples.SHEET)))
    done(await clinic.post(f"{mine}/corrections", body(examples.CORRECTION), version=3))
    done(await clinic.post(f"{other}/retraction", body(examples.RETRACTION), version=2))
    meeting = f"patients/{examples.PATIENT_ID}/support-meetings/{examples.MEETING_ID}"
    reported = done(await clinic.put(meeting, body(examples.SUPPORT_MEETING)))
    report = f"attendances/{reported['stream'].removeprefix('attendance-')}"
    done(await clinic.post(f"{report}/evidence-verification", body(examples.VERIFICATION)))
    done(await clinic.post(f"{report}/evidence-rejection", body(examples.REJECTION)))
    await clinic.project()
    assert (await clinic.get(mine)).json()["status"] == "attended"
