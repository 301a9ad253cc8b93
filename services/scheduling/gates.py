"""What has to be true of a patient before a session is booked, by form of help, and who may let a patient pass all the same."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from shared.events.scheduling import Modality, Profession
from shared.units import Code, Prose


class Gate(StrEnum):
    """What may stand between a patient and a session."""

    CARE = "care"
    DETOX = "detox"
    PLAN = "plan"


@dataclass(frozen=True)
class GatesOfModality:
    """The gates before one form of help."""

    modality: Modality
    gates: tuple[Gate, ...]


@dataclass(frozen=True)
class BookingPolicy:
    """A programme's rules for booking, with where they come from."""

    id: Code
    version: Annotated[int, Field(ge=1)]
    source: Prose
    gates: tuple[GatesOfModality, ...]
    override_professions: Annotated[tuple[Profession, ...], Field(min_length=1)]
    late_cancellation_hours: Annotated[int, Field(ge=0, le=168)]

    def gates_before(self, modality: Modality) -> tuple[Gate, ...]:
        """The gates before this form of help."""
        return next(one.gates for one in self.gates if one.modality is modality)


class BookingPolicyIncomplete(Exception):  # noqa: N818 - the plain fact, as every failure here
    """The booking policy names each form of help exactly once."""


def checked(policy: BookingPolicy) -> BookingPolicy:
    """The policy, if it speaks once about every modality. Raises BookingPolicyIncomplete."""
    if sorted(one.modality for one in policy.gates) != sorted(Modality):
        raise BookingPolicyIncomplete(f"{policy.id} version {policy.version}")
    return policy
