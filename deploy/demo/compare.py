"""What the services show, in the reference's words, and where the two differ."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from deploy.demo.client import Network
from deploy.demo.lag import Lag, lag
from deploy.demo.reference import Summary, Tables, plan_state, read_tables, tapers
from deploy.demo.rows import row_differences
from deploy.demo.ways import Patient

SETTLE_SECONDS_MAX: Final = 120.0
LOOK_SECONDS: Final = 0.5


@dataclass
class Findings:
    """The tables, what the APIs showed, and every difference as a sentence."""

    tables: Tables
    lag: Lag
    states: dict[str, dict[str, Any]] = field(default_factory=dict)
    schedules: dict[str, dict[str, Any]] = field(default_factory=dict)
    mismatches: list[str] = field(default_factory=list)


async def settled(network: Network, patients: Sequence[Patient]) -> Findings:
    """Look until all is taken in and nothing differs, at most SETTLE_SECONDS_MAX; what still differs then is wrong."""
    end = asyncio.get_running_loop().time() + SETTLE_SECONDS_MAX
    while True:
        late = asyncio.get_running_loop().time() > end
        if late or not (await lag(network.instance)).events:
            findings = await compare(network, patients)
            if late or not (findings.mismatches or findings.lag.events):
                return findings
        await asyncio.sleep(LOOK_SECONDS)


async def compare(network: Network, patients: Sequence[Patient]) -> Findings:
    """Plan states, taper schedules and lists of the patients against the event tables, as both stand now."""
    findings = Findings(await read_tables(network.instance), await lag(network.instance))
    findings.mismatches += findings.tables.faults
    if findings.lag.parked:
        findings.mismatches.append(f"{findings.lag.parked} messages were put aside")
    findings.mismatches += [
        f"slot {slot} was dosed {times} times"
        for slot, times in findings.tables.doses_given.items()
        if times not in {0, 1}
    ]
    await asyncio.gather(*(_patient(network, findings, one) for one in patients))
    return findings


async def _patient(network: Network, findings: Findings, patient: Patient) -> None:
    patient_id, site = str(patient.patient_id), patient.group.site
    events = findings.tables.events.get(patient_id, [])
    answer = await network.query(f"intake/patients/{patient_id}/plan-state", role="counsellor", site=site)
    shown = answer.json() if answer.is_success else {}
    findings.states[patient_id] = shown
    _differ(findings, f"plan state of {patient_id}", plan_state(events), _shown_state(shown))
    findings.mismatches += await row_differences(network, patient_id, site, events)
    for taper_id, wanted in tapers(events).items():
        answer = await network.query(f"medication/tapers/{taper_id}/schedule", role="nurse", site=site)
        schedule = answer.json() if answer.is_success else {}
        findings.schedules[taper_id] = schedule
        _differ(findings, f"schedule of taper {taper_id}", wanted, _shown_taper(schedule))


def _differ(findings: Findings, what: str, wanted: Summary, shown: Summary) -> None:
    for name, value in wanted.items():
        if shown.get(name) != value:
            findings.mismatches.append(f"{what}: {name} is {shown.get(name)!r}, the events say {value!r}")
    if shown.get("degraded_since"):
        findings.mismatches.append(f"{what}: degraded since {shown['degraded_since']}")


def _shown_state(shown: dict[str, Any]) -> Summary:
    if not shown:
        return {}
    figures = shown["figures"]
    return {
        "level": figures["level_of_care"]["level"],
        "discharged_on": figures["episode"]["discharged_on"],
        "gate": figures["detox_gate"]["status"],
        "prescribed": figures["plan"]["prescribed_minutes_per_week"],
        "goals": {one["goal_id"]: one["progress"] for one in figures["plan"]["goals"]},
        "open_signs": len(figures["danger_signs"]),
        "scores": {name: one["total"] for name, one in figures["scores"].items()},
        "minutes": {monday: week["minutes"] for monday, week in figures["weeks"].items()},
        "counted": {monday: week["counted_minutes"] for monday, week in figures["weeks"].items()},
        "attendance": {
            name: [one["sessions"], one["attended"], one["no_shows"]] for name, one in figures["attendance"].items()
        },
        "slots": {one["order_id"]: _counts(one["adherence"]["all"]) for one in figures["medication"]},
        "tapers": {one["taper_id"]: one["status"] for one in figures["tapers"]},
        "degraded_since": shown["degraded_since"],
    }


def _counts(slots: dict[str, Any]) -> dict[str, int]:
    return {name: slots[name] for name in ("given", "refused", "missed")}


def _shown_taper(schedule: dict[str, Any]) -> Summary:
    if not schedule:
        return {}
    figures = schedule["figures"]
    return {
        "status": figures["status"],
        "steps": [{name: step[name] for name in ("dose_mg", "starts_on", "status")} for step in figures["steps"]],
        "degraded_since": schedule["degraded_since"],
    }
