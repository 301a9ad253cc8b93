"""An assessment is scored here; a danger sign stays open until a clinician says what was done."""

import pytest

from services.intake import patient as patients
from services.intake.assessment import (
    Assess,
    AssessmentAlreadyRecorded,
    AssessmentIsRetracted,
    AssessmentNotRecorded,
    CloseDangerSign,
    DangerSignNotOpen,
    LanguageNotOffered,
    ModeNotOffered,
    Retract,
    decider,
)
from services.intake.patient import PatientNotRegistered
from shared.events.intake import AssessmentRetracted, DangerSignClosed, DangerSignRaised, InstrumentScored
from shared.events.intake.assessment import AssessmentMode, ItemAnswer, Measure
from tests.intake.situations import DATA, PATIENT, registered
from tests.scenario import Scenario

assessment = Scenario(decider)
KNOWN = patients.decider.fold([registered()])
PHQ_9 = DATA.instrument("phq-9")
COWS = DATA.instrument("cows")


def phq(values: dict[str, int], language: str = "en") -> Assess:
    return Assess(PATIENT, PHQ_9, language, AssessmentMode.SELF_REPORT, values)


CALM = {item.id: 0 for item in PHQ_9.scored}


def test_the_answers_are_kept_with_the_score_in_the_instruments_order() -> None:
    (event,) = assessment.given().when(phq(CALM | {"mood": 2}), KNOWN)

    assert isinstance(event, InstrumentScored)
    assert (event.total, event.band, event.instrument_version) == (2, "minimal", 1)
    assert event.answers[:2] == (ItemAnswer("interest", 0), ItemAnswer("mood", 2))


def test_the_raw_pulse_is_kept_beside_the_derived_score() -> None:
    command = Assess(PATIENT, COWS, "en", AssessmentMode.CLINICIAN, {}, {"pulse_bpm": 104})

    (event,) = assessment.given().when(command, KNOWN)

    assert event.measures == (Measure("pulse_bpm", 104),)
    assert event.answers == (ItemAnswer("pulse", 2),)
    assert event.total is None


def test_a_thought_of_self_harm_raises_a_danger_sign_in_the_same_act() -> None:
    _, sign = assessment.given().when(phq(CALM | {"self-harm": 1}), KNOWN)

    assert isinstance(sign, DangerSignRaised)
    assert (sign.sign, sign.item) == ("suicide-risk", "self-harm")


def raised() -> tuple[object, ...]:
    return tuple(assessment.given().when(phq(CALM | {"self-harm": 1}), KNOWN))


def test_a_danger_sign_is_closed_by_saying_what_was_done() -> None:
    close = CloseDangerSign("suicide-risk", "Screened; safety plan made with her sister.")

    events = assessment.given(*raised()).when(close)

    assert events == [DangerSignClosed("suicide-risk", "Screened; safety plan made with her sister.")]
    with pytest.raises(DangerSignNotOpen):
        assessment.given(*raised(), *events).when(close)


def test_a_retracted_assessment_does_not_count_and_keeps_no_sign_open() -> None:
    events = assessment.given(*raised()).when(Retract("Wrong patient."))

    assert events == [AssessmentRetracted("Wrong patient.")]
    assert decider.fold([*raised(), *events]).open_signs == frozenset()
    with pytest.raises(AssessmentIsRetracted):
        assessment.given(*raised(), *events).when(CloseDangerSign("suicide-risk", "Seen."))


def test_an_assessment_is_recorded_once_for_somebody_who_is_known() -> None:
    with pytest.raises(AssessmentAlreadyRecorded):
        assessment.given(*raised()).when(phq(CALM), KNOWN)
    with pytest.raises(PatientNotRegistered):
        assessment.given().when(phq(CALM), patients.decider.initial)
    with pytest.raises(AssessmentNotRecorded):
        assessment.given().when(Retract("Nothing there."))


def test_an_instrument_is_used_as_it_was_made() -> None:
    with pytest.raises(LanguageNotOffered):
        assessment.given().when(phq(CALM, "de"), KNOWN)
    with pytest.raises(ModeNotOffered):
        assessment.given().when(Assess(PATIENT, COWS, "en", AssessmentMode.SELF_REPORT, {}), KNOWN)
