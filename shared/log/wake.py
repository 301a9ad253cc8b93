"""Tells the relay that there is something to send: one notification for all that was committed meanwhile."""

import asyncio
from contextlib import suppress
from typing import Final

from shared.database import UNREACHABLE, Pool

CHANNEL: Final = "log_appended"
SPACING_SECONDS: Final = 0.004

# A transaction that notifies holds a lock of the whole server until it is on disk; this one has nothing to lose.
_NOTIFY: Final = f"select set_config('synchronous_commit', 'off', true), pg_notify('{CHANNEL}', '')"


class Wake:
    """Notifications outside the appends' transactions, and at most one per SPACING_SECONDS: they must not slow a commit."""

    def __init__(self, pool: Pool) -> None:
        """Nothing is sent before the first commit."""
        self._pool, self._due = pool, False
        self._task: asyncio.Task[None] | None = None

    def soon(self) -> None:
        """Something was committed."""
        self._due = True
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="wake the relay")

    async def stop(self) -> None:
        """Notify of what is left."""
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        while self._due:
            self._due = False
            # When it fails the relay finds the events all the same: it also looks by itself.
            with suppress(*UNREACHABLE):
                await self._pool.execute(_NOTIFY)
            await asyncio.sleep(SPACING_SECONDS)
