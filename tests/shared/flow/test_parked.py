"""Parked events are applied again in order, all or none, and the live projection neither moves back nor runs ahead."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from fastapi import APIRouter

from deploy import parked
from deploy.operating import Opened, open_as_operator
from deploy.parked import Doing, NotEditable, NothingParked, Replayed
from shared import parking
from shared.database import Connection
from shared.event import AnyRecorded
from shared.lanes import lane_of
from shared.parking import ParkedRecord
from shared.projector import Projection, Write
from shared.service import Service
from tests.conftest import MakeDatabase
from tests.embedded import TestKafka
from tests.shared.flow import ledger
from tests.shared.flow.ledger import projector_of
from tests.shared.flow.stage import Stage, running, stage
from tests.shared.log import counter

pytestmark = pytest.mark.broker
DOING = Doing("anna", "a new program")


def forgiving(recorded: AnyRecorded) -> Sequence[Write]:
    """The program of tomorrow, which can read the poison."""
    if isinstance(recorded.data, counter.Counted) and recorded.data.by == 666:
        recorded = dataclasses.replace(recorded, data=counter.Counted(1000))
    return ledger.on(recorded)


@asynccontextmanager
async def operating(here: Stage, on: Any = forgiving) -> AsyncIterator[Opened]:
    service = Service("counter", counter, APIRouter(), {}, Path(), (Projection("ledger", (here.topic,), on),))
    async with open_as_operator(service, here.settings) as made:
        yield dataclasses.replace(made, service=service)


@asynccontextmanager
async def poisoned(here: Stage, after: Sequence[int] = (3, 4)) -> AsyncIterator[UUID]:
    """A patient whose second event is poison; the live projection goes on meanwhile."""
    patient = uuid4()
    async with running(projector_of(here.pool, here.settings, here.topic).run(), here.relay().run()):
        for by in (1, 666, *after):
            await here.bench.add(patient, by)
        await here.bench.add(uuid4(), 1)
        await here.relayed()
        await here.projected()
        yield patient


async def told(here: Stage, patient: UUID) -> list[int]:
    """The patient's events in the order in which they were applied."""
    rows = await here.pool.fetch("select by from view.entry where key = $1 order by seen", str(patient))
    return [row["by"] for row in rows]


async def checkpoints(here: Stage) -> list[tuple[Any, ...]]:
    rows = await here.pool.fetch("select partition, next_offset, last_sequence from projection.checkpoint order by 1")
    return [tuple(row) for row in rows]


@pytest.fixture
async def here(service_database: MakeDatabase, kafka: TestKafka) -> AsyncIterator[Stage]:
    async with stage(await service_database("intake"), kafka) as made:
        yield made


@pytest.fixture(autouse=True)
def codec_of_the_counter(monkeypatch: Any) -> None:
    """The readers of this service read topics of the stage's own."""
    monkeypatch.setattr("deploy.processes.worker.codecs", lambda topics: dict.fromkeys(topics, ledger.CODEC))


async def test_a_patient_is_repaired_in_order_while_the_live_checkpoint_stands(here: Stage) -> None:
    """T28: what was parked comes in order, later events come after it, and the checkpoint does not move."""
    async with poisoned(here) as patient, operating(here) as opened:
        assert await told(here, patient) == [1]
        before = await checkpoints(here)
        # Not `retry`: that is an event as well, which the live side rightly moves on to.
        assert await parked.replay(opened, "ledger", str(patient), lane_of(str(patient))) == Replayed(3, 0)
        assert await checkpoints(here) == before
        await here.bench.add(patient, 5)
        await here.relayed()
        await here.projected()

    assert await told(here, patient) == [1, 1000, 3, 4, 5]
    assert await here.pool.fetchval("select projection.degraded_since($1) is null", str(patient))


async def test_who_retried_and_why_is_an_event(here: Stage) -> None:
    async with poisoned(here) as patient, operating(here) as opened:
        await parked.retry(opened, str(patient), DOING)
        (event,) = await here.bench.log.story(f"parking-ledger.{patient}")

    assert (event.actor, event.patient_id, event.data.events) == ("operator:anna", patient, 3)
    assert event.data.reason == "[erased]"  # sealed: only who may open the patient's fields reads it
    logged = await here.pool.fetchval("select data::text from log.event where stream like 'parking-%'")
    assert "program" not in logged


async def test_what_still_cannot_be_applied_stays_with_all_behind_it(here: Stage) -> None:
    async with poisoned(here) as patient, operating(here, ledger.on) as opened:
        assert await parked.retry(opened, str(patient), DOING) == {"ledger": Replayed(0, 3, "ValueError")}
        assert await told(here, patient) == [1]
        await here.bench.add(patient, 5)
        await here.relayed()
        await here.projected()
        waiting = await parked.shown(here.pool, str(patient))

    assert [one.reason for one in waiting[:3]] == ["ValueError", "Behind", "Behind"]
    counted = [one.content for one in waiting if one.headers["ce_type"].endswith("Counted")]
    assert [f'"by":{by},' in content for by, content in zip((666, 3, 4, 5), counted, strict=True)] == [True] * 4


