"""A dosing slot is one patient, one order, one dosing date and one split; it holds at most one administered dose."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Final, assert_never

from services.medication import care as cares
from services.medication import dose_vomited
from services.medication import order as orders
from services.medication.authority import check_may_dose
from services.medication.dose_state import Slot, Status, evolve
from services.medication.dose_vomited import OnVomited
from services.medication.dosing_slot import BrokenGlass, OrderedSlot, Place, SecondDose, voided
from services.medication.prescription import Prescription
from services.medication.stay import Authority
from services.medication.taper_course import Taper
from shared.decider import Decider, command
from shared.events.medication import (
    DoseAdministered,
    DoseConflictFound,
    DoseConflictSettled,
    DoseEvent,
    DoseVoidRequested,
    RefusalReason,
    VoidReason,
)
from shared.failures import Invalid, NotFound, Refused
from shared.units import Prose


@dataclass(frozen=True)
class Seen:
    """The other streams that a decision about a slot looks at, whatever their order; what nobody looked at is as at first."""

    order: orders.Order | None = None
    care: cares.Care = field(default_factory=cares.Care)
    authority: Authority = field(default_factory=Authority)
    taper: Taper | None = None

    @classmethod
    def of(cls, looked_at: Iterable[object]) -> "Seen":
        """Each state under its kind."""
        kinds = {orders.Order: "order", cares.Care: "care", Authority: "authority", Taper: "taper"}
        return cls(**{kinds[type(one)]: one for one in looked_at if one is not None})  # type: ignore[arg-type]


@command
class AdministerDose:
    """The patient took the dose under observation; `late` says that it is entered after the fact, with its own time."""

    place: Place
    dose_mg: Decimal
    given_at: datetime
    observed_by: str
    site_id: str
    glass: BrokenGlass | None = None
    late: bool = False


@command
class RefuseDose:
    """The patient declined the dose."""

    place: Place
    reason: RefusalReason
    note: Prose | None


@command
class MissDose:
    """The patient did not come."""

    place: Place


@command
class RequestVoid:
    """Say that the recorded dose never was."""

    reason: VoidReason
    requested_by: str
    note: Prose | None


@command
class ConfirmVoid:
    """Agree, as a second person."""

    confirmed_by: str


@command
class SettleConflict:
    """A prescriber looked at what two doses mean for the patient."""

    settled_by: str
    note: Prose


type OnOrder = AdministerDose | RefuseDose | MissDose
type Command = OnOrder | RequestVoid | ConfirmVoid | SettleConflict | OnVomited


class DoseAlreadyAdministered(Refused):
    """The dose of this slot was given already."""


class DoseAlreadyRecorded(Refused):
    """It is recorded already that the patient did not take this dose."""


class DoseNotDue(Invalid):
    """The order has no dose on this date."""


class NotTheDosingDate(Invalid):
    """The dose was given on another day than the dosing date allows."""


class SplitUnknown(Invalid):
    """The order has no such part of the day's dose."""


class NothingOrdered(Refused):
    """Nothing is ordered for this date."""


class MoreThanOrdered(Refused):
    """The dose is larger than what is ordered for this slot."""


class DoseNotAdministered(NotFound):
    """No dose was given in this slot."""


class DoseWasReplaced(Refused):
    """The dose was vomited and replaced: a void would take back only one of the two."""


class VoidNotRequested(Refused):
    """Nobody has asked for this dose to be voided."""


class SecondPersonNeeded(Refused):
    """Whoever asked for the void cannot confirm it."""


class NoConflictHere(Refused):
    """No dose that was given twice waits for a prescriber in this slot."""


def decide(slot: Slot, command: Command, *looked_at: object) -> Sequence[DoseEvent]:
    """What happens on the command; whatever is recorded about a dose looks at order, care, authority and taper."""
    match command:
        case dose_vomited.ReportVomited() | dose_vomited.DecideReplacement() | dose_vomited.ReplaceDose():
            return dose_vomited.decide(slot, command, looked_at)
        case RequestVoid():
            voidable(slot)
            return [DoseVoidRequested(command.reason, command.requested_by, command.note)]
        case ConfirmVoid():
            return void(slot, command)
        case SettleConflict():
            if not slot.unsettled:
                raise NoConflictHere
            found = slot.conflicts[-1]
            return [DoseConflictSettled(found.patient_id, found.order_id, command.settled_by, command.note)]
        case AdministerDose() | RefuseDose() | MissDose():
            if isinstance(command, AdministerDose) and command.glass is not None and slot.administered is not None:
                return conflict(slot.administered, command, command.glass, slot)
            check_free(slot, command)
            return record(command, Seen.of(looked_at))
        case _:
            assert_never(command)


