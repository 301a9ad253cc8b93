"""An evaluation is filled in section by section, in any order and over several days, and signed as a whole."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import Enum
from typing import Final, assert_never
from uuid import UUID

from services.intake.answers import SECTION_OF, Answers, recorded
from services.intake.levels import LevelsPolicy, is_adolescent
from services.intake.patient import Patient, PatientNotRegistered
from services.intake.withdrawal import Need, WithdrawalPolicy, need_by_use
from shared.decider import Decider, command
from shared.events.intake import EvaluationAmended, EvaluationBegun, EvaluationEvent, EvaluationSigned
from shared.events.intake.evaluation import Section
from shared.events.intake.health import AgeAndAdolescence
from shared.events.intake.substances import Substances, SubstanceUse
from shared.failures import NotFound, Refused
from shared.units import Prose

CLINICAL_JUDGEMENT: Final = "clinical-judgement"
"""Named beside the policy's rules when it is the clinician who asks for withdrawal management."""


class Status(Enum):
    """How far an evaluation is."""

    ABSENT = "absent"
    OPEN = "open"
    SIGNED = "signed"


@dataclass(frozen=True)
class Evaluation:
    """What signing and the detox gate need to know."""

    status: Status = Status.ABSENT
    patient_id: UUID | None = None
    contents: Mapping[Section, object] = field(default_factory=dict)
    adolescent: bool = False
    judged_in_need: bool = False

    @property
    def uses(self) -> tuple[SubstanceUse, ...]:
        """The substances as they stand."""
        content = self.contents.get(Section.SUBSTANCES)
        return content.uses if isinstance(content, Substances) else ()

    @property
    def missing(self) -> tuple[Section, ...]:
        """The sections that nobody has recorded yet."""
        return tuple(section for section in Section if section not in self.contents)


@command
class Begin:
    """Start an evaluation."""

    patient_id: UUID


@command
class RecordSection:
    """Write down a section, for the first time or anew; only until the evaluation is signed."""

    answers: Answers
    today: date


@command
class Sign:
    """Sign the whole. `withdrawal_management_needed` is the clinician's own judgement; the policy may add to it.

    `age_years` is opened at the edge, for the birth date is sealed; None when it was erased.
    """

    withdrawal_management_needed: bool
    age_years: int | None
    withdrawal: WithdrawalPolicy
    levels: LevelsPolicy
    today: date


@command
class Amend:
    """After signing, replace a section and say why; what was signed stays in the record."""

    answers: Answers
    reason: Prose
    today: date


type Command = Begin | RecordSection | Sign | Amend


class EvaluationAlreadyBegun(Refused):
    """An evaluation has already begun under this id."""


class EvaluationNotBegun(NotFound):
    """There is no evaluation under this id."""


class EvaluationAlreadySigned(Refused):
    """The evaluation is signed; amend it and say why."""


class EvaluationNotSigned(Refused):
    """The evaluation is not signed yet."""


class EvaluationIncomplete(Refused):
    """Some sections are not recorded yet."""


class AdolescenceNotRecorded(Refused):
    """The patient is an adolescent; the section on age has to say how they live, learn and who consents."""


def evolve(evaluation: Evaluation, event: EvaluationEvent) -> Evaluation:
    """The evaluation after the event."""
    match event:
        case EvaluationBegun():
            return replace(evaluation, status=Status.OPEN, patient_id=event.patient_id)
        case EvaluationSigned():
            return replace(
                evaluation,
                status=Status.SIGNED,
                adolescent=event.adolescent,
                judged_in_need=CLINICAL_JUDGEMENT in event.rules,
            )
        case EvaluationAmended():
            return evaluation
        case _:
            contents = {**evaluation.contents, SECTION_OF[type(event)]: event.content}
            return replace(evaluation, contents=contents)


def decide(evaluation: Evaluation, command: Command, patient: Patient | None = None) -> Sequence[EvaluationEvent]:
    """What happens on the command; beginning looks at the patient."""
    if isinstance(command, Begin):
        return begin(evaluation, command, patient)
    if evaluation.status is Status.ABSENT:
        raise EvaluationNotBegun
    match command:
        case RecordSection():
            if evaluation.status is Status.SIGNED:
                raise EvaluationAlreadySigned
            return [recorded(command.answers, command.today)]
        case Sign():
            return [sign(evaluation, command)]
        case Amend():
            if evaluation.status is not Status.SIGNED:
                raise EvaluationNotSigned
            amended = EvaluationAmended(command.answers.section, command.reason)
            return [amended, recorded(command.answers, command.today, within="answers.")]
        case _:
            assert_never(command)


def begin(evaluation: Evaluation, command: Begin, patient: Patient | None) -> Sequence[EvaluationEvent]:
    """Only somebody who is registered can be evaluated."""
    if patient is None or not patient.registered:
        raise PatientNotRegistered(field="patient_id")
    if evaluation.status is not Status.ABSENT:
        raise EvaluationAlreadyBegun
    return [EvaluationBegun(command.patient_id)]


def sign(evaluation: Evaluation, command: Sign) -> EvaluationSigned:
    """All sections are there, an adolescent's own questions too."""
    if evaluation.status is Status.SIGNED:
        raise EvaluationAlreadySigned
    if evaluation.missing:
        raise EvaluationIncomplete(missing=[section.value for section in evaluation.missing])
    assert evaluation.patient_id is not None
    adolescent = is_adolescent(command.levels, command.age_years)
    content = evaluation.contents[Section.AGE]
    if adolescent and isinstance(content, AgeAndAdolescence) and content.adolescence is None:
        raise AdolescenceNotRecorded
    need = withdrawal_need(evaluation, command.withdrawal, command.today, judged=command.withdrawal_management_needed)
    return EvaluationSigned(
        patient_id=evaluation.patient_id,
        age_years=command.age_years,
        adolescent=adolescent,
        withdrawal_management_needed=bool(need),
        rules=need.rules,
        policy_id=command.withdrawal.id,
        policy_version=command.withdrawal.version,
    )


def withdrawal_need(evaluation: Evaluation, policy: WithdrawalPolicy, today: date, *, judged: bool) -> Need:
    """What the policy asks for by the answers, and the clinician on their own judgement."""
    need = need_by_use(policy, evaluation.uses, today)
    return replace(need, rules=(*need.rules, CLINICAL_JUDGEMENT)) if judged else need


decider: Final[Decider[Evaluation]] = Decider("evaluation", Evaluation(), decide, evolve)
