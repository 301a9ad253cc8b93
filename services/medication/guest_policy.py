"""When a stay as a guest is over, the authority to dose goes back to the home site by itself."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final
from uuid import UUID

from services.medication import authority
from services.medication.authority import ReturnAuthority
from services.medication.views_authority import RETURN_TIMER
from shared.log import Act
from shared.timers import DueItem, Timer


def on_stay_over(item: DueItem) -> Sequence[Act]:
    """One act; it does nothing when the authority has moved on since the timer was set."""
    payload = item.payload
    on = date.fromisoformat(payload["until_on"]) + timedelta(days=1)
    back = ReturnAuthority(UUID(payload["guest_id"]), on, epoch=payload["epoch"])
    return [Act(authority.decider, UUID(payload["patient_id"]), back)]


RETURN: Final = Timer(RETURN_TIMER, on_stay_over)
