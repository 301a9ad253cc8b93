"""Attendance over HTTP: one sheet for a whole group, corrections, minutes by week, meetings outside."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from services.scheduling import examples
from tests.scheduling.running import Clinic, body, done, refused

NOTE = "Triggers at family parties, and what to say."


def sheet(*lines: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A sheet of a session from ten to half past eleven, with a break of ten minutes."""
    return {
        "started_at": "2026-03-03T10:00:00+01:00",
        "ended_at": "2026-03-03T11:30:00+01:00",
        "break_minutes": 10,
        "note": NOTE,
        "lines": list(lines),
        **changes,
    }


def line(patient: UUID, status: str = "attended", **more: Any) -> dict[str, Any]:
    return {"patient_id": str(patient), "status": status, **more}


async def held(clinic: Clinic, *patients: UUID, **changes: Any) -> str:
    """A session that everybody attended."""
    session = await clinic.session(*patients, **changes)
    done(await clinic.post(f"sessions/{session}/attendance-sheet", sheet(*(line(one) for one in patients))))
    return session


async def test_one_sheet_reaches_every_chart(clinic: Clinic) -> None:
    anna, ben, clara = [await clinic.patient() for _ in range(3)]
    session = await clinic.session(anna, ben, clara)
    written = sheet(line(anna, companions=1), line(ben, "arrived_late", minutes=65), line(clara, "no_show"))

    accepted = done(await clinic.post(f"sessions/{session}/attendance-sheet", written))

    assert [one["type"] for one in accepted["events"]] == ["SessionHeld"] + ["AttendanceRecorded"] * 3
    found = {one["patient_id"]: one for one in await clinic.rows(f"sessions/{session}/attendances")}
    assert [(found[str(one)]["status"], found[str(one)]["minutes"]) for one in (anna, ben, clara)] == [
        ("attended", 80),
        ("arrived_late", 65),
        ("no_show", 0),
    ]
    assert found[str(anna)]["companions"] == 1
    assert {(one["counted"], one["rule_id"], one["session_minutes"]) for one in found.values()} == {
        (True, "staff-led-service", 80)
    }
    for one in found.values():
        assert (await clinic.get(f"attendances/{one['attendance_id']}")).json()["note"] == NOTE
    sealed = await clinic.owner.fetch(
        "select sealed from log.event where patient_id = any($1) and sealed is not null", [anna, ben]
    )
    assert len({one["sealed"] for one in sealed}) == 2
    assert all(NOTE.encode() not in one["sealed"] for one in sealed)


async def test_attendance_is_effective_when_the_session_ended(clinic: Clinic) -> None:
    """T42: a sheet that is handed in late says when it was true."""
    patient = await clinic.patient()
    await held(clinic, patient)

    row = await clinic.owner.fetchrow(
        "select effective_at, recorded_at from log.event where type = 'AttendanceRecorded' and patient_id = $1", patient
    )

    assert row["effective_at"].isoformat() == "2026-03-03T10:30:00+00:00"
    assert row["recorded_at"] > row["effective_at"]


async def test_a_sheet_that_forgets_somebody_stores_nothing(clinic: Clinic) -> None:
    anna, ben = await clinic.patient(), await clinic.patient()
    session = await clinic.session(anna, ben)
    path, before = f"sessions/{session}/attendance-sheet", await clinic.stored()

    forgotten = await clinic.post(path, sheet(line(anna)))
    too_long = await clinic.post(path, sheet(line(anna), line(ben, minutes=81)))
    unsure = await clinic.post(path, sheet(line(anna), line(ben, "left_early")))
    future = await clinic.post(path, sheet(line(anna), line(ben), ended_at="2199-03-03T11:30:00+01:00"))

    assert refused(forgotten) == (409, "sheet-incomplete", "lines")
    assert forgotten.json()["missing"] == [str(ben)]
    assert refused(too_long) == (422, "minutes-exceed-session", "lines[1].minutes")
    assert refused(unsure) == (422, "minutes-needed", "lines[1].minutes")
    assert refused(future) == (422, "session-time-impossible", "ended_at")
    assert await clinic.stored() == before


