"""Plain SQL files, applied once and in order: what was applied is remembered with its hash."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from shared.database import Connection, connect
from shared.failures import Failure

LOCK_SECONDS_MAX = 10
_LOCK_ID = 7_251_101


class MigrationEdited(Failure):
    """A migration that was applied has been edited since; write a new one instead."""


@dataclass(frozen=True)
class Migration:
    """One file; the name is its folder's and its own."""

    name: str
    sql: str

    @property
    def sha256(self) -> str:
        """What the text was when it was applied."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def read(folders: Sequence[Path]) -> list[Migration]:
    """Every `*.sql` of the folders, folder by folder, sorted by name within one."""
    return [
        Migration(f"{folder.parent.name}/{folder.name}/{path.name}", path.read_text())
        for folder in folders
        for path in sorted(folder.glob("*.sql"))
    ]


def kernel_folders() -> list[Path]:
    """The kernel's own migrations, in the order in which a service's database needs them."""
    shared = Path(__file__).parent
    return [
        shared / "log" / "migrations",
        *(shared / name for name in ("projection_migrations", "timer_migrations", "view_migrations")),
    ]


async def migrate(dsn: str, folders: Sequence[Path], *, service: str) -> list[str]:
    """Apply what is missing, each file in a transaction of its own; the names applied. Two at once wait for each other.

    `service` names the roles that are granted rights. Raises MigrationEdited.
    """
    connection = await connect(dsn, name="migrate")
    try:
        await connection.execute("select set_config('evenkeel.service', $1, false)", service)
        await connection.execute(f"set lock_timeout = '{LOCK_SECONDS_MAX}s'")
        await connection.execute("select pg_advisory_lock($1)", _LOCK_ID)
        await connection.execute(
            "create table if not exists public.migration ("
            "name text primary key, sha256 text not null, applied_at timestamptz not null default clock_timestamp())"
        )
        applied = {
            row["name"]: row["sha256"] for row in await connection.fetch("select name, sha256 from public.migration")
        }
        return [one.name for one in read(folders) if await _apply(connection, one, applied)]
    finally:
        await connection.close()


async def _apply(connection: Connection, migration: Migration, applied: dict[str, str]) -> bool:
    if migration.name in applied:
        if applied[migration.name] != migration.sha256:
            raise MigrationEdited(migration.name)
        return False
    async with connection.transaction():
        await connection.execute(migration.sql)
        await connection.execute(
            "insert into public.migration (name, sha256) values ($1, $2)", migration.name, migration.sha256
        )
    return True