async def test_an_edited_event_is_applied_as_edited_and_the_log_keeps_the_original(here: Stage) -> None:
    async with poisoned(here) as patient, operating(here, ledger.on) as opened:
        first, *_ = await parked.shown(here.pool, str(patient))
        with pytest.raises(NotEditable):
            await parked.edit(opened, first.number, {"by": "many"}, DOING)
        await parked.edit(opened, first.number, {"by": 2}, DOING)
        await parked.retry(opened, str(patient), DOING)

    assert await told(here, patient) == [1, 2, 3, 4]
    assert await here.pool.fetchval("select count(*) from log.event where data ->> 'by' = '666'") == 1


async def test_what_waits_behind_a_discarded_event_is_applied(here: Stage) -> None:
    async with poisoned(here) as patient, operating(here, ledger.on) as opened:
        first, *_ = await parked.shown(here.pool, str(patient))
        replayed = await parked.discard(opened, first.number, DOING)
        assert replayed.left == 0
        with pytest.raises(NothingParked):
            await parked.discard(opened, first.number, DOING)

    assert await told(here, patient) == [1, 3, 4]


class Crash(BaseException):
    """As if the process were gone."""


async def crash_in_the_middle(here: Stage, patient: UUID, opened: Opened) -> None:
    """The replay's process dies after the first event."""
    calls = 0
    reader = opened.readers()["ledger"]
    original = reader.again

    async def dies(connection: Connection, message: Any) -> None:
        nonlocal calls
        calls += 1
        if calls > 1:
            raise Crash
        await original(connection, message)

    reader.again = dies  # type: ignore[method-assign]
    with pytest.raises(Crash):
        await parked.replay_rows(opened.pool, reader, str(patient))


async def test_a_crash_in_the_middle_of_a_replay_loses_nothing(here: Stage) -> None:
    """T28: nothing of it happened, and the next try does all."""
    async with poisoned(here) as patient, operating(here) as opened:
        await crash_in_the_middle(here, patient, opened)
        assert await told(here, patient) == [1]
        await parked.retry(opened, str(patient), DOING)

    assert await told(here, patient) == [1, 1000, 3, 4]


async def test_taking_events_out_before_they_are_applied_would_lose_them(here: Stage, monkeypatch: Any) -> None:
    """A mutant without the guard: the rows leave the parking in a transaction of their own, first."""
    original = parking.waiting

    async def taken_out(connection: Connection, consumer: str, key: str) -> list[ParkedRecord]:
        found = await original(connection, consumer, key)
        await here.pool.execute("delete from projection.parked where consumer = $1 and key = $2", consumer, key)
        return found

    monkeypatch.setattr(parked, "waiting", taken_out)
    async with poisoned(here) as patient, operating(here) as opened:
        await crash_in_the_middle(here, patient, opened)
        monkeypatch.undo()
        monkeypatch.setattr("deploy.processes.worker.codecs", lambda topics: dict.fromkeys(topics, ledger.CODEC))
        with pytest.raises(NothingParked):
            await parked.retry(opened, str(patient), DOING)

    assert await told(here, patient) == [1]


async def test_an_order_other_than_that_of_arrival_would_be_noticed(here: Stage, monkeypatch: Any) -> None:
    """A mutant without the guard: the newest first."""
    monkeypatch.setattr("shared.parking._WAITING", parked_order("order by number desc"))
    async with poisoned(here) as patient, operating(here) as opened:
        await parked.retry(opened, str(patient), DOING)

    assert await told(here, patient) != [1, 1000, 3, 4]


def parked_order(order: str) -> str:
    return parking._WAITING.replace("order by number", order)


async def test_events_that_come_during_a_replay_come_after_it(here: Stage) -> None:
    """T28, under way: the live projection waits at the checkpoint, and goes on after what was parked."""
    async with poisoned(here, range(3, 40)) as patient, operating(here) as opened:

        async def more() -> None:
            for by in range(40, 80):
                await here.bench.add(patient, by)

        writing = asyncio.create_task(more())
        await parked.retry(opened, str(patient), DOING)
        await writing
        await here.relayed()
        await here.projected()
        while (await here.pool.fetchval("select count(*) from projection.parked")) > 0:
            await parked.retry(opened, str(patient), DOING)
            await here.relayed()
            await here.projected()

    assert await told(here, patient) == [1, 1000, *range(3, 80)]


async def test_the_stream_s_role_may_take_out_parked_events_and_not_change_them(here: Stage) -> None:
    stream = await asyncpg.connect(here.database.dsn("stream"))
    try:
        await stream.execute("delete from projection.parked")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await stream.execute("update projection.parked set value = null")
    finally:
        await stream.close()
