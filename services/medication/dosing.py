"""One dose, one transaction: the slot, the authority, the patient's history, the taper's step, and whatever else must agree.

Kafka and Faust tell others about a dose; they never decide. What must hold at the moment of the commit is a stream here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from services.medication import authority, care, dose, history, order, stock, taper, views_stock
from services.medication.dosing_slot import Place, slot_id
from services.medication.formulary import formulary
from services.medication.history import CountDose, Taken, history_id
from services.medication.missed_policies import missed_policies
from services.medication.prescription import Prescription
from services.medication.product import Form
from services.medication.resumption import Course
from services.medication.site_time import local_date
from services.medication.stock import pour_id
from services.medication.stock_state import stock_id
from services.medication.window_policies import window_policies
from shared.events.medication import DoseAdministered, VoidReason
from shared.http import CommandDoor
from shared.log import Act, Given, Subject


@dataclass(frozen=True)
class Slot:
    """A dosing slot, and the streams that a decision about it looks at."""

    dose_id: UUID
    place: Place
    prescription: Prescription
    taper_id: UUID | None
    given: tuple[Given, ...]

    @property
    def patient_id(self) -> UUID:
        """Whose slot."""
        return self.prescription.patient_id

    @property
    def subject(self) -> Subject:
        """Whose every new stream is."""
        return Subject(self.prescription.patient_id)

    @property
    def substance(self) -> str:
        """What is in the medicine."""
        return window_policies().one_order.substance_of(self.prescription.medicine)


async def slot_of(door: CommandDoor, order_id: UUID, split: int, dosing_on: date | None, at: datetime | None) -> Slot:
    """The slot meant: of the order's dosing date now, or at the moment told about. Raises NotFound."""
    state, _ = await door.state(order.decider, order_id)
    prescription = order.prescribed(state)
    on = local_date(at or door.now, prescription.zone)
    place = Place(order_id, dosing_on or prescription.dosing_date(on), split, on)
    patient_id = prescription.patient_id
    looked_at = [
        Given(order.decider, order_id),
        Given(care.decider, patient_id),
        Given(authority.decider, patient_id),
    ]
    if state.taper_id is not None:
        looked_at.append(Given(taper.decider, state.taper_id))
    dose_id = slot_id(patient_id, order_id, place.dosing_on, split)
    return Slot(dose_id, place, prescription, state.taper_id, tuple(looked_at))


def recorded(slot: Slot, command: dose.OnOrder, at: datetime | None) -> Act:
    """What became of the slot, decided on order, care, authority and taper as they are at the moment of the commit."""
    return Act(dose.decider, slot.dose_id, command, slot.subject, slot.given, effective_at=at)


def taken(slot: Slot, administer: dose.AdministerDose, at: datetime | None) -> Sequence[Act]:
    """Everything that a dose is: all of it is stored, or nothing."""
    settle = authority.SettleAuthority(slot.patient_id, slot.prescription.home_site_id, slot.place.on)
    acts = [
        recorded(slot, administer, at),
        Act(authority.decider, slot.patient_id, settle, slot.subject),
        counted(slot, administer.dose_mg, administer),
        poured(slot, administer),
    ]
    if slot.taper_id is not None:
        acts.append(Act(taper.decider, slot.taper_id, taper.TakeStep(slot.dose_id, slot.place.dosing_on)))
    return acts


def counted(slot: Slot, dose_mg: Decimal, administer: dose.AdministerDose) -> Act:
    """The dose in the patient's history of the substance, where a second order of the same date is refused."""
    place, glass = slot.place, administer.glass
    count = CountDose(
        patient_id=slot.patient_id,
        substance=slot.substance,
        dose_id=slot.dose_id,
        taken=Taken(place.order_id, place.dosing_on, place.on, dose_mg),
        home_site_id=slot.prescription.home_site_id,
        policy=window_policies().one_order,
        course=course_of(place.order_id, slot.prescription),
        allowed_by=glass.physician if glass else None,
        reason=glass.reason if glass else None,
    )
    return Act(history.decider, history_id(slot.patient_id, slot.substance), count, slot.subject)


def course_of(order_id: UUID, prescription: Prescription) -> Course:
    """What says whether doses of the order were missed. An injection has a window of its own instead."""
    product = formulary().product(prescription.product_id, prescription.product_version)
    in_force, _ = missed_policies().about(prescription.medicine, prescription.home_site_id)
    policy = None if product.form is Form.EXTENDED_RELEASE_INJECTION else next(iter(in_force), None)
    return Course(order_id, prescription.rhythm, prescription.starts_on, policy)


def poured(slot: Slot, administer: dose.AdministerDose) -> Act:
    """The dose leaves the bottles of the site where it is given, if that site keeps a book of the product."""
    product_id, site_id = slot.prescription.product_id, administer.site_id
    pour = stock.PourDose(
        shelf=stock.Shelf(site_id, product_id),
        medicine=slot.prescription.medicine,
        pour_id=pour_id(slot.dose_id, site_id, administer.given_at),
        dose_id=slot.dose_id,
        amount_mg=administer.dose_mg,
        poured_by=administer.observed_by,
        on=slot.place.on,
        poured_at=administer.given_at,
    )
    return Act(stock.decider, stock_id(site_id, product_id), pour)


async def unpoured(door: CommandDoor, given: DoseAdministered, dose_id: UUID, reason: VoidReason) -> Act:
    """What was poured for a voided dose goes back, or is left out, as the policy says."""
    state, _ = await door.state(order.decider, given.order_id)
    product_id = order.prescribed(state).product_id
    pour = pour_id(dose_id, given.site_id, given.given_at)
    shown_mg = await views_stock.poured_for(door, pour)
    back = stock.TakeBack(stock.Shelf(given.site_id, product_id), pour, dose_id, shown_mg, reason)
    return Act(stock.decider, stock_id(given.site_id, product_id), back)


def uncounted(given: DoseAdministered, dose_id: UUID) -> Act:
    """A voided dose leaves the history."""
    substance = window_policies().one_order.substance_of(given.medicine)
    uncount = history.UncountDose(given.patient_id, substance, dose_id, given.home_site_id)
    return Act(history.decider, history_id(given.patient_id, substance), uncount, Subject(given.patient_id))
