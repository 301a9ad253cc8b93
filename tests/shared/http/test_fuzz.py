"""H1: the API fuzzed from its own document, as each role and as nobody."""

import asyncio
from uuid import uuid4

import psycopg

from tests.contract_fuzz import Fuzz
from tests.shared.http.running import ROLES, Small


async def test_no_request_breaks_the_api_or_leaves_something_behind_when_refused(small: Small) -> None:
    small.site, taper_id = "riverside", uuid4()
    await small.start(taper_id)
    with psycopg.connect(small.database.superuser_dsn, autocommit=True) as connection:

        def stored() -> int:
            row = connection.execute("select sum(head) from log.lane").fetchone()
            assert row is not None
            return int(row[0])

        tokens = {role: small.issuer.token(role, sites=("riverside",)) for role in ROLES}
        fuzz = Fuzz(small.url, tokens, stored, known={"taper_id": str(taper_id)}, examples=8)
        faults = await asyncio.to_thread(fuzz.run)

    broken = [fault for fault in faults if fault.operation == "GET /v1/fault"]
    assert {fault.who for fault in broken} == {"operator"}
    assert [fault for fault in faults if fault not in broken] == []
    assert {200, 201, 401, 403, 404, 409, 413, 415, 422} <= fuzz.sent.keys()
