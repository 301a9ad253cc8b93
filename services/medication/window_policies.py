"""The policies of the dosing window, read once from `policies/window` and checked before anything starts."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from functools import cache
from typing import Annotated, Any, Final

from pydantic import Field

from services.medication.formulary import FOLDER, read
from services.medication.limits import Days, Version
from services.medication.product import Evidence
from shared.events.medication import PolicyUsed
from shared.units import Code, Name, Prose

WINDOW: Final = FOLDER / "policies" / "window"


@dataclass(frozen=True, kw_only=True)
class WindowPolicy:
    """What every policy says about itself; `may_override` is read by whoever is refused."""

    id: Code
    version: Version
    unit: Name
    source: Prose
    evidence: Evidence
    may_override: Name
    signed_off_by: Name | None

    @property
    def used(self) -> PolicyUsed:
        """How a decision names this policy."""
        return PolicyUsed(self.id, self.version)

    @property
    def named(self) -> dict[str, Any]:
        """How a refusal names it."""
        return {
            "rule": self.id,
            "rule_version": self.version,
            "source": self.source,
            "may_override": self.may_override,
        }


@dataclass(frozen=True, kw_only=True)
class AuthorityPolicy(WindowPolicy):
    """One site at a time."""


@dataclass(frozen=True, kw_only=True)
class GuestPolicy(WindowPolicy):
    """How long one stay at another site may be."""

    days_max: Days


@dataclass(frozen=True, kw_only=True)
class OneOrderPolicy(WindowPolicy):
    """Which medicines are one substance; a medicine that is not named is a substance of its own."""

    substances: Mapping[Code, Annotated[tuple[Code, ...], Field(min_length=1)]]

    def substance_of(self, medicine: str) -> str:
        """The substance in a medicine."""
        return next((name for name, medicines in self.substances.items() if medicine in medicines), medicine)


@dataclass(frozen=True)
class VomitedBand:
    """Which part of the dose is replaced when it came up within fewer than so many minutes."""

    minutes_below: Annotated[int, Field(ge=1, le=1440)]
    fraction: Annotated[Decimal, Field(gt=0, le=1)]


@dataclass(frozen=True, kw_only=True)
class VomitedPolicy(WindowPolicy):
    """How much of a vomited dose is replaced; the first band that holds counts, and without one nothing is."""

    bands: Annotated[tuple[VomitedBand, ...], Field(min_length=1)]
    never_replaced: tuple[Code, ...]
    replaced_within_minutes_max: Annotated[int, Field(ge=1, le=1440)]

    def proposed_mg(self, medicine: str, dose_mg: Decimal, minutes: int, *, witnessed: bool) -> Decimal:
        """In mg, rounded down to thousandths."""
        if not witnessed or medicine in self.never_replaced:
            return Decimal(0)
        fraction = next((one.fraction for one in self.bands if minutes < one.minutes_below), Decimal(0))
        return (dose_mg * fraction).quantize(Decimal("0.001"), ROUND_DOWN).normalize()


@dataclass(frozen=True)
class WindowPolicies:
    """All that the dosing window decides by."""

    authority: AuthorityPolicy
    guest: GuestPolicy
    one_order: OneOrderPolicy
    vomited: VomitedPolicy


@cache
def window_policies() -> WindowPolicies:
    """Everything in the folder. Raises when a file contradicts itself: better no start than a wrong dose."""
    return WindowPolicies(
        authority=read(AuthorityPolicy, WINDOW / "dosing-authority.v1.yaml"),
        guest=read(GuestPolicy, WINDOW / "guest-dosing.v1.yaml"),
        one_order=read(OneOrderPolicy, WINDOW / "one-order-a-day.v1.yaml"),
        vomited=read(VomitedPolicy, WINDOW / "vomited-dose.v1.yaml"),
    )
