"""What is thrown away is seen by others; what is counted is counted without knowing the book, and settled by two people."""

from collections.abc import Sequence
from decimal import Decimal
from typing import assert_never
from uuid import UUID

from services.medication.stock_bottle import NotInTheBottle, bottle_here, check_amount
from services.medication.stock_policies import stock_policies
from services.medication.stock_state import Bottle, Discrepancy, Stock
from shared.decider import command
from shared.events.medication import (
    BottleCounted,
    BottleReceived,
    DiscrepancyFound,
    DiscrepancyKind,
    DiscrepancySettled,
    Finding,
    MedicineWasted,
    StockEvent,
    WasteReason,
    WasteWitnessed,
)
from shared.failures import NotFound, Refused
from shared.units import Prose


@command
class DeclareWaste:
    """Medicine was thrown away."""

    bottle_id: UUID
    waste_id: UUID
    amount_mg: Decimal
    reason: WasteReason
    wasted_by: str
    note: Prose | None


@command
class WitnessWaste:
    """I saw it."""

    bottle_id: UUID
    waste_id: UUID
    witness: str


@command
class CountBottle:
    """So much is in the bottle."""

    bottle_id: UUID
    counted_mg: Decimal
    counted_by: str


@command
class SettleDiscrepancy:
    """A second person counted too; `counted_mg` is what is in the bottle now."""

    bottle_id: UUID
    counted_mg: Decimal
    finding: Finding
    settled_by: str
    note: Prose


class WasteAlreadyDeclared(Refused):
    """There is a waste under this id already."""


class WasteUnknown(NotFound):
    """There is no waste under this id."""


class NoWitnessNeeded(Refused):
    """Everybody who has to has signed this waste."""


class WitnessNotAnother(Refused):
    """Whoever threw it away, or signed already, cannot be the witness."""


class NoDiscrepancy(Refused):
    """Book and count of this bottle agree."""


class SecondCounterNeeded(Refused):
    """Whoever found the discrepancy cannot settle it."""


class CountsDiffer(Refused):
    """The second count agrees neither with the first nor with the book; count the bottle anew."""


def decide(
    stock: Stock, command: DeclareWaste | WitnessWaste | CountBottle | SettleDiscrepancy
) -> Sequence[StockEvent]:
    """What happens on the command."""
    match command:
        case DeclareWaste():
            return waste(stock, command)
        case WitnessWaste():
            return witness(stock, command)
        case CountBottle():
            return count(stock, command)
        case SettleDiscrepancy():
            return settle(stock, command)
        case _:
            assert_never(command)


def waste(stock: Stock, command: DeclareWaste) -> Sequence[StockEvent]:
    """It leaves the book at once, because it has left the bottle; the witnesses sign in their own name."""
    bottle = bottle_here(stock, command.bottle_id)
    if any(command.waste_id in one.wastes for one in stock.bottles.values()):
        raise WasteAlreadyDeclared
    check_amount(command.amount_mg, bottle.received.piece_mg, "amount_mg")
    policy = stock_policies().waste
    if command.amount_mg > bottle.balance_mg:
        raise NotInTheBottle(field="amount_mg", **stock_policies().keeping.named)
    received = bottle.received
    where = (received.site_id, received.product_id, command.bottle_id, command.waste_id)
    needed = policy.witnesses[command.reason]
    told = (command.amount_mg, command.reason, command.wasted_by, needed)
    return [MedicineWasted(*where, *told, policy.id, policy.version, command.note)]


def witness(stock: Stock, command: WitnessWaste) -> Sequence[StockEvent]:
    """Each witness is another person (facts 5.7)."""
    bottle = stock.bottles.get(command.bottle_id)
    seen = bottle.wastes.get(command.waste_id) if bottle else None
    if bottle is None or seen is None:
        raise WasteUnknown
    if seen.witnesses_left == 0:
        raise NoWitnessNeeded
    if command.witness in seen.signed_by:
        raise WitnessNotAnother(**stock_policies().waste.named)
    received = bottle.received
    where = (received.site_id, received.product_id, command.bottle_id, command.waste_id)
    return [WasteWitnessed(*where, command.witness, seen.witnesses_left - 1)]


def count(stock: Stock, command: CountBottle) -> Sequence[StockEvent]:
    """A count that agrees settles what an earlier one found; one that does not waits for a second person."""
    bottle = bottle_here(stock, command.bottle_id)
    received = bottle.received
    check_amount(command.counted_mg, received.piece_mg, "counted_mg")
    if command.counted_mg != bottle.balance_mg:
        return [found(received, DiscrepancyKind.COUNT, bottle.balance_mg, command.counted_mg, command.counted_by)]
    if bottle.discrepancy is not None and bottle.discrepancy.found_by == command.counted_by:
        raise SecondCounterNeeded(**stock_policies().discrepancy.named)
    where = (received.site_id, received.product_id, command.bottle_id)
    return [BottleCounted(*where, command.counted_mg, command.counted_by)]


def found(
    received: BottleReceived, kind: DiscrepancyKind, expected_mg: Decimal, found_mg: Decimal, by: str
) -> DiscrepancyFound:
    """The difference, and whether it is an alarm."""
    policy = stock_policies().discrepancy
    where = (received.site_id, received.product_id, received.bottle_id)
    alarm = policy.alarms(expected_mg, found_mg, received.strength_mg)
    return DiscrepancyFound(*where, kind, expected_mg, found_mg, by, alarm, policy.id, policy.version)


def settle(stock: Stock, command: SettleDiscrepancy) -> Sequence[StockEvent]:
    """Two people agree on what is there: the book is put right by what the first one found, or by nothing if they erred."""
    bottle = bottle_here(stock, command.bottle_id)
    known = bottle.discrepancy
    if known is None:
        raise NoDiscrepancy
    if known.found_by == command.settled_by:
        raise SecondCounterNeeded(**stock_policies().discrepancy.named)
    check_amount(command.counted_mg, bottle.received.piece_mg, "counted_mg")
    adjusted_mg = agreed(bottle, known, command.counted_mg)
    where = (bottle.received.site_id, bottle.received.product_id, command.bottle_id)
    return [DiscrepancySettled(*where, command.finding, adjusted_mg, command.settled_by, command.note)]


def agreed(bottle: Bottle, known: Discrepancy, counted_mg: Decimal) -> Decimal:
    """What the book is put right by. What was poured since the first count is in the book already. Raises CountsDiffer.

    On arrival the book took what was counted, so there is nothing left to put right.
    """
    away_mg = counted_mg - bottle.balance_mg
    if away_mg == 0:
        return Decimal(0)
    if known.kind is DiscrepancyKind.COUNT and away_mg == known.variance_mg:
        return away_mg
    raise CountsDiffer(field="counted_mg")
