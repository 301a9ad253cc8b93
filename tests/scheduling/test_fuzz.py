"""H1: scheduling's API fuzzed from its own document, as each role and as nobody."""

import asyncio

import psycopg
import pytest

from shared.access import Role
from tests.contract_fuzz import Fuzz
from tests.scheduling.running import Clinic, opened
from tests.scheduling.test_walls import planted


@pytest.mark.timeout(600)
async def test_no_request_breaks_scheduling_or_leaves_something_behind_when_refused(api: Clinic) -> None:
    """H1"""
    clinic = await opened(api, "riverside")
    known = await planted(clinic)
    with psycopg.connect(clinic.database.superuser_dsn, autocommit=True) as connection:

        def stored() -> int:
            row = connection.execute("select sum(head) from log.lane").fetchone()
            assert row is not None
            return int(row[0])

        tokens = {role.value: clinic.issuer.token(role.value, sites=(clinic.site,)) for role in Role}
        fuzz = Fuzz(str(clinic.client.base_url), tokens, stored, site=clinic.site, known=known, examples=2)
        faults = await asyncio.to_thread(fuzz.run)

    assert not faults, "\n".join(
        f"{one.who} {one.operation} {one.status} {one.reason}: {one.answer[:300]}" for one in faults
    )
    assert {200, 201, 401, 403, 404, 409, 412, 413, 415, 422} <= fuzz.sent.keys()
