"""What somebody answers to a section of the evaluation, and whether the answers agree with one another."""

from datetime import date
from typing import Final, Literal

from shared.decider import command
from shared.events.intake.evaluation import (
    AgeRecorded,
    FamilyHistoryRecorded,
    LifestyleRecorded,
    MentalStateRecorded,
    PhysicalHealthRecorded,
    RelationshipsRecorded,
    Section,
    SectionRecorded,
    SocialSupportRecorded,
    SubstancesRecorded,
)
from shared.events.intake.health import AgeAndAdolescence, MentalState, PhysicalHealth, Pregnancy
from shared.events.intake.life import FamilyHistory, Lifestyle, Relationships, SocialSupport
from shared.events.intake.substances import Frequency, Substances
from shared.failures import Invalid
from shared.units import Prose


@command
class SubstancesAnswers:
    """Section: substances, past treatment, overdoses."""

    section: Literal[Section.SUBSTANCES]
    content: Substances
    notes: Prose | None = None


@command
class PhysicalHealthAnswers:
    """Section: conditions, medicines, allergies, pregnancy."""

    section: Literal[Section.PHYSICAL_HEALTH]
    content: PhysicalHealth
    notes: Prose | None = None


@command
class AgeAnswers:
    """Section: what the patient's age asks for, and adolescence."""

    section: Literal[Section.AGE]
    content: AgeAndAdolescence
    notes: Prose | None = None


@command
class FamilyHistoryAnswers:
    """Section: addiction in the family."""

    section: Literal[Section.FAMILY_HISTORY]
    content: FamilyHistory
    notes: Prose | None = None


@command
class MentalStateAnswers:
    """Section: mental state and psychiatric history."""

    section: Literal[Section.MENTAL_STATE]
    content: MentalState
    notes: Prose | None = None


@command
class RelationshipsAnswers:
    """Section: partner, children, safety at home."""

    section: Literal[Section.RELATIONSHIPS]
    content: Relationships
    notes: Prose | None = None


@command
class LifestyleAnswers:
    """Section: work, housing, the law, money."""

    section: Literal[Section.LIFESTYLE]
    content: Lifestyle
    notes: Prose | None = None


@command
class SocialSupportAnswers:
    """Section: who and what helps."""

    section: Literal[Section.SOCIAL_SUPPORT]
    content: SocialSupport
    notes: Prose | None = None


type Answers = (
    SubstancesAnswers
    | PhysicalHealthAnswers
    | AgeAnswers
    | FamilyHistoryAnswers
    | MentalStateAnswers
    | RelationshipsAnswers
    | LifestyleAnswers
    | SocialSupportAnswers
)

EVENT_OF: Final[dict[Section, type[SectionRecorded]]] = {
    Section.SUBSTANCES: SubstancesRecorded,
    Section.PHYSICAL_HEALTH: PhysicalHealthRecorded,
    Section.AGE: AgeRecorded,
    Section.FAMILY_HISTORY: FamilyHistoryRecorded,
    Section.MENTAL_STATE: MentalStateRecorded,
    Section.RELATIONSHIPS: RelationshipsRecorded,
    Section.LIFESTYLE: LifestyleRecorded,
    Section.SOCIAL_SUPPORT: SocialSupportRecorded,
}
SECTION_OF: Final[dict[type[SectionRecorded], Section]] = {event: section for section, event in EVENT_OF.items()}


class AnswersContradict(Invalid):
    """Two answers cannot both be true."""


class DateNotYetReached(Invalid):
    """The date lies in the future."""


def recorded(answers: Answers, today: date, within: str = "") -> SectionRecorded:
    """The event, after the answers were compared with one another. `today` bounds what can have happened.

    `within` is where the answers stand in the request, so that a refusal names the field as the caller wrote it.
    """
    place = f"{within}content"
    match answers:
        case SubstancesAnswers():
            _check_substances(answers.content, today, place)
        case PhysicalHealthAnswers():
            _check_physical_health(answers.content, today, place)
        case RelationshipsAnswers() if answers.content.children_in_own_care > answers.content.children:
            raise AnswersContradict(field=f"{place}.children_in_own_care")
        case _:
            pass
    return EVENT_OF[answers.section](answers.content, answers.notes)  # type: ignore[arg-type]  # the pairs stand in the classes above


def _check_substances(content: Substances, today: date, place: str) -> None:
    for number, use in enumerate(content.uses):
        here = f"{place}.uses[{number}]"
        if use.last_used_on is not None and use.last_used_on > today:
            raise DateNotYetReached(field=f"{here}.last_used_on")
        if (use.days_of_last_30 == 0) != (use.frequency is Frequency.NOT_IN_30_DAYS):
            raise AnswersContradict(field=f"{here}.days_of_last_30")
    for number, overdose in enumerate(content.overdoses):
        if (overdose.year, overdose.month or 1) > (today.year, today.month):
            raise DateNotYetReached(field=f"{place}.overdoses[{number}].year")
    for number, treatment in enumerate(content.past_treatments):
        if treatment.year > today.year:
            raise DateNotYetReached(field=f"{place}.past_treatments[{number}].year")


def _check_physical_health(content: PhysicalHealth, today: date, place: str) -> None:
    if content.gestation_weeks is not None and content.pregnancy is not Pregnancy.PREGNANT:
        raise AnswersContradict(field=f"{place}.gestation_weeks")
    if content.last_examined_on is not None and content.last_examined_on > today:
        raise DateNotYetReached(field=f"{place}.last_examined_on")
