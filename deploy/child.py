"""One supervised process: started, watched, restarted with backoff when it dies, stopped politely and then not."""

import asyncio
import contextlib
import ctypes
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from logging.handlers import RotatingFileHandler
from pathlib import Path
from pwd import struct_passwd
from typing import Final

import structlog

BACKOFF_SECONDS: Final = (0.2, 0.5, 1.0, 2.0, 5.0)
STEADY_SECONDS: Final = 10.0
STOP_SECONDS_MAX: Final = 15.0
LOG_BYTES_MAX: Final = 20_000_000
LOG_FILES_KEPT: Final = 3
_PR_SET_PDEATHSIG: Final = 1
_LIBC = ctypes.CDLL(None, use_errno=True)

logger = structlog.get_logger()


@dataclass
class Child:
    """How to run it and what became of it; `stop_signal` is its polite word for the end."""

    name: str
    command: list[str]
    environment: Mapping[str, str]
    log: Path
    stop_signal: signal.Signals = signal.SIGTERM
    user: struct_passwd | None = None
    changed: Callable[[], None] = lambda: None
    restarts: int = 0
    process: asyncio.subprocess.Process | None = None
    stopping: bool = False
    _task: asyncio.Task[None] | None = field(default=None, init=False)

    @property
    def pid(self) -> int | None:
        """None while it is not running."""
        return self.process.pid if self.process and self.process.returncode is None else None

    async def start(self) -> None:
        """Start it and keep it running."""
        await self._spawn()
        self._task = asyncio.create_task(self._keep(), name=f"keep {self.name}")

    async def stop(self) -> None:
        """Ask, wait, then kill."""
        self.stopping = True
        if self.process is not None and self.process.returncode is None:
            self.process.send_signal(self.stop_signal)
            try:
                await asyncio.wait_for(self.process.wait(), STOP_SECONDS_MAX)
            except TimeoutError:
                logger.warning("child.killed", child=self.name)
                self.process.kill()
                await self.process.wait()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _spawn(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            *self.command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=dict(self.environment),
            # A terminal's Ctrl-C is for the supervisor, which then stops everything in order.
            start_new_session=True,
            user=self.user.pw_uid if self.user else None,
            group=self.user.pw_gid if self.user else None,
            extra_groups=[] if self.user else None,
            preexec_fn=self._die_with_parent,
        )
        self._writer = asyncio.create_task(self._write_log(self.process), name=f"log {self.name}")
        self.changed()

    def _die_with_parent(self) -> None:
        """A supervisor that is killed leaves no orphans: the kernel sends them their stop signal."""
        _LIBC.prctl(_PR_SET_PDEATHSIG, int(self.stop_signal), 0, 0, 0)

    async def _write_log(self, process: asyncio.subprocess.Process) -> None:
        """Lines into a file that is turned over when it has grown."""
        handler = RotatingFileHandler(self.log, maxBytes=LOG_BYTES_MAX, backupCount=LOG_FILES_KEPT)
        assert process.stdout is not None
        try:
            while chunk := await process.stdout.read(65_536):
                assert handler.stream is not None
                handler.stream.write(chunk.decode("utf-8", "replace"))
                handler.stream.flush()
                if handler.stream.tell() > LOG_BYTES_MAX:
                    handler.doRollover()
        finally:
            handler.close()

    async def _keep(self) -> None:
        failures = 0
        while True:
            assert self.process is not None
            started = time.monotonic()
            code = await self.process.wait()
            if self.stopping:
                return
            failures = 0 if time.monotonic() - started > STEADY_SECONDS else failures + 1
            logger.warning("child.died", child=self.name, code=code)
            self.changed()
            await asyncio.sleep(BACKOFF_SECONDS[min(failures, len(BACKOFF_SECONDS) - 1)])
            self.restarts += 1
            await self._spawn()
