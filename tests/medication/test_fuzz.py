"""H1: medication's API fuzzed from its own document, as each role and as nobody."""

import asyncio
from uuid import uuid4

import psycopg
import pytest

from shared.access import Role
from tests.contract_fuzz import Fuzz
from tests.medication.running import Clinic
from tests.medication.window import confirm, give, tapered


@pytest.mark.timeout(600)
async def test_no_request_breaks_medication_or_leaves_something_behind_when_refused(clinic: Clinic) -> None:
    clinic.site = "riverside"
    await clinic.open_site()
    order, taper = str(uuid4()), str(uuid4())
    patient = await tapered(clinic, order, taper, "14", "8", "4")
    await confirm(clinic, taper, 1, 10)
    given = await give(clinic, order, 9, "14")
    known = {"order_id": order, "taper_id": taper, "patient_id": patient, "site_id": clinic.site}
    known["dose_id"] = given["stream"].removeprefix("dose-")
    with psycopg.connect(clinic.database.superuser_dsn, autocommit=True) as connection:

        def stored() -> int:
            row = connection.execute("select sum(head) from log.lane").fetchone()
            assert row is not None
            return int(row[0])

        tokens = {role.value: clinic.issuer.token(role.value, sites=(clinic.site,)) for role in Role}
        fuzz = Fuzz(clinic.url, tokens, stored, site=clinic.site, known=known, examples=1)
        faults = await asyncio.to_thread(fuzz.run)

    assert faults == []
    assert {200, 201, 401, 403, 404, 409, 412, 413, 415, 422} <= fuzz.sent.keys()
