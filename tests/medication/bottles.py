"""Bottles as the tests of stock begin with them."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from services.medication.formulary import formulary
from services.medication.stock import OpenBottle, PourDose, ReceiveBottle, Shelf, decider
from shared.events.medication import DosePoured, StockSource
from tests.scenario import Scenario

SHELF = Shelf("riverside", "methadone-concentrate")
TABLET_SHELF = Shelf("riverside", "methadone-tablet")
CONCENTRATE = formulary().product("methadone-concentrate")
TABLETS = formulary().product("methadone-tablet")
TODAY = date(2025, 3, 3)
NOON = datetime(2025, 3, 3, 17, tzinfo=UTC)
BOTTLE, SECOND, THIRD = UUID(int=101), UUID(int=102), UUID(int=103)

RECEIVE = ReceiveBottle(
    shelf=SHELF,
    product=CONCENTRATE,
    bottle_id=BOTTLE,
    strength_mg=Decimal(10),
    lot="A1",
    expires_on=date(2026, 6, 30),
    amount_mg=Decimal(1000),
    stated_mg=Decimal(1000),
    source=StockSource.SUPPLIER,
    document="invoice 1",
    received_by="nurse-kim",
    received_on=TODAY,
)


def receive(bottle_id: UUID = BOTTLE, amount_mg: int = 1000, **changes: Any) -> ReceiveBottle:
    """A bottle of concentrate, all there."""
    amounts = {"amount_mg": Decimal(amount_mg), "stated_mg": Decimal(amount_mg)}
    return replace(RECEIVE, bottle_id=bottle_id, **(amounts | changes))


def tablets(bottle_id: UUID, strength_mg: int, count: int) -> ReceiveBottle:
    """A bottle of tablets."""
    product: dict[str, Any] = {"shelf": TABLET_SHELF, "product": TABLETS, "strength_mg": Decimal(strength_mg)}
    return receive(bottle_id, strength_mg * count, **product)


def opening(bottle_id: UUID = BOTTLE, on: date = TODAY) -> OpenBottle:
    """Somebody begins to pour from it."""
    return OpenBottle(SHELF, bottle_id, "nurse-kim", on)


def pouring(number: int, amount_mg: str, on: date = TODAY) -> PourDose:
    """A dose of its own."""
    return PourDose(SHELF, "methadone", UUID(int=number), UUID(int=number), Decimal(amount_mg), "nurse-kim", on, NOON)


def after(*commands: Any) -> Scenario[Any]:
    """The stock after what was done to it."""
    stock = Scenario(decider)
    for one in commands:
        stock = stock.given(*stock.when(one))
    return stock


def parts(event: DosePoured) -> dict[UUID, Decimal]:
    """How much each bottle gave."""
    return {one.bottle_id: one.amount_mg for one in event.parts}


def held(stock: Any) -> dict[UUID, Decimal]:
    """What each bottle holds by the book."""
    return {key: one.balance_mg for key, one in stock.bottles.items()}
