"""A patient's medication record: every order with what was taken and missed on it."""

from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from services.medication.views_order import COLUMNS, OrderLine, line
from shared.http import QueryDoor

ORDERS_MAX: Final = 200
"""The newest orders of one patient; older ones are found in the list of orders."""


@dataclass(frozen=True)
class OrderRecord:
    """One order, and how its doses went; the counts are dosing slots."""

    order: OrderLine
    administered: int
    refused: int
    missed: int
    voided: int
    last_administered_on: date | None


@dataclass(frozen=True)
class MedicationRecord:
    """What was ordered for a patient at the caller's sites, newest first, and how much of it was taken."""

    patient_id: UUID
    orders: list[OrderRecord]


_RECORD: Final = f"""
select {", ".join(f"o.{name.strip()}" for name in COLUMNS.split(","))},
       count(d.dose_id) filter (where d.status = 'administered')::integer as administered,
       count(d.dose_id) filter (where d.status = 'refused')::integer as refused,
       count(d.dose_id) filter (where d.status = 'missed')::integer as missed,
       count(d.dose_id) filter (where d.status = 'voided')::integer as voided,
       max(d.dosing_on) filter (where d.status = 'administered') as last_administered_on,
       projection.degraded_since(o.patient_id::text) as degraded_since
from view.medication_order o left join view.dose d on d.order_id = o.order_id
where o.patient_id = $1
group by o.order_id order by o.drafted_at desc, o.order_id limit {ORDERS_MAX}"""  # noqa: S608 - columns are ours


async def of_patient(door: QueryDoor, patient_id: UUID) -> MedicationRecord:
    """The record; empty for a patient without orders at the caller's sites."""
    counted = ("administered", "refused", "missed", "voided", "last_administered_on")
    rows = await door.rows(_RECORD, patient_id)
    return MedicationRecord(
        patient_id,
        [
            OrderRecord(line({key: row[key] for key in row if key not in counted}), *(row[key] for key in counted))
            for row in rows
        ],
    )
