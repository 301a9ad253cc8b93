"""Rows of a stream processor's output, built anew from the output of another version of it: read, compared, exchanged."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import replace
from typing import Any, Final, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from deploy.operating import Opened
from deploy.rebuild import SHADOW, Place, beside, tables_of
from deploy.sides import Compared, Difference, Rebuild
from shared.checkpoint import Checkpoint
from shared.database import Connection
from shared.failures import Failure
from shared.parking import Ratio, key_of
from shared.projecting import TableReader, state_of
from shared.projection import TableProjection, Write

STILL_SECONDS_MAX: Final = 60.0
"""So long the new output may bring nothing while it is behind."""
POLL_MS: Final = 200
RECORDS_MAX: Final = 500
DIFF_ROUNDS_MAX: Final = 50
"""So often a patient is looked at of whom events keep coming; then the rows are told as different rather than hidden."""
SHOWN_ROWS_MAX: Final = 10

_BEGIN: Final = """
insert into projection.checkpoint (projection, topic, partition, next_offset, version)
select $1, $2, p, 0, $4 from unnest($3::smallint[]) p on conflict do nothing
"""
_OFFSETS: Final = "select partition, next_offset from projection.checkpoint where projection = $1 and topic = $2"
_MOVE: Final = (
    "update projection.checkpoint set next_offset = $4 where projection = $1 and topic = $2 and partition = $3"
)
_REACHED: Final = """
select topic, partition, last_sequence from projection.checkpoint where projection = $1 and last_sequence is not null
"""
_OUTPUT: Final = """
select topic from projection.checkpoint where projection = $1 and last_sequence is null
group by topic order by sum(next_offset) desc limit 1
"""
_KEYS: Final = """
select a.attname from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)
where i.indrelid = format('view.%I', $1::text)::regclass and i.indisprimary order by a.attnum
"""


_ANY: Final = Checkpoint(0, None, None)
"""Values replace each other: where the reader was before says nothing."""

type Within = Callable[[], AbstractAsyncContextManager[Connection]]
"""A transaction of its own for each call, or the caller's one."""

type Lines = dict[tuple[str, str], list[Difference]]
"""By table and key: what each side has."""


class NoOutput(Failure):
    """The topic of this version's output does not exist; `evenkeel topics create` makes it."""


class OutputStill(Failure):
    """The new output is behind and brings nothing; does the stream process of this version run?"""


class StillFolded(Failure):
    """A stream process still writes the output that is to be given up; stop it first."""


class OutputShadow:
    """The other side of the rows of one output, read from the topic that this program's version writes."""

    def __init__(self, here: Opened, projection: TableProjection) -> None:
        """`here` is the service whose rows these are."""
        self.projection, self.name, self.done = projection, projection.name + SHADOW, 0
        self._pool, self._ratio = here.pool, Ratio()
        self._reader = TableReader(replace(projection, name=self.name, on=self._beside))
        self._made = set[str]()
        self._consumer: Any = AIOKafkaConsumer(
            bootstrap_servers=here.settings.kafka, enable_auto_commit=False, auto_offset_reset="earliest"
        )
        self.admin: Any = AIOKafkaAdminClient(bootstrap_servers=here.settings.kafka)

    async def __aenter__(self) -> Self:
        """Reach the broker."""
        await asyncio.gather(self._consumer.start(), self.admin.start())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Leave it."""
        await asyncio.gather(self._consumer.stop(), self.admin.close())

    @property
    def tables(self) -> frozenset[str]:
        """The tables that were made, as far as this process knows."""
        return frozenset(self._made)

    async def begin(self) -> None:
        """Note where each partition of the output begins. Raises NoOutput."""
        lanes = await self._lanes()
        await self._pool.execute(_BEGIN, self.name, self.projection.topic, lanes, self.projection.version)

    async def catch_up(self, to: Mapping[Place, int], told: Callable[[int], None] = lambda _: None) -> None:
        """Read until the sources' events up to these positions are in the rows. Raises OutputStill, NoOutput."""
        await self._catch_up(self._transaction, to, told)

    async def catch_up_within(self, connection: Connection, to: Mapping[Place, int]) -> None:
        """The same, within the caller's transaction."""
        await self._catch_up(lambda: nullcontext(connection), to, lambda _: None)

    async def _catch_up(self, within: Within, to: Mapping[Place, int], told: Callable[[int], None]) -> None:
        reached, clock = await self._begin(within), asyncio.get_running_loop().time
        moved_at = clock()
        while any(reached.get(place, 0) < position for place, position in to.items()):
            for lane, messages in (await self._consumer.getmany(timeout_ms=POLL_MS, max_records=RECORDS_MAX)).items():
                await self._make(messages)
                async with within() as connection:
                    after = await self._reader.apply(connection, _ANY, messages, self._ratio)
                    await connection.execute(_MOVE, self.name, lane.topic, lane.partition, after.next_offset)
                moved_at = clock()
            if clock() - moved_at > STILL_SECONDS_MAX:
                raise OutputStill
            async with within() as connection:
                before, reached = sum(reached.values()), await self._reached(connection)
            self.done += sum(reached.values()) - before
            told(sum(reached.values()) - before)

    async def _begin(self, within: Within) -> dict[Place, int]:
        """Go to the offsets noted: a transaction that was taken back took them back too."""
        lanes = [TopicPartition(self.projection.topic, lane) for lane in await self._lanes()]
        async with within() as connection:
            rows = await connection.fetch(_OFFSETS, self.name, self.projection.topic)
            reached = await self._reached(connection)
        known = {row["partition"]: row["next_offset"] for row in rows}
        self._consumer.assign(lanes)
        for lane in lanes:
            self._consumer.seek(lane, known.get(lane.partition, 0))
        return reached

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[Connection]:
        async with self._pool.acquire() as connection, connection.transaction():
            yield connection

    async def _lanes(self) -> list[int]:
        (found,) = await self.admin.describe_topics([self.projection.topic])
        if not found["partitions"]:
            raise NoOutput(self.projection.topic)
        return sorted(one["partition"] for one in found["partitions"])

    async def _reached(self, connection: Connection) -> dict[Place, int]:
        """How far the rows are in the sources."""
        rows = await connection.fetch(_REACHED, self.name)
        return {(row["topic"], row["partition"]): row["last_sequence"] for row in rows}

    def _beside(self, key: str, value: dict[str, Any] | None) -> Sequence[Write]:
        writes = self.projection.on(key, value)
        return [Write(sql, one.args) for one in writes if (sql := beside(one.sql)) is not None]

    async def _make(self, messages: Sequence[Any]) -> None:
        """A table is made when a value is the first to name it."""
        if not self._made:
            known = "select tables from projection.build where projection = $1"
            self._made.update(await self._pool.fetchval(known, self.projection.name) or ())
        for table in frozenset[str]().union(*map(self._named, messages)) - self._made:
            await self._pool.execute("select projection.begin_shadow($1, $2)", self.projection.name, table)
            self._made.add(table)

    def _named(self, message: Any) -> frozenset[str]:
        try:
            writes = self.projection.on(key_of(message), state_of(message))
        except Exception:  # noqa: BLE001 - it is parked when it is applied
            return frozenset()
        return frozenset[str]().union(*(tables_of(one.sql) for one in writes if beside(one.sql) is not None))


