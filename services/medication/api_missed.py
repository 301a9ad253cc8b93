"""Routes: what follows from missed doses."""

from fastapi import APIRouter

from services.medication import views_missed
from services.medication.paths import OrderId
from services.medication.views_missed import MissedDoses
from shared.http import Queries

router = APIRouter(tags=["doses"])


@router.get("/orders/{order_id}/missed-doses")
async def get_missed_doses(order_id: OrderId, door: Queries) -> MissedDoses:
    """How many doses has the patient missed in a row, and which first dose do the policies propose?"""
    return await views_missed.of_order(door, order_id)
