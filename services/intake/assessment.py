"""An assessment is one instrument, answered once; its score is computed here and a danger sign waits for a clinician."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Final, assert_never
from uuid import UUID

from pydantic import Field

from services.intake.instrument import Instrument, Score, Whole, score
from services.intake.patient import Patient, PatientNotRegistered
from shared.decider import Decider, command
from shared.events.intake import (
    AssessmentEvent,
    AssessmentRetracted,
    DangerSignClosed,
    DangerSignRaised,
    InstrumentScored,
)
from shared.events.intake.assessment import AssessmentMode, ItemAnswer, Measure
from shared.failures import Invalid, NotFound, Refused
from shared.units import Code, Prose

type Answered = Annotated[Mapping[Code, Whole], Field(max_length=100)]
"""Item id to value."""


@dataclass(frozen=True)
class Assessment:
    """What later decisions need to know."""

    scored: bool = False
    retracted: bool = False
    patient_id: UUID | None = None
    open_signs: frozenset[str] = frozenset()


@command
class Assess:
    """Write down the answers to an instrument. `total` is what the form showed, if it showed one."""

    patient_id: UUID
    instrument: Instrument
    language: Code
    mode: AssessmentMode
    answers: Answered
    measures: Answered = field(default_factory=dict)
    total: Whole | None = None


@command
class CloseDangerSign:
    """Say what was done about a danger sign."""

    sign: Code
    action_taken: Prose


@command
class Retract:
    """Take back an assessment that was entered in error."""

    reason: Prose


type Command = Assess | CloseDangerSign | Retract


class AssessmentAlreadyRecorded(Refused):
    """There is an assessment under this id already."""


class AssessmentNotRecorded(NotFound):
    """There is no assessment under this id."""


class AssessmentIsRetracted(Refused):
    """The assessment was retracted."""


class DangerSignNotOpen(Refused):
    """No such danger sign is open on this assessment."""


class LanguageNotOffered(Invalid):
    """The instrument is not kept in this language."""


class ModeNotOffered(Invalid):
    """The instrument may not be used in this way."""


def evolve(assessment: Assessment, event: AssessmentEvent) -> Assessment:
    """The assessment after the event."""
    match event:
        case InstrumentScored():
            return replace(assessment, scored=True, patient_id=event.patient_id)
        case DangerSignRaised():
            return replace(assessment, open_signs=assessment.open_signs | {event.sign})
        case DangerSignClosed():
            return replace(assessment, open_signs=assessment.open_signs - {event.sign})
        case AssessmentRetracted():
            return replace(assessment, retracted=True, open_signs=frozenset())
        case _:
            assert_never(event)


def decide(assessment: Assessment, command: Command, patient: Patient | None = None) -> Sequence[AssessmentEvent]:
    """What happens on the command; assessing looks at the patient."""
    if isinstance(command, Assess):
        return assess(assessment, command, patient)
    if not assessment.scored:
        raise AssessmentNotRecorded
    if assessment.retracted:
        raise AssessmentIsRetracted
    match command:
        case CloseDangerSign():
            if command.sign not in assessment.open_signs:
                raise DangerSignNotOpen(field="sign")
            return [DangerSignClosed(command.sign, command.action_taken)]
        case Retract():
            return [AssessmentRetracted(command.reason)]
        case _:
            assert_never(command)


def assess(assessment: Assessment, command: Assess, patient: Patient | None) -> Sequence[AssessmentEvent]:
    """Score the answers; each answer that cannot wait becomes a danger sign in the same act."""
    if patient is None or not patient.registered:
        raise PatientNotRegistered(field="patient_id")
    if assessment.scored:
        raise AssessmentAlreadyRecorded
    instrument = command.instrument
    if command.language not in instrument.languages:
        raise LanguageNotOffered(field="language", languages=list(instrument.languages))
    if command.mode not in instrument.modes:
        raise ModeNotOffered(field="mode", modes=list(instrument.modes))
    result = score(instrument, command.answers, command.measures, command.total)
    signs = [
        DangerSignRaised(command.patient_id, danger.sign, instrument.id, danger.item, danger.action)
        for danger in result.dangers
    ]
    return [scored(command, result), *signs]


def scored(command: Assess, result: Score) -> InstrumentScored:
    """The event of a score, items in the instrument's own order."""
    order = [item.id for item in command.instrument.items if item.id in result.values]
    return InstrumentScored(
        patient_id=command.patient_id,
        instrument_id=command.instrument.id,
        instrument_version=command.instrument.version,
        language=command.language,
        mode=command.mode,
        look_back=command.instrument.look_back,
        answers=tuple(ItemAnswer(item, result.values[item]) for item in order),
        measures=tuple(Measure(name, value) for name, value in sorted(command.measures.items())),
        missing=result.missing,
        prorated=result.prorated,
        total=result.total,
        band=result.band,
    )


decider: Final[Decider[Assessment]] = Decider("assessment", Assessment(), decide, evolve)
