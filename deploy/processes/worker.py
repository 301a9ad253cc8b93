"""The worker of a service: relay, projections, policies and timers in one process."""

import asyncio
from collections.abc import Coroutine
from importlib import import_module
from typing import Any

import structlog

from deploy.processes.serving import serve_ops, told_to_stop
from shared.checkpoint import Reader
from shared.cloudevents import topic_of
from shared.codec import Codec
from shared.health import Health
from shared.keyring import Keyring
from shared.log import Log
from shared.logs import configure
from shared.membership import instance_of
from shared.policy import PolicyReader
from shared.projecting import EventReader, TableReader
from shared.projector import Projection, Projector
from shared.relay import Relay
from shared.resources import Resources, opened
from shared.service import Service
from shared.settings import Settings
from shared.timers import Timers

logger = structlog.get_logger()


def run_worker(service: Service) -> None:
    """Run until SIGTERM or SIGINT. Settings come from the environment."""
    settings = Settings()
    configure(service.name, "worker", settings.log_level)
    asyncio.run(_run(service, settings))


async def _run(service: Service, settings: Settings) -> None:
    told, health = told_to_stop(), Health()
    async with opened(service, settings, "worker") as here:
        parts = _parts(here, health)
        async with serve_ops(health, settings.http_host, settings.http_port) as port:
            logger.info("worker.starts", service=service.name, port=port)
            tasks = [asyncio.create_task(part, name=name) for name, part in parts.items()]
            # A part never ends by itself but when it must not go on (too much parked): then its health says so.
            await told.wait()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    logger.info("worker.ends", service=service.name)


def _parts(here: Resources, health: Health) -> dict[str, Coroutine[Any, Any, None]]:
    service, settings = here.service, here.settings
    relay = Relay(service.name, settings)
    health["relay"], parts = relay.check, {"relay": relay.run()}
    for reader in readers_of(service, here.log, here.keyring):
        # Programs of two versions side by side each hear every event; only the one whose rows are live writes.
        group = f"{service.name}.{reader.name}" + ("" if reader.version == 1 else f".v{reader.version}")
        projector = Projector(reader, here.pool, settings, group, instance_of(settings))
        health[reader.name], parts[reader.name] = projector.check, projector.run()
    if service.timers:
        parts["timers"] = Timers(service.timers, here.pool, here.log).run()
    return parts


def readers_of(service: Service, log: Log, keyring: Keyring) -> list[Reader]:
    """Everything of a service that reads topics into its database."""
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
