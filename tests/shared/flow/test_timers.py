"""What falls due is carried out once, and a policy's answer to an event is given once."""

import asyncio
from collections.abc import Sequence
from uuid import uuid4

import pytest

from shared.event import AnyRecorded
from shared.log import Act
from shared.policy import Policies, PolicyReader
from shared.projector import Projector
from shared.timers import DueItem, Timer, Timers
from tests.conftest import MakeDatabase
from tests.embedded import TestKafka
from tests.shared.flow.ledger import CODEC, worker_pool
from tests.shared.flow.stage import running, stage, until
from tests.shared.log.bench import act, open_log
from tests.shared.log.counter import Count, counter


def remind(item: DueItem) -> Sequence[Act]:
    return [act(item.payload["stream"])]


async def test_two_processes_carry_out_each_due_item_once(service_database: MakeDatabase) -> None:
    """T46."""
    database = await service_database("intake")
    pool = await worker_pool(database)
    insert = "insert into timer.due_item (id, kind, due_at, site_id, payload) values ($1, 'remind', now() - interval '1 s', 'riverside', $2)"
    await pool.executemany(insert, [(uuid4(), {"stream": f"item-{number}"}) for number in range(200)])
    await pool.execute(insert.replace("now() - interval '1 s'", "now() + interval '1 h'"), uuid4(), {"stream": "later"})
    async with open_log(database) as one, open_log(database) as other:
        timers = [Timers([Timer("remind", remind)], pool, bench.log) for bench in (one, other)]
        async with running(*(one.run() for one in timers)):

            async def all_done() -> bool:
                return bool(await pool.fetchval("select count(*) from timer.due_item where done_at is null") == 1)

            await until(all_done)
        assert await pool.fetchval("select count(*) from log.event") == 200
        assert await pool.fetchval("select count(distinct stream) from log.event") == 200
    await pool.close()


def answer(recorded: AnyRecorded) -> Sequence[Act]:
    """Whatever is counted is counted once more elsewhere; a zero is refused there."""
    return [act("mirror", 1), act("mirror", 0)] if recorded.data.by == 5 else []


@pytest.mark.broker
async def test_a_policy_that_is_replayed_does_nothing_twice(service_database: MakeDatabase, kafka: TestKafka) -> None:
    database = await service_database("intake")
    async with stage(database, kafka) as here, open_log(database) as worker:
        reader = PolicyReader(Policies("mirroring", (here.topic,), answer), {here.topic: CODEC}, worker.log)
        await asyncio.gather(*(here.bench.add(uuid4(), 5) for _ in range(20)))
        for _ in range(2):
            async with running(
                here.relay().run(), Projector(reader, here.pool, here.settings, f"{here.topic}.p").run()
            ):

                async def answered() -> bool:
                    return bool(
                        await here.pool.fetchval("select count(*) from log.event where causation_id is not null") >= 20
                    )

                await until(answered)
                await here.relayed()
                await here.projected("mirroring")
            await here.pool.execute(
                "update projection.checkpoint set next_offset = 0, last_sequence = null, last_event_id = null"
            )

        assert await here.bench.log.state(counter, "mirror") == (Count(20), 20)
        assert {one.actor for one in await here.bench.log.story("counter-mirror")} == {"policy:mirroring"}
