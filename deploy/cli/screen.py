"""What every command shares: where it prints, the options that several take, and how it gives up."""

from pathlib import Path
from typing import Annotated, Final, NoReturn

import typer
from rich.console import Console

console: Final = Console()
errors: Final = Console(stderr=True)

DEFAULT_DATA: Final = Path(".evenkeel")
Data = Annotated[Path, typer.Option("--data", help="The instance's data folder.", envvar="EVENKEEL_DATA")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]


def say(line: object) -> None:
    """Print as it is: a path or a log line is not markup."""
    console.print(line, markup=False, highlight=False, soft_wrap=True)


def give_up(reason: object) -> NoReturn:
    """Say why on standard error, and end with code 1."""
    errors.print(str(reason), style="red", markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(1)
