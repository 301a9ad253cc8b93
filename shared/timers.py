"""What falls due is carried out once, whichever of several processes finds it first."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid5

import structlog
from prometheus_client import Counter

from shared.database import UNREACHABLE, Pool
from shared.failures import Busy, Failure
from shared.log import Act, Context, Log

LOOK_SECONDS: Final = 1.0
ITEMS_MAX: Final = 50

_CLAIM: Final = """
select id, kind, due_at, site_id, payload from timer.due_item
where kind = $1 and done_at is null and due_at <= now() order by due_at limit $2 for update skip locked
"""
_DONE: Final = "update timer.due_item set done_at = clock_timestamp() where id = any($1)"

FIRED: Final = Counter("evenkeel_timer_items_total", "Due items carried out.", ["kind"])

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class DueItem:
    """Something that was to happen at `due_at` (the database's clock)."""

    id: UUID
    kind: str
    due_at: datetime
    site_id: str
    payload: dict[str, Any]


@dataclass(frozen=True)
class Timer:
    """`on` is pure: from a due item to the acts that follow."""

    kind: str
    on: Callable[[DueItem], Sequence[Act]]


class Timers:
    """Runs a service's timers until cancelled; several processes may run the same ones (trap T46)."""

    def __init__(self, timers: Sequence[Timer], pool: Pool, log: Log) -> None:
        """Items are claimed with SKIP LOCKED; the acts' keys make a repeat after a crash do nothing."""
        self._timers, self._pool, self._log = timers, pool, log

    async def run(self) -> None:
        """Look for due items for ever."""
        while True:
            try:
                found = [await self._round(timer) for timer in self._timers]
            except UNREACHABLE as error:
                logger.warning("timers.interrupted", error=type(error).__name__)
                found = []
            if not any(found):
                await asyncio.sleep(LOOK_SECONDS)

    async def _round(self, timer: Timer) -> int:
        async with self._pool.acquire() as connection, connection.transaction():
            items = [DueItem(**row) for row in await connection.fetch(_CLAIM, timer.kind, ITEMS_MAX)]
            for item in items:
                await self._fire(timer, item)
            await connection.execute(_DONE, [item.id for item in items])
        return len(items)

    async def _fire(self, timer: Timer, item: DueItem) -> None:
        for number, act in enumerate(timer.on(item)):
            command_id = uuid5(item.id, str(number))
            context = Context(actor=f"timer:{timer.kind}", site_id=item.site_id, correlation_id=item.id)
            try:
                await self._log.handle([act], context, f"timer:{timer.kind} {command_id}", command_id.bytes)
            except Busy as busy:
                raise TimeoutError from busy
            except Failure as refused:
                logger.warning("timer.refused", kind=timer.kind, item=str(item.id), refusal=refused.kind())
        FIRED.labels(timer.kind).inc()
