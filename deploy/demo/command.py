"""`evenkeel demo`."""

import asyncio
import json
import time
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any, Final
from uuid import uuid4

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from deploy.demo import show
from deploy.demo.client import DemoRefused, Network
from deploy.demo.compare import Findings, settled
from deploy.demo.run import run
from deploy.demo.ways import Patient
from deploy.instance import Instance

PATIENTS_DEFAULT: Final = 30
PATIENTS_MAX: Final = 5_000
# A pipe has no width of its own; these tables need some.
console = Console(width=None if Console().is_terminal else 150)
errors = Console(stderr=True)

Data = Annotated[Path, typer.Option("--data", help="The instance's data folder.", envvar="EVENKEEL_DATA")]
DEFAULT_DATA: Final = Path(".evenkeel")


def demo(
    data: Data = DEFAULT_DATA,
    *,
    patients: Annotated[int, typer.Option(help="How many patients.", min=1, max=PATIENTS_MAX)] = PATIENTS_DEFAULT,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
    once: Annotated[
        bool, typer.Option("--once", help="Do nothing when this instance holds a demonstration already.")
    ] = False,
) -> None:
    """Lead patients through three clinics over HTTP, then hold what the streams keep against the event tables."""
    instance = running(data)
    marker = instance.folder / "demo.json"
    if once and marker.exists():
        console.print("This instance holds a demonstration already; `evenkeel demo` adds more patients.")
        return
    try:
        result, everybody, findings = asyncio.run(_demo(instance, patients, silent=as_json))
    except DemoRefused as refused:
        errors.print(f"[red]{refused}[/red]", soft_wrap=True, highlight=False)
        raise typer.Exit(2) from None
    marker.write_text(json.dumps(result))
    if as_json:
        typer.echo(json.dumps(result | {"differences": findings.mismatches}))
    else:
        show.tables(console, everybody, findings)
        show.summary(console, result, findings)
    raise typer.Exit(1 if findings.mismatches else 0)


def running(data: Path) -> Instance:
    """The instance of the folder, which has to run."""
    instance = Instance(data.resolve())
    if instance.state().get("phase") != "ready":
        errors.print(f"[red]Nothing is running in {data}; start it with `evenkeel up --detach`.[/red]")
        raise typer.Exit(1)
    return instance


async def _demo(
    instance: Instance, patients: int, *, silent: bool
) -> tuple[dict[str, Any], Sequence[Patient], Findings]:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    bar = Progress(*columns, console=errors, disable=silent)
    name = uuid4().hex
    async with Network(instance, name) as network:
        started = time.monotonic()
        with bar:
            task = bar.add_task("Patients on their way", total=patients)
            _, everybody = await run(network, patients, lambda: bar.advance(task))
        seconds = time.monotonic() - started
        with nullcontext() if silent else errors.status("Waiting until everything has settled"):
            findings = await settled(network, everybody)
        result = {
            "patients": patients,
            "events": findings.tables.count,
            "mismatches": len(findings.mismatches),
            "seconds": round(seconds, 2),
            "settle_seconds": round(time.monotonic() - started - seconds, 2),
            "retries": network.retries,
            "run": name,
        }
    return result, everybody, findings
