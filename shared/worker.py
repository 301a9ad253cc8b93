"""The worker of a service: relay, projections, policies and timers in one process."""

import asyncio
import signal
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

import structlog

from shared.cloudevents import topic_of
from shared.codec import Codec
from shared.database import Pool, open_pool
from shared.health import Health, serve_ops
from shared.keyring import Keyring, SiteKeys
from shared.log import Log
from shared.logs import configure
from shared.membership import instance_of
from shared.policy import PolicyReader
from shared.projecting import EventReader, TableReader
from shared.projector import Projection, Projector, Reader
from shared.relay import Relay
from shared.settings import Settings
from shared.timers import Timers

if TYPE_CHECKING:
    from shared.service import Service

logger = structlog.get_logger()


def run_worker(service: "Service") -> None:
    """Run until SIGTERM or SIGINT. Settings come from the environment."""
    settings = Settings()
    configure(service.name, "worker", settings.log_level)
    asyncio.run(_run(service, settings))


async def _run(service: "Service", settings: Settings) -> None:
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    async with (
        _parts(service, settings) as (health, parts),
        serve_ops(health, settings.http_host, settings.http_port) as port,
    ):
        logger.info("worker.starts", service=service.name, port=port)
        tasks = [asyncio.create_task(part, name=name) for name, part in parts.items()]
        ends = asyncio.create_task(told.wait())
        # A part never ends by itself but when it must not go on (too much parked): then its health says so.
        await ends
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    logger.info("worker.ends", service=service.name)


@asynccontextmanager
async def _parts(
    service: "Service", settings: Settings
) -> AsyncIterator[tuple[Health, Mapping[str, Coroutine[Any, Any, None]]]]:
    pool = await _pool(settings.database_dsn, f"{service.name} worker", settings)
    keys = await _pool(settings.keyring_dsn, f"{service.name} worker", settings)
    keyring = Keyring(keys, SiteKeys.read(settings.site_keys_file))
    health, parts = Health(), dict[str, Coroutine[Any, Any, None]]()
    async with Log(pool, Codec(service.vocabulary), keyring, settings) as log:
        relay = Relay(service.name, settings)
        health.add("relay", relay.check)
        parts["relay"] = relay.run()
        for reader in _readers(service, log, keyring):
            projector = Projector(reader, pool, settings, f"{service.name}.{reader.name}", instance_of(settings))
            health.add(reader.name, projector.check)
            parts[reader.name] = projector.run()
        if service.timers:
            parts["timers"] = Timers(service.timers, pool, log).run()
        yield health, parts
    await pool.close()
    await keys.close()


def _readers(service: "Service", log: Log, keyring: Keyring) -> list[Reader]:
    readers: list[Reader] = []
    for one in service.projections:
        if isinstance(one, Projection):
            readers.append(EventReader(one, codecs(one.topics), keyring if one.opens_sealed else None))
        else:
            readers.append(TableReader(one))
    return readers + [PolicyReader(one, codecs(one.topics), log) for one in service.policies]


def codecs(topics: tuple[str, ...]) -> dict[str, Codec]:
    """The codec of each topic of events, `<service>.events.v1`."""
    made = {topic: Codec(import_module(f"shared.events.{topic.partition('.')[0]}")) for topic in topics}
    assert all(topic == topic_of(codec.service) for topic, codec in made.items())
    return made


async def _pool(dsn: str, name: str, settings: Settings) -> Pool:
    return await open_pool(
        dsn,
        name=name,
        connections_max=settings.pool_connections_max,
        statement_seconds_max=settings.statement_seconds_max,
    )
