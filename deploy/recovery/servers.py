"""PostgreSQL and Kafka alone, without the services: what a recovery works on."""

from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from typing import Final

from deploy.databases import KEYRING, SERVICES
from deploy.instance import Instance
from shared.database import Connection, connect

STATEMENT_SECONDS_MAX: Final = 600.0
_AT_WORK: Final = """
select distinct usename from pg_stat_activity where usename similar to '%\\_(api|worker|stream|verifier)' order by usename
"""


@dataclass(frozen=True)
class Servers:
    """Where they are, `host:port`."""

    postgres: str
    kafka: str


class AtWork(Exception):  # noqa: N818 - said to an operator as it is
    """Services are connected; nothing is recovered under their hands. Stop them first."""


@contextmanager
def started(instance: Instance) -> Iterator[Servers]:
    """The instance's own servers, while nobody else runs it. Raises AlreadyRunning, PostgresFailed, KafkaFailed, KafkaMissing."""
    from deploy import kafka, postgres  # noqa: PLC0415 - an image has none of the local servers

    with instance.held():
        ports = instance.ports()
        database = postgres.start(instance.folder / "postgres", ports["postgres"])
        try:
            broker = kafka.start(instance.folder / "kafka", ports["kafka"], ports["kafka-controller"])
            try:
                yield Servers(f"127.0.0.1:{ports['postgres']}", broker.bootstrap)
            finally:
                broker.stop()
        finally:
            database.stop()


async def owners(instance: Instance, servers: Servers, stack: AsyncExitStack) -> dict[str, Connection]:
    """A connection to each database as its owner, closed with the stack. Raises AtWork."""
    passwords, found = instance.passwords(), dict[str, Connection]()
    for name in (*SERVICES, KEYRING):
        dsn = f"postgresql://{name}_owner:{passwords[f'{name}_owner']}@{servers.postgres}/{name}"
        found[name] = await connect(dsn, name="recovery", statement_seconds_max=STATEMENT_SECONDS_MAX)
        stack.push_async_callback(found[name].close)
    await _assert_alone(found)
    return found


async def _assert_alone(connections: Mapping[str, Connection]) -> None:
    if names := [row["usename"] for row in await connections[KEYRING].fetch(_AT_WORK)]:
        raise AtWork(f"{AtWork.__doc__} Connected: {', '.join(names)}")
