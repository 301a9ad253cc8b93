"""What an order says is to be given: how much of what, on which dates at the home site."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

from shared.events.medication import OrderDrafted, Rhythm


@dataclass(frozen=True)
class Prescription:
    """The content of an order; it never changes once it is signed."""

    patient_id: UUID
    home_site_id: str
    zone: str
    product_id: str
    product_version: int
    medicine: str
    split_doses_mg: tuple[Decimal, ...]
    rhythm: Rhythm
    starts_on: date
    ends_on: date | None
    new_start: bool
    low_dose_protocol: bool = False

    @property
    def dose_mg(self) -> Decimal:
        """The whole of one dosing date."""
        return sum(self.split_doses_mg, Decimal(0))

    def due_on(self, dosing_on: date) -> bool:
        """Whether a dose is due on this date."""
        if dosing_on < self.starts_on or (self.ends_on is not None and dosing_on > self.ends_on):
            return False
        return (dosing_on - self.starts_on).days % self.rhythm.every_days == 0

    def dosing_date(self, given_on: date) -> date:
        """The date that a dose given on `given_on` counts for: the due date whose window it falls into, else `given_on` itself."""
        since = (given_on - self.starts_on).days
        late = since % self.rhythm.every_days
        early = self.rhythm.every_days - late
        if since >= 0 and late <= self.rhythm.late_days_max:
            return given_on - timedelta(days=late)
        if early <= self.rhythm.early_days_max:
            return given_on + timedelta(days=early)
        return given_on

    def may_be_given(self, dosing_on: date, given_on: date) -> bool:
        """Whether the dose due on `dosing_on` may be given on `given_on`."""
        return -self.rhythm.early_days_max <= (given_on - dosing_on).days <= self.rhythm.late_days_max


def written(event: OrderDrafted) -> Prescription:
    """The content of the draft."""
    return Prescription(
        patient_id=event.patient_id,
        home_site_id=event.home_site_id,
        zone=event.zone,
        product_id=event.product_id,
        product_version=event.product_version,
        medicine=event.medicine,
        split_doses_mg=event.split_doses_mg,
        rhythm=event.rhythm,
        starts_on=event.starts_on,
        ends_on=event.ends_on,
        new_start=event.new_start,
        low_dose_protocol=event.low_dose_protocol,
    )
