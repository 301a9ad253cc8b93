"""Evaluations over HTTP: in parts, signed as a whole, amended with a reason; scores and the gate beside them."""

from uuid import uuid4

from services.intake import examples
from tests.intake.running import Clinic, body, evaluated, registered, signed


async def test_half_an_evaluation_is_kept_and_says_what_is_missing(clinic: Clinic) -> None:
    evaluation = uuid4()
    await clinic.done(await clinic.put(f"evaluations/{evaluation}", {"patient_id": await registered(clinic)}))
    await clinic.done(await clinic.post(f"evaluations/{evaluation}/sections", examples.SUBSTANCES))

    sheet = (await clinic.get(f"evaluations/{evaluation}")).json()

    assert sheet["status"] == "open"
    assert sheet["sections"]["substances"]["content"]["uses"][0]["amount_per_day"] == "10"
    assert sheet["sections"]["substances"]["notes"] == examples.SUBSTANCES["notes"]
    assert len(sheet["missing"]) == 7
    (line,) = (await clinic.get("evaluations?status=open")).json()["items"]
    assert (line["sections"], line["signed_at"]) == (["substances"], None)
    refused = await clinic.post(f"evaluations/{evaluation}/signature", body(examples.SIGNATURE), version=2)
    assert refused.status_code == 409
    assert refused.json()["missing"] == sheet["missing"]


async def test_a_signature_says_what_the_evaluation_came_to(clinic: Clinic) -> None:
    evaluation = await signed(clinic, await registered(clinic))

    sheet = (await clinic.get(f"evaluations/{evaluation}")).json()

    assert sheet["status"] == "signed"
    assert sheet["signature"]["signed_by"] == "counsellor-1"
    assert sheet["signature"]["age_years"] >= 37
    assert sheet["signature"]["rules"] == ["alcohol-daily-heavy"]


async def test_a_signature_rests_on_the_version_that_was_seen(clinic: Clinic) -> None:
    """T32."""
    evaluation, version = await evaluated(clinic, await registered(clinic))
    path, sign = f"evaluations/{evaluation}/signature", body(examples.SIGNATURE)

    assert (await clinic.post(path, sign)).status_code == 428
    assert (await clinic.post(path, sign, version=version - 1)).status_code == 412
    assert (await clinic.post(path, sign, version=version)).status_code == 201


async def test_an_adolescent_is_signed_only_with_an_adolescents_section(clinic: Clinic) -> None:
    patient = uuid4()
    person = {"family_name": f"Lindqvist {uuid4().hex}", "given_names": "Per", "birth_date": "2010-06-01"}
    await clinic.done(await clinic.put(f"patients/{patient}", {"identity": person}, "front_desk"))
    evaluation, version = await evaluated(clinic, str(patient))

    refused = await clinic.post(f"evaluations/{evaluation}/signature", body(examples.SIGNATURE), version=version)

    assert refused.json()["type"].endswith("/adolescence-not-recorded")


async def test_an_amendment_keeps_what_was_signed(clinic: Clinic) -> None:
    evaluation = await signed(clinic, await registered(clinic))
    version = (await clinic.get(f"evaluations/{evaluation}")).json()["version"]
    refused = await clinic.post(f"evaluations/{evaluation}/sections", examples.PHYSICAL_HEALTH)
    assert refused.json()["type"].endswith("/evaluation-already-signed")

    health = examples.PHYSICAL_HEALTH["content"] | {"pregnancy": "pregnant", "gestation_weeks": 9}
    amendment = {"answers": examples.PHYSICAL_HEALTH | {"content": health}, "reason": "Test came back."}
    await clinic.done(await clinic.post(f"evaluations/{evaluation}/amendments", amendment, version=version))

    sheet = (await clinic.get(f"evaluations/{evaluation}")).json()
    assert sheet["sections"]["physical_health"]["content"]["pregnancy"] == "pregnant"
    assert sheet["sections"]["physical_health"]["amended_because"] == "Test came back."
    assert [one["content"]["pregnancy"] for one in sheet["signed_versions"]["physical_health"]] == ["not_pregnant"]