class OutputRebuild(Rebuild):
    """What an operator does with the rows of one output."""

    exchange = "select projection.exchange($1, true)"

    def __init__(self, here: Opened, shadow: OutputShadow) -> None:
        """`shadow` is open."""
        super().__init__(here, shadow.projection, shadow)
        self._output = shadow

    async def diff(self) -> Compared:
        """Compare every row at equal positions. A patient of whom events come meanwhile is looked at again."""
        await self._checked()
        differing: Lines = {}
        events, rows, moving = await self._look(differing)
        for _ in range(DIFF_ROUNDS_MAX):
            if not moving:
                break
            events, rows, unequal = await self._look(differing)
            moving = {place: lines for place, lines in unequal.items() if place in moving}
        found = [line for lines in (differing | moving).values() for line in lines]
        return Compared(events, rows, len(found), found[:SHOWN_ROWS_MAX])

    async def _look(self, differing: Lines) -> tuple[int, dict[str, int], Lines]:
        """How many events, rows by table, and the rows that were not at equal positions; which differ for good is noted."""
        rows: dict[str, int] = {}
        unequal: Lines = {}
        async with self._snapshot() as (reading, events):
            for table in sorted((await self._state())["tables"]):
                rows[table] = await reading.fetchval(f'select count(*) from view."{table}"')  # noqa: S608 - a table's name
                await _sort(reading, table, differing, unequal)
        return events, rows, unequal

    async def retire(self) -> None:
        """Drop the tables and the output beside the live ones. Raises NothingBuilt, StillFolded."""
        await self._state()
        live, other = [await self._pool.fetchval(_OUTPUT, name) for name in (self._name, self._other)]
        apart = other not in (None, live)
        if apart:
            (answer,) = await self._output.admin.describe_consumer_groups([app_id_of(other)])
            if any(members for *_, members, _ in answer.groups):
                raise StillFolded(app_id_of(other))
        await super().retire()
        if apart and other in await self._output.admin.list_topics():
            await self._output.admin.delete_topics([other])

    async def _begin(self) -> None:
        await self._output.begin()


def app_id_of(topic: str) -> str:
    """The stream processor that writes this output; the two change their version together."""
    return topic.replace(".", "-")


async def _sort(reading: Connection, table: str, differing: Lines, unequal: Lines) -> None:
    """Rows that are not the same: those at equal positions differ for good, the others may only be further."""
    keys = ", ".join(f'"{row["attname"]}"' for row in await reading.fetch(_KEYS, table))
    sql = f"""select jsonb_build_array({keys})::text as key, l.sources is not distinct from s.sources as level,
                     to_jsonb(l)::text as live, to_jsonb(s)::text as other
              from view."{table}" l full join shadow."{table}" s using ({keys}) where l is distinct from s"""  # noqa: S608 - names
    for row in await reading.fetch(sql):
        sides = [Difference(table, side, json.loads(row[side])) for side in ("live", "other") if row[side]]
        for_good = row["level"] or row["other"] is None
        (differing if for_good else unequal)[table, row["key"]] = sides
