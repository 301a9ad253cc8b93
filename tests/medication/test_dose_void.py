"""A dose that never was is voided by two people; until then it counts."""

from decimal import Decimal

import pytest

from services.medication import care as cares
from services.medication.dose import (
    ConfirmVoid,
    DoseAlreadyAdministered,
    DoseNotAdministered,
    RequestVoid,
    SecondPersonNeeded,
    VoidNotRequested,
    decider,
)
from shared.events.medication import (
    DoseVoided,
    DoseVoidRequested,
    VoidReason,
)
from tests.medication.situations import (
    ADMINISTER,
    ADMINISTERED,
    ORDERED,
)
from tests.scenario import Scenario

slot = Scenario(decider)
IN_CARE = cares.Care()
VOID_REQUESTED = DoseVoidRequested(VoidReason.WRONG_PATIENT, "nurse-kim", None)


def test_two_people_void_a_dose_and_the_slot_is_free_again() -> None:
    asked = slot.given(ADMINISTERED)
    assert asked.when(RequestVoid(VoidReason.WRONG_PATIENT, "nurse-kim", None)) == [VOID_REQUESTED]

    (voided,) = asked.given(VOID_REQUESTED).when(ConfirmVoid("nurse-lee"))
    assert isinstance(voided, DoseVoided)
    assert (voided.dose_mg, voided.requested_by, voided.confirmed_by) == (Decimal(16), "nurse-kim", "nurse-lee")
    assert asked.given(VOID_REQUESTED, voided).when(ADMINISTER, ORDERED, IN_CARE) == [ADMINISTERED]


def test_one_person_alone_voids_nothing() -> None:
    with pytest.raises(SecondPersonNeeded):
        slot.given(ADMINISTERED, VOID_REQUESTED).when(ConfirmVoid("nurse-kim"))
    with pytest.raises(VoidNotRequested):
        slot.given(ADMINISTERED).when(ConfirmVoid("nurse-lee"))


def test_a_dose_with_an_open_void_request_still_counts() -> None:
    with pytest.raises(DoseAlreadyAdministered):
        slot.given(ADMINISTERED, VOID_REQUESTED).when(ADMINISTER, ORDERED, IN_CARE)


def test_there_is_nothing_to_void_where_nothing_was_given() -> None:
    for command in (RequestVoid(VoidReason.ENTERED_IN_ERROR, "nurse-kim", None), ConfirmVoid("nurse-lee")):
        with pytest.raises(DoseNotAdministered):
            slot.given().when(command)
