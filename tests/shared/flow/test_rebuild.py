"""A projection is built anew beside the live one while writers run, compared, exchanged, and exchanged back."""

import asyncio
import dataclasses
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from fastapi import APIRouter

from deploy import rebuild
from deploy.operating import open_as_operator
from deploy.rebuild import Shadow, Source
from deploy.sides import AlreadyBuilt, MadeByAnother, NeverSwitched, NothingBuilt, Rebuild
from shared.database import connect
from shared.event import AnyRecorded
from shared.projecting import EventReader
from shared.projector import Projection, Projector, Write
from shared.service import Service
from tests.conftest import MakeDatabase
from tests.embedded import TestKafka
from tests.shared.flow import ledger
from tests.shared.flow.stage import Stage, running, stage
from tests.shared.log import counter

pytestmark = pytest.mark.broker
WRITERS = 16
TABLES = """
create table view.tally (key text primary key, site_id text not null, total bigint not null);
create index tally_by_site on view.tally (site_id, key);
create table view.told (event_id uuid primary key, key text not null, by int not null);
select set_config('evenkeel.service', 'intake', false);
select view.protect('tally');
select view.share('told');
grant insert on timer.due_item to intake_worker;
"""


def projection(here: Stage, version: int = 1) -> Projection:
    """The first version adds up, the second counts tenfold; both have a side effect."""

    def on(recorded: AnyRecorded) -> Sequence[Write]:
        if not isinstance(recorded.data, counter.Counted):
            return []
        if recorded.data.by == 666 and version == 1:
            raise ValueError("poison")
        by = recorded.data.by * (10 if version == 2 else 1)
        return [
            Write(
                "insert into view.told (event_id, key, by) values ($1, $2, $3)", (recorded.event_id, recorded.key, by)
            ),
            Write(
                """insert into view.tally as t (key, site_id, total) values ($1, $2, $3)
                   on conflict (key) do update set total = t.total + excluded.total""",
                (recorded.key, recorded.site_id, by),
            ),
            Write(
                """insert into timer.due_item (id, kind, due_at, site_id, payload)
                   values (gen_random_uuid(), 'never', 'infinity', $1, '{}')""",
                (recorded.site_id,),
            ),
        ]

    return Projection("tally", (here.topic,), on, version=version)


def live(here: Stage, version: int = 1, pretending: int | None = None) -> Any:
    """The projector of a worker with this version of the program, which may pretend to be another one."""
    made = dataclasses.replace(projection(here, version), version=pretending or version)
    reader = EventReader(made, {here.topic: ledger.CODEC})
    return Projector(reader, here.pool, here.settings, f"{here.topic}.tally.{version}").run()


@asynccontextmanager
async def operator(here: Stage, version: int = 1) -> AsyncIterator[Rebuild]:
    made = projection(here, version)
    service = Service("counter", counter, APIRouter(), {}, Path(), (made,))
    async with open_as_operator(service, here.settings) as opened:
        yield Rebuild(opened, made, {here.topic: Source(opened.pool, ledger.CODEC)})


@asynccontextmanager
async def writing(here: Stage) -> AsyncIterator[None]:
    """16 writers over 50 patients, until the block ends."""
    patients, ended, random = [uuid4() for _ in range(50)], asyncio.Event(), Random(3)

    async def write() -> None:
        while not ended.is_set():
            await here.bench.add(random.choice(patients), random.randrange(1, 9))
            await asyncio.sleep(0.005)

    writers = [asyncio.create_task(write()) for _ in range(WRITERS)]
    try:
        yield
    finally:
        ended.set()
        await asyncio.gather(*writers)


async def expected(here: Stage, times: int) -> dict[str, int]:
    """The tallies as they must be, from the log alone."""
    rows = await here.pool.fetch("select key, (data ->> 'by')::int as by from log.event where type = 'Counted'")
    totals = Counter[str]()
    for row in rows:
        totals[row["key"]] += row["by"] * times
    return dict(totals)


