"""What a container or another supervisor runs, one command per process or chore."""

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer

from deploy.cli.screen import DEFAULT_DATA, Data, console, give_up, say
from deploy.cli.topics import Kafka, bootstrap
from deploy.instance import Instance

Server = Annotated[
    str | None,
    typer.Option(help="PostgreSQL, host:port; the local instance's if left out.", envvar="EVENKEEL_POSTGRES"),
]
Passwords = Annotated[
    Path | None,
    typer.Option(help="JSON of role to password; the local instance's if left out.", exists=True, dir_okay=False),
]


def serve(
    service: Annotated[str, typer.Argument(help="intake, scheduling or medication")],
    kind: Annotated[str, typer.Argument(help="api, worker or stream")],
) -> None:
    """Run one process of one service; settings come from EVENKEEL_… variables."""
    from deploy.serve import serve as run  # noqa: PLC0415 - only this command runs a service

    run(service, kind)


def migrate(server: Server = None, passwords: Passwords = None, data: Data = DEFAULT_DATA) -> None:
    """Bring the databases of all services to today's schema; `up` does it by itself."""
    from deploy.bootstrap import migrate_all  # noqa: PLC0415 - the database driver is not needed for the other commands

    address, known = _where(server, data), _passwords(passwords, data)
    try:
        applied = asyncio.run(migrate_all(address, known))
    except OSError as error:
        give_up(f"PostgreSQL does not answer at {address}: {error}")
    for name in applied:
        say(name)
    say(f"{len(applied)} migrations applied")


def preflight(
    server: Server = None, passwords: Passwords = None, kafka: Kafka = None, data: Data = DEFAULT_DATA
) -> None:
    """Say what stands in the way of a start: servers, topics and libraries. Exit code 1 when something does."""
    from deploy.preflight import faults  # noqa: PLC0415 - the clients are not needed for the other commands

    address, known = _where(server, data), _passwords(passwords, data)
    dsn = f"postgresql://intake_owner:{known['intake_owner']}@{address}/intake"
    try:
        found = asyncio.run(faults(bootstrap(kafka, data), dsn))
    except OSError as error:
        give_up(f"A server does not answer: {error}")
    for one in found:
        console.print(f"[red]✗[/red] {one}", soft_wrap=True, highlight=False)
    if found:
        raise typer.Exit(1)
    console.print("[green]✓[/green] nothing stands in the way")


def _where(server: str | None, data: Path) -> str:
    found = server or Instance(data.resolve()).state().get("postgres")
    return str(found) if found else give_up(f"There is no local instance in {data}; name a --server.")


def _passwords(file: Path | None, data: Path) -> dict[str, str]:
    known: dict[str, str] = json.loads(file.read_text()) if file else Instance(data.resolve()).passwords()
    return known or give_up(f"There is no local instance in {data}; name a file of --passwords.")
