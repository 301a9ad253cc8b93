"""The clinical numbers that medication decides by: versioned policies, each with its source and evidence."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from services.medication.product import Evidence
from shared.events.medication import PolicyUsed
from shared.units import Code, Name, Prose

type Version = Annotated[int, Field(ge=1, examples=[1])]
type Days = Annotated[int, Field(ge=0, le=366, examples=[14])]


class AppliesOn(StrEnum):
    """Which dosing dates a limit is about."""

    FIRST_DAY = "first_day"
    EVERY_DAY = "every_day"


@dataclass(frozen=True)
class DoseLimit:
    """A day's total above `limit_mg` asks the prescriber for a rationale."""

    id: Code
    version: Version
    medicines: Annotated[tuple[Code, ...], Field(min_length=1)]
    applies_on: AppliesOn
    limit_mg: Annotated[Decimal, Field(gt=0)]
    unit: Name
    answer: Literal["rationale"]
    source: Prose
    evidence: Evidence
    signed_off_by: Name | None

    @property
    def used(self) -> PolicyUsed:
        """How a decision names this policy."""
        return PolicyUsed(self.id, self.version)


@dataclass(frozen=True)
class ConfirmationPolicy:
    """How far ahead of a step its assessment may be, and how many confirmed steps may wait to begin."""

    id: Code
    version: Version
    confirm_ahead_days_max: Days
    steps_ahead_max: Annotated[int, Field(ge=1, le=31)]
    unit: Name
    source: Prose
    evidence: Evidence
    signed_off_by: Name | None


@dataclass(frozen=True)
class AfterDischargePolicy:
    """For how long a prescriber may let doses go on after discharge."""

    id: Code
    version: Version
    days_max: Days
    unit: Name
    source: Prose
    evidence: Evidence
    signed_off_by: Name | None


def exceeded(limits: Iterable[DoseLimit], dose_mg: Decimal, *, new_start: bool) -> tuple[DoseLimit, ...]:
    """The limits that a daily dose is above; the first day's count only where treatment newly starts."""
    return tuple(
        one for one in limits if dose_mg > one.limit_mg and (one.applies_on is AppliesOn.EVERY_DAY or new_start)
    )
