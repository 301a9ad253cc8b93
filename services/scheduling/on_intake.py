"""What scheduling does when intake speaks: it remembers who is in care, whose detox gate stands and who has a plan."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from services.scheduling import participant
from services.scheduling.participant import BeginCare, CloseDetoxGate, Command, EndCare, Meet, OpenDetoxGate, TakeUpPlan
from shared.event import AnyRecorded
from shared.events.intake import (
    DetoxGateOverridden,
    PatientAdmitted,
    PatientDischarged,
    PatientRegistered,
    PlanActivated,
    ReferredForWithdrawalManagement,
    WithdrawalManagementCompleted,
    WithdrawalManagementRequired,
)
from shared.events.scheduling import GateOpening
from shared.log import Act, Subject
from shared.policy import Policies


def on_intake(recorded: AnyRecorded) -> Sequence[Act]:
    """What the patient's participant stream is told."""
    if recorded.patient_id is None:
        return []
    command = _heard(recorded, recorded.patient_id)
    if command is None:
        return []
    return [Act(participant.decider, recorded.patient_id, command, Subject(recorded.patient_id))]


def _heard(recorded: AnyRecorded, patient_id: UUID) -> Command | None:  # noqa: PLR0911 - one line for each thing that intake may say
    match recorded.data:
        case PatientRegistered():
            return Meet(patient_id)
        case PatientAdmitted(admitted_on=on):
            return BeginCare(patient_id, UUID(recorded.subject_id), on)
        case PatientDischarged(discharged_on=on):
            return EndCare(patient_id, UUID(recorded.subject_id), on)
        case WithdrawalManagementRequired():
            return CloseDetoxGate(patient_id)
        case WithdrawalManagementCompleted():
            return OpenDetoxGate(patient_id, GateOpening.COMPLETED)
        case ReferredForWithdrawalManagement():
            return OpenDetoxGate(patient_id, GateOpening.REFERRED_OUT)
        case DetoxGateOverridden():
            return OpenDetoxGate(patient_id, GateOpening.OVERRIDDEN)
        case PlanActivated(revision=revision, active_from=on):
            return TakeUpPlan(patient_id, UUID(recorded.subject_id), revision, on)
        case _:
            return None


ON_INTAKE: Final = Policies("scheduling-on-intake", ("intake.events.v1",), on_intake)