async def test_the_gate_that_an_evaluation_put_up_is_overridden_by_a_physician_only(clinic: Clinic) -> None:
    patient = await registered(clinic)
    await signed(clinic, patient)
    path = f"patients/{patient}/detox-gate/override"
    assert [one["patient_id"] for one in (await clinic.get("detox-gates?status=required")).json()["items"]] == [patient]

    assert (await clinic.post(path, body(examples.OVERRIDE), "counsellor", version=1)).status_code == 403
    await clinic.done(await clinic.post(path, body(examples.OVERRIDE), "prescriber", version=1))

    gate = (await clinic.get(f"patients/{patient}/detox-gate")).json()
    assert (gate["status"], gate["by"]) == ("overridden", "prescriber-1")
    assert gate["override_reason"] == body(examples.OVERRIDE)["reason"]
    again = await clinic.post(path, body(examples.OVERRIDE), "prescriber", version=2)
    assert again.json()["type"].endswith("/detox-gate-not-standing")


async def test_the_server_computes_the_score_and_refuses_another_total(clinic: Clinic) -> None:
    patient, assessment = await registered(clinic), uuid4()
    phq = body(examples.ASSESSMENT, "phq-9", patient_id=patient)

    refused = await clinic.put(f"assessments/{assessment}", phq | {"total": 13})
    assert (refused.status_code, refused.json()["field"], refused.json()["computed"]) == (422, "total", 14)

    await clinic.done(await clinic.put(f"assessments/{assessment}", phq))
    sheet = (await clinic.get(f"assessments/{assessment}")).json()
    assert (sheet["total"], sheet["band"]) == (14, "moderate")


async def test_a_danger_sign_stays_on_the_list_until_it_is_answered(clinic: Clinic) -> None:
    patient, assessment = await registered(clinic), uuid4()
    await clinic.done(
        await clinic.put(f"assessments/{assessment}", body(examples.ASSESSMENT, "phq-9", patient_id=patient))
    )
    (sign,) = (await clinic.get("danger-signs")).json()["items"]
    assert (sign["patient_id"], sign["sign"]) == (patient, "suicide-risk")

    await clinic.done(
        await clinic.post(f"assessments/{assessment}/danger-sign-closures", body(examples.CLOSURE), "nurse")
    )

    assert (await clinic.get("danger-signs")).json()["items"] == []
    sheet = (await clinic.get(f"assessments/{assessment}")).json()
    assert sheet["danger_signs"][0]["closed_by"] == "nurse-1"
    assert sheet["danger_signs"][0]["action_taken"] == body(examples.CLOSURE)["action_taken"]


async def test_a_high_cows_score_puts_up_the_gate_in_the_same_act(clinic: Clinic) -> None:
    patient = await registered(clinic)
    cows = body(examples.ASSESSMENT, "cows", patient_id=patient)
    high = cows | {"answers": cows["answers"] | {"restlessness": 5, "pupils": 5}}

    accepted = await clinic.done(await clinic.put(f"assessments/{uuid4()}", high, "nurse"))

    assert [one["type"] for one in accepted["events"]] == ["InstrumentScored", "WithdrawalManagementRequired"]


async def test_scores_over_time_are_those_of_the_time_they_were_taken(clinic: Clinic) -> None:
    patient = await registered(clinic)
    earlier = body(examples.ASSESSMENT, "cows", patient_id=patient, effective_at="2026-01-02T10:00:00+00:00")
    first, second = uuid4(), uuid4()
    await clinic.done(await clinic.put(f"assessments/{first}", earlier | {"effective_at": None}, "nurse"))
    await clinic.done(await clinic.put(f"assessments/{second}", earlier, "nurse"))
    await clinic.done(
        await clinic.post(f"assessments/{first}/retraction", body(examples.RETRACTION), "nurse", version=1)
    )

    scores = (await clinic.get(f"patients/{patient}/assessments?instrument_id=cows")).json()["items"]

    assert [(one["assessment_id"], one["retracted"]) for one in scores] == [(str(first), True), (str(second), False)]
    assert scores[1]["taken_at"].startswith("2026-01-02")


async def test_instruments_are_published_with_source_and_licence(clinic: Clinic) -> None:
    found = (await clinic.get("instruments")).json()

    assert {one["id"] for one in found} == {"cows", "phq-9"}
    assert all(one["source"] and one["licence"] for one in found)


async def test_nobody_unknown_is_evaluated_or_assessed(clinic: Clinic) -> None:
    unknown = str(uuid4())

    begun = await clinic.put(f"evaluations/{uuid4()}", {"patient_id": unknown})
    assessed = await clinic.put(f"assessments/{uuid4()}", body(examples.ASSESSMENT, "cows", patient_id=unknown))

    for refused in (begun, assessed):
        assert (refused.status_code, refused.json()["field"]) == (404, "patient_id")
