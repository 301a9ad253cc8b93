"""An order is a prescriber's instruction; nothing is dosed on one that is unsigned, held or over."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import Enum
from typing import Final, assert_never
from uuid import UUID

from services.medication import order_signing
from services.medication.chart import Chart
from services.medication.order_draft import (
    DoseNotDispensable,
    DosesTooClose,
    DraftOrder,
    OrderEndsBeforeItStarts,
    draft,
)
from services.medication.order_signing import ApproveOverride, Overriding, RationaleNeeded, RequestOverride, SignOrder
from services.medication.prescription import Prescription, written
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
    OverrideApproved,
    OverrideRequested,
    PolicyUsed,
    RuleFired,
)
from shared.failures import NotFound, Refused
from shared.units import Prose

__all__ = [
    "ApproveOverride",
    "Command",
    "DiscontinueOrder",
    "DoseNotDispensable",
    "DosesTooClose",
    "DraftOrder",
    "HoldOrder",
    "Order",
    "OrderAlreadyDrafted",
    "OrderAlreadySigned",
    "OrderEndsBeforeItStarts",
    "OrderMoved",
    "OrderNotDrafted",
    "OrderNotOnHold",
    "OrderNotSigned",
    "OrderOnHold",
    "OrderOver",
    "PutOnTaper",
    "RationaleNeeded",
    "RequestOverride",
    "ResumeOrder",
    "SignOrder",
    "Status",
    "decider",
    "prescribed",
    "prescription_in_force",
]


class Status(Enum):
    """How far an order has come."""

    ABSENT = "absent"
    DRAFTED = "drafted"
    SIGNED = "signed"
    HELD = "held"
    DISCONTINUED = "discontinued"


@dataclass(frozen=True)
class Order:
    """What signing, dosing and a taper need to know; `rules_fired` and `policies` are of the draft or of the signature."""

    status: Status = Status.ABSENT
    prescription: Prescription | None = None
    taper_id: UUID | None = None
    overrides: Mapping[str, Overriding] = field(default_factory=dict)
    rules_fired: tuple[RuleFired, ...] = ()
    policies: tuple[PolicyUsed, ...] = ()


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


type Overridden = RequestOverride | ApproveOverride
type Command = DraftOrder | SignOrder | Overridden | HoldOrder | ResumeOrder | DiscontinueOrder | PutOnTaper


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


_STATUS: Final = {
    OrderHeld: Status.HELD,
    OrderResumed: Status.SIGNED,
    OrderDiscontinued: Status.DISCONTINUED,
}


def evolve(order: Order, event: OrderEvent) -> Order:
    """The order after the event."""
    match event:
        case OrderDrafted():
            return Order(Status.DRAFTED, written(event), rules_fired=event.rules_fired)
        case OverrideRequested() | OverrideApproved():
            return replace(order, overrides=order_signing.overridden(order.overrides, event))
        case OrderSigned():
            return replace(order, status=Status.SIGNED, rules_fired=event.rules_fired, policies=event.policies)
        case OrderPutOnTaper():
            return replace(order, taper_id=event.taper_id)
        case OrderHeld() | OrderResumed() | OrderDiscontinued():
            return replace(order, status=_STATUS[type(event)])
        case _:
            assert_never(event)


def decide(order: Order, command: Command, chart: Chart | None = None) -> Sequence[OrderEvent]:
    """What happens on the command; a draft, a signature and an override look at the patient's chart."""
    if isinstance(command, DraftOrder):
        if order.status is not Status.ABSENT:
            raise OrderAlreadyDrafted
        return [draft(command, chart or Chart())]
    prescription = prescribed(order)
    if order.status is Status.DISCONTINUED:
        raise OrderOver
    match command:
        case SignOrder() | RequestOverride() | ApproveOverride():
            return [decide_signing(order, prescription, command, chart or Chart())]
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


def decide_signing(
    order: Order, prescription: Prescription, command: SignOrder | Overridden, chart: Chart
) -> OrderSigned | OverrideRequested | OverrideApproved:
    """Rules are asked and overridden until the order is signed."""
    if order.status is not Status.DRAFTED:
        raise OrderAlreadySigned
    match command:
        case SignOrder():
            return order_signing.sign(prescription, order.overrides, command, chart)
        case RequestOverride():
            return order_signing.request(prescription, order.overrides, command, chart)
        case ApproveOverride():
            return order_signing.approve(order.overrides, command)
        case _:
            assert_never(command)


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
