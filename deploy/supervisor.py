"""Runs a local system: PostgreSQL, Kafka and every process of the three services, in one data folder."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import httpx
import structlog

from deploy import kafka, postgres
from deploy.bootstrap import prepare_databases, prepare_topics
from deploy.child import Child
from deploy.instance import PROCESSES, Instance, Places

READY_SECONDS_MAX: Final = 120.0
LOOK_SECONDS: Final = 0.1

type Say = Callable[[str], None]

logger = structlog.get_logger()


class NotReady(Exception):  # noqa: N818 - said to an operator as it is
    """A process did not become ready; its log says why."""


class Supervisor:
    """Starts everything, keeps it running, stops it in the opposite order."""

    def __init__(self, instance: Instance, port_base: int | None = None, say: Say = print) -> None:
        """`say` is told what is going on, a line at a time."""
        self._instance, self._say = instance, say
        instance.prepare()
        self._ports = instance.ports(port_base)
        self._children: list[Child] = []
        self._phase = "starting"
        self._told = asyncio.Event()

    async def run(self) -> None:
        """Until SIGTERM or SIGINT. Raises NotReady, PostgresFailed, KafkaFailed or KafkaMissing when it cannot start."""
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._told.set)
        try:
            started = asyncio.create_task(self._start(), name="start")
            told = asyncio.create_task(self._told.wait(), name="told")
            await asyncio.wait({started, told}, return_when=asyncio.FIRST_COMPLETED)
            if started.done():
                await started
            else:
                started.cancel()
            await told
        finally:
            await self._stop()

    async def _start(self) -> None:
        self._say("Starting PostgreSQL and Kafka")
        server = await asyncio.to_thread(postgres.prepare, self._instance.folder / "postgres", self._ports["postgres"])
        await asyncio.gather(self._start_postgres(server), self._start_kafka())
        self._say("Preparing databases and topics")
        address = f"127.0.0.1:{self._ports['postgres']}"
        superuser = (server.superuser, server.password)
        await asyncio.gather(
            prepare_databases(address, superuser, self._instance.passwords()),
            prepare_topics(f"127.0.0.1:{self._ports['kafka']}"),
        )
        self._say("Starting the services")
        for service, kinds in PROCESSES.items():
            for kind in kinds:
                await self._add(self._service(service, kind))
        await asyncio.gather(*(self._until_ready(child.name) for child in self._children[2:]))
        self._phase = "ready"
        self._note()
        self._say("Ready")

    async def _start_postgres(self, server: postgres.Postgres) -> None:
        child = Child(
            "postgres",
            postgres.foreground(server),
            postgres.environment(),
            self._instance.logs / "postgres.log",
            signal.SIGINT,  # PostgreSQL's word for a fast shutdown
            postgres.user(),
        )
        await self._add(child, first=True)
        await self._until(lambda: _listens(self._ports["postgres"]), child)

    async def _start_kafka(self) -> None:
        folder = self._instance.folder / "kafka"
        command = await asyncio.to_thread(kafka.command, folder, self._ports["kafka"], self._ports["kafka-controller"])
        child = Child("kafka", command, _inherited(), self._instance.logs / "kafka.log")
        await self._add(child)
        await self._until(lambda: _listens(self._ports["kafka"]), child)

    def _service(self, service: str, kind: str) -> Child:
        ports = self._ports
        servers = f"127.0.0.1:{ports['postgres']}", f"127.0.0.1:{ports['kafka']}"
        places = Places(*servers, "127.0.0.1", ports[f"{service}-{kind}"])
        environment = _inherited() | self._instance.environment(service, kind, places)
        root = str(Path(__file__).parent.parent)
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
        command = [sys.executable, "-m", "deploy.serve", service, kind]
        name = f"{service}-{kind}"
        return Child(name, command, environment, self._instance.logs / f"{name}.log")

    async def _add(self, child: Child, *, first: bool = False) -> None:
        child.changed = self._note
        self._children.insert(0 if first else len(self._children), child)
        await child.start()

    async def _until_ready(self, name: str) -> None:
        async with httpx.AsyncClient(timeout=2.0) as client:

            async def ready() -> bool:
                try:
                    answer = await client.get(f"http://127.0.0.1:{self._ports[name]}/readyz")
                except httpx.HTTPError:
                    return False
                return answer.status_code == httpx.codes.OK

            await self._until(ready, next(child for child in self._children if child.name == name))

    async def _until(self, reached: Callable[[], Awaitable[bool]], child: Child) -> None:
        end = asyncio.get_running_loop().time() + READY_SECONDS_MAX
        while not await reached():
            if asyncio.get_running_loop().time() > end:
                raise NotReady(f"{child.name} is not ready after {READY_SECONDS_MAX:.0f} s, see {child.log}")
            await asyncio.sleep(LOOK_SECONDS)

    async def _stop(self) -> None:
        """The services first, then the broker, PostgreSQL last: whoever stops can still finish what it has in hand."""
        self._phase = "stopping"
        self._note()
        self._say("Stopping")
        servers = [child for name in ("kafka", "postgres") for child in self._children if child.name == name]
        await asyncio.gather(*(child.stop() for child in self._children if child not in servers))
        for child in servers:
            await child.stop()
        self._phase = "stopped"
        self._note()

    def _note(self) -> None:
        """Write down what runs, for `status` and everybody else."""
        ports = self._ports
        self._instance.write_state(
            {
                "phase": self._phase,
                "supervisor_pid": os.getpid(),
                "kafka": f"127.0.0.1:{ports['kafka']}",
                "postgres": f"127.0.0.1:{ports['postgres']}",
                "urls": {service: f"http://127.0.0.1:{ports[f'{service}-api']}" for service in PROCESSES},
                "processes": {child.name: self._described(child) for child in self._children},
            }
        )

    def _described(self, child: Child) -> dict[str, Any]:
        port = self._ports[child.name]
        ops = {} if child.name in {"postgres", "kafka"} else {"ops": f"http://127.0.0.1:{port}"}
        return {"pid": child.pid, "port": port, "restarts": child.restarts, "log": str(child.log), **ops}


async def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _inherited() -> dict[str, str]:
    """What of our own environment a child may see: nothing of somebody else's settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith("EVENKEEL_")}


def main(folder: str, port_base: str = "") -> None:
    """The detached supervisor's process."""
    instance = Instance(Path(folder))
    with instance.held():
        asyncio.run(Supervisor(instance, int(port_base) if port_base else None).run())


if __name__ == "__main__":
    main(*sys.argv[1:])
