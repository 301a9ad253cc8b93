"""Conventional shapes digit by digit, beside the smoothest schedule."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from services.medication.smoothest.alternatives import SHAPES_MAX, alternatives
from services.medication.smoothest.preview import preview
from tests.medication.smoothest.test_requests import GOOD

VECTORS = json.loads((Path(__file__).parent / "taper_vectors.json").read_text())
TEN_PERCENT = {"shape": "percent_of_current", "fraction": "0.1", "basis": "ideal", "rounding": "half_up"}


def asked(*shapes: dict[str, Any], **changes: Any) -> dict[str, Any]:
    answer = alternatives({"question": GOOD | changes, "shapes": list(shapes)})
    assert answer["status"] == "answered", answer
    return answer


def way(vector: dict[str, Any], rounding: str = "half_up") -> dict[str, Any]:
    shape = vector["shape"] | {"rounding": rounding}
    question = {name: vector[name] for name in ("steps", "increment_mg")} | {"start_dose_mg": vector["start_mg"]}
    found: dict[str, Any] = asked(shape, **question)["alternatives"][0]
    return found


@pytest.mark.parametrize("vector", VECTORS["schedules"], ids=lambda vector: vector["id"])
def test_a_conventional_schedule_comes_out_exactly(vector: dict[str, Any]) -> None:
    found = way(vector)

    assert found["doses_mg"] == vector["doses_mg"].split()
    assert found["reaches_target"] == (found["doses_mg"][-1] == "0")


@pytest.mark.parametrize("vector", VECTORS["ideals"], ids=lambda vector: vector["id"])
def test_an_ideal_curve_comes_out_exactly(vector: dict[str, Any]) -> None:
    ideal = [Decimal(one) for one in way(vector)["ideal_mg"]]

    if "ideal_mg" in vector:
        assert [round(one, vector["places"]) for one in ideal] == [Decimal(one) for one in vector["ideal_mg"].split()]
    for below, step in vector.get("first_step_below", {}).items():
        assert next(number for number, dose_mg in enumerate(ideal) if dose_mg < Decimal(below)) == step


@pytest.mark.parametrize("vector", VECTORS["caps"], ids=lambda vector: vector["id"])
def test_a_cap_judges_dispensed_doses_over_its_own_window(vector: dict[str, Any]) -> None:
    start, *doses = vector["doses_mg"].split()
    answer = preview(
        GOOD
        | {
            "start_dose_mg": start,
            "step_days": vector["step_days"],
            "relative_caps": [vector["cap"]],
            "jump_off_max_mg": "1",
            "compare": [{"shape": "given", "doses_mg": doses}],
        }
    )

    assert [one["step"] for one in answer["compared"][0]["violations"]] == vector["broken_steps"]


def test_a_rounded_ideal_can_break_the_cap_that_rounding_up_keeps() -> None:
    """Vector I as it occurs: the ideal cut is 10 %, the dispensed one 10.8 %; rounded up from what is taken it is within."""
    cap = {"relative_caps": [{"fraction": "0.1", "window_days": 14}], "target_dose_mg": "20", "start_dose_mg": "80"}
    rounded, safe = asked(TEN_PERCENT, TEN_PERCENT | {"basis": "dispensed", "rounding": "up"}, steps=14, **cap)[
        "alternatives"
    ]

    assert {"step": 3, "broken": ["relative_caps[0]"]} in rounded["violations"]
    assert safe["violations"] == []


@pytest.mark.parametrize(
    ("rounding", "doses_mg"),
    [("up", "20 18 17 15"), ("down", "20 18 16 14"), ("half_up", "20 18 16 15")],
)
def test_the_way_of_rounding_is_chosen(rounding: str, doses_mg: str) -> None:
    found = asked(TEN_PERCENT | {"rounding": rounding}, steps=3)["alternatives"][0]

    assert found["ideal_mg"] == ["20", "18", "16.2", "14.58"]
    assert found["doses_mg"] == doses_mg.split()


def test_pieces_that_do_not_make_every_dose_are_rounded_among_those_they_make() -> None:
    films = {"increment_mg": None, "units": [{"strength_mg": "8"}, {"strength_mg": "12"}], "start_dose_mg": "24"}
    found = asked(TEN_PERCENT | {"fraction": "0.4"}, steps=3, **films)["alternatives"][0]

    assert found["doses_mg"] == ["24", "16", "8", "8"]


def test_percentages_reach_the_target_by_their_jump_off() -> None:
    forever, stopped = asked(TEN_PERCENT, TEN_PERCENT | {"jump_off_mg": "4"}, steps=20)["alternatives"]

    assert (forever["doses_mg"][-1], forever["reaches_target"]) == ("2", False)
    assert (stopped["doses_mg"][-3:], stopped["reaches_target"]) == (["0", "0", "0"], True)


def test_a_fixed_cut_and_the_smoothest_stand_side_by_side() -> None:
    answer = asked({"shape": "linear", "cut_mg": "2.5", "basis": "ideal", "rounding": "half_up"})
    linear = answer["alternatives"][0]

    assert linear["doses_mg"] == ["20", "18", "15", "13", "10", "8", "5", "3", "0"]
    assert linear["smoothness"]["sum_of_squares"] == answer["smoothest"]["smoothness"]["sum_of_squares"] == "52"
    assert linear["starts_on_day"] == answer["smoothest"]["starts_on_day"]


def test_without_a_compliant_schedule_the_shapes_have_as_many_steps_as_were_allowed() -> None:
    cap = {"relative_caps": [{"fraction": "0.1", "window_days": 14}], "jump_off_max_mg": "2"}
    answer = asked(TEN_PERCENT, **cap)

    assert answer["smoothest"]["status"] == "infeasible"
    assert answer["alternatives"][0]["steps"] == 8
    assert answer["alternatives"][0]["violations"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (None, ""),
        ({"question": GOOD, "colour": 1}, "colour"),
        ({}, "question"),
        ({"question": GOOD | {"steps": 0}}, "question.steps"),
        ({"question": GOOD | {"increment_mg": "0.001"}}, "question.increment_mg"),
        ({"question": GOOD, "shapes": [TEN_PERCENT] * (SHAPES_MAX + 1)}, "shapes"),
        ({"question": GOOD, "shapes": [TEN_PERCENT, {"shape": "wavy"}]}, "shapes[1].shape"),
        ({"question": GOOD, "shapes": [TEN_PERCENT | {"fraction": "1"}]}, "shapes[0].fraction"),
        ({"question": GOOD, "shapes": [TEN_PERCENT | {"cut_mg": "1"}]}, "shapes[0].cut_mg"),
        ({"question": GOOD, "shapes": [TEN_PERCENT | {"basis": None}]}, "shapes[0].basis"),
        ({"question": GOOD, "shapes": [TEN_PERCENT | {"rounding": "up and down"}]}, "shapes[0].rounding"),
        ({"question": GOOD, "shapes": [TEN_PERCENT | {"steps": 401}]}, "shapes[0].steps"),
    ],
    ids=lambda value: str(value)[-60:],
)
def test_the_wrong_field_is_named(body: object, field: str) -> None:
    answer = alternatives(body)

    assert (answer["status"], answer["field"]) == ("invalid", field)
    assert answer["detail"]
