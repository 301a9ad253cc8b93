"""Opens a service as its operator needs it: its database, its log and its keyring, with the rights of its worker."""

import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from deploy.databases import SERVICES
from deploy.instance import Instance, Places
from deploy.processes.worker import readers_of
from shared import resources
from shared.checkpoint import Reader
from shared.codec import Codec
from shared.logs import configure
from shared.resources import Resources
from shared.service import Service
from shared.settings import Settings

CONNECTIONS_MAX: Final = 12
STATEMENT_SECONDS_MAX: Final = 3600.0
"""A rebuild copies whole tables in one statement."""


class NotHere(Exception):  # noqa: N818 - said to an operator as it is
    """There is neither a local instance nor a worker's EVENKEEL_… settings for this service."""


@dataclass(frozen=True)
class Opened(Resources):
    """One service, open."""

    @property
    def name(self) -> str:
        """The service's."""
        return self.service.name

    def readers(self) -> dict[str, Reader]:
        """Every reader of topics into the service's database, by name."""
        return {reader.name: reader for reader in readers_of(self.service, self.log, self.keyring)}

    def codecs(self, consumer: str) -> Mapping[str, Codec]:
        """How a consumer reads the events of its topics; empty for one that reads none."""
        fold = self.service.fold
        if fold is not None and consumer == fold.app_id:
            return {topic: Codec(vocabulary) for topic, vocabulary in fold.sources.items()}
        read: Mapping[str, Codec] = getattr(self.readers()[consumer], "codecs", {})
        return read


def services_here(data: Path) -> list[str]:
    """The services that can be operated from here: a local instance's, or the one whose worker's settings these are."""
    if Instance(data.resolve()).state().get("postgres"):
        return list(SERVICES)
    role = urlsplit(os.environ.get("EVENKEEL_DATABASE_DSN", "")).username or ""
    return [name for name in SERVICES if role == f"{name}_worker"]


def settings_of(service: str, data: Path) -> Settings:
    """What the service's worker is started with. Raises NotHere."""
    if service not in services_here(data):
        raise NotHere(f"{service}: {NotHere.__doc__}")
    instance = Instance(data.resolve())
    state = instance.state()
    if not state.get("postgres"):
        return Settings()
    places = Places(state["postgres"], state["kafka"], "127.0.0.1", 0)
    known: dict[str, Any] = instance.environment(service, "worker", places)
    return Settings(**{name.removeprefix("EVENKEEL_").lower(): value for name, value in known.items()})


@asynccontextmanager
async def opened(service: str, settings: Settings) -> AsyncIterator[Opened]:
    """The service, until it is no longer needed."""
    configure(service, "operator", "error", sys.stderr.buffer)
    found: Service = import_module(f"services.{service}.main").SERVICE
    async with open_as_operator(found, settings) as made:
        yield made


@asynccontextmanager
async def open_as_operator(service: Service, settings: Settings) -> AsyncIterator[Opened]:
    """Any service as a value."""
    limits = {"pool_connections_max": CONNECTIONS_MAX, "statement_seconds_max": STATEMENT_SECONDS_MAX}
    async with resources.opened(service, settings.model_copy(update=limits), "operator") as here:
        yield Opened(here.service, here.settings, here.pool, here.keyring, here.log)
