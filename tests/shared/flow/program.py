"""A relay or a projector as a process of its own, which dies by SIGKILL at the worst moment.

`python -m tests.shared.flow.program NAME TOPIC`, NAME one of RELAYS or PROJECTORS. Where it dies is chosen, that it dies is not acted:
nothing is flushed, closed or told.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaProducer, TopicPartition

from shared import projector as projecting
from shared.checkpoint import Checkpoint, Fenced, Gap
from shared.database import Connection, open_pool
from shared.projector import Projector
from shared.relay import Relay
from shared.settings import Settings
from tests.shared.flow.ledger import reader_of

# A killed member's partitions come back after the session; waiting 12 s at each kill would prove nothing more.
SESSION_MS = 1500
ROUNDS_BEFORE_DEATH = 3


def die() -> None:
    """As the kernel's out-of-memory killer would."""
    os.kill(os.getpid(), signal.SIGKILL)


class Mortal:
    """Counts rounds; dies in the last one."""

    rounds = 0

    def last(self) -> bool:
        """Whether this round is the last."""
        self.rounds += 1
        return self.rounds > ROUNDS_BEFORE_DEATH


class DiesAfterSending(Relay, Mortal):
    """The broker has the events, the cursor does not know it."""

    async def _move(self, connection: Connection, reached: dict[int, int]) -> None:
        if self.last():
            die()
        await super()._move(connection, reached)


class CursorFirst(Relay, Mortal):
    """A mutant without the guard: cursors move before the broker has the events, and the topic's end is not looked at."""

    async def _last_sequences(self, lanes: Sequence[int]) -> dict[int, int]:
        return dict.fromkeys(lanes, 2**62)

    async def _round(self, connection: Connection, producer: AIOKafkaProducer) -> bool:
        rows = await connection.fetch("select lane, head from log.lane where head > 0")
        ahead = {row["lane"]: row["head"] for row in rows if row["head"] > self._lanes[row["lane"]].stored}
        sent = {lane: self._lanes[lane].sent for lane in ahead}
        await self._move(connection, ahead)
        if ahead and self.last():
            die()
        for lane, position in sent.items():
            self._lanes[lane].sent = position
        return await super()._round(connection, producer)


class DiesBeforeCommit(Projector, Mortal):
    """Rows and checkpoint are written, the transaction is not committed."""

    async def _move(self, connection: Connection, tp: TopicPartition, known: Checkpoint, reached: Checkpoint) -> None:
        await super()._move(connection, tp, known, reached)
        if self.last():
            die()


class CheckpointFirst(Projector, Mortal):
    """A mutant without the guard: the checkpoint commits in a transaction of its own, before the rows."""

    async def _apply(self, tp: TopicPartition, messages: Sequence[Any]) -> None:
        try:
            await self._apply_after_moving(tp, messages)
        except Fenced:  # its partitions were given out anew meanwhile
            await self._seek(tp)
        except Gap:  # as the sound one does
            await self._from_the_beginning(tp)

    async def _apply_after_moving(self, tp: TopicPartition, messages: Sequence[Any]) -> None:
        known = self._checkpoints[tp]
        async with self._pool.acquire() as connection, connection.transaction():
            rows = connection.transaction()
            await rows.start()
            reached = await self._reader.apply(connection, known, messages, self._ratio)
            await rows.rollback()
            await self._move(connection, tp, known, reached)
        if self.last():
            die()
        async with self._pool.acquire() as connection, connection.transaction():
            await self._reader.apply(connection, known, messages, self._ratio)
        self._checkpoints[tp] = reached


RELAYS: dict[str, type[Relay]] = {
    "relay": Relay,
    "dies-after-sending": DiesAfterSending,
    "cursor-first": CursorFirst,
}
PROJECTORS: dict[str, type[Projector]] = {
    "projector": Projector,
    "dies-before-commit": DiesBeforeCommit,
    "checkpoint-first": CheckpointFirst,
}


async def main(name: str, topic: str) -> None:
    """Run one part until it dies."""
    settings = Settings()
    if name in RELAYS:
        await RELAYS[name]("counter", settings, topic).run()
        return
    projecting.SESSION_MS = SESSION_MS  # type: ignore[misc]  # shorter for these processes only
    pool = await open_pool(settings.database_dsn, name="test worker", connections_max=4)
    await PROJECTORS[name](reader_of(topic), pool, settings, f"{topic}.ledger").run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
