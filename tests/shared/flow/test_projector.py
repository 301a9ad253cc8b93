"""A projector counts each event once, notices what is missing, and lets one patient's trouble be one patient's."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from shared.cloudevents import to_kafka
from shared.divergence import cut
from shared.health import Finding
from shared.lanes import lane_of
from shared.log.reading import COLUMNS
from shared.projector import Projector
from tests.conftest import MakeDatabase
from tests.embedded import TestKafka
from tests.shared.flow.ledger import projector_of, reader_of
from tests.shared.flow.stage import Stage, made_anew, running, stage, until

pytestmark = pytest.mark.broker


async def produce(here: Stage, rows: list[dict[str, Any]]) -> None:
    """Put rows into the topic as a relay would, right or wrong."""
    producer = AIOKafkaProducer(bootstrap_servers=here.kafka.bootstrap)
    await producer.start()
    try:
        for row in rows:
            key, value, headers = to_kafka("counter", row)
            await producer.send_and_wait(here.topic, value, key, partition=row["lane"], headers=headers)
    finally:
        await producer.stop()


async def rows_of(here: Stage, patient: UUID, events: int) -> list[dict[str, Any]]:
    """A patient's events as the log has them, not sent."""
    for number in range(events):
        await here.bench.add(patient, number + 1)
    found = await here.pool.fetch(f"select {COLUMNS} from log.event where patient_id = $1 order by version", patient)
    return [dict(row) for row in found]


async def entries(here: Stage) -> int:
    return int(await here.pool.fetchval("select count(*) from view.entry"))


async def halted(projector: Projector) -> Finding:
    async def stands() -> bool:
        return not (await projector.check()).ready

    await until(stands)
    return await projector.check()


async def test_a_gap_halts_the_partition_and_says_so_while_others_go_on(
    service_database: MakeDatabase, kafka: TestKafka
) -> None:
    """T11: sequence + 2."""
    async with stage(await service_database("intake"), kafka) as here:
        patient = uuid4()
        other = next(one for one in iter(uuid4, None) if lane_of(str(one)) != lane_of(str(patient)))
        rows, others = await rows_of(here, patient, 4), await rows_of(here, other, 2)
        projector = projector_of(here.pool, here.settings, here.topic)
        async with running(projector.run()):
            await produce(here, [rows[0], rows[1], rows[3]])
            finding = await halted(projector)
            await produce(here, others)

            async def others_came() -> bool:
                return await entries(here) == 4

            await until(others_came)
        assert list(finding.facts["halted"].values()) == ["sequence 4 came after 2"]  # type: ignore[attr-defined]


async def test_a_lane_that_halted_goes_on_when_its_beginning_was_put_right(
    service_database: MakeDatabase, kafka: TestKafka
) -> None:
    """P1: a lane begins in the middle, as after a lost topic; what lies there is deleted and everything comes in order."""
    async with stage(await service_database("intake"), kafka) as here:
        rows = await rows_of(here, uuid4(), 3)
        projector = projector_of(here.pool, here.settings, here.topic)
        async with running(projector.run()):
            await produce(here, rows[1:])
            await halted(projector)
            await cut(kafka.bootstrap, here.topic, [rows[0]["lane"]])
            await produce(here, rows)
            await here.projected()
            assert (await projector.check()).ready


