"""`evenkeel taper preview`: the specification's wire format on standard input and output, and its exit codes."""

import json
import subprocess
import sys
from typing import Any

import pytest

W3 = {
    "start_dose_mg": "40",
    "target_dose_mg": "0",
    "steps": 8,
    "step_days": 14,
    "increment_mg": "1",
    "scale": {"kind": "hyperbolic", "ed50_mg": "10"},
    "compare": [{"shape": "hyperbolic", "ed50_mg": "10"}],
}
STUCK = W3 | {
    "start_dose_mg": "20",
    "steps": 30,
    "relative_caps": [{"fraction": "0.1", "window_days": 14, "strict": True}],
    "jump_off_max_mg": "5",
    "scale": {"kind": "hyperbolic", "ed50_mg": "20"},
}


def previewed(text: str) -> tuple[int, dict[str, Any]]:
    command = [sys.executable, "-m", "deploy.cli", "taper", "preview"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=60)
    assert done.stderr == ""
    answer: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, answer


def test_the_smoothest_schedule_is_answered_with_its_comparison() -> None:
    """Worked example W3: the curve rounded dose by dose is 5.7 % above the ideal, the optimum 1.8 %."""
    code, answer = previewed(json.dumps(W3))
    assert code == 0
    assert answer["doses_mg"] == ["40", "22", "14", "9", "6", "4", "2", "1", "0"]
    assert answer["smoothness"]["ratio_to_ideal"] == "1.017705"
    assert answer["compared"][0]["smoothness"]["ratio_to_ideal"] == "1.05671"


def test_where_nothing_is_feasible_it_says_why() -> None:
    """Worked example W8."""
    code, answer = previewed(json.dumps(STUCK))
    assert code == 0
    assert (answer["status"], answer["reason"], answer["stuck_at_mg"]) == ("infeasible", "no_compliant_step", "10")


@pytest.mark.parametrize(
    ("text", "field"),
    [
        (json.dumps(W3 | {"start_dose_mg": 40}), "start_dose_mg"),
        (json.dumps(W3 | {"colour": "red"}), "colour"),
        ("{", ""),
        ("[" * 100_000, ""),
        ("", ""),
        (" " * 1_100_000, ""),
    ],
)
def test_a_bad_request_names_its_field(text: str, field: str) -> None:
    code, answer = previewed(text)
    assert (code, answer["status"], answer["field"]) == (2, "invalid", field)
    assert answer["detail"]
