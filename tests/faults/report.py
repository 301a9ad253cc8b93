"""What a run found, as text for people and as JSON for programs."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from math import ceil
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.table import Table

from tests.faults.chaos import Result

JSON: Final = Path("build/chaos.json")
TEXT: Final = Path("build/chaos.txt")
COMPONENTS: Final = ("api", "worker", "stream", "kafka", "postgres")
SHOWN_MAX: Final = 40


def percentile(values: Sequence[float], share: int) -> float:
    """The smallest value that at least `share` per cent of the values do not exceed."""
    return sorted(values)[max(0, ceil(len(values) * share / 100) - 1)]


def bound(count: int) -> float | None:
    """The rule of three: without a failure in `count` tries, the rate is below 3/n with 95 % confidence."""
    return 3 / count if count else None


def figures(result: Result) -> dict[str, Any]:
    """Everything that the JSON file says."""
    kept = {name: value for name, value in asdict(result).items() if name != "recovery_seconds"}
    clean = not result.violations
    return kept | {
        "recovery": {
            kind: {
                "times": len(found),
                "p50_seconds": round(percentile(found, 50), 2),
                "p99_seconds": round(percentile(found, 99), 2),
            }
            for kind, found in sorted(result.recovery_seconds.items())
        },
        "bound_per_command": bound(result.commands) if clean else None,
        "bound_per_fault": bound(sum(result.faults.values())) if clean else None,
    }


def lines(result: Result) -> Iterator[str]:
    """The same in words."""
    broken = sum(result.faults.values())
    yield f"Seed {result.seed}, {result.minutes:g} minutes: {len(result.violations)} violations in {result.checks} checks."
    yield f"{result.events} events, {result.commands} commands acknowledged, {result.patients} patients, {result.retries} retries."
    yield f"{broken} faults: " + ", ".join(f"{times} {kind}" for kind, times in sorted(result.faults.items())) + "."
    for kind, why in sorted(result.skipped.items()):
        yield f"Not done here: {kind} ({why})."
    if not result.violations and broken and result.commands:
        yield (
            f"With 95 % confidence fewer than {3 / result.commands:.1e} of the commands (3/n, n = {result.commands}) "
            f"and {3 / broken:.1%} of the faults (n = {broken}) break a promise."
        )
    yield from (f"VIOLATION {one}" for one in result.violations[:SHOWN_MAX])


def show(result: Result, console: Console) -> None:
    """On the terminal."""
    table = Table("component", "times broken", "p50, s", "p99, s", title="Until it was ready again")
    for kind, found in sorted(result.recovery_seconds.items()):
        table.add_row(kind, str(len(found)), f"{percentile(found, 50):.1f}", f"{percentile(found, 99):.1f}")
    console.print(table)
    for line in lines(result):
        console.print(
            line, style="red" if line.startswith("VIOLATION") else None, soft_wrap=True, highlight=False, markup=False
        )


def write(result: Result) -> None:
    """Both files in build/."""
    JSON.parent.mkdir(exist_ok=True)
    JSON.write_bytes(msgspec.json.format(msgspec.json.encode(figures(result))) + b"\n")
    with TEXT.open("w") as file:
        show(result, Console(file=file, width=120))
