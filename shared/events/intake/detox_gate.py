"""What is written down about the gate between a patient who needs withdrawal management and the groups."""

from datetime import date
from enum import StrEnum
from uuid import UUID

from shared.event import Personal, event
from shared.events.intake.substances import Substance


class GateBasis(StrEnum):
    """What said that withdrawal management comes first."""

    EVALUATION = "evaluation"
    SCORE = "score"


@event()
class WithdrawalManagementRequired:
    """IOP groups wait until withdrawal management is completed, referred out or overridden."""

    patient_id: UUID
    basis: GateBasis
    evidence_id: UUID
    substances: tuple[Substance, ...]
    rules: tuple[str, ...]
    policy_id: str
    policy_version: int


@event()
class WithdrawalManagementCompleted:
    """Withdrawal is over; groups may begin."""

    patient_id: UUID
    completed_on: date


@event()
class ReferredForWithdrawalManagement:
    """Withdrawal is managed elsewhere; the gate no longer stands here."""

    patient_id: UUID
    referred_on: date
    destination: Personal[str | None]


@event()
class DetoxGateOverridden:
    """A physician let the patient into groups before withdrawal management was completed."""

    patient_id: UUID
    reason: Personal[str | None]


type DetoxGateEvent = (
    WithdrawalManagementRequired | WithdrawalManagementCompleted | ReferredForWithdrawalManagement | DetoxGateOverridden
)
