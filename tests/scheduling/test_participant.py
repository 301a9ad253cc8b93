"""What scheduling hears of a patient, and what it then lets through."""

from uuid import UUID

import pytest

from services.scheduling.gates import Gate
from services.scheduling.participant import (
    BeginCare,
    CloseDetoxGate,
    EndCare,
    Meet,
    OpenDetoxGate,
    Participant,
    TakeUpPlan,
    decider,
    standing,
)
from services.scheduling.passage import (
    DetoxGateStands,
    Override,
    PatientNotInCare,
    PatientNotKnown,
    PlanNotActive,
    passed,
)
from shared.events.scheduling import (
    CareBegan,
    CareEnded,
    DetoxGateClosed,
    DetoxGateOpened,
    GateOpening,
    Modality,
    ParticipantMet,
    PlanTookEffect,
)
from shared.failures import Refused
from tests.scenario import Scenario
from tests.scheduling.situations import ANNA, EPISODE, MONDAY, PHYSICIAN, PLAN, POLICIES, has_plan, in_care, met, ready

participant = Scenario(decider)
closed = DetoxGateClosed(ANNA)
BOOKING = POLICIES.booking


def test_what_is_heard_is_written_down_once() -> None:
    assert participant.given().when(Meet(ANNA)) == [ParticipantMet(ANNA)]
    assert participant.given(met).when(Meet(ANNA)) == []
    assert participant.given(met).when(BeginCare(ANNA, EPISODE, MONDAY)) == [CareBegan(ANNA, EPISODE, MONDAY)]
    assert participant.given(met).when(CloseDetoxGate(ANNA)) == [closed]
    assert participant.given(met, closed).when(CloseDetoxGate(ANNA)) == []
    assert participant.given(met, closed).when(OpenDetoxGate(ANNA, GateOpening.COMPLETED)) == [
        DetoxGateOpened(ANNA, GateOpening.COMPLETED)
    ]
    assert participant.given(met, in_care).when(TakeUpPlan(ANNA, PLAN, 1, MONDAY)) == [
        PlanTookEffect(ANNA, PLAN, 1, MONDAY)
    ]


def test_a_discharge_ends_care_and_plan() -> None:
    ended = participant.given(met, in_care, has_plan).when(EndCare(ANNA, EPISODE, MONDAY))

    assert ended == [CareEnded(ANNA, EPISODE, MONDAY)]
    assert standing(decider.fold([met, in_care, has_plan, *ended]), list(Gate)) == (Gate.CARE, Gate.PLAN)


def test_news_of_an_earlier_episode_does_not_end_the_present_one() -> None:
    assert participant.given(met, in_care).when(EndCare(ANNA, UUID(int=1), MONDAY)) == []


def test_a_patient_who_is_ready_passes_every_gate() -> None:
    for modality in Modality:
        assert passed(ready, modality, BOOKING, None, "patient_ids[0]") == ()


@pytest.mark.parametrize(
    ("history", "modality", "refusal"),
    [
        ((), Modality.INDIVIDUAL, PatientNotKnown),
        ((), Modality.SUPPORT_GROUP, PatientNotKnown),
        ((met,), Modality.INDIVIDUAL, PatientNotInCare),
        ((met, in_care, has_plan, closed), Modality.GROUP, DetoxGateStands),
        ((met, in_care, has_plan, closed), Modality.CAM, DetoxGateStands),
        ((met, in_care), Modality.GROUP, PlanNotActive),
        ((met, in_care), Modality.SKILLS, PlanNotActive),
    ],
)
def test_a_standing_gate_refuses(history: tuple[object, ...], modality: Modality, refusal: type[Refused]) -> None:
    with pytest.raises(refusal):
        passed(decider.fold(history), modality, BOOKING, None, "patient_ids[0]")


def test_the_detox_gate_does_not_keep_a_patient_from_individual_therapy() -> None:
    assert passed(decider.fold([met, in_care, closed]), Modality.INDIVIDUAL, BOOKING, None, "patient_ids[0]") == ()


def test_an_override_names_every_gate_that_stood_in_the_way() -> None:
    override = Override(PHYSICIAN, "Stable on buprenorphine, seen this morning")

    assert passed(decider.fold([met, closed]), Modality.GROUP, BOOKING, override, "patient_ids[0]") == (
        Gate.CARE,
        Gate.DETOX,
        Gate.PLAN,
    )


def test_nobody_overrides_an_unknown_patient() -> None:
    with pytest.raises(PatientNotKnown):
        passed(Participant(), Modality.GROUP, BOOKING, Override(PHYSICIAN, "A reason"), "patient_ids[0]")
