"""Tells the relay that there is something to send: one notification for all that was committed meanwhile."""

import asyncio
from contextlib import suppress
from typing import Final

import asyncpg

from shared.database import Pool

CHANNEL: Final = "log_appended"
SPACING_SECONDS: Final = 0.002


class Wake:
    """Notifications outside the appends' transactions, and at most one per SPACING_SECONDS: they must not slow a commit."""

    def __init__(self, pool: Pool) -> None:
        """Nothing is sent before the first commit."""
        self._pool = pool
        self._due = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def soon(self) -> None:
        """Something was committed."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="wake the relay")
        self._due.set()

    async def stop(self) -> None:
        """No further notification; the relay also looks by itself."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            await self._due.wait()
            self._due.clear()
            with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
                await self._pool.execute(f"notify {CHANNEL}")
            await asyncio.sleep(SPACING_SECONDS)
