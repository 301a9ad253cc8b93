"""The `evenkeel` command."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Final

import typer

from deploy.cli import looking, parked, processes, projection, proving, recovering, running, taper, tokens, topics
from deploy.contracts import commands as contracts

app = typer.Typer(
    help="Evenkeel: intensive outpatient programs, run on events.", no_args_is_help=True, pretty_exceptions_enable=False
)
COMMANDS: Final[tuple[Callable[..., None], ...]] = (
    *(running.up, running.down, looking.status, looking.logs, running.erase, tokens.token),
    *(processes.migrate, processes.preflight, processes.serve, proving.verify, recovering.recover),
)
for command in COMMANDS:
    app.command()(command)
app.command("try")(tokens.try_it)
app.add_typer(topics.app, name="topics")
app.add_typer(taper.app, name="taper")
app.add_typer(parked.app, name="parked")
app.add_typer(projection.app, name="projection")
app.add_typer(contracts.app, name="contracts")
if Path(__file__).parent.with_name("demo").joinpath("command.py").exists():
    app.command()(import_module("deploy.demo.command").demo)
