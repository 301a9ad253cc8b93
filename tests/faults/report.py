"""What a run found, as text for people and as JSON for programs."""

import os
import platform
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from math import ceil
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.table import Table

from tests.faults.chaos import Result

JSON: Final = Path("build/chaos.json")
PAGE: Final = Path("build/chaos.md")
KILLS: Final = ("kill", "broker-kill")
"""What counts as a kill: SIGKILL, nothing can be tidied up."""
SHOWN_MAX: Final = 40


def percentile(values: Sequence[float], share: int) -> float:
    """The smallest value that at least `share` per cent of the values do not exceed."""
    return sorted(values)[max(0, ceil(len(values) * share / 100) - 1)]


def bound(count: int) -> float | None:
    """The rule of three: without a failure in `count` tries, the rate is below 3/n with 95 % confidence."""
    return 3 / count if count else None


def kills(result: Result) -> int:
    """How often a process died without a chance to tidy up."""
    return sum(result.faults.get(kind, 0) for kind in KILLS)


def figures(result: Result) -> dict[str, Any]:
    """Everything that the JSON file says."""
    kept = {name: value for name, value in asdict(result).items() if name != "recovery_seconds"}
    clean = not result.violations
    return kept | {
        "kills": kills(result),
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
    yield from _skipped(result)
    yield from _limits(result)
    yield from (f"VIOLATION {one}" for one in result.violations[:SHOWN_MAX])


def _skipped(result: Result) -> Iterator[str]:
    yield from (f"Not done here: {kind} ({why})." for kind, why in sorted(result.skipped.items()))


def _limits(result: Result) -> Iterator[str]:
    broken = sum(result.faults.values())
    if not result.violations and broken and result.commands:
        yield (
            f"With 95 % confidence fewer than {3 / result.commands:.1e} of the commands (3/n, n = {result.commands}) "
            f"and {3 / broken:.1%} of the faults (n = {broken}) break a promise."
        )


def show(result: Result, console: Console) -> None:
    """On the terminal."""
    table = Table("component", "times broken", "p50, s", "p99, s", title="Until it was ready again")
    for row in _recovery(result):
        table.add_row(*row)
    console.print(table)
    for line in lines(result):
        console.print(
            line, style="red" if line.startswith("VIOLATION") else None, soft_wrap=True, highlight=False, markup=False
        )


def page(result: Result) -> str:
    """The run as a page of the documentation."""
    counts = {
        "kills (SIGKILL of a process or of the broker)": kills(result),
        "other faults": sum(result.faults.values()) - kills(result),
        "events stored": result.events,
        "requests, queries included": result.requests,
        "commands acknowledged": result.commands,
        "of the commands, sent again after no answer": result.retries,
        "patients who went their whole way": result.patients,
        "points at which everything had to agree": result.checks,
        "violations": len(result.violations),
    }
    lines = "\n".join(
        [
            f"# Chaos, seed {result.seed}, {result.minutes:g} minutes",
            "",
            f"`make chaos MINUTES={result.minutes:g} SEED={result.seed}` at commit {_commit()}, Python {platform.python_version()}, {os.cpu_count()} cores.",
            "",
            *_table(("what", "count"), counts.items()),
            *_table(("fault", "times"), sorted(result.faults.items())),
            *_table(("component", "times broken", "ready again, p50, s", "p99, s"), _recovery(result)),
            *(f"{line}\n" for line in (*_limits(result), *_skipped(result))),
            *(f"- VIOLATION {one}" for one in result.violations),
        ]
    )
    return f"{lines.rstrip()}\n"


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|---" * len(head) + "|"
    yield from (f"| {' | '.join(map(str, row))} |" for row in rows)
    yield ""


def _recovery(result: Result) -> Iterator[tuple[str, ...]]:
    for kind, found in sorted(result.recovery_seconds.items()):
        yield kind, str(len(found)), f"{percentile(found, 50):.1f}", f"{percentile(found, 99):.1f}"


def _commit() -> str:
    said = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return said.stdout.strip() or "unknown"


def write(result: Result) -> None:
    """Both files in build/."""
    JSON.parent.mkdir(exist_ok=True)
    JSON.write_bytes(msgspec.json.format(msgspec.json.encode(figures(result))) + b"\n")
    PAGE.write_text(page(result))
