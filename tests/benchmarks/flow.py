"""How fast the log travels: relay to Kafka, projector back into rows."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from shared.database import open_pool
from shared.lanes import LANES
from shared.projector import Projector
from tests.embedded import TestKafka, TestPostgres
from tests.shared.flow.ledger import projector_of
from tests.shared.flow.stage import Stage, running, stage, until

EVENTS_PER_COMMAND = 20


async def rates(postgres: TestPostgres, kafka: TestKafka, events: int) -> dict[str, float]:
    """Events per second of the relay and of a projector that writes two rows per event."""
    async with stage(await postgres.service_database("intake"), kafka) as here:
        async with asyncio.TaskGroup() as group:
            for number in range(events // EVENTS_PER_COMMAND):
                group.create_task(here.bench.add(f"stream-{number % 500}", events=EVENTS_PER_COMMAND))
        relay = await _timed(here.relay().run, here.relayed)
        pool = await open_pool(here.settings.database_dsn, name="bench", connections_max=4)
        projecting = await _projected(here, projector_of(pool, here.settings, here.topic))
        await pool.close()
    return {"relay": events / relay, "projector": events / projecting}


async def _timed(run: Callable[[], Awaitable[None]], done: Callable[[], Awaitable[None]]) -> float:
    started = time.perf_counter()

    async def part() -> None:
        await run()

    async with running(part()):
        await done()
        return time.perf_counter() - started


async def _projected(here: Stage, projector: Projector) -> float:
    """Seconds for all of it; joining the consumer group is not counted."""
    async with running(projector.run()):

        async def joined() -> bool:
            return (await projector.check()).facts["partitions"] == LANES

        await until(joined)
        started = time.perf_counter()
        await here.projected()
        return time.perf_counter() - started
