"""Commands that meet on the same streams: none waits for ever, none overwrites the other."""

import asyncio

import asyncpg

from shared.lanes import lane_of
from shared.log import Outcome
from shared.log.append import append
from tests.conftest import MakeDatabase
from tests.embedded import ServiceDatabase
from tests.shared.log.appending import NO_COMPARISON, NO_ORDER_OF_LOCKS, connected, mutate, ordered, request
from tests.shared.log.bench import open_log

MEETINGS = 1000
STREAMS = ["counter-a", "counter-b"]
# A pause after each lock on a stream: time for the other one to take its first.
DAWDLE = (
    "select s.stream, s.version from log.stream s where s.stream = any(check_streams) order by s.stream for update",
    "select h.*, pg_sleep(0.0002) from (select s.* from log.stream s where s.stream = any(check_streams) order by s.stream for update) as h",
)


async def deadlocks(database: ServiceDatabase) -> int:
    """Two connections append to the same streams in opposite order, MEETINGS times or until they stand still."""
    assert lane_of(STREAMS[0]) != lane_of(STREAMS[1])
    async with connected(database) as here, connected(database) as there:
        version = 0
        for _ in range(MEETINGS):
            answers = await asyncio.gather(
                append(here, [request(*((stream, version + 1) for stream in STREAMS))]),
                append(there, [request(*((stream, version + 1) for stream in reversed(STREAMS)))]),
                return_exceptions=True,
            )
            if any(isinstance(one, asyncpg.DeadlockDetectedError) for one in answers):
                return 1
            stored = [one[0] for one in answers if isinstance(one, list) and one[0] is not None]
            assert all(isinstance(one, Outcome) for one in stored)
            version += len(stored)
        assert version >= MEETINGS
    return 0


async def test_opposite_orders_never_deadlock(service_database: MakeDatabase) -> None:
    """T4: {A, B} against {B, A} on different lanes; one of the two is stored each time."""
    database = await service_database("intake")
    await mutate(database, [DAWDLE])

    assert await deadlocks(database) == 0


async def test_without_the_order_of_locks_they_do(service_database: MakeDatabase) -> None:
    """T4: the test above bites."""
    database = await service_database("intake")
    await mutate(database, [DAWDLE, *NO_ORDER_OF_LOCKS])

    assert await deadlocks(database) == 1


async def winners(database: ServiceDatabase) -> list[list[str]]:
    """Two processes append what they decided on the same version, again and again: what each of them is told."""
    told = []
    async with open_log(database) as here, open_log(database) as there:
        await here.add("thing")
        for version in range(1, 21):
            answers = await asyncio.gather(
                here.add("thing", expected=version), there.add("thing", expected=version), return_exceptions=True
            )
            told.append(sorted(type(one).__name__ for one in answers))
    return told


async def test_of_two_who_saw_the_same_version_one_wins(service_database: MakeDatabase) -> None:
    """T5: the other is told that it is stale, 412."""
    database = await service_database("intake")

    assert await winners(database) == [["Outcome", "StaleVersion"]] * 20
    assert [version for *_, version, _ in await ordered(database)] == list(range(1, 22))


async def test_without_the_comparison_of_versions_an_update_is_lost(service_database: MakeDatabase) -> None:
    """T5: the test above bites."""
    database = await service_database("intake")
    await mutate(database, NO_COMPARISON)
    async with connected(database, database.superuser_dsn) as owner:
        await owner.execute("alter table log.event drop constraint event_stream_version_key")

    assert ["Outcome", "Outcome"] in await winners(database)
