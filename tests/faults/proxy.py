"""A TCP proxy between the services and a server: it can cut some of the connections, or make the way slow."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

import psutil

CHUNK_BYTES: Final = 65_536
CONNECT_SECONDS_MAX: Final = 5.0


@dataclass(eq=False)
class Wire:
    """One connection: the near end's port says whose it is."""

    port: int
    writers: tuple[asyncio.StreamWriter, ...]

    def cut(self) -> None:
        """Both ends are told nothing more than that it is over."""
        for writer in self.writers:
            with suppress(OSError):
                writer.transport.abort()


@dataclass
class Proxy:
    """Listens on a port of its own and passes on to wherever `target` says the server is now."""

    target: Callable[[], tuple[str, int]]
    port: int
    loop: asyncio.AbstractEventLoop
    """In which it runs; `cut` may be called from anywhere."""
    delay_seconds: float = 0.0
    """On everything that passes, in both directions."""
    cut_pids: set[int] = field(default_factory=set)
    """Processes that do not get through."""
    _wires: set[Wire] = field(default_factory=set)
    _server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._pass_on, "127.0.0.1", self.port)

    async def stop(self) -> None:
        """Listen no more; what is open is cut."""
        assert self._server is not None
        self._server.close()
        for wire in list(self._wires):
            wire.cut()
        with suppress(TimeoutError):
            async with asyncio.timeout(CONNECT_SECONDS_MAX):
                await self._server.wait_closed()

    def cut(self, pid: int) -> int:
        """Cut a process off until `mend`; how many connections that ended."""
        self.cut_pids.add(pid)
        ports = set(_ports_of(pid))
        ended = [wire for wire in list(self._wires) if wire.port in ports]
        for wire in ended:
            self.loop.call_soon_threadsafe(wire.cut)
        return len(ended)

    def mend(self, pid: int) -> None:
        """Let it through again."""
        self.cut_pids.discard(pid)

    async def _pass_on(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        port: int = back.get_extra_info("peername")[1]
        if any(port in set(_ports_of(pid)) for pid in tuple(self.cut_pids)):
            back.transport.abort()
            return
        try:
            async with asyncio.timeout(CONNECT_SECONDS_MAX):
                far, forth = await asyncio.open_connection(*self.target())
        except (OSError, TimeoutError):
            back.transport.abort()
            return
        wire = Wire(port, (back, forth))
        self._wires.add(wire)
        try:
            await asyncio.gather(self._copy(near, forth), self._copy(far, back))
        finally:
            self._wires.discard(wire)
            wire.cut()

    async def _copy(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        """What arrives later waits behind what arrived earlier: a slow way does not change the order."""
        with suppress(OSError):
            while chunk := await source.read(CHUNK_BYTES):
                if self.delay_seconds:
                    await asyncio.sleep(self.delay_seconds)
                sink.write(chunk)
                await sink.drain()
        with suppress(OSError):
            if sink.can_write_eof():
                sink.write_eof()


def _ports_of(pid: int) -> Iterator[int]:
    """The near ends of a process's connections."""
    try:
        for one in psutil.Process(pid).net_connections("tcp"):
            if one.laddr:
                yield one.laddr.port
    except psutil.Error:
        return