async def test_whoever_was_forgotten_is_booked_and_recorded_afterwards(clinic: Clinic) -> None:
    anna, ben = await clinic.patient(), await clinic.patient()
    session = await held(clinic, anna)
    path, late = f"sessions/{session}/late-attendances", {"lines": [line(ben)]}

    assert refused(await clinic.post(path, late))[:2] == (409, "not-seated")
    done(await clinic.post(f"sessions/{session}/bookings", {"patient_ids": [str(ben)]}))
    accepted = done(await clinic.post(path, late))

    assert [one["type"] for one in accepted["events"]] == ["AttendanceRecorded"]
    found = {one["patient_id"]: one["minutes"] for one in await clinic.rows(f"sessions/{session}/attendances")}
    assert found == {str(anna): 80, str(ben): 80}
    assert refused(await clinic.post(path, late))[:2] == (409, "already-recorded")


async def test_a_correction_names_what_it_corrects_and_so_does_the_next(clinic: Clinic) -> None:
    """T43"""
    patient = await clinic.patient()
    await held(clinic, patient)
    (found,) = await clinic.rows(f"patients/{patient}/attendances")
    path = f"attendances/{found['attendance_id']}/corrections"

    assert refused(await clinic.post(path, {"status": "no_show"}))[0] == 428
    first = done(await clinic.post(path, {"status": "no_show"}, version=found["version"]))
    second = done(
        await clinic.post(
            path, {"status": "left_early", "minutes": 40, "remark": "Phone call"}, version=first["version"]
        )
    )

    rows = await clinic.owner.fetch(
        "select event_id, corrects from log.event where stream = $1 order by version", second["stream"]
    )
    assert [row["corrects"] for row in rows[-2:]] == [row["event_id"] for row in rows[-3:-1]]
    (found,) = await clinic.rows(f"patients/{patient}/attendances")
    assert (found["status"], found["minutes"], found["corrections"]) == ("left_early", 40, 2)
    detail = (await clinic.get(f"attendances/{found['attendance_id']}")).json()
    assert (detail["note"], detail["remark"]) == (NOTE, "Phone call")
    assert refused(await clinic.post(path, {"status": "no_show"}, version=first["version"]))[0] == 412


async def test_a_retraction_takes_the_minutes_away(clinic: Clinic) -> None:
    patient = await clinic.patient()
    await held(clinic, patient)
    (found,) = await clinic.rows(f"patients/{patient}/attendances")
    path = f"attendances/{found['attendance_id']}"

    done(await clinic.post(f"{path}/retraction", body(examples.RETRACTION), version=found["version"]))

    (found,) = await clinic.rows(f"patients/{patient}/attendances")
    assert (found["status"], found["minutes"]) == ("retracted", None)
    assert await clinic.rows(f"patients/{patient}/weeks") == []
    again = await clinic.post(f"{path}/corrections", {"status": "no_show"}, version=found["version"])
    assert refused(again)[:2] == (409, "not-recorded")
    session = found["session_id"]
    done(await clinic.post(f"sessions/{session}/bookings", {"patient_ids": [str(patient)]}))
    done(await clinic.post(f"sessions/{session}/late-attendances", {"lines": [line(patient, "excused")]}))
    (found,) = await clinic.rows(f"patients/{patient}/attendances")
    assert (found["status"], found["minutes"]) == ("excused", 0)


async def test_minutes_are_summed_by_week_and_form_of_help(clinic: Clinic) -> None:
    patient = await clinic.patient()
    await held(clinic, patient)
    for number, kind in ((8, "cbt"), (9, "yoga")):
        session = await clinic.session(patient, day=number, hour=10, kind=kind, place="outside", room_id=None)
        written = sheet(
            line(patient),
            started_at=f"2026-03-{number:02}T10:00:00+01:00",
            ended_at=f"2026-03-{number:02}T11:00:00+01:00",
            break_minutes=0,
        )
        done(await clinic.post(f"sessions/{session}/attendance-sheet", written))

    def week(row: dict[str, Any]) -> tuple[Any, ...]:
        return row["week_begins_on"], row["modality"], row["minutes"], row["counted_minutes"], row["attended"]

    by_monday = [week(row) for row in await clinic.rows(f"patients/{patient}/weeks")]
    by_sunday = [week(row) for row in await clinic.rows(f"patients/{patient}/weeks?week_starts=SU")]

    assert by_monday == [
        ("2026-03-09", "cam", 60, 0, 1),
        ("2026-03-02", "individual", 60, 60, 1),
        ("2026-03-02", "group", 80, 80, 1),
    ]
    assert by_sunday == [
        ("2026-03-08", "individual", 60, 60, 1),
        ("2026-03-08", "cam", 60, 0, 1),
        ("2026-03-01", "group", 80, 80, 1),
    ]


