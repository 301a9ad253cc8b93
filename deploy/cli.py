"""The `evenkeel` command."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated, Any, Final

import httpx
import typer
from rich.console import Console
from rich.table import Table

from deploy import kafka_programs, postgres
from deploy.contracts import commands as contracts
from deploy.instance import AlreadyRunning, Instance
from deploy.supervisor import NotReady, Supervisor
from deploy.topics import create, drift

UP_SECONDS_MAX: Final = 300.0
DOWN_SECONDS_MAX: Final = 60.0

app = typer.Typer(
    help="Evenkeel: intensive outpatient programs, run on events.", no_args_is_help=True, pretty_exceptions_enable=False
)
topics_app = typer.Typer(help="The topics that deploy/topics.yaml declares.", no_args_is_help=True)
app.add_typer(topics_app, name="topics")
app.add_typer(contracts.app, name="contracts")
console = Console()
errors = Console(stderr=True)

Data = Annotated[Path, typer.Option("--data", help="The instance's data folder.", envvar="EVENKEEL_DATA")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
DEFAULT_DATA: Final = Path(".evenkeel")


@app.command()
def up(
    data: Data = DEFAULT_DATA,
    *,
    detach: Annotated[
        bool, typer.Option("--detach", help="Go on in the background; `evenkeel down` stops it.")
    ] = False,
    port_base: Annotated[
        int | None, typer.Option(help="Number the ports from here instead of taking free ones.")
    ] = None,
) -> None:
    """Start PostgreSQL, Kafka and all services on this machine; the next `up` goes on from the data."""
    instance = Instance(data.resolve())
    started = time.monotonic()
    try:
        kafka_programs.find(console.print)
        if detach:
            _detach(instance, port_base)
            console.print(f"Ready in {time.monotonic() - started:.1f} s")
            _show(instance)
        else:
            with instance.held():
                asyncio.run(Supervisor(instance, port_base, console.print).run())
    except (
        AlreadyRunning,
        NotReady,
        kafka_programs.KafkaMissing,
        kafka_programs.KafkaFailed,
        postgres.PostgresFailed,
    ) as stopped:
        errors.print(f"[red]{stopped}[/red]", soft_wrap=True)
        raise typer.Exit(1) from None


def _detach(instance: Instance, port_base: int | None) -> None:
    if instance.running():
        raise AlreadyRunning(f"{instance.folder}: {AlreadyRunning.__doc__}")
    instance.prepare()
    instance.write_state({"phase": "starting"})
    log = instance.logs / "supervisor.log"
    command = [sys.executable, "-m", "deploy.supervisor", str(instance.folder), str(port_base or "")]
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - ourselves
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True, env=_with_root()
        )
    end = time.monotonic() + UP_SECONDS_MAX
    with console.status("Starting"):
        while instance.state().get("phase") != "ready":
            if process.poll() is not None or time.monotonic() > end:
                raise NotReady(f"{log.read_text()[-3000:]}\nIt did not start, see {instance.logs}")
            time.sleep(0.1)


def _with_root() -> dict[str, str]:
    root = str(Path(__file__).parent.parent)
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))}


@app.command()
def down(data: Data = DEFAULT_DATA) -> None:
    """Stop everything that `up` started; the data stays."""
    instance = Instance(data.resolve())
    if not instance.running():
        console.print("Nothing is running.")
        return
    os.kill(instance.state()["supervisor_pid"], signal.SIGTERM)
    end = time.monotonic() + DOWN_SECONDS_MAX
    with console.status("Stopping"):
        while instance.running():
            if time.monotonic() > end:
                errors.print(f"[red]It is still running after {DOWN_SECONDS_MAX:.0f} s, see {instance.logs}[/red]")
                raise typer.Exit(1)
            time.sleep(0.05)
    console.print("Stopped. The data stays in", str(instance.folder), soft_wrap=True)


@app.command()
def status(data: Data = DEFAULT_DATA, *, as_json: AsJson = False) -> None:
    """What runs, where, and whether it is ready. Exit code 1 unless everything is."""
    instance = Instance(data.resolve())
    running = instance.running()
    state: dict[str, Any] = instance.state() if running else {"phase": "stopped", "processes": {}, "urls": {}}
    for process in state["processes"].values():
        process["ready"] = _ready(process.get("ops")) if process["pid"] else False
    ready = running and all(process["ready"] for process in state["processes"].values())
    if as_json:
        typer.echo(json.dumps(state | {"ready": ready}, indent=2))
    else:
        _show(instance, state)
    raise typer.Exit(0 if ready else 1)


def _ready(url: str | None) -> bool:
    """PostgreSQL and Kafka count as ready while they run; the services say it themselves."""
    try:
        return url is None or httpx.get(f"{url}/readyz", timeout=3.0).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def _show(instance: Instance, state: dict[str, Any] | None = None) -> None:
    state = state or instance.state()
    table = Table(
        "process",
        "pid",
        "port",
        "restarts",
        "ready",
        title=f"{instance.folder}: {state['phase']}",
        title_justify="left",
    )
    for name, process in state["processes"].items():
        ready = {True: "[green]yes[/green]", False: "[red]no[/red]", None: ""}[process.get("ready")]
        table.add_row(name, str(process["pid"] or "–"), str(process["port"]), str(process["restarts"]), ready)
    console.print(table)
    for service, url in state["urls"].items():
        console.print(f"{service:<12}{url}/docs", soft_wrap=True, highlight=False)


@app.command()
def logs(
    process: Annotated[str | None, typer.Argument(help="Such as intake-api; all when left out.")] = None,
    data: Data = DEFAULT_DATA,
    *,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on showing what is written.")] = False,
    lines: Annotated[int, typer.Option("-n", help="How many lines of each.", min=0)] = 40,
) -> None:
    """Show what the processes write."""
    files = sorted(Instance(data.resolve()).logs.glob(f"{process or '*'}.log"))
    if not files:
        errors.print(f"[red]There is no log of {process or 'any process'} in {data}[/red]")
        raise typer.Exit(1)
    os.execvp("tail", ["tail", "-n", str(lines), *(["-F"] if follow else []), *map(str, files)])  # noqa: S606, S607 - the system's own tail


@app.command()
def token(
    role: Annotated[list[str], typer.Option(help="Such as nurse; several are allowed.")],
    site: Annotated[list[str], typer.Option(help="Such as riverside; '*' is every site.")],
    data: Data = DEFAULT_DATA,
    subject: Annotated[str, typer.Option(help="Who it is for.")] = "local-user",
    *,
    purpose: Annotated[str, typer.Option(help="treatment, payment, operations or audit.")] = "treatment",
    hours: Annotated[float, typer.Option(help="How long it is good for.", min=0.01)] = 12,
) -> None:
    """Print a bearer token of the local issuer; refused outside local mode."""
    if os.environ.get("EVENKEEL_ENVIRONMENT", "local") != "local":
        errors.print("[red]Tokens are made here for a local instance only; elsewhere ask your identity provider.[/red]")
        raise typer.Exit(1)
    from shared.access import Role  # noqa: PLC0415 - the web framework is not needed for the other commands

    if unknown := set(role) - {one.value for one in Role}:
        errors.print(
            f"[red]No such role: {', '.join(sorted(unknown))}. There are: {', '.join(Role)}[/red]", soft_wrap=True
        )
        raise typer.Exit(1)
    instance = Instance(data.resolve())
    if not (instance.secrets / "jwt.pem").exists():
        errors.print(f"[red]There is no local instance in {data}; `evenkeel up` makes one.[/red]")
        raise typer.Exit(1)
    typer.echo(instance.token(subject, role, site, purpose=purpose, hours=hours))


@app.command()
def serve(service: str, kind: Annotated[str, typer.Argument(help="api, worker or stream")]) -> None:
    """Run one process of one service; settings come from EVENKEEL_… variables."""
    from deploy.serve import serve as run  # noqa: PLC0415 - only this command runs a service

    run(service, kind)


Bootstrap = Annotated[str, typer.Option(help="The broker, host:port.", envvar="EVENKEEL_KAFKA")]


@topics_app.command("check")
def topics_check(kafka_bootstrap: Bootstrap = "") -> None:
    """Compare the broker's topics with the declared ones; exit code 1 when they differ."""
    differences = asyncio.run(drift(kafka_bootstrap or _local_kafka()))
    for one in differences:
        console.print(f"[red]✗[/red] {one}", soft_wrap=True)
    if differences:
        raise typer.Exit(1)
    console.print("[green]✓[/green] topics are as declared")


@topics_app.command("create")
def topics_create(
    kafka_bootstrap: Bootstrap = "",
    replication: Annotated[int, typer.Option(help="Copies of each partition.", min=1)] = 1,
) -> None:
    """Make the declared topics that are missing."""
    made = asyncio.run(create(kafka_bootstrap or _local_kafka(), replication))
    console.print(f"Made: {', '.join(made)}" if made else "Nothing was missing.")


def _local_kafka() -> str:
    return str(Instance(DEFAULT_DATA.resolve()).state().get("kafka", "127.0.0.1:9092"))


if __name__ == "__main__":
    app()
