"""Breaks what the processes stand on: the broker's data, the network, the disks, the clock; and starts them twice."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from deploy import kafka as kafka_server
from deploy.bootstrap import prepare_topics
from deploy.ports import free_ports
from deploy.programs import service_program
from deploy.tether import tethered
from tests.faults.breaking import Breaking
from tests.faults.ground import Ground
from tests.faults.ledger import Ledger
from tests.faults.plan import Fault
from tests.system import System

TOPICS_SECONDS_MAX: Final = 120.0


class Surroundings(Breaking):
    """The faults that need more than a signal."""

    def __init__(self, ground: Ground, ledger: Ledger) -> None:
        """Servers are broken one after the other: of two that are down at once neither would show what it does."""
        super().__init__(ground, ledger)
        self._servers = asyncio.Lock()
        self._kinds |= {
            "broker-lost": self._broker_lost,
            "second-copy": self._second_copy,
            "network-cut": self._network_cut,
            "network-delay": self._network_delay,
            "disk-full": self._disk_full,
            "clock-step": self._clock_step,
        }

    async def _broker_lost(self, fault: Fault) -> None:
        """P1: the broker dies and all its data with it; an operator makes the topics anew, nothing else."""
        self.later(self._lose_broker(fault))

    async def _lose_broker(self, fault: Fault) -> None:
        async with self._servers:
            pid = self.pid("kafka")
            if pid is None:
                return
            self.ledger.fault(fault.kind, fault.target)
            await asyncio.to_thread(self._delete_broker, pid)
            await self.recovers("kafka", pid)
            async with asyncio.timeout(TOPICS_SECONDS_MAX):
                await self._make_topics()

    def _delete_broker(self, pid: int) -> None:
        """Its supervisor sleeps meanwhile, so that nobody starts it on half of its data."""
        system = self.system
        folder, ports = system.instance.folder / "kafka", ports_of(self.system)
        with self._asleep(system.instance.state()["supervisor_pid"]):
            os.kill(pid, signal.SIGKILL)
            shutil.rmtree(folder / "data")
            advertised = f"127.0.0.1:{self.ground.proxies['kafka'].port}"
            kafka_server.command(folder, ports["kafka"], ports["kafka-controller"], advertised=advertised)

    @contextmanager
    def _asleep(self, pid: int) -> Iterator[None]:
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    async def _make_topics(self) -> None:
        while True:
            try:
                await prepare_topics(self.system.kafka)
            except Exception as error:  # noqa: BLE001 - the broker may be killed meanwhile; an operator would try again
                self.ledger.write("topics not made", error=repr(error))
                await asyncio.sleep(1.0)
            else:
                return

    async def _second_copy(self, fault: Fault) -> None:
        await self.second_copy(fault)

    async def second_copy(self, fault: Fault) -> int:
        """The same process once more, then killed or stopped: lanes and partitions change hands twice. Its port."""
        service, _, kind = fault.target.partition("-")
        ports = ports_of(self.system) | {fault.target: free_ports(1)[0]}
        program = service_program(self.system.instance, service, kind, ports)
        folder = self.system.instance.folder / f"copy-{fault.target}"
        environment = dict(program.environment) | self.system.environment | {"EVENKEEL_DATA_DIR": str(folder)}
        with (self.system.instance.logs / f"{fault.target}.copy.log").open("ab") as log:
            copy = subprocess.Popen(  # noqa: ASYNC220 - it only has to be begun
                tethered(list(program.command)),
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=program.folder,
            )
        self.ledger.fault(fault.kind, fault.target, seconds=fault.seconds)

        async def end() -> None:
            await asyncio.sleep(fault.seconds)
            copy.send_signal(signal.SIGKILL if fault.size > 0.15 else signal.SIGTERM)
            await asyncio.to_thread(copy.wait)

        self.later(end())
        return ports[fault.target]

    async def _network_cut(self, fault: Fault) -> None:
        """The process runs, but reaches neither PostgreSQL nor Kafka."""
        pid = self.pid(fault.target)
        if pid is None:
            return
        proxies = self.ground.proxies.values()
        ended = await asyncio.to_thread(lambda: sum(proxy.cut(pid) for proxy in proxies))
        self.ledger.fault(fault.kind, fault.target, seconds=fault.seconds, connections=ended)

        async def mend() -> None:
            await asyncio.sleep(fault.seconds)
            for proxy in proxies:
                proxy.mend(pid)
            await self.recovers(fault.target, None)

        self.later(mend())

    async def _network_delay(self, fault: Fault) -> None:
        """Everything takes longer on the way to both servers and back."""
        proxies = self.ground.proxies.values()
        for proxy in proxies:
            proxy.delay_seconds = fault.size
        self.ledger.fault(fault.kind, "every connection", seconds=fault.seconds, delay_seconds=fault.size)

        async def end() -> None:
            await asyncio.sleep(fault.seconds)
            for proxy in proxies:
                proxy.delay_seconds = 0.0

        self.later(end())

    async def _disk_full(self, fault: Fault) -> None:
        """Nothing can be written any more by one of the servers, until somebody makes room."""
        self.later(self._fill(fault))

    async def _fill(self, fault: Fault) -> None:
        async with self._servers:
            await asyncio.to_thread(self.ground.fill, fault.target)
            self.ledger.fault(fault.kind, fault.target, seconds=fault.seconds)
            await asyncio.sleep(fault.seconds)
            self.ground.empty(fault.target)
            await self.recovers(fault.target, None)

    async def _clock_step(self, fault: Fault) -> None:
        """The services' clocks jump, PostgreSQL's does not; then back."""
        self.ground.step(int(fault.size))
        self.ledger.fault(fault.kind, fault.target, seconds=fault.seconds, step_seconds=int(fault.size))

        async def back() -> None:
            await asyncio.sleep(fault.seconds)
            self.ground.step(0)

        self.later(back())


def ports_of(system: System) -> dict[str, int]:
    """Name to port, as the running system has them."""
    ports: dict[str, int] = json.loads((system.instance.folder / "ports.json").read_text())
    return ports
