"""One process of a ward's fold: killed, frozen, stopped, and what it logged."""

import asyncio
import contextlib
import json
import os
import signal
import time
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

POLL_SECONDS = 0.05


@dataclass
class Worker:
    """One process of the ward's fold."""

    process: ForkServerProcess
    output: Path

    def kill(self) -> None:
        self.process.kill()
        self.process.join()

    def freeze(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    @property
    def pid(self) -> int:
        assert self.process.pid is not None
        return self.process.pid

    async def stop(self, seconds: float = 45.0) -> int:
        self.process.terminate()
        return await self.ends(seconds)

    async def ends(self, seconds: float | None = None) -> int:
        """The exit code; fails when the process is still there after `seconds`."""
        await asyncio.to_thread(self.process.join, seconds)
        assert self.process.exitcode is not None, self.output.read_text()[-3000:]
        return self.process.exitcode

    def lines(self) -> list[dict[str, Any]]:
        """What it logged."""
        found = []
        for line in self.output.read_text().splitlines():
            with contextlib.suppress(json.JSONDecodeError):
                found.append(json.loads(line))
        return found

    def said(self, event: str) -> list[dict[str, Any]]:
        return [line for line in self.lines() if line.get("event") == event]

    async def says(self, event: str, seconds: float = 40.0) -> dict[str, Any]:
        """The first log line of this kind, waited for."""
        await until(lambda: self.said(event), seconds, lambda: f"{event}: {self.output.read_text()[-3000:]}")
        return self.said(event)[0]


async def until(holds: Any, seconds: float, otherwise: Any = lambda: "") -> None:
    """Wait until `holds()`; fail with `otherwise()` after `seconds`."""
    ends_at = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < ends_at, otherwise()
        await asyncio.sleep(POLL_SECONDS)
