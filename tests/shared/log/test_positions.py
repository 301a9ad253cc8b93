"""Positions of a lane have no gaps and are in commit order, whatever the writers do."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import pytest
from uuid_utils.compat import uuid7

from shared.codec import Codec
from shared.database import Connection, connect
from shared.lanes import lane_of
from shared.log import Subject
from shared.log.append import append
from shared.log.pending import Draft, Pending
from tests.conftest import MakeDatabase
from tests.embedded import ServiceDatabase
from tests.shared.log import counter as vocabulary
from tests.shared.log.bench import OpenLog, act, context, open_log
from tests.shared.log.counter import Counted

CODEC = Codec(vocabulary)
WRITERS = 16
ROUNDS = 25


def request(stream: str, version: int, key: str = "one lane") -> Pending:
    """One event on one stream, as a decided request; every key lies in the same lane."""
    pending = Pending([act(stream)], context(), uuid4().hex, b"", asyncio.get_running_loop().create_future())
    pending.checks = {stream: version - 1}
    encoded = CODEC.encode(Counted(version))
    pending.drafts = [
        Draft(uuid7(), pending.acts[0], stream, version, key, lane_of(key), Subject().patient_id, encoded, None)
    ]
    return pending


@asynccontextmanager
async def connected(database: ServiceDatabase) -> AsyncIterator[Connection]:
    connection = await connect(database.dsn("api"), name="writer")
    try:
        yield connection
    finally:
        await connection.close()


async def write(database: ServiceDatabase, writer: int, *, abort: float = 0.0) -> None:
    """Events of an own stream, each in a transaction that dawdles before it commits or is rolled back."""
    async with connected(database) as connection:
        version = 1
        while version <= ROUNDS:
            transaction = connection.transaction()
            await transaction.start()
            verdict = (await append(connection, [request(f"counter-{writer}", version)]))[0]
            assert verdict.word == "stored"
            await asyncio.sleep(random.uniform(0, 0.004))
            if random.random() < abort:
                await transaction.rollback()
            else:
                await transaction.commit()
                version += 1


async def tail(database: ServiceDatabase, done: asyncio.Event) -> list[tuple[str, int]]:
    """Read after the last position seen, as the relay does."""
    seen, position = [], 0
    async with connected(database) as connection:
        while True:
            last_look = done.is_set()
            rows = await connection.fetch(
                "select position, stream, version from log.event where position > $1 order by position", position
            )
            seen += [(row["stream"], row["version"]) for row in rows]
            position = rows[-1]["position"] if rows else position
            if last_look and not rows:
                return seen
            await asyncio.sleep(0.002)


async def race(database: ServiceDatabase) -> list[tuple[str, int]]:
    done = asyncio.Event()
    reader = asyncio.create_task(tail(database, done))
    await asyncio.gather(*(write(database, writer) for writer in range(WRITERS)))
    done.set()
    return await reader


EVERYTHING = {(f"counter-{writer}", version) for writer in range(WRITERS) for version in range(1, ROUNDS + 1)}


async def test_a_reader_that_follows_positions_misses_nothing_that_commits_late(service_database: MakeDatabase) -> None:
    """T1; T2: each stream's versions come in order."""
    seen = await race(await service_database("intake"))

    assert set(seen) == EVERYTHING
    assert len(seen) == len(EVERYTHING)
    assert [seen[at] for at in range(len(seen)) if seen[at][0] == "counter-3"] == [
        ("counter-3", n) for n in range(1, ROUNDS + 1)
    ]


async def test_without_the_lane_lock_the_reader_does_miss_events(service_database: MakeDatabase) -> None:
    """T1: the test above bites. Positions from a sequence, as a serial id would give them, are caught."""
    database = await service_database("intake")
    owner = await connect(database.superuser_dsn, name="mutant")
    source: str = await owner.fetchval("select pg_get_functiondef(oid) from pg_proc where proname = 'append'")
    mutant = source
    for guard, instead in (
        ("perform from log.lane l where l.lane = any(event_lanes) order by l.lane for update;", ""),
        ("l.head + row_number() over (partition by u.lane order by u.n)", "nextval('public.serial')"),
        ("update log.lane l set head", "update pg_temp.nothing l set head"),
    ):
        assert guard in mutant
        mutant = mutant.replace(guard, instead)
    mutant = mutant[: mutant.index("update pg_temp.nothing")] + mutant[mutant.index("return query") :]
    await owner.execute("create sequence public.serial; grant usage on sequence public.serial to public;" + mutant)
    await owner.close()

    assert set(await race(database)) < EVERYTHING


async def test_a_rollback_leaves_no_hole(service_database: MakeDatabase) -> None:
    """T3: 30 % of the appends are rolled back."""
    database = await service_database("intake")
    await asyncio.gather(*(write(database, writer, abort=0.3) for writer in range(WRITERS)))

    async with connected(database) as connection:
        found = await connection.fetchrow("select count(*), min(position), max(position) from log.event")
    assert tuple(found) == (WRITERS * ROUNDS, 1, WRITERS * ROUNDS)


async def test_appends_over_the_same_streams_in_opposite_order_never_deadlock(service_database: MakeDatabase) -> None:
    """T4: two processes, {A, B} against {B, A} on different lanes, 1,000 times; a deadlock would be an error (40P01)."""
    database = await service_database("intake")
    pairs = [(uuid4(), uuid4()) for _ in range(20)]
    assert any(lane_of(str(one)) != lane_of(str(other)) for one, other in pairs)
    async with open_log(database, redecide_max=1000) as here, open_log(database, redecide_max=1000) as there:

        async def both(bench: OpenLog, first: UUID, second: UUID) -> None:
            await bench.log.handle([act(first), act(second)], context(), uuid4().hex, b"")

        for _ in range(25):
            await asyncio.gather(*(both(here, a, b) for a, b in pairs), *(both(there, b, a) for a, b in pairs))
        counted = await here.pool.fetchval("select count(*) from log.event")

    assert counted == 25 * len(pairs) * 2 * 2


@pytest.mark.parametrize("at_once", [1, 100])
async def test_the_lanes_heads_equal_what_is_stored(service_database: MakeDatabase, at_once: int) -> None:
    async with open_log(await service_database("intake")) as bench:
        await asyncio.gather(*(bench.add(uuid4(), events=3) for _ in range(at_once)))
        uneven = await bench.pool.fetch(
            "select l.lane from log.lane l where head <> (select count(*) from log.event e where e.lane = l.lane) "
            "or head <> (select coalesce(max(position), 0) from log.event e where e.lane = l.lane)"
        )

    assert uneven == []
