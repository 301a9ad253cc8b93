"""What scheduling knows about a patient before it books a session, learned from intake."""

from datetime import date
from enum import StrEnum
from uuid import UUID

from shared.event import event


class GateOpening(StrEnum):
    """How the detox gate came to be open again."""

    COMPLETED = "completed"
    REFERRED_OUT = "referred_out"
    OVERRIDDEN = "overridden"


@event()
class ParticipantMet:
    """Scheduling heard of a patient for the first time."""

    patient_id: UUID


@event()
class CareBegan:
    """The patient is in an episode of care and may be booked."""

    patient_id: UUID
    episode_id: UUID
    began_on: date


@event()
class CareEnded:
    """The episode of care is over."""

    patient_id: UUID
    episode_id: UUID
    ended_on: date


@event()
class DetoxGateClosed:
    """Withdrawal management comes before groups."""

    patient_id: UUID


@event()
class DetoxGateOpened:
    """Groups need wait no longer."""

    patient_id: UUID
    opening: GateOpening


@event()
class PlanTookEffect:
    """There is a signed treatment plan to book by."""

    patient_id: UUID
    plan_id: UUID
    revision: int
    active_from: date


type ParticipantEvent = ParticipantMet | CareBegan | CareEnded | DetoxGateClosed | DetoxGateOpened | PlanTookEffect
