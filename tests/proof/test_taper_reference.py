"""The references that hold the shown schedules against the events agree with the folds, over random histories."""

import json
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.demo import reference
from deploy.proof.medicine_reference import tapers
from deploy.proof.shown import schedule_differences
from deploy.proof.told import Told
from services.intake import plan_state_medication
from services.medication.taper_schedule import figures
from shared.event import AnyRecorded
from tests.medication.recording import Chart, folded
from tests.medication.test_taper_schedule import wander


def told(one: AnyRecorded) -> Told:
    return Told(
        "medication", one.type, one.stream, one.version, one.lane, one.position, one.event_id, one.site_id,
        one.effective_at, one.recorded_at, json.loads(msgspec.json.encode(one.data)),
    )  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(seed=st.integers(0, 2**32), moves=st.integers(5, 90))
def test_the_verifier_s_reference_agrees_with_the_schedule(seed: int, moves: int) -> None:
    chart = Chart()
    wander(chart, seed, moves)

    assert schedule_differences([told(one) for one in chart.events], figures(folded(chart.events))["tapers"]) == []


@settings(max_examples=300, deadline=None)
@given(seed=st.integers(0, 2**32), moves=st.integers(5, 90))
def test_plan_state_agrees_with_the_verifier_s_reference(seed: int, moves: int) -> None:
    chart = Chart()
    wander(chart, seed, moves)
    facts: dict[str, Any] = {}
    for one in chart.events:
        facts = plan_state_medication.apply(facts, one)

    wanted = tapers([told(one) for one in chart.events])
    for shown in plan_state_medication.figures(facts)["tapers"]:
        course = wanted[shown["taper_id"]]
        assert (shown["status"], shown["step"]) == (course["status"], course["step"])
        if course["status"] == "active":
            assert shown["steps"] == len(course["steps"])
            assert shown["dose_mg"] == course["dose_mg"]


def test_the_demonstration_s_reference_knows_a_new_plan_and_a_reversal() -> None:
    steps = [{"starts_on": "2025-03-03", "dose_mg": "14"}, {"starts_on": "2025-03-10", "dose_mg": "8"}]
    rest = [{"starts_on": "2025-03-20", "dose_mg": "12"}]
    story: list[tuple[str, str, dict[str, Any]]] = [
        ("TaperStarted", "taper-a", {"steps": steps}),
        ("TaperStepConfirmed", "taper-a", {"step": 1, "effective_on": "2025-03-03", "planned_on": "2025-03-03"}),
        ("TaperReplanned", "taper-a", {"step": 1, "steps": rest}),
        ("TaperReversed", "taper-a", {"step": 2, "dose_mg": "16", "reversed_on": "2025-03-12", "steps": rest}),
    ]

    assert reference.tapers(story)["a"] == {
        "status": "active",
        "steps": [
            {"dose_mg": "14", "starts_on": "2025-03-03", "status": "confirmed"},
            {"dose_mg": "16", "starts_on": "2025-03-12", "status": "confirmed"},
            {"dose_mg": "12", "starts_on": "2025-03-20", "status": "planned"},
        ],
    }
