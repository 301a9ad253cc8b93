"""What is shown is held against the logs at equal versions; whatever differs is named, and the process says so loudly."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from deploy.demo.client import Network
from deploy.demo.compare import settled
from deploy.demo.run import run
from deploy.demo.ways import Patient, Way
from deploy.proof.comparing import PLAN_STATE, TAPER_SCHEDULE
from deploy.proof.passes import settle
from deploy.proof.values import of
from deploy.proof.verifier import Findings, Verifier, opened
from shared.lanes import lane_of
from tests.system import System, until

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]

PLANTED = {
    "a dose": ("medication", "update view.dose set status = 'missed' where patient_id = $1 and status = 'administered'"),
    "an order": ("medication", "update view.medication_order set dose_mg = dose_mg + 1 where patient_id = $1"),
    "a missing row": ("scheduling", "delete from view.attendance where patient_id = $1"),
    "minutes": ("scheduling", "update view.attendance set minutes = minutes + 1 where patient_id = $1"),
    "an older version": ("scheduling", "update view.attendance set version = version - 1 where patient_id = $1"),
    "a level": ("intake", "update view.episode set level_of_care = '3.5' where patient_id = $1"),
    "a plan state": (
        "intake",
        "update view.plan_state set figures = jsonb_set(figures, '{phase}', '\"planning\"') where patient_id = $1",
    ),
    "a schedule": (
        "medication",
        "update view.taper_schedule set figures = jsonb_set(figures, '{steps,0,starts_on}', '\"2020-01-01\"') where patient_id = $1",
    ),
    "a story": ("intake", "update log.event set data = data || '{\"level_of_care\": \"3.5\"}' where patient_id = $1 and type = 'PatientAdmitted'"),
}  # fmt: skip


@pytest.fixture(scope="module")
async def patient(system: System) -> Patient:
    """Somebody on a taper, with everything taken in everywhere."""
    async with Network(system.instance, uuid4().hex) as network:
        _, patients = await run(network, len(Way), lambda: None)
        assert (await settled(network, patients)).mismatches == []
    return next(one for one in patients if one.way is Way.HELD_TAPER)


@asynccontextmanager
async def verifier_of(system: System) -> AsyncIterator[Verifier]:
    state = system.instance.state()
    async with opened(system.instance, state["postgres"], state["kafka"], Findings()) as verifier:
        await verifier.follow()
        yield verifier


@asynccontextmanager
async def planted(system: System, service: str, sql: str, *args: object) -> AsyncIterator[None]:
    """Something that no event says, put right again afterwards."""
    database = await asyncpg.connect(system.dsn(service))
    table = sql.replace("update ", "from ").split("from ")[1].split(" ")[0]
    try:
        await database.execute("set session_replication_role = replica")
        await database.execute(f"create table public.kept as select * from {table}")
        assert await database.execute(sql, *args) not in {"UPDATE 0", "DELETE 0"}
        yield
        kept = "delete from {0} t where exists (select from public.kept k where k.patient_id = t.patient_id and k.patient_id = $1)"
        await database.execute(kept.format(table), *args)
        await database.execute(f"insert into {table} select * from public.kept where patient_id = $1", *args)
    finally:
        await database.execute("drop table public.kept")
        await database.close()


def test_everything_shown_follows_from_the_logs(system: System, patient: Patient) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "deploy.cli", "verify", "--json", "--data", str(system.instance.folder)],
        capture_output=True,
        check=False,
    )
    result = json.loads(done.stdout)

    assert (done.returncode, result["faults"]) == (0, [])
    assert result["patients"] >= len(Way)
    assert result["verified_until"] is not None


@pytest.mark.parametrize("what", PLANTED)
async def test_what_no_event_says_is_found_and_named(system: System, patient: Patient, what: str) -> None:
    service, sql = PLANTED[what]
    async with verifier_of(system) as verifier:
        async with planted(system, service, sql, patient.patient_id):
            found = await faults_of(verifier, patient.patient_id)
            assert found
            assert all(str(patient.patient_id) in one or "lane" in one for one in found), found
        assert await faults_of(verifier, patient.patient_id) == []


async def faults_of(verifier: Verifier, patient_id: UUID) -> list[str]:
    """What is wrong in the patient's lane."""
    async for _ in verifier.lane(lane_of(str(patient_id))):
        pass
    return verifier.findings.all


