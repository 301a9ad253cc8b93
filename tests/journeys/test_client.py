"""The client against the running system: it reads what it wrote, whatever is killed."""

import signal
from uuid import uuid4

import pytest

from evenkeel.client import Client
from tests.system import System

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]
PATIENTS = 60
KILLED_AT = {20: "intake-api", 40: "intake-worker"}


async def test_a_client_reads_what_it_wrote_while_processes_are_killed(system: System) -> None:
    """T31, T33: each patient is there when the client asks for it, once."""
    family = f"Reader {uuid4().hex}"
    async with Client(lambda: system.urls, lambda: system.token("front_desk", sites=["riverside"])) as client:
        for number in range(PATIENTS):
            if number in KILLED_AT:
                system.kill(KILLED_AT[number], signal.SIGKILL)
            place = f"/v1/patients/{uuid4()}"
            identity = {"family_name": f"{family} {number}", "given_names": "Anna", "birth_date": "1988-05-17"}
            await client.command("PUT", "intake", place, {"identity": identity})
            found = await client.query("intake", place)
            assert found.stale or found.body["identity"]["family_name"] == identity["family_name"]
