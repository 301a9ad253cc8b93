"""Events that could not be applied: which wait, why, and what an operator does about them."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Column, Table

from deploy.cli.screen import DEFAULT_DATA, AsJson, Data, console, give_up, say
from shared.failures import Failure

if TYPE_CHECKING:  # the servers' clients are loaded only by the command that needs them
    from deploy.operating import Opened
    from deploy.parked import Doing, Replayed, Waiting

app = typer.Typer(help="Events that could not be applied, and wait.", no_args_is_help=True)

Service = Annotated[str, typer.Argument(help="intake, scheduling or medication")]
Key = Annotated[str, typer.Argument(help="Whose events: a patient's id, or another subject's.")]
Number = Annotated[int, typer.Argument(help="The parked event, as `parked show` numbers it.")]
Reason = Annotated[str, typer.Option(help="Why; kept for good. No names.", prompt=True)]
Author = Annotated[str, typer.Option(help="Who does it; kept for good.", prompt=True)]


@app.command("list")
def list_all(data: Data = DEFAULT_DATA, *, as_json: AsJson = False) -> None:
    """Whose events wait, in which consumer, since when and why."""
    found = asyncio.run(_counted(data))
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in found], indent=2, default=str))
        return
    table = _table("service", "consumer", "key", "events", "since", "first reason")
    for one in found:
        table.add_row(one.service, one.consumer, one.key, str(one.events), f"{one.since:%Y-%m-%d %H:%M:%S}", one.reason)
    console.print(table if found else "Nothing is parked.")


@app.command()
def show(
    service: Service,
    key: Key,
    data: Data = DEFAULT_DATA,
    *,
    content: Annotated[bool, typer.Option("--content", help="Show the plain fields, too: clinical data.")] = False,
    as_json: AsJson = False,
) -> None:
    """The parked events of one key, in the order in which they came."""
    from deploy.parked import shown  # noqa: PLC0415 - the clients are not needed for the other commands

    found = _with(service, data, lambda here: shown(here.pool, key))
    kept = [asdict(one) | ({} if content else {"content": None}) for one in found]
    if as_json:
        typer.echo(json.dumps(kept, indent=2, default=str))
        return
    table = _table("number", "consumer", "lane:position", "event", "reason", *(["content"] if content else []))
    for one in found:
        place = f"{one.lane}:{one.position or '?'}"
        event = one.headers.get("ce_type", "?") + (" (edited)" if one.edited else "")
        table.add_row(str(one.number), one.consumer, place, event, one.reason, *([one.content] if content else []))
    console.print(table)


@app.command()
def retry(service: Service, key: Key, reason: Reason, author: Author, data: Data = DEFAULT_DATA) -> None:
    """Apply the parked events of a key again, in order. Exit code 1 when some still cannot be applied."""
    from deploy.parked import retry as again  # noqa: PLC0415 - the clients are not needed for the other commands

    replayed = _with(service, data, lambda here: again(here, key, _doing(author, reason)))
    for consumer, one in replayed.items():
        _tell(consumer, one)
    if any(one.left for one in replayed.values()):
        raise typer.Exit(1)


@app.command()
def edit(
    service: Service,
    number: Number,
    content: Annotated[Path, typer.Argument(help="A JSON object: the event's plain fields.", exists=True)],
    *,
    reason: Reason,
    author: Author,
    data: Data = DEFAULT_DATA,
) -> None:
    """Give the consumer other plain fields for one parked event; the log keeps the event as it was. Then `retry`."""
    from deploy.parked import edit as change  # noqa: PLC0415 - the clients are not needed for the other commands

    try:
        fields: Any = json.loads(content.read_text())
    except ValueError as error:
        give_up(f"{content} is not JSON: {error}")
    if not isinstance(fields, dict):
        give_up(f"{content} is not a JSON object")
    one = _with(service, data, lambda here: change(here, number, fields, _doing(author, reason)))
    say(
        f"{one.consumer} reads event {number} with this content from now on; `evenkeel parked retry {service} {one.key}`"
    )


@app.command()
def discard(service: Service, number: Number, reason: Reason, author: Author, data: Data = DEFAULT_DATA) -> None:
    """Let the consumer go on without one parked event; what waits behind it is applied."""
    from deploy.parked import discard as leave_out  # noqa: PLC0415 - the clients are not needed for the other commands

    _tell(service, _with(service, data, lambda here: leave_out(here, number, _doing(author, reason))))


def _table(*columns: str) -> Table:
    """Ids are to be copied: they are shown whole, in any width."""
    return Table(*(Column(name, overflow="fold") for name in columns))


def _doing(author: str, reason: str) -> "Doing":
    from deploy.parked import Doing  # noqa: PLC0415 - same

    if not author.strip() or not reason.strip():
        give_up("An author and a reason are needed.")
    return Doing(author.strip(), reason.strip())


def _tell(consumer: str, one: "Replayed") -> None:
    say(
        f"{consumer}: {one.done} applied, {one.left} left"
        + (f", the first because of {one.reason}" if one.left else "")
    )


async def _counted(data: Path) -> list["Waiting"]:
    from deploy.operating import opened, services_here, settings_of  # noqa: PLC0415 - same
    from deploy.parked import counted  # noqa: PLC0415 - same

    found: list[Waiting] = []
    for service in services_here(data) or give_up(f"Nothing can be operated from {data}."):
        async with opened(service, settings_of(service, data)) as here:
            found += await counted(service, here.pool)
    return found


def _with[T](service: str, data: Path, work: "Callable[[Opened], Awaitable[T]]") -> T:
    """Open the service, do the work, and say in one sentence why it could not be done."""
    from deploy.operating import NotHere, opened, settings_of  # noqa: PLC0415 - same

    async def done() -> T:
        async with opened(service, settings_of(service, data)) as here:
            return await work(here)

    try:
        return asyncio.run(done())
    except (Failure, NotHere) as refused:
        give_up(refused)
    except OSError as error:
        give_up(f"PostgreSQL does not answer: {error}")
