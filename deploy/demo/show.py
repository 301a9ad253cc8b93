"""What the demonstration shows: plan states, taper schedules, the count of differences, and what to try next."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from deploy.demo.compare import Findings
from deploy.demo.ways import Patient

ROWS_MAX = 30


def tables(console: Console, patients: Sequence[Patient], findings: Findings) -> None:
    """Plan states and taper schedules, the first ROWS_MAX patients of them."""
    states = Table(
        "patient",
        "site",
        "way",
        "phase",
        "level",
        "gate",
        "minutes / week",
        "came",
        "doses",
        "taper",
        title="Plan state",
        title_justify="left",
    )
    for one in patients[:ROWS_MAX]:
        shown = findings.states.get(str(one.patient_id)) or {}
        states.add_row(
            str(one.patient_id)[:8], one.group.site, one.way.value, *(_state_cells(shown["figures"]) if shown else ())
        )
    console.print(states)
    schedules = Table(
        "taper", "medicine", "status", "steps", "next decision", title="Taper schedule", title_justify="left"
    )
    for taper_id, schedule in list(findings.schedules.items())[:ROWS_MAX]:
        if schedule:
            schedules.add_row(taper_id[:8], *_taper_cells(schedule["figures"]))
    console.print(schedules)


def _state_cells(figures: dict[str, Any]) -> tuple[str, ...]:
    weeks = [f"{week['counted_minutes']}" for _, week in sorted(figures["weeks"].items())]
    prescribed = figures["plan"]["counted_minutes_per_week"]
    sessions = sum(one["sessions"] for one in figures["attendance"].values())
    attended = sum(one["attended"] for one in figures["attendance"].values())
    given = sum(one["adherence"]["all"]["given"] for one in figures["medication"])
    slots = sum(
        sum(one["adherence"]["all"][word] for word in ("given", "refused", "missed")) for one in figures["medication"]
    )
    tapers = ", ".join(f"{one['status']} {one['step']}/{one['steps']}" for one in figures["tapers"])
    return (
        figures["phase"],
        figures["level_of_care"]["level"] or "",
        figures["detox_gate"]["status"],
        f"{', '.join(weeks)} of {prescribed}",
        f"{attended}/{sessions}",
        f"{given}/{slots}",
        tapers,
    )


def _taper_cells(figures: dict[str, Any]) -> tuple[str, ...]:
    colours = {"taken": "green", "confirmed": "cyan", "missed": "red", "held": "yellow", "planned": "dim"}
    steps = " ".join(f"[{colours.get(step['status'], 'default')}]{step['dose_mg']}[/]" for step in figures["steps"])
    decision = figures["next_decision"]
    due = f"{decision['kind']} {decision['step']} by {decision['due_on']}" if decision else ""
    return figures["medicine"], figures["status"], f"{figures['start_dose_mg']} → {steps} mg", due


def summary(console: Console, result: dict[str, Any], findings: Findings) -> None:
    """The line that counts, and each difference below it."""
    good = not findings.mismatches
    console.print(
        f"{result['patients']} patients, {result['events']} events in the logs, {result['seconds']:.1f} s, settled after "
        f"{result['settle_seconds']:.1f} s, {result['retries']} repeats: [{'green' if good else 'red'}]{result['mismatches']} mismatches[/]"
    )
    for one in findings.mismatches:
        console.print(f"[red]✗[/red] {one}", soft_wrap=True, highlight=False)
