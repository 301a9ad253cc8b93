"""Bad input to intake: refused with a problem that names the field, and nothing is stored."""

from typing import Any
from uuid import uuid4

import pytest

from services.intake import examples
from tests.intake.running import Clinic, body, registered

IDENTITY = {"family_name": "Ward", "given_names": "Anna", "birth_date": "1988-05-17"}


def use(**changes: Any) -> dict[str, Any]:
    """The first substance of the example with something wrong."""
    content = examples.SUBSTANCES["content"]
    return {"section": "substances", "content": content | {"uses": [content["uses"][0] | changes]}}


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({"identity": IDENTITY | {"birth_date": "17.05.1988"}}, "identity.birth_date"),
        ({"identity": IDENTITY | {"family_name": ""}}, "identity.family_name"),
        ({"identity": IDENTITY | {"family_name": "x" * 201}}, "identity.family_name"),
        ({"identity": IDENTITY | {"given_names": "An\x07na"}}, "identity.given_names"),
        ({"identity": IDENTITY | {"nickname": "Mia"}}, "identity.nickname"),
        ({"identity": IDENTITY, "contacts": {"phones": ["call me"]}}, "contacts.phones[0]"),
        ({"identity": IDENTITY, "distinct_from": ["somebody"]}, "distinct_from[0]"),
        ({"contacts": {}}, "identity"),
    ],
)
async def test_a_patient_with_a_wrong_field_is_refused(clinic: Clinic, wrong: dict[str, Any], where: str) -> None:
    """H1."""
    before = await stored(clinic)

    refused = await clinic.put(f"patients/{uuid4()}", wrong, "front_desk")

    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    assert where in fields(refused.json())
    assert await stored(clinic) == before


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        (use(amount_per_day="-1"), "content.uses[0].amount_per_day"),
        (use(amount_per_day="1e9"), "content.uses[0].amount_per_day"),
        (use(amount_unit="spoons"), "content.uses[0].amount_unit"),
        (use(days_of_last_30=31), "content.uses[0].days_of_last_30"),
        (use(first_use_age_years="15"), "content.uses[0].first_use_age_years"),
        (use(route=None), "content.uses[0].route"),
        (use(last_used_on="2199-01-01"), "content.uses[0].last_used_on"),
        ({"section": "substances", "content": {"uses": []}}, "content.past_treatments"),
        ({"section": "dreams", "content": {}}, ""),
        ({"content": {}}, ""),
    ],
)
async def test_a_section_with_a_wrong_field_is_refused(clinic: Clinic, wrong: dict[str, Any], where: str) -> None:
    """H1."""
    evaluation = uuid4()
    await clinic.done(await clinic.put(f"evaluations/{evaluation}", {"patient_id": await registered(clinic)}))
    before = await stored(clinic)

    refused = await clinic.post(f"evaluations/{evaluation}/sections", wrong)

    assert refused.status_code == 422, refused.text
    assert any(one.endswith(where) for one in fields(refused.json())), refused.text
    assert await stored(clinic) == before


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"instrument_id": "mmpi"}, "instrument_id"),
        ({"instrument_version": 7}, "instrument_version"),
        ({"language": "de"}, "language"),
        ({"mode": "guess"}, "mode"),
        ({"measures": {"pulse_bpm": 104, "temperature_c": 37}}, "measures.temperature_c"),
        ({"measures": {"pulse_bpm": 5}}, "measures.pulse_bpm"),
        ({"answers": {"gooseflesh": 4}}, "answers.gooseflesh"),
        ({"answers": {"gooseflesh": 3.5}}, "answers.gooseflesh"),
        ({"answers": {"gooseflesh": True}}, "answers.gooseflesh"),
        ({"total": 99}, "total"),
        ({"effective_at": "2999-01-01T00:00:00+00:00"}, "effective_at"),
        ({"effective_at": "2026-01-01T00:00:00"}, "effective_at"),
    ],
)
async def test_an_assessment_with_a_wrong_field_is_refused(clinic: Clinic, changes: dict[str, Any], where: str) -> None:
    """H1."""
    wrong = body(examples.ASSESSMENT, "cows", patient_id=await registered(clinic)) | changes
    before = await stored(clinic)

    refused = await clinic.put(f"assessments/{uuid4()}", wrong, "nurse")

    assert refused.status_code == 422, refused.text
    assert where in fields(refused.json())
    assert await stored(clinic) == before


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'"a"', b"null", b'{"patient_id": NaN}', b"\xff\xfe", b"{}"])
async def test_what_is_no_body_is_refused(clinic: Clinic, raw: bytes) -> None:
    """H1."""
    headers = clinic.headers("counsellor") | {"Content-Type": "application/json"}

    refused = await clinic.client.put(f"/v1/evaluations/{uuid4()}", content=raw, headers=headers)

    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"


async def test_a_plan_with_more_strengths_than_anybody_is_refused(clinic: Clinic) -> None:
    """H1."""
    plan = body(examples.PLAN)["plan"] | {"strengths": ["Kind"] * 31}

    refused = await clinic.put(f"plans/{uuid4()}", body(examples.PLAN, plan=plan))

    assert (refused.status_code, fields(refused.json())) == (422, ["plan.strengths"] * 2)


async def stored(clinic: Clinic) -> int:
    return int(await clinic.owner.fetchval("select count(*) from log.event"))


def fields(problem: dict[str, Any]) -> list[str]:
    return [problem.get("field", ""), *(one["field"] for one in problem.get("errors", ()))]
