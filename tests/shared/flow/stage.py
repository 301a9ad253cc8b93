"""A database, a topic and a log together, and the ways of waiting that flow tests need."""

import asyncio
import contextlib
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from uuid import UUID, uuid4

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from shared.cloudevents import sequence_of
from shared.database import Pool
from shared.lanes import LANES
from shared.relay import Relay
from shared.settings import Settings
from tests.embedded import ServiceDatabase, TestKafka
from tests.shared.flow import ledger
from tests.shared.log.bench import OpenLog, open_log

WAIT_SECONDS = 40.0
SAID_BYTES_MAX = 2_000


@dataclass
class Stage:
    """What a flow test holds."""

    database: ServiceDatabase
    kafka: TestKafka
    topic: str
    bench: OpenLog
    pool: Pool
    settings: Settings

    def relay(self) -> Relay:
        """A relay onto this stage's topic."""
        return Relay("counter", self.settings, self.topic)

    async def write(self, events: int, patients: int = 20) -> list[UUID]:
        """So many events over so many patients, in order for each."""
        made = [uuid4() for _ in range(patients)]
        await asyncio.gather(*(self.bench.add(made[number % patients], number + 1) for number in range(events)))
        return made

    async def heads(self) -> dict[int, int]:
        """Lane to the number of its events."""
        return {row["lane"]: row["head"] for row in await self.pool.fetch("select lane, head from log.lane")}

    async def relayed(self) -> None:
        """Wait until every cursor is at its lane's head."""

        async def done() -> bool:
            behind = await self.pool.fetchval(
                "select count(*) from log.lane join log.relay_cursor using (lane) where head <> position"
            )
            return bool(behind == 0)

        await until(done)

    async def something_relayed(self) -> bool:
        """Whether any cursor has moved."""
        return bool(await self.pool.fetchval("select exists (select from log.relay_cursor where position > 0)"))

    async def projected(self, name: str = "ledger") -> None:
        """Wait until the checkpoints are at the lanes' heads."""

        async def done() -> bool:
            reached = await self.pool.fetchval(
                "select coalesce(sum(last_sequence), 0) from projection.checkpoint where projection = $1", name
            )
            return bool(reached == sum((await self.heads()).values()))

        await until(done)

    async def records(self) -> dict[int, list[int]]:
        """Per partition the sequences that lie in the topic, in order."""
        return {
            lane: [sequence_of(one) for one in found] for lane, found in (await records(self.kafka, self.topic)).items()
        }


async def records(kafka: TestKafka, topic: str) -> dict[int, list[Any]]:
    """Everything in a topic, per partition."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=kafka.bootstrap, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        partitions = [TopicPartition(topic, lane) for lane in range(LANES)]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        found: dict[int, list[Any]] = {lane: [] for lane in range(LANES)}
        while any([await consumer.position(tp) < ends[tp] for tp in partitions]):
            for tp, messages in (await consumer.getmany(timeout_ms=500)).items():
                found[tp.partition] += messages
        return found
    finally:
        await consumer.stop()


@asynccontextmanager
async def made_anew(kafka: TestKafka, topic: str) -> AsyncIterator[None]:
    """The topic is lost, and there again after the block, empty."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    await admin.delete_topics([topic])

    async def gone() -> bool:
        return topic not in await admin.list_topics()

    await until(gone)
    await admin.close()
    kafka.made.discard(topic)
    yield
    await kafka.create_topics(topic)


async def until(reached: Callable[[], Awaitable[bool]], seconds: float = WAIT_SECONDS) -> None:
    """Look again and again, at most so long."""
    async with asyncio.timeout(seconds):
        while not await reached():  # noqa: ASYNC110 - what is waited for lies in a server
            await asyncio.sleep(0.02)


@asynccontextmanager
async def running(*parts: Coroutine[Any, Any, Any]) -> AsyncIterator[None]:
    """Parts of a worker, running meanwhile."""
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task


@asynccontextmanager
async def stage(database: ServiceDatabase, kafka: TestKafka, **changes: Any) -> AsyncIterator[Stage]:
    """Everything open, the tables and the topic made."""
    topic = kafka.name("counter.events")
    await kafka.create_topics(topic)
    await ledger.make_tables(database)
    pool = await ledger.worker_pool(database)
    try:
        async with open_log(database, **changes) as bench:
            yield Stage(database, kafka, topic, bench, pool, ledger.worker_settings(database, kafka))
    finally:
        await pool.close()


async def started(here: Stage, name: str, said: IO[bytes] | None = None) -> asyncio.subprocess.Process:
    """A relay or projector of `program` as a process; what it says goes to `said`."""
    environment = os.environ | here.database.environment("worker") | {"EVENKEEL_KAFKA": here.kafka.bootstrap}
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.shared.flow.program", name, here.topic),
        env=environment,
        cwd=Path(__file__).parents[3],
        stdout=said or asyncio.subprocess.DEVNULL,
        stderr=said or asyncio.subprocess.DEVNULL,
    )


async def dies(here: Stage, name: str) -> None:
    """Run a part until it has died by SIGKILL."""
    with tempfile.TemporaryFile() as said:
        process = await started(here, name, said)
        async with asyncio.timeout(WAIT_SECONDS):
            code = await process.wait()
        said.seek(0)
        last = said.read()[-SAID_BYTES_MAX:].decode(errors="replace")
        assert code == -signal.SIGKILL, f"{name} ended with {code}: {last}"


@asynccontextmanager
async def alive(here: Stage, name: str) -> AsyncIterator[None]:
    """Run a part meanwhile, then end it."""
    process = await started(here, name)
    try:
        yield
    finally:
        process.kill()
        await process.wait()
