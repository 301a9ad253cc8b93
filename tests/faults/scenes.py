"""Scenes: each brings about the situation that one guard is for, under load; a sound system comes through all of them."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import cycle
from typing import Final
from uuid import uuid4

import asyncpg

from tests.faults import forged
from tests.faults.chaos import Run
from tests.faults.check_log import Violation
from tests.faults.plan import Fault
from tests.faults.surroundings import ports_of

SETTLE_SECONDS_MAX: Final = 75.0
STILL_SECONDS: Final = 10.0
KILLS: Final = 4
BETWEEN_KILLS_SECONDS: Final = 3.0
UP_SECONDS: Final = 10.0
"""A process needs about so long to start and to take up its work."""
ZOMBIE_SECONDS: Final = 16.0
"""Longer than a member of a consumer group may be silent (12 s)."""
ITEMS: Final = 12

type Scene = Callable[[Run], Awaitable[list[Violation]]]


async def verdict(run: Run) -> list[Violation]:
    """Commands wait, faults heal, everything settles: what differs?"""
    run.load.going.clear()
    await run.breaking.heal()
    found = await run.settled(SETTLE_SECONDS_MAX, STILL_SECONDS)
    run.load.going.set()
    return found


async def calm(run: Run) -> list[Violation]:
    """Nothing but the load; its patients come from three zones, and every slot is wanted by two windows and two more sites."""
    await asyncio.sleep(BETWEEN_KILLS_SECONDS)
    return await verdict(run)


def killing(*names: str, kind: str = "kill") -> Scene:
    """The named processes die, again and again."""

    async def scene(run: Run) -> list[Violation]:
        for _ in range(KILLS):
            for name in names:
                await run.breaking.do(Fault(kind, name, 0, 0, 0))
            await asyncio.sleep(BETWEEN_KILLS_SECONDS)
        return await verdict(run)

    return scene


async def sent_again(run: Run) -> list[Violation]:
    """The relay sends a whole log once more, as after the loss of a broker."""
    await _execute(run, "scheduling", "update log.relay_cursor set position = 0")
    await run.breaking.do(Fault("kill", "scheduling-worker", 0, 0, 0))
    await asyncio.sleep(UP_SECONDS)
    return await verdict(run)


async def heard_again(run: Run) -> list[Violation]:
    """A policy hears everything once more."""
    await _execute(
        run,
        "scheduling",
        "update projection.checkpoint set next_offset = 0, last_sequence = null, last_event_id = null "
        "where projection = 'scheduling-on-intake'",
    )
    await run.breaking.do(Fault("kill", "scheduling-worker", 0, 0, 0))
    await asyncio.sleep(UP_SECONDS)
    return await verdict(run)


async def zombie(run: Run) -> list[Violation]:
    """A worker sleeps, another takes its partitions; then it wakes with what it had in hand."""
    await run.breaking.do(Fault("second-copy", "scheduling-worker", 0, UP_SECONDS + 2 * ZOMBIE_SECONDS, 0))
    await asyncio.sleep(UP_SECONDS)
    await run.breaking.do(Fault("pause", "scheduling-worker", 0, ZOMBIE_SECONDS, 0))
    await asyncio.sleep(ZOMBIE_SECONDS + BETWEEN_KILLS_SECONDS)
    return await verdict(run) + await _went_back(run)


async def slow_answers(run: Run) -> list[Violation]:
    """An API sleeps longer than callers wait, then carries out what they have sent again by now."""
    for _ in range(2):
        await run.breaking.do(Fault("pause", "scheduling-api", 0, 6.0, 0))
        await asyncio.sleep(6.0 + BETWEEN_KILLS_SECONDS)
    return await verdict(run)


async def two_apis(run: Run) -> list[Violation]:
    """Two processes of one service append to the same lanes at once."""
    seconds = UP_SECONDS + 5 * BETWEEN_KILLS_SECONDS
    port = await run.breaking.second_copy(Fault("second-copy", "scheduling-api", 0, seconds, 0))
    await asyncio.sleep(UP_SECONDS)
    urls = [f"http://127.0.0.1:{port}", f"http://127.0.0.1:{ports_of(run.system)['scheduling-api']}"]
    run.load.habits.also["scheduling"] = cycle(urls)
    await asyncio.sleep(4 * BETWEEN_KILLS_SECONDS)
    run.load.habits.also.clear()
    return await verdict(run)


async def locks_void(run: Run) -> list[Violation]:
    """Two relays, and locks that both are given, as a pooler in transaction mode would: only the cursor is left."""
    await _execute(run, "scheduling", _VOID_LOCKS)
    await run.breaking.do(Fault("kill", "scheduling-worker", 0, 0, 0))
    await run.breaking.do(Fault("second-copy", "scheduling-worker", 0, 2 * UP_SECONDS, 0))
    await asyncio.sleep(2 * UP_SECONDS)
    found = await verdict(run) + await _went_back(run)
    await _execute(run, "scheduling", "alter role scheduling_worker in database scheduling reset search_path")
    await run.breaking.do(Fault("kill", "scheduling-worker", 0, 0, 0))
    return found


async def poison(run: Run) -> list[Violation]:
    """A record that nobody can read lies among one patient's."""
    planted = await forged.poison(run)
    await asyncio.sleep(2 * BETWEEN_KILLS_SECONDS)
    return await verdict(run) + await forged.parked(run, planted)


