"""What is known about the stock of one product at one site: its bottles, what each holds by the book, and what waits for a person."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any, Final, assert_never
from uuid import UUID, uuid5

from shared.events.medication import (
    BottleArrived,
    BottleCalledBack,
    BottleCounted,
    BottleOpened,
    BottleReceived,
    BottleReturned,
    BottleSent,
    DiscrepancyFound,
    DiscrepancyKind,
    DiscrepancySettled,
    DosePoured,
    MedicineWasted,
    Pour,
    PourLeftOut,
    PourPutBack,
    StockEvent,
    WasteWitnessed,
)

_STOCKS: Final = UUID("b0a1c1de-77b4-4a3e-9f53-0d1f6f2b7c55")
"""Never changes: the same site and product have to be the same stream for ever."""

GONE_BOTTLES_KEPT: Final = 40
"""Bottles that are empty or away and still known, so that the void of a dose finds where it was poured from."""


def stock_id(site_id: str, product_id: str) -> UUID:
    """The stock's id follows from what it is, so that every window of the site pours from one stream."""
    return uuid5(_STOCKS, f"{site_id}/{product_id}")


class BottleStatus(Enum):
    """Where a bottle is."""

    CLOSED = "closed"
    OPEN = "open"
    EMPTY = "empty"
    IN_TRANSIT = "in_transit"
    GONE = "gone"


ENDED: Final = frozenset({BottleStatus.EMPTY, BottleStatus.GONE})


@dataclass(frozen=True)
class Waste:
    """What was thrown away and is not yet signed by everybody who has to."""

    amount_mg: Decimal
    signed_by: frozenset[str]
    witnesses_left: int


@dataclass(frozen=True)
class Discrepancy:
    """A difference that two people have to settle."""

    kind: DiscrepancyKind
    expected_mg: Decimal
    found_mg: Decimal
    found_by: str

    @property
    def variance_mg(self) -> Decimal:
        """Found less expected."""
        return self.found_mg - self.expected_mg


@dataclass(frozen=True)
class Bottle:
    """One bottle; `balance_mg` is what it holds by the book, `opened` the number of its opening."""

    received: BottleReceived
    status: BottleStatus
    balance_mg: Decimal
    opened: int = 0
    pours: Mapping[UUID, Decimal] = field(default_factory=dict)
    wastes: Mapping[UUID, Waste] = field(default_factory=dict)
    discrepancy: Discrepancy | None = None
    transfer: BottleSent | None = None

    @property
    def bottle_id(self) -> UUID:
        """Its id; it keeps it at every site of the network."""
        return self.received.bottle_id

    @property
    def here(self) -> bool:
        """Whether it is still at the site; an empty one is until something else is known of it."""
        return self.status in (BottleStatus.CLOSED, BottleStatus.OPEN, BottleStatus.EMPTY)

    def usable(self, on: date) -> bool:
        """Whether a dose may be poured from it on a date."""
        return self.status is BottleStatus.OPEN and self.balance_mg > 0 and self.received.expires_on >= on


@dataclass(frozen=True)
class Stock:
    """All bottles that are here, on their way, or were here lately; `begun` says whether a book is kept at all."""

    begun: bool = False
    openings: int = 0
    bottles: Mapping[UUID, Bottle] = field(default_factory=dict)

    @property
    def opened(self) -> list[Bottle]:
        """The open bottles, the one opened first in front."""
        open_ones = [one for one in self.bottles.values() if one.status is BottleStatus.OPEN]
        return sorted(open_ones, key=lambda one: one.opened)

    def parts_of(self, pour_id: UUID) -> tuple[Pour, ...]:
        """What each bottle gave to a pour that stands; empty when none is known."""
        return tuple(
            Pour(one.bottle_id, one.received.lot, one.received.strength_mg, one.pours[pour_id])
            for one in self.bottles.values()
            if pour_id in one.pours
        )


type Poured = DosePoured | PourPutBack | PourLeftOut
type Travelled = BottleSent | BottleCalledBack | BottleArrived | BottleReturned


def evolve(stock: Stock, event: StockEvent) -> Stock:
    """The stock after the event."""
    match event:
        case BottleReceived():
            return received(stock, event)
        case BottleOpened():
            opened = changed(stock, event.bottle_id, status=BottleStatus.OPEN, opened=stock.openings + 1)
            return replace(opened, openings=stock.openings + 1)
        case DosePoured() | PourPutBack() | PourLeftOut():
            return pouring(stock, event)
        case MedicineWasted() | WasteWitnessed():
            return wasted(stock, event)
        case BottleCounted() | DiscrepancyFound() | DiscrepancySettled():
            return counted(stock, event)
        case BottleSent() | BottleCalledBack() | BottleArrived() | BottleReturned():
            return travelled(stock, event)
        case _:
            assert_never(event)


def pouring(stock: Stock, event: Poured) -> Stock:
    """What a dose took, or did not take after all."""
    match event:
        case DosePoured():
            return poured(stock, event.pour_id, event.parts)
        case PourPutBack():
            return put_back(stock, event.pour_id, event.parts)
        case PourLeftOut():
            return forgotten(stock, event.pour_id)
        case _:
            assert_never(event)


