"""Orders as they are read: one order as it stands, the lists of a site, and which wait for review after a discharge."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, assert_never
from uuid import UUID

from services.medication import order as orders
from services.medication.views_rules import CheckLine, OverrideLine, lines, overrides
from shared.event import AnyRecorded
from shared.events.medication import (
    CareBegan,
    CareEnded,
    CareEvent,
    DosingAfterDischargeAllowed,
    OrderDiscontinued,
    OrderDrafted,
    OrderEvent,
    OrderHeld,
    OrderPutOnTaper,
    OrderResumed,
    OrderSigned,
    OverrideApproved,
    OverrideRequested,
    PolicyUsed,
)
from shared.http import Page, QueryDoor
from shared.projector import Write


class OrderStatus(StrEnum):
    """How far an order has come."""

    DRAFTED = "drafted"
    SIGNED = "signed"
    HELD = "held"
    DISCONTINUED = "discontinued"


@dataclass(frozen=True)
class OrderSheet:
    """One order as it stands at this moment; `version` is what If-Match asks for.

    `checks` are what the rules said when it was drafted, or when it was signed; `policies` the versions asked at the signature.
    """

    order_id: UUID
    version: int
    status: OrderStatus
    patient_id: UUID
    home_site_id: str
    zone: str
    product_id: str
    product_version: int
    medicine: str
    dose_mg: Decimal
    split_doses_mg: list[Decimal]
    every_days: int
    starts_on: date
    ends_on: date | None
    new_start: bool
    low_dose_protocol: bool
    taper_id: UUID | None
    checks: list[CheckLine]
    overrides: list[OverrideLine]
    policies: list[PolicyUsed]


@dataclass(frozen=True)
class OrderLine:
    """One order in a list. With `discharged_on` it waits for review; `allowed_until` is a prescriber's exception."""

    order_id: UUID
    site_id: str
    patient_id: UUID
    version: int
    status: OrderStatus
    product_id: str
    product_version: int
    medicine: str
    dose_mg: Decimal
    split_doses_mg: list[Decimal]
    every_days: int
    starts_on: date
    ends_on: date | None
    zone: str
    taper_id: UUID | None
    drafted_at: datetime
    drafted_by: str
    signed_at: datetime | None
    signed_by: str | None
    hold_reason: str | None
    held_on: date | None
    discontinued_on: date | None
    discontinuation_reason: str | None
    discharged_on: date | None
    allowed_until: date | None
    degraded_since: datetime | None


def writes(recorded: AnyRecorded) -> Sequence[Write]:
    """How an event of an order changes its row."""
    event: OrderEvent = recorded.data
    if isinstance(event, OrderDrafted):
        return [drafted(recorded, event)]
    order_id, version = UUID(recorded.subject_id), recorded.version
    match event:
        case OrderSigned():
            sql = """update view.medication_order o set version = $2, status = 'signed', signed_at = $3, signed_by = $4,
                         discharged_on = (select c.discharged_on from view.care c where c.patient_id = o.patient_id)
                     where order_id = $1"""
            return [Write(sql, (order_id, version, recorded.effective_at, recorded.actor))]
        case OrderPutOnTaper() | OverrideRequested() | OverrideApproved():
            taper_id = event.taper_id if isinstance(event, OrderPutOnTaper) else None
            sql = "update view.medication_order set version = $2, taper_id = coalesce($3, taper_id) where order_id = $1"
            return [Write(sql, (order_id, version, taper_id))]
        case OrderHeld():
            sql = """update view.medication_order set version = $2, status = 'held', hold_reason = $3, held_on = $4
                     where order_id = $1"""
            return [Write(sql, (order_id, version, event.reason.value, event.held_on))]
        case OrderResumed():
            sql = """update view.medication_order set version = $2, status = 'signed', hold_reason = null, held_on = null
                     where order_id = $1"""
            return [Write(sql, (order_id, version))]
        case OrderDiscontinued():
            sql = """update view.medication_order set version = $2, status = 'discontinued', hold_reason = null, held_on = null,
                         discontinuation_reason = $3, discontinued_on = $4
                     where order_id = $1"""
            return [Write(sql, (order_id, version, event.reason.value, event.discontinued_on))]
        case _:
            assert_never(event)


