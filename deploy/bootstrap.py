"""What a fresh PostgreSQL and Kafka need before the services start; repeating it changes nothing."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from deploy.databases import KEYRING, SERVICES, ensure_database, ensure_roles
from deploy.migrating import kernel_folders, migrate
from deploy.topics import create
from shared.database import connect

_ROOT = Path(__file__).parent.parent


async def prepare_databases(server: str, superuser: tuple[str, str], passwords: Mapping[str, str]) -> list[str]:
    """Roles, databases and migrations; the migrations applied. `server` is `host:port`."""
    user, password = superuser
    connection = await connect(f"postgresql://{user}:{password}@{server}/postgres", name="bootstrap")
    try:
        await ensure_roles(connection, passwords)
        for name in (*SERVICES, KEYRING):
            await ensure_database(connection, name, name)
    finally:
        await connection.close()
    return await migrate_all(server, passwords)


async def migrate_all(server: str, passwords: Mapping[str, str]) -> list[str]:
    """Bring every database to today's schema, as its owner; the migrations applied, such as `intake: log/…`."""

    async def one(name: str) -> list[str]:
        dsn = f"postgresql://{name}_owner:{passwords[f'{name}_owner']}@{server}/{name}"
        folders = [_ROOT / "shared" / "keyring_migrations"] if name == KEYRING else service_folders(name)
        return [f"{name}: {migration}" for migration in await migrate(dsn, folders, service=name)]

    applied = await asyncio.gather(*(one(name) for name in (*SERVICES, KEYRING)))
    return [migration for names in applied for migration in names]


def service_folders(service: str) -> list[Path]:
    """The kernel's migrations, then the service's own."""
    return [*kernel_folders(), _ROOT / "services" / service / "migrations"]


async def prepare_topics(bootstrap: str) -> list[str]:
    """The topics made."""
    return await create(bootstrap)
