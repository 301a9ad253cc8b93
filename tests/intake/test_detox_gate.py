"""The detox gate is put up by evaluation or score and left by three ways."""

from dataclasses import replace

import pytest

from services.intake import evaluation as evaluations
from services.intake.answers import DateNotYetReached
from services.intake.detox_gate import (
    CompleteWithdrawalManagement,
    DetoxGateNotStanding,
    HeedEvaluation,
    HeedScore,
    Override,
    ReferOut,
    Status,
    decider,
)
from services.intake.evaluation import CLINICAL_JUDGEMENT
from shared.events.intake import (
    DetoxGateOverridden,
    ReferredForWithdrawalManagement,
    WithdrawalManagementCompleted,
    WithdrawalManagementRequired,
)
from shared.events.intake.detox_gate import GateBasis
from shared.events.intake.substances import Substance
from tests.intake.situations import (
    ASSESSMENT,
    DATA,
    EVALUATION,
    HEAVY_DRINKING,
    MONDAY,
    PATIENT,
    TOMORROW,
    evaluated,
    substances,
)
from tests.scenario import Scenario

gate = Scenario(decider)
CALM = evaluations.decider.fold(evaluated())
DRINKING = evaluations.decider.fold(evaluated(substances(HEAVY_DRINKING)))
REQUIRED = WithdrawalManagementRequired(
    patient_id=PATIENT,
    basis=GateBasis.EVALUATION,
    evidence_id=EVALUATION,
    substances=(Substance.ALCOHOL,),
    rules=("alcohol-daily-heavy",),
    policy_id="withdrawal-management",
    policy_version=1,
)


HEED = HeedEvaluation(PATIENT, EVALUATION, DATA.withdrawal, MONDAY)


def judged(evaluation: evaluations.Evaluation) -> evaluations.Evaluation:
    return replace(evaluation, judged_in_need=True)


def cows(**answers: int) -> HeedScore:
    whole = {item.id: 0 for item in DATA.instrument("cows").items if item.id != "pulse"} | answers
    return HeedScore(PATIENT, ASSESSMENT, DATA.withdrawal, DATA.instrument("cows"), whole, {"pulse_bpm": 130})


def test_an_evaluation_with_heavy_drinking_puts_up_the_gate() -> None:
    assert gate.given().when(HEED, DRINKING) == [REQUIRED]


def test_an_evaluation_without_need_leaves_no_gate() -> None:
    assert gate.given().when(HEED, CALM) == []


def test_the_clinicians_judgement_puts_up_the_gate() -> None:
    (event,) = gate.given().when(HEED, judged(CALM))

    assert event.rules == (CLINICAL_JUDGEMENT,)


def test_hearing_the_same_again_does_nothing() -> None:
    completed = WithdrawalManagementCompleted(PATIENT, MONDAY)

    assert gate.given(REQUIRED).when(HEED, DRINKING) == []
    assert gate.given(REQUIRED, completed).when(HEED, DRINKING) == []


def test_hearing_more_after_an_amendment_puts_it_up_again() -> None:
    completed = WithdrawalManagementCompleted(PATIENT, MONDAY)

    (event,) = gate.given(REQUIRED, completed).when(HEED, judged(DRINKING))

    assert decider.fold([REQUIRED, completed, event]).status is Status.REQUIRED


def test_a_high_cows_score_puts_up_the_gate() -> None:
    (event,) = gate.given().when(cows(sweating=4, restlessness=5, pupils=5, aches=4, stomach=5))

    assert (event.basis, event.rules, event.substances) == (
        GateBasis.SCORE,
        ("cows-moderately-severe",),
        (Substance.OPIOIDS,),
    )


def test_a_low_or_incomplete_score_does_not() -> None:
    incomplete = HeedScore(PATIENT, ASSESSMENT, DATA.withdrawal, DATA.instrument("cows"), {"pupils": 5}, {})

    assert gate.given().when(cows(sweating=4)) == []
    assert gate.given().when(incomplete) == []


@pytest.mark.parametrize(
    ("command", "event", "status"),
    [
        (
            CompleteWithdrawalManagement(PATIENT, MONDAY, MONDAY),
            WithdrawalManagementCompleted(PATIENT, MONDAY),
            Status.COMPLETED,
        ),
        (
            ReferOut(PATIENT, MONDAY, "County hospital, unit 4", MONDAY),
            ReferredForWithdrawalManagement(PATIENT, MONDAY, "County hospital, unit 4"),
            Status.REFERRED_OUT,
        ),
        (
            Override(PATIENT, "Last drink nine days ago, seen daily."),
            DetoxGateOverridden(PATIENT, "Last drink nine days ago, seen daily."),
            Status.OVERRIDDEN,
        ),
    ],
)
def test_the_gate_is_left_by_three_ways(command: object, event: object, status: Status) -> None:
    assert gate.given(REQUIRED).when(command) == [event]
    assert decider.fold([REQUIRED, event]).status is status
    with pytest.raises(DetoxGateNotStanding):
        gate.given(REQUIRED, event).when(command)
    with pytest.raises(DetoxGateNotStanding):
        gate.given().when(command)


def test_nothing_is_completed_tomorrow() -> None:
    with pytest.raises(DateNotYetReached):
        gate.given(REQUIRED).when(CompleteWithdrawalManagement(PATIENT, TOMORROW, MONDAY))
    with pytest.raises(DateNotYetReached):
        gate.given(REQUIRED).when(ReferOut(PATIENT, TOMORROW, "County hospital", MONDAY))
