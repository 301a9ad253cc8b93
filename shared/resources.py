"""What a process of a service holds open: its database, its keyring and its log."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from shared.codec import Codec
from shared.database import Pool, open_pool
from shared.keyring import Keyring, SiteKeys
from shared.log import Log
from shared.service import Service
from shared.settings import Settings


@dataclass(frozen=True)
class Resources:
    """Open from the process's start to its stop."""

    service: Service
    settings: Settings
    pool: Pool
    keyring: Keyring
    log: Log


@asynccontextmanager
async def opened(service: Service, settings: Settings, process: str) -> AsyncIterator[Resources]:
    """Close in the opposite order: the log commits what it took, then the pools go."""

    async def pool_of(dsn: str) -> Pool:
        return await open_pool(
            dsn,
            name=f"{service.name} {process}",
            connections_max=settings.pool_connections_max,
            statement_seconds_max=settings.statement_seconds_max,
        )

    async with await pool_of(settings.database_dsn) as pool, await pool_of(settings.keyring_dsn) as keys:
        keyring = Keyring(keys, SiteKeys.read(settings.site_keys_file))
        async with Log(pool, Codec(service.vocabulary), keyring, settings) as log:
            yield Resources(service, settings, pool, keyring, log)
