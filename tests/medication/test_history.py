"""A date belongs to the order of a substance that was dosed first on it."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from services.medication.history import (
    KEPT_DAYS,
    AllowSecondOrder,
    AnotherOrderDosedToday,
    CountDose,
    EnteredTooLate,
    Taken,
    UncountDose,
    decider,
    history_id,
)
from services.medication.product import DAILY
from services.medication.resumption import Course
from services.medication.window_policies import window_policies
from shared.events.medication import MedicineTaken, SecondOrderAllowed
from tests.medication.situations import DOSE, MONDAY, ORDER, PATIENT, TUESDAY
from tests.scenario import Scenario

history = Scenario(decider)
OTHER_ORDER, OTHER_DOSE = UUID(int=60), UUID(int=61)
TAKEN = Taken(ORDER, MONDAY, MONDAY, Decimal(16))
COURSE = Course(TAKEN.order_id, DAILY, TAKEN.dosing_on, None)
COUNT = CountDose(PATIENT, "buprenorphine", DOSE, TAKEN, "riverside", window_policies().one_order, COURSE)
OTHER = replace(COUNT, dose_id=OTHER_DOSE, taken=replace(TAKEN, order_id=OTHER_ORDER))
(COUNTED,) = history.given().when(COUNT)


def test_every_medicine_with_the_same_substance_is_one_history() -> None:
    policy = window_policies().one_order

    assert policy.substance_of("buprenorphine-naloxone") == policy.substance_of("buprenorphine")
    assert policy.substance_of("methadone") == "methadone"
    assert str(history_id(PATIENT, "methadone")) == "79076300-fcfa-5891-b53c-1b9075bf828a"


def test_a_second_order_is_not_dosed_on_the_same_date_and_the_refusal_names_the_rule() -> None:
    """I8: the replaced order's dose and its successor's."""
    with pytest.raises(AnotherOrderDosedToday) as refused:
        history.given(COUNTED).when(OTHER)

    assert refused.value.facts["order_id"] == str(ORDER)
    assert {"rule", "rule_version", "source", "may_override"} <= refused.value.facts.keys()
    assert history.given(COUNTED).when(replace(OTHER, taken=Taken(OTHER_ORDER, TUESDAY, TUESDAY, Decimal(16))))


def test_a_dose_given_late_takes_up_the_day_on_which_it_was_given() -> None:
    (late,) = history.given().when(replace(COUNT, taken=replace(TAKEN, taken_on=TUESDAY)))
    with pytest.raises(AnotherOrderDosedToday):
        history.given(late).when(replace(OTHER, taken=Taken(OTHER_ORDER, TUESDAY, TUESDAY, Decimal(16))))


def test_other_parts_of_the_same_order_s_day_are_no_second_order() -> None:
    (second,) = history.given(COUNTED).when(replace(COUNT, dose_id=OTHER_DOSE))

    assert isinstance(second, MedicineTaken)


def test_a_named_physician_lets_a_second_order_be_dosed() -> None:
    allow = AllowSecondOrder(PATIENT, "buprenorphine", OTHER_ORDER, MONDAY, "prescriber-1", "Vomited.")
    (allowed,) = history.given(COUNTED).when(allow)

    assert allowed == SecondOrderAllowed(PATIENT, "buprenorphine", OTHER_ORDER, MONDAY, "prescriber-1", "Vomited.")
    assert history.given(COUNTED, allowed).when(OTHER)


def test_broken_glass_names_the_physician_too() -> None:
    allowed, taken = history.given(COUNTED).when(replace(OTHER, allowed_by="prescriber-2", reason="Snowed in."))

    assert isinstance(allowed, SecondOrderAllowed)
    assert allowed.physician == "prescriber-2"
    assert isinstance(taken, MedicineTaken)


def test_a_voided_dose_frees_the_date() -> None:
    (gone,) = history.given(COUNTED).when(UncountDose(PATIENT, "buprenorphine", DOSE, "riverside"))

    assert history.given(COUNTED, gone).when(OTHER)
    assert history.given().when(UncountDose(PATIENT, "buprenorphine", DOSE, "riverside")) == []


def test_what_lies_too_far_back_is_forgotten_and_no_longer_entered() -> None:
    far = Taken(ORDER, MONDAY + timedelta(days=KEPT_DAYS + 1), MONDAY + timedelta(days=KEPT_DAYS + 1), Decimal(16))
    (newest,) = history.given(COUNTED).when(replace(COUNT, dose_id=OTHER_DOSE, taken=far))

    assert set(history.given(COUNTED, newest).state.doses) == {OTHER_DOSE}
    with pytest.raises(EnteredTooLate):
        history.given(COUNTED, newest).when(replace(COUNT, dose_id=UUID(int=62)))
