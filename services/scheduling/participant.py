"""A participant is what scheduling knows about a patient: in care or not, detox gate, plan. Intake says so, nobody here decides it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final, assert_never
from uuid import UUID

from services.scheduling.gates import Gate
from shared.decider import Decider, command
from shared.events.scheduling import (
    CareBegan,
    CareEnded,
    DetoxGateClosed,
    DetoxGateOpened,
    GateOpening,
    ParticipantEvent,
    ParticipantMet,
    PlanTookEffect,
)


@dataclass(frozen=True)
class Participant:
    """What a booking looks at."""

    known: bool = False
    episode_id: UUID | None = None
    detox_gate_closed: bool = False
    plan_id: UUID | None = None
    revision: int = 0


@command
class Meet:
    """Hear of a patient."""

    patient_id: UUID


@command
class BeginCare:
    """Hear of an admission."""

    patient_id: UUID
    episode_id: UUID
    began_on: date


@command
class EndCare:
    """Hear of a discharge."""

    patient_id: UUID
    episode_id: UUID
    ended_on: date


@command
class CloseDetoxGate:
    """Hear that withdrawal management comes first."""

    patient_id: UUID


@command
class OpenDetoxGate:
    """Hear that the gate no longer stands."""

    patient_id: UUID
    opening: GateOpening


@command
class TakeUpPlan:
    """Hear of a signed plan."""

    patient_id: UUID
    plan_id: UUID
    revision: int
    active_from: date


type Command = Meet | BeginCare | EndCare | CloseDetoxGate | OpenDetoxGate | TakeUpPlan


def evolve(participant: Participant, event: ParticipantEvent) -> Participant:
    """The participant after the event."""
    known = replace(participant, known=True)
    match event:
        case ParticipantMet():
            return known
        case CareBegan():
            return replace(known, episode_id=event.episode_id)
        case CareEnded():
            # News of an episode that is over already must not end the one that follows it.
            over = event.episode_id == participant.episode_id
            return replace(known, episode_id=None, plan_id=None, revision=0) if over else known
        case DetoxGateClosed():
            return replace(known, detox_gate_closed=True)
        case DetoxGateOpened():
            return replace(known, detox_gate_closed=False)
        case PlanTookEffect():
            return replace(known, plan_id=event.plan_id, revision=event.revision)
        case _:
            assert_never(event)


def decide(participant: Participant, command: Command) -> Sequence[ParticipantEvent]:
    """What is new about the patient; hearing the same twice says nothing, and nothing that was heard is refused."""
    heard = said(command)
    return [heard] if evolve(participant, heard) != participant else []


def said(command: Command) -> ParticipantEvent:
    """What was heard, as it is written down."""
    match command:
        case Meet():
            return ParticipantMet(command.patient_id)
        case BeginCare():
            return CareBegan(command.patient_id, command.episode_id, command.began_on)
        case EndCare():
            return CareEnded(command.patient_id, command.episode_id, command.ended_on)
        case CloseDetoxGate():
            return DetoxGateClosed(command.patient_id)
        case OpenDetoxGate():
            return DetoxGateOpened(command.patient_id, command.opening)
        case TakeUpPlan():
            return PlanTookEffect(command.patient_id, command.plan_id, command.revision, command.active_from)
        case _:
            assert_never(command)


def standing(participant: Participant, gates: Sequence[Gate]) -> tuple[Gate, ...]:
    """Those of `gates` that stand between the patient and a session."""
    open_gates = {
        Gate.CARE: participant.episode_id is not None,
        Gate.DETOX: not participant.detox_gate_closed,
        Gate.PLAN: participant.plan_id is not None,
    }
    return tuple(gate for gate in gates if not open_gates[gate])


decider: Final[Decider[Participant]] = Decider("participant", Participant(), decide, evolve)
