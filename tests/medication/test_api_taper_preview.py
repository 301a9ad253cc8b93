"""Taper previews over HTTP: the specification's wire format, its refusals as problems, and nothing recorded."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from services.medication import examples, taper_preview
from services.medication.calculator import Calculator
from services.medication.smoothest.preview import preview
from services.medication.taper_preview import _WIRE
from tests.medication.running import Clinic
from tests.medication.smoothest.test_requests import GOOD

DATA = json.loads((Path(__file__).parent / "smoothest" / "worked_examples.json").read_text())
W3 = DATA["examples"][2]["request"] | {"increment_mg": "1", "compare": [{"shape": "hyperbolic", "ed50_mg": "10"}]}


@pytest.mark.parametrize("role", ["nurse", "prescriber"])
async def test_the_answer_is_the_command_line_s(clinic: Clinic, role: str) -> None:
    before = await clinic.stored()
    answer = await clinic.post("taper-previews", W3, role)

    assert answer.status_code == 200, answer.text
    assert answer.json() == preview(W3)
    assert await clinic.stored() == before


async def test_where_nothing_is_feasible_it_says_why(clinic: Clinic) -> None:
    """Worked example W8."""
    stuck = DATA["examples"][7]["request"] | {"increment_mg": "1"}
    answer = await clinic.post("taper-previews", stuck, "prescriber")

    assert (answer.status_code, answer.json()["reason"]) == (200, "no_compliant_step")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"start_dose_mg": 20}, "start_dose_mg"),
        ({"steps": None}, "steps"),
        ({"relative_caps": [{"fraction": "1", "window_days": 14}]}, "relative_caps[0].fraction"),
        ({"colour": "red"}, "colour"),
        ({"Jane Doe, born 1980": 1}, "(unknown)"),
    ],
)
async def test_a_wrong_field_is_named(clinic: Clinic, change: dict[str, Any], field: str) -> None:
    """H1."""
    answer = await clinic.post("taper-previews", GOOD | change, "prescriber")

    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["field"] == field
    assert answer.json()["detail"]


async def test_what_is_too_large_is_its_own_problem(clinic: Clinic) -> None:
    caps = {"relative_caps": [{"fraction": "0.25", "window_days": 14}], "jump_off_max_mg": "10"}
    large = GOOD | {"start_dose_mg": "120", "increment_mg": "0.5", "steps": 200, "step_days": 7} | caps
    answer = await clinic.post("taper-previews", large, "prescriber")

    assert (answer.status_code, answer.json()["type"].rsplit("/", 1)[1]) == (413, "taper-too-large")


async def test_when_too_many_wait_the_next_is_told_to_come_again(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taper_preview, "calculator", Calculator(waiting_max=0))
    answer = await clinic.post("taper-previews", GOOD, "prescriber")

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.json()["type"].endswith("/calculator-busy")


async def test_counsellors_do_not_plan_tapers(clinic: Clinic) -> None:
    assert (await clinic.post("taper-previews", GOOD, "counsellor")).status_code == 403


@pytest.mark.parametrize(
    "request_body",
    [
        *(one["value"] for one in examples.TAPER_PREVIEW.values()),
        *(one["request"] | DATA["units"][one["dispensed"]] for one in DATA["examples"]),
        W3,
    ],
)
def test_the_documented_schema_fits_what_is_asked_and_answered(request_body: dict[str, Any]) -> None:
    jsonschema.validate(request_body, _WIRE["request"])
    answer = preview(request_body)

    jsonschema.validate(answer, _WIRE["answer"])
    assert answer.keys() <= _WIRE["answer"]["properties"].keys()
    assert answer["status"] in {"optimal", "infeasible"}


async def test_alternatives_stand_side_by_side(clinic: Clinic) -> None:
    body = next(iter(examples.TAPER_ALTERNATIVES.values()))["value"]
    answer = await clinic.post("taper-alternatives", body, "nurse")
    wrong = await clinic.post("taper-alternatives", {"question": body["question"] | {"steps": 0}}, "nurse")

    assert answer.status_code == 200, answer.text
    jsonschema.validate(body, _WIRE["alternatives_request"])
    jsonschema.validate(answer.json(), _WIRE["alternatives_answer"])
    broken = [[step["step"] for step in one["violations"]] for one in answer.json()["alternatives"]]
    assert broken == [[], [2, 3, 4, 5, 6, 7, 8]]
    assert (wrong.status_code, wrong.json()["field"]) == (422, "question.steps")


async def test_the_alternatives_are_drawn(clinic: Clinic) -> None:
    body = next(iter(examples.TAPER_ALTERNATIVES.values()))["value"]
    answer = await clinic.post("taper-alternatives/plot.svg", body, "nurse")
    wrong = await clinic.post("taper-alternatives/plot.svg", body | {"shapes": 1}, "nurse")

    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/svg+xml")
    assert ET.fromstring(answer.content).tag == "{http://www.w3.org/2000/svg}svg"
    assert (wrong.status_code, wrong.json()["field"]) == (422, "shapes")
