"""The output of a stream processor is built anew in a topic of its own while everything runs, compared, switched to, and back."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from fastapi import APIRouter

from deploy import outputs
from deploy.operating import open_as_operator
from deploy.outputs import NoOutput, OutputRebuild, OutputShadow, OutputStill, StillFolded, app_id_of
from deploy.sides import MadeByAnother
from services.intake.main import SERVICE as INTAKE
from services.medication.main import SERVICE as MEDICATION
from shared.database import Pool, connect, open_pool
from shared.projecting import TableReader
from shared.projector import Projector, TableProjection, Write
from shared.service import Service
from shared.settings import Settings
from tests.embedded import ServiceDatabase, TestKafka, TestPostgres
from tests.shared.flow.ledger import worker_settings
from tests.shared.flow.stage import running, until
from tests.shared.fold import ward
from tests.shared.fold.driving import Ward

pytestmark = pytest.mark.broker

PATIENTS = 12
TABLES = """
create table view.seen (patient_id uuid primary key, events int not null, notes int, sources jsonb not null);
select set_config('evenkeel.service', 'ward', false);
select view.share('seen');
"""


class Building:
    """A ward whose values are kept as rows, by programs of two versions."""

    def __init__(self, a_ward: Ward, pool: Pool, settings: Settings) -> None:
        self.ward, self.pool, self.settings = a_ward, pool, settings

    def projection(self, version: int) -> TableProjection:
        return TableProjection("seen", ward.ward_fold(self.ward.name, ward, version).output, rows, version)

    async def live(self, version: int) -> None:
        """The projector of a worker with this version of the program."""
        reader = TableReader(self.projection(version))
        await Projector(reader, self.pool, self.settings, f"{self.ward.name}.seen.{version}").run()

    @asynccontextmanager
    async def operator(self, version: int) -> AsyncIterator[OutputRebuild]:
        service = Service("ward", ward, APIRouter(), {}, Path(), (self.projection(version),))
        async with (
            open_as_operator(service, self.settings) as here,
            OutputShadow(here, self.projection(version)) as shadow,
        ):
            yield OutputRebuild(here, shadow)

    @asynccontextmanager
    async def writing(self, pause_seconds: float = 0.01) -> AsyncIterator[None]:
        """Events of all services about all patients, until the block ends; what is read meanwhile never goes backwards."""
        ended = asyncio.Event()

        async def write() -> None:
            number = sum(self.ward.positions.values())
            while not ended.is_set():
                number += 1
                await self.ward.count(number % PATIENTS, f"note {number}", service=ward.SERVICES[number % 3])
                await asyncio.sleep(pause_seconds)

        async def read() -> None:
            newest: dict[Any, int] = {}
            while not ended.is_set():
                seen = {row["patient_id"]: row["events"] for row in await self.pool.fetch("select * from view.seen")}
                assert all(seen.get(patient, 0) >= events for patient, events in newest.items())
                newest = seen
                await asyncio.sleep(0.01)

        async with asyncio.TaskGroup() as group:
            group.create_task(write())
            group.create_task(read())
            try:
                yield
            finally:
                ended.set()

    async def settles(self) -> None:
        """Wait until every patient's row holds every event."""
        await self.ward.producer.flush()
        wanted = {patient: len(notes) for patient, notes in self.ward.counted.items()}

        async def done() -> bool:
            found = await self.pool.fetch("select patient_id, events from view.seen")
            return {row["patient_id"]: row["events"] for row in found} == wanted

        await until(done)

    async def versions(self) -> set[int]:
        """Which versions of the program wrote the rows: the second counts notes too."""
        found = await self.pool.fetch("select distinct notes is not null as second from view.seen")
        return {2 if row["second"] else 1 for row in found}


def rows(key: str, value: dict[str, Any] | None) -> Sequence[Write]:
    assert value is not None
    sql = """insert into view.seen (patient_id, events, notes, sources) values ($1::text::uuid, $2, $3, $4::text::jsonb)
             on conflict (patient_id) do update set events = excluded.events, notes = excluded.notes, sources = excluded.sources"""
    figures, sources = value["figures"], msgspec.json.encode(value["sources"]).decode()
    return [Write(sql, (key, figures["events"], figures.get("notes"), sources))]


