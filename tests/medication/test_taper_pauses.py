"""A taper waits, goes on by whole days, ends early, and goes on again when the dose that took a step is voided."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from services.medication.taper import (
    ReopenStep,
    ReportStepTaken,
    StopTaper,
    TakeStep,
    TaperNotOnHold,
    decider,
)
from services.medication.taper_course import Status
from services.medication.taper_going import DateBeforeStep, DateNotYetReached, TaperEnded, TaperOnHold
from shared.events.medication import (
    PlannedStep,
    TaperCompleted,
    TaperResumed,
    TaperStepReopened,
    TaperStopped,
    TaperStopReason,
)
from tests.medication.situations import (
    DOSE,
    LATER_TAPER,
    MONDAY,
    ORDER,
    ORDERED_WITH_TAPER,
    STARTED,
    STEPS,
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


def test_a_voided_dose_reopens_the_step_that_it_took() -> None:
    reopened = TaperStepReopened(ORDER, 1, DOSE)
    begun = taper.given(STARTED, confirmed(1), taken(1))

    assert begun.when(ReopenStep(DOSE), ORDERED_WITH_TAPER) == [reopened]
    assert begun.when(ReopenStep(UUID(int=7)), ORDERED_WITH_TAPER) == []
    assert begun.given(reopened).when(TakeStep(DOSE, TUESDAY)) == [taken(1, TUESDAY)]


def test_a_completed_taper_goes_on_when_its_last_dose_is_voided() -> None:
    whole = (*(confirmed(one) for one in (1, 2, 3, 4)), taken(4), COMPLETED)
    (reopened,) = taper.given(STARTED, *whole).when(ReopenStep(DOSE), ORDERED_WITH_TAPER)

    assert taper_after(*whole).status is Status.COMPLETED
    assert taper_after(*whole, reopened).status is Status.ACTIVE


def test_a_completed_taper_stays_so_when_the_order_is_on_another_one() -> None:
    whole = (*(confirmed(one) for one in (1, 2, 3, 4)), taken(4), COMPLETED)
    moved = replace(ORDERED_WITH_TAPER, taper_id=LATER_TAPER)

    assert taper.given(STARTED, *whole).when(ReopenStep(DOSE), moved) == []


def test_a_hold_stays_at_todays_dose_and_forgets_confirmations_ahead() -> None:
    ahead = taper.given(STARTED, confirmed(1), confirmed(2))
    assert ahead.when(hold(TUESDAY)) == [held(TUESDAY, 1)]

    course = taper_after(confirmed(1), confirmed(2), held(TUESDAY, 1))
    assert course.dose_on(LAST) == Decimal(14)
    with pytest.raises(TaperOnHold):
        ahead.given(held(TUESDAY, 1)).when(confirm(2, TUESDAY))
    with pytest.raises(TaperOnHold):
        ahead.given(held(TUESDAY, 1)).when(hold(TUESDAY))


def test_a_hold_before_the_first_step_stays_at_the_starting_dose() -> None:
    assert taper.given(STARTED).when(hold(MONDAY)) == [held(MONDAY, 0)]


def test_resuming_moves_the_remaining_dates_by_whole_days() -> None:
    paused = taper.given(STARTED, confirmed(1), held(TUESDAY, 1))
    resumed = TaperResumed(ORDER, TUESDAY + timedelta(days=10), 1, 10)
    assert paused.when(resume(TUESDAY + timedelta(days=10))) == [resumed]

    course = taper_after(confirmed(1), held(TUESDAY, 1), resumed)
    assert [one.starts_on for one in course.steps] == [
        FIRST,
        *(on + timedelta(days=10) for on in (SECOND, THIRD, LAST)),
    ]
    assert course.next_to_confirm() == course.steps[1]


def test_a_hold_over_the_change_of_clocks_moves_by_dates_not_by_hours() -> None:
    """T44: 9 March 2025 has 23 hours in New York; the steps stay on their weekday."""
    before, after = date(2025, 3, 8), date(2025, 3, 15)
    (resumed,) = taper.given(STARTED, confirmed(1), held(before, 1)).when(resume(after))

    course = taper_after(confirmed(1), held(before, 1), resumed)
    assert [one.starts_on for one in course.steps[1:]] == [on + WEEK for on in (SECOND, THIRD, LAST)]
    assert {one.starts_on.weekday() for one in course.steps} == {0}


def test_only_a_held_taper_is_resumed() -> None:
    with pytest.raises(TaperNotOnHold):
        taper.given(STARTED).when(resume(MONDAY))


def test_a_hold_is_dated_between_the_step_that_began_and_today() -> None:
    begun = taper.given(STARTED, confirmed(1), confirmed(2))

    with pytest.raises(DateBeforeStep) as refused:
        begun.when(hold(TUESDAY, today=SECOND))
    assert refused.value.facts == {"not_before": SECOND.isoformat()}
    with pytest.raises(DateNotYetReached):
        begun.when(hold(SECOND, today=TUESDAY))
    with pytest.raises(DateBeforeStep):
        begun.given(held(SECOND, 2)).when(resume(TUESDAY, today=THIRD))


def test_a_hold_of_a_taper_that_has_not_begun_is_not_dated_long_ago() -> None:
    assert taper.given(STARTED).when(hold(MONDAY - timedelta(days=60), today=MONDAY))
    with pytest.raises(DateBeforeStep):
        taper.given(STARTED).when(hold(MONDAY - timedelta(days=61), today=MONDAY))


def test_a_stopped_taper_stays_where_it_is() -> None:
    two = taper.given(STARTED, confirmed(1), confirmed(2))
    assert two.when(STOP) == [STOPPED]

    course = taper_after(confirmed(1), confirmed(2), confirmed(3), STOPPED)
    assert course.dose_on(LAST) == Decimal(12)


@pytest.mark.parametrize("command", [confirm(2, SECOND), hold(SECOND), STOP, ReportStepTaken(1, SECOND, SECOND)])
def test_nothing_happens_to_a_taper_that_has_ended(command: object) -> None:
    with pytest.raises(TaperEnded):
        taper.given(STARTED, confirmed(1), STOPPED).when(command)


def test_the_end_of_the_order_stops_a_taper_that_goes_on() -> None:
    with_order = replace(STOP, reason=TaperStopReason.ORDER_DISCONTINUED, if_going=True)

    assert taper.given(STARTED, confirmed(1), confirmed(2)).when(with_order)
    assert taper.given(STARTED, confirmed(1), STOPPED).when(with_order) == []
