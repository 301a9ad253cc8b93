"""Builds a projection's tables anew from the log, beside the live ones: what is read, and how it is written."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final
from uuid import UUID

import asyncpg

from deploy.operating import Opened
from shared.checkpoint import Gap
from shared.cloudevents import to_kafka
from shared.codec import Codec
from shared.database import Connection, Pool, Record
from shared.event import AnyRecorded
from shared.events.parking import ParkedEventDiscarded, ParkedEventEdited
from shared.keyring import Keyring
from shared.log.reading import COLUMNS, recorded
from shared.parking import Ratio
from shared.projecting import EventReader
from shared.projection import Projection, Write

SHADOW: Final = "@shadow"
CHUNK_EVENTS_MAX: Final = 4000
LANES_AT_ONCE: Final = 2

type Place = tuple[str, int]
"""A topic and a lane."""

_READ: Final = f"""
select {COLUMNS} from log.event where lane = $1 and position > $2 and position <= $3 order by position limit $4
"""  # noqa: S608 - columns are ours
_REACHED: Final = """
select last_sequence from projection.checkpoint where projection = $1 and topic = $2 and partition = $3 for update
"""
_MOVE: Final = (
    "update projection.checkpoint set last_sequence = $4 where projection = $1 and topic = $2 and partition = $3"
)
_PARKING: Final = f"select {COLUMNS} from log.event where stream like $1 order by recorded_at, lane, position"  # noqa: S608 - same
_TARGET: Final = re.compile(r"\b(?:insert\s+into|update|delete\s+from)\s+(\w+)\.", re.IGNORECASE)
_TABLE: Final = re.compile(r"\bview\.(\w+)")


@cache
def beside(sql: str) -> str | None:
    """The statement on the tables beside the live ones; None for one that writes anything else: no side effect fires twice."""
    if set(_TARGET.findall(sql)) != {"view"}:
        return None
    return _TABLE.sub(r"shadow.\1", sql)


@cache
def tables_of(sql: str) -> frozenset[str]:
    """The read tables that a statement names."""
    return frozenset(_TABLE.findall(sql))


class TableNotMade(OSError):  # noqa: N818 - said to an operator as it is
    """The table cannot be made beside the live one. No event is at fault, so none may be parked for it."""


@dataclass(slots=True)
class LogRecord:
    """A row of the log as a reader of topics takes it; what Kafka would carry is made only for one that is parked."""

    service: str
    topic: str
    row: Mapping[str, Any]

    @property
    def partition(self) -> int:
        """A lane is a partition."""
        return int(self.row["lane"])

    @property
    def offset(self) -> int:
        """The position stands in for it."""
        return int(self.row["position"])

    @property
    def key(self) -> bytes:
        """Whose event it is."""
        return str(self.row["key"]).encode()

    @property
    def value(self) -> bytes:
        """As on Kafka."""
        return to_kafka(self.service, self.row)[1]

    @property
    def headers(self) -> Sequence[tuple[str, bytes]]:
        """As on Kafka."""
        return to_kafka(self.service, self.row)[2]


class LogReader(EventReader):
    """Keeps the tables beside the live ones, from rows of the log."""

    def __init__(
        self,
        projection: Projection,
        codecs: Mapping[str, Codec],
        keyring: Keyring | None,
        make: Callable[[str], Awaitable[None]],
        made: set[str],
    ) -> None:
        """`make` makes a table when it is named first; `made` names those that are there."""
        super().__init__(projection, codecs, keyring)
        self.make, self.made = make, made

    async def event(self, message: Any) -> AnyRecorded:
        """Straight from the row."""
        row, codec, personal = message.row, self.codecs[message.topic], None
        if self.keyring is not None and row["sealed"] is not None:
            personal = await self.keyring.open(row["key"], row["event_id"], row["sealed"])
        return recorded(message.service, codec, row, personal)

    async def writes(self, message: Any) -> Sequence[Write]:
        """Straight into the tables beside."""
        found = []
        for write in self.projection.on(await self.event(message)):
            if (sql := beside(write.sql)) is not None:
                for table in tables_of(write.sql) - self.made:
                    await self._begin(table)
                found.append(Write(sql, write.args))
        return found

    async def _begin(self, table: str) -> None:
        try:
            await self.make(table)
        except asyncpg.PostgresError as error:
            raise TableNotMade(table) from error
        self.made.add(table)


@dataclass(frozen=True)
class Source:
    """Where the events of one topic are read from, and in which vocabulary."""

    pool: Pool
    codec: Codec

    @property
    def service(self) -> str:
        """Whose log it is."""
        return self.codec.service


class Shadow:
    """One projection's other side."""

    def __init__(self, here: Opened, projection: Projection, sources: Mapping[str, Source]) -> None:
        """`sources` by topic; `here` is the service whose rows these are."""
        self.here, self.projection, self.sources = here, projection, sources
        self.name = projection.name + SHADOW
        self.codecs = {topic: source.codec for topic, source in sources.items()}
        self.keyring: Keyring | None = here.keyring if projection.opens_sealed else None
        self.done = 0
        self._ratio = Ratio()
        self._amended: dict[UUID, str | None] | None = None
        self._making = asyncio.Lock()
        self._reader: LogReader | None = None

    @property
    def tables(self) -> frozenset[str]:
        """The tables that were made, as far as this process knows."""
        return frozenset(self._reader.made) if self._reader else frozenset()

    async def catch_up(self, to: Mapping[Place, int], told: Callable[[int], None] = lambda _: None) -> None:
        """Apply what the log has up to these positions, some lanes at a time. Resumes where it was stopped."""
        waiting = sorted(place for place, position in to.items() if position)
        await self._prepare()

        async def work() -> None:
            while waiting:
                place = waiting.pop(0)
                while taken := await self._chunk(place, to[place]):
                    told(taken)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(LANES_AT_ONCE):
                    group.create_task(work())
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from failed

    async def catch_up_within(self, connection: Connection, to: Mapping[Place, int]) -> None:
        """The same, within the caller's transaction."""
        await self._prepare()
        for place, position in to.items():
            while await self._step(connection, place, position):
                pass

    async def _chunk(self, place: Place, to: int) -> int:
        async with self.here.pool.acquire() as connection, connection.transaction():
            # Rows and checkpoint commit together; a power cut takes both back, and the build goes on from there.
            await connection.execute("set local synchronous_commit = off")
            return await self._step(connection, place, to)

    async def _step(self, connection: Connection, place: Place, to: int) -> int:
        topic, lane = place
        reached = await connection.fetchval(_REACHED, self.name, topic, lane) or 0
        source = self.sources[topic]
        rows = await source.pool.fetch(_READ, lane, reached, to, CHUNK_EVENTS_MAX)
        if not rows:
            return 0
        if rows[-1]["position"] != reached + len(rows):
            raise Gap(f"lane {lane} of {topic} has a gap after {reached}")
        assert self._reader is not None
        await self._reader.apply_fresh(connection, self._messages(source, topic, rows), self._ratio)
        await connection.execute(_MOVE, self.name, topic, lane, rows[-1]["position"])
        self.done += len(rows)
        return len(rows)

    def _messages(self, source: Source, topic: str, rows: Sequence[Record]) -> list[LogRecord]:
        """The rows as operators left them: edited ones with their new content, without the discarded ones."""
        amended = self._amended or {}
        found = []
        for row in rows:
            if row["event_id"] not in amended:
                found.append(LogRecord(source.service, topic, row))
            elif (content := amended[row["event_id"]]) is not None:
                found.append(LogRecord(source.service, topic, dict(row) | {"data": content}))
        return found

    async def _prepare(self) -> None:
        if self._amended is None:
            self._amended = await amendments(self.here, self.projection.name)
            named = replace(self.projection, name=self.name)
            made = await self.here.pool.fetchval(
                "select tables from projection.build where projection = $1", self.projection.name
            )
            self._reader = LogReader(named, self.codecs, self.keyring, self._make, set(made or ()))

    async def _make(self, table: str) -> None:
        async with self._making:
            assert self._reader is not None
            if table not in self._reader.made:
                await self.here.pool.execute("select projection.begin_shadow($1, $2)", self.projection.name, table)


async def amendments(here: Opened, consumer: str) -> dict[UUID, str | None]:
    """What operators did to this consumer's events, by event: the new content, or None for a discarded one."""
    codec, found = Codec(here.service.vocabulary), dict[UUID, str | None]()
    for row in await here.pool.fetch(_PARKING, f"parking-{consumer}.%"):
        personal = row["sealed"] and await here.keyring.open(row["key"], row["event_id"], row["sealed"])
        match recorded(here.name, codec, row, personal).data:
            case ParkedEventEdited(event_id=UUID() as event_id, content=content):
                found[event_id] = content
            case ParkedEventDiscarded(event_id=UUID() as event_id):
                found[event_id] = None
            case _:
                pass
    return found
