"""Holds what is shown of one patient against the logs, each thing at the very version that it says it has."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final
from uuid import UUID

import msgspec

from deploy.proof.medicine_reference import tapers
from deploy.proof.plan_reference import plan_state
from deploy.proof.row_reference import TABLES, Row, Rows, Table
from deploy.proof.shown import plan_differences, schedule_differences
from deploy.proof.told import Told, newest, of_patient, up_to
from shared.database import Connection
from shared.lanes import lane_of

PLAN_STATE: Final = "intake.plan-state.v1"
TAPER_SCHEDULE: Final = "medication.taper-schedule.v1"
FOLDS: Final = {
    PLAN_STATE: ("intake", "intake-plan-state-v1"),
    TAPER_SCHEDULE: ("medication", "medication-taper-schedule-v1"),
}
"""Topic to the service and the consumer that write it."""
SOURCES: Final = {PLAN_STATE: ("intake", "scheduling", "medication"), TAPER_SCHEDULE: ("medication",)}

_CHECKPOINT: Final = """
select coalesce(last_sequence, 0) from projection.checkpoint where projection = $1 and topic = $2 and partition = $3
"""
# Something is parked, or an operator has had a parked event applied with other content, or left out: then the log alone
# does not say what is to be shown.
_SET_APART: Final = """
select exists (select from projection.parked where consumer = $1 and key = $2) or exists (
    select from log.event where stream = any(array[format('parking-%s.%s', $1, $2), format('parking-%s.%s.erased', $1, $2)])
        and type in ('ParkedEventEdited', 'ParkedEventDiscarded'))
"""
_PLAN_STATE: Final = (
    "select sources::text, degraded_since, figures::text as figures from view.plan_state where patient_id = $1"
)
_SCHEDULES: Final = """
select sources::text, degraded_since, figures::text as figures from view.taper_schedule where patient_id = $1
"""


@dataclass
class Comparison:
    """What was found about one patient. `complete` says that everything shown has taken in all of the patient's events.

    `degraded` says that some of it was not compared: an event is parked, or an operator has edited or discarded one.
    """

    patient_id: UUID
    faults: list[str] = field(default_factory=list)
    complete: bool = True
    degraded: bool = False
    set_apart: set[str] = field(default_factory=set)

    def differ(self, what: str, names: Sequence[str]) -> None:
        """These figures or columns are not what the events say. Values stay where they are: they are about a person."""
        self.faults += [f"{what} of patient {self.patient_id}: {name} is not what the events say" for name in names]


async def compare(
    connections: Mapping[str, Connection], patient_id: UUID, values: Mapping[str, bytes | None]
) -> Comparison:
    """One patient's rows, and the newest values of the compacted topics as far as `values` has them."""
    found = Comparison(patient_id)
    for topic, (service, consumer) in FOLDS.items():
        if await connections[service].fetchval(_SET_APART, consumer, str(patient_id)):
            found.set_apart.add(topic)
    # What is shown is read before the events, so that every event it has taken in is among them.
    shown = [await _rows(connections[table.service], table, patient_id) for table in TABLES]
    states = await connections["intake"].fetch(_PLAN_STATE, patient_id)
    schedules = await connections["medication"].fetch(_SCHEDULES, patient_id)
    events = await of_patient(connections, patient_id)
    for table, rows in zip(TABLES, shown, strict=True):
        _table(found, table, rows, events)
    for row in states:
        value = {name: msgspec.json.decode(row[name]) for name in ("sources", "figures")}
        _output(found, PLAN_STATE, "plan state", events, value | {"degraded_since": row["degraded_since"]})
    _schedule_rows(found, events, schedules)
    for topic, data in values.items():
        if data is not None:
            _output(found, topic, f"{topic} value", events, msgspec.json.decode(data))
        elif newest(events).keys() & SOURCES[topic]:
            found.complete = False
    if (not states and plan_state(events)["site_id"]) or (not schedules and tapers(events)):
        found.complete = False
    return found


@dataclass(frozen=True)
class Shown:
    """A table's rows of one patient, and the position that they stand at, all of one moment."""

    position: int
    set_apart: bool
    rows: Rows


async def _rows(connection: Connection, table: Table, patient_id: UUID) -> Shown:
    where = (f"{table.service}.events.v1", lane_of(str(patient_id)))
    columns = ", ".join(table.columns)
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        position = await connection.fetchval(_CHECKPOINT, table.projection, *where)
        set_apart = await connection.fetchval(_SET_APART, table.projection, str(patient_id))
        rows = await connection.fetch(
            f"select {table.key}::text as key, {columns} from view.{table.name} where patient_id = $1",  # noqa: S608 - names are ours
            patient_id,
        )
    return Shown(position or 0, set_apart, {row["key"]: _plain(row) for row in rows})


def _plain(row: Mapping[str, Any]) -> Row:
    made: Row = {}
    for name, value in row.items():
        match value:
            case UUID():
                made[name] = str(value)
            case date():
                made[name] = value.isoformat()
            case _:
                made[name] = value
    return made


def _table(found: Comparison, table: Table, shown: Shown, events: Sequence[Told]) -> None:
    found.complete &= shown.position >= newest(events).get(table.service, 0)
    found.degraded |= shown.set_apart
    if shown.set_apart:
        return
    wanted = table.wanted(up_to(events, {table.service: shown.position}))
    found.differ(f"{table.service} table {table.name}", list(_row_differences(wanted, shown.rows)))


def _row_differences(wanted: Rows, shown: Rows) -> Iterator[str]:
    for key in sorted(wanted.keys() - shown.keys()):
        yield f"{key} is missing, so the table"
    for key in sorted(shown.keys() - wanted.keys()):
        yield f"{key} is too much, so the table"
    for key in sorted(wanted.keys() & shown.keys()):
        yield from (f"{key} {name}" for name, value in wanted[key].items() if shown[key][name] != value)


def _output(found: Comparison, topic: str, what: str, events: Sequence[Told], value: Mapping[str, Any]) -> None:
    reached = _reached(value["sources"])
    last = newest(events)
    found.complete &= all(reached.get(service, 0) >= last.get(service, 0) for service in SOURCES[topic])
    if value["degraded_since"] or topic in found.set_apart:
        found.degraded = True
        return
    taken, figures = up_to(events, reached), value["figures"]
    if topic == PLAN_STATE:
        found.differ(what, plan_differences(taken, figures))
    else:
        found.differ(what, schedule_differences(taken, figures["tapers"]))


def _schedule_rows(found: Comparison, events: Sequence[Told], rows: Sequence[Mapping[str, Any]]) -> None:
    """The rows of all tapers of a patient come from one value, so together they are one."""
    values = {row["sources"]: row["degraded_since"] for row in rows}
    if len(values) > 1:
        found.differ("taper schedules", ["their common source"])
    elif rows:
        figures = {"tapers": [msgspec.json.decode(row["figures"]) for row in rows]}
        value = {"sources": msgspec.json.decode(rows[0]["sources"]), "figures": figures}
        since = next((row["degraded_since"] for row in rows if row["degraded_since"]), None)
        _output(found, TAPER_SCHEDULE, "taper schedules", events, value | {"degraded_since": since})


def _reached(sources: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    """Service to position, from `{"intake.events.v1": {"lane": 3, "position": 12}}`."""
    return {topic.partition(".")[0]: place["position"] for topic, place in sources.items()}
