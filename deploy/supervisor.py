"""Runs a local system: PostgreSQL, Kafka and every process of the three services, in one data folder."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import httpx

from deploy import kafka, postgres, preflight
from deploy.bootstrap import prepare_databases, prepare_topics
from deploy.child import Child, Program
from deploy.instance import PROCESSES, AlreadyRunning, Instance, process_names
from deploy.kafka_programs import KafkaFailed, KafkaMissing
from deploy.leftovers import start_guardian, stop_leftovers
from deploy.migrating import MigrationEdited
from deploy.ports import PortsTaken
from deploy.programs import kafka_program, postgres_program, service_program, verifier_program
from deploy.proof.older import older_logs, topics_ahead

READY_SECONDS_MAX: Final = 180.0
LOOK_SECONDS: Final = 0.1
ASK_SECONDS_MAX: Final = 3.0
# A process that dies so often before it was ever ready will not get better.
DEATHS_MAX: Final = 3
LAST_WORDS_CHARS: Final = 2000

type Say = Callable[[str], None]


class NotReady(Exception):  # noqa: N818 - said to an operator as it is
    """A process did not become ready; its log says why."""


FAILURES: Final = (
    AlreadyRunning,
    NotReady,
    PortsTaken,
    MigrationEdited,
    KafkaMissing,
    KafkaFailed,
    postgres.PostgresFailed,
)
"""Why a start fails, in words for an operator."""


class Supervisor:
    """Starts everything, keeps it running, stops it in the opposite order."""

    def __init__(self, instance: Instance, port_base: int | None, say: Say, ready: Callable[[], None]) -> None:
        """`say` is told what is going on, a line at a time; `ready` is called once. Raises PortsTaken."""
        self._instance, self._say, self._ready = instance, say, ready
        self._phase = "starting"
        self._children: dict[str, Child] = {}
        self._told = asyncio.Event()
        instance.prepare()
        before = instance.state()
        instance.write_state(before | {"phase": self._phase, "supervisor_pid": os.getpid()})
        if left := stop_leftovers(before):
            say(f"Stopped what a killed supervisor had left running: {', '.join(left)}")
        self._ports = instance.ports(port_base)
        self._note()
        self._guardian = start_guardian(instance.state_file)

    async def run(self) -> None:
        """Until SIGTERM or SIGINT; a second one kills. Raises one of FAILURES when it cannot start."""
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._stop_or_kill)
        told = asyncio.create_task(self._told.wait(), name="told")
        start = asyncio.create_task(self._start(), name="start")
        try:
            await asyncio.wait({start, told}, return_when=asyncio.FIRST_COMPLETED)
            if start.done():
                await start
                await told
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None
        finally:
            told.cancel()
            start.cancel()
            await asyncio.wait({start, told})
            await self._stop()

    def _stop_or_kill(self) -> None:
        if self._phase == "stopping":
            for child in self._children.values():
                child.kill()
        self._told.set()

    async def _start(self) -> None:
        """Everything as soon as what it needs is there: an API can do without Kafka."""
        async with asyncio.TaskGroup() as group:
            databases = group.create_task(self._start_postgres())
            topics = group.create_task(self._start_kafka())
            checked = group.create_task(self._check(databases, topics))
            for service, kinds in PROCESSES.items():
                for kind in kinds:
                    group.create_task(self._start_service(service, kind, databases if kind == "api" else checked))
            group.create_task(self._start_verifier(checked))
        self._phase = "ready"
        self._note()
        self._ready()

    async def _start_postgres(self) -> str:
        self._say("Starting PostgreSQL and Kafka")
        port = self._ports["postgres"]
        server = await asyncio.to_thread(postgres.prepare, self._instance.folder / "postgres", port)
        child = await self._add(postgres_program(server))
        await self._until(child, lambda: asyncio.to_thread(postgres.takes_sessions, port))
        applied = await prepare_databases(
            f"127.0.0.1:{port}", (server.superuser, server.password), self._instance.passwords()
        )
        if applied:
            self._say(f"Applied {len(applied)} migrations")
        if found := await older_logs(self._instance, f"127.0.0.1:{port}"):
            raise NotReady("\n".join(found))
        return server.dsn()

    async def _start_kafka(self) -> str:
        child = await self._add(await asyncio.to_thread(kafka_program, self._instance, self._ports))
        await self._until(child, lambda: asyncio.to_thread(kafka.takes_connections, self._ports["kafka"]))
        bootstrap = f"127.0.0.1:{self._ports['kafka']}"
        if made := await prepare_topics(bootstrap):
            self._say(f"Made {len(made)} topics")
        return bootstrap

    async def _check(self, databases: asyncio.Task[str], topics: asyncio.Task[str]) -> None:
        found = await preflight.faults(await topics, await databases)
        found = found or await topics_ahead(self._instance, f"127.0.0.1:{self._ports['postgres']}", await topics)
        if found:
            raise NotReady("\n".join(found))
        self._say("Starting the services")

    async def _start_service(self, service: str, kind: str, needs: asyncio.Task[Any]) -> None:
        await needs
        await self._until_it_says_so(service_program(self._instance, service, kind, self._ports), "/readyz")

    async def _start_verifier(self, needs: asyncio.Task[Any]) -> None:
        """It runs is enough: what it finds is for an operator to read, and stops nobody."""
        await needs
        await self._until_it_says_so(verifier_program(self._instance, self._ports), "/livez")

    async def _until_it_says_so(self, program: Program, path: str) -> None:
        child = await self._add(program)
        async with httpx.AsyncClient(base_url=self._url(program.name), timeout=ASK_SECONDS_MAX) as client:

            async def says_so() -> bool:
                try:
                    return (await client.get(path)).status_code == httpx.codes.OK
                except httpx.HTTPError:
                    return False

            await self._until(child, says_so)

    async def _add(self, program: Program) -> Child:
        child = Child(program, self._instance.logs / f"{program.name}.log", self._note)
        self._children[program.name] = child
        await child.start()
        return child

    async def _until(self, child: Child, reached: Callable[[], Awaitable[bool]]) -> None:
        end = asyncio.get_running_loop().time() + READY_SECONDS_MAX
        while not await reached():
            if child.restarts >= DEATHS_MAX:
                words = child.log.read_text(errors="replace")[-LAST_WORDS_CHARS:]
                raise NotReady(f"{words}\n{child.program.name} dies as soon as it is started, see {child.log}")
            if asyncio.get_running_loop().time() > end:
                raise NotReady(f"{child.program.name} is not ready after {READY_SECONDS_MAX:.0f} s, see {child.log}")
            await asyncio.sleep(LOOK_SECONDS)

    async def _stop(self) -> None:
        """The services first, then the broker, PostgreSQL last: whoever stops can still finish what it has in hand."""
        self._phase = "stopping"
        self._note()
        self._say("Stopping")
        for names in (process_names(), ["kafka"], ["postgres"]):
            await asyncio.gather(*(self._children[name].stop() for name in names if name in self._children))
        self._phase = "stopped"
        self._note()
        await asyncio.to_thread(self._guardian.communicate)  # it has nothing left to guard, and ends

    def _note(self) -> None:
        """Write down what runs, for `status` and everybody else."""
        self._instance.write_state(
            {
                "phase": self._phase,
                "supervisor_pid": os.getpid(),
                "kafka": f"127.0.0.1:{self._ports['kafka']}",
                "postgres": f"127.0.0.1:{self._ports['postgres']}",
                "urls": {service: self._url(f"{service}-api") for service in PROCESSES},
                "processes": {
                    name: self._described(self._children[name])
                    for name in ("postgres", "kafka", *process_names())
                    if name in self._children
                },
            }
        )

    def _described(self, child: Child) -> dict[str, Any]:
        name = child.program.name
        return {
            "pid": child.pid,
            "born_at": child.born_at,
            "port": self._ports[name],
            "restarts": child.restarts,
            "stop_signal": int(child.program.stop_signal),
            "log": str(child.log),
            **({"ops": self._url(name)} if name in process_names() else {}),
        }

    def _url(self, name: str) -> str:
        return f"http://127.0.0.1:{self._ports[name]}"


def main(folder: str, port_base: str, descriptor: str) -> None:
    """The detached supervisor's process; whoever started it reads one JSON line per message until it is ready."""
    os.set_inheritable(int(descriptor), False)
    told = os.fdopen(int(descriptor), "w", buffering=1)

    def tell(**message: object) -> None:
        print(message.get("said") or message, flush=True)  # noqa: T201 - the supervisor's own log
        if not told.closed:
            with contextlib.suppress(BrokenPipeError):  # whoever started us is gone; we go on
                told.write(json.dumps(message) + "\n")

    def ready() -> None:
        tell(ready=True)
        with contextlib.suppress(BrokenPipeError):
            told.close()

    instance = Instance(Path(folder))
    try:
        with instance.held():
            supervisor = Supervisor(
                instance, int(port_base) if port_base else None, lambda said: tell(said=said), ready
            )
            asyncio.run(supervisor.run())
    except FAILURES as failed:
        tell(failed=str(failed) or failed.__doc__)
        sys.exit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
