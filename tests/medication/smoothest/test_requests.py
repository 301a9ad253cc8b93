"""A wrong field is named, the first one in the order of the table; unknown fields first."""

from typing import Any

import pytest

from services.medication.smoothest.preview import preview

GOOD: dict[str, Any] = {
    "start_dose_mg": "20",
    "target_dose_mg": "0",
    "steps": 8,
    "step_days": 14,
    "increment_mg": "1",
    "scale": {"kind": "linear"},
}
CAPPED = {"relative_caps": [{"fraction": "0.5", "window_days": 14}], "jump_off_max_mg": "2"}


def test_the_good_request_is_answered() -> None:
    assert preview(GOOD)["status"] == "optimal"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"start_dose_mg": 20}, "start_dose_mg"),
        ({"start_dose_mg": "1e3"}, "start_dose_mg"),
        ({"start_dose_mg": "٣"}, "start_dose_mg"),
        ({"start_dose_mg": "0"}, "start_dose_mg"),
        ({"target_dose_mg": "20"}, "target_dose_mg"),
        ({"target_dose_mg": None}, "target_dose_mg"),
        ({"steps": None}, "steps"),
        ({"steps": 0}, "steps"),
        ({"steps": 401}, "steps"),
        ({"steps": True}, "steps"),
        ({"steps": 8.0}, "steps"),
        ({"steps_min": 2}, "steps_min"),
        ({"steps": None, "steps_min": 4, "steps_max": 3}, "steps_max"),
        ({"step_days": 367}, "step_days"),
        ({"increment_mg": None}, "units"),
        ({"units": [{"strength_mg": "2"}]}, "units"),
        ({"increment_mg": "0"}, "increment_mg"),
        ({"increment_mg": "0.001"}, "increment_mg"),
        ({"increment_mg": None, "units": [{"strength_mg": "2", "split_into": 3}]}, "units[0].split_into"),
        ({"increment_mg": None, "units": [{"strength_mg": "0.000001"}]}, "units"),
        ({"pieces_max": 3}, "pieces_max"),
        ({"scale": None}, "scale"),
        ({"scale": {"kind": "cubic"}}, "scale.kind"),
        ({"scale": {"kind": "hyperbolic"}}, "scale.ed50_mg"),
        ({"scale": {"kind": "linear", "ed50_mg": "2"}}, "scale.ed50_mg"),
        ({"scale": {"kind": "linear", "half_life": 3}}, "scale.half_life"),
        ({"relative_caps": [{"fraction": "1", "window_days": 14}]}, "relative_caps[0].fraction"),
        ({"relative_caps": [{"fraction": "0.1", "window_days": 0}]}, "relative_caps[0].window_days"),
        ({"relative_caps": [{"fraction": "0.1", "window_days": 7, "strict": "no"}]}, "relative_caps[0].strict"),
        ({"relative_caps": CAPPED["relative_caps"]}, "jump_off_max_mg"),
        ({"target_dose_mg": "2", **CAPPED}, "jump_off_max_mg"),
        ({"max_cut_mg": "0"}, "max_cut_mg"),
        ({"history": [{"dose_mg": "19", "days": 3}]}, "history[0].dose_mg"),
        ({"history": [{"dose_mg": "20", "days": 3661}]}, "history[0].days"),
        ({"holds": [{"step": 1, "extra_days": 1}, {"step": 1, "extra_days": 2}]}, "holds[1].step"),
        ({"compare": [{"shape": "given", "doses_mg": []}]}, "compare[0].doses_mg"),
        ({"compare": [{"shape": "given", "doses_mg": ["1", 2]}]}, "compare[0].doses_mg[1]"),
        ({"compare": [{"shape": "percent_of_current"}]}, "compare[0].fraction"),
        ({"compare": [{"shape": "wavy"}]}, "compare[0].shape"),
        ({"colour": "blue", "start_dose_mg": "x"}, "colour"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_the_first_wrong_field_is_named(change: dict[str, Any], field: str) -> None:
    answer = preview(GOOD | change)

    assert answer["status"] == "invalid"
    assert answer["field"] == field
    assert answer["detail"]


@pytest.mark.parametrize("body", [None, [], "20", 3])
def test_what_is_no_object_is_invalid(body: object) -> None:
    assert preview(body)["status"] == "invalid"


def test_every_violation_of_a_given_schedule_is_listed() -> None:
    given = {"shape": "given", "doses_mg": ["21", "9.5", "9", "0"]}
    answer = preview(GOOD | CAPPED | {"max_cut_mg": "8", "compare": [given]})

    assert answer["compared"][0]["violations"] == [
        {"step": 1, "broken": ["increase", "not_dispensable"]},
        {"step": 2, "broken": ["not_dispensable", "relative_caps[0]", "max_cut_mg"]},
        {"step": 4, "broken": ["relative_caps[0]", "max_cut_mg", "jump_off_max_mg"]},
    ]
