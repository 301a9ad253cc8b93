"""Parking: an event that cannot be applied waits, in order, with all later events of its key; the others go on."""

from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

import structlog
from prometheus_client import Counter

from shared.cloudevents import Message, sequence_of
from shared.codec import Undecodable
from shared.database import Connection, Pool
from shared.failures import Failure
from shared.settings import Settings

REASON_CHARACTERS_MAX: Final = 300
BEHIND: Final = "Behind"
"""The reason of an event that only waits for an earlier one of its key."""

_INSERT: Final = """
insert into projection.parked (consumer, topic, partition, record_offset, key, sequence, reason, headers, record_key, value)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict do nothing
"""
COUNT: Final = "select count(distinct key) from projection.parked where consumer = $1"
_FORGET: Final = "delete from projection.parked where consumer = $1 and key = any($2)"
_WAITING: Final = """
select number, reason, topic, partition, record_offset as "offset", record_key as key, value, headers,
       extract(epoch from parked_at)::float8 as "timestamp"
from projection.parked
where consumer = $1 and key = $2 order by number
"""
_SETTLE: Final = "delete from projection.parked where number = any($1)"
_STILL: Final = "update projection.parked set reason = $2 where number = $1"
_KEYS: Final = "select distinct key from projection.parked where consumer = $1 and topic = $2 and partition = $3"

PARKED: Final = Counter("evenkeel_parked_events_total", "Events set aside.", ["consumer"])

logger = structlog.get_logger()


class TooMuchParked(Failure):
    """So many events cannot be applied that the program, not the events, must be wrong; the consumer stops."""


def key_of(message: Message) -> str:
    """Whose event it is; a key that is no text is written out."""
    return (message.key or b"").decode("utf-8", "backslashreplace").replace("\0", r"\x00")


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


@dataclass(slots=True)
class ParkedRecord:
    """A record that waits: as Kafka delivered it, or as an operator edited it. `number` says its place in the order."""

    number: int
    reason: str
    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp: float
    headers: list[tuple[str, bytes]]


async def waiting(connection: Connection | Pool, consumer: str, key: str) -> list[ParkedRecord]:
    """What a consumer has parked under a key, in the order in which it came."""
    rows = await connection.fetch(_WAITING, consumer, key)
    return [
        ParkedRecord(**dict(row) | {"headers": [(name, text.encode()) for name, text in row["headers"]]})
        for row in rows
    ]


async def settle(connection: Connection | Pool, done: Sequence[int], failed: tuple[int, str] | None) -> None:
    """Take out what has been made good, by number; `failed` is the next one in order, and why it still cannot be."""
    await connection.execute(_SETTLE, list(done))
    if failed is not None:
        await connection.execute(_STILL, failed[0], failed[1][:REASON_CHARACTERS_MAX])


async def forget(connection: Connection | Pool, consumer: str, keys: Collection[str]) -> None:
    """What was parked of these keys has been made good."""
    if keys:
        await connection.execute(_FORGET, consumer, list(keys))


@dataclass(frozen=True)
class ParkingLimits:
    """Beyond these a deploy is bad, not an event: the consumer stops (trap T29). See `Settings` for what they count."""

    keys_max: int = 100
    window_events: int = 200
    window_events_min: int = 20
    ratio_max: float = 0.2


def limits_of(settings: Settings) -> ParkingLimits:
    """As the environment says."""
    return ParkingLimits(
        settings.parked_keys_max,
        settings.parked_window_events,
        settings.parked_window_events_min,
        settings.parked_ratio_max,
    )


class Ratio:
    """Watches how much is parked anew; events that only wait behind a parked one do not count."""

    def __init__(self, limits: ParkingLimits = ParkingLimits()) -> None:
        """Nothing seen yet."""
        self._limits = limits
        self._newest: deque[bool] = deque(maxlen=limits.window_events)

    def saw(self, *, failed: int, applied: int) -> None:
        """Raises TooMuchParked when the share of failures among the newest events is above the limit."""
        self._newest.extend([False] * applied)
        self._newest.extend([True] * failed)
        seen = len(self._newest)
        if seen >= self._limits.window_events_min and sum(self._newest) > self._limits.ratio_max * seen:
            raise TooMuchParked

    def wait(self, keys: int) -> None:
        """So many keys wait. Raises TooMuchParked when they are too many."""
        if keys > self._limits.keys_max:
            raise TooMuchParked

    async def failed(self, connection: Connection | Pool, consumer: str) -> None:
        """One more event was parked by its own fault. Raises TooMuchParked, also when too many keys wait."""
        self.saw(failed=1, applied=0)
        self.wait(await connection.fetchval(COUNT, consumer))
