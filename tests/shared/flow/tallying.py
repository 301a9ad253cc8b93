"""A projection in two versions, the writers that keep it busy, and the operator who rebuilds it."""

import asyncio
import dataclasses
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

from fastapi import APIRouter

from deploy.operating import open_as_operator
from deploy.rebuild import Shadow, Source
from deploy.sides import Rebuild
from shared.event import AnyRecorded
from shared.projecting import EventReader
from shared.projector import Projection, Projector, Write
from shared.service import Service
from tests.shared.flow import ledger
from tests.shared.flow.stage import Stage, until
from tests.shared.log import counter

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
        yield Rebuild(opened, made, Shadow(opened, made, {here.topic: Source(opened.pool, ledger.CODEC)}))


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


async def moves(here: Stage) -> None:
    """Wait until the live rows hold 50 events more than now."""
    sql = "select coalesce(sum(last_sequence), 0) from projection.checkpoint where projection = 'tally'"
    before = await here.pool.fetchval(sql)

    async def moved() -> bool:
        return bool(await here.pool.fetchval(sql) >= before + 50)

    await until(moved)
