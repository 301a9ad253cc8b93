"""When intake admits or discharges a patient, medication writes down whether the patient is in care."""

from collections.abc import Sequence
from uuid import UUID

from services.medication import care
from shared.event import AnyRecorded
from shared.events.intake import PatientAdmitted, PatientDischarged
from shared.log import Act, Subject


def on_intake(recorded: AnyRecorded) -> Sequence[Act]:
    """One act on the patient's care; every other event of intake is none of medication's business."""
    command: care.Command
    match recorded.data:
        case PatientAdmitted() as admitted:
            command = care.BeginCare(admitted.patient_id, UUID(recorded.subject_id), admitted.admitted_on)
        case PatientDischarged() as discharged:
            ended = (discharged.discharged_on, discharged.reason.value)
            command = care.EndCare(discharged.patient_id, UUID(recorded.subject_id), *ended)
        case _:
            return []
    subject = Subject(command.patient_id)
    return [Act(care.decider, command.patient_id, command, subject, effective_at=recorded.effective_at)]
