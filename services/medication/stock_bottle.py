"""What every act on a bottle asks first: whether it is here, and whether the amount can be taken from it."""

from decimal import Decimal
from uuid import UUID

from services.medication.stock_state import Bottle, Stock
from shared.failures import Invalid, NotFound, Refused


class BottleNotHere(NotFound):
    """There is no such bottle at this site."""


class NotInTheBottle(Refused):
    """The bottle does not hold so much by the book."""


class NotAWholeAmount(Invalid):
    """The amount is not made of whole units or pieces."""


def bottle_here(stock: Stock, bottle_id: UUID) -> Bottle:
    """The bottle, if it is at the site. Raises BottleNotHere."""
    bottle = stock.bottles.get(bottle_id)
    if bottle is None or not bottle.here:
        raise BottleNotHere
    return bottle


def check_amount(amount_mg: Decimal, unit_mg: Decimal, field: str) -> None:
    """Raises NotAWholeAmount."""
    if amount_mg % unit_mg:
        raise NotAWholeAmount(field=field, unit_mg=str(unit_mg))
