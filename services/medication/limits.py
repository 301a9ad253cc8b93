"""The clinical numbers that medication decides by: versioned policies, each with its source and evidence."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from services.medication.product import Evidence
from shared.units import Code, Name, Prose

type Version = Annotated[int, Field(ge=1, examples=[1])]
type Days = Annotated[int, Field(ge=0, le=366, examples=[14])]


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