def drafted(recorded: AnyRecorded, event: OrderDrafted) -> Write:
    """The row of a new order."""
    return Write(
        """insert into view.medication_order
               (order_id, site_id, patient_id, version, status, product_id, product_version, medicine, dose_mg,
                split_doses_mg, every_days, starts_on, ends_on, zone, drafted_at, drafted_by)
           values ($1, $2, $3, $4, 'drafted', $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)""",
        (
            UUID(recorded.subject_id),
            recorded.site_id,
            event.patient_id,
            recorded.version,
            event.product_id,
            event.product_version,
            event.medicine,
            event.dose_mg,
            list(event.split_doses_mg),
            event.rhythm.every_days,
            event.starts_on,
            event.ends_on,
            event.zone,
            recorded.effective_at,
            recorded.actor,
        ),
    )


def care_writes(recorded: AnyRecorded) -> Sequence[Write]:
    """After a discharge the patient's signed and held orders wait for review."""
    event: CareEvent = recorded.data
    match event:
        case CareBegan():
            return _discharged(recorded, event.patient_id, None)
        case CareEnded():
            return _discharged(recorded, event.patient_id, event.ended_on)
        case DosingAfterDischargeAllowed():
            sql = "update view.medication_order set allowed_until = $2 where order_id = $1"
            return [Write(sql, (event.order_id, event.until_on))]
        case _:
            assert_never(event)


def _discharged(recorded: AnyRecorded, patient_id: UUID, on: date | None) -> Sequence[Write]:
    return [
        Write(
            """insert into view.care (patient_id, site_id, discharged_on) values ($1, $2, $3)
               on conflict (patient_id) do update set discharged_on = excluded.discharged_on""",
            (patient_id, recorded.site_id, on),
        ),
        Write(
            """update view.medication_order set discharged_on = $2, allowed_until = null
               where patient_id = $1 and status in ('signed', 'held')""",
            (patient_id, on),
        ),
    ]


async def sheet(door: QueryDoor, order_id: UUID) -> OrderSheet:
    """One order, from the log itself. Raises NotFound."""
    order, version = await door.state(orders.decider, order_id)
    prescription = orders.prescribed(order)
    return OrderSheet(
        order_id=order_id,
        version=version,
        status=OrderStatus(order.status.value),
        patient_id=prescription.patient_id,
        home_site_id=prescription.home_site_id,
        zone=prescription.zone,
        product_id=prescription.product_id,
        product_version=prescription.product_version,
        medicine=prescription.medicine,
        dose_mg=prescription.dose_mg,
        split_doses_mg=list(prescription.split_doses_mg),
        every_days=prescription.rhythm.every_days,
        starts_on=prescription.starts_on,
        ends_on=prescription.ends_on,
        new_start=prescription.new_start,
        low_dose_protocol=prescription.low_dose_protocol,
        taper_id=order.taper_id,
        checks=lines(order.rules_fired),
        overrides=overrides(order),
        policies=list(order.policies),
    )


COLUMNS: Final = """order_id, site_id, patient_id, version, status, product_id, product_version, medicine, dose_mg, split_doses_mg,
    every_days, starts_on, ends_on, zone, taper_id, drafted_at, drafted_by, signed_at, signed_by, hold_reason, held_on,
    discontinued_on, discontinuation_reason, discharged_on, allowed_until"""


async def listed(
    door: QueryDoor, patient_id: UUID | None, status: OrderStatus | None, *, needs_review: bool | None
) -> Page[OrderLine]:
    """The orders of the caller's sites, oldest draft first."""
    page = await door.page(
        f"""select {COLUMNS}, projection.degraded_since(patient_id::text) as degraded_since from view.medication_order
            where ($1::uuid is null or patient_id = $1) and ($2::text is null or status = $2)
              and ($3::boolean is null or (discharged_on is not null and status in ('signed', 'held')) = $3)""",  # noqa: S608 - columns are ours
        patient_id,
        status and status.value,
        needs_review,
        key=("drafted_at", "order_id"),
    )
    return Page([line(row) for row in page.items], page.next)


def line(row: dict[str, Any]) -> OrderLine:
    """A row as it is shown."""
    return OrderLine(**row | {"status": OrderStatus(row["status"])})
