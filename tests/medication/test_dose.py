"""A dosing slot holds at most one administered dose, never more than ordered, and a wrong entry is voided by two people."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from services.medication import care as cares
from services.medication import order as orders
from services.medication.care import PatientDischarged
from services.medication.dose import (
    DoseAlreadyAdministered,
    DoseAlreadyRecorded,
    DoseNotDue,
    MoreThanOrdered,
    NothingOrdered,
    NotTheDosingDate,
    SplitUnknown,
    decider,
)
from services.medication.dosing_slot import slot_id
from services.medication.order import OrderMoved, OrderNotDrafted, OrderNotSigned, OrderOnHold
from shared.events.medication import (
    DoseMissed,
    DoseRefused,
    DosingAfterDischargeAllowed,
    OrderDiscontinued,
    RefusalReason,
    Rhythm,
)
from tests.medication.situations import (
    ADMINISTER,
    ADMINISTERED,
    AT_RIVERSIDE,
    DISCHARGED,
    DRAFTED,
    HELD,
    LATER_TAPER,
    MISS,
    MONDAY,
    NEW_YORK,
    ORDER,
    ORDERED,
    ORDERED_WITH_TAPER,
    PATIENT,
    REFUSE,
    SIGNED,
    STEPS,
    SUNDAY,
    TUESDAY,
    confirmed,
    taper_after,
)
from tests.scenario import Scenario

slot = Scenario(decider)
IN_CARE = cares.Care()
SPLIT = orders.decider.fold([replace(DRAFTED, split_doses_mg=(Decimal(12), Decimal(4))), SIGNED])
WEEKLY = orders.decider.fold([replace(DRAFTED, rhythm=Rhythm(7, 2, 2)), SIGNED])


def test_an_observed_dose_is_recorded_with_what_was_ordered() -> None:
    assert slot.given().when(ADMINISTER, ORDERED, IN_CARE) == [ADMINISTERED]


def test_a_second_dose_is_refused_and_says_where_and_when_the_first_was_given() -> None:
    """I8: one slot, one dose, whichever site asks."""
    elsewhere = replace(ADMINISTER, site_id="hilltop", observed_by="nurse-lee")
    with pytest.raises(DoseAlreadyAdministered) as refused:
        slot.given(ADMINISTERED).when(elsewhere, ORDERED, IN_CARE)

    assert refused.value.facts == {"given_at": "2025-03-03T14:00:00+00:00", "site_id": "riverside"}


def test_the_slot_follows_from_what_it_is() -> None:
    ids = {
        slot_id(PATIENT, ORDER, MONDAY, 1),
        slot_id(PATIENT, ORDER, MONDAY, 2),
        slot_id(PATIENT, ORDER, TUESDAY, 1),
        slot_id(ORDER, PATIENT, MONDAY, 1),
    }

    assert len(ids) == 4
    assert str(slot_id(PATIENT, ORDER, MONDAY, 1)) == "7e3bc77c-5e9e-5f4c-b701-8d7e3e341d13"


@pytest.mark.parametrize(
    ("order", "refusal"),
    [
        (None, OrderNotDrafted),
        (orders.decider.initial, OrderNotDrafted),
        (orders.decider.fold([DRAFTED]), OrderNotSigned),
        (orders.decider.fold([DRAFTED, SIGNED, HELD]), OrderOnHold),
    ],
)
@pytest.mark.parametrize("command", [ADMINISTER, REFUSE, MISS])
def test_nothing_is_dosed_on_an_order_that_is_not_in_force(
    command: object, order: orders.Order | None, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        slot.given().when(command, order, IN_CARE)


def test_nothing_is_dosed_on_a_discontinued_order() -> None:
    over = orders.decider.fold([DRAFTED, SIGNED, OrderDiscontinued("replaced", MONDAY, None)])  # type: ignore[arg-type]
    with pytest.raises(orders.OrderOver):
        slot.given().when(ADMINISTER, over, IN_CARE)


def test_less_than_ordered_may_be_given_but_never_more() -> None:
    (less,) = slot.given().when(replace(ADMINISTER, dose_mg=Decimal(8)), ORDERED, IN_CARE)
    assert (less.dose_mg, less.ordered_mg) == (Decimal(8), Decimal(16))

    with pytest.raises(MoreThanOrdered) as refused:
        slot.given().when(replace(ADMINISTER, dose_mg=Decimal("16.001")), ORDERED, IN_CARE)
    assert refused.value.facts == {"ordered_mg": "16"}


def test_each_part_of_a_split_day_has_its_own_limit() -> None:
    second = replace(AT_RIVERSIDE, split=2)
    assert slot.given().when(replace(ADMINISTER, place=second, dose_mg=Decimal(4)), SPLIT, IN_CARE)

    with pytest.raises(MoreThanOrdered):
        slot.given().when(replace(ADMINISTER, place=second, dose_mg=Decimal(12)), SPLIT, IN_CARE)
    for split in (0, 3):
        with pytest.raises(SplitUnknown):
            slot.given().when(replace(ADMINISTER, place=replace(AT_RIVERSIDE, split=split)), SPLIT, IN_CARE)


def test_the_order_has_no_dose_before_it_starts_or_after_it_ends() -> None:
    ending = orders.decider.fold([replace(DRAFTED, ends_on=MONDAY), SIGNED])

    with pytest.raises(DoseNotDue):
        slot.given().when(
            replace(ADMINISTER, place=replace(AT_RIVERSIDE, dosing_on=SUNDAY, on=SUNDAY)), ORDERED, IN_CARE
        )
    with pytest.raises(DoseNotDue):
        slot.given().when(
            replace(ADMINISTER, place=replace(AT_RIVERSIDE, dosing_on=TUESDAY, on=TUESDAY)), ending, IN_CARE
        )


def test_a_daily_dose_belongs_to_its_own_date() -> None:
    with pytest.raises(NotTheDosingDate) as refused:
        slot.given().when(replace(ADMINISTER, place=replace(AT_RIVERSIDE, on=TUESDAY)), ORDERED, IN_CARE)

    assert refused.value.facts == {"local_date": "2025-03-04", "zone": NEW_YORK}


@pytest.mark.parametrize(("days", "allowed"), [(-3, False), (-2, True), (0, True), (2, True), (3, False)])
def test_a_weekly_depot_has_a_window(days: int, *, allowed: bool) -> None:
    due_on = MONDAY + timedelta(days=7)
    place = replace(AT_RIVERSIDE, dosing_on=due_on, on=due_on + timedelta(days=days))

    if allowed:
        assert slot.given().when(replace(ADMINISTER, place=place), WEEKLY, IN_CARE)
    else:
        with pytest.raises(NotTheDosingDate):
            slot.given().when(replace(ADMINISTER, place=place), WEEKLY, IN_CARE)


def test_a_weekly_depot_is_due_every_seventh_day_only() -> None:
    place = replace(AT_RIVERSIDE, dosing_on=TUESDAY, on=TUESDAY)

    with pytest.raises(DoseNotDue):
        slot.given().when(replace(ADMINISTER, place=place), WEEKLY, IN_CARE)


def test_a_dose_in_the_window_counts_for_the_date_it_was_due() -> None:
    assert WEEKLY.prescription is not None
    due_on = MONDAY + timedelta(days=7)

    assert [WEEKLY.prescription.dosing_date(due_on + timedelta(days=days)) for days in (-2, 0, 2)] == [due_on] * 3
    assert WEEKLY.prescription.dosing_date(due_on + timedelta(days=3)) == due_on + timedelta(days=3)
    assert WEEKLY.prescription.dosing_date(SUNDAY) == MONDAY


def test_after_discharge_nothing_is_given_without_an_exception() -> None:
    discharged = cares.decider.fold([DISCHARGED])
    on_tuesday = replace(ADMINISTER, place=replace(AT_RIVERSIDE, dosing_on=TUESDAY, on=TUESDAY))

    assert slot.given().when(ADMINISTER, ORDERED, discharged)
    with pytest.raises(PatientDischarged):
        slot.given().when(on_tuesday, ORDERED, discharged)
    allowed = cares.decider.fold([DISCHARGED, DosingAfterDischargeAllowed(PATIENT, ORDER, TUESDAY, "bridge")])
    assert slot.given().when(on_tuesday, ORDERED, allowed)


def test_a_taper_says_how_much_is_given() -> None:
    first = STEPS[0].starts_on
    taper = taper_after(confirmed(1))
    tapered = replace(ADMINISTER, place=replace(AT_RIVERSIDE, dosing_on=first, on=first), dose_mg=Decimal(14))

    (event,) = slot.given().when(tapered, ORDERED_WITH_TAPER, IN_CARE, taper)
    assert (event.ordered_mg, event.taper_id) == (Decimal(14), taper.taper_id)
    with pytest.raises(MoreThanOrdered):
        slot.given().when(replace(tapered, dose_mg=Decimal(16)), ORDERED_WITH_TAPER, IN_CARE, taper)


def test_an_unconfirmed_step_does_not_lower_the_dose() -> None:
    assert slot.given().when(ADMINISTER, ORDERED_WITH_TAPER, IN_CARE, taper_after())[0].ordered_mg == Decimal(16)


def test_a_taper_that_reached_zero_leaves_nothing_to_give() -> None:
    to_zero = replace(
        taper_after(),
        steps=tuple(replace(one, dose_mg=Decimal(0), effective_on=one.starts_on) for one in taper_after().steps),
    )

    with pytest.raises(NothingOrdered):
        slot.given().when(ADMINISTER, ORDERED_WITH_TAPER, IN_CARE, to_zero)


@pytest.mark.parametrize("taper", [None, replace(taper_after(), taper_id=LATER_TAPER)])
def test_a_taper_that_was_not_looked_at_is_not_guessed(taper: object) -> None:
    with pytest.raises(OrderMoved):
        slot.given().when(ADMINISTER, ORDERED_WITH_TAPER, IN_CARE, taper)


def test_a_refused_dose_may_still_be_given_later_that_day() -> None:
    (refused,) = slot.given().when(REFUSE, ORDERED, IN_CARE)
    assert isinstance(refused, DoseRefused)
    assert refused.reason is RefusalReason.FEELS_UNWELL

    assert slot.given(refused).when(ADMINISTER, ORDERED, IN_CARE) == [ADMINISTERED]


def test_a_dose_recorded_as_missed_may_be_entered_late() -> None:
    (missed,) = slot.given().when(MISS, ORDERED, IN_CARE)
    assert isinstance(missed, DoseMissed)

    assert slot.given(missed).when(ADMINISTER, ORDERED, IN_CARE) == [ADMINISTERED]


def test_a_dose_that_was_given_is_neither_refused_nor_missed() -> None:
    for command in (REFUSE, MISS):
        with pytest.raises(DoseAlreadyAdministered):
            slot.given(ADMINISTERED).when(command, ORDERED, IN_CARE)


def test_a_dose_is_missed_once() -> None:
    (missed,) = slot.given().when(MISS, ORDERED, IN_CARE)
    for command in (REFUSE, MISS):
        with pytest.raises(DoseAlreadyRecorded):
            slot.given(missed).when(command, ORDERED, IN_CARE)


def test_tomorrows_dose_is_not_missed_today() -> None:
    with pytest.raises(NotTheDosingDate):
        slot.given().when(replace(MISS, place=replace(AT_RIVERSIDE, dosing_on=TUESDAY)), ORDERED, IN_CARE)
    late = replace(MISS, place=replace(AT_RIVERSIDE, on=TUESDAY))
    assert slot.given().when(late, ORDERED, IN_CARE)
