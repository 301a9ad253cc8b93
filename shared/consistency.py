"""Waiting until what was written can be read: one watcher per process looks on behalf of everybody who waits."""

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any, Final

import asyncpg
import structlog
from prometheus_client import Counter, Gauge

from shared.database import UNREACHABLE
from shared.settings import Settings

log = structlog.get_logger()

CHANNEL: Final = "projected"
TRUSTED_SECONDS_MAX: Final = 5.0
RECONNECT_SECONDS: Final = 1.0
CHECKPOINTS: Final = """
    select projection, topic, partition, last_sequence from projection.checkpoint where last_sequence is not null
"""

WAITERS: Final = Gauge("evenkeel_consistency_waiters", "Queries waiting until a projection has reached their token.")
LOOKS: Final = Counter("evenkeel_consistency_looks_total", "Times the checkpoints were read for the waiting queries.")
STALE: Final = Counter("evenkeel_consistency_stale_total", "Queries answered older than their token asked.")

type Place = tuple[str, str, int]
"""Projection, topic and lane."""

type Needed = Mapping[Place, int]
"""The position that a reader wants each place to have reached."""


class Watcher:
    """Knows how far the projections are; reads the checkpoints only while somebody waits.

    However many wait, the checkpoints are read once per notice of the projector, at most every
    `consistency_spacing_seconds`, and every `consistency_poll_seconds` when no notice comes. It promises no freshness
    beyond that, and never fails a query: without the database's answer the reader is told that it is stale.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._reached: dict[Place, int] = {}
        self._looked_at = float("-inf")
        self._waiting: dict[asyncio.Future[None], Needed] = {}
        self._stirred = asyncio.Event()

    async def missing(self, needed: Needed) -> int:
        """Wait until every place is reached, at most `consistency_wait_seconds`; how many events are still missing."""
        fresh = asyncio.get_running_loop().time() - self._looked_at < TRUSTED_SECONDS_MAX
        if fresh and self._lag(needed) == 0:
            return 0
        if len(self._waiting) < self._settings.consistency_waiters_max:
            await self._wait(needed)
        lag = self._lag(needed)
        if lag:
            STALE.inc()
        return lag

    async def _wait(self, needed: Needed) -> None:
        reached = asyncio.get_running_loop().create_future()
        self._waiting[reached] = needed
        self._stirred.set()
        try:
            with WAITERS.track_inprogress(), contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._settings.consistency_wait_seconds):
                    await reached
        finally:
            del self._waiting[reached]

    def _lag(self, needed: Needed) -> int:
        return sum(max(0, position - self._reached.get(place, 0)) for place, position in needed.items())

    async def run(self) -> None:
        """Watch for the life of the process, through restarts of the database."""
        while True:
            try:
                connection = await asyncpg.connect(self._settings.database_dsn)
                try:
                    await self._watch(connection)
                finally:
                    connection.terminate()
            except UNREACHABLE:
                log.exception("consistency.watch_lost")
                await asyncio.sleep(RECONNECT_SECONDS)

    async def _watch(self, connection: Any) -> None:
        await connection.add_listener(CHANNEL, lambda *_: self._stirred.set())
        while True:
            patience = self._settings.consistency_poll_seconds if self._waiting else None
            with contextlib.suppress(TimeoutError):  # no notice came: look anyway
                async with asyncio.timeout(patience):
                    await self._stirred.wait()
            self._stirred.clear()
            if self._waiting:
                await self._look(connection)
            await asyncio.sleep(self._settings.consistency_spacing_seconds)

    async def _look(self, connection: Any) -> None:
        rows = await connection.fetch(CHECKPOINTS, timeout=self._settings.consistency_wait_seconds + 1)
        LOOKS.inc()
        self._reached = {(row[0], row[1], row[2]): row[3] for row in rows}
        self._looked_at = asyncio.get_running_loop().time()
        for reached, needed in self._waiting.items():
            if not reached.done() and self._lag(needed) == 0:
                reached.set_result(None)
