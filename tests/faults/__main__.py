"""`make chaos`: the whole system under load while things break, for MINUTES with a SEED; exit code 1 when a promise broke."""

import asyncio
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from tests.embedded import open_folder
from tests.faults.chaos import Result, Run, Tell
from tests.faults.ledger import Ledger
from tests.faults.report import show, write
from tests.system import running_system

console = Console()


def run(folder: Path, seed: int, minutes: float, tell: Tell, ledger: Path | None = None) -> Result:
    """One run on a system of its own in `folder`."""
    with running_system(folder / "system") as system:
        return asyncio.run(Run(system, seed, minutes, Ledger(seed, ledger), tell).run())


def main() -> None:
    """Run, show, and keep the figures in build/."""
    asked = arguments()
    columns = TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
    with open_folder() as folder, Progress(*columns, console=console) as progress:
        task = progress.add_task("Starting", total=None)
        told = [""]

        def tell(said: str) -> None:
            progress.update(task, description=said)
            if not console.is_terminal and said != told[0]:
                told[0] = said

        result = run(folder, asked.seed, asked.minutes, tell, Path(f"build/chaos-{asked.seed}.jsonl"))
    show(result, console)
    write(result)
    sys.exit(1 if result.violations else 0)


def arguments() -> Namespace:
    """What was asked for."""
    parser = ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
