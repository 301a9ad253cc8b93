"""The demonstration agrees with the event tables, whatever dies on the way; and it notices when they differ."""

import asyncio
import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final
from uuid import uuid4

import asyncpg
import pytest

from deploy.demo.client import Network
from deploy.demo.compare import compare, settled
from deploy.demo.run import run
from tests.system import System

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]

DEMO_SECONDS_MAX: Final = 400.0
KILL_SECONDS: Final = 2.0
KILLS_MIN: Final = 3
SEED: Final = 11
EVENTS_BEFORE_DOWN: Final = 60
STREAMS: Final = 8
"""Patients: one for each way."""


def test_every_patient_stands_where_the_events_say(system: System) -> None:
    """Nothing differs, and the answer is one object on standard output."""
    result = finished(started(system, STREAMS))

    assert result["mismatches"] == 0
    assert result["patients"] == STREAMS
    assert result["events"] > STREAMS
    assert result["seconds"] > 0
    assert result["settle_seconds"] >= 0


def test_kills_change_nothing(system: System) -> None:
    """T6, T9, T18: any process but PostgreSQL dies every few seconds; nothing is lost and nothing happens twice."""
    dice, killed = random.Random(SEED), list[str]()
    names = sorted(name for name in system.instance.state()["processes"] if name != "postgres")

    def kill_one() -> None:
        name = dice.choice(names)
        if system.kill(name, signal.SIGKILL):
            killed.append(name)

    while len(killed) < KILLS_MIN:  # a fast machine is through before the third
        result = finished(started(system, 2 * STREAMS), meanwhile=kill_one)
        assert result["mismatches"] == 0, (killed, result["differences"])
    system.wait_until_ready()


async def test_going_on_after_down_and_up(system: System) -> None:
    """The system is stopped in the middle of the patients' ways; they end as if nothing had been."""
    before = await events_of(system)
    running = started(system, STREAMS)
    while await events_of(system) < before + EVENTS_BEFORE_DOWN:
        assert running.poll() is None
        await asyncio.sleep(0.1)

    await asyncio.to_thread(system.down)
    await asyncio.to_thread(system.up)
    result = await asyncio.to_thread(finished, running)

    assert result["mismatches"] == 0, result["differences"]
    assert result["events"] == await events_of(system)


async def test_a_planted_difference_is_found(system: System) -> None:
    """A row that says something else than the events counts as one, until it is put right."""
    async with Network(system.instance, uuid4().hex) as network:
        _, patients = await run(network, 1, lambda: None)
        assert not (await settled(network, patients)).mismatches
        patient_id = patients[0].patient_id
        raised = "jsonb_set(figures, '{level_of_care,level}', '\"3.5\"')"
        database = await asyncpg.connect(system.dsn("intake"))
        try:
            kept = await database.fetchval("select figures from view.plan_state where patient_id = $1", patient_id)
            await database.execute(f"update view.plan_state set figures = {raised} where patient_id = $1", patient_id)
            planted = (await compare(network, patients)).mismatches
            await database.execute("update view.plan_state set figures = $2 where patient_id = $1", patient_id, kept)
        finally:
            await database.close()

        assert len(planted) == 1
        assert "level" in planted[0]
        assert not (await compare(network, patients)).mismatches


def started(system: System, patients: int) -> subprocess.Popen[str]:
    """`evenkeel demo --json` on its own."""
    line = [sys.executable, "-m", "deploy.cli", "demo", "--patients", str(patients), "--json"]
    return subprocess.Popen(
        [*line, "--data", str(system.instance.folder)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finished(running: subprocess.Popen[str], meanwhile: Callable[[], None] | None = None) -> dict[str, Any]:
    """What it printed; `meanwhile` happens every KILL_SECONDS until then."""
    end = time.monotonic() + DEMO_SECONDS_MAX
    while running.poll() is None:
        assert time.monotonic() < end
        with suppress(subprocess.TimeoutExpired):
            running.wait(KILL_SECONDS)
            break
        if meanwhile:
            meanwhile()
    said, complaints = running.communicate()
    assert said, complaints
    result: dict[str, Any] = json.loads(said)
    assert running.returncode == (0 if result["mismatches"] == 0 else 1), complaints
    return result


async def events_of(system: System) -> int:
    """How many events the three logs hold."""
    count = 0
    for service in ("intake", "scheduling", "medication"):
        database = await asyncpg.connect(system.dsn(service))
        count += await database.fetchval("select count(*) from log.event")
        await database.close()
    return count
