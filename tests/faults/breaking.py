"""Breaks parts of the running system, and measures how long each takes to be itself again."""

import asyncio
import signal
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

import httpx

from deploy import kafka as kafka_server
from deploy import postgres as postgres_server
from tests.faults.ground import Ground
from tests.faults.ledger import Ledger
from tests.faults.plan import Fault

LOOK_SECONDS: Final = 0.1
RECOVERY_SECONDS_MAX: Final = 240.0
"""Counted from the last fault anywhere: while things go on breaking nobody promises to be ready."""


class Breaking:
    """One method for each kind of fault; what lasts is ended by `heal`."""

    def __init__(self, ground: Ground, ledger: Ledger) -> None:
        """`recovered` collects seconds by component."""
        self.ground, self.system, self.ledger = ground, ground.system, ledger
        for kind, reason in ground.missing.items():
            ledger.skip(kind, reason)
        self.recovered: defaultdict[str, list[float]] = defaultdict(list)
        self.never: list[str] = []
        """What was not itself again within RECOVERY_SECONDS_MAX."""
        self._broken_at = 0.0
        self._tasks: set[asyncio.Task[None]] = set()
        self._kinds: dict[str, Callable[[Fault], Awaitable[None]]] = {
            "kill": self._kill,
            "terminate": self._terminate,
            "pause": self._pause,
            "broker-kill": self._kill,
            "postgres-stop": self._postgres_stop,
        }

    @property
    def kinds(self) -> frozenset[str]:
        """What can be broken here."""
        return frozenset(self._kinds) - self.ground.missing.keys()

    async def do(self, fault: Fault) -> None:
        """Begin it; what lasts goes on by itself."""
        self._broken_at = asyncio.get_running_loop().time()
        await self._kinds[fault.kind](fault)

    async def heal(self) -> None:
        """Wait until what lasts has ended and everything that was broken is itself again."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    async def _kill(self, fault: Fault) -> None:
        await self._signal(fault, signal.SIGKILL)

    async def _terminate(self, fault: Fault) -> None:
        await self._signal(fault, signal.SIGTERM)

    async def _postgres_stop(self, fault: Fault) -> None:
        """The server's word for `stop at once, as in a crash`; its supervisor starts it again."""
        await self._signal(fault, signal.SIGQUIT)

    async def _signal(self, fault: Fault, number: signal.Signals) -> None:
        pid = self.pid(fault.target)
        if pid is None or not self.system.kill(fault.target, number):
            return  # it is just being started again
        self.ledger.fault(fault.kind, fault.target)
        self.later(self.recovers(fault.target, pid))

    async def _pause(self, fault: Fault) -> None:
        """A process that sleeps does not know that others took its place: a zombie when it wakes."""
        pid = self.pid(fault.target)
        if pid is None or not self.system.kill(fault.target, signal.SIGSTOP):
            return
        self.ledger.fault(fault.kind, fault.target, seconds=fault.seconds)

        async def wake() -> None:
            await asyncio.sleep(fault.seconds)
            if self.pid(fault.target) == pid:
                self.system.kill(fault.target, signal.SIGCONT)
            await self.recovers(fault.target, None)

        self.later(wake())

    def pid(self, name: str) -> int | None:
        """The process as it is now."""
        found: int | None = self.system.process(name)["pid"]
        return found

    def later(self, work: Any) -> None:
        """Goes on beside everything else."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def recovers(self, name: str, gone: int | None) -> None:
        """Measure how long `name` takes: the process `gone` has ended, another one runs and says that it is ready."""
        clock = asyncio.get_running_loop().time
        began = clock()
        kind = name.rpartition("-")[2]
        async with httpx.AsyncClient(timeout=3.0, trust_env=False) as client:
            while clock() - max(began, self._broken_at) < RECOVERY_SECONDS_MAX:
                if await self._is_itself(client, name, gone):
                    self.recovered[kind].append(clock() - began)
                    self.ledger.write("recovered", target=name, seconds=round(clock() - began, 2))
                    return
                await asyncio.sleep(LOOK_SECONDS)
        self.never.append(f"{name} was not ready {RECOVERY_SECONDS_MAX:.0f} s after the last fault")

    async def _is_itself(self, client: httpx.AsyncClient, name: str, gone: int | None) -> bool:
        process = self.system.process(name)
        if process["pid"] is None or process["pid"] == gone:
            return False
        if name == "postgres":
            return await asyncio.to_thread(postgres_server.takes_sessions, process["port"])
        if name == "kafka":
            return await asyncio.to_thread(kafka_server.takes_connections, process["port"])
        with suppress(httpx.HTTPError):
            return (await client.get(f"{process['ops']}/readyz")).status_code == httpx.codes.OK
        return False
