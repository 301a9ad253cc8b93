"""A log as a test holds it: opened on a fresh database, closed at the end."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from shared.codec import Codec
from shared.database import Pool, open_pool
from shared.keyring import Keyring, SiteKeys
from shared.log import Act, Context, Given, Log, Outcome, Subject
from shared.settings import Settings
from tests.embedded import ServiceDatabase
from tests.shared.log import counter as vocabulary
from tests.shared.log.counter import Add, counter


def settings_of(database: ServiceDatabase, kind: str = "api", **changes: Any) -> Settings:
    """The settings that a process of this database would have."""
    return Settings(
        **{
            "database_dsn": database.dsn(kind),
            "keyring_dsn": database.keyring_dsn,
            "site_keys_file": database.site_keys,
            "kafka": "127.0.0.1:1",
            **changes,
        }
    )


@dataclass
class OpenLog:
    """One process's log and its pool."""

    log: Log
    pool: Pool
    keyring: Keyring

    async def add(self, stream: object, by: int = 1, **how: Any) -> Outcome:
        """One command in its own request."""
        key, fingerprint = how.pop("key", None) or uuid4().hex, how.pop("fingerprint", b"same")
        return await self.log.handle([act(stream, by, **how)], context(), key, fingerprint)


def act(
    stream: object,
    by: int = 1,
    *,
    remark: str | None = None,
    events: int = 1,
    given: tuple[str, ...] = (),
    **how: Any,
) -> Act:
    """Count on one stream; a UUID is a patient's."""
    subject = Subject(stream) if isinstance(stream, UUID) else Subject()
    looked_at = tuple(Given(counter, one) for one in given)
    return Act(counter, str(stream), Add(by, remark, events), subject, looked_at, **how)


def context(**changes: Any) -> Context:
    """Somebody at a site."""
    return Context(**{"actor": "tester", "site_id": "riverside", "correlation_id": uuid4(), **changes})


@asynccontextmanager
async def open_log(database: ServiceDatabase, **changes: Any) -> AsyncIterator[OpenLog]:
    """A process's own log; several on one database are several processes."""
    settings = settings_of(database, **changes)
    pool = await open_pool(settings.database_dsn, name="test api", connections_max=6)
    keys = await open_pool(settings.keyring_dsn, name="test api", connections_max=2)
    keyring = Keyring(keys, SiteKeys.read(settings.site_keys_file))
    try:
        async with Log(pool, Codec(vocabulary), keyring, settings) as log:
            yield OpenLog(log, pool, keyring)
    finally:
        await pool.close()
        await keys.close()
