"""H1: intake's API fuzzed from its own document, as each role and as nobody."""

import asyncio
from uuid import uuid4

import psycopg
import pytest

from services.intake import examples
from shared.access import Role
from tests.contract_fuzz import Fuzz
from tests.intake.running import Clinic, admitted, body, drafted, evaluated, registered


@pytest.mark.timeout(600)
async def test_no_request_breaks_intake_or_leaves_something_behind_when_refused(clinic: Clinic) -> None:
    """H1"""
    known = await planted(clinic)
    with psycopg.connect(clinic.database.superuser_dsn, autocommit=True) as connection:

        def stored() -> int:
            row = connection.execute("select sum(head) from log.lane").fetchone()
            assert row is not None
            return int(row[0])

        tokens = {role.value: clinic.issuer.token(role.value, sites=(clinic.site,)) for role in Role}
        fuzz = Fuzz(str(clinic.client.base_url), tokens, stored, site=clinic.site, known=known, examples=1)
        faults = await asyncio.to_thread(fuzz.run)

    assert not faults, "\n".join(
        f"{one.who} {one.operation} {one.status} {one.reason}: {one.answer[:300]}" for one in faults
    )
    assert {200, 201, 401, 403, 404, 409, 412, 413, 415, 422} <= fuzz.sent.keys()


async def planted(clinic: Clinic) -> dict[str, str]:
    """One record of each kind, so that requests about them come further than "not found"."""
    patient, assessment = await registered(clinic), str(uuid4())
    evaluation, _ = await evaluated(clinic, patient)
    other = await registered(clinic)
    score = body(examples.ASSESSMENT, patient_id=patient)
    await clinic.done(await clinic.put(f"assessments/{assessment}", score, "nurse"))
    return {
        "patient_id": patient,
        "evaluation_id": evaluation,
        "episode_id": await admitted(clinic, other),
        "plan_id": await drafted(clinic, await registered(clinic)),
        "assessment_id": assessment,
    }
