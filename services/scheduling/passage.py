"""Whether a patient may be booked: the gates before this form of help are open, or a named person lets the patient pass."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.scheduling.gates import BookingPolicy, Gate
from services.scheduling.participant import Participant, standing
from services.scheduling.staff import StaffMember, check_entitled
from shared.events.scheduling import Modality
from shared.failures import Refused
from shared.units import Prose


@dataclass(frozen=True)
class Override:
    """Who let the patient pass, and why."""

    authorised_by: UUID
    reason: Prose


class PatientNotKnown(Refused):
    """Scheduling has not heard of this patient from intake yet."""


class PatientNotInCare(Refused):
    """The patient is not in an episode of care."""


class DetoxGateStands(Refused):
    """Withdrawal management comes before this form of help."""


class PlanNotActive(Refused):
    """The patient has no signed treatment plan yet."""


_REFUSALS: dict[Gate, type[Refused]] = {
    Gate.CARE: PatientNotInCare,
    Gate.DETOX: DetoxGateStands,
    Gate.PLAN: PlanNotActive,
}


def check_known(participant: Participant, where: str) -> None:
    """Raises PatientNotKnown: a mistaken id, or a patient whose registration is still on its way."""
    if not participant.known:
        raise PatientNotKnown(field=where)


def passed(
    participant: Participant, modality: Modality, policy: BookingPolicy, override: Override | None, where: str
) -> Sequence[Gate]:
    """The gates that stand in the way and are overridden; none when all are open. Raises what stands in the way.

    `where` is the patient's place in the request, such as `patient_ids[2]`.
    """
    check_known(participant, where)
    gates = standing(participant, policy.gates_before(modality))
    if gates and override is None:
        raise _REFUSALS[gates[0]](field=where, gates=list(gates))
    return gates


def check_override(member: StaffMember, policy: BookingPolicy) -> None:
    """Whoever lets a patient pass works here in a profession that may. Raises what is in the way."""
    check_entitled(member, policy.override_professions, field="override.authorised_by")