async def poison_cut_off(run: Run) -> list[Violation]:
    """The same, while the stream processor cannot reach the database in which it would park."""
    pid = run.breaking.pid("intake-stream")
    assert pid is not None
    proxy = run.breaking.ground.proxies["postgres"]
    proxy.cut(pid)
    planted = await forged.poison(run)
    await asyncio.sleep(UP_SECONDS)
    proxy.mend(pid)
    await asyncio.sleep(UP_SECONDS)
    return await verdict(run) + await forged.parked(run, planted)


async def gap(run: Run) -> list[Violation]:
    """A record comes before the one that it follows: whoever reads on has lost that one for good."""
    return await forged.gap(run)


async def due(run: Run) -> list[Violation]:
    """Items fall due while two workers look for them, and one of these dies."""
    plans = [one.key for one in run.ledger.commands.values() if one.acknowledged and one.path.endswith("/activation")]
    places = [run.ledger.commands[key].path.split("/")[1] for key in plans][:ITEMS]
    items = {uuid4(): plan_id for plan_id in places}
    await run.breaking.do(Fault("second-copy", "intake-worker", 0, 2 * UP_SECONDS, 0))
    await asyncio.sleep(UP_SECONDS)
    connection = await asyncpg.connect(run.system.dsn("intake"))
    try:
        rows = [(item, "chaos", "riverside", f'{{"plan_id": "{plan_id}"}}') for item, plan_id in items.items()]
        sql = "insert into timer.due_item (id, kind, due_at, site_id, payload) values ($1, $2, now(), $3, $4::text::jsonb)"
        await connection.executemany(sql, rows)
        await asyncio.sleep(1.0)
        await run.breaking.do(Fault("kill", "intake-worker", 0, 0, 0))
        await asyncio.sleep(UP_SECONDS)
        found = await verdict(run)
        done = await connection.fetch(
            "select correlation_id, count(*) as times from log.event where correlation_id = any($1) group by 1",
            list(items),
        )
    finally:
        await connection.close()
    times = {row["correlation_id"]: row["times"] for row in done}
    wrong = {item: times.get(item, 0) for item in items if times.get(item, 0) != 1}
    return found + [Violation("timer", f"item {item} was carried out {count} times") for item, count in wrong.items()]


async def _execute(run: Run, service: str, sql: str) -> None:
    connection = await asyncpg.connect(run.system.dsn(service))
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


async def watch_cursors(run: Run) -> None:
    """From here on it is written down when a cursor or a checkpoint of scheduling goes back; `sent_again` means to."""
    await _execute(run, "scheduling", _WATCH)


async def _went_back(run: Run) -> list[Violation]:
    connection = await asyncpg.connect(run.system.dsn("scheduling"))
    try:
        rows = await connection.fetch("select what, before, after from faults.went_back limit 20")
    finally:
        await connection.close()
    return [Violation("cursor", f"{row['what']} went back from {row['before']} to {row['after']}") for row in rows]


_VOID_LOCKS: Final = """
create schema if not exists unlocked;
grant usage on schema unlocked to public;
create or replace function unlocked.pg_try_advisory_lock(int, int) returns boolean language sql as 'select true';
alter role scheduling_worker in database scheduling set search_path = unlocked, pg_catalog
"""

_WATCH: Final = """
create schema if not exists faults;
create table if not exists faults.went_back (what text, before bigint, after bigint);
create or replace function faults.note() returns trigger language plpgsql security definer as $$
begin
    if tg_table_name = 'relay_cursor' then
        insert into faults.went_back values ('relay cursor of lane ' || new.lane, old.position, new.position);
    else
        insert into faults.went_back values ('checkpoint of ' || new.projection || ' ' || new.partition, old.last_sequence, new.last_sequence);
    end if;
    return null;
end $$;
create or replace trigger noted after update on log.relay_cursor for each row
    when (new.position < old.position) execute function faults.note();
create or replace trigger noted after update on projection.checkpoint for each row
    when (new.last_sequence < old.last_sequence) execute function faults.note()
"""
