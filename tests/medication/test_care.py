"""What intake says about a patient's care decides whether doses go on."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from services.medication.care import (
    AllowDosing,
    BeginCare,
    Care,
    EndCare,
    ExceptionTooLong,
    PatientNotDischarged,
    decider,
)
from shared.events.medication import CareBegan, DosingAfterDischargeAllowed
from tests.medication.situations import AFTER_DISCHARGE, DISCHARGED, EPISODE, MONDAY, ORDER, PATIENT, TUESDAY
from tests.scenario import Scenario

care = Scenario(decider)
BEGAN = CareBegan(PATIENT, EPISODE, MONDAY)
END = EndCare(PATIENT, EPISODE, MONDAY, "completed")
ALLOW = AllowDosing(PATIENT, ORDER, TUESDAY, "bridge to the next provider", AFTER_DISCHARGE)


def test_intakes_word_is_repeated_once() -> None:
    assert care.given().when(BeginCare(PATIENT, EPISODE, MONDAY)) == [BEGAN]
    assert care.given(BEGAN).when(BeginCare(PATIENT, EPISODE, MONDAY)) == []
    assert care.given(BEGAN).when(END) == [DISCHARGED]
    assert care.given(BEGAN, DISCHARGED).when(END) == []


def test_a_discharge_is_heard_although_the_admission_was_not() -> None:
    assert care.given().when(END) == [DISCHARGED]


def test_the_end_of_an_earlier_episode_does_not_end_this_one() -> None:
    later = replace(BEGAN, episode_id=UUID(int=99))

    assert care.given(BEGAN, later).when(END) == []


def test_readmission_ends_the_need_for_exceptions() -> None:
    again = BeginCare(PATIENT, UUID(int=99), TUESDAY)
    (event,) = care.given(BEGAN, DISCHARGED).when(again)

    assert decider.fold([BEGAN, DISCHARGED, event]) == Care(decider.fold([BEGAN]).status, UUID(int=99))


def test_a_prescriber_lets_one_order_go_on_for_some_days() -> None:
    assert care.given(DISCHARGED).when(ALLOW) == [
        DosingAfterDischargeAllowed(PATIENT, ORDER, TUESDAY, "bridge to the next provider")
    ]


def test_an_exception_is_for_the_discharged_only() -> None:
    with pytest.raises(PatientNotDischarged):
        care.given(BEGAN).when(ALLOW)


@pytest.mark.parametrize(("days", "allowed"), [(0, False), (1, True), (14, True), (15, False)])
def test_an_exception_is_short(days: int, *, allowed: bool) -> None:
    until = replace(ALLOW, until_on=MONDAY + timedelta(days=days))

    if allowed:
        assert care.given(DISCHARGED).when(until)
    else:
        with pytest.raises(ExceptionTooLong):
            care.given(DISCHARGED).when(until)