async def test_who_was_killed_while_the_topic_was_missing_is_given_partitions_again(
    service_database: MakeDatabase, kafka: TestKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P1, T21: its name comes back to the empty assignment that the broker kept for it, and nothing would ever change that."""
    monkeypatch.setattr("shared.projector.UNASSIGNED_SECONDS_MAX", 2.0)
    async with stage(await service_database("intake"), kafka) as here:
        projector = Projector(
            reader_of(here.topic), here.pool, here.settings, group=f"{here.topic}.ledger", instance="one"
        )
        killed = AIOKafkaConsumer(
            here.topic,
            bootstrap_servers=kafka.bootstrap,
            group_id=projector._group,
            group_instance_id="one",
            enable_auto_commit=False,
            metadata_max_age_ms=200,
        )
        await killed.start()

        async def nothing_is_left() -> bool:
            await killed.getmany(timeout_ms=100)
            return not killed.assignment()

        async with made_anew(kafka, here.topic):
            await until(nothing_is_left)
            await killed.stop()  # a member with a name of its own does not leave the group
        async with running(projector.run()):
            await produce(here, await rows_of(here, uuid4(), 3))
            await here.projected()


async def test_what_comes_again_is_dropped(service_database: MakeDatabase, kafka: TestKafka) -> None:
    """T12: everything once more, as after a seek to 0; the state does not change."""
    async with stage(await service_database("intake"), kafka) as here:
        patient = uuid4()
        rows = await rows_of(here, patient, 5)
        async with running(projector_of(here.pool, here.settings, here.topic).run()):
            await produce(here, [*rows, *rows, *rows[2:], *rows])
            await here.projected()
            await asyncio.sleep(0.5)

        assert await entries(here) == 5
        assert await here.pool.fetchval("select total from view.sum where key = $1", str(patient)) == 15


async def test_a_checkpoint_that_was_lost_to_the_group_is_read_from_postgresql(
    service_database: MakeDatabase, kafka: TestKafka
) -> None:
    """T12: a group without offsets starts at the beginning of the topic, the projector where its rows are."""
    async with stage(await service_database("intake"), kafka) as here:
        rows = await rows_of(here, uuid4(), 5)
        async with running(projector_of(here.pool, here.settings, here.topic).run()):
            await produce(here, rows[:3])
            await until(lambda: _has(here, 3))
        fresh_group = projector_of(here.pool, here.settings, here.topic)
        fresh_group._group = f"{here.topic}.other"
        async with running(fresh_group.run()):
            await produce(here, rows[3:])
            await until(lambda: _has(here, 5))


async def _has(here: Stage, count: int) -> bool:
    return await entries(here) == count


async def test_a_history_that_diverged_halts(service_database: MakeDatabase, kafka: TestKafka) -> None:
    """T13: after a restore, the last sequence is another event."""
    async with stage(await service_database("intake"), kafka) as here:
        rows = await rows_of(here, uuid4(), 3)
        projector = projector_of(here.pool, here.settings, here.topic)
        async with running(projector.run()):
            await produce(here, rows)
            await until(lambda: _has(here, 3))
            await produce(here, [rows[2] | {"event_id": uuid4()}])
            finding = await halted(projector)

        assert "was applied" in next(iter(finding.facts["halted"].values()))  # type: ignore[attr-defined]
        assert await entries(here) == 3


async def test_of_two_projectors_on_one_partition_each_event_counts_once(
    service_database: MakeDatabase, kafka: TestKafka
) -> None:
    """T10: two groups that know nothing of each other; the compare-and-set lets one win each batch."""
    async with stage(await service_database("intake"), kafka) as here:
        one, other = (projector_of(here.pool, here.settings, here.topic) for _ in range(2))
        other._group = f"{here.topic}.second"
        async with running(one.run(), other.run(), here.relay().run()):
            for _ in range(10):
                await here.write(60)
            await here.projected()
            await asyncio.sleep(0.5)
            assert (await one.check()).ready
            assert (await other.check()).ready

        assert await entries(here) == 600
        assert (
            await here.pool.fetchval(
                "select count(*) from view.sum s where total <> (select sum(by) from view.entry e where e.key = s.key)"
            )
            == 0
        )


async def test_one_patient_s_poison_leaves_the_others_alone(service_database: MakeDatabase, kafka: TestKafka) -> None:
    """T27: 1 of 100 keys fails: 99 go on, the bad key's events wait in order, with their original bytes."""
    async with stage(await service_database("intake"), kafka) as here:
        patients = [uuid4() for _ in range(100)]
        for by in (1, 666, 3):
            await asyncio.gather(*(here.bench.add(one, by if one == patients[7] else 1) for one in patients))
        async with running(projector_of(here.pool, here.settings, here.topic).run(), here.relay().run()):
            await here.projected()

        assert await entries(here) == 99 * 3 + 1
        parked = await here.pool.fetch(
            "select key, reason, value, sequence from projection.parked order by record_offset"
        )
        assert [row["key"] for row in parked] == [str(patients[7])] * 2
        assert [b'"by": 666' in row["value"] for row in parked] == [True, False]
        assert parked[0]["reason"] == "ValueError"
        assert await here.pool.fetchval("select projection.degraded_since($1) is not null", str(patients[7]))
        assert await here.pool.fetchval("select projection.degraded_since($1) is null", str(patients[8]))


async def test_a_bad_deploy_does_not_empty_the_topic_into_parking(
    service_database: MakeDatabase, kafka: TestKafka
) -> None:
    """T29: when everything fails, the consumer stops at its limit."""
    async with stage(await service_database("intake"), kafka) as here:
        await asyncio.gather(*(here.bench.add(uuid4(), 666) for _ in range(300)))
        projector = projector_of(here.pool, here.settings, here.topic)
        async with running(projector.run(), here.relay().run()):
            finding = await halted(projector)
            await here.relayed()

        assert "must be wrong" in str(finding.facts["halted"])
        assert await here.pool.fetchval("select count(*) from projection.parked") < 60


async def test_too_many_waiting_keys_stop_the_consumer(service_database: MakeDatabase, kafka: TestKafka) -> None:
    """T29: a few poisoned patients among many are below the ratio for ever; their number has a limit, too."""
    async with stage(await service_database("intake"), kafka) as here:
        settings = here.settings.model_copy(update={"parked_keys_max": 3})
        projector = projector_of(here.pool, settings, here.topic)
        async with running(projector.run(), here.relay().run()):
            for poisoned in range(1, 6):
                await here.write(60)
                await here.bench.add(uuid4(), 666)
                if poisoned <= settings.parked_keys_max:
                    await here.relayed()
                    await here.projected()
                    assert (await projector.check()).ready
            finding = await halted(projector)

        assert "must be wrong" in str(finding.facts["halted"])
        assert await here.pool.fetchval("select count(*) from projection.parked") == 3


@pytest.mark.parametrize("silence", ["hangs", "brings nothing"])
async def test_a_consumer_that_brings_nothing_any_more_is_replaced(
    service_database: MakeDatabase, kafka: TestKafka, monkeypatch: pytest.MonkeyPatch, silence: str
) -> None:
    """P1, T21: the library waits for the end of a rebalance for as long as it takes; a fetch that died is told to nobody."""
    monkeypatch.setattr("shared.projector.POLL_SECONDS_MAX", 2.0)
    monkeypatch.setattr("shared.projector.STILL_SECONDS_MAX", 1.0)
    made: list[AIOKafkaConsumer] = []

    async def nothing(**_: object) -> dict[str, object]:
        await asyncio.sleep(3600 if silence == "hangs" else 0.1)
        return {}

    def consumer(**settings: Any) -> AIOKafkaConsumer:
        made.append(AIOKafkaConsumer(**settings))
        if len(made) == 1:
            made[0].getmany = nothing
        return made[-1]

    monkeypatch.setattr("shared.projector.AIOKafkaConsumer", consumer)
    async with stage(await service_database("intake"), kafka) as here:
        projector = projector_of(here.pool, here.settings, here.topic)
        async with running(here.relay().run(), projector.run()):
            await here.write(50)
            await here.projected()

        assert len(made) == 2
        assert await here.pool.fetchval("select count(*) from view.entry") == 50
