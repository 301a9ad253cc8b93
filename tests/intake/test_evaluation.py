"""An evaluation is recorded in parts, signed as a whole and amended with a reason."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import permutations

import pytest

from services.intake import patient as patients
from services.intake.answers import AnswersContradict, DateNotYetReached, PhysicalHealthAnswers, RelationshipsAnswers
from services.intake.evaluation import (
    CLINICAL_JUDGEMENT,
    AdolescenceNotRecorded,
    Amend,
    Begin,
    EvaluationAlreadyBegun,
    EvaluationAlreadySigned,
    EvaluationIncomplete,
    EvaluationNotBegun,
    EvaluationNotSigned,
    RecordSection,
    Sign,
    decider,
)
from services.intake.patient import PatientNotRegistered
from shared.events.intake import EvaluationAmended, EvaluationBegun, EvaluationSigned, SubstancesRecorded
from shared.events.intake.evaluation import Section
from shared.events.intake.health import PhysicalHealth, Pregnancy
from shared.events.intake.substances import Frequency, Substance
from tests.intake.situations import (
    ANNA,
    AT_SCHOOL,
    DATA,
    HEAVY_DRINKING,
    MONDAY,
    PATIENT,
    SIGNED,
    TOMORROW,
    all_sections,
    evaluated,
    registered,
    substances,
    use,
)
from tests.scenario import Scenario

evaluation = Scenario(decider)
ADULT = patients.decider.fold([registered(ANNA)])
UNKNOWN = patients.decider.initial


def sign(*, needed: bool = False, age: int | None = 37) -> Sign:
    return Sign(needed, age, DATA.withdrawal, DATA.levels, MONDAY)


def test_an_evaluation_begins_for_a_registered_patient() -> None:
    assert evaluation.given().when(Begin(PATIENT), ADULT) == [EvaluationBegun(PATIENT)]


def test_nobody_unknown_is_evaluated() -> None:
    with pytest.raises(PatientNotRegistered):
        evaluation.given().when(Begin(PATIENT), UNKNOWN)


def test_an_evaluation_begins_once() -> None:
    with pytest.raises(EvaluationAlreadyBegun):
        evaluation.given(EvaluationBegun(PATIENT)).when(Begin(PATIENT), ADULT)


def test_a_section_cannot_be_recorded_before_the_evaluation_began() -> None:
    with pytest.raises(EvaluationNotBegun):
        evaluation.given().when(RecordSection(substances(), MONDAY))


def test_a_section_is_recorded_as_it_was_answered() -> None:
    answers = substances(use())

    events = evaluation.given(EvaluationBegun(PATIENT)).when(RecordSection(answers, MONDAY))

    assert events == [SubstancesRecorded(answers.content, None)]


def test_a_section_recorded_again_replaces_the_first_until_it_is_signed() -> None:
    first, second = substances(use()), substances(HEAVY_DRINKING)
    events = [EvaluationBegun(PATIENT), *(SubstancesRecorded(one.content, None) for one in (first, second))]

    assert decider.fold(events).uses == (HEAVY_DRINKING,)


def test_sections_may_be_recorded_in_any_order() -> None:
    sections = all_sections()[:3]
    states = []
    for order in permutations(sections):
        story: list[object] = [EvaluationBegun(PATIENT)]
        for answers in order:
            story += evaluation.given(*story).when(RecordSection(answers, MONDAY))
        states.append(decider.fold(story))

    assert all(state == states[0] for state in states)


def test_half_an_evaluation_cannot_be_signed_and_what_is_missing_is_named() -> None:
    half = evaluated()[:4]

    with pytest.raises(EvaluationIncomplete) as refusal:
        evaluation.given(*half).when(sign())

    assert refusal.value.facts == {
        "missing": ["age", "family_history", "mental_state", "relationships", "lifestyle"],
    }


def test_signing_says_the_age_and_by_which_policy() -> None:
    events = evaluation.given(*evaluated()).when(sign())

    assert events == [SIGNED]


def test_an_adolescent_is_asked_an_adolescents_questions() -> None:
    with pytest.raises(AdolescenceNotRecorded):
        evaluation.given(*evaluated()).when(sign(age=16))

    (event,) = evaluation.given(*evaluated(adolescence=AT_SCHOOL)).when(sign(age=16))
    assert (event.age_years, event.adolescent) == (16, True)


def test_an_erased_birth_date_does_not_stop_the_signature() -> None:
    (event,) = evaluation.given(*evaluated()).when(sign(age=None))

    assert (event.age_years, event.adolescent) == (None, False)


def test_heavy_daily_drinking_asks_for_withdrawal_management() -> None:
    (event,) = evaluation.given(*evaluated(substances(HEAVY_DRINKING))).when(sign())

    assert isinstance(event, EvaluationSigned)
    assert event.withdrawal_management_needed
    assert event.rules == ("alcohol-daily-heavy",)


@pytest.mark.parametrize(
    "history",
    [
        replace(HEAVY_DRINKING, amount_per_day=Decimal(2)),
        replace(HEAVY_DRINKING, last_used_on=date(2026, 2, 1)),
        replace(HEAVY_DRINKING, frequency=Frequency.WEEKLY),
        use(Substance.CANNABIS),
    ],
)
def test_other_use_asks_for_none(history: object) -> None:
    (event,) = evaluation.given(*evaluated(substances(history))).when(sign())  # type: ignore[arg-type]  # parametrised

    assert not event.withdrawal_management_needed


def test_unknown_last_use_counts_as_recent() -> None:
    history = replace(HEAVY_DRINKING, last_used_on=None)

    (event,) = evaluation.given(*evaluated(substances(history))).when(sign())

    assert event.withdrawal_management_needed


def test_the_clinician_may_ask_for_withdrawal_management_without_a_rule() -> None:
    (event,) = evaluation.given(*evaluated()).when(sign(needed=True))

    assert (event.withdrawal_management_needed, event.rules) == (True, (CLINICAL_JUDGEMENT,))


def test_what_is_signed_is_not_recorded_over() -> None:
    signed = evaluation.given(*evaluated(), SIGNED)

    with pytest.raises(EvaluationAlreadySigned):
        signed.when(RecordSection(substances(), MONDAY))
    with pytest.raises(EvaluationAlreadySigned):
        signed.when(sign())


def test_after_signing_a_section_is_amended_with_a_reason() -> None:
    answers = substances(HEAVY_DRINKING)

    events = evaluation.given(*evaluated(), SIGNED).when(Amend(answers, "Family told us more.", MONDAY))

    assert events == [
        EvaluationAmended(Section.SUBSTANCES, "Family told us more."),
        SubstancesRecorded(answers.content, None),
    ]


def test_an_amendment_that_contradicts_itself_is_refused_where_the_caller_wrote_it() -> None:
    twisted = Amend(substances(replace(use(), days_of_last_30=0)), "Counted again.", MONDAY)

    with pytest.raises(AnswersContradict) as refusal:
        evaluation.given(*evaluated(), SIGNED).when(twisted)

    assert refusal.value.field == "answers.content.uses[0].days_of_last_30"


def test_what_is_not_signed_is_not_amended() -> None:
    with pytest.raises(EvaluationNotSigned):
        evaluation.given(*evaluated()).when(Amend(substances(), "Earlier I forgot.", MONDAY))


@pytest.mark.parametrize(
    ("answers", "where"),
    [
        (substances(replace(use(), days_of_last_30=0)), "content.uses[0].days_of_last_30"),
        (substances(use(), replace(use(), frequency=Frequency.NOT_IN_30_DAYS)), "content.uses[1].days_of_last_30"),
        (
            PhysicalHealthAnswers(
                Section.PHYSICAL_HEALTH, PhysicalHealth((), (), (), Pregnancy.NOT_PREGNANT, gestation_weeks=12)
            ),
            "content.gestation_weeks",
        ),
        (
            replace(
                next(one for one in all_sections() if isinstance(one, RelationshipsAnswers)),
                content=replace(
                    next(one for one in all_sections() if isinstance(one, RelationshipsAnswers)).content,
                    children_in_own_care=3,
                ),
            ),
            "content.children_in_own_care",
        ),
    ],
)
def test_answers_that_contradict_each_other_are_refused_by_name(answers: object, where: str) -> None:
    with pytest.raises(AnswersContradict) as refusal:
        evaluation.given(EvaluationBegun(PATIENT)).when(RecordSection(answers, MONDAY))  # type: ignore[arg-type]  # parametrised

    assert refusal.value.field == where


def test_nobody_used_tomorrow() -> None:
    with pytest.raises(DateNotYetReached) as refusal:
        evaluation.given(EvaluationBegun(PATIENT)).when(RecordSection(substances(use(last_used_on=TOMORROW)), MONDAY))

    assert refusal.value.field == "content.uses[0].last_used_on"
