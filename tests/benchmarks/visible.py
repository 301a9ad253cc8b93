"""How long it takes from the answer to a command until the plan state shows it, with the whole system running."""

import asyncio
import itertools
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import quantiles
from typing import Any, Final
from uuid import uuid4

import asyncpg
import httpx

from shared import tokens
from shared.consistency import CHANNEL
from tests.system import System, running_system

PER_SECOND: Final = 50
PATIENTS: Final = 200
LAST_SECONDS_MAX: Final = 30.0
LOOK_SECONDS: Final = 0.005
REACHED: Final = """
select patient_id::text, (sources -> 'intake.events.v1' ->> 'position')::bigint as position
from view.plan_state where patient_id::text = any($1)
"""


class Waiting:
    """The answers whose events plan state does not show yet."""

    def __init__(self) -> None:
        """Nothing is awaited."""
        self.answered: dict[tuple[str, int], float] = {}
        self.seconds: list[float] = []
        self.stirred = asyncio.Event()

    async def watch(self, database: asyncpg.Connection) -> None:
        """Look whenever a projection says that it went on."""
        await database.add_listener(CHANNEL, lambda *_: self.stirred.set())
        while True:
            await self.stirred.wait()
            self.stirred.clear()
            rows = await database.fetch(REACHED, list({patient for patient, _ in self.answered}))
            self._take(dict(rows), time.perf_counter())

    async def everything(self) -> None:
        """Wait until plan state shows all of it."""
        async with asyncio.timeout(LAST_SECONDS_MAX):
            while self.answered:
                self.stirred.set()
                await asyncio.sleep(LOOK_SECONDS)

    def _take(self, reached: Mapping[str, int], now: float) -> None:
        for patient, position in list(self.answered):
            if reached.get(patient, 0) >= position:
                self.seconds.append(now - self.answered.pop((patient, position)))


async def latencies(folder: Path, seconds: float) -> tuple[float, float]:
    """The 50th and 99th of a hundred, in ms, at PER_SECOND commands a second over PATIENTS patients."""
    with running_system(folder) as system:
        seen = await _measured(system, seconds)
    cuts = quantiles(seen, n=100)
    return cuts[49] * 1000, cuts[98] * 1000


async def _measured(system: System, seconds: float) -> list[float]:
    headers = system.headers("front_desk", site="riverside")
    waiting, database = Waiting(), await asyncpg.connect(system.dsn("intake"))
    watching = asyncio.create_task(waiting.watch(database))
    async with httpx.AsyncClient(
        base_url=system.urls["intake"], headers=headers, timeout=30, trust_env=False
    ) as client:
        patients = [str(uuid4()) for _ in range(PATIENTS)]
        for patient in patients:
            name = {"family_name": f"Ward {uuid4().hex}", "given_names": "Anna", "birth_date": "1988-05-17"}
            await _command(client, waiting, patient, {"identity": name})
        await waiting.everything()
        waiting.seconds.clear()
        async with asyncio.TaskGroup() as group:
            begun = time.perf_counter()
            for number, patient in zip(range(int(seconds * PER_SECOND)), itertools.cycle(patients), strict=False):
                await asyncio.sleep(max(0.0, begun + number / PER_SECOND - time.perf_counter()))
                contacts = {"contacts": {"phones": ["+1 410 555 0199"]}}
                group.create_task(_command(client, waiting, patient, contacts, to="/contacts"))
        await waiting.everything()
    watching.cancel()
    await database.close()
    return waiting.seconds


async def _command(
    client: httpx.AsyncClient, waiting: Waiting, patient: str, body: Mapping[str, Any], *, to: str = ""
) -> None:
    method, key = "POST" if to else "PUT", {"Idempotency-Key": uuid4().hex}
    answer = await client.request(method, f"/v1/patients/{patient}{to}", json=body, headers=key)
    assert answer.is_success, answer.text
    (position,) = tokens.read(answer.headers[tokens.HEADER]).values()
    waiting.answered[patient, position] = time.perf_counter()
    waiting.stirred.set()
