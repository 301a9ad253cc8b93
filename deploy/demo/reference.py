"""What every patient's state and schedule should be, folded from the event tables alone.

Written from the events' own words and sharing nothing with the services: no heart, no fold, no view. Rows come as
`(type, stream, patient, data)` in the order of each stream; what different streams say is joined here by ids.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import asyncpg

from deploy.databases import SERVICES
from deploy.instance import Instance

NOT_TAKEN = frozenset({"DoseMissed", "DoseRefused"})

type Summary = dict[str, Any]


@dataclass
class Tables:
    """The event tables as they stand: events per patient, how many there are, and what is wrong with the positions."""

    events: dict[str, list[tuple[str, str, dict[str, Any]]]] = field(default_factory=lambda: defaultdict(list))
    count: int = 0
    faults: list[str] = field(default_factory=list)
    doses_given: dict[str, int] = field(default_factory=lambda: defaultdict(int))


async def read_tables(instance: Instance) -> Tables:
    """Read all three logs, as their owners."""
    tables, passwords, server = Tables(), instance.passwords(), instance.state()["postgres"]
    for service in SERVICES:
        dsn = f"postgresql://{service}_owner:{passwords[f'{service}_owner']}@{server}/{service}"
        connection = await asyncpg.connect(dsn)
        try:
            rows = await connection.fetch(
                "select type, stream, patient_id::text as patient, data::text as data from log.event order by stream, version"
            )
            uneven = await connection.fetch(
                "select lane, count(*) as many, max(position) as last from log.event group by lane having count(*) <> max(position)"
            )
        finally:
            await connection.close()
        tables.faults += [
            f"{service} lane {row['lane']}: {row['many']} events up to position {row['last']}" for row in uneven
        ]
        _take(tables, rows)
    return tables


def _take(tables: Tables, rows: Iterable[Any]) -> None:
    tables.count += sum(1 for _ in rows)
    for row in rows:
        data = json.loads(row["data"])
        if row["patient"]:
            tables.events[row["patient"]].append((row["type"], row["stream"], data))
        if row["type"] in {"DoseAdministered", "DoseVoided"}:
            slot = f"{data['order_id']} {data['dosing_on']} {data['split']}"
            tables.doses_given[slot] += 1 if row["type"] == "DoseAdministered" else -1


def plan_state(events: Sequence[tuple[str, str, dict[str, Any]]]) -> Summary:
    """What plan state should show of one patient."""
    last = _last_words(events)
    admitted = last.get("PatientAdmitted", [])
    gate = "not_required"
    if last.get("WithdrawalManagementRequired"):
        gate = "completed" if last.get("WithdrawalManagementCompleted") else "required"
    return {
        "level": admitted[-1]["level_of_care"] if admitted else None,
        "discharged_on": last["PatientDischarged"][-1]["discharged_on"] if last.get("PatientDischarged") else None,
        "gate": gate,
        "prescribed": {one["modality"]: one["minutes_per_week"] for one in last["PlanActivated"][-1]["prescribed"]}
        if last.get("PlanActivated")
        else {},
        "goals": dict.fromkeys(
            last["PlanActivated"][-1]["goal_ids"] if last.get("PlanActivated") else (), "not_started"
        )
        | {one["goal_id"]: one["progress"] for one in last.get("GoalProgressNoted", [])},
        "open_signs": len(last.get("DangerSignRaised", [])) - len(last.get("DangerSignClosed", [])),
        "scores": {one["instrument_id"]: one["total"] for one in last.get("InstrumentScored", [])},
        **_attended(events),
        "slots": _slots(events),
        "tapers": {taper_id: one["status"] for taper_id, one in tapers(events).items()},
    }


def _last_words(events: Sequence[tuple[str, str, dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for kind, _, data in events:
        found[kind].append(data)
    return found


def _attended(events: Sequence[tuple[str, str, dict[str, Any]]]) -> Summary:
    """Per attendance its newest word; then minutes per week and modality, and how often the patient came."""
    newest: dict[str, dict[str, Any]] = {}
    for kind, stream, data in events:
        if kind in {"AttendanceRecorded", "AttendanceCorrected"}:
            newest[stream] = data
        elif kind == "AttendanceRetracted":
            newest.pop(stream, None)
    weeks: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    counted: dict[str, int] = defaultdict(int)
    came: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for data in newest.values():
        on = date.fromisoformat(data["session_on"])
        monday = (on - timedelta(days=on.weekday())).isoformat()
        there = data["status"] not in {"no_show", "excused"}
        weeks[monday][data["modality"]] += data["minutes"]
        counted[monday] += data["minutes"] if data["counts_toward_plan_hours"] else 0
        for at, true in enumerate((True, there, data["status"] == "no_show")):
            came[data["modality"]][at] += true
    return {
        "minutes": {monday: {one: total for one, total in by.items() if total} for monday, by in weeks.items()},
        "counted": dict(counted),
        "attendance": dict(came),
    }


def _slots(events: Sequence[tuple[str, str, dict[str, Any]]]) -> dict[str, dict[str, int]]:
    """Per order: how many slots were given, refused, missed; a slot's newest word counts."""
    newest: dict[str, tuple[str, str]] = {}
    for kind, stream, data in events:
        word = {"DoseAdministered": "given", "DoseRefused": "refused", "DoseMissed": "missed", "DoseVoided": ""}.get(
            kind
        )
        if word is not None:
            newest[stream] = (data["order_id"], word)
    orders: dict[str, dict[str, int]] = {
        stream.split("-", 1)[1]: {"given": 0, "refused": 0, "missed": 0}
        for kind, stream, _ in events
        if kind == "OrderDrafted"
    }
    for order_id, word in newest.values():
        if word:
            orders[order_id][word] += 1
    return orders


