"""`evenkeel contracts`: generate, check and release the published contracts."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from deploy.contracts import files

app = typer.Typer(help="The published contracts: JSON Schemas, AsyncAPI, OpenAPI.", no_args_is_help=True)
console = Console()

Root = Annotated[Path, typer.Option(help="The checkout.", exists=True, file_okay=False)]


@app.command()
def generate(root: Root = Path()) -> None:
    """Write docs/contracts from the code."""
    console.print(f"{files.write(root)} files in {root / files.FOLDER}")


@app.command()
def check(root: Root = Path()) -> None:
    """Fail when a file differs from the code, or when the code breaks a released schema."""
    faults = files.broken_promises(root) + files.outdated(root)
    for fault in faults:
        console.print(f"[red]✗[/red] {fault}", soft_wrap=True, highlight=False)
    if faults:
        console.print(
            "Run `evenkeel contracts generate` and look at the difference; a broken promise needs a new event version."
        )
        raise typer.Exit(1)
    console.print("[green]✓[/green] contracts are as released and as generated")


@app.command()
def release(root: Root = Path()) -> None:
    """Promise today's schemas from now on; refused while they break what was promised before."""
    if broken := files.broken_promises(root):
        for one in broken:
            console.print(f"[red]✗[/red] {one}", soft_wrap=True, highlight=False)
        raise typer.Exit(1)
    files.release(root)
    console.print(f"Released into {root / files.RELEASED}")
