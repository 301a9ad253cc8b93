"""The two sides of a projection: build the other one, compare them at equal positions, exchange them, give one up."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

import asyncpg

from deploy.operating import Opened
from deploy.rebuild import SHADOW, Place
from shared.database import Connection, Pool
from shared.failures import Failure
from shared.projection import Projection, TableProjection
from shared.projector import CHANNEL

CLOSE_EVENTS: Final = 500
"""So near to the live side the rest is applied while the live side waits."""
ROUNDS_MAX: Final = 50
LOCK_SECONDS: Final = 3
TRIES_MAX: Final = 10
SHOWN_ROWS_MAX: Final = 10

_POSITIONS: Final = """
select topic, partition, coalesce(last_sequence, 0) as position from projection.checkpoint
where projection = $1 order by topic, partition
"""
# In the order in which a projector takes them: first the offsets, then what is noted of an output's sources.
_HOLD: Final = f"{_POSITIONS.replace('order by', 'order by last_sequence is not null,')} for update"
_BEGIN: Final = (
    "insert into projection.build (projection, version, state) values ($1, $2, 'building') on conflict do nothing"
)
_PLACES: Final = """
insert into projection.checkpoint (projection, topic, partition, next_offset, version)
select $2, topic, partition, 0, $3 from projection.checkpoint where projection = $1 on conflict do nothing
"""
_FINISH: Final = "select projection.finish_shadow($1)"
_STATE: Final = """
select b.*, (select max(version) from projection.checkpoint where projection = b.projection || '@shadow') as other_version
from projection.build b where projection = $1
"""
_LIST: Final = """
select c.projection, max(c.version) as version, sum(coalesce(c.last_sequence, 0))::bigint as events,
       b.state, b.tables, b.built_at, b.switched_at,
       (select sum(coalesce(s.last_sequence, 0))::bigint from projection.checkpoint s where s.projection = c.projection || '@shadow')
           as other_events
from projection.checkpoint c left join projection.build b on b.projection = c.projection
where c.projection not like '%@shadow' group by c.projection, b.projection order by 1
"""


class NothingBuilt(Failure):
    """There are no tables beside the live ones; build them first."""


class AlreadyBuilt(Failure):
    """There are tables beside the live ones already; retire them first."""


class NotFinished(Failure):
    """The build was interrupted; build again, it goes on from where it was."""


class NeverSwitched(Failure):
    """The tables beside the live ones were never live; there is nothing to go back to."""


class MadeByAnother(Failure):
    """The tables beside the live ones were made by another version of the program; run this with that one."""


class NothingLive(Failure):
    """The projection has never run; there is nothing to build beside."""


class LiveMoves(Failure):
    """The two sides could not be held at equal positions; try again when fewer queries run."""


@dataclass(frozen=True)
class Side:
    """A projection, with how far its two sides are (events, over all lanes)."""

    projection: str
    version: int
    events: int
    state: str | None
    tables: list[str] | None
    built_at: datetime | None
    switched_at: datetime | None
    other_events: int | None


@dataclass(frozen=True)
class Difference:
    """One row that only one side has."""

    table: str
    side: str
    row: Mapping[str, Any]


@dataclass(frozen=True)
class Compared:
    """Both sides at equal positions: rows per table, and the rows that only one has (the first SHOWN_ROWS_MAX per side)."""

    events: int
    rows: Mapping[str, int]
    differing: int
    examples: list[Difference]


async def sides(pool: Pool) -> list[Side]:
    """Every projection that has ever run."""
    return [Side(**dict(row)) for row in await pool.fetch(_LIST)]


class Beside(Protocol):
    """What fills the tables beside the live ones."""

    done: int

    @property
    def tables(self) -> frozenset[str]:
        """The tables that were made, as far as this process knows."""

    async def catch_up(self, to: Mapping[Place, int], told: Callable[[int], None] = ...) -> None:
        """Apply the events up to these positions; `told` hears how many were new."""

    async def catch_up_within(self, connection: Connection, to: Mapping[Place, int]) -> None:
        """The same, within the caller's transaction."""


