"""Relay and projector are killed in the middle of their work, again and again, and nothing is lost or counted twice."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.conftest import MakeDatabase
from tests.embedded import TestKafka
from tests.shared.flow.stage import Stage, alive, dies, running, stage

pytestmark = pytest.mark.broker
KILLS = 4


@asynccontextmanager
async def writing(here: Stage) -> AsyncIterator[None]:
    """Commands arrive all the while."""

    async def write() -> None:
        while True:
            await here.write(40)
            await asyncio.sleep(0.02)

    async with running(write()):
        yield


async def kill_the_relay(here: Stage, dying: str) -> None:
    """It dies KILLS times while commands arrive; then a sound one finishes."""
    async with writing(here):
        for _ in range(KILLS):
            await dies(here, dying)
    async with alive(here, "relay"):
        await here.relayed()


async def test_a_relay_that_is_killed_repeats_events_but_loses_none(
    service_database: MakeDatabase, kafka: TestKafka
) -> None:
    """T6: every sequence once after dropping duplicates, in order; and there were duplicates, or the test would not bite."""
    async with stage(await service_database("intake"), kafka) as here:
        await kill_the_relay(here, "dies-after-sending")
        sent, heads = await here.records(), await here.heads()

    assert {lane: list(dict.fromkeys(found)) for lane, found in sent.items() if found} == {
        lane: list(range(1, head + 1)) for lane, head in heads.items() if head
    }
    assert sum(map(len, sent.values())) > sum(heads.values())


async def test_a_relay_that_moves_its_cursor_first_is_caught(service_database: MakeDatabase, kafka: TestKafka) -> None:
    """T6: the same kills, the guard removed: events are missing."""
    async with stage(await service_database("intake"), kafka) as here:
        await kill_the_relay(here, "cursor-first")
        sent, heads = await here.records(), await here.heads()

    assert any(set(sent[lane]) != set(range(1, head + 1)) for lane, head in heads.items())


async def kill_the_projector(here: Stage, dying: str) -> None:
    """It dies KILLS times while events arrive; then a sound one finishes."""
    async with running(here.relay().run()):
        async with writing(here):
            for _ in range(KILLS):
                await dies(here, dying)
        async with alive(here, "projector"):
            await here.relayed()
            await here.projected()


async def expectation(here: Stage) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    """From the log, by SQL alone: each patient's sum, and what the projection made of it."""
    wanted = await here.pool.fetch(
        "select key, sum((data ->> 'by')::int)::bigint as total from log.event group by key order by key"
    )
    found = await here.pool.fetch("select key, total from view.sum order by key")
    return [tuple(row) for row in wanted], [tuple(row) for row in found]


async def test_a_projector_that_is_killed_counts_each_event_once(
    service_database: MakeDatabase, kafka: TestKafka
) -> None:
    """T9."""
    async with stage(await service_database("intake"), kafka) as here:
        await kill_the_projector(here, "dies-before-commit")
        wanted, found = await expectation(here)

    assert wanted == found


async def test_a_checkpoint_that_commits_before_its_rows_is_caught(
    service_database: MakeDatabase, kafka: TestKafka
) -> None:
    """T9: the same kills, the guard removed: effects are missing."""
    async with stage(await service_database("intake"), kafka) as here:
        await kill_the_projector(here, "checkpoint-first")
        wanted, found = await expectation(here)

    assert wanted != found
