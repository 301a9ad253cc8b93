"""From which bottles a dose is poured: from the open ones, in the order of their opening, whole units before pieces."""

from collections.abc import Sequence
from decimal import Decimal

from services.medication.stock_state import Bottle
from shared.events.medication import Pour

type Taken = tuple[Decimal, ...]


def poured_from(bottles: Sequence[Bottle], amount_mg: Decimal) -> tuple[Pour, ...] | None:
    """What each bottle gives, None when they cannot make up exactly this amount.

    The larger strength goes first, and of one strength the bottle that was opened first, until it is empty.
    """
    by_strength = sorted(bottles, key=lambda one: (-one.received.strength_mg, one.opened))
    if sum(one.balance_mg for one in by_strength) < amount_mg:
        return None
    for whole in (True, False):
        units = [one.received.unit_mg if whole else one.received.piece_mg for one in by_strength]
        left = [one.balance_mg for one in by_strength]
        taken = made_up(units, left, amount_mg, 0, set())
        if taken is not None:
            amounts = zip(by_strength, taken, strict=True)
            return tuple(
                Pour(one.bottle_id, one.received.lot, one.received.strength_mg, given)
                for one, given in amounts
                if given
            )
    return None


def made_up(
    units: Sequence[Decimal], left: Sequence[Decimal], wanted_mg: Decimal, place: int, known: set[tuple[int, Decimal]]
) -> Taken | None:
    """How much each bottle from `place` on gives so that all is made up; `known` holds what cannot be."""
    if wanted_mg == 0:
        return (Decimal(0),) * (len(units) - place)
    if place == len(units) or (place, wanted_mg) in known:
        return None
    unit = units[place]
    for count in range(int(min(left[place], wanted_mg) // unit), -1, -1):
        rest = made_up(units, left, wanted_mg - count * unit, place + 1, known)
        if rest is not None:
            return (count * unit, *rest)
    known.add((place, wanted_mg))
    return None
