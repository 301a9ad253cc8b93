"""Care is what intake says about a patient: once discharged, nothing more is given without a prescriber's exception."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import Enum
from typing import Final, assert_never
from uuid import UUID

from services.medication.limits import AfterDischargePolicy
from shared.decider import Decider, command
from shared.events.medication import CareBegan, CareEnded, CareEvent, DosingAfterDischargeAllowed
from shared.failures import Invalid, Refused
from shared.units import Code, Prose


class Status(Enum):
    """What intake has said so far; dosing may begin before its word arrives."""

    NOT_HEARD = "not_heard"
    IN_CARE = "in_care"
    DISCHARGED = "discharged"


@dataclass(frozen=True)
class Care:
    """What dosing needs to know; `allowed_until` holds the exceptions by order."""

    status: Status = Status.NOT_HEARD
    episode_id: UUID | None = None
    ended_on: date | None = None
    allowed_until: Mapping[UUID, date] = field(default_factory=dict)


@command
class BeginCare:
    """Intake admitted the patient."""

    patient_id: UUID
    episode_id: UUID
    began_on: date


@command
class EndCare:
    """Intake discharged the patient."""

    patient_id: UUID
    episode_id: UUID
    ended_on: date
    reason: Code


@command
class AllowDosing:
    """Let one order go on for some days after discharge."""

    patient_id: UUID
    order_id: UUID
    until_on: date
    reason: Prose
    policy: AfterDischargePolicy


type Command = BeginCare | EndCare | AllowDosing


class PatientNotDischarged(Refused):
    """The patient has not been discharged: no exception is needed."""


class ExceptionTooLong(Invalid):
    """Doses after discharge may not go on for that long."""


class PatientDischarged(Refused):
    """The patient was discharged; a prescriber may allow doses to go on for some days."""


def evolve(care: Care, event: CareEvent) -> Care:
    """Care after the event."""
    match event:
        case CareBegan():
            return Care(Status.IN_CARE, event.episode_id)
        case CareEnded():
            return Care(Status.DISCHARGED, event.episode_id, event.ended_on)
        case DosingAfterDischargeAllowed():
            return replace(care, allowed_until={**care.allowed_until, event.order_id: event.until_on})
        case _:
            assert_never(event)


def decide(care: Care, command: Command) -> Sequence[CareEvent]:
    """What happens on the command. Intake's word is repeated once; the end of an earlier episode is none of this one's."""
    match command:
        case BeginCare():
            if care.status is Status.IN_CARE and care.episode_id == command.episode_id:
                return []
            return [CareBegan(command.patient_id, command.episode_id, command.began_on)]
        case EndCare():
            if care.status is Status.DISCHARGED or care.episode_id not in {None, command.episode_id}:
                return []
            return [CareEnded(command.patient_id, command.episode_id, command.ended_on, command.reason)]
        case AllowDosing():
            return allow(care, command)
        case _:
            assert_never(command)


def allow(care: Care, command: AllowDosing) -> Sequence[CareEvent]:
    """An exception begins where care ended and is short."""
    if care.status is not Status.DISCHARGED or care.ended_on is None:
        raise PatientNotDischarged
    if not 0 < (command.until_on - care.ended_on).days <= command.policy.days_max:
        raise ExceptionTooLong(field="until_on", days_max=command.policy.days_max, policy_id=command.policy.id)
    return [DosingAfterDischargeAllowed(command.patient_id, command.order_id, command.until_on, command.reason)]


def check_in_care(care: Care, order_id: UUID, given_on: date) -> None:
    """Up to the day of discharge every dose is in care; later ones need an exception. Raises PatientDischarged."""
    if care.status is not Status.DISCHARGED or care.ended_on is None or given_on <= care.ended_on:
        return
    until_on = care.allowed_until.get(order_id)
    if until_on is None or given_on > until_on:
        raise PatientDischarged(ended_on=care.ended_on.isoformat())


decider: Final[Decider[Care]] = Decider("care", Care(), decide, evolve)
