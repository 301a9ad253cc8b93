"""An order is a prescriber's instruction; nothing is dosed on one that is unsigned, held or over."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Final, assert_never
from uuid import UUID

from services.medication.limits import DoseLimit, exceeded
from services.medication.prescription import Prescription, written
from services.medication.product import Product
from shared.decider import Decider, command
from shared.events.medication import (
    DiscontinuationReason,
    OrderDiscontinued,
    OrderDrafted,
    OrderEvent,
    OrderHeld,
    OrderHoldReason,
    OrderPutOnTaper,
    OrderResumed,
    OrderSigned,
)
from shared.failures import Invalid, NotFound, Refused
from shared.units import Prose


class Status(Enum):
    """How far an order has come."""

    ABSENT = "absent"
    DRAFTED = "drafted"
    SIGNED = "signed"
    HELD = "held"
    DISCONTINUED = "discontinued"


@dataclass(frozen=True)
class Order:
    """What signing, dosing and a taper need to know."""

    status: Status = Status.ABSENT
    prescription: Prescription | None = None
    taper_id: UUID | None = None


@command
class DraftOrder:
    """Write an order down; `home_site_id` and `zone` are those of the drafting site."""

    patient_id: UUID
    home_site_id: str
    zone: str
    product: Product
    split_doses_mg: tuple[Decimal, ...]
    starts_on: date
    ends_on: date | None
    every_days: int | None
    new_start: bool
    instructions: Prose | None


@command
class SignOrder:
    """Take responsibility for the order; `limits` are those of its medicine."""

    limits: tuple[DoseLimit, ...]
    rationale: Prose | None


@command
class HoldOrder:
    """Give nothing until resumed."""

    reason: OrderHoldReason
    held_on: date
    note: Prose | None


@command
class ResumeOrder:
    """Go on dosing."""

    resumed_on: date


@command
class DiscontinueOrder:
    """End the order for good."""

    reason: DiscontinuationReason
    discontinued_on: date
    note: Prose | None


@command
class PutOnTaper:
    """Let a taper say how much is given; comes with the taper's start."""

    taper_id: UUID


type Command = DraftOrder | SignOrder | HoldOrder | ResumeOrder | DiscontinueOrder | PutOnTaper


class OrderAlreadyDrafted(Refused):
    """There is an order under this id already."""


class OrderNotDrafted(NotFound):
    """There is no order under this id."""


class OrderNotSigned(Refused):
    """No prescriber has signed the order."""


class OrderAlreadySigned(Refused):
    """The order is signed already."""


class OrderOnHold(Refused):
    """The order is held."""


class OrderNotOnHold(Refused):
    """The order is not held."""


class OrderOver(Refused):
    """The order was discontinued."""


class OrderMoved(Refused):
    """The order went onto another taper at the same moment; try again."""


class DoseNotDispensable(Invalid):
    """The dose cannot be made up from the product's strengths."""


class OrderEndsBeforeItStarts(Invalid):
    """The last day lies before the first."""


class DosesTooClose(Invalid):
    """The product is not given that often."""


class RationaleNeeded(Refused):
    """The dose is above a limit; signing needs the prescriber's rationale."""


def evolve(order: Order, event: OrderEvent) -> Order:
    """The order after the event."""
    match event:
        case OrderDrafted():
            return Order(Status.DRAFTED, written(event))
        case OrderSigned() | OrderResumed():
            return replace(order, status=Status.SIGNED)
        case OrderPutOnTaper():
            return replace(order, taper_id=event.taper_id)
        case OrderHeld():
            return replace(order, status=Status.HELD)
        case OrderDiscontinued():
            return replace(order, status=Status.DISCONTINUED)
        case _:
            assert_never(event)


def decide(order: Order, command: Command) -> Sequence[OrderEvent]:
    """What happens on the command."""
    if isinstance(command, DraftOrder):
        return draft(order, command)
    prescription = prescribed(order)
    if order.status is Status.DISCONTINUED:
        raise OrderOver
    match command:
        case SignOrder():
            return sign(order, prescription, command)
        case HoldOrder():
            prescription_in_force(order)
            return [OrderHeld(command.reason, command.held_on, command.note)]
        case ResumeOrder():
            if order.status is not Status.HELD:
                raise OrderNotOnHold
            return [OrderResumed(command.resumed_on)]
        case DiscontinueOrder():
            return [OrderDiscontinued(command.reason, command.discontinued_on, command.note)]
        case PutOnTaper():
            prescription_in_force(order)
            return [OrderPutOnTaper(command.taper_id)]
        case _:
            assert_never(command)


def draft(order: Order, command: DraftOrder) -> Sequence[OrderEvent]:
    """Every part of a day has to be dispensable."""
    if order.status is not Status.ABSENT:
        raise OrderAlreadyDrafted
    product = command.product
    for index, dose_mg in enumerate(command.split_doses_mg):
        if dose_mg == 0 or not product.dispensable(dose_mg):
            raise DoseNotDispensable(field=f"split_doses_mg[{index}]")
    if command.ends_on is not None and command.ends_on < command.starts_on:
        raise OrderEndsBeforeItStarts(field="ends_on")
    rhythm = product.rhythm
    if command.every_days is not None:
        if command.every_days < rhythm.every_days:
            raise DosesTooClose(field="every_days", at_least=rhythm.every_days)
        rhythm = replace(rhythm, every_days=command.every_days)
    if product.single_unit and len(command.split_doses_mg) > 1:
        raise DosesTooClose(field="split_doses_mg")
    return [
        OrderDrafted(
            patient_id=command.patient_id,
            home_site_id=command.home_site_id,
            zone=command.zone,
            product_id=product.id,
            product_version=product.version,
            medicine=product.medicine,
            dose_mg=sum(command.split_doses_mg, Decimal(0)),
            split_doses_mg=command.split_doses_mg,
            rhythm=rhythm,
            starts_on=command.starts_on,
            ends_on=command.ends_on,
            new_start=command.new_start,
            instructions=command.instructions,
        )
    ]


def sign(order: Order, prescription: Prescription, command: SignOrder) -> Sequence[OrderEvent]:
    """Above a limit the prescriber says why (42 CFR 8.12(h)(3)(ii) for the first day of methadone)."""
    if order.status is not Status.DRAFTED:
        raise OrderAlreadySigned
    above = exceeded(command.limits, prescription.dose_mg, new_start=prescription.new_start)
    if above and command.rationale is None:
        first = above[0]
        raise RationaleNeeded(
            field="rationale",
            policy_id=first.id,
            policy_version=first.version,
            limit_mg=str(first.limit_mg),
            source=first.source,
        )
    return [
        OrderSigned(
            medicine=prescription.medicine,
            dose_mg=prescription.dose_mg,
            starts_on=prescription.starts_on,
            ends_on=prescription.ends_on,
            policies=tuple(one.used for one in command.limits),
            limits_exceeded=tuple(one.id for one in above),
            rationale=command.rationale,
        )
    ]


def prescribed(order: Order | None) -> Prescription:
    """What the order says, whatever its status. Raises OrderNotDrafted."""
    if order is None or order.prescription is None:
        raise OrderNotDrafted
    return order.prescription


def prescription_in_force(order: Order | None) -> Prescription:
    """What may be given now. Raises when the order is not signed, is held, or is over."""
    prescription = prescribed(order)
    assert order is not None
    if order.status is Status.DRAFTED:
        raise OrderNotSigned
    if order.status is Status.HELD:
        raise OrderOnHold
    if order.status is Status.DISCONTINUED:
        raise OrderOver
    return prescription


decider: Final[Decider[Order]] = Decider("order", Order(), decide, evolve)
