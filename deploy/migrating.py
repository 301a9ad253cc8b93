"""Plain SQL files, applied once and in order: what was applied is remembered with its hash."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from shared.database import connect
from shared.failures import Failure

LOCK_SECONDS_MAX: Final = 10
TURN_SECONDS_MAX: Final = 120
_LOCK_ID: Final = 7_251_101

_TABLE: Final = """
create table if not exists public.migration (
    name text primary key, sha256 text not null, applied_at timestamptz not null default clock_timestamp()
)
"""
_APPLIED: Final = "insert into public.migration (name, sha256) values ($1, $2)"


class MigrationEdited(Failure):
    """A migration that was applied has been edited since; write a new one instead."""


class MigrationOutOfOrder(Failure):
    """A migration comes before one that was applied already; databases would differ. Give it the next number."""


def read(folders: Sequence[Path]) -> dict[str, str]:
    """The text of every `*.sql` by its folder's name and its own: folder by folder, sorted by name within one."""
    return {
        f"{folder.parent.name}/{folder.name}/{path.name}": path.read_text(encoding="utf-8")
        for folder in folders
        for path in sorted(folder.glob("*.sql"))
    }


def kernel_folders() -> list[Path]:
    """The kernel's own migrations, in the order in which a service's database needs them."""
    shared = Path(__file__).parent.with_name("shared")
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
        applied = dict(await connection.fetch("select name, sha256 from public.migration"))
        missing = _missing({name: _sha256(sql) for name, sql in migrations.items()}, applied)
        for name in missing:
            async with connection.transaction():
                await connection.execute(migrations[name])
                await connection.execute(_APPLIED, name, _sha256(migrations[name]))
        return missing
    finally:
        await connection.close()


def _missing(migrations: Mapping[str, str], applied: Mapping[str, str]) -> list[str]:
    missing = [name for name in migrations if name not in applied]
    for name in migrations.keys() & applied.keys():
        if applied[name] != migrations[name]:
            raise MigrationEdited(name)
        for other in missing:
            if other < name and other.rpartition("/")[0] == name.rpartition("/")[0]:
                raise MigrationOutOfOrder(f"{other} comes before {name}")
    return missing


def _sha256(sql: str) -> str:
    return hashlib.sha256(sql.encode()).hexdigest()
