"""The stock of one product at one site: nothing leaves a bottle that it does not hold, and nothing leaves it twice."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final, assert_never
from uuid import UUID, uuid5

from services.medication import stock_counting, stock_transfer
from services.medication.pouring import poured_from
from services.medication.product import Product
from services.medication.stock_bottle import bottle_here, check_amount
from services.medication.stock_counting import CountBottle, DeclareWaste, SettleDiscrepancy, WitnessWaste
from services.medication.stock_policies import Keeping, VoidEffect, stock_policies
from services.medication.stock_state import BottleStatus, Stock, evolve
from services.medication.stock_transfer import CallBottleBack, HandOver, ReceiveTransfer, ReturnBottle, SendBottle
from shared.decider import Decider, command
from shared.events.medication import (
    BottleOpened,
    BottleReceived,
    DiscrepancyKind,
    DosePoured,
    PourLeftOut,
    PourPutBack,
    StockEvent,
    StockSource,
    VoidReason,
)
from shared.failures import Invalid, Refused
from shared.units import Code

_POURS: Final = UUID("d1b5b1f2-6c0c-4b53-8f4e-0b6f6bb0a9ce")
"""Never changes: the same dose has to be the same pour for ever."""


def pour_id(dose_id: UUID, site_id: str, given_at: datetime) -> UUID:
    """Of two doses that sites out of touch gave in one slot, each is a pour of its own; a dose told about twice is not."""
    return uuid5(_POURS, f"{dose_id}/{site_id}/{given_at.timestamp()}")


@dataclass(frozen=True)
class Shelf:
    """Whose stock it is."""

    site_id: str
    product_id: str


@command
class ReceiveBottle:
    """A bottle arrived and was counted: `stated_mg` is what the papers say."""

    shelf: Shelf
    product: Product
    bottle_id: UUID
    strength_mg: Decimal
    lot: Code
    expires_on: date
    amount_mg: Decimal
    stated_mg: Decimal
    source: StockSource
    document: str
    received_by: str
    received_on: date


@command
class OpenBottle:
    """Begin to pour from it."""

    shelf: Shelf
    bottle_id: UUID
    opened_by: str
    on: date


@command
class PourDose:
    """A dose leaves the bottles; comes with the dose."""

    shelf: Shelf
    medicine: Code
    pour_id: UUID
    dose_id: UUID
    amount_mg: Decimal
    poured_by: str
    on: date
    poured_at: datetime


@command
class TakeBack:
    """The dose was voided; comes with the void. `shown_mg` is what is on record as poured for it, None when nothing is."""

    shelf: Shelf
    pour_id: UUID
    dose_id: UUID
    shown_mg: Decimal | None
    reason: VoidReason


type Counting = DeclareWaste | WitnessWaste | CountBottle | SettleDiscrepancy
type Moving = SendBottle | CallBottleBack | HandOver | ReceiveTransfer | ReturnBottle
type Command = ReceiveBottle | OpenBottle | PourDose | TakeBack | Counting | Moving


class BottleAlreadyReceived(Refused):
    """There is a bottle under this id at the site already."""


class BottleAlreadyOpen(Refused):
    """The bottle is open already, or empty."""


class BottleExpired(Refused):
    """The bottle is past its date."""


class StrengthUnknown(Invalid):
    """The product has no such strength."""


class NotEnoughOpen(Refused):
    """The opened bottles at this site cannot make up this dose."""


def decide(stock: Stock, command: Command, *looked_at: Stock) -> Sequence[StockEvent]:
    """What happens on the command; only what comes from another site looks at that site's stock."""
    match command:
        case ReceiveBottle():
            return receive(stock, command)
        case OpenBottle():
            return open_bottle(stock, command)
        case PourDose():
            return pour(stock, command)
        case TakeBack():
            return take_back(stock, command)
        case DeclareWaste() | WitnessWaste() | CountBottle() | SettleDiscrepancy():
            return stock_counting.decide(stock, command)
        case SendBottle() | CallBottleBack() | HandOver() | ReceiveTransfer() | ReturnBottle():
            return stock_transfer.decide(stock, command, *looked_at)
        case _:
            assert_never(command)


