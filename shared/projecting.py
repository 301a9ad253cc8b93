"""From messages to rows: duplicates drop out, a gap halts, poison is parked with all that follows it under its key."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import asyncpg
import msgspec
import structlog

from shared.checkpoint import APPLIED, DUPLICATES, Checkpoint, Gap, Halted
from shared.cloudevents import event_id_of, from_kafka, sealed_of, sequence_of
from shared.codec import Codec, Undecodable
from shared.database import TRANSIENT, Connection
from shared.event import AnyRecorded
from shared.keyring import Keyring
from shared.parking import BEHIND, Ratio, forget, key_of, park, parked_keys
from shared.projection import Projection, TableProjection, Write, run_joined, run_writes

NOT_THE_EVENT: Final = (*TRANSIENT, asyncpg.InterfaceError)

_REACHED: Final = """
insert into projection.checkpoint as c (projection, topic, partition, next_offset, last_sequence) values ($1, $2, $3, 0, $4)
on conflict (projection, topic, partition) do update set last_sequence = greatest(c.last_sequence, excluded.last_sequence)
"""

logger = structlog.get_logger()

type State = dict[str, Any] | None
"""What a compacted topic says of one key; None says that there is nothing any more."""


class RowReader:
    """What readers of events and of states have in common: each message becomes writes, as few runs as possible."""

    def __init__(self, projection: Projection | TableProjection) -> None:
        """It goes by the projection's name and version."""
        self.name, self.version = projection.name, projection.version

    async def writes(self, message: Any) -> Sequence[Write]:
        """What the message says about rows. Raises when it cannot be read."""
        raise NotImplementedError

    async def again(self, connection: Connection, message: Any) -> None:
        """See `Reader`."""
        await run_writes(connection, await self.writes(message))

    async def applied(
        self, connection: Connection, messages: Sequence[Any], waiting: set[str], ratio: Ratio
    ) -> Sequence[Any]:
        """Those of the messages that could be applied; the others are parked, and their keys added to `waiting`."""
        try:
            events = [(key_of(message), await self.writes(message)) for message in messages]
            async with connection.transaction():
                await run_joined(connection, events)
        except NOT_THE_EVENT:
            raise
        except Exception as error:  # noqa: BLE001 - which message it was is found out one by one
            logger.warning("projection.batch_failed", projection=self.name, error=type(error).__name__)
            return [one for one in messages if await self._alone(connection, one, waiting, ratio)]
        ratio.saw(failed=0, applied=len(messages))
        return messages

    async def _alone(self, connection: Connection, message: Any, waiting: set[str], ratio: Ratio) -> bool:
        key = key_of(message)
        if key in waiting:
            await park(connection, self.name, key, message, BEHIND)
            return False
        try:
            async with connection.transaction():
                await self.again(connection, message)
        except NOT_THE_EVENT:
            raise
        except Exception as error:
            logger.exception(
                "projection.event_failed", projection=self.name, topic=message.topic, offset=message.offset
            )
            await park(connection, self.name, key, message, type(error).__name__)
            waiting.add(key)
            await ratio.failed(connection, self.name)
            return False
        ratio.saw(failed=0, applied=1)
        return True