async def tallies(here: Stage) -> dict[str, int]:
    return {row["key"]: row["total"] for row in await here.pool.fetch("select key, total from view.tally")}


async def events(here: Stage) -> int:
    return int(await here.pool.fetchval("select count(*) from log.event"))


async def caught_up(here: Stage) -> None:
    await here.relayed()
    await here.projected("tally")


@pytest.fixture
async def here(service_database: MakeDatabase, kafka: TestKafka) -> AsyncIterator[Stage]:
    async with stage(await service_database("intake"), kafka) as made:
        owner = await connect(made.database.dsn("owner"), name="tables")
        await owner.execute(TABLES)
        await owner.close()
        yield made


async def test_a_new_version_is_built_under_writers_switched_to_and_back(here: Stage) -> None:
    """T35, T36: equal at equal positions, no event lost or doubled, and nothing of the build is felt outside of its rows."""
    async with operator(here, 1) as first, operator(here, 2) as second:
        async with writing(here), running(here.relay().run(), live(here, 1)):
            await asyncio.sleep(1.5)
            assert await second.build() > 0
            async with running(live(here, 2)):
                await second.switch()
                await asyncio.sleep(1.0)
                with pytest.raises(MadeByAnother):
                    await second.back()  # the program that made the old rows has to bring them up to date
        async with running(here.relay().run(), live(here, 1), live(here, 2)):
            await caught_up(here)
            assert await tallies(here) == await expected(here, 10)
            async with writing(here):
                await asyncio.sleep(0.5)
                await first.back()
            await caught_up(here)

    assert await tallies(here) == await expected(here, 1)
    assert await here.pool.fetchval("select count(*) from view.told") == await events(here)
    assert await here.pool.fetchval("select count(*) from timer.due_item") == await events(here)


async def test_both_sides_are_equal_at_equal_positions_while_writers_run(here: Stage) -> None:
    """T35: and one wrong row is found."""
    async with operator(here) as one, writing(here), running(here.relay().run(), live(here)):
        await asyncio.sleep(1.0)
        await one.build()
        for _ in range(5):
            compared = await one.diff()
            assert compared.differing == 0, compared.examples
            assert compared.events > 0
        key = await here.pool.fetchval(
            "update view.tally set total = total + 1 where key = (select min(key) from view.tally) returning key"
        )
        compared = await one.diff()

    assert compared.differing == 2
    assert {(found.table, found.side, found.row["key"]) for found in compared.examples} == {
        ("tally", side, key) for side in ("live", "other")
    }


async def test_rows_that_went_wrong_are_right_after_a_switch(here: Stage) -> None:
    async with operator(here) as one, running(here.relay().run(), live(here)):
        await here.write(200)
        await caught_up(here)
        await here.pool.execute("delete from view.tally where key in (select key from view.tally limit 5)")
        await one.build()
        await one.switch()
        await here.write(50)
        await caught_up(here)
        assert await tallies(here) == await expected(here, 1)
        await one.retire()
        with pytest.raises(NothingBuilt):
            await one.back()

    assert await here.pool.fetchval("select count(*) from pg_tables where schemaname = 'shadow'") == 0


async def test_the_new_tables_have_the_rights_walls_and_indexes_of_the_old(here: Stage) -> None:
    """T50: row level security comes along."""
    described = """
        select (select array_agg(indexdef order by indexdef) from pg_indexes where schemaname = 'view'),
               (select array_agg(row_to_json(p)::text order by tablename, policyname) from (select * from pg_policies where schemaname = 'view') p),
               (select array_agg(relname || relacl::text || relrowsecurity order by relname) from pg_class
                where relnamespace = 'view'::regnamespace and relkind = 'r')
    """
    before = await here.pool.fetchrow(described)
    async with operator(here) as one, running(here.relay().run(), live(here)):
        await here.write(20)
        await caught_up(here)
        await one.build()
        await one.switch()
        await one.retire()

    assert await here.pool.fetchrow(described) == before


