"""What medication writes down about a patient that orders are judged by: findings, and which medicines are ordered."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from shared.event import Personal, event
from shared.units import Code


@event()
class FindingRecorded:
    """Somebody found something out about the patient: `fact` was so at `observed_at`.

    An amount has `value` in `unit`, a choice `choice`; of a medicine or a condition (`choice`) `present` says whether the
    patient has it; a moment, such as the last use of an opioid, is `observed_at` itself.
    """

    patient_id: UUID
    finding_id: UUID
    fact: Code
    observed_at: datetime
    value: Decimal | None
    unit: str | None
    choice: Code | None
    present: bool
    note: Personal[str | None]


@event()
class FindingRetracted:
    """The finding was entered in error and never counts."""

    patient_id: UUID
    finding_id: UUID
    reason: Personal[str | None]


@event()
class MedicineOrdered:
    """A signed order gives the patient at most `daily_dose_mg` of the medicine a day, from `from_on` to `until_on` or further notice."""

    patient_id: UUID
    order_id: UUID
    medicine: Code
    daily_dose_mg: Decimal
    from_on: date
    until_on: date | None


@event()
class MedicineOrderEnded:
    """The order gives nothing after `until_on`."""

    patient_id: UUID
    order_id: UUID
    until_on: date


type ChartEvent = FindingRecorded | FindingRetracted | MedicineOrdered | MedicineOrderEnded
