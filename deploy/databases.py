"""The databases and roles of the three services and the keyring: made once, checked at every start."""

from collections.abc import Mapping
from typing import Final

from shared.database import Connection

SERVICES: Final = ("intake", "scheduling", "medication")
# One role per kind of process; the owner migrates and nothing else, the verifier reads everything and writes nothing.
KINDS: Final = ("owner", "api", "worker", "stream", "verifier")
KEYRING: Final = "keyring"
KEYRING_KINDS: Final = ("owner", "user")


def role_names(service: str) -> list[str]:
    """The roles of a service's database, or of the keyring."""
    return [f"{service}_{kind}" for kind in (KEYRING_KINDS if service == KEYRING else KINDS)]


async def ensure_roles(connection: Connection, passwords: Mapping[str, str]) -> None:
    """Make the roles that are missing and set their passwords."""
    present = {row["rolname"] for row in await connection.fetch("select rolname from pg_roles")}
    for role, password in passwords.items():
        verb = "alter" if role in present else "create"
        quoted = await connection.fetchval("select quote_literal($1)", password)
        await connection.execute(f"{verb} role {role} login password {quoted}")
        if role.endswith("_verifier"):
            await connection.execute(f"alter role {role} bypassrls")
            await connection.execute(f"alter role {role} set default_transaction_read_only = on")
            await connection.execute(f"grant pg_read_all_data to {role}")


async def ensure_database(connection: Connection, database: str, service: str) -> bool:
    """Make a database owned by the service's owner role; whether it was missing. Nobody else may connect."""
    missing = not await connection.fetchval("select 1 from pg_database where datname = $1", database)
    if missing:
        await connection.execute(f'create database "{database}" owner {service}_owner')
    await connection.execute(f'revoke connect on database "{database}" from public')
    await connection.execute(f'grant connect on database "{database}" to {", ".join(role_names(service))}')
    return missing
