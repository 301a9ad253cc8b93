"""The taper schedule equals a naive refold after every event, also late ones and corrected ones."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from services.medication import order as orders
from services.medication import taper as tapers
from services.medication.order import DiscontinueOrder
from services.medication.taper import ReportStepTaken, StopTaper
from services.medication.taper_course import Taper
from services.medication.taper_figures import Figures, TaperFigures
from services.medication.taper_rest import ReplanTaper, ReverseTaper, SlowDown
from services.medication.taper_schedule import apply, figures
from services.medication.taper_today import on_day
from shared.event import Recorded
from shared.events.medication import (
    DiscontinuationReason,
    PlannedStep,
    ReplanReason,
    ReversalReason,
    TaperStopReason,
)
from shared.fold_value import VALUE_BYTES_MAX
from tests.medication.recording import Chart, folded
from tests.medication.schedule_oracle import schedule
from tests.medication.situations import FILM, MONDAY, ORDER, STEPS, TAPER, confirm, hold, resume

FIRST, SECOND, THIRD, LAST = (one.starts_on for one in STEPS)


def on_taper() -> Chart:
    """An order of 16 mg on the way down to 4 mg, nothing confirmed yet."""
    chart = Chart()
    chart.order()
    assert chart.start(STEPS)
    return chart


def tell(chart: Chart, command: object, on: date, taper_id: UUID = TAPER) -> bool:
    chart.today = on
    return chart.tell(tapers.decider, taper_id, command)


def shown(chart: Chart) -> TaperFigures:
    """The first taper as a reader gets it."""
    return msgspec.convert(figures(folded(chart.events)), Figures).tapers[0]


def test_a_plan_waits_for_its_first_confirmation() -> None:
    taper = shown(on_taper())

    assert [one.status for one in taper.steps] == ["planned"] * 4
    assert taper.next_decision is not None
    assert (taper.next_decision.kind, taper.next_decision.step, taper.next_decision.due_on) == (
        "confirm_step",
        1,
        FIRST,
    )
    assert taper.projected_end_on == LAST


def test_a_step_is_confirmed_then_taken_then_missed() -> None:
    chart = on_taper()
    tell(chart, confirm(1, FIRST), FIRST)
    assert shown(chart).steps[0].status == "confirmed"
    chart.dose(FIRST, what="miss")
    assert shown(chart).steps[0].status == "missed"
    chart.dose(FIRST + timedelta(days=1))
    step = shown(chart).steps[0]

    assert (step.status, step.taken_on, step.doses_taken, step.doses_missed) == (
        "taken",
        FIRST + timedelta(days=1),
        1,
        1,
    )
    assert step.deviation_mg == Decimal(-14)


def test_a_late_entry_and_a_void_change_exactly_their_date() -> None:
    """T42: what was entered as missed turns out to have been given, and the other way round."""
    chart = on_taper()
    tell(chart, confirm(1, FIRST), FIRST)
    chart.dose(FIRST, what="miss")
    chart.dose(FIRST)
    assert (shown(chart).steps[0].doses_taken, shown(chart).steps[0].doses_missed) == (1, 0)

    chart.void(FIRST)
    assert (shown(chart).steps[0].status, shown(chart).steps[0].doses_taken) == ("confirmed", 0)


def test_a_void_of_the_last_dose_takes_the_completion_back() -> None:
    """T43: the correction of a correction."""
    chart = on_taper()
    for step, on in enumerate((FIRST, SECOND, THIRD, LAST), start=1):
        assert tell(chart, confirm(step, on), on)
        assert chart.dose(on)
    assert (shown(chart).status, shown(chart).projected_end_on) == ("completed", LAST)

    chart.void(LAST)
    assert (shown(chart).status, shown(chart).steps[3].status) == ("active", "confirmed")
    chart.dose(LAST)
    assert shown(chart).status == "completed"


def test_what_a_taper_costs_while_it_is_not_confirmed_is_a_deviation() -> None:
    chart = on_taper()
    for day in range(3):
        chart.dose(FIRST + timedelta(days=day))

    taper = shown(chart)
    assert (taper.deviation_mg, taper.steps[0].deviation_mg) == (Decimal(6), Decimal(0))


def test_a_hold_is_shown_with_its_steps_and_moves_the_end() -> None:
    chart = on_taper()
    tell(chart, confirm(1, FIRST), FIRST)
    tell(chart, hold(FIRST + timedelta(days=2)), FIRST + timedelta(days=2))
    held = shown(chart)
    assert [one.status for one in held.steps] == ["confirmed", "held", "held", "held"]
    assert held.next_decision is not None
    assert held.next_decision.kind == "resume_or_stop"
    assert on_day(held, FIRST + timedelta(days=9)).projected_end_on == LAST + timedelta(days=7)

    tell(chart, resume(FIRST + timedelta(days=9)), FIRST + timedelta(days=9))
    assert shown(chart).projected_end_on == LAST + timedelta(days=7)
    assert shown(chart).moved_days == 7


def test_a_stopped_taper_drops_what_was_left() -> None:
    chart = on_taper()
    tell(chart, confirm(1, FIRST), FIRST)
    tell(chart, confirm(2, FIRST), FIRST)
    before = SECOND - timedelta(days=1)
    tell(chart, StopTaper(TaperStopReason.PATIENT_CHOICE, before, before), before)

    taper = shown(chart)
    assert [one.status for one in taper.steps] == ["confirmed", "dropped", "dropped", "dropped"]
    assert (taper.next_decision, taper.projected_end_on) == (None, before)


def test_due_is_derived_at_reading() -> None:
    taper = shown(on_taper())

    assert on_day(taper, FIRST).decision_overdue_days == 0
    late = on_day(taper, FIRST + timedelta(days=4))
    assert (late.decision_overdue_days, late.projected_end_on) == (4, LAST + timedelta(days=4))
    assert (late.step, late.dose_mg) == (0, Decimal(16))


def test_doses_before_a_backdated_taper_find_their_step() -> None:
    chart = Chart()
    chart.order()
    for day in range(70):
        chart.dose(MONDAY + timedelta(days=day))
    chart.today = MONDAY + timedelta(days=69)
    began = chart.today - timedelta(days=60)
    assert chart.start([PlannedStep(began, Decimal(14)), PlannedStep(began + timedelta(days=90), Decimal(4))])

    assert shown(chart).deviation_mg == 61 * Decimal(2)
    assert figures(folded(chart.events)) == schedule(chart.events)


def test_an_order_that_ends_untapered_is_forgotten() -> None:
    chart = Chart()
    chart.order()
    chart.dose(MONDAY)
    chart.tell(orders.decider, ORDER, DiscontinueOrder(DiscontinuationReason.COMPLETED, MONDAY, None))

    assert folded(chart.events) == {"doses": {}}


def test_what_the_fold_does_not_know_changes_nothing() -> None:
    chart = on_taper()
    facts = folded(chart.events)
    order_event = chart.events[0]

    assert apply(facts, replace(order_event)) is facts
    assert isinstance(order_event, Recorded)


def wander(chart: Chart, seed: int, moves: int) -> None:
    """A clinic's days, as the seed has them: mostly what is due, now and then something else, much of it refused."""
    chance = Random(seed)
    chart.order()
    for _ in range(moves):
        current = chart.state(orders.decider, ORDER).taper_id
        state: Taper = chart.state(tapers.decider, current) if current else Taper()
        move = chance.choices(MOVES, WEIGHTS)[0]
        on = max(MONDAY, chart.today - timedelta(days=chance.choice([0, 0, 0, 1, 2, 5])))
        if move == "day":
            chart.today += timedelta(days=chance.choice([1, 1, 2, 3]))
        elif move == "dose":
            chart.dose(on, Decimal(chance.choice(["1", "1", "0.5"])), chance.choice(["give", "give", "miss", "refuse"]))
        elif move == "void":
            given_on = [one.data.dosing_on for one in chart.events if one.type == "DoseAdministered"]
            chart.void(chance.choice(given_on[-3:] or [on]))
        elif move == "start":
            gap = timedelta(days=chance.choice([1, 3, 6]))
            doses_mg = sorted(chance.sample(["14", "12", "8", "6", "4", "2"], 3), key=Decimal, reverse=True)
            steps = [PlannedStep(on + gap * index, Decimal(one)) for index, one in enumerate(doses_mg)]
            chart.start(steps, UUID(int=100 + len(chart.events)))
        elif current is not None:
            step = state.next_to_confirm()
            number = step.number if step else chance.randint(1, 3)
            command = on_the_taper(move, number, on, chart.today) or another_rest(chance, move, state, on, chart.today)
            chart.tell(tapers.decider, current, command)


