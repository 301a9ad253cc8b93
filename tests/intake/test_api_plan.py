"""Episodes and plans over HTTP: one episode at a time, both signatures, versions with their difference, reviews due."""

from uuid import uuid4

from services.intake import examples
from tests.intake.running import Clinic, admitted, body, drafted, evaluated, registered, signed


async def test_nobody_is_admitted_on_half_an_evaluation(clinic: Clinic) -> None:
    patient = await registered(clinic)
    evaluation, _ = await evaluated(clinic, patient)

    refused = await clinic.put(
        f"episodes/{uuid4()}", body(examples.ADMISSION, patient_id=patient, evaluation_id=evaluation)
    )

    assert refused.json()["type"].endswith("/evaluation-not-signed")


async def test_a_patient_is_in_one_episode_at_a_time(clinic: Clinic) -> None:
    patient = await registered(clinic)
    episode = await admitted(clinic, patient)
    evaluation = (await clinic.get(f"episodes/{episode}")).json()["evaluation_id"]

    refused = await clinic.put(
        f"episodes/{uuid4()}", body(examples.ADMISSION, patient_id=patient, evaluation_id=evaluation)
    )

    assert refused.json()["type"].endswith("/already-in-episode")
    (line,) = (await clinic.get(f"episodes?patient_id={patient}&in_care=true")).json()["items"]
    assert line["episode_id"] == episode


async def test_an_episode_keeps_its_levels_and_its_end(clinic: Clinic) -> None:
    patient = await registered(clinic)
    episode = await admitted(clinic, patient)
    await clinic.done(await clinic.post(f"episodes/{episode}/level-of-care-steps", body(examples.STEP), version=1))
    note = body(examples.DISCHARGE) | {"summary": "Went home to her sister."}
    await clinic.done(await clinic.post(f"episodes/{episode}/discharge", note, version=2))

    sheet = (await clinic.get(f"episodes/{episode}")).json()

    assert [one["level_of_care"] for one in sheet["levels"]] == ["2.1", "1.0"]
    assert (sheet["discharge_reason"], sheet["discharge_summary"]) == ("completed", "Went home to her sister.")
    assert (await clinic.get("patients?in_care=true")).json()["items"] == []
    again = await clinic.post(f"episodes/{episode}/discharge", note, version=3)
    assert again.json()["type"].endswith("/patient-already-discharged")


async def test_a_plan_shows_its_versions_and_what_changed(clinic: Clinic) -> None:
    plan = await drafted(clinic, await registered(clinic))
    new = body(examples.REVISION)
    problem = new["problems"][0] | {"text": "Alcohol and fentanyl."}
    debt = {"id": "p2", "text": "Debt.", "owner": "counsellor-7", "identified_on": "2025-11-11"}
    await clinic.done(await clinic.post(f"plans/{plan}/revisions", new | {"problems": [problem, debt]}, version=1))

    sheet = (await clinic.get(f"plans/{plan}")).json()

    assert sheet["active_revision"] is None
    assert sheet["revisions"][0]["plan"]["strengths"] == ["Cares for her daughter", "Has stopped before"]
    assert sheet["revisions"][1]["difference"] == {
        "added": ["p2"],
        "removed": [],
        "reworded": ["p1"],
        "moved_or_rescheduled": [],
    }
    refused = await clinic.post(f"plans/{plan}/activation", body(examples.ACTIVATION), version=2)
    assert (refused.json()["type"].rsplit("/", 1)[1], refused.json()["item"]) == ("plan-incomplete", "p2")


async def test_an_active_plan_is_due_for_review_by_policy(clinic: Clinic) -> None:
    plan = await drafted(clinic, await registered(clinic))
    await clinic.done(await clinic.post(f"plans/{plan}/activation", body(examples.ACTIVATION), version=1))

    due = (await clinic.get("plan-reviews-due?until=2025-11-24")).json()["items"]
    assert [(one["plan_id"], one["next_review_on"]) for one in due] == [(plan, "2025-11-24")]
    assert (await clinic.get("plan-reviews-due?until=2025-11-23")).json()["items"] == []

    review = body(examples.REVIEW) | {"reviewed_on": "2025-11-22", "note": "Doing well."}
    await clinic.done(await clinic.post(f"plans/{plan}/reviews", review))
    sheet = (await clinic.get(f"plans/{plan}")).json()
    assert sheet["next_review_on"] == "2025-11-24"
    assert sheet["reviews"][0]["note"] == "Doing well."
    (revision,) = sheet["revisions"]
    assert (revision["signed_by"], revision["hours_finding"]) == ("counsellor-1", "fits")


async def test_a_plan_over_its_episode_is_not_reviewed_any_more(clinic: Clinic) -> None:
    patient = await registered(clinic)
    plan = await drafted(clinic, patient)
    await clinic.done(await clinic.post(f"plans/{plan}/activation", body(examples.ACTIVATION), version=1))
    episode = (await clinic.get(f"plans/{plan}")).json()["episode_id"]
    await clinic.done(await clinic.post(f"episodes/{episode}/discharge", body(examples.DISCHARGE), version=1))

    assert (await clinic.get("plan-reviews-due?until=2030-01-01")).json()["items"] == []


async def test_a_revision_is_written_on_what_was_seen(clinic: Clinic) -> None:
    """T32."""
    plan = await drafted(clinic, await registered(clinic))
    path, revision = f"plans/{plan}/revisions", body(examples.REVISION)

    assert (await clinic.post(path, revision)).status_code == 428
    assert (await clinic.post(path, revision, version=7)).status_code == 412


async def test_the_plan_of_another_patients_episode_is_refused(clinic: Clinic) -> None:
    episode = await admitted(clinic, await registered(clinic))
    other = await registered(clinic)

    refused = await clinic.put(f"plans/{uuid4()}", body(examples.PLAN, patient_id=other, episode_id=episode))

    assert (refused.status_code, refused.json()["field"]) == (422, "episode_id")


async def test_an_evaluation_of_another_patient_admits_nobody(clinic: Clinic) -> None:
    evaluation = await signed(clinic, await registered(clinic))
    other = await registered(clinic)

    refused = await clinic.put(
        f"episodes/{uuid4()}", body(examples.ADMISSION, patient_id=other, evaluation_id=evaluation)
    )

    assert (refused.status_code, refused.json()["field"]) == (422, "evaluation_id")


async def test_plan_states_of_a_site_are_listed_by_phase(clinic: Clinic) -> None:
    waiting, planning = await registered(clinic), await registered(clinic)
    await admitted(clinic, planning)
    await clinic.done(
        await clinic.post(f"patients/{planning}/detox-gate/completion", body(examples.COMPLETION), "nurse")
    )

    everybody = (await clinic.get("plan-states")).json()["items"]
    (found,) = (await clinic.get("plan-states?phase=planning")).json()["items"]

    assert {one["patient_id"] for one in everybody} == {waiting, planning}
    assert found["patient_id"] == planning
    assert found["sources"]["intake.events.v1"]["position"] > 0
    assert found["degraded_since"] is None
    assert [one["what"] for one in found["today"]["missing"]] == ["signed plan"]
