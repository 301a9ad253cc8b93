"""Routes: bottles received, opened, thrown away and counted at the caller's site."""

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Body
from pydantic import Field

from services.medication import examples_stock, stock
from services.medication.formulary import formulary
from services.medication.paths import BottleId, ProductId, WasteId
from services.medication.site_time import local_date, zone_here
from services.medication.stock_counting import CountBottle, DeclareWaste, SettleDiscrepancy, WitnessWaste
from services.medication.stock_state import stock_id
from shared.decider import command
from shared.events.medication import Finding, StockSource, WasteReason
from shared.http import Accepted, Commands
from shared.log import Act
from shared.units import Code, Name, Prose

router = APIRouter(tags=["stock"])

type StockMg = Annotated[Decimal, Field(gt=0, le=1_000_000, max_digits=10, decimal_places=3, examples=["10000"])]
type CountedMg = Annotated[Decimal, Field(ge=0, le=1_000_000, max_digits=10, decimal_places=3, examples=["9880"])]


class ReceiptSource(StrEnum):
    """A supplier's delivery, or what was there when the book was begun; what another site sent arrives as a transfer."""

    SUPPLIER = "supplier"
    INITIAL_INVENTORY = "initial_inventory"


@command
class BottleReceipt:
    """What was counted on arrival, in mg of the first ingredient; `stated_mg` where the papers say otherwise."""

    strength_mg: StockMg
    lot: Code
    expires_on: date
    amount_mg: StockMg
    document: Name
    source: ReceiptSource = ReceiptSource.SUPPLIER
    stated_mg: StockMg | None = None


@command
class WasteNote:
    """How much was thrown away, and why."""

    amount_mg: StockMg
    reason: WasteReason
    note: Prose | None = None


@command
class BlindCount:
    """How much is in the bottle; whoever counts is not told what the book says."""

    counted_mg: CountedMg


@command
class DiscrepancySettlement:
    """What a second person counted, and what was behind the difference."""

    counted_mg: CountedMg
    finding: Finding
    note: Prose


@router.put("/stock/{product_id}/bottles/{bottle_id}", status_code=201)
async def receive_bottle(
    product_id: ProductId,
    bottle_id: BottleId,
    body: Annotated[BottleReceipt, Body(openapi_examples=examples_stock.RECEIPT)],
    door: Commands,
) -> Accepted:
    """Take a bottle into the site's book, under an id of your choice. The first one begins the book of the product."""
    on = local_date(door.now, await zone_here(door))
    what = (formulary().product(product_id), bottle_id, body.strength_mg, body.lot, body.expires_on)
    amounts = (body.amount_mg, body.stated_mg or body.amount_mg, StockSource(body.source.value))
    told = (body.document, door.caller.subject, on)
    receive = stock.ReceiveBottle(stock.Shelf(door.site_id, product_id), *what, *amounts, *told)
    return await door.handle(Act(stock.decider, stock_id(door.site_id, product_id), receive))


@router.post("/stock/{product_id}/bottles/{bottle_id}/opening", status_code=201)
async def open_bottle(product_id: ProductId, bottle_id: BottleId, door: Commands) -> Accepted:
    """Begin to pour from a bottle; doses come from the one opened first until it is empty."""
    on = local_date(door.now, await zone_here(door))
    begin = stock.OpenBottle(stock.Shelf(door.site_id, product_id), bottle_id, door.caller.subject, on)
    return await door.handle(Act(stock.decider, stock_id(door.site_id, product_id), begin))


@router.put("/stock/{product_id}/bottles/{bottle_id}/wastes/{waste_id}", status_code=201)
async def waste_medicine(
    product_id: ProductId,
    bottle_id: BottleId,
    waste_id: WasteId,
    body: Annotated[WasteNote, Body(openapi_examples=examples_stock.WASTE)],
    door: Commands,
) -> Accepted:
    """Say that medicine was thrown away; it waits in the list of wastes until other people have signed that they saw it."""
    told = (body.amount_mg, body.reason, door.caller.subject, body.note)
    waste = DeclareWaste(bottle_id, waste_id, *told)
    return await door.handle(Act(stock.decider, stock_id(door.site_id, product_id), waste))


@router.post("/stock/{product_id}/bottles/{bottle_id}/wastes/{waste_id}/witnesses", status_code=201)
async def witness_waste(product_id: ProductId, bottle_id: BottleId, waste_id: WasteId, door: Commands) -> Accepted:
    """Sign, in your own name, that you saw it thrown away."""
    witness = WitnessWaste(bottle_id, waste_id, door.caller.subject)
    return await door.handle(Act(stock.decider, stock_id(door.site_id, product_id), witness))


@router.post("/stock/{product_id}/bottles/{bottle_id}/counts", status_code=201)
async def count_bottle(
    product_id: ProductId,
    bottle_id: BottleId,
    body: Annotated[BlindCount, Body(openapi_examples=examples_stock.COUNT)],
    door: Commands,
) -> Accepted:
    """Say what is in the bottle. Where the book says otherwise, a discrepancy stands until a second person settles it."""
    count = CountBottle(bottle_id, body.counted_mg, door.caller.subject)
    return await door.handle(Act(stock.decider, stock_id(door.site_id, product_id), count))


@router.post("/stock/{product_id}/bottles/{bottle_id}/discrepancy-settlements", status_code=201)
async def settle_discrepancy(
    product_id: ProductId,
    bottle_id: BottleId,
    body: Annotated[DiscrepancySettlement, Body(openapi_examples=examples_stock.DISCREPANCY_SETTLEMENT)],
    door: Commands,
) -> Accepted:
    """Count as a second person and say what was behind it; the book is put right by what both found."""
    settle = SettleDiscrepancy(bottle_id, body.counted_mg, body.finding, door.caller.subject, body.note)
    return await door.handle(Act(stock.decider, stock_id(door.site_id, product_id), settle))
