"""What a prescriber asks for: from where to where, in how many steps, from which tablets, under which caps."""

from dataclasses import dataclass, field
from fractions import Fraction

from services.medication.smoothest.effect import Scale

DOSES_MAX = 2_000
STEPS_MAX = 400
# States of the dynamic programme; beyond, the answer is `too_large`, never an approximation.
TAILS_MAX = 1_000_000


class InvalidRequest(Exception):  # noqa: N818 - it is an answer (`status: invalid`), not a fault
    """A field of the request is missing or has a value that is not allowed."""

    def __init__(self, field: str, detail: str) -> None:
        """`field` as the caller wrote it, nested as `relative_caps[0].fraction`."""
        super().__init__(f"{field}: {detail}")
        self.field = field
        self.detail = detail


class TooLarge(Exception):  # noqa: N818 - it is an answer (`status: too_large`), not a fault
    """The exact optimum would need more than TAILS_MAX states."""


@dataclass(frozen=True)
class Cap:
    """At most this fraction (or, strict, less than it) below the largest dose of the last `window_days` days."""

    fraction: Fraction
    window_days: int
    strict: bool = False

    def allows(self, reference: int, dose: int) -> bool:
        """Whether a cut to `dose` stays within the cap, compared exactly."""
        cut, most = reference - dose, self.fraction * reference
        return cut < most if self.strict else cut <= most


@dataclass(frozen=True)
class Past:
    """A dose that was taken before the plan, for so many days."""

    dose: int
    days: int


@dataclass(frozen=True)
class Unit:
    """A tablet, film or capsule and into how many equal pieces it may be split (1, 2 or 4)."""

    strength: int
    split_into: int = 1


@dataclass(frozen=True)
class Shape:
    """A schedule to compare with: a conventional shape with its parameter, or the prescriber's own doses."""

    name: str
    parameter: Fraction = Fraction(0)
    doses: tuple[int, ...] = ()


@dataclass(frozen=True)
class Request:
    """All doses in 10⁻⁶ mg; `steps_min` equals `steps_max` when the number of steps is given."""

    start: int
    target: int
    steps_min: int
    steps_max: int
    step_days: int
    scale: Scale
    increment: int | None = None
    units: tuple[Unit, ...] = ()
    pieces_max: int | None = None
    caps: tuple[Cap, ...] = ()
    max_cut: int | None = None
    jump_off: int | None = None
    history: tuple[Past, ...] = ()
    holds: dict[int, int] = field(default_factory=dict)
    compare: tuple[Shape, ...] = ()
