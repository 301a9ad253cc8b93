"""What the event tables must show, by arithmetic and the ledger alone: nothing of the product's code is asked."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import asyncpg

from tests.faults.ledger import Command, Ledger
from tests.system import System

SERVICES: Final = ("intake", "scheduling", "medication")


class Violation(NamedTuple):
    """One broken promise."""

    rule: str
    what: str


class Row(NamedTuple):
    """One stored event."""

    lane: int
    position: int
    stream: str
    version: int
    event_id: str
    type: str
    site_id: str
    key: str
    recorded_at: datetime
    actor: str
    causation_id: str | None
    data: str


@dataclass
class Tables:
    """One service's log as it stands."""

    service: str
    rows: list[Row]
    heads: dict[int, int]
    keys: dict[str, list[str]]
    """Idempotency key, without its caller, to the ids of the events that were stored under it."""
    cursors: dict[int, int] = field(default_factory=dict)


async def read(system: System, service: str) -> Tables:
    """Everything at one moment."""
    connection = await asyncpg.connect(system.dsn(service))
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            rows = await connection.fetch(
                "select lane, position, stream, version, event_id::text, type, site_id, key, recorded_at, actor, "
                "causation_id::text, data::text from log.event order by lane, position"
            )
            heads = await connection.fetch("select lane, head from log.lane")
            keys = await connection.fetch("select key, event_ids::text[] as ids from log.idempotency")
            cursors = await connection.fetch("select lane, position from log.relay_cursor")
    finally:
        await connection.close()
    return Tables(
        service,
        [Row(*row) for row in rows],
        {row["lane"]: row["head"] for row in heads},
        {row["key"].rpartition(" ")[2]: list(row["ids"]) for row in keys},
        {row["lane"]: row["position"] for row in cursors},
    )


def check(tables: Mapping[str, Tables], ledger: Ledger) -> list[Violation]:
    """Every broken promise that the tables and the ledger show."""
    found: list[Violation] = []
    for one in tables.values():
        found += _in_order(one)
        found += _whole(one)
        found += _acts(one)
    found += _answers(tables, ledger)
    found += _once(tables, ledger)
    found += _doses(tables["medication"])
    found += _dates(tables["scheduling"])
    return found


def _in_order(tables: Tables) -> Iterable[Violation]:
    """Positions of a lane and versions of a stream are 1, 2, 3 …; within a lane time never goes back."""
    last: dict[int, Row] = {}
    versions: Counter[str] = Counter()
    for row in tables.rows:
        before = last.get(row.lane)
        where = f"{tables.service} lane {row.lane}"
        if row.position != (before.position if before else 0) + 1:
            yield Violation("positions", f"{where}: {row.position} after {before.position if before else 0}")
        if before and row.recorded_at < before.recorded_at:
            yield Violation("positions", f"{where}: {row.position} was recorded before {before.position}")
        versions[row.stream] += 1
        if row.version != versions[row.stream]:
            yield Violation("versions", f"{row.stream}: version {row.version} where {versions[row.stream]} belongs")
        last[row.lane] = row
    for lane, head in tables.heads.items():
        reached = last[lane].position if lane in last else 0
        if head != reached:
            yield Violation(
                "positions", f"{tables.service} lane {lane}: the counter says {head}, the last is {reached}"
            )


def _whole(tables: Tables) -> Iterable[Violation]:
    """Every event belongs to one key, and every event that a key names is there."""
    stored = {row.event_id for row in tables.rows}
    named = Counter(event_id for ids in tables.keys.values() for event_id in ids)
    for key, ids in tables.keys.items():
        missing = [event_id for event_id in ids if event_id not in stored]
        if missing:
            yield Violation("whole", f"{tables.service} key {key}: {len(missing)} of {len(ids)} events are missing")
    for event_id in sorted(stored - named.keys()):
        yield Violation("whole", f"{tables.service} event {event_id} belongs to no command")
    for event_id, times in named.items():
        if times > 1:
            yield Violation("at most once", f"{tables.service} event {event_id} belongs to {times} commands")


