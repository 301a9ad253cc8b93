"""Doses as they are read: what became of each slot, and a site's dosing list of a day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, assert_never
from uuid import UUID

from services.medication.dosing_slot import slot_id
from shared.event import AnyRecorded
from shared.events.medication import (
    DoseAdministered,
    DoseConflictFound,
    DoseConflictSettled,
    DoseEvent,
    DoseMissed,
    DoseRefused,
    DoseReplaced,
    DoseReplacementDecided,
    DoseVoided,
    DoseVoidRequested,
    DoseVomited,
)
from shared.http import Page, QueryDoor
from shared.projector import Write


class DoseStatus(StrEnum):
    """What became of a slot."""

    ADMINISTERED = "administered"
    REFUSED = "refused"
    MISSED = "missed"
    VOIDED = "voided"


class DueStatus(StrEnum):
    """Where a patient stands on the dosing list: due, kept from it by a hold or a discharge, or done with."""

    DUE = "due"
    ON_HOLD = "on_hold"
    DISCHARGED = "discharged"
    ADMINISTERED = "administered"
    REFUSED = "refused"
    MISSED = "missed"


@dataclass(frozen=True)
class DoseLine:
    """One slot that something was recorded about. `site_id` is the order's home, `given_site_id` where it was recorded."""

    dose_id: UUID
    site_id: str
    given_site_id: str
    patient_id: UUID
    order_id: UUID
    taper_id: UUID | None
    medicine: str
    dosing_on: date
    zone: str
    split: int
    version: int
    status: DoseStatus
    ordered_mg: Decimal
    dose_mg: Decimal | None
    given_at: datetime | None
    observed_by: str | None
    refusal_reason: str | None
    void_reason: str | None
    void_requested_by: str | None
    void_confirmed_by: str | None
    event_id: UUID
    recorded_at: datetime
    degraded_since: datetime | None


@dataclass(frozen=True)
class DueLine:
    """One slot of the dosing list. `ordered_mg` is the most that may be given."""

    dose_id: UUID
    patient_id: UUID
    order_id: UUID
    medicine: str
    dosing_on: date
    split: int
    status: DueStatus
    ordered_mg: Decimal
    dose_mg: Decimal | None
    given_at: datetime | None
    observed_by: str | None
    degraded_since: datetime | None


_ROW: Final = """insert into view.dose
    (dose_id, site_id, given_site_id, patient_id, order_id, taper_id, medicine, dosing_on, zone, split, version, status,
     ordered_mg, dose_mg, given_at, observed_by, refusal_reason, event_id, recorded_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
on conflict (dose_id) do update set
    given_site_id = excluded.given_site_id, taper_id = excluded.taper_id, version = excluded.version,
    status = excluded.status, ordered_mg = excluded.ordered_mg, dose_mg = excluded.dose_mg, given_at = excluded.given_at,
    observed_by = excluded.observed_by, refusal_reason = excluded.refusal_reason, event_id = excluded.event_id,
    recorded_at = excluded.recorded_at, void_reason = null, void_requested_by = null, void_confirmed_by = null"""


def writes(recorded: AnyRecorded) -> Sequence[Write]:
    """How an event of a slot changes its row."""
    event: DoseEvent = recorded.data
    dose_id, version = UUID(recorded.subject_id), recorded.version
    match event:
        case DoseAdministered():
            given = (event.dose_mg, event.given_at, event.observed_by, None)
            return [_recorded(recorded, event, DoseStatus.ADMINISTERED, given)]
        case DoseRefused():
            return [_recorded(recorded, event, DoseStatus.REFUSED, (None, None, None, event.reason.value))]
        case DoseMissed():
            return [_recorded(recorded, event, DoseStatus.MISSED, (None, None, None, None))]
        case DoseVoidRequested():
            sql = "update view.dose set version = $2, void_reason = $3, void_requested_by = $4 where dose_id = $1"
            return [Write(sql, (dose_id, version, event.reason.value, event.requested_by))]
        case DoseVoided():
            sql = "update view.dose set version = $2, status = 'voided', void_confirmed_by = $3 where dose_id = $1"
            return [Write(sql, (dose_id, version, event.confirmed_by))]
        case DoseConflictFound() | DoseConflictSettled() | DoseVomited() | DoseReplacementDecided() | DoseReplaced():
            return [Write("update view.dose set version = $2 where dose_id = $1", (dose_id, version))]
        case _:
            assert_never(event)


