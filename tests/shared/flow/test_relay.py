"""The relay brings every event to Kafka, in order, and takes nothing back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaProducer

from shared import membership
from shared import relay as relays
from shared.database import connect
from shared.lanes import LANES, lane_of
from shared.relay import Lane
from tests.conftest import MakeDatabase
from tests.embedded import TestKafka, TestPostgres
from tests.shared.flow.ledger import projector_of
from tests.shared.flow.stage import made_anew, records, running, stage, until

pytestmark = pytest.mark.broker
SEVERAL_ROUNDS_SECONDS = 3.0


async def test_every_event_is_relayed_to_the_partition_of_its_lane(
    service_database: MakeDatabase, kafka: TestKafka
) -> None:
    """T24: the partition is given, not left to a partitioner."""
    async with stage(await service_database("intake"), kafka) as here, running(here.relay().run()):
        await here.write(500, patients=60)
        await here.relayed()
        found = await records(kafka, here.topic)

        assert {lane: list(range(1, head + 1)) for lane, head in (await here.heads()).items()} == await here.records()
        assert sum(map(len, found.values())) == 500
        assert all(lane_of(one.key.decode()) == lane for lane, messages in found.items() for one in messages)


async def test_of_two_relays_each_lane_has_one_owner_and_nothing_is_sent_twice(
    service_database: MakeDatabase, kafka: TestKafka
) -> None:
    """T7."""
    async with stage(await service_database("intake"), kafka) as here:
        one, other = here.relay(), here.relay()
        async with running(one.run(), other.run()):
            for _ in range(10):
                await here.write(100)
            await here.relayed()

            assert len(one._lanes) + len(other._lanes) == LANES
        assert all(sequences == list(range(1, len(sequences) + 1)) for sequences in (await here.records()).values())


async def test_a_relay_with_an_old_cursor_in_memory_cannot_move_the_row(
    service_database: MakeDatabase, kafka: TestKafka
) -> None:
    """T8: the compare-and-set is the fence when the lock was lost."""
    async with stage(await service_database("intake"), kafka) as here:
        await here.write(200)
        async with running(here.relay().run()):
            await here.relayed()
        stale = here.relay()
        lanes = {lane: head for lane, head in (await here.heads()).items() if head}
        stale._lanes = {lane: Lane(stored=0, sent=0, offset=-1) for lane in lanes}

        async with here.pool.acquire() as connection:
            await stale._move(connection, {lane: head + 1 for lane, head in lanes.items()})

        assert stale._lanes == {}
        cursors = {
            row["lane"]: row["position"]
            for row in await here.pool.fetch("select * from log.relay_cursor where position > 0")
        }
        assert cursors == lanes


async def test_a_topic_that_was_lost_is_refilled_from_postgresql(
    service_database: MakeDatabase, kafka: TestKafka
) -> None:
    """P1: the topic is deleted and made anew; the relay sends everything again, the projector drops what it has."""
    async with stage(await service_database("intake"), kafka) as here:
        async with running(here.relay().run(), projector_of(here.pool, here.settings, here.topic).run()):
            await here.write(300)
            await here.projected()
        await recreate(kafka, here.topic)
        async with running(here.relay().run(), projector_of(here.pool, here.settings, here.topic).run()):
            await here.write(300)
            await here.relayed()
            await here.projected()

        assert {lane: list(range(1, head + 1)) for lane, head in (await here.heads()).items()} == await here.records()
        assert await here.pool.fetchval("select count(*) from view.entry") == 600


async def test_a_relay_that_goes_on_in_a_topic_made_anew_puts_its_beginning_right(
    service_database: MakeDatabase, kafka: TestKafka
) -> None:
    """P1: relay and projector run on while the topic is lost; what was sent before anybody noticed comes before its turn."""
    async with stage(await service_database("intake"), kafka) as here:
        projector = projector_of(here.pool, here.settings, here.topic)
        async with running(here.relay().run()):
            await here.write(100)
            await here.relayed()
        async with running(here.relay().run(), projector.run()):  # this relay has sent nothing yet
            await here.projected()
            await recreate(kafka, here.topic)
            await here.write(100)
            await here.relayed()
            await here.projected()
            assert (await projector.check()).ready

        heads = await here.heads()
        records = await here.records()
        assert {lane: sorted(set(found)) for lane, found in records.items()} == {
            lane: list(range(1, head + 1)) for lane, head in heads.items()
        }
        assert all(found[:1] in ([], [1]) for found in records.values())
        assert await here.pool.fetchval("select count(*) from view.entry") == 200


ONLY_WHAT_EVERY_SNAPSHOT_SEES = (
    "e.lane = c.at_lane and e.xmin::text::bigint < pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
)
"""How an outbox is often read that has no positions of its own: nothing newer than the oldest open transaction."""


@asynccontextmanager
async def held_open(postgres: TestPostgres) -> AsyncIterator[None]:
    """A transaction in another database of the same server, with a number and a snapshot of its own."""
    connection = await connect(await postgres.create_database(), name="tests")
    try:
        async with connection.transaction(isolation="repeatable_read"):
            await connection.execute("select pg_current_xact_id()")
            yield
    finally:
        await connection.close()


async def test_a_long_transaction_elsewhere_holds_nothing_up(
    service_database: MakeDatabase, postgres: TestPostgres, kafka: TestKafka
) -> None:
    """T51: everything is relayed while it is still open."""
    async with stage(await service_database("intake"), kafka) as here, running(here.relay().run()):
        async with held_open(postgres):
            await here.write(200)
            await here.relayed()

        assert sum(map(len, (await here.records()).values())) == 200


async def test_a_relay_that_waits_for_the_oldest_snapshot_is_caught(
    service_database: MakeDatabase, postgres: TestPostgres, kafka: TestKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T51: nothing is relayed while that transaction is open, everything afterwards."""
    assert "e.lane = c.at_lane" in relays._READ
    monkeypatch.setattr(relays, "_READ", relays._READ.replace("e.lane = c.at_lane", ONLY_WHAT_EVERY_SNAPSHOT_SEES))
    async with stage(await service_database("intake"), kafka) as here, running(here.relay().run()):
        async with held_open(postgres):
            await here.write(200)
            with pytest.raises(TimeoutError):
                await until(here.something_relayed, SEVERAL_ROUNDS_SECONDS)
        await here.relayed()


