"""Bottles between the sites of a network: sent, in transit, arrived or called back; and bottles that leave the network."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import assert_never
from uuid import UUID

from services.medication.stock_bottle import bottle_here, check_amount
from services.medication.stock_counting import found
from services.medication.stock_state import Bottle, BottleStatus, Stock
from shared.decider import command
from shared.events.medication import (
    BottleArrived,
    BottleCalledBack,
    BottleReceived,
    BottleReturned,
    BottleSent,
    DiscrepancyFound,
    DiscrepancyKind,
    StockEvent,
    StockSource,
)
from shared.failures import Invalid, NotFound, Refused


@command
class SendBottle:
    """A closed bottle leaves for another site."""

    bottle_id: UUID
    transfer_id: UUID
    to_site_id: str
    document: str
    sent_by: str


@command
class CallBottleBack:
    """It did not go, or came back."""

    transfer_id: UUID
    called_back_by: str


@command
class HandOver:
    """The other site has it; comes with the receipt there."""

    transfer_id: UUID
    site_id: str
    received_by: str


@command
class ReceiveTransfer:
    """It arrived here and was counted; looks at the stock of the site that sent it."""

    transfer_id: UUID
    site_id: str
    counted_mg: Decimal
    received_by: str


@command
class ReturnBottle:
    """What it holds leaves the network."""

    bottle_id: UUID
    returned_to: str
    document: str
    returned_by: str


class OnlyClosedBottlesTravel(Refused):
    """An open bottle stays where it was opened."""


class SameSite(Invalid):
    """The bottle is at this site already."""


class TransferUnknown(NotFound):
    """No bottle is on its way to this site under this transfer."""


class BottleHereAlready(Refused):
    """Another bottle at this site has the same id."""


class DiscrepancyOpen(Refused):
    """Two people have to settle first what this bottle holds."""


def decide(
    stock: Stock, command: SendBottle | CallBottleBack | HandOver | ReceiveTransfer | ReturnBottle, *looked_at: Stock
) -> Sequence[StockEvent]:
    """What happens on the command."""
    match command:
        case SendBottle():
            return send(stock, command)
        case CallBottleBack():
            return call_back(on_its_way(stock, command.transfer_id), command)
        case HandOver():
            return hand_over(on_its_way(stock, command.transfer_id, command.site_id), command)
        case ReceiveTransfer():
            return take_over(stock, command, *looked_at)
        case ReturnBottle():
            return give_back(settled(bottle_here(stock, command.bottle_id)), command)
        case _:
            assert_never(command)


def settled(bottle: Bottle) -> Bottle:
    """The bottle, if two people agree on what it holds. Raises DiscrepancyOpen."""
    if bottle.discrepancy is not None:
        raise DiscrepancyOpen
    return bottle


def send(stock: Stock, command: SendBottle) -> Sequence[StockEvent]:
    """It is out of reach here and not yet there; in the network's sum it counts."""
    bottle = settled(bottle_here(stock, command.bottle_id))
    if bottle.status is not BottleStatus.CLOSED:
        raise OnlyClosedBottlesTravel
    received = bottle.received
    if command.to_site_id == received.site_id:
        raise SameSite(field="to_site_id")
    where = (received.site_id, received.product_id, command.bottle_id, command.transfer_id, command.to_site_id)
    return [BottleSent(*where, bottle.balance_mg, command.document, command.sent_by)]


def call_back(sent: BottleSent, command: CallBottleBack) -> Sequence[StockEvent]:
    """It is on hand again."""
    where = (sent.site_id, sent.product_id, sent.bottle_id, sent.transfer_id)
    return [BottleCalledBack(*where, sent.amount_mg, command.called_back_by)]


def hand_over(sent: BottleSent, command: HandOver) -> Sequence[StockEvent]:
    """It leaves this site's book."""
    where = (sent.site_id, sent.product_id, sent.bottle_id, sent.transfer_id, sent.to_site_id)
    return [BottleArrived(*where, sent.amount_mg, command.received_by)]


def give_back(bottle: Bottle, command: ReturnBottle) -> Sequence[StockEvent]:
    """All that it holds by the book leaves the network."""
    where = (bottle.received.site_id, bottle.received.product_id, command.bottle_id)
    return [BottleReturned(*where, bottle.balance_mg, command.returned_to, command.document, command.returned_by)]


def on_its_way(stock: Stock, transfer_id: UUID, to_site_id: str | None = None) -> BottleSent:
    """The sending of a bottle that has not arrived. Raises TransferUnknown."""
    for bottle in stock.bottles.values():
        sent = bottle.transfer
        if bottle.status is BottleStatus.IN_TRANSIT and sent is not None and sent.transfer_id == transfer_id:
            if to_site_id in (None, sent.to_site_id):
                return sent
            break
    raise TransferUnknown


def take_over(stock: Stock, command: ReceiveTransfer, sender: Stock) -> Sequence[StockEvent]:
    """The bottle begins here with what was counted; a difference to what was sent is settled by two people."""
    sent = on_its_way(sender, command.transfer_id, command.site_id)
    known = stock.bottles.get(sent.bottle_id)
    if known is not None and known.status is not BottleStatus.GONE:
        raise BottleHereAlready
    before = sender.bottles[sent.bottle_id].received
    check_amount(command.counted_mg, before.piece_mg, "counted_mg")
    received = replace(
        before,
        site_id=command.site_id,
        amount_mg=command.counted_mg,
        stated_mg=sent.amount_mg,
        source=StockSource.TRANSFER,
        document=sent.document,
        received_by=command.received_by,
        transfer_id=sent.transfer_id,
        from_site_id=sent.site_id,
    )
    return [received, *differing(received, DiscrepancyKind.TRANSFER)]


def differing(received: BottleReceived, kind: DiscrepancyKind) -> list[DiscrepancyFound]:
    """Nothing where count and papers agree."""
    if received.amount_mg == received.stated_mg:
        return []
    return [found(received, kind, received.stated_mg, received.amount_mg, received.received_by)]
