"""One patient's way through intake over HTTP, with the bodies of the documents, from registration to discharge."""

from uuid import uuid4

from services.intake import examples
from tests.intake.running import Clinic, body, evaluated, nobody_like


async def test_from_registration_to_discharge(clinic: Clinic) -> None:
    patient, episode = str(uuid4()), str(uuid4())
    await clinic.done(await clinic.put(f"patients/{patient}", nobody_like(), "front_desk"))
    assert await phase(clinic, patient) == "registered"

    evaluation, version = await evaluated(clinic, patient)
    assert await phase(clinic, patient) == "in_evaluation"
    signature = await clinic.post(f"evaluations/{evaluation}/signature", body(examples.SIGNATURE), version=version)
    signed = await clinic.done(signature)
    assert [one["type"] for one in signed["events"]] == ["EvaluationSigned", "WithdrawalManagementRequired"]
    assert await phase(clinic, patient) == "withdrawal_management"

    await clinic.done(
        await clinic.post(f"patients/{patient}/detox-gate/completion", body(examples.COMPLETION), "nurse")
    )
    admission = body(examples.ADMISSION, patient_id=patient, evaluation_id=evaluation)
    admitted = await clinic.done(await clinic.put(f"episodes/{episode}", admission))
    assert await phase(clinic, patient) == "planning"

    await planned(clinic, patient, episode)
    state = (await clinic.get(f"patients/{patient}/plan-state?on=2025-11-20")).json()
    assert state["figures"]["phase"] == "in_treatment"
    assert state["figures"]["plan"]["goals"][0]["progress"] == "in_progress"
    assert state["today"]["this_week"] == {
        "monday": "2025-11-17",
        "counted_minutes": 0,
        "prescribed_minutes": 600,
        "remaining_minutes": 600,
        "event_id": None,
    }

    step = await clinic.post(
        f"episodes/{episode}/level-of-care-steps", body(examples.STEP), version=admitted["version"]
    )
    stepped = await clinic.done(step)
    await clinic.done(
        await clinic.post(f"episodes/{episode}/discharge", body(examples.DISCHARGE), version=stepped["version"])
    )
    assert await phase(clinic, patient) == "discharged"


async def planned(clinic: Clinic, patient: str, episode: str) -> None:
    """Drafted, revised, signed by both, worked on and reviewed."""
    plan = str(uuid4())
    draft = body(examples.PLAN, patient_id=patient, episode_id=episode)
    await clinic.done(await clinic.put(f"plans/{plan}", draft))
    revised = await clinic.done(await clinic.post(f"plans/{plan}/revisions", body(examples.REVISION), version=1))
    await clinic.done(
        await clinic.post(f"plans/{plan}/activation", body(examples.ACTIVATION), version=revised["version"])
    )
    await clinic.done(await clinic.post(f"plans/{plan}/progress-notes", body(examples.PROGRESS)))
    await clinic.done(await clinic.post(f"plans/{plan}/reviews", body(examples.REVIEW)))


async def phase(clinic: Clinic, patient: str) -> str:
    answer = await clinic.get(f"patients/{patient}/plan-state")
    assert answer.status_code == 200, answer.text
    return str(answer.json()["figures"]["phase"])
