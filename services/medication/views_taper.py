"""Tapers as they are read: one taper as it stands, and its schedule as the fold keeps it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import msgspec

from services.medication import taper as tapers
from services.medication.site_time import local_date
from services.medication.taper_figures import TaperFigures
from services.medication.taper_today import TaperDay, on_day
from shared.event import AnyRecorded
from shared.events.medication import TaperHeld, TaperReplanned, TaperReversed, TaperStepConfirmed, TaperStopped
from shared.http import Page, QueryDoor
from shared.projector import Write

PROJECTION: Final = "taper-schedule"


class TaperStatus(StrEnum):
    """How far a taper has come."""

    ACTIVE = "active"
    HELD = "held"
    COMPLETED = "completed"
    STOPPED = "stopped"


@dataclass(frozen=True)
class StepSheet:
    """One step as it stands."""

    number: int
    dose_mg: Decimal
    starts_on: date
    effective_on: date | None
    taken_on: date | None


@dataclass(frozen=True)
class TaperSheet:
    """One taper as it stands at this moment; `version` is what If-Match asks for."""

    taper_id: UUID
    version: int
    status: TaperStatus
    patient_id: UUID
    order_id: UUID
    medicine: str
    zone: str
    start_dose_mg: Decimal
    target_dose_mg: Decimal
    dose_today_mg: Decimal
    steps: list[StepSheet]


@dataclass(frozen=True)
class Position:
    """How far a service's events are in it: a lane of that service's log, and the position in the lane."""

    lane: int
    position: int


@dataclass(frozen=True)
class TaperSchedule:
    """One taper's schedule. `degraded_since` is set while some of the patient's events wait to be repaired."""

    taper_id: UUID
    patient_id: UUID
    site_id: str
    as_of: datetime
    last_event_id: UUID
    sources: dict[str, Position]
    degraded_since: datetime | None
    figures: TaperFigures
    today: TaperDay


def writes(recorded: AnyRecorded) -> Sequence[Write]:
    """How an event of a taper changes which dose is in effect from when on."""
    taper_id = UUID(recorded.subject_id)
    match recorded.data:
        case TaperStepConfirmed() as event:
            return [_level(recorded, event.order_id, event.effective_on, event.dose_mg)]
        case TaperReversed() as event:
            level = _level(recorded, event.order_id, event.reversed_on, event.dose_mg)
            return [_no_level_after(taper_id, event.reversed_on), level]
        case TaperHeld(held_on=since) | TaperStopped(stopped_on=since) | TaperReplanned(replanned_on=since):
            return [_no_level_after(taper_id, since)]
        case _:
            return []


def _level(recorded: AnyRecorded, order_id: UUID, from_on: date, dose_mg: Decimal) -> Write:
    sql = """insert into view.dose_level (order_id, from_on, taper_id, site_id, dose_mg) values ($1, $2, $3, $4, $5)
             on conflict (order_id, from_on) do update set taper_id = excluded.taper_id, dose_mg = excluded.dose_mg"""
    return Write(sql, (order_id, from_on, UUID(recorded.subject_id), recorded.site_id, dose_mg))


def _no_level_after(taper_id: UUID, since: date) -> Write:
    """Confirmed steps that had not begun do not count any more."""
    return Write("delete from view.dose_level where taper_id = $1 and from_on > $2", (taper_id, since))


def schedule_writes(key: str, value: dict[str, Any] | None) -> Sequence[Write]:
    """How a record of the fold's output changes the rows of the patient's tapers."""
    if value is None or value["as_of"] is None:
        return []
    return [_schedule_row(UUID(key), value, taper) for taper in value["figures"].get("tapers", [])]


def _schedule_row(patient_id: UUID, value: dict[str, Any], taper: dict[str, Any]) -> Write:
    decision = taper["next_decision"]
    return Write(
        """insert into view.taper_schedule (taper_id, patient_id, site_id, status, decision_due_on, as_of, last_event_id,
               sources, degraded_since, figures)
           values ($1, $2, $3, $4, $5, $6, $7, $8::text::jsonb, $9, $10::text::jsonb)
           on conflict (taper_id) do update set
               status = excluded.status, decision_due_on = excluded.decision_due_on, as_of = excluded.as_of,
               last_event_id = excluded.last_event_id, sources = excluded.sources,
               degraded_since = excluded.degraded_since, figures = excluded.figures""",
        (
            UUID(taper["taper_id"]),
            patient_id,
            taper["site_id"],
            taper["status"],
            date.fromisoformat(decision["due_on"]) if decision else None,
            datetime.fromisoformat(value["as_of"]),
            UUID(value["last_event_id"]),
            msgspec.json.encode(value["sources"]).decode(),
            datetime.fromisoformat(value["degraded_since"]) if value["degraded_since"] else None,
            msgspec.json.encode(taper).decode(),
        ),
    )


async def sheet(door: QueryDoor, taper_id: UUID) -> TaperSheet:
    """One taper, from the log itself. Raises NotFound."""
    taper, version = await door.state(tapers.decider, taper_id)
    assert taper.patient_id is not None
    assert taper.order_id is not None
    return TaperSheet(
        taper_id=taper_id,
        version=version,
        status=TaperStatus(taper.status.value),
        patient_id=taper.patient_id,
        order_id=taper.order_id,
        medicine=taper.medicine,
        zone=taper.zone,
        start_dose_mg=taper.start_dose_mg,
        target_dose_mg=taper.target_dose_mg,
        dose_today_mg=taper.dose_on(local_date(door.now, taper.zone)),
        steps=[
            StepSheet(one.number, one.dose_mg, one.starts_on, one.effective_on, one.taken_on) for one in taper.steps
        ],
    )


_SELECT: Final = """select taper_id, patient_id, site_id, as_of, last_event_id, sources::text as sources,
                           least(degraded_since, projection.degraded_since(patient_id::text)) as degraded_since,
                           figures::text as figures
                    from view.taper_schedule"""


async def schedule(door: QueryDoor, taper_id: UUID, on: date | None) -> TaperSchedule:
    """One taper's schedule. Raises NotFound, also while no event has been folded yet."""
    row = await door.one(f"{_SELECT} where taper_id = $1", taper_id, of=PROJECTION)
    return _schedule(row, on, door.now)


async def schedules(
    door: QueryDoor, patient_id: UUID | None, status: TaperStatus | None, decision_due_by: date | None, on: date | None
) -> Page[TaperSchedule]:
    """The schedules of the caller's sites, perhaps only those that wait for a decision by a date."""
    page = await door.page(
        f"""{_SELECT} where ($1::uuid is null or patient_id = $1) and ($2::text is null or status = $2)
                        and ($3::date is null or decision_due_on <= $3)""",
        patient_id,
        status and status.value,
        decision_due_by,
        key=("taper_id",),
        of=PROJECTION,
    )
    return Page([_schedule(row, on, door.now) for row in page.items], page.next)


def _schedule(row: Mapping[str, Any], on: date | None, now: datetime) -> TaperSchedule:
    figures = msgspec.json.decode(row["figures"], type=TaperFigures)
    return TaperSchedule(
        taper_id=row["taper_id"],
        patient_id=row["patient_id"],
        site_id=row["site_id"],
        as_of=row["as_of"],
        last_event_id=row["last_event_id"],
        sources=msgspec.json.decode(row["sources"], type=dict[str, Position]),
        degraded_since=row["degraded_since"],
        figures=figures,
        today=on_day(figures, on or local_date(now, figures.zone)),
    )
