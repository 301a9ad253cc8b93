"""`make chaos-planted`: every planted bug on a system of its own, and every scene on a sound one; prints who was caught by what."""

import asyncio
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from tests.embedded import open_folder
from tests.faults.ground import ground
from tests.faults.planted import MUTANTS, Planted
from tests.faults.playing import planting, played

JSON: Final = Path("build/chaos-planted.json")
PAGE: Final = Path("docs/reliability/planted.md")
TIMER: Final = "a-timer"
console = Console(width=None if Console().is_terminal else 150)


@dataclass(frozen=True)
class Finding:
    """What became of one bug; without a bug `violations` must be empty."""

    name: str
    guard: str
    seconds: float
    seconds_max: float
    violations: Sequence[str] = field(default_factory=list)

    @property
    def caught(self) -> bool:
        """In its time."""
        return bool(self.violations) and self.seconds <= self.seconds_max


def one(planted: Planted, *, sound: bool = False) -> Finding:
    """One bug, or the same scene without it, on a system of its own."""
    bugs = [bug for bug in planted.bug.split(",") if bug and (not sound or bug == TIMER)]
    if sound:
        planted = Planted(planted.name, planted.guard, planted.scene, seconds_max=planted.seconds_max)
    with open_folder() as folder, ground(folder, **(planting(",".join(bugs)) if bugs else {})) as made:
        found, seconds = asyncio.run(played(made, planted, rounds_max=1 if sound else 20))
    return Finding(
        planted.name, planted.guard, round(seconds, 1), planted.seconds_max, [f"{v.rule}: {v.what}" for v in found]
    )


def main() -> None:
    """Every bug must be caught, and no scene may find anything in a sound system."""
    parser = ArgumentParser(prog="python -m tests.faults.planting", description=__doc__)
    parser.add_argument("--only", default="", help="a part of a bug's name")
    parser.add_argument("--no-sound", action="store_true", help="leave the sound systems out")
    asked = parser.parse_args()
    chosen = [planted for planted in MUTANTS if asked.only in planted.name]
    scenes_of = {} if asked.no_sound else {planted.scene: planted for planted in chosen}
    findings, alarms = [], []
    columns = TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("Planting", total=len(chosen) + len(scenes_of))
        for planted in chosen:
            progress.update(task, description=planted.name)
            findings.append(one(planted))
            progress.console.print(_line(findings[-1]), highlight=False, markup=False, soft_wrap=True)
            progress.advance(task)
        for planted in scenes_of.values():
            progress.update(task, description=f"sound: {planted.name}")
            alarms.append(one(planted, sound=True))
            progress.console.print(_line(alarms[-1], sound=True), highlight=False, markup=False, soft_wrap=True)
            progress.advance(task)
    _report(findings, alarms, whole=not asked.only and not asked.no_sound)
    sys.exit(0 if all(one.caught for one in findings) and not any(one.violations for one in alarms) else 1)


def _line(finding: Finding, *, sound: bool = False) -> str:
    said = finding.violations[0] if finding.violations else "nothing"
    return f"{'sound, scene of ' if sound else ''}{finding.name}: {said} ({finding.seconds:.0f} s)"


def _report(findings: Sequence[Finding], alarms: Sequence[Finding], *, whole: bool) -> None:
    table = Table("planted bug", "guard that it removes", "found by", "seconds", "at most")
    for one in findings:
        found = one.violations[0].partition(":")[0] if one.violations else "[red]nothing[/red]"
        table.add_row(one.name, one.guard, found, f"{one.seconds:.0f}", f"{one.seconds_max:.0f}")
    console.print(table)
    console.print(
        f"{sum(one.caught for one in findings)} of {len(findings)} caught; {sum(bool(one.violations) for one in alarms)} false alarms in {len(alarms)} sound scenes"
    )
    JSON.parent.mkdir(exist_ok=True)
    JSON.write_bytes(msgspec.json.format(msgspec.json.encode({"planted": findings, "sound": alarms})) + b"\n")
    if whole:
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text(page(findings, alarms))


def page(findings: Sequence[Finding], alarms: Sequence[Finding]) -> str:
    """The table as a page of the documentation."""
    rows = [
        f"| {one.name} | {one.guard} | {one.violations[0].partition(':')[0] if one.violations else '**not caught**'} "
        f"| {len(one.violations)} | {one.seconds:.0f} | {one.seconds_max:.0f} |"
        for one in findings
    ]
    return "\n".join(
        [
            "# Planted bugs",
            "",
            "`make chaos-planted` takes one guard away from a running system, brings about the situation that the guard is for, and lets the checker of",
            "`make chaos` look. A guard that nobody misses is no guard; a bug that nobody finds shows a hole in the checker. This page is written by it.",
            "",
            "| planted bug | guard that it removes | rule that found it | findings | seconds | at most |",
            "|---|---|---|---|---|---|",
            *rows,
            "",
            (
                f"{sum(one.caught for one in findings)} of {len(findings)} were caught in time. "
                f"The same {len(alarms)} scenes on a sound system: {sum(bool(one.violations) for one in alarms)} false alarms."
            ),
            "",
        ]
    )


if __name__ == "__main__":
    main()
