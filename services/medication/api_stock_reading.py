"""Routes: what a site holds, what moved, what does not agree, and what waits for a signature or is on its way."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from services.medication import examples, views_stock
from services.medication.paths import AtSite
from services.medication.views_stock import (
    BottleLine,
    BottleState,
    DiscrepancyLine,
    MovementLine,
    TransferLine,
    WasteLine,
)
from shared.http import Page, Queries
from shared.units import Code

router = APIRouter(tags=["stock"])

type OfProduct = Annotated[Code | None, Query(description="Only of this product.", examples=["methadone-concentrate"])]


class TransferStatus(StrEnum):
    """How far a transfer has come."""

    IN_TRANSIT = "in_transit"
    ARRIVED = "arrived"
    CALLED_BACK = "called_back"


@router.get("/sites/{site_id}/stock")
async def list_stock(
    site_id: AtSite, door: Queries, product_id: OfProduct = None, status: BottleState | None = None
) -> Page[BottleLine]:
    """Which bottles are at the site or on their way from it, what do they hold by the book, and where does a count differ?"""
    return await views_stock.bottles(door, site_id, product_id, status)


@router.get("/sites/{site_id}/stock-movements")
async def list_stock_movements(
    site_id: AtSite,
    door: Queries,
    product_id: OfProduct = None,
    bottle_id: Annotated[UUID | None, Query(description="Only of this bottle.", examples=[examples.BOTTLE_ID])] = None,
    dose_id: Annotated[UUID | None, Query(description="Only for this dose.", examples=[examples.DOSE_ID])] = None,
) -> Page[MovementLine]:
    """What went into the site's bottles and out of them, the newest first?"""
    return await views_stock.movements(door, site_id, product_id, bottle_id, dose_id)


@router.get("/sites/{site_id}/stock-discrepancies")
async def list_stock_discrepancies(
    site_id: AtSite,
    door: Queries,
    unsettled: Annotated[bool | None, Query(description="Only what still waits for a second person.")] = None,
) -> Page[DiscrepancyLine]:
    """Where did book and count differ, which of it is an alarm, and what was found?"""
    return await views_stock.discrepancies(door, site_id, unsettled=unsettled)


@router.get("/sites/{site_id}/stock-wastes")
async def list_stock_wastes(
    site_id: AtSite,
    door: Queries,
    unsigned: Annotated[bool | None, Query(description="Only what still waits for a witness.")] = None,
) -> Page[WasteLine]:
    """What was thrown away at the site, and what still waits for a witness?"""
    return await views_stock.wastes(door, site_id, unsigned=unsigned)


@router.get("/sites/{site_id}/stock-transfers")
async def list_stock_transfers(
    site_id: AtSite, door: Queries, status: TransferStatus | None = None
) -> Page[TransferLine]:
    """Which bottles are on their way to the site or from it?"""
    return await views_stock.transfers(door, site_id, status)
