"""Looking at a local system: what runs, how far behind it is, and what it writes."""

import asyncio
import json
import os
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final

import httpx
import typer
from rich.table import Table

from deploy.cli.screen import DEFAULT_DATA, AsJson, Data, console, give_up, say
from deploy.instance import Instance

ASK_SECONDS_MAX: Final = 3.0
# What a check calls the events or records that are still to be done.
LAGS: Final = ("lag_events", "lag_records", "lag")


def status(data: Data = DEFAULT_DATA, *, as_json: AsJson = False) -> None:
    """What runs, where, whether it is ready and how far behind. Exit code 1 unless everything is ready."""
    instance = Instance(data.resolve())
    state = _asked(instance)
    if as_json:
        typer.echo(json.dumps(state, indent=2))
    else:
        show(instance, state)
    raise typer.Exit(0 if state["ready"] else 1)


def _asked(instance: Instance) -> dict[str, Any]:
    """The state, with each process asked how it is."""
    if not instance.running():
        return {"phase": "stopped", "processes": {}, "urls": {}, "ready": False}
    state = instance.state()
    asyncio.run(_ask(state["processes"]))
    is_ready = state["phase"] == "ready" and all(process["ready"] for process in state["processes"].values())
    return state | {"ready": is_ready}


async def _ask(processes: Mapping[str, dict[str, Any]]) -> None:
    """PostgreSQL and Kafka count as ready while they run; the services say it themselves."""
    async with httpx.AsyncClient(timeout=ASK_SECONDS_MAX) as client:

        async def ask(process: dict[str, Any]) -> None:
            process["ready"] = process["pid"] is not None
            if process["ready"] and (url := process.get("ops")):
                try:
                    process |= _told((await client.get(f"{url}/readyz")).json())
                except (httpx.HTTPError, ValueError):
                    process |= {"ready": False, "not_ready": ["no answer"]}

        await asyncio.gather(*(ask(process) for process in processes.values()))


def _told(answer: Mapping[str, Any]) -> dict[str, Any]:
    """What a process says of itself: ready or not, which of its checks are not, and what it has still to do."""
    lags = [check[name] for check in answer["checks"].values() for name in LAGS if name in check]
    return {
        "ready": answer["ready"],
        "not_ready": [name for name, check in answer["checks"].items() if not check["ready"]],
        **({"behind": sum(lags)} if lags else {}),
    }


def show(instance: Instance, state: Mapping[str, Any]) -> None:
    """A line for each process, and where the APIs are."""
    columns = ("process", "pid", "port", "restarts", "behind", "ready")
    table = Table(*columns, title=f"{instance.folder}: {state['phase']}", title_justify="left")
    for row in _rows(state["processes"]):
        table.add_row(*row)
    console.print(table)
    for service, url in state["urls"].items():
        say(f"{service:<12}{url}")


def _rows(processes: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, ...]]:
    for name, process in processes.items():
        why = ", ".join(process.get("not_ready", ()))
        ready = "[green]yes[/green]" if process["ready"] else f"[red]no[/red] {why}"
        numbers = (process["pid"] or "–", process["port"], process["restarts"], process.get("behind", ""))
        yield name, *map(str, numbers), ready


def logs(
    process: Annotated[str | None, typer.Argument(help="Such as intake-api; all when left out.")] = None,
    data: Data = DEFAULT_DATA,
    *,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on showing what is written.")] = False,
    lines: Annotated[int, typer.Option("-n", help="How many lines of each.", min=0)] = 40,
) -> None:
    """Show what the processes write."""
    folder = Instance(data.resolve()).logs
    known = {path.stem: path for path in sorted(folder.glob("*.log"))}
    if process is not None and process not in known:
        give_up(f"There is no log of {process} in {folder}. There are: {', '.join(known) or 'none'}")
    files = [known[process]] if process else list(known.values())
    if not files:
        give_up(f"There are no logs in {folder}; `evenkeel up` makes them")
    os.execvp("tail", ["tail", "-n", str(lines), *(["-F"] if follow else []), *map(str, files)])  # noqa: S606, S607 - the system's own tail
