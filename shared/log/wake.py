"""Tells the relay that there is something to send: one notification for all that was committed meanwhile."""

import asyncio
from contextlib import suppress
from typing import Final

import asyncpg

from shared.database import Pool

CHANNEL: Final = "log_appended"
SPACING_SECONDS: Final = 0.004

# A transaction that notifies holds a lock of the whole server until it is on disk; this one has nothing to lose.
_NOTIFY: Final = f"select set_config('synchronous_commit', 'off', true), pg_notify('{CHANNEL}', '')"


class Wake:
    """Notifications outside the appends' transactions, and at most one per SPACING_SECONDS: they must not slow a commit."""

    def __init__(self, pool: Pool) -> None:
        """Nothing is sent before the first commit."""
        self._pool = pool
        self._due = asyncio.Event()
        self._stopping = False
        self._task: asyncio.Task[None] | None = None

    def soon(self) -> None:
        """Something was committed."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="wake the relay")
        self._due.set()

    async def stop(self) -> None:
        """Notify of what is left, then no more."""
        self._stopping = True
        self._due.set()
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        while not self._stopping:
            await self._due.wait()
            self._due.clear()
            # When it fails the relay finds the events all the same: it also looks by itself.
            with suppress(
                OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError
            ):
                await self._pool.execute(_NOTIFY)
            await asyncio.sleep(SPACING_SECONDS)