def conflict(given: DoseAdministered, command: AdministerDose, glass: BrokenGlass, slot: Slot) -> Sequence[DoseEvent]:
    """The links were cut and both sites dosed: nothing undoes it, so it is written down and shown. Entered twice, it is refused."""
    known: list[DoseAdministered | DoseConflictFound] = [given, *slot.conflicts]
    if any((one.site_id, one.given_at) == (command.site_id, command.given_at) for one in known):
        raise DoseAlreadyAdministered(given_at=command.given_at.isoformat(), site_id=command.site_id)
    second = SecondDose(command.dose_mg, command.given_at, command.observed_by, command.site_id)
    return [second.beside(given, glass)]


def check_free(slot: Slot, command: OnOrder) -> None:
    """A given dose stands until two people void it; what was only refused or missed may still be given (late entry)."""
    if slot.administered is not None:
        raise DoseAlreadyAdministered(
            given_at=slot.administered.given_at.isoformat(),
            site_id=slot.administered.site_id,
        )
    if slot.status is not Status.OPEN and not isinstance(command, AdministerDose):
        raise DoseAlreadyRecorded(status=slot.status.value)


def record(command: OnOrder, seen: Seen) -> Sequence[DoseEvent]:
    """Write down what became of a slot that the order has and that may still be filled."""
    order, place = seen.order, command.place
    prescription = orders.prescription_in_force(order)
    assert order is not None
    cares.check_in_care(seen.care, place.order_id, place.on)
    check_date(prescription, command)
    slot = OrderedSlot(place, prescription, order.taper_id, ordered(order, prescription, seen.taper, place))
    match command:
        case AdministerDose():
            if command.dose_mg > slot.ordered_mg:
                raise MoreThanOrdered(field="dose_mg", ordered_mg=str(slot.ordered_mg))
            if command.glass is None:
                check_may_dose(seen.authority, prescription.home_site_id, command.site_id, place.on, late=command.late)
            return [administered(slot, command, seen.authority)]
        case RefuseDose():
            return [slot.refused(command.reason, command.note)]
        case MissDose():
            return [slot.missed()]
        case _:
            assert_never(command)


def administered(slot: OrderedSlot, command: AdministerDose, authority: Authority) -> DoseAdministered:
    """The dose, with the authority that it was given under."""
    given = slot.administered(command.dose_mg, command.given_at, command.observed_by, command.site_id)
    authorised_by = command.glass.physician if command.glass else None
    return replace(given, authority_epoch=authority.epoch, authorised_by=authorised_by)


def check_date(prescription: Prescription, command: OnOrder) -> None:
    """The order has a dose on the date, and the moment belongs to that date."""
    place = command.place
    if not prescription.due_on(place.dosing_on):
        raise DoseNotDue(field="dosing_on", starts_on=prescription.starts_on.isoformat())
    if isinstance(command, MissDose):
        fits = place.dosing_on <= place.on
    else:
        fits = prescription.may_be_given(place.dosing_on, place.on)
    if not fits:
        raise NotTheDosingDate(field="dosing_on", local_date=place.on.isoformat(), zone=prescription.zone)


def ordered(order: orders.Order, prescription: Prescription, taper: Taper | None, place: Place) -> Decimal:
    """The most that may be given in the slot: the taper's dose where the order has a taper, else the order's own."""
    if not 1 <= place.split <= len(prescription.split_doses_mg):
        raise SplitUnknown(field="split", splits=len(prescription.split_doses_mg))
    if order.taper_id is None:
        return prescription.split_doses_mg[place.split - 1]
    if taper is None or taper.taper_id != order.taper_id:
        raise orders.OrderMoved
    ordered_mg = taper.dose_on(place.dosing_on)
    if ordered_mg == 0:
        raise NothingOrdered(dosing_on=place.dosing_on.isoformat())
    return ordered_mg


def given(slot: Slot) -> DoseAdministered:
    """The dose that stands in the slot. Raises DoseNotAdministered."""
    if slot.administered is None:
        raise DoseNotAdministered
    return slot.administered


def voidable(slot: Slot) -> DoseAdministered:
    """The dose that two people may void. Raises DoseNotAdministered, DoseWasReplaced."""
    dose = given(slot)
    if slot.replaced:
        raise DoseWasReplaced
    return dose


def void(slot: Slot, command: ConfirmVoid) -> Sequence[DoseEvent]:
    """Two people: whoever asked cannot confirm."""
    dose = voidable(slot)
    if slot.void is None:
        raise VoidNotRequested
    if slot.void.requested_by == command.confirmed_by:
        raise SecondPersonNeeded
    return [voided(dose, slot.void, command.confirmed_by)]


decider: Final[Decider[Slot]] = Decider("dose", Slot(), decide, evolve)