MOVES = ("day", "dose", "void", "start", "confirm", "report", "hold", "resume", "stop", "replan", "slow", "reverse")
WEIGHTS = (20, 40, 12, 6, 25, 2, 5, 6, 3, 5, 3, 5)


def another_rest(chance: Random, move: str, state: Taper, on: date, today: date) -> object:
    """Slower, otherwise, or from a higher dose; often not what the taper allows."""
    if move == "slow":
        return SlowDown(chance.choice([3, 7, 14]), on, today, None)
    gap, first = timedelta(days=chance.choice([1, 4])), on + timedelta(days=chance.choice([0, 1, 5]))
    levels = [one for one in ("14", "12", "8", "6", "4", "2") if move == "reverse" or Decimal(one) <= state.dose_on(on)]
    doses_mg = sorted(chance.sample(levels, min(2, len(levels))) or ["2"], key=Decimal, reverse=True)
    steps = tuple(PlannedStep(first + gap * index, Decimal(one)) for index, one in enumerate(doses_mg))
    plan = (FILM, steps[-1].dose_mg, steps, today, (), None)
    if move == "replan":
        return ReplanTaper(ReplanReason.MISSED_DOSES, on, *plan, None)
    return ReverseTaper(ReversalReason.CRAVING, on, Decimal(chance.choice(["16", "14", "8"])), *plan, "craving")


