"""The policies of stock, read once from `policies/stock` and checked before anything starts."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Annotated, Final

from pydantic import Field

from services.medication.formulary import FOLDER, FormularyDataError, read
from services.medication.window_policies import WindowPolicy
from shared.events.medication import VoidReason, WasteReason
from shared.units import SiteId

STOCK: Final = FOLDER / "policies" / "stock"


class Keeping(StrEnum):
    """From when on a site keeps a book of a product: doses are then poured from it, or not given."""

    ALWAYS = "always"
    FROM_FIRST_RECEIPT = "from_first_receipt"


class VoidEffect(StrEnum):
    """What becomes of what was poured for a dose that was voided."""

    PUT_BACK = "put_back"
    LEAVE_OUT = "leave_out"


@dataclass(frozen=True, kw_only=True)
class KeepingPolicy(WindowPolicy):
    """Which sites keep a book."""

    keeping: Keeping
    sites: Mapping[SiteId, Keeping]

    def at(self, site_id: str) -> Keeping:
        """What holds at the site."""
        return self.sites.get(site_id, self.keeping)


@dataclass(frozen=True, kw_only=True)
class VoidPolicy(WindowPolicy):
    """By the void's reason."""

    effects: Mapping[VoidReason, VoidEffect]


@dataclass(frozen=True, kw_only=True)
class WastePolicy(WindowPolicy):
    """How many other people sign, by the reason of the waste."""

    witnesses: Mapping[WasteReason, Annotated[int, Field(ge=1, le=3)]]


@dataclass(frozen=True, kw_only=True)
class DiscrepancyPolicy(WindowPolicy):
    """When a difference between book and count is an alarm."""

    alarm_units: Annotated[Decimal, Field(gt=0)]
    alarm_fraction: Annotated[Decimal, Field(gt=0, lt=1)]

    def alarms(self, expected_mg: Decimal, found_mg: Decimal, strength_mg: Decimal) -> bool:
        """From `alarm_units` of the strength on, or above `alarm_fraction` of what was expected."""
        away_mg = abs(found_mg - expected_mg)
        return away_mg >= self.alarm_units * strength_mg or away_mg > self.alarm_fraction * expected_mg


@dataclass(frozen=True)
class StockPolicies:
    """All that stock is decided by."""

    keeping: KeepingPolicy
    void: VoidPolicy
    waste: WastePolicy
    discrepancy: DiscrepancyPolicy


@cache
def stock_policies() -> StockPolicies:
    """Everything in the folder. Raises when a file contradicts itself, or leaves a reason out."""
    policies = StockPolicies(
        keeping=read(KeepingPolicy, STOCK / "keeping.v1.yaml"),
        void=read(VoidPolicy, STOCK / "void.v1.yaml"),
        waste=read(WastePolicy, STOCK / "waste.v1.yaml"),
        discrepancy=read(DiscrepancyPolicy, STOCK / "discrepancy.v1.yaml"),
    )
    if policies.void.effects.keys() != set(VoidReason) or policies.waste.witnesses.keys() != set(WasteReason):
        raise FormularyDataError("the policies of stock leave a reason out")
    return policies
