"""Events of no service: every kind of field that a vocabulary may use, and one event that has grown older."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from shared.event import Personal, event


class Mood(StrEnum):
    CALM = "calm"
    RESTLESS = "restless"


@dataclass(frozen=True)
class Scale:
    name: str
    points: tuple[int, ...]


@event()
class Observed:
    """Something of every kind."""

    mood: Mood
    dose_mg: Decimal
    seen_on: date
    seen_at: datetime
    seen_by: UUID
    again: bool
    scales: tuple[Scale, ...]
    remark: Personal[str]
    witness: Personal[str | None] = None
    until: date | None = None


@event(version=3)
class Weighed:
    """First in pounds, then in kilograms, then with who weighed."""

    weight_kg: Decimal
    weighed_by: str


@event()
class Left:
    """Nothing to say about it."""


def _pounds_to_kilograms(content: dict[str, Any]) -> dict[str, Any]:
    return {"weight_kg": str(round(Decimal(content["weight_lb"]) * Decimal("0.45359237"), 3))}


def _weighed_by_nobody_known(content: dict[str, Any]) -> dict[str, Any]:
    return content | {"weighed_by": "unknown"}


UPCASTS = {("Weighed", 1): _pounds_to_kilograms, ("Weighed", 2): _weighed_by_nobody_known}
