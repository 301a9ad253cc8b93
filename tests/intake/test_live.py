"""Intake as it is deployed: API, worker and fold as processes of their own, over a real broker."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from deploy import kafka as kafka_server
from deploy.ports import free_ports
from services.intake import examples, plan_state
from services.intake.main import PLAN_STATE_TOPIC, SERVICE
from shared.log.reading import COLUMNS, recorded
from tests.embedded import TestKafka, TestPostgres
from tests.intake.running import CODEC, Clinic, body, drafted, nobody_like, running

SOURCES = ("intake.events.v1", "scheduling.events.v1", "medication.events.v1")
SETTLE_SECONDS_MAX = 90

pytestmark = [pytest.mark.broker, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
async def live(postgres: TestPostgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Clinic]:
    """A broker of its own, because the topics have the names that they have in real life."""
    folder = tmp_path_factory.mktemp("live")
    broker = TestKafka(kafka_server.start(folder / "kafka", *free_ports(2)))
    await broker.create_topics(*SOURCES)
    await broker.create_topics(PLAN_STATE_TOPIC, compacted=True)
    database = await postgres.service_database("intake", [SERVICE.migrations])
    async with running(database, folder) as clinic:
        with (
            process("worker", database.environment("worker"), broker.bootstrap, folder),
            process("stream", database.environment("stream"), broker.bootstrap, folder),
        ):
            yield clinic
    broker.broker.stop()


@contextmanager
def process(kind: str, environment: dict[str, str], bootstrap: str, folder: Path) -> Iterator[None]:
    """One process of intake, stopped at the end."""
    more = {"EVENKEEL_KAFKA": bootstrap, "EVENKEEL_HTTP_PORT": "0", "EVENKEEL_DATA_DIR": str(folder / kind)}
    with (
        (folder / f"{kind}.log").open("w") as log,
        subprocess.Popen(
            [sys.executable, "-m", "deploy.serve", "intake", kind],
            env={**os.environ, **environment, **more},
            stdout=log,
            stderr=subprocess.STDOUT,
        ) as running_process,
    ):
        yield
        running_process.terminate()
        running_process.wait(30)


async def test_what_was_written_is_in_the_plan_state_soon(live: Clinic) -> None:
    """The live plan state equals a fold of the event table."""
    live.site = "riverside"
    live.project_by_hand = False
    patient = str(uuid4())
    await live.done(await live.put(f"patients/{patient}", nobody_like(), "front_desk"))
    plan = await drafted(live, patient)
    activation = await live.post(f"plans/{plan}/activation", body(examples.ACTIVATION), version=1)
    token = activation.headers["consistency-token"]

    state = await settled(live, f"patients/{patient}/plan-state", token)

    facts: dict[str, Any] = {}
    rows = await live.owner.fetch(f"select {COLUMNS} from log.event where key = $1 order by position", patient)
    for row in rows:
        facts = plan_state.apply(facts, recorded("intake", CODEC, row))
    assert state["figures"]["phase"] == plan_state.figures(facts)["phase"] == "withdrawal_management"
    assert state["figures"]["plan"]["event_id"] == plan_state.figures(facts)["plan"]["event_id"]
    assert state["sources"]["intake.events.v1"]["position"] == rows[-1]["position"]
    assert state["last_event_id"] == str(rows[-1]["event_id"])
    (line,) = (await settled(live, "plan-states", token))["items"]
    assert line["patient_id"] == patient


async def test_the_projector_keeps_the_search_for_look_alikes(live: Clinic) -> None:
    live.site = "riverside"
    live.project_by_hand = False
    person, patient = nobody_like(), str(uuid4())
    first = await live.put(f"patients/{patient}", person, "front_desk")

    await settled(live, "patients", first.headers["consistency-token"])

    again = await live.put(f"patients/{uuid4()}", person, "front_desk")

    assert (again.status_code, again.json().get("candidates")) == (409, [patient])


async def settled(clinic: Clinic, path: str, token: str) -> dict[str, Any]:
    """The answer as soon as the views behind it have reached the token."""
    deadline = time.monotonic() + SETTLE_SECONDS_MAX
    while True:
        headers = clinic.headers() | {"Consistency-Token": token}
        answer = await clinic.client.get(f"/v1/{path}", headers=headers)
        if answer.status_code == 200 and answer.headers["consistency"] == "current":
            found: dict[str, Any] = answer.json()
            return found
        assert time.monotonic() < deadline, answer.text
        await asyncio.sleep(0.2)
