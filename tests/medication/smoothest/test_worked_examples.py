"""Two programs written apart must give the same answer: the worked examples of the specification, digit by digit."""

import json
from pathlib import Path
from typing import Any

import pytest

from services.medication.smoothest.preview import preview

DATA = json.loads((Path(__file__).parent / "worked_examples.json").read_text())


@pytest.mark.parametrize("example", DATA["examples"], ids=lambda example: example["id"])
def test_a_worked_example_comes_out_exactly(example: dict[str, Any]) -> None:
    answer = preview(example["request"] | DATA["units"][example["dispensed"]])

    if "answer" in example:
        assert answer == example["answer"]
        return
    assert answer["doses_mg"] == example["doses_mg"].split()
    assert answer["steps"] == len(answer["doses_mg"]) - 1
    assert answer["smoothness"]["sum_of_squares"] == example["sum_of_squares"]
    assert answer["smoothness"]["ratio_to_ideal"] == example["ratio_to_ideal"]
    assert answer["starts_on_day"] == example.get("starts_on_day", answer["starts_on_day"])


def test_the_whole_answer_of_the_specification_s_example_is_equal() -> None:
    request = DATA["examples"][2]["request"] | {
        "increment_mg": "1",
        "compare": [{"shape": "hyperbolic", "ed50_mg": "10"}],
    }

    assert preview(request) == {
        "status": "optimal",
        "steps": 8,
        "doses_mg": ["40", "22", "14", "9", "6", "4", "2", "1", "0"],
        "starts_on_day": [0, 14, 28, 42, 56, 70, 84, 98],
        "smoothness": {
            "sum_of_squares": "0.081416395454949143043664",
            "max_effect_step": "0.119047619047",
            "ideal_effect_step": "0.1",
            "ratio_to_ideal": "1.017705",
            "rms_from_line": "0.018706",
        },
        "compared": [
            {
                "shape": "hyperbolic",
                "doses_mg": ["40", "23", "15", "10", "7", "4", "3", "1", "0"],
                "smoothness": {
                    "sum_of_squares": "0.084536821619995217126854",
                    "max_effect_step": "0.13986013986",
                    "ideal_effect_step": "0.1",
                    "ratio_to_ideal": "1.05671",
                    "rms_from_line": "0.012388",
                },
                "violations": [],
            }
        ],
    }
