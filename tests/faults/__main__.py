"""`make chaos`: the whole system under load while things break, for MINUTES with a SEED; exit code 1 when a promise broke."""

import asyncio
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from tests.embedded import open_folder
from tests.faults.chaos import Result, Run, Tell
from tests.faults.ground import ground
from tests.faults.ledger import Ledger
from tests.faults.plan import WEIGHTS
from tests.faults.report import show, write

LEDGERS: Final = Path("build")
console = Console()


def run(
    folder: Path, seed: int, minutes: float, tell: Tell, *, ledger: Path | None = None, kinds: Sequence[str] = ()
) -> Result:
    """One run on a system of its own in `folder`; `kinds` of faults are all unless some are named."""
    with ground(folder) as made:
        return asyncio.run(Run(made, Ledger(seed, ledger), tell, minutes=minutes, kinds=kinds).run())


def main() -> None:
    """Run, show, and keep the figures in build/."""
    asked = arguments()
    columns = TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
    with open_folder() as folder, Progress(*columns, console=console) as progress:
        task = progress.add_task("Starting", total=None)

        def tell(said: str) -> None:
            progress.update(task, description=said)

        result = run(
            folder,
            asked.seed,
            asked.minutes,
            tell,
            ledger=LEDGERS / f"chaos-{asked.seed}.jsonl",
            kinds=asked.only.split(","),
        )
    show(result, console)
    write(result)
    sys.exit(1 if result.violations else 0)


def arguments() -> Namespace:
    """What was asked for."""
    parser = ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", help="kinds of faults, such as `kill,broker-lost`", default=",".join(WEIGHTS))
    return parser.parse_args()


if __name__ == "__main__":
    main()