class Rebuild:
    """What an operator does with one projection."""

    exchange = "select projection.exchange($1)"

    def __init__(self, here: Opened, projection: Projection | TableProjection, shadow: Beside) -> None:
        """`shadow` fills the other side."""
        self._pool, self._projection = here.pool, projection
        self._name, self._other = projection.name, projection.name + SHADOW
        self._shadow = shadow

    async def build(self, told: Callable[[int, int], None] = lambda _done, _of: None) -> int:
        """Fill new tables from the log until they are close behind the live ones; how many events were applied.

        `told(done, of)` hears of progress. An interrupted build goes on. Raises AlreadyBuilt, NothingLive.
        """
        await self._pool.execute(_BEGIN, self._name, self._projection.version)
        if (await self._state())["state"] != "building":
            raise AlreadyBuilt
        await self._begin()
        finished = False
        for _ in range(ROUNDS_MAX):
            live, other = await self._positions(self._name), await self._positions(self._other)
            if not live:
                raise NothingLive
            done, total = sum(other.values()), sum(live.values())
            if total - done <= CLOSE_EVENTS and finished:
                break

            def taken(count: int, of: int = total) -> None:
                nonlocal done
                done += count
                told(done, of)

            await self._shadow.catch_up(live, taken)
            if not finished:
                await self._pool.execute(_FINISH, self._name)
                finished = True
        return self._shadow.done

    async def diff(self) -> Compared:
        """Compare every row at equal positions; the live side waits only until a snapshot of both is taken."""
        await self._checked()
        async with self._snapshot() as (reading, events):
            return await self._compared(reading, events)

    async def switch(self) -> int:
        """The tables beside become the live ones, in one transaction, at equal positions; the event count there."""
        state = await self._checked()
        if state["state"] == "switched":
            raise AlreadyBuilt
        return await self._exchange()

    async def back(self) -> int:
        """Undo a switch: what was live before, brought up to date, is live again. Raises NeverSwitched."""
        if (await self._checked())["state"] != "switched":
            raise NeverSwitched
        return await self._exchange()

    async def retire(self) -> None:
        """Drop the tables beside the live ones. Raises NothingBuilt."""
        await self._state()
        await self._pool.execute("select projection.retire($1)", self._name)

    async def _exchange(self) -> int:
        await self._shadow.catch_up(await self._positions(self._name))
        await self._pool.execute(_FINISH, self._name)
        for _ in range(TRIES_MAX):
            try:
                async with self._held() as (connection, live):
                    known = self._shadow.tables
                    await self._shadow.catch_up_within(connection, live)
                    if self._shadow.tables != known:  # the first event that writes to them has just come
                        await connection.execute(_FINISH, self._name)
                    await connection.execute(self.exchange, self._name)
                    await connection.execute("select pg_notify($1, $2)", CHANNEL, self._name)
                return sum(live.values())
            except asyncpg.LockNotAvailableError:  # a long query reads one of the tables
                continue
        raise LiveMoves

    @asynccontextmanager
    async def _held(self) -> AsyncIterator[tuple[Connection, dict[Place, int]]]:
        """The live side stands still meanwhile; its positions."""
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(f"set local lock_timeout = '{LOCK_SECONDS}s'")
            await self._begin()
            rows = await connection.fetch(_HOLD, self._name)
            yield connection, {(row["topic"], row["partition"]): row["position"] for row in rows}

    @asynccontextmanager
    async def _snapshot(self) -> AsyncIterator[tuple[Connection, int]]:
        """Both sides as they are once the other one has what the live one has; how many events that is."""
        async with self._pool.acquire() as reading:
            async with self._held() as (_, live):
                await self._shadow.catch_up(live)
                snapshot = reading.transaction(isolation="repeatable_read", readonly=True)
                await snapshot.start()
                await reading.fetchval("select 1")
            try:
                yield reading, sum(live.values())
            finally:
                await snapshot.rollback()

    async def _begin(self) -> None:
        await self._pool.execute(_PLACES, self._name, self._other, self._projection.version)

    async def _compared(self, reading: Connection, events: int) -> Compared:
        rows: dict[str, int] = {}
        examples: list[Difference] = []
        differing = 0
        for table in sorted((await self._state())["tables"]):
            rows[table] = await reading.fetchval(f'select count(*) from view."{table}"')  # noqa: S608 - a table's name
            for side, these, those in (("live", "view", "shadow"), ("other", "shadow", "view")):
                only = f'(table {these}."{table}" except all table {those}."{table}")'
                differing += await reading.fetchval(f"select count(*) from {only} as d")  # noqa: S608 - same
                found = await reading.fetch(f"select * from {only} as d limit {SHOWN_ROWS_MAX}")  # noqa: S608 - same
                examples += [Difference(table, side, dict(row)) for row in found]
        return Compared(events, rows, differing, examples)

    async def _positions(self, name: str) -> dict[Place, int]:
        return {(row["topic"], row["partition"]): row["position"] for row in await self._pool.fetch(_POSITIONS, name)}

    async def _state(self) -> Mapping[str, Any]:
        row = await self._pool.fetchrow(_STATE, self._name)
        if row is None:
            raise NothingBuilt
        return dict(row)

    async def _checked(self) -> Mapping[str, Any]:
        """A finished other side, made by this version of the program."""
        state = await self._state()
        if state["state"] == "building":
            raise NotFinished
        if state["other_version"] != self._projection.version:
            raise MadeByAnother
        return state
