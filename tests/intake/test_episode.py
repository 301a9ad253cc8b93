"""An episode of care begins on a signed evaluation and ends with a reason."""

from dataclasses import replace

import pytest

from services.intake import evaluation as evaluations
from services.intake.answers import DateNotYetReached
from services.intake.episode import (
    Admit,
    DateOutOfOrder,
    Discharge,
    EpisodeAlreadyBegan,
    EpisodeNotBegun,
    EvaluationOfAnother,
    PatientAlreadyDischarged,
    SameLevelOfCare,
    StepLevelOfCare,
    decider,
)
from services.intake.evaluation import EvaluationNotBegun, EvaluationNotSigned
from shared.events.intake import DischargeReason, LevelOfCare, LevelOfCareStepped, PatientDischarged
from shared.events.intake.episode import StepReason
from tests.intake.situations import (
    ADMITTED,
    EVALUATION,
    MONDAY,
    OTHER_PATIENT,
    PATIENT,
    SIGNED,
    TOMORROW,
    YESTERDAY,
    evaluated,
)
from tests.scenario import Scenario

episode = Scenario(decider)
OPEN = evaluations.decider.fold(evaluated())
WHOLE = evaluations.decider.fold([*evaluated(), SIGNED])
ADMIT = Admit(PATIENT, EVALUATION, LevelOfCare.INTENSIVE_OUTPATIENT, MONDAY, MONDAY)
DISCHARGE = Discharge(DischargeReason.COMPLETED, MONDAY, MONDAY)
DISCHARGED = PatientDischarged(PATIENT, DischargeReason.COMPLETED, MONDAY, None)


def test_a_patient_is_admitted_on_a_signed_evaluation() -> None:
    assert episode.given().when(ADMIT, WHOLE) == [ADMITTED]


def test_an_adolescent_stays_one_for_the_episode() -> None:
    (event,) = episode.given().when(ADMIT, replace(WHOLE, adolescent=True))

    assert event.adolescent


@pytest.mark.parametrize(
    ("evaluation", "refusal"),
    [
        (evaluations.decider.initial, EvaluationNotBegun),
        (OPEN, EvaluationNotSigned),
        (replace(WHOLE, patient_id=OTHER_PATIENT), EvaluationOfAnother),
    ],
)
def test_nobody_is_admitted_on_less(evaluation: evaluations.Evaluation, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        episode.given().when(ADMIT, evaluation)


def test_an_episode_begins_once_and_not_tomorrow() -> None:
    with pytest.raises(EpisodeAlreadyBegan):
        episode.given(ADMITTED).when(ADMIT, WHOLE)
    with pytest.raises(DateNotYetReached):
        episode.given().when(replace(ADMIT, admitted_on=TOMORROW), WHOLE)


def test_a_patient_steps_to_another_level_with_a_reason() -> None:
    step = StepLevelOfCare(LevelOfCare.OUTPATIENT, StepReason.GOALS_MET, MONDAY, MONDAY)

    assert episode.given(ADMITTED).when(step) == [
        LevelOfCareStepped(PATIENT, LevelOfCare.OUTPATIENT, MONDAY, StepReason.GOALS_MET)
    ]
    with pytest.raises(SameLevelOfCare):
        episode.given(ADMITTED).when(replace(step, level_of_care=LevelOfCare.INTENSIVE_OUTPATIENT))
    with pytest.raises(DateOutOfOrder):
        episode.given(ADMITTED).when(replace(step, stepped_on=YESTERDAY))


def test_a_discharge_has_a_reason_and_ends_the_episode() -> None:
    assert episode.given(ADMITTED).when(DISCHARGE) == [DISCHARGED]
    for command in (DISCHARGE, StepLevelOfCare(LevelOfCare.OUTPATIENT, StepReason.PAYER, MONDAY, MONDAY)):
        with pytest.raises(PatientAlreadyDischarged):
            episode.given(ADMITTED, DISCHARGED).when(command)


def test_nobody_is_discharged_who_was_not_admitted_or_before_it() -> None:
    with pytest.raises(EpisodeNotBegun):
        episode.given().when(DISCHARGE)
    with pytest.raises(DateOutOfOrder):
        episode.given(ADMITTED).when(replace(DISCHARGE, discharged_on=YESTERDAY))
