"""Levels of care and the weekly clinical hours that belong to them: a policy, not a constant."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from shared.events.intake import LevelOfCare
from shared.events.intake.plan_parts import HoursFinding, Modality, WeeklyMinutes
from shared.units import Code, Prose

type WeekMinutes = Annotated[int, Field(ge=0, le=10_080)]


@dataclass(frozen=True)
class HoursRule:
    """Minutes per week at a level, both ends included; None: no such end."""

    level: LevelOfCare
    adult_lowest: WeekMinutes | None = None
    adult_highest: WeekMinutes | None = None
    adolescent_lowest: WeekMinutes | None = None
    adolescent_highest: WeekMinutes | None = None


@dataclass(frozen=True)
class LevelsPolicy:
    """Hours per level, what counts toward them, and below which age a patient is an adolescent."""

    id: Code
    version: Annotated[int, Field(ge=1)]
    source: Prose
    adolescent_below_years: Annotated[int, Field(ge=0, le=30)]
    counted_modalities: tuple[Modality, ...]
    hours: tuple[HoursRule, ...]


def is_adolescent(policy: LevelsPolicy, age_years: int | None) -> bool:
    """By the programme's age; an unknown age is taken for an adult's."""
    return age_years is not None and age_years < policy.adolescent_below_years


def counted_minutes(policy: LevelsPolicy, prescribed: Iterable[WeeklyMinutes]) -> int:
    """Minutes per week of the modalities that count toward clinical hours."""
    return sum(one.minutes_per_week for one in prescribed if one.modality in policy.counted_modalities)


def hours_finding(
    policy: LevelsPolicy, level: LevelOfCare, prescribed: Iterable[WeeklyMinutes], *, adolescent: bool
) -> HoursFinding:
    """Whether what is prescribed for a week fits the level."""
    rule = next((rule for rule in policy.hours if rule.level is level), None)
    if rule is None:
        return HoursFinding.NO_RULE
    minutes = counted_minutes(policy, prescribed)
    lowest = rule.adolescent_lowest if adolescent else rule.adult_lowest
    highest = rule.adolescent_highest if adolescent else rule.adult_highest
    if lowest is not None and minutes < lowest:
        return HoursFinding.UNDER
    if highest is not None and minutes > highest:
        return HoursFinding.OVER
    return HoursFinding.FITS
