"""What a programme offers: every kind of session, the form of help it is, and how many patients fit."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

from pydantic import Field

from shared.events.scheduling import Modality
from shared.failures import Invalid
from shared.units import Code, Name, Prose

type Capacity = Annotated[int, Field(ge=1, le=50, examples=[12])]
"""How many patients may be at one session. The limit keeps one attendance sheet one transaction."""


class KindUnknown(Invalid):
    """The programme has no activity of this kind."""


class KindNotLedByStaff(Invalid):
    """This kind meets outside the clinic: it is reported by the patient, never scheduled."""


@dataclass(frozen=True)
class Activity:
    """One kind of session. Without `capacity_max` nobody here leads it: it is a meeting elsewhere."""

    kind: Code
    modality: Modality
    name: Name
    capacity_max: Capacity | None = None


@dataclass(frozen=True)
class ActivityPolicy:
    """All kinds, with where their sizes come from."""

    id: Code
    version: Annotated[int, Field(ge=1)]
    source: Prose
    activities: tuple[Activity, ...]

    @cached_property
    def by_kind(self) -> Mapping[str, Activity]:
        """The activities by their kind."""
        return {one.kind: one for one in self.activities}

    def activity(self, kind: str) -> Activity:
        """The activity of this kind. Raises KindUnknown."""
        if kind not in self.by_kind:
            raise KindUnknown(field="kind", kinds=sorted(self.by_kind))
        return self.by_kind[kind]

    def led(self, kind: str) -> tuple[Activity, int]:
        """An activity that staff lead, and how many patients fit. Raises KindUnknown or KindNotLedByStaff."""
        activity = self.activity(kind)
        if activity.capacity_max is None:
            raise KindNotLedByStaff(field="kind")
        return activity, activity.capacity_max
