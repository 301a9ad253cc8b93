"""Building read tables anew: beside the live ones, compared with them, exchanged, and exchanged back."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from deploy.cli.screen import DEFAULT_DATA, AsJson, Data, console, give_up, say
from shared.failures import Failure

if TYPE_CHECKING:  # the servers' clients are loaded only by the command that needs them
    from deploy.sides import Rebuild, Side

app = typer.Typer(help="Read tables: build them anew, compare, switch, go back.", no_args_is_help=True)

Service = Annotated[str, typer.Argument(help="intake, scheduling or medication")]
Name = Annotated[str, typer.Argument(help="The projection, as `projection list` names it.")]


@app.command("list")
def list_all(data: Data = DEFAULT_DATA, *, as_json: AsJson = False) -> None:
    """Every projection: how many events its tables hold, and what stands beside them."""
    found = asyncio.run(_sides(data))
    if as_json:
        kept = [{"service": service} | asdict(side) for service, side in found]
        typer.echo(json.dumps(kept, indent=2, default=str))
        return
    columns = ("service", "projection", "version", "events", "beside it", "events there", "tables")
    table = Table(*(Column(name, overflow="fold") for name in columns))
    for service, side in found:
        beside = (side.state or "–", str(side.other_events or "–"), ", ".join(side.tables or ()) or "–")
        table.add_row(service, side.projection, str(side.version), str(side.events), *beside)
    console.print(table)


@app.command()
def build(service: Service, name: Name, data: Data = DEFAULT_DATA) -> None:
    """Fill new tables from the log, beside the live ones; an interrupted build goes on."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"))
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        task = progress.add_task(f"{service} {name}", total=None, rate="")
        started, first = time.monotonic(), 0

        def told(done: int, of: int) -> None:
            nonlocal first
            first = first or done
            rate = (done - first) / max(time.monotonic() - started, 0.001)
            progress.update(task, completed=done, total=of, rate=f"{rate:,.0f} events/s")

        applied = _with(service, name, data, lambda one: one.build(told))
        seconds = time.monotonic() - started
    say(f"{applied} events applied in {seconds:.1f} s: {applied / max(seconds, 0.001):,.0f} events/s")
    say(f"Next: evenkeel projection diff {service} {name}")


@app.command()
def diff(service: Service, name: Name, data: Data = DEFAULT_DATA, *, as_json: AsJson = False) -> None:
    """Compare the new tables with the live ones, row by row, at equal positions. Exit code 1 when they differ."""
    found = _with(service, name, data, lambda one: one.diff())
    if as_json:
        typer.echo(json.dumps(asdict(found), indent=2, default=str))
    else:
        for table, rows in found.rows.items():
            say(f"{table}: {rows} rows")
        for one in found.examples:
            say(f"{one.table}, only {'live' if one.side == 'live' else 'beside'}: {_keys(one.row)}")
        say(f"{found.differing} rows differ after {found.events} events")
    raise typer.Exit(1 if found.differing else 0)


@app.command()
def switch(service: Service, name: Name, data: Data = DEFAULT_DATA) -> None:
    """Make the new tables the live ones, in one transaction; the old ones stay for `back`."""
    events = _with(service, name, data, lambda one: one.switch())
    say(f"The new tables are live, from event {events} on. `evenkeel projection back {service} {name}` undoes it.")


@app.command()
def back(service: Service, name: Name, data: Data = DEFAULT_DATA) -> None:
    """Undo a switch: the old tables, brought up to date, are live again."""
    events = _with(service, name, data, lambda one: one.back())
    say(f"The old tables are live again, from event {events} on.")


@app.command()
def retire(service: Service, name: Name, data: Data = DEFAULT_DATA) -> None:
    """Drop the tables that are not live."""
    _with(service, name, data, lambda one: one.retire())
    say("Only the live tables are left.")


def _keys(row: object) -> str:
    """Ids, never bodies."""
    assert isinstance(row, dict)
    return ", ".join(f"{name}={value}" for name, value in row.items() if name.endswith(("_id", "_key", "_on")))


async def _sides(data: Path) -> list[tuple[str, "Side"]]:
    from deploy.operating import opened, services_here, settings_of  # noqa: PLC0415 - the clients are slow to load
    from deploy.sides import sides  # noqa: PLC0415 - same

    found: list[tuple[str, Side]] = []
    for service in services_here(data) or give_up(f"Nothing can be operated from {data}."):
        async with opened(service, settings_of(service, data)) as here:
            found += [(service, side) for side in await sides(here.pool)]
    return found


def _with[T](service: str, name: str, data: Path, work: "Callable[[Rebuild], Awaitable[T]]") -> T:
    """Open the projection, do the work, and say in one sentence why it could not be done."""
    from deploy.operating import NotHere  # noqa: PLC0415 - the clients are slow to load
    from deploy.rebuilding import rebuilding  # noqa: PLC0415 - same

    async def done() -> T:
        async with rebuilding(service, name, data) as one:
            return await work(one)

    try:
        return asyncio.run(done())
    except (Failure, NotHere) as refused:
        give_up(refused)
    except OSError as error:
        give_up(f"{type(error).__name__}: {error}")
