"""Missed doses: how many in a row, and which first dose afterwards each policy proposes. A prescriber decides; pure."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Annotated, Final

from pydantic import Field

from services.medication.window_policies import WindowPolicy
from shared.events.medication import Assess, Rhythm, Then
from shared.units import Code

DAYS_LOOKED_BACK_MAX: Final = 366
"""Whoever took nothing for so long begins anew under every policy."""
_EXACT: Final = Decimal("0.001")

type Count = Annotated[int, Field(ge=1, le=DAYS_LOOKED_BACK_MAX, examples=[3])]
type Mg = Annotated[Decimal, Field(gt=0, le=10_000, examples=["30"])]


@dataclass(frozen=True)
class Amount:
    """Either `mg`, or a `fraction` of the last dose within bounds. Never more than the last dose."""

    mg: Mg | None = None
    fraction: Annotated[Decimal, Field(gt=0, le=1)] | None = None
    not_below_mg: Mg | None = None
    not_above_mg: Mg | None = None

    def of(self, last_mg: Decimal) -> Decimal:
        """In mg, rounded down to thousandths."""
        amount = self.mg if self.fraction is None else last_mg * self.fraction
        assert amount is not None, "checked at load"
        if self.not_below_mg is not None:
            amount = max(amount, self.not_below_mg)
        if self.not_above_mg is not None:
            amount = min(amount, self.not_above_mg)
        return min(amount, last_mg).quantize(_EXACT, ROUND_DOWN).normalize()


@dataclass(frozen=True)
class Band:
    """What follows from so many missed doses in a row after a last dose of more than `usual_above_mg` up to `usual_to_mg`."""

    missed_from: Count
    then: Then
    missed_to: Count | None = None
    usual_above_mg: Mg | None = None
    usual_to_mg: Mg | None = None
    lowest: Amount | None = None
    highest: Amount | None = None
    ask: tuple[Assess, ...] = ()

    def holds(self, missed: int, last_mg: Decimal) -> bool:
        """Whether it speaks of this."""
        within = self.missed_from <= missed and (self.missed_to is None or missed <= self.missed_to)
        above = self.usual_above_mg is None or last_mg > self.usual_above_mg
        return within and above and (self.usual_to_mg is None or last_mg <= self.usual_to_mg)


@dataclass(frozen=True, kw_only=True)
class MissedPolicy(WindowPolicy):
    """One way of going on after missed doses; exactly one band holds for each number of them and each last dose."""

    name: str
    medicines: Annotated[tuple[Code, ...], Field(min_length=1)]
    bands: Annotated[tuple[Band, ...], Field(min_length=1)]


@dataclass(frozen=True)
class MissedProposal:
    """The first dose that a policy proposes, in mg. From nothing up to `dose_mg_max` where it names no lowest; none for a new start."""

    policy: str
    policy_version: int
    name: str
    then: Then
    dose_mg_min: Decimal | None
    dose_mg_max: Decimal | None
    assess: tuple[Assess, ...]
    source: str
    evidence: str


def missed_in_a_row(
    rhythm: Rhythm, starts_on: date, taken_on: AbstractSet[date], today: date, *, only_since_start: bool = False
) -> int | None:
    """How many doses were due after the last one taken and before `today`, by the rhythm; None: none was ever taken.

    Today's may still be taken. Dates are those of the order's home site. The rhythm counts: of a dose every second day, two
    missed ones are four days. After DAYS_LOOKED_BACK_MAX it counts no further. `only_since_start` leaves out the dates before the
    order began, on which another order was missed.
    """
    before = [on for on in taken_on if on < today]
    if not before:
        return None
    days = min((today - max(before)).days - 1, DAYS_LOOKED_BACK_MAX)
    between = (today - timedelta(days=back) for back in range(1, days + 1))
    counting = (on for on in between if on >= starts_on or not only_since_start)
    return sum((on - starts_on).days % rhythm.every_days == 0 for on in counting)


def proposal(policy: MissedPolicy, missed: int, last_mg: Decimal) -> MissedProposal:
    """What the policy proposes after `missed` doses in a row, at least one, when the last one was `last_mg`."""
    band = next(one for one in policy.bands if one.holds(missed, last_mg))
    lowest, highest = band.lowest, band.highest
    if band.then is Then.GO_ON:
        lowest = highest = Amount(fraction=Decimal(1))
    return MissedProposal(
        policy=policy.id,
        policy_version=policy.version,
        name=policy.name,
        then=band.then,
        dose_mg_min=lowest.of(last_mg) if lowest else None,
        dose_mg_max=highest.of(last_mg) if highest else None,
        assess=band.ask,
        source=policy.source,
        evidence=policy.evidence,
    )
