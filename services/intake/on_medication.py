"""What intake does when medication speaks: withdrawal that was managed here is over, and the detox gate opens."""

from collections.abc import Sequence
from typing import Final

from services.intake import detox_gate
from shared.event import AnyRecorded
from shared.events.medication import DetoxCompleted, DetoxReferredUp
from shared.log import Act
from shared.policy import Policies


def on_medication(recorded: AnyRecorded) -> Sequence[Act]:
    """One act on the patient's gate; where none stands it is refused and does nothing."""
    command: detox_gate.Command
    match recorded.data:
        case DetoxCompleted() as over:
            command = detox_gate.CompleteWithdrawalManagement(over.patient_id, over.completed_on, over.completed_on)
        case DetoxReferredUp() as over:
            command = detox_gate.ReferOut(over.patient_id, over.referred_on, over.destination, over.referred_on)
        case _:
            return []
    return [Act(detox_gate.decider, over.patient_id, command, effective_at=recorded.effective_at)]


ON_MEDICATION: Final = Policies("intake-on-medication", ("medication.events.v1",), on_medication)
