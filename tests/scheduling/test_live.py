"""Scheduling as it is deployed: API and worker over a real broker, hearing of a patient from intake's topic."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiokafka import AIOKafkaProducer

from deploy import kafka as kafka_server
from deploy.ports import free_ports
from services.scheduling import examples
from services.scheduling.main import SERVICE
from shared.cloudevents import to_kafka
from shared.codec import Codec
from shared.events import intake
from shared.lanes import lane_of
from tests.embedded import TestKafka, TestPostgres
from tests.scheduling.running import Clinic, admitted, body, done, opened, plan_active, refused, registered, running

SETTLE_SECONDS_MAX = 60

pytestmark = [pytest.mark.broker, pytest.mark.timeout(180)]


class Intake:
    """Speaks on intake's topic as its relay does."""

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap
        self.codec = Codec(intake)
        self.positions: dict[int, int] = {}

    async def says(self, patient: UUID, site: str, *events: object) -> None:
        producer = AIOKafkaProducer(bootstrap_servers=self.bootstrap, acks="all", enable_idempotence=True)
        await producer.start()
        lane = lane_of(str(patient))
        for event in events:
            self.positions[lane] = self.positions.get(lane, 0) + 1
            key, value, headers = to_kafka("intake", self._row(patient, site, lane, event))
            await producer.send_and_wait("intake.events.v1", value, key=key, partition=lane, headers=headers)
        await producer.stop()

    def _row(self, patient: UUID, site: str, lane: int, event: object) -> dict[str, Any]:
        encoded, now = self.codec.encode(event), datetime.now(UTC)
        return {
            "lane": lane,
            "position": self.positions[lane],
            "stream": f"episode-{uuid4()}",
            "version": 1,
            "event_id": uuid4(),
            "type": encoded.type,
            "schema_version": encoded.schema_version,
            "key": str(patient),
            "site_id": site,
            "patient_id": patient,
            "effective_at": now,
            "recorded_at": now,
            "corrects": None,
            "actor": "test",
            "correlation_id": uuid4(),
            "causation_id": None,
            "traceparent": None,
            "data": encoded.data.decode(),
            "sealed": None,
        }


@pytest.fixture(scope="module")
async def live(
    postgres: TestPostgres, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Clinic, Intake]]:
    """A broker of its own, because the topics have the names that they have in real life."""
    folder = tmp_path_factory.mktemp("live")
    broker = TestKafka(kafka_server.start(folder / "kafka", *free_ports(2)))
    await broker.create_topics("intake.events.v1", "scheduling.events.v1")
    database = await postgres.service_database("scheduling", [SERVICE.migrations])
    environment = database.environment("worker") | {
        "EVENKEEL_KAFKA": broker.bootstrap,
        "EVENKEEL_HTTP_PORT": "0",
        "EVENKEEL_DATA_DIR": str(folder / "data"),
    }
    async with running(database, folder) as clinic:
        with worker(environment, folder / "worker.log"):
            yield clinic, Intake(broker.bootstrap)
    broker.broker.stop()


@contextmanager
def worker(environment: dict[str, str], log: Path) -> Iterator[None]:
    """The worker process, stopped at the end."""
    with (
        log.open("w") as written,
        subprocess.Popen(
            [sys.executable, "-m", "deploy.serve", "scheduling", "worker"],
            env={**os.environ, **environment},
            stdout=written,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        yield
        process.terminate()
        process.wait(30)


async def test_a_patient_is_booked_as_soon_as_intake_has_said_so(live: tuple[Clinic, Intake]) -> None:
    """From intake's topic to the participant, from the booking to the view with the token of the answer."""
    clinic, intakes_word = live
    await opened(clinic)
    patient, session = uuid4(), await clinic.session()
    wanted = {"patient_ids": [str(patient)]}
    assert refused(await clinic.post(f"sessions/{session}/bookings", wanted))[1] == "patient-not-known"

    await intakes_word.says(patient, clinic.site, registered(), admitted(patient), plan_active(patient))

    deadline = time.monotonic() + SETTLE_SECONDS_MAX
    answer = await clinic.post(f"sessions/{session}/bookings", wanted)
    while answer.status_code == 409 and time.monotonic() < deadline:
        await asyncio.sleep(0.2)
        answer = await clinic.post(f"sessions/{session}/bookings", wanted)
    done(answer)
    line = await seen(clinic, f"patients/{patient}/attendances", answer.headers["consistency-token"])
    assert (line["session_id"], line["status"]) == (session, "booked")


async def test_a_correction_reaches_the_view_and_the_topic(live: tuple[Clinic, Intake]) -> None:
    """T43: on the topic a correction names the event that it corrects."""
    clinic, intakes_word = live
    await opened(clinic)
    patient, meeting = uuid4(), uuid4()
    await intakes_word.says(patient, clinic.site, registered())
    path = f"patients/{patient}/support-meetings/{meeting}"
    deadline = time.monotonic() + SETTLE_SECONDS_MAX
    answer = await clinic.put(path, body(examples.SUPPORT_MEETING))
    while answer.status_code == 409 and time.monotonic() < deadline:
        await asyncio.sleep(0.2)
        answer = await clinic.put(path, body(examples.SUPPORT_MEETING))
    reported = done(answer)

    attendance = reported["stream"].removeprefix("attendance-")
    shorter = {"status": "left_early", "minutes": 20}
    corrected = await clinic.post(f"attendances/{attendance}/corrections", shorter, version=1)

    done(corrected)
    line = await seen(clinic, f"patients/{patient}/attendances", corrected.headers["consistency-token"])
    assert (line["minutes"], line["corrections"]) == (20, 1)
    row = await clinic.owner.fetchrow(
        "select corrects, data::text as data from log.event where event_id = $1", UUID(line["recorded_event_id"])
    )
    assert row["corrects"] == UUID(reported["events"][0]["event_id"])
    assert json.loads(row["data"])["session_minutes"] == 60


async def seen(clinic: Clinic, path: str, token: str) -> dict[str, Any]:
    """The first row of a list, as soon as the view has reached the token."""
    deadline = time.monotonic() + SETTLE_SECONDS_MAX
    while True:
        answer = await clinic.client.get(f"/v1/{path}", headers=clinic.headers() | {"Consistency-Token": token})
        if answer.headers.get("consistency") == "current" and answer.json()["items"]:
            first: dict[str, Any] = answer.json()["items"][0]
            return first
        assert time.monotonic() < deadline, answer.text
        await asyncio.sleep(0.2)
