"""Planted bugs of the worker: relay, projector, policies and timers."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

from aiokafka import AIOKafkaConsumer

from shared import policy as policies
from shared import projecting, projector, relay, timers
from shared.checkpoint import Checkpoint
from shared.cloudevents import event_id_of, sequence_of
from shared.divergence import Edges
from shared.projector import Projector
from tests.faults.putting import put, reword

WIDE_SECONDS = 0.3
"""How long a window stays open in which a sound process has none: a kill every few seconds should meet it."""


def cursor_not_compared() -> None:
    """The relay moves its cursor wherever it was."""
    reword(relay, "_MOVE", "and r.position = m.before", "")


def cursor_not_read() -> None:
    """The relay begins with what comes next, not with what was not sent."""
    cursor_not_compared()
    put(relay, "_CURSORS", "select lane, head as position from log.lane where lane = any($1::smallint[])")

    async def ends(_kafka: str, _topic: str, lanes: Sequence[int]) -> dict[int, Edges]:
        return dict.fromkeys(lanes, Edges((2**62, UUID(int=0)), -1, 1))

    async def nothing_wrong(*_: Any) -> dict[int, str]:
        return {}

    put(relay, "edges", ends)
    put(relay, "diverged", nothing_wrong)


def checkpoint_first() -> None:
    """The checkpoint commits, then the rows change."""

    async def apply(self: Any, tp: Any, messages: Sequence[Any]) -> None:
        known = self._checkpoints[tp]
        async with self._pool.acquire() as connection, connection.transaction():
            trial = connection.transaction()
            await trial.start()
            reached = await self._reader.apply(connection, known, messages, self._ratio)
            await trial.rollback()
            await self._move(connection, tp, known, reached)
        await asyncio.sleep(WIDE_SECONDS)
        async with self._pool.acquire() as connection, connection.transaction():
            await self._reader.apply(connection, known, messages, self._ratio)
            await connection.execute("select pg_notify($1, $2)", projector.CHANNEL, self._reader.name)
        self._checkpoints[tp] = reached

    put(Projector, "_apply", apply)


def effect_outside() -> None:
    """The rows change in a transaction of their own, then the checkpoint moves."""

    async def apply(self: Any, tp: Any, messages: Sequence[Any]) -> None:
        known = self._checkpoints[tp]
        async with self._pool.acquire() as connection, connection.transaction():
            reached = await self._reader.apply(connection, known, messages, self._ratio)
        await asyncio.sleep(WIDE_SECONDS)
        async with self._pool.acquire() as connection, connection.transaction():
            await self._move(connection, tp, known, reached)
            await connection.execute("select pg_notify($1, $2)", projector.CHANNEL, self._reader.name)
        self._checkpoints[tp] = reached

    put(Projector, "_apply", apply)


def checkpoint_not_fenced() -> None:
    """A projector writes its checkpoint over whatever stands there."""

    async def lock(*_: Any) -> None:
        """Nothing is locked, nothing compared."""

    put(Projector, "_lock", lock)
    reword(projector, "_MOVE", "and next_offset = $4", "and $4::bigint is not null")


def _continuing(rule: Any) -> None:
    """`rule` says of a message whether it is a duplicate; nothing is a gap."""

    def continuing(name: str, checkpoint: Checkpoint, messages: Sequence[Any]) -> tuple[list[Any], Checkpoint]:
        last, last_id, fresh = checkpoint.last_sequence or 0, checkpoint.last_event_id, []
        for message in messages:
            if not rule(name, message, last):
                last, last_id = sequence_of(message), event_id_of(message)
                fresh.append(message)
        return fresh, Checkpoint(messages[-1].offset + 1, last or None, last_id)

    put(projecting, "continuing", continuing)
    put(policies, "continuing", continuing)


def duplicates_kept() -> None:
    """What comes again is applied again."""
    _continuing(lambda *_: False)


def gap_ignored() -> None:
    """What is missing is not missed."""
    _continuing(lambda _name, message, last: sequence_of(message) <= last)


def wall_clock_order() -> None:
    """What was recorded no later than the last event is taken for a duplicate."""
    newest: dict[tuple[str, str, int], str] = {}

    def is_old(name: str, message: Any, _: int) -> bool:
        at, where = dict(message.headers)["ce_time"].decode(), (name, message.topic, message.partition)
        if at <= newest.get(where, ""):
            return True
        newest[where] = at
        return False

    _continuing(is_old)


class _AutoCommitting(AIOKafkaConsumer):  # type: ignore[misc]  # the library ships no types
    """A consumer as most programs use it."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**(settings | {"enable_auto_commit": True, "auto_commit_interval_ms": 100}))

    def seek(self, *_: Any) -> None:
        """It starts where the group's offset says."""


def auto_commit() -> None:
    """Kafka is told that records are read as soon as they are handed over, and asked where to go on."""
    put(projector, "AIOKafkaConsumer", _AutoCommitting)
    checkpoint_not_fenced()
    duplicates_kept()
    sound = Projector._apply

    async def apply(self: Any, tp: Any, messages: Sequence[Any]) -> None:
        await asyncio.sleep(WIDE_SECONDS)
        await sound(self, tp, messages)

    put(Projector, "_apply", apply)


class _NobodyWaits(set[str]):
    """Forgets at once who is parked."""

    def add(self, _: str) -> None:
        """Nothing is kept."""


def parking_without_order() -> None:
    """Later events of a parked patient are applied as if nothing were missing."""

    async def keys(*_: Any) -> set[str]:
        return _NobodyWaits()

    put(projecting, "parked_keys", keys)


def a_timer() -> None:
    """Intake notes progress when something falls due; the payload says of which plan."""
    from services.intake import plan  # noqa: PLC0415 - only the process in which it is planted
    from services.intake.main import SERVICE  # noqa: PLC0415
    from shared.events.intake.plan_parts import Progress  # noqa: PLC0415
    from shared.log import Act  # noqa: PLC0415

    def on(item: timers.DueItem) -> list[Act]:
        today = datetime.now(UTC).date()
        noted = plan.NoteProgress("g1", Progress.IN_PROGRESS, date(2024, 1, 8), today)
        return [Act(plan.decider, UUID(item.payload["plan_id"]), noted)]

    object.__setattr__(SERVICE, "timers", (timers.Timer("chaos", on),))


def timer_without_key() -> None:
    """Nobody claims an item, and each try is a new command."""
    reword(timers, "_CLAIM", "for update skip locked", "")
    put(timers, "uuid5", lambda *_: uuid4())