def _recorded(
    recorded: AnyRecorded,
    event: DoseAdministered | DoseRefused | DoseMissed,
    status: DoseStatus,
    outcome: tuple[Decimal | None, datetime | None, str | None, str | None],
) -> Write:
    slot = (
        UUID(recorded.subject_id),
        event.home_site_id,
        event.site_id if isinstance(event, DoseAdministered) else recorded.site_id,
        event.patient_id,
        event.order_id,
        event.taper_id,
        event.medicine,
        event.dosing_on,
        event.zone,
        event.split,
    )
    told = (recorded.version, status.value, event.ordered_mg)
    return Write(_ROW, (*slot, *told, *outcome, recorded.event_id, recorded.recorded_at))


_COLUMNS: Final = """dose_id, site_id, given_site_id, patient_id, order_id, taper_id, medicine, dosing_on, zone, split, version, status,
    ordered_mg, dose_mg, given_at, observed_by, refusal_reason, void_reason, void_requested_by, void_confirmed_by, event_id,
    recorded_at"""


async def listed(
    door: QueryDoor, patient_id: UUID | None, order_id: UUID | None, from_on: date | None, until_on: date | None
) -> Page[DoseLine]:
    """What became of the slots of the caller's sites, by dosing date."""
    page = await door.page(
        f"""select {_COLUMNS}, projection.degraded_since(patient_id::text) as degraded_since from view.dose
            where ($1::uuid is null or patient_id = $1) and ($2::uuid is null or order_id = $2)
              and ($3::date is null or dosing_on >= $3) and ($4::date is null or dosing_on <= $4)""",  # noqa: S608 - columns are ours
        patient_id,
        order_id,
        from_on,
        until_on,
        key=("dosing_on", "dose_id"),
    )
    return Page([DoseLine(**row | {"status": DoseStatus(row["status"])}) for row in page.items], page.next)


# Also what was given on an order that has ended since; and nothing where a taper has come down to zero.
_DUE: Final = """
select * from (
    select o.patient_id, o.order_id, o.medicine, o.status as order_status, o.discharged_on, o.allowed_until,
           projection.degraded_since(o.patient_id::text) as degraded_since, part.split::integer as split, d.dose_id, d.status, d.dose_mg, d.given_at, d.observed_by,
           coalesce(d.ordered_mg, case when o.taper_id is not null then level.dose_mg end, part.dose_mg) as ordered_mg
    from view.medication_order o
    cross join lateral unnest(o.split_doses_mg) with ordinality as part (dose_mg, split)
    left join lateral (
        select l.dose_mg from view.dose_level l where l.order_id = o.order_id and l.from_on <= $2
        order by l.from_on desc limit 1
    ) level on true
    left join view.dose d
        on d.order_id = o.order_id and d.dosing_on = $2 and d.split = part.split and d.status <> 'voided'
    where o.site_id = $1
      and (d.dose_id is not null or (
          o.status in ('signed', 'held') and o.starts_on <= $2 and (o.ends_on is null or o.ends_on >= $2)
          and ($2 - o.starts_on) % o.every_days = 0))
) due
where due.ordered_mg > 0"""


async def due(door: QueryDoor, site_id: str, on: date) -> Page[DueLine]:
    """The dosing list: every slot of the site's orders on a date, and what became of it."""
    page = await door.page(_DUE, site_id, on, key=("patient_id", "order_id", "split"))
    return Page([_due_line(row, on) for row in page.items], page.next)


def _due_line(row: dict[str, Any], on: date) -> DueLine:
    return DueLine(
        dose_id=row["dose_id"] or slot_id(row["patient_id"], row["order_id"], on, row["split"]),
        patient_id=row["patient_id"],
        order_id=row["order_id"],
        medicine=row["medicine"],
        dosing_on=on,
        split=row["split"],
        status=_due_status(row, on),
        ordered_mg=row["ordered_mg"],
        dose_mg=row["dose_mg"],
        given_at=row["given_at"],
        observed_by=row["observed_by"],
        degraded_since=row["degraded_since"],
    )


def _due_status(row: dict[str, Any], on: date) -> DueStatus:
    if row["status"] is not None:
        return DueStatus(row["status"])
    if row["order_status"] == "held":
        return DueStatus.ON_HOLD
    discharged_on, allowed_until = row["discharged_on"], row["allowed_until"]
    if discharged_on is not None and on > discharged_on and (allowed_until is None or on > allowed_until):
        return DueStatus.DISCHARGED
    return DueStatus.DUE