@pytest.fixture
async def building(kafka: TestKafka, postgres: TestPostgres, tmp_path: Path) -> AsyncIterator[Building]:
    """One ward, its first version at work: a stream process and a topic; the second version's topic is there too."""
    database: ServiceDatabase = await postgres.service_database("ward")
    owner = await connect(database.dsn("owner"), name="tables")
    await owner.execute(TABLES)
    await owner.close()
    pool = await open_pool(database.dsn("worker"), name="tests", connections_max=6)
    async with Ward(kafka.bootstrap, database.dsn("stream"), tmp_path) as a_ward:
        a_ward.start(instance="first")
        yield Building(a_ward, pool, worker_settings(database, kafka))
    await pool.close()


async def test_an_output_is_built_under_writers_switched_to_and_back(building: Building) -> None:
    """T35, T36: no row ever goes backwards, also when the new stream process dies in the middle."""
    a_ward = building.ward
    second_output = building.projection(2).topic
    await a_ward.create([second_output], {"cleanup.policy": "compact"})
    async with building.operator(1) as first, building.operator(2) as second, running(building.live(1)):
        async with building.writing():
            await a_ward.settles_roughly(100)
            newer = a_ward.start(instance="second", version=2)
            assert await second.build() > 0
            newer.kill()
            newer = a_ward.start(instance="second", version=2)
            async with running(building.live(2)):
                await second.switch()
                with pytest.raises(MadeByAnother):
                    await second.back()  # the program that made the old rows has to bring them up to date
                await asyncio.sleep(1)
        async with running(building.live(2)):
            await building.settles()
            assert await building.versions() == {2}
            async with building.writing():
                await first.back()
            await building.settles()
            assert await building.versions() == {1}
            await second.back()  # once more to the second version
            with pytest.raises(StillFolded):
                await second.retire()
            assert await a_ward.workers[0].stop() == 0
            await second.retire()
            await a_ward.count(1, "after all")
            await building.settles()
    assert a_ward.output not in await a_ward.admin.list_topics()
    assert await building.pool.fetchval("select count(*) from pg_tables where schemaname = 'shadow'") == 0


async def test_a_wrong_row_is_found_while_events_come(building: Building) -> None:
    """T35: a busy patient is looked at again until both sides are at equal positions."""
    await building.ward.create([building.projection(3).topic], {"cleanup.policy": "compact"})
    building.ward.start(instance="third", version=3)
    await building.ward.count(PATIENTS + 1, "once")
    async with building.operator(3) as third, running(building.live(1)), building.writing(0.04):
        await building.ward.settles_roughly(60)
        await third.build()
        for _ in range(3):
            compared = await third.diff()
            assert compared.differing == 0, compared.examples
            assert compared.rows["seen"] == PATIENTS + 1
        quiet = building.ward.patient(PATIENTS + 1)
        await building.pool.execute("update view.seen set events = 7 where patient_id = $1", quiet)
        compared = await third.diff()

    assert [(one.side, one.row["patient_id"], one.row["events"]) for one in compared.examples] == [
        ("live", str(quiet), 7),
        ("other", str(quiet), 1),
    ]


async def test_an_output_that_is_not_there_or_that_nobody_writes_is_told(
    building: Building, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outputs, "STILL_SECONDS_MAX", 1.0)
    async with building.operator(2) as second, running(building.live(1)):
        await building.ward.count(1, "one")
        await building.settles()
        with pytest.raises(NoOutput):
            await second.build()
        await building.ward.create([building.projection(2).topic], {"cleanup.policy": "compact"})
        with pytest.raises(OutputStill):
            await second.build()


@pytest.mark.parametrize("service", [INTAKE, MEDICATION])
def test_a_stream_processor_is_named_after_its_output(service: Service) -> None:
    assert service.fold is not None
    assert service.fold.app_id == app_id_of(service.fold.output)