class EventReader(RowReader):
    """Keeps a projection's rows from the services' topics."""

    def __init__(self, projection: Projection, codecs: Mapping[str, Codec], keyring: Keyring | None = None) -> None:
        """With a `keyring` it reads personal fields."""
        super().__init__(projection)
        self.projection, self.topics = projection, projection.topics
        self.codecs, self.keyring = codecs, keyring

    async def apply(
        self, connection: Connection, checkpoint: Checkpoint, messages: Sequence[Any], ratio: Ratio
    ) -> Checkpoint:
        """See `Reader`."""
        fresh, reached = continuing(self.name, checkpoint, messages)
        if fresh:
            await self.apply_fresh(connection, fresh, ratio)
        return reached

    async def apply_fresh(self, connection: Connection, fresh: Sequence[Any], ratio: Ratio) -> None:
        """Apply messages of one partition that continue what was applied; what cannot be applied is parked."""
        waiting = await parked_keys(connection, self.name, fresh[0].topic, fresh[0].partition)
        free = [message for message in fresh if key_of(message) not in waiting]
        for message in fresh if waiting else ():
            if key_of(message) in waiting:
                await park(connection, self.name, key_of(message), message, BEHIND)
        await self.applied(connection, free, waiting, ratio)
        APPLIED.labels(self.name).inc(len(fresh))

    async def writes(self, message: Any) -> Sequence[Write]:
        """See `RowReader`."""
        return self.projection.on(await self.event(message))

    async def event(self, message: Any) -> AnyRecorded:
        """What a message says. Raises Undecodable or UnknownEvent."""
        personal = None
        if self.keyring is not None and (sealed := sealed_of(message)) is not None:
            personal = await self.keyring.open(key_of(message), event_id_of(message), sealed)
        return from_kafka(self.codecs[message.topic], message, personal)


class TableReader(RowReader):
    """Keeps rows from a compacted topic of states: the newest value per key is the truth."""

    def __init__(self, projection: TableProjection) -> None:
        """It reads the projection's one topic."""
        super().__init__(projection)
        self.projection = projection
        self.topics: tuple[str, ...] = (projection.topic,)

    async def apply(
        self, connection: Connection, _checkpoint: Checkpoint, messages: Sequence[Any], ratio: Ratio
    ) -> Checkpoint:
        """See `Reader`. A value that cannot be read is parked; the next one of its key replaces it anyway."""
        newest = list({key_of(message): message for message in messages}.values())
        waiting = await parked_keys(connection, self.name, messages[0].topic, messages[0].partition)
        applied = await self.applied(connection, newest, set(), ratio)
        await forget(connection, self.name, waiting & {key_of(message) for message in applied})
        reached: dict[tuple[str, int], int] = {}
        for message in applied:
            for topic, place in (state_of(message) or {}).get("sources", {}).items():
                at = (topic, place["lane"])
                reached[at] = max(reached.get(at, 0), place["position"])
        # Readers wait for positions of the sources, so these are noted beside the offset in the output topic.
        noted = [(self.name, topic, lane, position) for (topic, lane), position in sorted(reached.items())]
        await connection.executemany(_REACHED, noted)
        APPLIED.labels(self.name).inc(len(messages))
        return Checkpoint(messages[-1].offset + 1, None, None)

    async def writes(self, message: Any) -> Sequence[Write]:
        """See `RowReader`."""
        return self.projection.on(key_of(message), state_of(message))


def state_of(message: Any) -> State:
    """What a record of a compacted topic says of its key. Raises msgspec.DecodeError."""
    return msgspec.json.decode(message.value, type=dict[str, Any]) if message.value is not None else None


def continuing(name: str, checkpoint: Checkpoint, messages: Sequence[Any]) -> tuple[list[Any], Checkpoint]:
    """The messages that continue the checkpoint, without duplicates and up to a gap, and the checkpoint after them.

    Raises Gap when already the first is not the next one, Halted when the last applied event comes again as another one: history has
    diverged, as after a restored backup (trap T13). A record without a readable sequence goes along to be parked.
    """
    last, last_id = checkpoint.last_sequence or 0, checkpoint.last_event_id
    fresh = []
    for message in messages:
        try:
            sequence, event_id = sequence_of(message), event_id_of(message)
        except Undecodable:
            fresh.append(message)
            continue
        if sequence == last and last_id is not None and event_id != last_id:
            raise Halted(f"sequence {sequence} is event {event_id}, but {last_id} was applied")
        if sequence <= last:
            DUPLICATES.labels(name).inc()
            continue
        if sequence != last + 1 and fresh:
            return fresh, Checkpoint(message.offset, last, last_id)
        if sequence != last + 1:
            raise Gap(f"sequence {sequence} came after {last}")
        last, last_id = sequence, event_id
        fresh.append(message)
    return fresh, Checkpoint(messages[-1].offset + 1, last or None, last_id)