async def test_activities_count_where_the_sites_policy_lists_them(clinic: Clinic) -> None:
    patient = await clinic.patient()
    policy = body(examples.COUNTING_POLICY)
    done(await clinic.post(f"sites/{clinic.site}/counting-policies", policy, "site_manager"))

    await held(clinic, patient, kind="yoga")

    (found,) = await clinic.rows(f"patients/{patient}/attendances")
    assert (found["counted"], found["policy_id"], found["rule_id"]) == (
        True,
        "activity-therapy",
        "activity-therapy-on-site",
    )


async def test_a_meeting_outside_is_reported_verified_and_never_counted(clinic: Clinic) -> None:
    patient, meeting = await clinic.patient(), uuid4()
    path = f"patients/{patient}/support-meetings/{meeting}"

    done(await clinic.put(path, body(examples.SUPPORT_MEETING), "front_desk"))
    assert refused(await clinic.put(path, body(examples.SUPPORT_MEETING)))[:2] == (409, "already-recorded")
    (found,) = await clinic.rows(f"patients/{patient}/attendances")
    assert (found["modality"], found["kind"], found["minutes"]) == ("support_group", "aa", 60)
    assert (found["counted"], found["evidence"], found["evidence_verdict"]) == (False, "signature", None)

    verdicts = f"attendances/{found['attendance_id']}"
    done(await clinic.post(f"{verdicts}/evidence-verification", {"verified_by": clinic.leader}))
    assert (await clinic.rows(f"patients/{patient}/attendances"))[0]["evidence_verdict"] == "verified"
    rejection = body(examples.REJECTION, rejected_by=clinic.leader)
    done(await clinic.post(f"{verdicts}/evidence-rejection", rejection))
    await clinic.project()
    detail = (await clinic.get(verdicts)).json()
    assert (detail["evidence_verdict"], detail["rejection_reason"]) == ("rejected", "The signature is not legible.")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"kind": "cbt"}, (422, "kind-led-by-staff", "kind")),
        ({"kind": "karaoke"}, (422, "kind-unknown", "kind")),
        ({"attended_on": "2199-01-01"}, (422, "meeting-not-in-reach", "attended_on")),
        ({"minutes": 0}, (422, "minutes-exceed-session", "minutes")),
    ],
)
async def test_a_meeting_that_cannot_be_is_refused(
    clinic: Clinic, changes: dict[str, Any], expected: tuple[int, str, str]
) -> None:
    """H1"""
    patient = await clinic.patient()

    answer = await clinic.put(
        f"patients/{patient}/support-meetings/{uuid4()}", body(examples.SUPPORT_MEETING, **changes)
    )

    assert refused(answer) == expected


async def test_a_parked_patient_shows_since_when(clinic: Clinic) -> None:
    """T30"""
    patient = await clinic.patient()
    await held(clinic, patient)
    await clinic.project()
    await clinic.worker.execute(
        """insert into projection.parked (consumer, topic, partition, record_offset, key, reason, headers)
           values ('scheduling', 'scheduling.events.v1', 0, $2, $1::text, 'test', '[]')""",
        str(patient),
        patient.int % 1_000_000,
    )

    for path in (f"patients/{patient}/attendances", f"patients/{patient}/weeks"):
        (found,) = await clinic.rows(path)
        assert found["degraded_since"] is not None
    assert (await clinic.get(f"participants/{patient}")).json()["degraded_since"] is not None
