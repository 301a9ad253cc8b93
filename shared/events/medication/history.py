"""What is written down about a patient and one substance: on which dates it was taken, on which order."""

from datetime import date
from decimal import Decimal
from uuid import UUID

from shared.event import Personal, event
from shared.units import Code


@event()
class MedicineTaken:
    """A dose counts for `dosing_on`; it was taken on the home site's date `taken_on`."""

    patient_id: UUID
    substance: Code
    dose_id: UUID
    order_id: UUID
    dosing_on: date
    taken_on: date
    dose_mg: Decimal
    home_site_id: str


@event()
class MedicineNotTaken:
    """The dose that was counted never was."""

    patient_id: UUID
    substance: Code
    dose_id: UUID
    home_site_id: str


@event()
class SecondOrderAllowed:
    """A named physician lets a second order of the same substance be dosed on a date on which another one was."""

    patient_id: UUID
    substance: Code
    order_id: UUID
    dosing_on: date
    physician: str
    reason: Personal[str | None]


type HistoryEvent = MedicineTaken | MedicineNotTaken | SecondOrderAllowed