def _acts(tables: Tables) -> Iterable[Violation]:
    """What a policy or a timer does because of one event it does once."""
    done = Counter(
        (row.actor, row.causation_id or row.stream, row.stream, row.type)
        for row in tables.rows
        if row.actor.startswith("policy:")
    )
    for (actor, cause, stream, kind), times in done.items():
        if times > 1:
            yield Violation("at most once", f"{actor} wrote {kind} to {stream} {times} times because of {cause}")


def _answers(tables: Mapping[str, Tables], ledger: Ledger) -> Iterable[Violation]:
    """What was acknowledged is stored, what was refused is not, and nothing half."""
    events = {service: {row.event_id: row for row in one.rows} for service, one in tables.items()}
    for command in ledger.commands.values():
        one = tables[command.service]
        ids = one.keys.get(command.key)
        if command.acknowledged:
            yield from _acknowledged(command, ids, events[command.service])
        elif command.refused and ids:
            yield Violation("refused", f"{command.path}: {command.problem}, and yet {len(ids)} events are stored")
        if ids:
            yield from _lines(command, [events[command.service][one] for one in ids if one in events[command.service]])


def _once(tables: Mapping[str, Tables], ledger: Ledger) -> Iterable[Violation]:
    """However often a command was sent, and under whatever keys: it is stored once."""
    stored = {key for one in tables.values() for key in one.keys}
    times = Counter(key.partition("-")[0] for key in ledger.commands if key in stored)
    for key, count in times.items():
        if count > 1:
            yield Violation("at most once", f"{ledger.commands[key].path} is stored {count} times")


def _acknowledged(command: Command, ids: list[str] | None, events: Mapping[str, Row]) -> Iterable[Violation]:
    told = {one["event_id"]: one for one in command.answer.get("events", [])}
    if told and ids is None:
        yield Violation(
            "acknowledged", f"{command.method} {command.path}: answered {command.status}, nothing is stored"
        )
        return
    for event_id, one in told.items():
        row = events.get(event_id)
        if row is None or (row.stream, row.version, row.type) != (one["stream"], one["version"], one["type"]):
            yield Violation("acknowledged", f"{command.path}: {one['type']} was acknowledged and is not stored")
    if ids is not None and set(ids) != set(told):
        yield Violation("acknowledged", f"{command.path}: {len(told)} events acknowledged, {len(ids)} stored")


def _lines(command: Command, rows: list[Row]) -> Iterable[Violation]:
    """A sheet, a booking or a taper is stored with all that it says: what belongs to a command is known from its words."""
    kinds = Counter(row.type for row in rows)
    for words, kind in (("lines", "AttendanceRecorded"), ("steps", "TaperStarted")):
        said = (command.body or {}).get(words)
        wanted = {"lines": len(said or ()), "steps": 1}[words]
        if said and kinds and kinds[kind] != wanted:
            yield Violation("whole", f"{command.path}: {kinds[kind]} of {wanted} {kind} are stored")
    if kinds["TaperStarted"] and not kinds["OrderPutOnTaper"]:
        yield Violation("whole", f"{command.path}: the taper is stored and its order does not know")


def _doses(tables: Tables) -> Iterable[Violation]:
    """No slot is dosed twice, at any site."""
    given: defaultdict[str, int] = defaultdict(int)
    for row in tables.rows:
        if row.type in {"DoseAdministered", "DoseVoided"}:
            data = json.loads(row.data)
            slot = f"{data['patient_id']} {data['order_id']} {data['dosing_on']} {data['split']}"
            given[slot] += 1 if row.type == "DoseAdministered" else -1
    for slot, times in given.items():
        if times not in {0, 1}:
            yield Violation("slot", f"{slot} was dosed {times} times")


def _dates(tables: Tables) -> Iterable[Violation]:
    """The date of a session is the date on the site's clock when it began."""
    begins: dict[str, str] = {}
    for row in tables.rows:
        data: dict[str, Any] = json.loads(row.data)
        if "starts_at" in data and "session_id" in data:
            begins[data["session_id"]] = data["starts_at"]
        if "session_on" in data and data.get("session_id") in begins:
            began = datetime.fromisoformat(begins[data["session_id"]]).astimezone(ZoneInfo(data["zone"]))
            if began.date().isoformat() != data["session_on"]:
                yield Violation("date", f"{row.stream}: {data['session_on']}, the site's clock said {began.date()}")
