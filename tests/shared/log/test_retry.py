"""A request may be sent again as long as its caller likes: it has one effect and one answer."""

import asyncio
import json
import os
import random
import sys
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from shared.database import Connection, connect
from shared.failures import Busy, StaleVersion
from shared.log import KeyInFlight, KeyReused, Outcome
from tests.conftest import MakeDatabase
from tests.embedded import ServiceDatabase
from tests.shared.log.appending import connected, ordered
from tests.shared.log.bench import OpenLog, open_log
from tests.shared.log.counter import Count, counter
from tests.shared.log.test_batch import holding_the_lanes
from tests.shared.log.wire import wire_to


async def test_a_retry_is_given_the_same_outcome_and_has_no_second_effect(service_database: MakeDatabase) -> None:
    """T31."""
    async with open_log(await service_database("intake")) as bench:
        patient = uuid4()
        first = await bench.add(patient, key="the-same-key", events=3)
        again = await bench.add(patient, key="the-same-key", events=3)

        assert (again.stored, again.recorded_at, again.replayed) == (first.stored, first.recorded_at, True)
        assert await bench.log.state(counter, patient) == (Count(3), 3)
        assert await bench.log.replay("the-same-key", b"same") == again
        assert await bench.log.replay("another-key", b"same") is None


async def test_a_request_with_nothing_to_do_is_answered_once_too(service_database: MakeDatabase) -> None:
    """T31."""
    async with open_log(await service_database("intake")) as bench:
        first = await bench.add("thing", key="the-same-key", events=0)
        await bench.add("thing")
        again = await bench.add("thing", key="the-same-key", events=0)

        assert (first.stored, first.replayed) == ((), False)
        assert again == Outcome((), first.recorded_at, replayed=True)


async def test_a_key_used_for_another_request_is_refused(service_database: MakeDatabase) -> None:
    """T31: 422."""
    async with open_log(await service_database("intake")) as bench:
        await bench.add(uuid4(), key="the-same-key")

        with pytest.raises(KeyReused) as refused:
            await bench.add(uuid4(), key="the-same-key", fingerprint=b"other")
        with pytest.raises(KeyReused):
            await bench.log.replay("the-same-key", b"other")
        assert refused.value.status == 422


async def test_a_key_that_is_at_work_is_refused(service_database: MakeDatabase) -> None:
    """T31: 409."""
    async with open_log(await service_database("intake")) as bench:
        first = asyncio.create_task(bench.add("thing", key="the-same-key"))
        await asyncio.sleep(0)

        with pytest.raises(KeyInFlight) as refused:
            await bench.add("thing", key="the-same-key")
        assert (await first).stored
        assert refused.value.status == 409


async def test_a_refusal_is_not_kept(service_database: MakeDatabase) -> None:
    """T31: the same request may succeed later."""
    async with open_log(await service_database("intake")) as bench:
        with pytest.raises(StaleVersion):
            await bench.add("thing", key="the-same-key", expected=1)
        await bench.add("thing")

        assert not (await bench.add("thing", key="the-same-key", expected=1)).replayed


async def test_the_same_request_through_two_processes_has_one_effect(service_database: MakeDatabase) -> None:
    """T31: sent to both at the same time, both give the same answer."""
    database = await service_database("intake")
    async with open_log(database) as here, open_log(database) as there:
        for number in range(30):
            one, other = await asyncio.gather(
                here.add("thing", key=f"key-{number}"), there.add("thing", key=f"key-{number}")
            )
            assert one.stored == other.stored
            assert one.recorded_at == other.recorded_at
            assert {one.replayed, other.replayed} == {False, True}
        assert await here.log.state(counter, "thing") == (Count(30), 30)


async def test_one_key_for_two_requests_through_two_processes(service_database: MakeDatabase) -> None:
    """T31: the streams differ, so that only the key can tell."""
    database = await service_database("intake")
    async with open_log(database) as here, open_log(database) as there:
        for number in range(30):
            answers = await asyncio.gather(
                here.add(f"here-{number}", key=f"key-{number}", fingerprint=b"here"),
                there.add(f"there-{number}", key=f"key-{number}", fingerprint=b"there"),
                return_exceptions=True,
            )
            assert sorted(type(one).__name__ for one in answers) == ["KeyReused", "Outcome"]
    assert len(await ordered(database)) == 30


async def test_an_answer_that_was_lost_is_given_again(service_database: MakeDatabase) -> None:
    """T31: the commit happened, but the wire broke before the process heard of it."""
    database = await service_database("intake")
    async with (
        wire_to(database.dsn()) as (wire, dsn),
        open_log(database, database_dsn=dsn) as bench,
        connected(database) as onlooker,
    ):
        await bench.add("warm")
        async with holding_the_lanes(database):
            call = asyncio.create_task(bench.add("thing", key="the-same-key"))
            await asyncio.sleep(0.1)
            wire.deaf = True
        await stored(onlooker, 2)
        wire.cut()
        with pytest.raises(Busy):
            await call
        again = await bench.add("thing", key="the-same-key")

        assert again.replayed
        assert [one.event_id for one in again.stored] == [
            event_id for *_, stream, _, event_id in await ordered(database) if stream == "counter-thing"
        ]
        assert await bench.log.state(counter, "thing") == (Count(1), 1)