def on_the_taper(move: str, step: int, on: date, today: date) -> object | None:
    """The command of a move, unless it is about the rest."""
    return {
        "confirm": confirm(step, on, today),
        "report": ReportStepTaken(max(step - 1, 1), on, today),
        "hold": hold(on, today),
        "resume": resume(on, today),
        "stop": StopTaper(TaperStopReason.PATIENT_CHOICE, on, today),
    }.get(move)


@settings(max_examples=250, deadline=None)
@given(seed=st.integers(0, 2**32), moves=st.integers(5, 90))
def test_the_fold_equals_a_naive_refold(seed: int, moves: int) -> None:
    """T42, T43: over random histories with late entries, voids, holds and second tapers."""
    chart = Chart()
    wander(chart, seed, moves)

    facts: dict[str, Any] = {}
    for count, one in enumerate(chart.events, start=1):
        facts = msgspec.json.decode(msgspec.json.encode(apply(facts, one)))
        if count % 5 == 0 or count == len(chart.events):
            assert figures(facts) == schedule(chart.events[:count])


@settings(max_examples=250, deadline=None)
@given(seed=st.integers(0, 2**32), moves=st.integers(5, 90))
def test_the_projected_end_is_where_the_taper_ends_if_all_is_decided_today(seed: int, moves: int) -> None:
    chart = Chart()
    wander(chart, seed, moves)
    current = chart.state(orders.decider, ORDER).taper_id
    if current is None:
        return
    before = last_taper(chart, current)
    expected = on_day(before, chart.today).projected_end_on

    if before.status == "held":
        assert tell(chart, resume(chart.today), chart.today, current)
    step = chart.state(tapers.decider, current).next_to_confirm()
    if step is not None and step.starts_on <= chart.today and before.status in {"active", "held"}:
        assert tell(chart, confirm(step.number, chart.today), chart.today, current)
    assert last_taper(chart, current).projected_end_on == expected


def last_taper(chart: Chart, taper_id: UUID) -> TaperFigures:
    """The taper as a reader gets it."""
    tapers = msgspec.convert(figures(folded(chart.events)), Figures).tapers
    return next(one for one in tapers if one.taper_id == taper_id)


def test_two_years_of_daily_doses_stay_small() -> None:
    """The value is bounded by what it holds: a dosing date is some 20 bytes, a step 150."""
    facts = folded(on_taper().events)
    taper = facts["tapers"][str(TAPER)]
    taper["steps"] = [taper["steps"][0]] * 104
    facts["doses"] = {str(ORDER): {(MONDAY + timedelta(days=day)).isoformat(): "12.5" for day in range(730)}}

    size = len(msgspec.json.encode({"facts": facts, "figures": figures(facts)}))
    assert size < 100_000 < VALUE_BYTES_MAX
