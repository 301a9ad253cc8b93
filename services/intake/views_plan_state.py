"""Plan state as it is read: what the fold made of all three services' events, and what that means today."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from services.intake.plan_state_figures import Figures
from services.intake.plan_state_today import Day, on_day
from shared.event import AnyRecorded
from shared.events.scheduling import SiteOpened
from shared.http import Page, QueryDoor
from shared.projector import Write

PROJECTION: Final = "plan-state"


@dataclass(frozen=True)
class Position:
    """How far one service's events are in it: a lane of that service's log, and the position in the lane."""

    lane: int
    position: int


@dataclass(frozen=True)
class PlanState:
    """Where one patient stands. `degraded_since` is set while some of the patient's events wait to be repaired."""

    patient_id: UUID
    site_id: str
    as_of: datetime
    last_event_id: UUID
    sources: dict[str, Position]
    degraded_since: datetime | None
    figures: Figures
    today: Day


def writes(key: str, value: dict[str, Any] | None) -> Sequence[Write]:
    """How a record of the fold's output changes the patient's row. A patient of no known site is shown to nobody yet."""
    site_id = value and value["figures"].get("site_id")
    if value is None or site_id is None:
        return []
    return [
        Write(
            """insert into view.plan_state
                   (patient_id, site_id, phase, as_of, last_event_id, sources, degraded_since, figures)
               values ($1, $2, $3, $4, $5, $6::text::jsonb, $7, $8::text::jsonb)
               on conflict (patient_id) do update set
                   site_id = excluded.site_id, phase = excluded.phase, as_of = excluded.as_of,
                   last_event_id = excluded.last_event_id, sources = excluded.sources,
                   degraded_since = excluded.degraded_since, figures = excluded.figures""",
            (
                UUID(key),
                site_id,
                value["figures"]["phase"],
                datetime.fromisoformat(value["as_of"]),
                UUID(value["last_event_id"]),
                msgspec.json.encode(value["sources"]).decode(),
                value["degraded_since"] and datetime.fromisoformat(value["degraded_since"]),
                msgspec.json.encode(value["figures"]).decode(),
            ),
        )
    ]


def site_writes(recorded: AnyRecorded) -> Sequence[Write]:
    """Sites belong to scheduling; here only their zone is kept, to know what day it is there."""
    match recorded.data:
        case SiteOpened(zone=zone):
            sql = "insert into view.site (site_id, zone) values ($1, $2) on conflict (site_id) do update set zone = excluded.zone"
            return [Write(sql, (recorded.subject_id, zone))]
        case _:
            return []


_SELECT: Final = """select p.patient_id, p.site_id, p.phase, p.as_of, p.last_event_id, p.sources::text as sources,
                           least(p.degraded_since, projection.degraded_since(p.patient_id::text)) as degraded_since,
                           p.figures::text as figures, s.zone
                    from view.plan_state p left join view.site s on s.site_id = p.site_id"""


async def of_patient(door: QueryDoor, patient_id: UUID, on: date | None) -> PlanState:
    """One patient's plan state. Raises NotFound, also while no event has been folded yet."""
    row = await door.one(f"{_SELECT} where p.patient_id = $1", patient_id, of=PROJECTION)
    return _state(row, on, door.now)


async def listed(door: QueryDoor, phase: str | None, on: date | None) -> Page[PlanState]:
    """The plan states of the caller's sites, perhaps of one phase only."""
    page = await door.page(
        f"{_SELECT} where $1::text is null or p.phase = $1", phase, key=("patient_id",), of=PROJECTION
    )
    return page.each(lambda row: _state(row, on, door.now))


def _state(row: Mapping[str, Any], on: date | None, now: datetime) -> PlanState:
    figures = msgspec.json.decode(row["figures"], type=Figures)
    today = on or now.astimezone(ZoneInfo(row["zone"]) if row["zone"] else UTC).date()
    return PlanState(
        patient_id=row["patient_id"],
        site_id=row["site_id"],
        as_of=row["as_of"],
        last_event_id=row["last_event_id"],
        sources=msgspec.json.decode(row["sources"], type=dict[str, Position]),
        degraded_since=row["degraded_since"],
        figures=figures,
        today=on_day(figures, today),
    )
