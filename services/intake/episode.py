"""An episode of care lasts from an admission to its discharge, at one level of care or several in turn."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import Enum
from typing import Final, assert_never
from uuid import UUID

from services.intake import evaluation as evaluations
from services.intake.answers import DateNotYetReached
from shared.decider import Decider, command
from shared.events.intake import (
    DischargeReason,
    EpisodeEvent,
    LevelOfCare,
    LevelOfCareStepped,
    PatientAdmitted,
    PatientDischarged,
)
from shared.events.intake.episode import StepReason
from shared.failures import Invalid, NotFound, Refused
from shared.units import Prose


class Status(Enum):
    """Whether the patient is in care."""

    ABSENT = "absent"
    ADMITTED = "admitted"
    DISCHARGED = "discharged"


@dataclass(frozen=True)
class Episode:
    """What the plan, a step and a discharge need to know."""

    status: Status = Status.ABSENT
    patient_id: UUID | None = None
    level_of_care: LevelOfCare | None = None
    latest_on: date | None = None
    adolescent: bool = False


@command
class Admit:
    """Take the patient into care at a level; the evaluation must be signed."""

    patient_id: UUID
    evaluation_id: UUID
    level_of_care: LevelOfCare
    admitted_on: date
    today: date


@command
class StepLevelOfCare:
    """Go on at another level."""

    level_of_care: LevelOfCare
    reason: StepReason
    stepped_on: date
    today: date


@command
class Discharge:
    """End the episode."""

    reason: DischargeReason
    discharged_on: date
    today: date
    summary: Prose | None = None


type Command = Admit | StepLevelOfCare | Discharge


class EpisodeAlreadyBegan(Refused):
    """There is an episode of care under this id already."""


class EpisodeNotBegun(NotFound):
    """There is no episode of care under this id."""


class PatientAlreadyDischarged(Refused):
    """The episode of care is over."""


class EvaluationOfAnother(Invalid):
    """The evaluation is another patient's."""


class SameLevelOfCare(Refused):
    """The patient is at this level already."""


class DateOutOfOrder(Invalid):
    """The date lies before what happened earlier in the episode."""


def evolve(episode: Episode, event: EpisodeEvent) -> Episode:
    """The episode after the event."""
    match event:
        case PatientAdmitted():
            return Episode(
                Status.ADMITTED, event.patient_id, event.level_of_care, event.admitted_on, adolescent=event.adolescent
            )
        case LevelOfCareStepped():
            return replace(episode, level_of_care=event.level_of_care, latest_on=event.stepped_on)
        case PatientDischarged():
            return replace(episode, status=Status.DISCHARGED, latest_on=event.discharged_on)
        case _:
            assert_never(event)


def decide(
    episode: Episode, command: Command, evaluation: evaluations.Evaluation | None = None
) -> Sequence[EpisodeEvent]:
    """What happens on the command; admitting looks at the evaluation."""
    if isinstance(command, Admit):
        return admit(episode, command, evaluation)
    if episode.status is Status.ABSENT:
        raise EpisodeNotBegun
    if episode.status is Status.DISCHARGED:
        raise PatientAlreadyDischarged
    assert episode.patient_id is not None
    match command:
        case StepLevelOfCare():
            check_date(episode, command.stepped_on, command.today, "stepped_on")
            if command.level_of_care is episode.level_of_care:
                raise SameLevelOfCare(field="level_of_care")
            return [
                LevelOfCareStepped(episode.patient_id, command.level_of_care, command.stepped_on, command.reason),
            ]
        case Discharge():
            check_date(episode, command.discharged_on, command.today, "discharged_on")
            return [PatientDischarged(episode.patient_id, command.reason, command.discharged_on, command.summary)]
        case _:
            assert_never(command)


def admit(episode: Episode, command: Admit, evaluation: evaluations.Evaluation | None) -> Sequence[EpisodeEvent]:
    """Nobody is admitted on half an evaluation, or on another patient's."""
    if episode.status is not Status.ABSENT:
        raise EpisodeAlreadyBegan
    if evaluation is None or evaluation.status is evaluations.Status.ABSENT:
        raise evaluations.EvaluationNotBegun(field="evaluation_id")
    if evaluation.patient_id != command.patient_id:
        raise EvaluationOfAnother(field="evaluation_id")
    if evaluation.status is not evaluations.Status.SIGNED:
        raise evaluations.EvaluationNotSigned(field="evaluation_id")
    check_date(episode, command.admitted_on, command.today, "admitted_on")
    return [
        PatientAdmitted(
            patient_id=command.patient_id,
            evaluation_id=command.evaluation_id,
            level_of_care=command.level_of_care,
            admitted_on=command.admitted_on,
            adolescent=evaluation.adolescent,
        )
    ]


def check_date(episode: Episode, on: date, today: date, where: str) -> None:
    """Not in the future, not before what is already known."""
    if on > today:
        raise DateNotYetReached(field=where)
    if episode.latest_on is not None and on < episode.latest_on:
        raise DateOutOfOrder(field=where, not_before=episode.latest_on.isoformat())


decider: Final[Decider[Episode]] = Decider("episode", Episode(), decide, evolve)
