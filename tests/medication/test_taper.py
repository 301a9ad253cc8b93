"""A taper starts, each step is confirmed and taken, it waits and goes on, and it ends at the target or before."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from services.medication import order as orders
from services.medication.order import DoseNotDispensable, OrderMoved, OrderNotSigned
from services.medication.taper import (
    ConfirmedTooEarly,
    ReportStepTaken,
    StepAlreadyTaken,
    StepNotConfirmed,
    StepNotNext,
    StopTaper,
    TakeStep,
    TaperNotStarted,
    decider,
)
from services.medication.taper_going import DateBeforeStep, DateNotYetReached
from services.medication.taper_start import (
    DoseRises,
    OrderHasTaper,
    StartsTooLongAgo,
    StepsOutOfOrder,
    StepTooFarAhead,
    TaperAlreadyStarted,
    TaperNeedsOneDoseADay,
    TargetNotReached,
)
from shared.events.medication import (
    PlannedStep,
    Rhythm,
    TaperCompleted,
    TaperStopped,
    TaperStopReason,
)
from tests.medication.situations import (
    DOSE,
    DRAFTED,
    LATER_TAPER,
    MONDAY,
    ORDER,
    ORDERED,
    ORDERED_WITH_TAPER,
    SIGNED,
    START,
    STARTED,
    STEPS,
    SUNDAY,
    TAPER,
    TUESDAY,
    confirm,
    confirmed,
    held,
    hold,
    resume,
    taken,
    taper_after,
)
from tests.scenario import Scenario

taper = Scenario(decider)
WEEK = timedelta(weeks=1)
FIRST, SECOND, THIRD, LAST = (one.starts_on for one in STEPS)
STOP = StopTaper(TaperStopReason.STAYS_AT_THIS_DOSE, SECOND, SECOND)
STOPPED = TaperStopped(ORDER, "buprenorphine-naloxone", TaperStopReason.STAYS_AT_THIS_DOSE, Decimal(12), SECOND, None)
COMPLETED = TaperCompleted(ORDER, "buprenorphine-naloxone", Decimal(4), LAST)


def steps(*doses_mg: str) -> tuple[PlannedStep, ...]:
    """One step a week from Monday."""
    return tuple(PlannedStep(MONDAY + WEEK * index, Decimal(one)) for index, one in enumerate(doses_mg))


def test_a_taper_starts_from_what_the_order_gives() -> None:
    assert taper.given().when(START, ORDERED) == [STARTED]


def test_a_step_may_keep_the_dose_but_never_raise_it() -> None:
    assert taper.given().when(replace(START, steps=steps("16", "14", "14", "4")), ORDERED)

    with pytest.raises(DoseRises) as refused:
        taper.given().when(replace(START, steps=steps("14", "16", "4")), ORDERED)
    assert refused.value.field == "steps[1].dose_mg"
    with pytest.raises(DoseRises) as refused:
        taper.given().when(replace(START, steps=steps("18", "4")), ORDERED)
    assert refused.value.facts == {"before_mg": "16"}


def test_every_step_can_be_handed_out() -> None:
    with pytest.raises(DoseNotDispensable) as refused:
        taper.given().when(replace(START, steps=steps("14", "13", "4")), ORDERED)

    assert refused.value.field == "steps[1].dose_mg"


def test_the_last_step_is_the_target() -> None:
    with pytest.raises(TargetNotReached):
        taper.given().when(replace(START, target_dose_mg=Decimal(0)), ORDERED)


@pytest.mark.parametrize("second_on", [MONDAY, SUNDAY])
def test_steps_follow_one_another(second_on: date) -> None:
    wrong = (PlannedStep(MONDAY, Decimal(14)), PlannedStep(second_on, Decimal(4)))
    with pytest.raises(StepsOutOfOrder) as refused:
        taper.given().when(replace(START, steps=wrong), ORDERED)

    assert refused.value.field == "steps[1].starts_on"


def test_a_taper_does_not_start_before_its_order() -> None:
    with pytest.raises(StepsOutOfOrder):
        taper.given().when(replace(START, steps=(PlannedStep(SUNDAY, Decimal(4)),)), ORDERED)


@pytest.mark.parametrize(("days", "too_long"), [(60, False), (61, True)])
def test_a_taper_is_not_entered_long_after_it_began(days: int, *, too_long: bool) -> None:
    command = replace(START, today=MONDAY + timedelta(days=days))

    if too_long:
        with pytest.raises(StartsTooLongAgo):
            taper.given().when(command, ORDERED)
    else:
        assert taper.given().when(command, ORDERED)


def test_only_a_signed_order_of_one_dose_a_day_is_tapered() -> None:
    with pytest.raises(OrderNotSigned):
        taper.given().when(START, orders.decider.fold([DRAFTED]))
    split = orders.decider.fold([replace(DRAFTED, split_doses_mg=(Decimal(8), Decimal(8))), SIGNED])
    weekly = orders.decider.fold([replace(DRAFTED, rhythm=Rhythm(7, 2, 2)), SIGNED])
    for order in (split, weekly):
        with pytest.raises(TaperNeedsOneDoseADay):
            taper.given().when(START, order)


def test_an_order_has_one_taper_at_a_time() -> None:
    later = replace(START, taper_id=LATER_TAPER, steps=steps("10", "4"))

    with pytest.raises(OrderHasTaper):
        taper.given().when(later, ORDERED_WITH_TAPER, taper_after())
    with pytest.raises(OrderMoved):
        taper.given().when(later, ORDERED_WITH_TAPER)


def test_a_later_taper_starts_where_the_earlier_one_stopped() -> None:
    earlier = taper_after(confirmed(1), confirmed(2), STOPPED)
    later = replace(
        START, taper_id=LATER_TAPER, steps=(PlannedStep(LAST, Decimal(10)), PlannedStep(LAST + WEEK, Decimal(4)))
    )

    (event,) = taper.given().when(later, ORDERED_WITH_TAPER, earlier)
    assert event.start_dose_mg == Decimal(12)


def test_an_id_is_used_for_one_taper_only() -> None:
    with pytest.raises(TaperAlreadyStarted):
        taper.given(STARTED).when(START, ORDERED)


def test_nothing_happens_to_a_taper_that_is_not_there() -> None:
    for command in (confirm(1, MONDAY), hold(MONDAY), resume(MONDAY), STOP, TakeStep(DOSE, MONDAY)):
        with pytest.raises(TaperNotStarted):
            taper.given().when(command)


def test_a_confirmed_step_begins_on_its_date() -> None:
    assert taper.given(STARTED).when(confirm(1, MONDAY)) == [confirmed(1)]
    assert taper.given(STARTED, confirmed(1)).when(confirm(2, TUESDAY)) == [confirmed(2)]


def test_a_step_confirmed_late_begins_late_and_the_rest_moves_along() -> None:
    (event,) = taper.given(STARTED, confirmed(1)).when(confirm(2, SECOND + timedelta(days=3)))
    assert event == confirmed(2, effective_on=SECOND + timedelta(days=3))

    course = taper_after(confirmed(1), event)
    assert [one.starts_on for one in course.steps] == [FIRST, *(on + timedelta(days=3) for on in (SECOND, THIRD, LAST))]
    assert course.dose_on(SECOND + timedelta(days=2)) == Decimal(14)
    assert course.dose_on(SECOND + timedelta(days=3)) == Decimal(12)


def test_steps_are_confirmed_one_after_the_other() -> None:
    with pytest.raises(StepNotNext) as refused:
        taper.given(STARTED).when(confirm(2, MONDAY))
    assert refused.value.facts == {"next_step": 1}
    with pytest.raises(StepNotNext):
        taper.given(STARTED, confirmed(1)).when(confirm(1, MONDAY))
    with pytest.raises(StepNotNext) as refused:
        taper.given(STARTED, *(confirmed(one) for one in (1, 2, 3, 4))).when(confirm(5, LAST))
    assert refused.value.facts == {"next_step": None}


@pytest.mark.parametrize(("days", "early"), [(14, False), (15, True)])
def test_an_assessment_is_not_too_old_when_the_step_begins(days: int, *, early: bool) -> None:
    on = MONDAY - timedelta(days=days)

    if early:
        with pytest.raises(ConfirmedTooEarly):
            taper.given(STARTED).when(confirm(1, on))
    else:
        assert taper.given(STARTED).when(confirm(1, on))


def test_at_most_three_confirmed_steps_wait_to_begin() -> None:
    daily = replace(
        STARTED,
        steps=tuple(PlannedStep(TUESDAY + timedelta(days=index), Decimal(12 - 2 * index)) for index in range(5)),
    )
    ahead = [
        replace(confirmed(1), step=number, planned_on=on, effective_on=on)
        for number, on in ((index + 1, TUESDAY + timedelta(days=index)) for index in range(3))
    ]

    assert taper.given(daily, *ahead[:2]).when(confirm(3, MONDAY))
    with pytest.raises(ConfirmedTooEarly):
        taper.given(daily, *ahead).when(confirm(4, MONDAY))
    assert taper.given(daily, *ahead).when(confirm(4, TUESDAY))


def test_a_confirmation_is_dated_between_what_happened_and_today() -> None:
    with pytest.raises(DateNotYetReached):
        taper.given(STARTED).when(confirm(1, TUESDAY, today=MONDAY))
    with pytest.raises(DateBeforeStep):
        taper.given(STARTED, confirmed(1)).when(confirm(2, SUNDAY, today=TUESDAY))


def test_the_first_dose_of_a_step_takes_it() -> None:
    begun = taper.given(STARTED, confirmed(1))

    assert begun.when(TakeStep(DOSE, FIRST)) == [taken(1)]
    assert begun.given(taken(1)).when(TakeStep(UUID(int=7), TUESDAY)) == []
    assert begun.when(TakeStep(DOSE, SUNDAY)) == []
    assert begun.given(held(FIRST, 1)).when(TakeStep(DOSE, FIRST)) == []


def test_taking_the_last_step_completes_the_taper() -> None:
    last = taper.given(STARTED, *(confirmed(one) for one in (1, 2, 3, 4)))

    assert last.when(TakeStep(DOSE, LAST)) == [taken(4), COMPLETED]
    assert last.when(ReportStepTaken(4, LAST, LAST)) == [taken(4, dose_id=None), COMPLETED]


def test_a_late_entry_takes_the_step_of_its_own_date() -> None:
    two = taper.given(STARTED, confirmed(1), confirmed(2))

    assert two.when(TakeStep(DOSE, TUESDAY)) == [taken(1, TUESDAY)]


def test_a_step_taken_elsewhere_is_reported() -> None:
    begun = taper.given(STARTED, confirmed(1))

    assert begun.when(ReportStepTaken(1, TUESDAY, TUESDAY)) == [taken(1, TUESDAY, dose_id=None)]
    with pytest.raises(StepAlreadyTaken):
        begun.given(taken(1)).when(ReportStepTaken(1, TUESDAY, TUESDAY))
    with pytest.raises(DateNotYetReached):
        begun.when(ReportStepTaken(1, TUESDAY, MONDAY))
    with pytest.raises(DateBeforeStep):
        begun.when(ReportStepTaken(1, SUNDAY, MONDAY))
    for step in (0, 2, 9):
        with pytest.raises(StepNotConfirmed):
            begun.when(ReportStepTaken(step, TUESDAY, TUESDAY))


@pytest.mark.parametrize(("days", "too_far"), [(3660, False), (3661, True)])
def test_a_taper_is_not_planned_for_ever(days: int, *, too_far: bool) -> None:
    command = replace(START, steps=(STEPS[0], PlannedStep(MONDAY + timedelta(days=days), Decimal(4))))

    if too_far:
        with pytest.raises(StepTooFarAhead):
            taper.given().when(command, ORDERED)
    else:
        assert taper.given().when(command, ORDERED)


def test_a_taper_knows_its_id() -> None:
    assert taper_after().taper_id == TAPER