def tapers(events: Sequence[tuple[str, str, dict[str, Any]]]) -> dict[str, Summary]:
    """What the taper schedule should show: per taper its status and each step with date, dose and status."""
    found: dict[str, Summary] = {}
    for kind, stream, data in events:
        taper_id = stream.split("-", 1)[1]
        if kind == "TaperStarted":
            found[taper_id] = {"status": "active", "steps": _planned(data)}
        elif taper_id in found and stream.startswith("taper-"):
            _continue(found[taper_id], kind, data)
    for taper_id, taper in found.items():
        _not_taken(taper, [data for kind, _, data in events if kind in NOT_TAKEN and data["taper_id"] == taper_id])
    return found


def _not_taken(taper: Summary, slots: Sequence[dict[str, Any]]) -> None:
    """A confirmed step of which doses were only missed or refused was missed."""
    starts = [step["starts_on"] for step in taper["steps"]] + ["9999-12-31"]
    for number, step in enumerate(taper["steps"]):
        within = [one for one in slots if starts[number] <= one["dosing_on"] < starts[number + 1]]
        if step["status"] == "confirmed" and within:
            step["status"] = "missed"


def _continue(taper: Summary, kind: str, data: dict[str, Any]) -> None:
    if kind == "TaperStepConfirmed":
        moved = (date.fromisoformat(data["effective_on"]) - date.fromisoformat(data["planned_on"])).days
        _move(taper, data["step"] - 1, max(0, moved))
        taper["steps"][data["step"] - 1]["status"] = "confirmed"
    elif kind == "TaperStepTaken":
        taper["steps"][data["step"] - 1]["status"] = "taken"
    elif kind == "TaperHeld":
        taper["status"] = "held"
    elif kind == "TaperResumed":
        taper["status"] = "active"
        _move(taper, data["step"], data["moved_days"])
    elif kind == "TaperReplanned":
        taper |= {"status": "active", "steps": [*taper["steps"][: data["step"]], *_planned(data)]}
    elif kind == "TaperReversed":
        back = {"dose_mg": data["dose_mg"], "starts_on": data["reversed_on"], "status": "confirmed"}
        taper |= {"status": "active", "steps": [*taper["steps"][: data["step"] - 1], back, *_planned(data)]}
    elif kind in {"TaperCompleted", "TaperStopped"}:
        taper["status"] = {"TaperCompleted": "completed", "TaperStopped": "stopped"}[kind]


def _planned(data: dict[str, Any]) -> list[Summary]:
    return [{"dose_mg": one["dose_mg"], "starts_on": one["starts_on"], "status": "planned"} for one in data["steps"]]


def _move(taper: Summary, since: int, days: int) -> None:
    for step in taper["steps"][since:]:
        step["starts_on"] = (date.fromisoformat(step["starts_on"]) + timedelta(days=days)).isoformat()