async def test_while_the_database_is_gone_everybody_is_told_to_come_again(service_database: MakeDatabase) -> None:
    database = await service_database("intake")
    async with wire_to(database.dsn()) as (wire, dsn), open_log(database, database_dsn=dsn) as bench:
        await bench.add("thing")
        wire.gone = True
        wire.cut()
        answers = await asyncio.gather(*(bench.add("thing") for _ in range(20)), return_exceptions=True)
        assert {type(one) for one in answers} == {Busy}
        wire.gone = False

        assert (await bench.add("thing")).stored[0].version == 2


async def test_a_stop_does_not_wait_for_a_database_that_is_gone(service_database: MakeDatabase) -> None:
    database = await service_database("intake")
    async with wire_to(database.dsn()) as (wire, dsn):
        async with asyncio.timeout(10), open_log(database, database_dsn=dsn, batch_commands_max=1) as bench:
            await bench.add("thing")
            wire.gone = True
            wire.cut()
            calls = [asyncio.create_task(bench.add("thing")) for _ in range(50)]
            await asyncio.sleep(0)
        answers = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(one) for one in answers} == {Busy}


async def stored(onlooker: Connection, events: int) -> None:
    for _ in range(1000):
        if await onlooker.fetchval("select count(*) from log.event") == events:
            return
        await asyncio.sleep(0.01)
    pytest.fail("never stored")


async def test_a_crash_before_the_commit_leaves_nothing_to_find(service_database: MakeDatabase) -> None:
    """T31: the database's process dies while it appends."""
    database = await service_database("intake")
    async with open_log(database) as bench:
        async with holding_the_lanes(database):
            call = asyncio.create_task(bench.add("thing", key="the-same-key"))
            await asyncio.sleep(0.1)
            await kill_backends(database.superuser_dsn)
            with pytest.raises(Busy):
                await call
        again = await until_answered(bench, "thing", "the-same-key")

        assert not again.replayed
        assert await bench.log.state(counter, "thing") == (Count(1), 1)
        assert [place[:2] for place in await ordered(database)] == [(again.stored[0].lane, 1)]


async def test_backends_that_die_while_commands_run_cost_nothing(service_database: MakeDatabase) -> None:
    """T31: killed again and again; every request is sent again with its key until it is answered."""
    database = await service_database("intake")
    patient = uuid4()
    outcomes: list[Outcome] = []
    async with open_log(database) as bench:
        killing = asyncio.create_task(keep_killing(database.superuser_dsn))
        while not killing.done():
            keys = [f"key-{len(outcomes) + number}" for number in range(60)]
            outcomes += await asyncio.gather(*(until_answered(bench, patient, key) for key in keys))

        assert {len(one.stored) for one in outcomes} == {1}
        assert sorted(one.stored[0].version for one in outcomes) == list(range(1, len(outcomes) + 1))
        assert await bench.log.state(counter, patient) == (Count(len(outcomes)), len(outcomes))


async def until_answered(bench: OpenLog, stream: UUID | str, key: str) -> Outcome:
    for _ in range(200):
        try:
            return await bench.add(stream, key=key)
        except (Busy, KeyInFlight):
            await asyncio.sleep(0.02)
    pytest.fail("never answered")


async def keep_killing(dsn: str) -> None:
    for _ in range(15):
        await kill_backends(dsn)
        await asyncio.sleep(random.uniform(0.0, 0.2))


async def kill_backends(dsn: str) -> None:
    connection = await connect(dsn, name="killer")
    await connection.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity "
        "where application_name in ('test api', 'group commit') and datname = current_database()"
    )
    await connection.close()


REQUESTS = 240
KILLS = 6


async def test_a_process_that_is_killed_in_the_middle_did_each_request_once(service_database: MakeDatabase) -> None:
    """T31: SIGKILL, start again, send everything again; the answers heard before and after are the same."""
    database = await service_database("intake")
    heard: dict[int, set[str]] = {}
    runs = [await run_program(database, killed=run < KILLS) for run in range(KILLS + 1)]
    for told in runs:
        for line in told:
            heard.setdefault(line["request"], set()).add(json.dumps([line["stored"], line["at"]]))
    events = await ordered(database)

    assert min(len(told) for told in runs) < REQUESTS  # else nobody was killed in the middle
    assert sorted(heard) == list(range(REQUESTS))
    assert {len(answers) for answers in heard.values()} == {1}
    assert len(events) == 2 * REQUESTS
    assert sorted(version for *_, stream, version, _ in events if stream == "counter-shared") == list(
        range(1, REQUESTS + 1)
    )


async def run_program(database: ServiceDatabase, *, killed: bool) -> list[dict[str, Any]]:
    """What one run said."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.shared.log.program",
        str(REQUESTS),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, **database.environment(), "EVENKEEL_KAFKA": "127.0.0.1:1"},
        cwd=Path(__file__).parents[3],
    )
    assert process.stdout is not None
    lines = []
    if killed:
        lines = [await process.stdout.readline() for _ in range(random.randint(1, REQUESTS // 3))]
        process.kill()
    lines += (await process.stdout.read()).splitlines(keepends=True)
    await process.wait()
    return [json.loads(line) for line in lines if line.endswith(b"\n")]
