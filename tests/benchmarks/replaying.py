"""How fast read tables are made from a whole log: ours, and the library's fastest way into the same PostgreSQL."""

import asyncio
import time
from pathlib import Path

from fastapi import APIRouter

from deploy.operating import open_as_operator
from deploy.rebuild import Shadow, Source
from deploy.sides import Rebuild
from shared.cloudevents import topic_of
from shared.database import Pool
from shared.projector import Projection
from shared.service import Service
from tests.benchmarks.peers import library_replay
from tests.benchmarks.servers import library_environment
from tests.embedded import TestPostgres
from tests.shared.flow import ledger
from tests.shared.log import counter
from tests.shared.log.bench import open_log, settings_of

EVENTS_PER_COMMAND = 20
STREAMS = 500
LIVE = """
insert into projection.checkpoint (projection, topic, partition, next_offset, last_sequence)
select 'ledger', $1, lane, 0, nullif(head, 0) from log.lane
"""


async def rate(postgres: TestPostgres, events: int) -> float:
    """Events per second of a rebuild that writes two rows per event; its indexes and the last events are counted."""
    database = await postgres.service_database("intake")
    await ledger.make_tables(database)
    topic = topic_of("counter")
    async with open_log(database) as bench, asyncio.TaskGroup() as group:
        for number in range(events // EVENTS_PER_COMMAND):
            group.create_task(bench.add(f"stream-{number % STREAMS}", events=EVENTS_PER_COMMAND))
    kept = Projection("ledger", (topic,), ledger.on)
    service = Service("counter", counter, APIRouter(), {}, Path(), (kept,))
    async with open_as_operator(service, settings_of(database, "worker")) as here:
        await here.pool.execute(LIVE, topic)
        started = time.perf_counter()
        await Rebuild(here, kept, Shadow(here, kept, {topic: Source(here.pool, ledger.CODEC)})).build()
        taken = time.perf_counter() - started
        await _assert_whole(here.pool, events)
    return events / taken


async def _assert_whole(pool: Pool, events: int) -> None:
    assert await pool.fetchval("select sum(total) from shadow.sum") == events


async def library_rate(postgres: TestPostgres, events: int) -> float:
    """The library's, on a database of its own."""
    dsn = await postgres.create_database()
    return await asyncio.to_thread(library_replay.rate, library_environment(dsn), dsn, events)