def receive(stock: Stock, command: ReceiveBottle) -> Sequence[StockEvent]:
    """What was counted is on hand; where the papers say otherwise, a second person looks."""
    if command.bottle_id in stock.bottles:
        raise BottleAlreadyReceived
    if command.expires_on < command.received_on:
        raise BottleExpired(field="expires_on", expires_on=command.expires_on.isoformat())
    product = command.product
    strength = next((one for one in product.strengths if one.strength_mg == command.strength_mg), None)
    if strength is None:
        raise StrengthUnknown(field="strength_mg", strengths_mg=[str(one.strength_mg) for one in product.strengths])
    unit_mg = product.increment_mg or strength.strength_mg
    for name in ("amount_mg", "stated_mg"):
        check_amount(getattr(command, name), unit_mg, name)
    received = BottleReceived(
        site_id=command.shelf.site_id,
        product_id=command.shelf.product_id,
        medicine=product.medicine,
        bottle_id=command.bottle_id,
        strength_mg=strength.strength_mg,
        unit_mg=unit_mg,
        piece_mg=product.increment_mg or strength.strength_mg / strength.split_into,
        lot=command.lot,
        expires_on=command.expires_on,
        amount_mg=command.amount_mg,
        stated_mg=command.stated_mg,
        source=command.source,
        document=command.document,
        received_by=command.received_by,
    )
    return [received, *stock_transfer.differing(received, DiscrepancyKind.RECEIPT)]


def open_bottle(stock: Stock, command: OpenBottle) -> Sequence[StockEvent]:
    """Closed bottles are opened one after the other; what is past its date stays closed."""
    bottle = bottle_here(stock, command.bottle_id)
    if bottle.status is not BottleStatus.CLOSED:
        raise BottleAlreadyOpen(status=bottle.status.value)
    if bottle.received.expires_on < command.on:
        raise BottleExpired(expires_on=bottle.received.expires_on.isoformat())
    return [BottleOpened(command.shelf.site_id, command.shelf.product_id, command.bottle_id, command.opened_by)]


def pour(stock: Stock, command: PourDose) -> Sequence[StockEvent]:
    """Exactly the dose, once. A site that keeps no book of the product pours outside of it."""
    keeping = stock_policies().keeping
    if not stock.begun and keeping.at(command.shelf.site_id) is Keeping.FROM_FIRST_RECEIPT:
        return []
    if stock.parts_of(command.pour_id):
        return []
    usable = [one for one in stock.opened if one.usable(command.on)]
    parts = poured_from(usable, command.amount_mg)
    if parts is None:
        raise NotEnoughOpen(
            open_mg=str(sum((one.balance_mg for one in usable), Decimal(0))),
            closed_bottles=sum(one.status is BottleStatus.CLOSED for one in stock.bottles.values()),
            **keeping.named,
        )
    return [
        DosePoured(
            site_id=command.shelf.site_id,
            product_id=command.shelf.product_id,
            medicine=command.medicine,
            pour_id=command.pour_id,
            dose_id=command.dose_id,
            amount_mg=command.amount_mg,
            parts=parts,
            poured_by=command.poured_by,
            poured_on=command.on,
            poured_at=command.poured_at,
        )
    ]


def take_back(stock: Stock, command: TakeBack) -> Sequence[StockEvent]:
    """A void always goes through: what cannot be put back into its bottle is left out, for people to find.

    Nothing follows for a dose that was given before the site kept a book of the product.
    """
    policy = stock_policies().void
    where = (command.shelf.site_id, command.shelf.product_id, command.pour_id, command.dose_id)
    parts = stock.parts_of(command.pour_id)
    there = all(stock.bottles[part.bottle_id].here for part in parts)
    if parts and there and policy.effects[command.reason] is VoidEffect.PUT_BACK:
        return [PourPutBack(*where, parts, command.reason.value, policy.id, policy.version)]
    poured_mg = sum((part.amount_mg for part in parts), Decimal(0)) or command.shown_mg
    if poured_mg is None:
        return []
    return [PourLeftOut(*where, poured_mg, command.reason.value, policy.id, policy.version)]


decider: Final[Decider[Stock]] = Decider("stock", Stock(), decide, evolve)
