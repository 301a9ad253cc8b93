"""Connections to PostgreSQL, all made alike."""

from typing import TYPE_CHECKING, Any, Final

import asyncpg
import msgspec

from shared.failures import Failure

if TYPE_CHECKING:
    type Pool = asyncpg.Pool[asyncpg.Record]
    type Connection = asyncpg.Connection[asyncpg.Record]
else:
    type Pool = asyncpg.Pool
    type Connection = asyncpg.Connection
type Record = asyncpg.Record


CONNECT_SECONDS_MAX: Final = 10.0

UNREACHABLE: Final = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What is raised while the database is away, restarting or overloaded, and by whatever else it refuses."""

TRANSIENT: Final = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.LockNotAvailableError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InternalClientError,
)
"""What passes when one waits: errors of the surroundings, not of what is asked. The last is asyncpg's for a connection cut while it answers."""


class SessionShared(Failure):
    """The database is reached through a pooler in transaction mode: session locks would not hold (trap T52)."""


async def connect(dsn: str, *, name: str, statement_seconds_max: float | None = None) -> Connection:
    """One connection of its own; `name` is what an operator sees in pg_stat_activity."""
    connection = await asyncpg.connect(
        dsn, timeout=CONNECT_SECONDS_MAX, server_settings=_settings(name), command_timeout=statement_seconds_max
    )
    await _codecs(connection)
    return connection


async def open_pool(dsn: str, *, name: str, connections_max: int, statement_seconds_max: float = 15.0) -> Pool:
    """A pool of at most `connections_max`; a statement that takes longer than `statement_seconds_max` is ended."""
    return await asyncpg.create_pool(
        dsn,
        min_size=1,
        max_size=connections_max,
        init=_codecs,
        timeout=CONNECT_SECONDS_MAX,
        command_timeout=statement_seconds_max,
        server_settings=_settings(name),
    )


async def assert_own_session(connection: Connection) -> None:
    """Raises SessionShared unless the backend that greeted the connection is the one that answers it, every time."""
    greeted_by = connection.get_server_pid()
    try:
        for _ in range(2):
            async with connection.transaction():
                answered_by = await connection.fetchval("select pg_backend_pid()")
            if answered_by != greeted_by:
                raise SessionShared
    except asyncpg.InvalidSQLStatementNameError as error:  # prepared at one backend, asked for at another
        raise SessionShared from error


def _settings(name: str) -> dict[str, str]:
    return {"application_name": name, "timezone": "UTC", "jit": "off"}


async def _codecs(connection: Any) -> None:
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        encoder=lambda value: msgspec.json.encode(value).decode(),
        decoder=msgspec.json.decode,
    )
