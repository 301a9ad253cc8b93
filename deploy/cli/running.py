"""Starting and stopping a local system."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from typing import Annotated, Any, Final

import typer

from deploy.cli.looking import show
from deploy.cli.screen import DEFAULT_DATA, Data, console, give_up, say
from deploy.instance import AlreadyRunning, Instance

DOWN_SECONDS_MAX: Final = 90.0
SUPERVISOR_LOG_BYTES_MAX: Final = 1_000_000

PortBase = Annotated[
    int | None, typer.Option(help="Number the ports from here instead of taking free ones.", min=1024, max=65_000)
]


def up(
    data: Data = DEFAULT_DATA,
    *,
    detach: Annotated[
        bool, typer.Option("--detach", help="Go on in the background; `evenkeel down` stops it.")
    ] = False,
    port_base: PortBase = None,
    once: Annotated[bool, typer.Option("--once", help="Do nothing when it is running already.")] = False,
) -> None:
    """Start PostgreSQL, Kafka and all services on this machine; the next `up` goes on from the data."""
    from deploy import kafka_programs  # noqa: PLC0415 - an image has none of the local servers
    from deploy.supervisor import FAILURES, Supervisor  # noqa: PLC0415 - same

    instance = Instance(data.resolve())
    started = time.monotonic()

    def ready() -> None:
        say(f"Ready in {time.monotonic() - started:.1f} s")
        # The supervisor has just been told so by every process; nobody has to be asked again.
        state = instance.state()
        for process in state["processes"].values():
            process["ready"] = True
        show(instance, state)

    try:
        if instance.running():
            if once:
                return
            raise AlreadyRunning(f"{instance.folder}: {AlreadyRunning.__doc__}")
        kafka_programs.find(say)
        if detach:
            _detach(instance, port_base)
            ready()
        else:
            with instance.held():
                asyncio.run(Supervisor(instance, port_base, say, ready).run())
            say(f"Stopped. The data stays in {instance.folder}")
    except FAILURES as stopped:
        give_up(str(stopped) or stopped.__doc__)


def _detach(instance: Instance, port_base: int | None) -> None:
    """Start the supervisor in a session of its own and pass on what it says until it is ready."""
    from deploy.programs import with_our_code  # noqa: PLC0415 - an image has none of the local servers

    instance.prepare()
    log = instance.logs / "supervisor.log"
    if log.exists() and log.stat().st_size > SUPERVISOR_LOG_BYTES_MAX:
        log.replace(log.with_name("supervisor.log.1"))
    reading, writing = os.pipe()
    command = [sys.executable, "-m", "deploy.supervisor", str(instance.folder), str(port_base or ""), str(writing)]
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - ourselves
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            pass_fds=[writing],
            env=os.environ | with_our_code(),
        )
    os.close(writing)
    try:
        message = _listen(reading)
    except KeyboardInterrupt:
        process.terminate()
        process.wait()
        raise
    if not message.get("ready"):
        give_up(message.get("failed") or f"It did not start, see {log}")


def _listen(reading: int) -> dict[str, Any]:
    """Show what the supervisor says; its last message."""
    message: dict[str, Any] = {}
    with os.fdopen(reading) as told, console.status("Starting"):
        for line in told:
            message = json.loads(line)
            if "said" in message:
                say(message["said"])
    return message


def down(data: Data = DEFAULT_DATA) -> None:
    """Stop everything that `up` started; the data stays."""
    from deploy.leftovers import is_alive, stop_leftovers  # noqa: PLC0415 - an image has none of the local servers

    instance = Instance(data.resolve())
    if not instance.running():
        left = stop_leftovers(instance.state())
        say(f"Stopped what a killed supervisor had left running: {', '.join(left)}" if left else "Nothing is running.")
        return
    supervisor = instance.state()["supervisor_pid"]
    os.kill(supervisor, signal.SIGTERM)
    end = time.monotonic() + DOWN_SECONDS_MAX
    with console.status("Stopping"):
        while instance.running() or is_alive(supervisor):
            if time.monotonic() > end:
                give_up(f"It is still running after {DOWN_SECONDS_MAX:.0f} s, see {instance.logs}")
            time.sleep(0.05)
    say(f"Stopped. The data stays in {instance.folder}")


def erase(
    data: Data = DEFAULT_DATA,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Stop the instance and remove all its data, after asking."""
    instance = Instance(data.resolve())
    if not instance.folder.exists():
        say(f"There is nothing in {instance.folder}")
        return
    if not instance.state_file.exists() and any(instance.folder.iterdir()):
        give_up(f"{instance.folder} is not a data folder of Evenkeel; nothing was removed")
    if not yes and not typer.confirm(f"Remove all patients, events and keys in {instance.folder}?"):
        raise typer.Exit(1)
    down(data)
    shutil.rmtree((instance.folder / "postgres").resolve(), ignore_errors=True)  # it may lie elsewhere
    shutil.rmtree(instance.folder)
    say(f"Removed {instance.folder}")
