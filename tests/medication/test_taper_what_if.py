"""Decisions tried out on a copy of a taper, and the rest of a taper as a question to the engine."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from services.medication.smoothest.preview import preview
from services.medication.taper import TaperNotStarted, decider
from services.medication.taper_course import Taper
from services.medication.taper_going import TaperOnHold
from services.medication.taper_policies import policies_for, taper_policies
from services.medication.taper_question import rest_question
from services.medication.taper_rest import SlowDown
from services.medication.taper_what_if import (
    ConfirmNext,
    Ground,
    Hold,
    LaterStep,
    Move,
    MoveTooFarAway,
    OtherWay,
    Resume,
    Slower,
    what_if,
)
from shared.events.medication import EffectScale, TaperDesign, TaperShape
from tests.medication.situations import (
    CONCENTRATE,
    CONFIRMATION,
    FILM,
    MONDAY,
    STARTED,
    STEPS,
    confirm,
    confirmed,
    hold,
    resume,
    taper_after,
)

FIRST, SECOND, THIRD, LAST = (one.starts_on for one in STEPS)
DAY = timedelta(days=1)
GUIDELINE = taper_policies()["benzodiazepine-taper-2025"]


def ground(*policies: str) -> Ground:
    return Ground(FILM, tuple(taper_policies()[one] for one in policies), CONFIRMATION)


def test_a_copy_goes_where_the_taper_would_go() -> None:
    """The same decisions on the taper itself give the same steps."""
    before = taper_after(confirmed(1))
    moves: list[Move] = [
        Hold("hold", FIRST + DAY),
        Resume("resume", FIRST + 5 * DAY),
        ConfirmNext("confirm", SECOND),
        Slower("slow_down", SECOND + 4 * DAY, 28),
    ]
    found = what_if(before, moves, ground(), FIRST)

    after = before
    for command in (
        hold(FIRST + DAY),
        resume(FIRST + 5 * DAY),
        confirm(2, SECOND),
        SlowDown(28, SECOND + 4 * DAY, SECOND + 4 * DAY, None),
    ):
        for event in decider.decide(after, command):
            after = decider.evolve(after, event)
    assert [(one.dose_mg, one.starts_on) for one in found.as_it_would_be.steps] == [
        (one.dose_mg, one.starts_on) for one in after.steps
    ]
    assert found.as_it_stands.last_step_on == LAST
    assert found.as_it_would_be.last_step_on == after.steps[-1].starts_on > LAST


def test_a_copy_says_which_caps_would_be_exceeded_and_refuses_what_would_be_refused() -> None:
    before = taper_after(confirmed(1))
    steps = (LaterStep(SECOND, Decimal(8)), LaterStep(THIRD, Decimal(4)))
    fast = OtherWay("replan", FIRST + DAY, Decimal(4), steps)
    up = OtherWay("replan", FIRST + DAY, Decimal(4), steps, Decimal(16))

    assert what_if(before, [fast], ground("benzodiazepine-taper-2025"), FIRST).caps_exceeded == [
        "benzodiazepine-taper-2025"
    ]
    assert what_if(before, [fast], ground(), FIRST).caps_exceeded == []
    assert [str(one.dose_mg) for one in what_if(before, [up], ground(), FIRST).as_it_would_be.steps] == [
        "14",
        "16",
        "8",
        "4",
    ]
    with pytest.raises(TaperOnHold):
        what_if(before, [Hold("hold", FIRST + DAY)] * 2, ground(), FIRST)
    with pytest.raises(MoveTooFarAway):
        what_if(before, [Hold("hold", date.max)], ground(), FIRST)
    with pytest.raises(TaperNotStarted):
        what_if(Taper(), [Hold("hold", FIRST)], ground(), FIRST)


def test_the_rest_is_asked_about_with_what_was_taken() -> None:
    policies = policies_for("buprenorphine-naloxone", "buprenorphine-taper-outpatient")
    question = rest_question(
        taper_after(confirmed(1)), FILM, policies, starts_on=SECOND, target_dose_mg=Decimal(0), jump_off_max_mg=None
    )

    assert question["start_dose_mg"] == "14"
    assert question["history"] == [{"dose_mg": "16", "days": 359}, {"dose_mg": "14", "days": 7}]
    assert (question["max_cut_mg"], question["jump_off_max_mg"]) == ("2", "2")
    assert question["scale"] == {"kind": "hyperbolic", "ed50_mg": "4"}
    answer = preview(question | {"steps": 8})
    assert (answer["status"], answer["doses_mg"][0], answer["doses_mg"][-2:]) == ("optimal", "14", ["2", "0"])


def test_the_scale_of_the_plan_goes_before_that_of_the_guideline() -> None:
    design = TaperDesign(TaperShape.SMOOTHEST, EffectScale.EXPONENTIAL, Decimal("2.5"))
    state = decider.fold([replace(STARTED, design=design)])
    question = rest_question(
        state, CONCENTRATE, (GUIDELINE,), starts_on=MONDAY, target_dose_mg=Decimal(4), jump_off_max_mg=Decimal(2)
    )

    assert question["scale"] == {"kind": "exponential", "reference_dose_mg": "2.5"}
    assert question["relative_caps"] == [{"fraction": "0.25", "window_days": 14, "strict": False}]
    assert "jump_off_max_mg" not in question
    assert preview(question | {"steps": 9})["status"] == "optimal"
