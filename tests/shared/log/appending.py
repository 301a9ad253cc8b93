"""The append itself, without the group commit around it, and its mutants: the same function with a guard removed."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

from uuid_utils.compat import uuid7

from shared.codec import Codec
from shared.database import Connection, connect
from shared.lanes import lane_of
from shared.log.memory import Home
from shared.log.pending import Draft, Pending
from tests.embedded import ServiceDatabase
from tests.shared.log import counter as vocabulary
from tests.shared.log.bench import act, context
from tests.shared.log.counter import Counted

CODEC = Codec(vocabulary)

# A position as a serial id would give it: taken early, seen late, lost on a rollback.
POSITIONS_FROM_A_SEQUENCE = (
    ("order by l.lane for update", "order by l.lane"),
    ("h.head + p.nth", "nextval('public.serial')"),
    ("where l.lane = u.lane and u.head is not null", "where false"),
)
NO_COMPARISON = (("h.version is distinct from e.version", "false"),)
NO_ORDER_OF_LOCKS = (("order by s.stream for update", "order by random() for update"),)


def request(*written: tuple[str, int], key: str | None = None, looked_at: dict[str, int] | None = None) -> Pending:
    """A request that was decided: events as (stream, version), and the streams it only looked at."""
    pending = Pending(
        [act(stream) for stream, _ in written], context(), key or uuid4().hex, b"", set(), asyncio.Future()
    )
    for stream, version in written:
        home = Home("riverside", stream, lane_of(stream), None)
        pending.checks.setdefault(stream, version - 1)
        pending.drafts.append(Draft(uuid7(), pending.acts[0], stream, version, home, CODEC.encode(Counted(version))))
    pending.checks |= looked_at or {}
    return pending


@asynccontextmanager
async def connected(database: ServiceDatabase, dsn: str | None = None) -> AsyncIterator[Connection]:
    connection = await connect(dsn or database.dsn("api"), name="writer")
    try:
        yield connection
    finally:
        await connection.close()


async def mutate(database: ServiceDatabase, replacements: Sequence[tuple[str, str]]) -> None:
    """Put another `log.append` in its place; every guard to be removed has to be there."""
    async with connected(database, database.superuser_dsn) as owner:
        source: str = await owner.fetchval("select pg_get_functiondef(oid) from pg_proc where proname = 'append'")
        for guard, instead in replacements:
            assert source.count(guard) == 1, guard
            source = source.replace(guard, instead)
        await owner.execute(
            "create sequence if not exists public.serial; grant usage on sequence public.serial to public"
        )
        await owner.execute(source)


async def ordered(database: ServiceDatabase) -> list[tuple[int, int, str, int, UUID]]:
    """Every event as (lane, position, stream, version, id), in order of positions."""
    async with connected(database) as connection:
        rows = await connection.fetch(
            "select lane, position, stream, version, event_id from log.event order by lane, position"
        )
    return [tuple(row) for row in rows]