async def test_what_is_not_in_order_is_refused(here: Stage) -> None:
    async with operator(here) as one, running(here.relay().run(), live(here)):
        await here.write(20)
        await caught_up(here)
        with pytest.raises(NothingBuilt):
            await one.switch()
        await one.build()
        with pytest.raises(NeverSwitched):
            await one.back()
        with pytest.raises(AlreadyBuilt):
            await one.build()
        await one.switch()
        with pytest.raises(AlreadyBuilt):
            await one.switch()


async def test_an_interrupted_build_goes_on(here: Stage, monkeypatch: Any) -> None:
    monkeypatch.setattr(rebuild, "CHUNK_EVENTS_MAX", 5)
    begun = "select sum(last_sequence) > 0 from projection.checkpoint where projection = 'tally@shadow'"
    async with running(here.relay().run(), live(here)):
        await here.write(400)
        await caught_up(here)
        async with operator(here) as one:
            building = asyncio.create_task(one.build())
            while not await here.pool.fetchval(begun):  # noqa: ASYNC110 - it lies in the database
                await asyncio.sleep(0.001)
            building.cancel()
            await asyncio.gather(building, return_exceptions=True)
        async with operator(here) as one:
            assert await one.build() < 400
            assert (await one.diff()).differing == 0


async def test_a_poison_of_the_old_program_is_none_of_the_new_one(here: Stage) -> None:
    """T30: before the switch the patient is degraded, afterwards not; the way back brings the parked events back as well."""
    patient = uuid4()
    async with operator(here, 1) as first, operator(here, 2) as second, running(here.relay().run(), live(here, 1)):
        for by in (1, 666, 2):
            await here.bench.add(patient, by)
        await caught_up(here)
        assert await degraded(here, patient)
        await second.build()
        await second.switch()
        assert not await degraded(here, patient)
        assert (await tallies(here))[str(patient)] == 6690
        await first.back()
        assert await degraded(here, patient)


async def degraded(here: Stage, patient: UUID) -> bool:
    return bool(await here.pool.fetchval("select projection.degraded_since($1) is not null", str(patient)))


async def test_sides_at_unequal_positions_cannot_be_exchanged(here: Stage, monkeypatch: Any) -> None:
    """A mutant without the guard: the last events before the switch are not applied. The database refuses."""

    async def nothing(*_: Any) -> None:
        pass

    monkeypatch.setattr(Shadow, "catch_up_within", nothing)
    async with operator(here) as one, writing(here), running(here.relay().run(), live(here)):
        await asyncio.sleep(0.5)
        await one.build()
        monkeypatch.setattr(Shadow, "catch_up", nothing)
        await asyncio.sleep(0.5)
        with pytest.raises(asyncpg.ObjectNotInPrerequisiteStateError):
            await one.switch()


async def test_a_build_that_carried_out_side_effects_would_be_noticed(here: Stage, monkeypatch: Any) -> None:
    """A mutant without the guard (T36)."""
    monkeypatch.setattr(rebuild, "beside", lambda sql: sql.replace("view.", "shadow."))
    async with operator(here) as one, running(here.relay().run(), live(here)):
        await here.write(30)
        await caught_up(here)
        await one.build()

    assert await here.pool.fetchval("select count(*) from timer.due_item") > await events(here)


async def test_an_old_program_that_wrote_to_new_rows_would_be_noticed(here: Stage) -> None:
    """A mutant without the guard: the old program takes the new rows for its own."""
    async with operator(here, 2) as second:
        async with running(here.relay().run(), live(here, 1)):
            await here.write(30)
            await caught_up(here)
            await second.build()
            await second.switch()
        async with running(here.relay().run(), live(here, 1, pretending=2)):
            await here.write(30)
            await caught_up(here)

    assert await tallies(here) != await expected(here, 10)
