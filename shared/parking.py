"""Parking: an event that cannot be applied waits, in order, with all later events of its key; the others go on."""

from collections import deque
from typing import Final

import structlog
from prometheus_client import Counter

from shared.cloudevents import Message, sequence_of
from shared.codec import Undecodable
from shared.database import Connection, Pool
from shared.failures import Failure

# Beyond so many parked among the last so many events a deploy is bad, not an event: the consumer stops (trap T29).
PARKED_RATIO_WINDOW_EVENTS: Final = 200
PARKED_RATIO_MAX: Final = 0.2
PARKED_RATIO_EVENTS_MIN: Final = 20
REASON_CHARACTERS_MAX: Final = 300

_INSERT: Final = """
insert into projection.parked (consumer, topic, partition, record_offset, key, sequence, reason, headers, record_key, value)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict do nothing
"""
_KEYS: Final = "select distinct key from projection.parked where consumer = $1 and topic = $2 and partition = $3"

PARKED: Final = Counter("evenkeel_parked_events_total", "Events set aside.", ["consumer"])

logger = structlog.get_logger()


class TooMuchParked(Failure):
    """So many events cannot be applied that the program, not the events, must be wrong; the consumer stops."""


def key_of(message: Message) -> str:
    """Whose event it is; a key that is no text is written out."""
    return (message.key or b"").decode("utf-8", "backslashreplace")


async def park(connection: Connection | Pool, consumer: str, key: str, message: Message, reason: str) -> None:
    """Keep a record with its original bytes. Parking it again changes nothing."""
    try:
        sequence = sequence_of(message)
    except Undecodable:
        sequence = None
    headers = [[name, value.decode("utf-8", "backslashreplace")] for name, value in message.headers or ()]
    await connection.execute(
        _INSERT,
        *(consumer, message.topic, message.partition, message.offset, key, sequence),
        *(reason[:REASON_CHARACTERS_MAX], headers, message.key, message.value),
    )
    PARKED.labels(consumer).inc()
    logger.error(
        "event.parked",
        consumer=consumer,
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        reason=reason,
    )


async def parked_keys(connection: Connection | Pool, consumer: str, topic: str, partition: int) -> set[str]:
    """The keys of a partition whose events wait."""
    return {row["key"] for row in await connection.fetch(_KEYS, consumer, topic, partition)}


class Ratio:
    """Watches how much of the newest traffic is parked anew; events that only wait behind a parked one do not count."""

    def __init__(self) -> None:
        """Nothing seen yet."""
        self._newest: deque[bool] = deque(maxlen=PARKED_RATIO_WINDOW_EVENTS)

    def saw(self, *, failed: int, applied: int) -> None:
        """Raises TooMuchParked when the share of failures among the newest events is above the limit."""
        self._newest.extend([False] * applied)
        self._newest.extend([True] * failed)
        if len(self._newest) >= PARKED_RATIO_EVENTS_MIN and sum(self._newest) > PARKED_RATIO_MAX * len(self._newest):
            raise TooMuchParked


class PostgresParking:
    """Parking for a consumer without a checkpoint in PostgreSQL: a stream process."""

    def __init__(self, pool: Pool) -> None:
        """`pool` is the service's database, as the stream's role."""
        self._pool = pool

    async def park(self, consumer: str, key: str, message: Message, reason: str) -> None:
        """Keep the record; to park the same one twice is to park it once."""
        await park(self._pool, consumer, key, message, reason)
