"""The rest of a taper: slowed down, laid out anew, taken back to a higher dose; tried out on a copy; asked about."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from services.medication.order import DoseNotDispensable
from services.medication.taper import StopTaper, decider
from services.medication.taper_caps import CapExceeded
from services.medication.taper_course import STEPS_MAX, Status
from services.medication.taper_going import DateBeforeStep, DateNotYetReached, TaperEnded, TaperOnHold
from services.medication.taper_policies import taper_policies
from services.medication.taper_rest import (
    DoseAboveStart,
    NotHigher,
    NothingLeft,
    NotSlower,
    ReplanTaper,
    ReverseTaper,
    SlowDown,
    TooManySteps,
)
from services.medication.taper_start import (
    DoseRises,
    StepsOutOfOrder,
    StepTooFarAhead,
    TargetNotReached,
)
from shared.events.medication import (
    PlannedStep,
    ReplanReason,
    ReversalReason,
    TaperReplanned,
    TaperReversed,
    TaperStopReason,
)
from tests.medication.situations import (
    CONCENTRATE,
    FILM,
    ORDER,
    STARTED,
    STEPS,
    confirm,
    confirmed,
    held,
    taper_after,
)
from tests.scenario import Scenario

taper = Scenario(decider)
FIRST, SECOND, THIRD, LAST = (one.starts_on for one in STEPS)
DAY = timedelta(days=1)
GUIDELINE = taper_policies()["benzodiazepine-taper-2025"]


def rest(*doses_mg: str, first: date = SECOND, every: int = 14) -> tuple[PlannedStep, ...]:
    return tuple(
        PlannedStep(first + timedelta(days=every * number), Decimal(one)) for number, one in enumerate(doses_mg)
    )


def replan(on: date, *doses_mg: str, first: date = SECOND) -> ReplanTaper:
    steps = rest(*doses_mg, first=first)
    return ReplanTaper(ReplanReason.MISSED_DOSES, on, FILM, steps[-1].dose_mg, steps, on, (), None, None)


def reverse(on: date, dose_mg: str, *doses_mg: str, first: date = THIRD) -> ReverseTaper:
    steps = rest(*doses_mg, first=first)
    plan = (FILM, steps[-1].dose_mg, steps, on, (), None)
    return ReverseTaper(ReversalReason.CRAVING, on, Decimal(dose_mg), *plan, "craving every day")


def replanned(on: date, step: int, dose_mg: str, *doses_mg: str, first: date = SECOND) -> TaperReplanned:
    steps = rest(*doses_mg, first=first)
    return TaperReplanned(
        ORDER, "buprenorphine-naloxone", ReplanReason.MISSED_DOSES, on, step, Decimal(dose_mg), steps[-1].dose_mg, steps,
        (), (), None, None,
    )  # fmt: skip


def reversed_to(on: date, step: int, dose_mg: str, *doses_mg: str) -> TaperReversed:
    steps = rest(*doses_mg, first=THIRD)
    return TaperReversed(
        ORDER, "buprenorphine-naloxone", ReversalReason.CRAVING, on, step, Decimal(dose_mg), steps[-1].dose_mg, steps, (), (),
        None, "craving every day",
    )  # fmt: skip


def test_a_new_plan_keeps_what_has_begun() -> None:
    events = taper.given(STARTED, confirmed(1)).when(replan(FIRST + 2 * DAY, "12", "6"))

    assert events == [replanned(FIRST + 2 * DAY, 1, "14", "12", "6")]
    after = taper_after(confirmed(1), *events)
    assert [(one.number, one.dose_mg, one.effective_on) for one in after.steps] == [
        (1, Decimal(14), FIRST),
        (2, Decimal(12), None),
        (3, Decimal(6), None),
    ]
    assert after.target_dose_mg == 6


def test_a_new_plan_takes_confirmations_of_what_had_not_begun() -> None:
    after = taper_after(confirmed(1), confirmed(2), replanned(FIRST + DAY, 1, "14", "8", first=SECOND))

    assert after.dose_on(SECOND) == 14
    assert after.next_to_confirm() == after.steps[1]


def test_a_held_taper_goes_on_by_its_new_plan() -> None:
    waiting = (STARTED, confirmed(1), held(FIRST + DAY, 1))
    events = taper.given(*waiting).when(replan(FIRST + 2 * DAY, "12", "6"))

    after = taper_after(*waiting[1:], *events)
    assert (after.status, after.quiet_since) == (Status.ACTIVE, FIRST + 2 * DAY)


def test_before_the_first_step_the_whole_plan_may_be_another() -> None:
    events = taper.given(STARTED).when(replan(FIRST, "12", "6", first=FIRST))

    assert taper_after(*events).steps[0].dose_mg == 12


def test_a_new_plan_is_held_to_the_caps_with_what_was_taken() -> None:
    """From 14 mg since Monday, 16 mg before: the window of 14 days still sees the 16."""
    on = FIRST + 2 * DAY
    fast = replace(replan(on, "12", "8", first=on + DAY), policies=(GUIDELINE,))
    with pytest.raises(CapExceeded) as refused:
        taper.given(STARTED, confirmed(1)).when(fast)
    assert (refused.value.field, refused.value.facts["reference_mg"]) == ("steps[1].dose_mg", "12")

    (event,) = taper.given(STARTED, confirmed(1)).when(replace(fast, rationale="Agreed."))
    assert isinstance(event, TaperReplanned)
    assert event.caps_exceeded == ("benzodiazepine-taper-2025",)
    eleven = replace(fast, product=CONCENTRATE, target_dose_mg=Decimal(11), steps=rest("11", first=on + DAY))
    with pytest.raises(CapExceeded) as refused:
        taper.given(STARTED, confirmed(1)).when(eleven)
    assert refused.value.facts["reference_mg"] == "16"


@pytest.mark.parametrize(
    ("command", "refusal", "field"),
    [
        (replan(FIRST + DAY, "16", "4"), DoseRises, "steps[0].dose_mg"),
        (replan(FIRST + DAY, "13", "4"), DoseNotDispensable, "steps[0].dose_mg"),
        (replan(FIRST + DAY, "12", "4", first=FIRST), StepsOutOfOrder, "steps[0].starts_on"),
        (replan(FIRST, "12", "4", first=FIRST), StepsOutOfOrder, "steps[0].starts_on"),
        (replace(replan(FIRST + DAY, "12", "4"), target_dose_mg=Decimal(2)), TargetNotReached, "target_dose_mg"),
        (replace(replan(FIRST - DAY, "12", "4"), today=FIRST + DAY), DateBeforeStep, "replanned_on"),
        (replace(replan(FIRST + DAY, "12", "4"), today=FIRST), DateNotYetReached, "replanned_on"),
        (replan(FIRST + DAY, *["4"] * STEPS_MAX), TooManySteps, "steps"),
        (reverse(FIRST + DAY, "14", "4"), NotHigher, "dose_mg"),
        (reverse(FIRST + DAY, "18", "4"), DoseAboveStart, "dose_mg"),
        (reverse(FIRST + DAY, "15", "4"), DoseNotDispensable, "dose_mg"),
        (reverse(FIRST + DAY, "16", "4", first=FIRST + DAY), StepsOutOfOrder, "steps[0].starts_on"),
        (SlowDown(7, FIRST + DAY, FIRST, None), DateNotYetReached, "slowed_on"),
        (SlowDown(3, FIRST + DAY, FIRST + DAY, None), NotSlower, "step_days"),
        (SlowDown(3000, FIRST + DAY, FIRST + DAY, None), StepTooFarAhead, "step_days"),
    ],
    ids=lambda one: one.__name__ if isinstance(one, type) else "",
)
def test_what_cannot_be_is_refused_by_its_field(command: object, refusal: type[Exception], field: str) -> None:
    with pytest.raises(refusal) as refused:
        taper.given(STARTED, confirmed(1)).when(command)

    assert refused.value.field == field  # type: ignore[attr-defined]


def test_slowing_down_keeps_the_doses_and_puts_off_every_step() -> None:
    (event,) = taper.given(STARTED, confirmed(1)).when(SlowDown(28, FIRST + DAY, FIRST + DAY, "tired"))

    assert isinstance(event, TaperReplanned)
    assert (event.reason, event.step, event.dose_mg) == (ReplanReason.SLOWED_DOWN, 1, Decimal(14))
    assert [(one.dose_mg, (one.starts_on - FIRST).days) for one in event.steps] == [
        (Decimal(12), 28),
        (Decimal(8), 56),
        (Decimal(4), 84),
    ]


def test_there_must_be_something_to_slow_down() -> None:
    all_begun = [confirmed(number) for number in range(1, 5)]
    with pytest.raises(NothingLeft):
        taper.given(STARTED, *all_begun).when(SlowDown(28, LAST, LAST, None))
    with pytest.raises(TaperOnHold):
        taper.given(STARTED, held(FIRST, 0)).when(SlowDown(28, FIRST + DAY, FIRST + DAY, None))


def test_a_reversal_is_a_step_that_has_begun() -> None:
    on = SECOND + DAY
    begun = (confirmed(1), confirmed(2))
    events = taper.given(STARTED, *begun).when(reverse(on, "14", "12", "4"))

    assert events == [reversed_to(on, 3, "14", "12", "4")]
    after = taper_after(*begun, *events)
    assert [str(after.dose_on(day)) for day in (FIRST, SECOND, on, THIRD)] == ["14", "12", "14", "14"]
    assert [one.number for one in after.steps] == [1, 2, 3, 4, 5]
    assert after.next_to_confirm() == after.steps[3]


def test_the_dose_of_a_reversal_takes_its_step_and_the_last_one_completes() -> None:
    on = SECOND + DAY
    after = taper_after(confirmed(1), confirmed(2), reversed_to(on, 3, "14", "12", "4"))
    for number in (4, 5):
        step = after.steps[number - 1]
        (event,) = decider.decide(after, confirm(number, step.starts_on))
        after = decider.evolve(after, event)

    assert after.dose_on(LAST + timedelta(weeks=9)) == 4


def test_a_reversal_within_the_window_makes_the_next_cut_count_from_it() -> None:
    on = SECOND + DAY
    steps = rest("12", "10", first=on + DAY, every=7)
    again = replace(reverse(on, "16", "10"), steps=steps, policies=(GUIDELINE,))
    with pytest.raises(CapExceeded) as refused:
        taper.given(STARTED, confirmed(1), confirmed(2)).when(again)

    assert (refused.value.field, refused.value.facts["reference_mg"]) == ("steps[1].dose_mg", "16")


def test_an_ended_taper_has_no_rest() -> None:
    stop = StopTaper(TaperStopReason.PATIENT_CHOICE, FIRST, FIRST)
    (stopped,) = taper.given(STARTED).when(stop)
    for command in (replan(FIRST, "12"), reverse(FIRST, "16", "4"), SlowDown(28, FIRST, FIRST, None)):
        with pytest.raises(TaperEnded):
            taper.given(STARTED, stopped).when(command)
