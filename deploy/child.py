"""One supervised process: started, watched, restarted with backoff when it dies, stopped politely and then not."""

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from pwd import struct_passwd
from typing import Final

import psutil
import structlog

from deploy.logfile import LogFile
from deploy.tether import tethered

BACKOFF_SECONDS: Final = (0.2, 0.5, 1.0, 2.0, 5.0)
STEADY_SECONDS: Final = 10.0
LAST_WORDS_SECONDS: Final = 1.0
CHUNK_BYTES: Final = 65_536

logger = structlog.get_logger()


@dataclass(frozen=True)
class Program:
    """What is run, and how it is ended: its polite signal, and how long it may take before it is killed."""

    name: str
    command: list[str]
    environment: Mapping[str, str]
    folder: Path
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds_max: float = 15.0
    user: struct_passwd | None = None


class Child:
    """A program that is kept running until it is stopped. It ends with this process, whatever happens to that."""

    def __init__(self, program: Program, log: Path, changed: Callable[[], None] = lambda: None) -> None:
        """`changed` is called whenever the process id or the number of restarts has changed."""
        self.program, self.log, self._changed = program, log, changed
        self.restarts = 0
        self.pid: int | None = None
        """None while it is not running."""
        self.born_at = 0.0
        """When it started, in seconds as the machine counts them: with the pid it names one process for ever."""
        self._process: Process | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._writing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start it and keep it running."""
        await self._spawn()
        self._keeping = asyncio.create_task(self._keep(), name=f"keep {self.program.name}")

    async def stop(self) -> None:
        """Ask, wait, then kill; afterwards nothing of it runs."""
        await _ended(self._keeping)
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(self.program.stop_signal)
            try:
                await asyncio.wait_for(self._process.wait(), self.program.stop_seconds_max)
            except TimeoutError:
                logger.warning("child.killed", child=self.program.name, seconds=self.program.stop_seconds_max)
                self.kill()
                await self._process.wait()
        await self._died()

    def kill(self) -> None:
        """End it and everything it started, now."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    async def _spawn(self) -> None:
        program = self.program
        self._process = await asyncio.create_subprocess_exec(
            *tethered(program.command, program.stop_signal, program.user),
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=STDOUT,
            env=dict(program.environment),
            cwd=program.folder,
            # A terminal's Ctrl-C is for the supervisor, which then stops everything in order.
            start_new_session=True,
        )
        self.pid = self._process.pid
        with contextlib.suppress(psutil.NoSuchProcess):
            self.born_at = psutil.Process(self.pid).create_time()
        self._writing = asyncio.create_task(self._write_log(self._process), name=f"log {program.name}")
        self._changed()

    async def _write_log(self, process: Process) -> None:
        assert process.stdout is not None
        with contextlib.closing(LogFile(self.log)) as log:
            while chunk := await process.stdout.read(CHUNK_BYTES):
                log.write(chunk)

    async def _keep(self) -> None:
        failures = 0
        clock = asyncio.get_running_loop().time
        while True:
            assert self._process is not None
            started = clock()
            code = await self._process.wait()
            logger.warning("child.died", child=self.program.name, code=code)
            await self._died()
            failures = 0 if clock() - started > STEADY_SECONDS else failures + 1
            await asyncio.sleep(BACKOFF_SECONDS[min(failures, len(BACKOFF_SECONDS) - 1)])
            self.restarts += 1
            try:
                await self._spawn()
            except OSError:  # the machine is short of something: the dead process is found dead again, a little later
                logger.exception("child.not_started", child=self.program.name)

    async def _died(self) -> None:
        """Its last words are written; what it may have started of its own does not hold us up."""
        self.pid = None
        self._changed()
        if self._writing is not None:
            await asyncio.wait({self._writing}, timeout=LAST_WORDS_SECONDS)
            await _ended(self._writing)


async def _ended(task: asyncio.Task[None] | None) -> None:
    if task is not None:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
