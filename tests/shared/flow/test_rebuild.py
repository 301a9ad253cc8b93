"""A projection is built anew beside the live one while writers run, compared, exchanged, and exchanged back."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from deploy import rebuild
from deploy.rebuild import Shadow
from deploy.sides import AlreadyBuilt, MadeByAnother, NeverSwitched, NothingBuilt
from shared.database import connect
from tests.conftest import MakeDatabase
from tests.embedded import TestKafka
from tests.shared.flow.stage import Stage, running, stage
from tests.shared.flow.tallying import TABLES, caught_up, events, expected, live, moves, operator, tallies, writing

pytestmark = pytest.mark.broker


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
            await moves(here)
            assert await second.build() > 0
            async with running(live(here, 2)):
                await second.switch()
                await moves(here)
                with pytest.raises(MadeByAnother):
                    await second.back()  # the program that made the old rows has to bring them up to date
        async with running(here.relay().run(), live(here, 1), live(here, 2)):
            await caught_up(here)
            assert await tallies(here) == await expected(here, 10)
            async with writing(here):
                await moves(here)
                await first.back()
            await caught_up(here)

    assert await tallies(here) == await expected(here, 1)
    assert await here.pool.fetchval("select count(*) from view.told") == await events(here)
    assert await here.pool.fetchval("select count(*) from timer.due_item") == await events(here)


async def test_both_sides_are_equal_at_equal_positions_while_writers_run(here: Stage) -> None:
    """T35: and one wrong row is found."""
    async with operator(here) as one, writing(here), running(here.relay().run(), live(here)):
        await moves(here)
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
        await moves(here)
        await one.build()
        monkeypatch.setattr(Shadow, "catch_up", nothing)
        await moves(here)
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
