"""`evenkeel verify`: is the record whole, and does everything that is shown follow from it?"""

import asyncio
import json
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from deploy.cli.screen import DEFAULT_DATA, AsJson, Data, console, errors, give_up, say
from deploy.databases import SERVICES
from deploy.instance import Instance

Server = Annotated[
    str | None,
    typer.Option(help="PostgreSQL, host:port; the local instance's if left out.", envvar="EVENKEEL_POSTGRES"),
]
Kafka = Annotated[
    str | None, typer.Option(help="The broker, host:port; the local instance's if left out.", envvar="EVENKEEL_KAFKA")
]
FAULTS_SHOWN: Final = 20
LOOK_MS: Final = 1000


def verify(
    data: Data = DEFAULT_DATA,
    server: Server = None,
    kafka: Kafka = None,
    *,
    continuous: Annotated[bool, typer.Option("--continuous", help="Go on until something is wrong.")] = False,
    export: Annotated[Path | None, typer.Option(help="Write the record to this new file, for others to check.")] = None,
    service: Annotated[list[str] | None, typer.Option(help="Only this service's record; several are allowed.")] = None,
    file: Annotated[Path | None, typer.Option(help="Check an export; needs nothing but --public-key.")] = None,
    public_key: Annotated[Path | None, typer.Option(help="The key that has to have signed it.")] = None,
    as_json: AsJson = False,
) -> None:
    """Verify the logs' chains and everything shown against the events; or export the record, or check an export.

    Exit code 1 when anything is wrong.
    """
    if file is not None:
        _check(file, public_key, as_json=as_json)
        return
    instance = Instance(data.resolve())
    state = instance.state()
    places = (server or state.get("postgres"), kafka or state.get("kafka"))
    if not instance.proof_key.exists() or not all(places):
        give_up(f"There is no instance in {instance.folder}; `evenkeel up` makes one.")
    try:
        if export is not None:
            _export(instance, str(places[0]), export, service or list(SERVICES))
            return
        result = asyncio.run(_verify(instance, str(places[0]), str(places[1]), continuous=continuous, silent=as_json))
    except OSError as error:
        give_up(f"A server does not answer: {error}")
    _tell(result, as_json=as_json)


def _check(file: Path, public_key: Path | None, *, as_json: bool) -> None:
    """An export, with nothing but the key."""
    from deploy.proof import keys, offline  # noqa: PLC0415 - only this command reads exports

    if public_key is None:
        give_up("Name the --public-key that has to have signed it; an instance's lies in its data folder.")
    try:
        verdict = offline.check(file, keys.read_public(public_key))
    except (FileNotFoundError, ValueError) as error:
        give_up(error)
    if as_json:
        typer.echo(json.dumps(asdict(verdict), default=str))
    else:
        for line in verdict.restorations:
            say(line)
        _faults(verdict.faults)
        if not verdict.faults:
            say(
                f"{verdict.events} events of {', '.join(verdict.services)}, whole and unchanged as of {verdict.at:%Y-%m-%d %H:%M:%S} UTC"
            )
    raise typer.Exit(1 if verdict.faults else 0)


def _export(instance: Instance, postgres: str, path: Path, services: Sequence[str]) -> None:
    from deploy.proof.checkpoints import CheckpointsBroken  # noqa: PLC0415 - same
    from deploy.proof.exporting import export  # noqa: PLC0415 - same
    from deploy.proof.verifier import opened_logs, seals_of  # noqa: PLC0415 - same
    from deploy.proof.walking import Broken  # noqa: PLC0415 - same

    if unknown := set(services) - set(SERVICES):
        give_up(f"There is no service {', '.join(sorted(unknown))}; there are {', '.join(SERVICES)}.")

    async def run() -> int:
        async with AsyncExitStack() as stack:
            connections, seals = await opened_logs(instance, postgres, stack), seals_of(instance)
            return await export(path, {name: (seals[name], connections[name]) for name in services}, datetime.now(UTC))

    try:
        events = asyncio.run(run())
    except (Broken, CheckpointsBroken) as broken:
        give_up(f"{broken}\nNothing was exported: nothing is signed that contradicts what was signed before.")
    except FileExistsError:
        give_up(f"{path} is there already; an export is a new file.")
    say(f"{events} events of {', '.join(services)} in {path}")
    say(f"Check it with: evenkeel verify --file {path} --public-key {instance.proof_public_key}")


async def _verify(instance: Instance, postgres: str, kafka: str, *, continuous: bool, silent: bool) -> dict[str, Any]:
    """Look at everything once; with `continuous` go on with what comes until something is wrong."""
    from deploy.proof.passes import settle, whole  # noqa: PLC0415 - same
    from deploy.proof.verifier import LANE_NUMBERS, Findings, opened  # noqa: PLC0415 - same

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    findings = Findings()
    async with opened(instance, postgres, kafka, findings) as verifier:
        at = await verifier.now()
        with Progress(*columns, console=errors, disable=silent) as bar:
            task = bar.add_task("Lanes", total=len(LANE_NUMBERS))
            await whole(verifier, lambda: bar.advance(task))
        await settle(verifier)
        while continuous and not findings.faults:
            at = await verifier.now()
            await verifier.topics.follow(LOOK_MS)
            await verifier.follow()
            await verifier.look()
        return {
            "verified_until": None if findings.faults else at.isoformat(),
            "events": verifier.events,
            "patients": verifier.patients,
            "degraded": len(verifier.degraded),
            "faults": findings.all,
        }


def _tell(result: dict[str, Any], *, as_json: bool) -> NoReturn:
    if as_json:
        typer.echo(json.dumps(result))
    else:
        _faults(result["faults"])
        if result["degraded"]:
            say(f"{result['degraded']} patients have events that are parked, edited or discarded: not compared in that")
        if not result["faults"]:
            say(
                f"{result['events']} events and {result['patients']} patients are right, as of {result['verified_until']}"
            )
    raise typer.Exit(1 if result["faults"] else 0)


def _faults(faults: Sequence[str]) -> None:
    for one in faults[:FAULTS_SHOWN]:
        console.print(f"[red]✗[/red] {one}", soft_wrap=True, highlight=False)
    if len(faults) > FAULTS_SHOWN:
        say(f"and {len(faults) - FAULTS_SHOWN} more; --json has all of them")
