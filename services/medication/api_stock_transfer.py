"""Routes: bottles between the sites of the network, and bottles that leave it."""

from typing import Annotated

from fastapi import APIRouter, Body

from services.medication import examples_stock, stock
from services.medication.api_stock import CountedMg
from services.medication.paths import BottleId, ProductId, TransferId
from services.medication.stock_state import stock_id
from services.medication.stock_transfer import CallBottleBack, HandOver, ReceiveTransfer, ReturnBottle, SendBottle
from shared.decider import command
from shared.http import Accepted, Commands
from shared.log import Act, Given
from shared.units import Name, SiteId

router = APIRouter(tags=["stock"])


@command
class TransferNote:
    """Where the bottle goes, and under which papers."""

    to_site_id: SiteId
    document: Name


@command
class TransferArrival:
    """Where the bottle comes from, and what was counted on arrival."""

    from_site_id: SiteId
    counted_mg: CountedMg


@command
class ReturnNote:
    """Where it goes, and under which papers."""

    returned_to: Name
    document: Name


@router.put("/stock/{product_id}/bottles/{bottle_id}/transfers/{transfer_id}", status_code=201)
async def send_bottle(
    product_id: ProductId,
    bottle_id: BottleId,
    transfer_id: TransferId,
    body: Annotated[TransferNote, Body(openapi_examples=examples_stock.TRANSFER)],
    door: Commands,
) -> Accepted:
    """Send a closed bottle to another site. Until it is received there, it is in transit."""
    send = SendBottle(bottle_id, transfer_id, body.to_site_id, body.document, door.caller.subject)
    return await door.handle(Act(stock.decider, stock_id(door.site_id, product_id), send))


@router.post("/stock/{product_id}/transfers/{transfer_id}/arrival", status_code=201)
async def receive_transfer(
    product_id: ProductId,
    transfer_id: TransferId,
    body: Annotated[TransferArrival, Body(openapi_examples=examples_stock.ARRIVAL)],
    door: Commands,
) -> Accepted:
    """Take over what was sent to your site, counted on arrival: it is in one site's book or the other's, never in both."""
    sender = stock_id(body.from_site_id, product_id)
    receive = ReceiveTransfer(transfer_id, door.site_id, body.counted_mg, door.caller.subject)
    here = Act(stock.decider, stock_id(door.site_id, product_id), receive, given=(Given(stock.decider, sender),))
    hand_over = HandOver(transfer_id, door.site_id, door.caller.subject)
    return await door.handle(here, Act(stock.decider, sender, hand_over))


@router.post("/stock/{product_id}/transfers/{transfer_id}/call-back", status_code=201)
async def call_bottle_back(product_id: ProductId, transfer_id: TransferId, door: Commands) -> Accepted:
    """Take back what your site sent and what did not arrive."""
    back = CallBottleBack(transfer_id, door.caller.subject)
    return await door.handle(Act(stock.decider, stock_id(door.site_id, product_id), back))


@router.post("/stock/{product_id}/bottles/{bottle_id}/return", status_code=201)
async def return_bottle(
    product_id: ProductId,
    bottle_id: BottleId,
    body: Annotated[ReturnNote, Body(openapi_examples=examples_stock.RETURN)],
    door: Commands,
) -> Accepted:
    """Send all that the bottle holds to the supplier or to a reverse distributor."""
    back = ReturnBottle(bottle_id, body.returned_to, body.document, door.caller.subject)
    return await door.handle(Act(stock.decider, stock_id(door.site_id, product_id), back))
