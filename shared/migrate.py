"""Plain SQL files, applied once and in order: what was applied is remembered with its hash."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from shared.database import Connection, connect
from shared.failures import Failure

LOCK_SECONDS_MAX: Final = 10
TURN_SECONDS_MAX: Final = 120
_LOCK_ID: Final = 7_251_101

_TABLE: Final = """
create table if not exists public.migration (
    name text primary key, sha256 text not null, applied_at timestamptz not null default clock_timestamp()
)
"""


class MigrationEdited(Failure):
    """A migration that was applied has been edited since; write a new one instead."""


class MigrationOutOfOrder(Failure):
    """A migration comes before one that was applied already; databases would differ. Give it the next number."""


@dataclass(frozen=True)
class Migration:
    """One file; the name is its folder's and its own."""

    folder: str
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        """What the text was when it was applied."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def read(folders: Sequence[Path]) -> list[Migration]:
    """Every `*.sql` of the folders, folder by folder, sorted by name within one."""
    return [
        Migration(place, f"{place}/{path.name}", path.read_text(encoding="utf-8"))
        for folder in folders
        for place in [f"{folder.parent.name}/{folder.name}"]
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

    A statement that does not get its lock within LOCK_SECONDS_MAX fails instead of holding up everybody behind it.
    `service` names the roles that are granted rights. Raises MigrationEdited and MigrationOutOfOrder, before anything is
    applied.
    """
    migrations = read(folders)
    connection = await connect(dsn, name="migrate")
    try:
        await connection.execute("select set_config('evenkeel.service', $1, false)", service)
        await connection.execute(f"set lock_timeout = '{TURN_SECONDS_MAX}s'")
        await connection.execute("select pg_advisory_lock($1)", _LOCK_ID)
        await connection.execute(f"set lock_timeout = '{LOCK_SECONDS_MAX}s'")
        await connection.execute(_TABLE)
        rows = await connection.fetch("select name, sha256 from public.migration")
        missing = _missing(migrations, {row["name"]: row["sha256"] for row in rows})
        for one in missing:
            await _apply(connection, one)
        return [one.name for one in missing]
    finally:
        await connection.close()


def _missing(migrations: Sequence[Migration], applied: Mapping[str, str]) -> list[Migration]:
    last: dict[str, str] = {}
    for one in migrations:
        if one.name in applied:
            last[one.folder] = one.name
            if applied[one.name] != one.sha256:
                raise MigrationEdited(one.name)
    missing = [one for one in migrations if one.name not in applied]
    for one in missing:
        if one.name < last.get(one.folder, ""):
            raise MigrationOutOfOrder(f"{one.name} comes before {last[one.folder]}")
    return missing


async def _apply(connection: Connection, migration: Migration) -> None:
    async with connection.transaction():
        await connection.execute(migration.sql)
        await connection.execute(
            "insert into public.migration (name, sha256) values ($1, $2)", migration.name, migration.sha256
        )