def travelled(stock: Stock, event: Travelled) -> Stock:
    """A bottle left, came back, or is away for good."""
    match event:
        case BottleSent():
            return changed(stock, event.bottle_id, status=BottleStatus.IN_TRANSIT, transfer=event)
        case BottleCalledBack():
            return changed(stock, event.bottle_id, status=BottleStatus.CLOSED, transfer=None)
        case BottleArrived() | BottleReturned():
            return away(stock, event.bottle_id)
        case _:
            assert_never(event)


def changed(stock: Stock, bottle_id: UUID, **changes: Any) -> Stock:
    """One bottle otherwise than before."""
    bottle = replace(stock.bottles[bottle_id], **changes)
    return replace(stock, bottles={**stock.bottles, bottle_id: bottle})


def received(stock: Stock, event: BottleReceived) -> Stock:
    """The bottle is on hand, closed; one that comes back to the site begins anew, but for open signatures."""
    before = stock.bottles.get(event.bottle_id)
    bottle = Bottle(event, BottleStatus.CLOSED, event.amount_mg, wastes=before.wastes if before else {})
    others = {key: one for key, one in stock.bottles.items() if key != event.bottle_id}
    return replace(stock, begun=True, bottles={**others, event.bottle_id: bottle})


def poured(stock: Stock, pour_id: UUID, parts: Sequence[Pour]) -> Stock:
    """Each bottle holds less, and knows which dose it went to."""
    for part in parts:
        bottle = stock.bottles[part.bottle_id]
        left_mg = bottle.balance_mg - part.amount_mg
        pours = {**bottle.pours, pour_id: part.amount_mg}
        stock = changed(stock, part.bottle_id, balance_mg=left_mg, pours=pours)
        if left_mg == 0:
            stock = away(stock, part.bottle_id, BottleStatus.EMPTY)
    return stock


def put_back(stock: Stock, pour_id: UUID, parts: Sequence[Pour]) -> Stock:
    """Each bottle holds again what never left it; an empty one is no longer empty."""
    for part in parts:
        balance_mg = stock.bottles[part.bottle_id].balance_mg + part.amount_mg
        stock = changed(stock, part.bottle_id, balance_mg=balance_mg, status=BottleStatus.OPEN)
    return forgotten(stock, pour_id)


def forgotten(stock: Stock, pour_id: UUID) -> Stock:
    """No bottle knows the pour any more."""
    for part in stock.parts_of(pour_id):
        pours = {key: one for key, one in stock.bottles[part.bottle_id].pours.items() if key != pour_id}
        stock = changed(stock, part.bottle_id, pours=pours)
    return stock


def wasted(stock: Stock, event: MedicineWasted | WasteWitnessed) -> Stock:
    """The medicine is gone at once; what waits is the signatures."""
    bottle = stock.bottles[event.bottle_id]
    if isinstance(event, WasteWitnessed):
        waste = bottle.wastes[event.waste_id]
        signed = replace(waste, signed_by=waste.signed_by | {event.witness}, witnesses_left=event.witnesses_left)
        return changed(stock, event.bottle_id, wastes={**bottle.wastes, event.waste_id: signed})
    waste = Waste(event.amount_mg, frozenset({event.wasted_by}), event.witnesses_needed)
    left_mg = bottle.balance_mg - event.amount_mg
    stock = changed(stock, event.bottle_id, balance_mg=left_mg, wastes={**bottle.wastes, event.waste_id: waste})
    return away(stock, event.bottle_id) if left_mg == 0 else stock


def counted(stock: Stock, event: BottleCounted | DiscrepancyFound | DiscrepancySettled) -> Stock:
    """A difference stands until a second person has settled it; then the book is put right by it."""
    if isinstance(event, BottleCounted):
        return changed(stock, event.bottle_id, discrepancy=None)
    bottle = stock.bottles[event.bottle_id]
    if isinstance(event, DiscrepancyFound):
        found = Discrepancy(event.kind, event.expected_mg, event.found_mg, event.found_by)
        return changed(stock, event.bottle_id, discrepancy=found)
    balance_mg = bottle.balance_mg + event.adjusted_mg
    if balance_mg == 0:
        return away(changed(stock, event.bottle_id, discrepancy=None), event.bottle_id, BottleStatus.EMPTY)
    status = BottleStatus.OPEN if bottle.status is BottleStatus.EMPTY else bottle.status
    return changed(stock, event.bottle_id, discrepancy=None, balance_mg=balance_mg, status=status)


def away(stock: Stock, bottle_id: UUID, status: BottleStatus = BottleStatus.GONE) -> Stock:
    """The bottle is empty or has left; of such bottles the last ones stay known, and all that somebody has yet to sign for."""
    bottle = replace(stock.bottles[bottle_id], status=status, balance_mg=Decimal(0))
    others = {key: one for key, one in stock.bottles.items() if key != bottle_id}
    bottles = {**others, bottle_id: bottle}
    done = [key for key, one in bottles.items() if one.status in ENDED and not waits(one)]
    for key in done[: max(0, len(done) - GONE_BOTTLES_KEPT)]:
        del bottles[key]
    return replace(stock, bottles=bottles)


def waits(bottle: Bottle) -> bool:
    """Whether a signature or a second look is missing."""
    return bottle.discrepancy is not None or any(one.witnesses_left for one in bottle.wastes.values())