@pytest.mark.parametrize("topic", [PLAN_STATE, TAPER_SCHEDULE])
async def test_a_value_that_lost_an_event_is_found(system: System, patient: Patient, topic: str) -> None:
    """It says that it has taken in everything, and shows what was before the last event: as a fold that skips one."""
    async with verifier_of(system) as verifier:
        newest = await verifier.topics.lane(lane_of(str(patient.patient_id)))
        shown = dict(of(newest, patient.patient_id))
        assert (await verifier.compare(patient.patient_id, shown)).faults == []
        value: dict[str, Any] = json.loads(shown[topic] or b"")
        sources = value["sources"]
        sources["medication.events.v1"]["position"] -= last_dose(value)
        older = await verifier.compare(patient.patient_id, shown | {topic: json.dumps(value).encode()})

        assert older.faults
        assert not older.complete


def last_dose(value: dict[str, Any]) -> int:
    """So many positions back that at least one dose is behind them."""
    return int(value["sources"]["medication.events.v1"]["position"] // 2)


async def test_the_process_says_so_while_it_is_so(system: System, patient: Patient) -> None:
    """Log, `/readyz` and metric; and it is right again when it is right again."""
    ops = system.process("verifier")["ops"]
    service, sql = PLANTED["a dose"]

    def says(ready: bool) -> bool:
        answer = httpx.get(f"{ops}/readyz", timeout=3).json()
        return bool(answer["ready"] is ready and answer["checks"]["verification"]["verified_until"])

    await asyncio.to_thread(until, lambda: says(True))
    async with planted(system, service, sql, patient.patient_id):
        await touched(system, patient)
        await asyncio.to_thread(until, lambda: says(False))
        numbers = (await asyncio.to_thread(httpx.get, f"{ops}/metrics", timeout=3)).text
    await asyncio.to_thread(until, lambda: says(True))

    assert "evenkeel_verification_faults 0.0" not in numbers
    assert "evenkeel_verified_until_seconds" in numbers
    log = (system.instance.logs / "verifier.log").read_text()
    assert any('"event":"verification.fault"' in line and "table dose" in line for line in log.splitlines())


async def touched(system: System, patient: Patient) -> None:
    """Something is recorded about the patient, so that the verifier looks."""
    async with Network(system.instance, uuid4().hex) as network:
        body = {"kind": "na", "attended_on": "2026-01-05", "minutes": 60, "evidence": "signature"}
        place = f"scheduling/patients/{patient.patient_id}/support-meetings/{uuid4()}"
        await network.command("PUT", place, body, role="front_desk", site=patient.group.site, step=uuid4().hex)


async def test_continuous_verification_ends_with_the_first_fault(system: System, patient: Patient) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "deploy.cli", "verify", "--continuous", "--data", str(system.instance.folder)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        await asyncio.sleep(3)
        assert process.returncode is None
        async with planted(system, *PLANTED["a dose"], patient.patient_id):
            await touched(system, patient)
            said, _ = await asyncio.wait_for(process.communicate(), 60)
    finally:
        if process.returncode is None:
            process.kill()

    assert process.returncode == 1
    assert f"medication table dose of patient {patient.patient_id}" in said.decode()


async def test_whoever_has_not_taken_everything_in_is_told(system: System, patient: Patient) -> None:
    """A fold that stands still shows nothing wrong, only too little: that is a fault when it stays."""
    async with verifier_of(system) as verifier:
        await verifier.follow()
        system.kill("scheduling-worker", signal.SIGSTOP)
        try:
            await touched(system, patient)
            await verifier.follow()
            await settle(verifier, 3.0)
            found = verifier.findings.all
        finally:
            system.kill("scheduling-worker", signal.SIGCONT)
        await settle(verifier)

        assert any(f"patient {patient.patient_id}" in one and "has not taken in all events" in one for one in found)
        assert verifier.findings.all == []


async def test_who_has_parked_events_is_counted_and_not_compared(system: System, patient: Patient) -> None:
    """T30: the service says itself that these rows lack something."""
    database = await asyncpg.connect(system.dsn("medication"))
    who = ("medication", str(patient.patient_id))
    async with verifier_of(system) as verifier, planted(system, *PLANTED["a dose"], patient.patient_id):
        await database.execute(
            """insert into projection.parked (consumer, topic, partition, record_offset, key, reason, headers)
               values ($1, 'medication.events.v1', 0, -1, $2, 'planted', '[]')""",
            *who,
        )
        found = await verifier.compare(patient.patient_id, {})
        await database.execute("delete from projection.parked where consumer = $1 and key = $2", *who)
        again = await verifier.compare(patient.patient_id, {})
    await database.close()

    assert (found.faults, found.degraded) == ([], True)
    assert again.faults
    assert not again.degraded
