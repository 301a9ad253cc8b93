"""Which slot a dose belongs to, how much of what is ordered in it, and what can be written down about it."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final
from uuid import UUID, uuid5

from services.medication.prescription import Prescription
from shared.events.medication import (
    DoseAdministered,
    DoseConflictFound,
    DoseMissed,
    DoseRefused,
    DoseVoided,
    DoseVoidRequested,
    RefusalReason,
)

_SLOTS: Final = UUID("8461cb05-b342-406f-b847-57c1fe5b3a69")
"""Never changes: the same slot has to be the same stream for ever."""


def slot_id(patient_id: UUID, order_id: UUID, dosing_on: date, split: int) -> UUID:
    """The slot's id follows from what it is, so that two sites that dose the same slot write to the same stream."""
    return uuid5(_SLOTS, f"{patient_id}/{order_id}/{dosing_on.isoformat()}/{split}")


@dataclass(frozen=True)
class Place:
    """Which slot a command is about; `on` is the order's local date now, or of the moment that is told about."""

    order_id: UUID
    dosing_on: date
    split: int
    on: date


@dataclass(frozen=True)
class BrokenGlass:
    """Who answers for a dose at a site without the authority, and why."""

    physician: str
    reason: str


@dataclass(frozen=True)
class OrderedSlot:
    """A slot as the order has it: at most `ordered_mg`, which `taper_id` says if the order is on a taper."""

    place: Place
    prescription: Prescription
    taper_id: UUID | None
    ordered_mg: Decimal

    def administered(self, dose_mg: Decimal, given_at: datetime, observed_by: str, site_id: str) -> DoseAdministered:
        """The patient took it."""
        return DoseAdministered(
            patient_id=self.prescription.patient_id,
            order_id=self.place.order_id,
            taper_id=self.taper_id,
            medicine=self.prescription.medicine,
            dosing_on=self.place.dosing_on,
            zone=self.prescription.zone,
            split=self.place.split,
            dose_mg=dose_mg,
            ordered_mg=self.ordered_mg,
            given_at=given_at,
            observed_by=observed_by,
            site_id=site_id,
            home_site_id=self.prescription.home_site_id,
        )

    def refused(self, reason: RefusalReason, note: str | None) -> DoseRefused:
        """The patient declined it."""
        return DoseRefused(
            patient_id=self.prescription.patient_id,
            order_id=self.place.order_id,
            taper_id=self.taper_id,
            medicine=self.prescription.medicine,
            dosing_on=self.place.dosing_on,
            zone=self.prescription.zone,
            split=self.place.split,
            ordered_mg=self.ordered_mg,
            home_site_id=self.prescription.home_site_id,
            reason=reason,
            note=note,
        )

    def missed(self) -> DoseMissed:
        """The patient did not come for it."""
        return DoseMissed(
            patient_id=self.prescription.patient_id,
            order_id=self.place.order_id,
            taper_id=self.taper_id,
            medicine=self.prescription.medicine,
            dosing_on=self.place.dosing_on,
            zone=self.prescription.zone,
            split=self.place.split,
            ordered_mg=self.ordered_mg,
            home_site_id=self.prescription.home_site_id,
        )


def voided(dose: DoseAdministered, request: DoseVoidRequested, confirmed_by: str) -> DoseVoided:
    """Two people agree that the dose never was."""
    return DoseVoided(
        patient_id=dose.patient_id,
        order_id=dose.order_id,
        taper_id=dose.taper_id,
        medicine=dose.medicine,
        dosing_on=dose.dosing_on,
        zone=dose.zone,
        split=dose.split,
        dose_mg=dose.dose_mg,
        home_site_id=dose.home_site_id,
        reason=request.reason,
        requested_by=request.requested_by,
        confirmed_by=confirmed_by,
    )


@dataclass(frozen=True)
class SecondDose:
    """A dose that was given out of touch with the one in its slot."""

    dose_mg: Decimal
    given_at: datetime
    observed_by: str
    site_id: str

    def beside(self, dose: DoseAdministered, glass: BrokenGlass) -> DoseConflictFound:
        """Both are written down."""
        return DoseConflictFound(
            patient_id=dose.patient_id,
            order_id=dose.order_id,
            medicine=dose.medicine,
            dosing_on=dose.dosing_on,
            zone=dose.zone,
            split=dose.split,
            dose_mg=self.dose_mg,
            given_at=self.given_at,
            observed_by=self.observed_by,
            site_id=self.site_id,
            home_site_id=dose.home_site_id,
            other_site_id=dose.site_id,
            other_given_at=dose.given_at,
            physician=glass.physician,
            reason=glass.reason,
        )
