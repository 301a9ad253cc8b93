"""Which daily doses can be handed out between the target and the start."""

import math
from fractions import Fraction

from services.medication.smoothest.request import DOSES_MAX, InvalidRequest, Request, Unit

# A start dose of more grains than this (grain: what all pieces are multiples of) is no real product.
GRAINS_MAX = 10_000_000


def dispensable(request: Request) -> list[int]:
    """The dispensable doses from target to start in 10⁻⁶ mg, rising. Raises InvalidRequest beyond DOSES_MAX of them."""
    if request.increment is not None:
        return _multiples(request.increment, request.target, request.start)
    return _sums(request.units, request.pieces_max, request.target, request.start)


def _multiples(increment: int, target: int, start: int) -> list[int]:
    first, last = -(-target // increment), start // increment
    if last - first + 1 > DOSES_MAX:
        raise InvalidRequest("increment_mg", f"more than {DOSES_MAX} doses between target and start")
    return [count * increment for count in range(first, last + 1)]


def _sums(units: tuple[Unit, ...], pieces_max: int | None, target: int, start: int) -> list[int]:
    pieces = {Fraction(unit.strength, part) for unit in units for part in (1, 2, 4) if part <= unit.split_into}
    scale = math.lcm(*(piece.denominator for piece in pieces))
    whole = [int(piece * scale) for piece in pieces]
    grain = math.gcd(*whole)
    if start * scale // grain > GRAINS_MAX:
        raise InvalidRequest("units", "the pieces are too small for the start dose")
    reachable = _reachable([piece // grain for piece in whole], pieces_max, start * scale // grain)
    bits = f"{reachable:b}"[::-1]
    found: list[int] = []
    at = bits.find("1", -(-target * scale // grain))
    while at >= 0 and len(found) <= DOSES_MAX:
        found.append(at * grain)
        at = bits.find("1", at + 1)
    if len(found) > DOSES_MAX:
        raise InvalidRequest("units", f"more than {DOSES_MAX} doses between target and start")
    # A quarter of 10⁻⁶ mg is no dose that can be written down; such sums are left out.
    return [dose // scale for dose in found if dose % scale == 0]


def _reachable(pieces: list[int], pieces_max: int | None, most: int) -> int:
    """A set of sums as the bits of one integer: bit n is set when n grains can be put together."""
    within = (1 << (most + 1)) - 1
    sums, rounds = 1, 0
    while pieces_max is None or rounds < pieces_max:
        grown = sums
        for piece in pieces:
            grown |= (sums << piece) & within
        if grown == sums:
            break
        sums, rounds = grown, rounds + 1
    return sums
