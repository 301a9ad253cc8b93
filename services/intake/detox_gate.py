"""The detox gate stands between a patient and IOP groups until withdrawal is managed here, elsewhere or overridden."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import Enum
from typing import Final, assert_never
from uuid import UUID

from services.intake.answers import DateNotYetReached
from services.intake.evaluation import Evaluation, withdrawal_need
from services.intake.instrument import Instrument, score
from services.intake.withdrawal import Need, WithdrawalPolicy, need_by_score
from shared.decider import Decider, command
from shared.events.intake import (
    DetoxGateEvent,
    DetoxGateOverridden,
    ReferredForWithdrawalManagement,
    WithdrawalManagementCompleted,
    WithdrawalManagementRequired,
)
from shared.events.intake.detox_gate import GateBasis
from shared.failures import Refused
from shared.units import Prose


class Status(Enum):
    """Whether the gate stands, and how it was left. Only REQUIRED keeps the patient out of groups."""

    NOT_REQUIRED = "not_required"
    REQUIRED = "required"
    COMPLETED = "completed"
    REFERRED_OUT = "referred_out"
    OVERRIDDEN = "overridden"


@dataclass(frozen=True)
class DetoxGate:
    """One gate per patient. `heard` keeps for each evaluation or assessment the rules that were already acted on."""

    status: Status = Status.NOT_REQUIRED
    heard: Mapping[UUID, frozenset[str]] = field(default_factory=dict)


@command
class HeedEvaluation:
    """Put up the gate when a signed evaluation asks for it; does nothing when it asks for nothing new."""

    patient_id: UUID
    evaluation_id: UUID
    policy: WithdrawalPolicy
    today: date


@command
class HeedScore:
    """Put up the gate when a score asks for it."""

    patient_id: UUID
    assessment_id: UUID
    policy: WithdrawalPolicy
    instrument: Instrument
    answers: Mapping[str, int]
    measures: Mapping[str, int]


@command
class CompleteWithdrawalManagement:
    """Withdrawal is over."""

    patient_id: UUID
    completed_on: date
    today: date


@command
class ReferOut:
    """Withdrawal is managed elsewhere."""

    patient_id: UUID
    referred_on: date
    destination: Prose
    today: date


@command
class Override:
    """A physician lets the patient in before, and says why."""

    patient_id: UUID
    reason: Prose


type Leaving = CompleteWithdrawalManagement | ReferOut | Override
type Command = HeedEvaluation | HeedScore | Leaving


class DetoxGateNotStanding(Refused):
    """No withdrawal management is required of this patient now."""


def evolve(gate: DetoxGate, event: DetoxGateEvent) -> DetoxGate:
    """The gate after the event."""
    match event:
        case WithdrawalManagementRequired():
            rules = gate.heard.get(event.evidence_id, frozenset()) | set(event.rules)
            return replace(gate, status=Status.REQUIRED, heard={**gate.heard, event.evidence_id: rules})
        case WithdrawalManagementCompleted():
            return replace(gate, status=Status.COMPLETED)
        case ReferredForWithdrawalManagement():
            return replace(gate, status=Status.REFERRED_OUT)
        case DetoxGateOverridden():
            return replace(gate, status=Status.OVERRIDDEN)
        case _:
            assert_never(event)


def decide(gate: DetoxGate, command: Command, evaluation: Evaluation | None = None) -> Sequence[DetoxGateEvent]:
    """What happens on the command; heeding an evaluation looks at it."""
    match command:
        case HeedEvaluation():
            assert evaluation is not None
            need = withdrawal_need(evaluation, command.policy, command.today, judged=evaluation.judged_in_need)
            return require(gate, command, GateBasis.EVALUATION, command.evaluation_id, need)
        case HeedScore():
            total = score(command.instrument, command.answers, command.measures, claimed=None).total
            need = need_by_score(command.policy, command.instrument.id, total)
            return require(gate, command, GateBasis.SCORE, command.assessment_id, need)
        case _:
            return [leave(gate, command)]


def require(
    gate: DetoxGate, command: HeedEvaluation | HeedScore, basis: GateBasis, evidence_id: UUID, need: Need
) -> Sequence[DetoxGateEvent]:
    """An amended evaluation that says nothing new does not put the gate up again."""
    if set(need.rules) <= gate.heard.get(evidence_id, frozenset()):
        return []
    return [
        WithdrawalManagementRequired(
            patient_id=command.patient_id,
            basis=basis,
            evidence_id=evidence_id,
            substances=need.substances,
            rules=need.rules,
            policy_id=command.policy.id,
            policy_version=command.policy.version,
        )
    ]


def leave(gate: DetoxGate, command: Leaving) -> DetoxGateEvent:
    """The three ways out."""
    if gate.status is not Status.REQUIRED:
        raise DetoxGateNotStanding
    match command:
        case CompleteWithdrawalManagement():
            if command.completed_on > command.today:
                raise DateNotYetReached(field="completed_on")
            return WithdrawalManagementCompleted(command.patient_id, command.completed_on)
        case ReferOut():
            if command.referred_on > command.today:
                raise DateNotYetReached(field="referred_on")
            return ReferredForWithdrawalManagement(command.patient_id, command.referred_on, command.destination)
        case Override():
            return DetoxGateOverridden(command.patient_id, command.reason)
        case _:
            assert_never(command)


decider: Final[Decider[DetoxGate]] = Decider("detox_gate", DetoxGate(), decide, evolve)
