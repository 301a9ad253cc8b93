"""Positions of a lane have no gaps and are in commit order, whatever the writers do."""

import asyncio
import random
from collections.abc import Sequence
from contextlib import AsyncExitStack
from uuid import uuid4

import pytest

from shared.lanes import lane_of
from shared.log.append import append
from tests.conftest import MakeDatabase
from tests.embedded import ServiceDatabase
from tests.shared.log.appending import (
    NO_COMPARISON,
    POSITIONS_FROM_A_SEQUENCE,
    connected,
    mutate,
    ordered,
    request,
)
from tests.shared.log.bench import OpenLog, open_log

WRITERS = 16
ROUNDS = 25
# Streams of one lane each writer has for itself: every event competes for the same positions.
LANE = 7
STREAMS = [name for name in (f"counter-{number}" for number in range(600)) if lane_of(name) == LANE][:WRITERS]
WRITTEN = {(stream, version) for stream in STREAMS for version in range(1, ROUNDS + 1)}

type Seen = tuple[str, int]


async def write(database: ServiceDatabase, stream: str, abort: float = 0.0) -> None:
    """One event after the other, each in a transaction that dawdles before it commits or is rolled back."""
    async with connected(database) as connection:
        version = 1
        while version <= ROUNDS:
            transaction = connection.transaction()
            await transaction.start()
            assert await append(connection, [request((stream, version))]) != [None]
            await asyncio.sleep(random.uniform(0, 0.004))
            if random.random() < abort:
                await transaction.rollback()
            else:
                await transaction.commit()
                version += 1


async def tail(database: ServiceDatabase, done: asyncio.Event) -> list[Seen]:
    """Read after the last position seen, as the relay does."""
    seen: list[Seen] = []
    position = 0
    async with connected(database) as connection:
        while True:
            last_look = done.is_set()
            rows = await connection.fetch(
                "select position, stream, version from log.event where lane = $1 and position > $2 order by position",
                LANE,
                position,
            )
            seen += [(row["stream"], row["version"]) for row in rows]
            position = rows[-1]["position"] if rows else position
            if last_look and not rows:
                return seen
            await asyncio.sleep(0.002)


async def seen_by_a_reader(database: ServiceDatabase) -> list[Seen]:
    done = asyncio.Event()
    reader = asyncio.create_task(tail(database, done))
    await asyncio.gather(*(write(database, stream) for stream in STREAMS))
    done.set()
    return await reader


async def test_a_reader_that_follows_positions_misses_nothing_that_commits_late(service_database: MakeDatabase) -> None:
    """T1: 16 writers that dawdle before they commit, one reader."""
    seen = await seen_by_a_reader(await service_database("intake"))

    assert len(seen) == len(WRITTEN)
    assert set(seen) == WRITTEN


async def test_without_the_lanes_lock_the_reader_misses_events(service_database: MakeDatabase) -> None:
    """T1: the test above bites."""
    database = await service_database("intake")
    await mutate(database, POSITIONS_FROM_A_SEQUENCE)

    assert set(await seen_by_a_reader(database)) < WRITTEN


async def positions_after_rollbacks(database: ServiceDatabase) -> list[int]:
    await asyncio.gather(*(write(database, stream, abort=0.3) for stream in STREAMS))
    return [position for _, position, *_ in await ordered(database)]


async def test_a_rollback_leaves_no_hole(service_database: MakeDatabase) -> None:
    """T3: 30 % of the appends are rolled back."""
    positions = await positions_after_rollbacks(await service_database("intake"))

    assert positions == list(range(1, len(WRITTEN) + 1))


async def test_positions_of_a_sequence_would_have_holes(service_database: MakeDatabase) -> None:
    """T3: the test above bites."""
    database = await service_database("intake")
    await mutate(database, POSITIONS_FROM_A_SEQUENCE)

    assert (await positions_after_rollbacks(database))[-1] > len(WRITTEN)


# A pause between the insert of the keys and the look at the streams: whoever was first may be second by then.
PAUSE = ("if begins then\n        insert", "perform pg_sleep(random() * 0.004);\n    if begins then\n        insert")


async def out_of_order(database: ServiceDatabase) -> list[str]:
    """Four processes count on the same streams; the streams whose versions do not rise by one with the positions."""
    streams = [uuid4() for _ in range(4)]
    async with AsyncExitStack() as stack:
        logs = [await stack.enter_async_context(open_log(database, redecide_max=10_000)) for _ in range(4)]
        await asyncio.gather(*(count_on(log, streams) for log in logs), return_exceptions=True)
    versions: dict[str, list[int]] = {}
    for _, _, stream, version, _ in await ordered(database):
        versions.setdefault(stream, []).append(version)
    assert len(versions) == len(streams)
    return [stream for stream, those in versions.items() if those != list(range(1, len(those) + 1))]


async def count_on(log: OpenLog, streams: Sequence[object]) -> None:
    for _ in range(15):
        await asyncio.gather(*(log.add(stream) for stream in streams))


async def test_a_streams_events_come_in_order(service_database: MakeDatabase) -> None:
    """T2."""
    database = await service_database("intake")
    await mutate(database, [PAUSE])

    assert await out_of_order(database) == []


async def test_without_the_comparison_of_versions_they_would_not(service_database: MakeDatabase) -> None:
    """T2: the test above bites. Both guards are gone here, the comparison and the unique (stream, version)."""
    database = await service_database("intake")
    await mutate(database, [PAUSE, *NO_COMPARISON])
    async with connected(database, database.superuser_dsn) as owner:
        await owner.execute("alter table log.event drop constraint event_stream_version_key")

    assert await out_of_order(database) != []


@pytest.mark.parametrize("at_once", [1, 100])
async def test_the_lanes_heads_equal_what_is_stored(service_database: MakeDatabase, at_once: int) -> None:
    async with open_log(await service_database("intake")) as bench:
        await asyncio.gather(*(bench.add(uuid4(), events=3) for _ in range(at_once)))
        uneven = await bench.pool.fetch(
            "select l.lane from log.lane l where head <> (select count(*) from log.event e where e.lane = l.lane) "
            "or head <> (select coalesce(max(position), 0) from log.event e where e.lane = l.lane)"
        )

    assert uneven == []


async def test_the_time_of_recording_never_goes_back_within_a_lane(service_database: MakeDatabase) -> None:
    """T54: the database's clock was put back."""
    database = await service_database("intake")
    async with open_log(database) as bench, connected(database, database.superuser_dsn) as owner:
        await owner.execute("update log.lane set recorded_at = statement_timestamp() + interval '1 hour'")
        ahead = await owner.fetchval("select max(recorded_at) from log.lane")
        outcome = await bench.add(uuid4())

    assert outcome.recorded_at == ahead
