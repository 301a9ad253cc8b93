"""A worker that is started again whenever it ends, as in real life."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from tests.shared.fold.driving import Ward


@contextlib.asynccontextmanager
async def supervised(a_ward: Ward, **options: Any) -> AsyncIterator[list[int]]:
    """Keep one worker running, started again whenever it ends; gives the exit codes so far."""
    codes: list[int] = []

    async def supervise() -> None:
        while True:
            worker = a_ward.start(instance="one", **options)
            codes.append(await worker.ends())

    task = asyncio.ensure_future(supervise())
    try:
        yield codes
    finally:
        task.cancel()
