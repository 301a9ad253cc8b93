"""T13: a restored log is an older one; relay and projector stand still and say why, before two histories are mixed."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from shared import projector as projectors
from shared import relay as relays
from shared.database import connect
from shared.health import Finding
from shared.lanes import lane_of
from shared.projector import Projector
from shared.relay import Relay
from tests.conftest import MakeDatabase
from tests.embedded import TestKafka
from tests.shared.flow.ledger import projector_of
from tests.shared.flow.stage import Stage, running, stage, until

pytestmark = pytest.mark.broker

WRITTEN = 6
KEPT = 4


async def restored(here: Stage) -> UUID:
    """A patient with six events, all relayed and projected; then the log is as it was after four, and so are the rows."""
    patient = uuid4()
    for _ in range(WRITTEN):
        await here.bench.add(patient)
    async with running(here.relay().run(), projector_of(here.pool, here.settings, here.topic).run()):
        await here.projected()
    lane = lane_of(str(patient))
    connection = await connect(here.database.superuser_dsn, name="restore")
    try:
        await connection.execute("set session_replication_role = replica")
        await connection.execute("delete from log.event where position > $1", KEPT)
        await connection.execute(
            "delete from log.idempotency where not event_ids <@ (select array_agg(event_id) from log.event)"
        )
        await connection.execute("update log.lane set head = $2 where lane = $1", lane, KEPT)
        await connection.execute("update log.stream set version = $1", KEPT)
        await connection.execute("update log.relay_cursor set position = $2 where lane = $1", lane, KEPT)
        await connection.execute("truncate view.entry, view.sum, projection.checkpoint")
    finally:
        await connection.close()
    return patient


def own_projector(here: Stage) -> Projector:
    """A projector of the service whose log lies beside the rows."""
    projector = projector_of(here.pool, here.settings, here.topic)
    projector._own_topic = here.topic
    return projector


async def halted(part: Any) -> Finding:
    """What the part says once it stands still."""
    found: list[Finding] = []

    async def stands() -> bool:
        found.append(await part.check())
        return not found[-1].ready

    await until(stands)
    return found[-1]


async def test_a_relay_whose_topic_is_ahead_of_the_log_sends_nothing(
    service_database: MakeDatabase, kafka: TestKafka
) -> None:
    async with stage(await service_database("intake"), kafka) as here:
        patient = await restored(here)
        relay = here.relay()
        async with running(relay.run()):
            finding = await halted(relay)
            await here.bench.add(patient, 100)
            other = next(one for one in iter(uuid4, None) if lane_of(str(one)) != lane_of(str(patient)))
            await here.bench.add(other)

            async def other_came() -> bool:
                return bool((await here.records())[lane_of(str(other))])

            await until(other_came)

        assert finding.facts["halted"] == {
            lane_of(str(patient)): f"the topic has sequence {WRITTEN}, but the log ends at {KEPT}, "
            "as after a restored backup; see `evenkeel recover`"
        }
        assert (await here.records())[lane_of(str(patient))] == list(range(1, WRITTEN + 1))


async def test_a_relay_whose_topic_ends_with_another_event_sends_nothing(
    service_database: MakeDatabase, kafka: TestKafka
) -> None:
    """The log has grown again meanwhile, even beyond the topic's end."""
    async with stage(await service_database("intake"), kafka) as here:
        patient = await restored(here)
        for _ in range(WRITTEN):
            await here.bench.add(patient, 100)
        relay = here.relay()
        async with running(relay.run()):
            (reason,) = (await halted(relay)).facts["halted"].values()  # type: ignore[attr-defined]

        assert reason.startswith(f"sequence {WRITTEN} is event")
        assert (await here.records())[lane_of(str(patient))] == list(range(1, WRITTEN + 1))


async def test_a_projector_of_its_own_topic_applies_nothing_that_the_log_lacks(
    service_database: MakeDatabase, kafka: TestKafka
) -> None:
    async with stage(await service_database("intake"), kafka) as here:
        await restored(here)
        projector = own_projector(here)
        async with running(projector.run()):
            (reason,) = (await halted(projector)).facts["halted"].values()  # type: ignore[attr-defined]

        assert reason.startswith(f"the topic has sequence {WRITTEN}, but the log ends at {KEPT}")
        assert await here.pool.fetchval("select count(*) from view.entry") == 0


async def test_without_the_guards_a_new_event_is_lost(
    service_database: MakeDatabase, kafka: TestKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What they are there for: the new fifth event is taken for a duplicate of the old one, and the rows show the old one."""

    async def everything_is_fine(*_: object) -> dict[int, str]:
        return {}

    monkeypatch.setattr(relays, "diverged", everything_is_fine)
    monkeypatch.setattr(projectors, "diverged", everything_is_fine)
    async with stage(await service_database("intake"), kafka) as here:
        patient = await restored(here)
        await here.bench.add(patient, 100)
        relay: Relay = here.relay()
        async with running(relay.run(), own_projector(here).run()):

            async def read() -> bool:
                return bool(await here.pool.fetchval("select max(last_sequence) from projection.checkpoint") == WRITTEN)

            await until(read)

        assert await here.pool.fetchval("select total from view.sum where key = $1", str(patient)) == WRITTEN
        assert (await relay.check()).ready
