"""Parking for a consumer without a checkpoint in PostgreSQL: a stream process."""

from collections.abc import Sequence
from typing import Final

from shared.cloudevents import Message
from shared.database import Pool
from shared.parking import COUNT, ParkedRecord, park, settle, waiting

_ASKED: Final = "select key, partition from projection.replay where consumer = $1 order by asked_at"
_ANSWERED: Final = "delete from projection.replay where consumer = $1 and key = $2"


class PostgresParking:
    """Parks, and tells what operators ask."""

    def __init__(self, pool: Pool) -> None:
        """`pool` is the service's database, as the stream's role."""
        self._pool = pool

    async def park(self, consumer: str, key: str, message: Message, reason: str) -> int:
        """Keep the record; to park the same one twice is to park it once. How many of the consumer's keys wait."""
        await park(self._pool, consumer, key, message, reason)
        return int(await self._pool.fetchval(COUNT, consumer))

    async def asked(self, consumer: str) -> list[tuple[str, int]]:
        """Which keys an operator wants replayed, each with its lane."""
        return [(row["key"], row["partition"]) for row in await self._pool.fetch(_ASKED, consumer)]

    async def waiting(self, consumer: str, key: str) -> list[ParkedRecord]:
        """What is parked under a key, in order."""
        return await waiting(self._pool, consumer, key)

    async def answer(self, consumer: str, key: str, done: Sequence[int], failed: tuple[int, str] | None) -> None:
        """The key was replayed: take out what is folded, say why the next one is not, and let the operator see it."""
        async with self._pool.acquire() as connection, connection.transaction():
            await settle(connection, done, failed)
            await connection.execute(_ANSWERED, consumer, key)