async def recreate(kafka: TestKafka, topic: str) -> None:
    async with made_anew(kafka, topic):
        await asyncio.sleep(0.5)


async def test_a_topic_that_is_lost_while_nothing_is_said_is_refilled(
    service_database: MakeDatabase, kafka: TestKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P1: no event comes that the broker could answer with an offset that is too small; a new reader would find nothing."""
    monkeypatch.setattr(relays, "LOOK_SECONDS", 0.5)
    async with stage(await service_database("intake"), kafka) as here, running(here.relay().run()):
        await here.write(100)
        await here.relayed()
        await recreate(kafka, here.topic)

        async def refilled() -> bool:
            return {lane: found[-1:] for lane, found in (await here.records()).items() if found} == {
                lane: [head] for lane, head in (await here.heads()).items() if head
            }

        await until(refilled)


async def test_a_producer_that_gets_no_answer_is_replaced_and_cut_off(
    service_database: MakeDatabase, kafka: TestKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P1: an idempotent producer of the library tries for ever, and when it is to stop it flushes first, for ever."""
    monkeypatch.setattr(relays, "SEND_SECONDS_MAX", 2.0)
    monkeypatch.setattr(membership, "STOP_SECONDS_MAX", 0.5)
    made: list[AIOKafkaProducer] = []

    class FirstIsForgotten(AIOKafkaProducer):  # type: ignore[misc]  # the library ships no types
        async def start(self) -> None:
            await super().start()
            made.append(self)
            if len(made) == 1:  # the broker never answers it
                self.client.send = lambda *_, **__: asyncio.get_running_loop().create_future()

    monkeypatch.setattr(relays, "AIOKafkaProducer", FirstIsForgotten)
    async with stage(await service_database("intake"), kafka) as here, running(here.relay().run()):
        await here.write(50)
        await here.relayed()

        assert len(made) == 2
        assert made[0]._sender.sender_task.done()
        assert {lane: list(range(1, head + 1)) for lane, head in (await here.heads()).items()} == await here.records()
