"""On every small request the answer equals enumeration; the optimum keeps its promises on larger ones."""

from random import Random
from typing import Any

import pytest

from services.medication.smoothest.preview import preview
from tests.medication.smoothest.brute_force import Naive

SMALL_REQUESTS = 5_000
PARTS = 10


def small_request(random: Random) -> dict[str, Any]:
    """A request with few doses and steps, in which every rule is as likely to bind as not."""
    whole = random.randint(2, 7)
    start = random.choice([str(whole), f"{whole}.5"])
    request: dict[str, Any] = {
        "start_dose_mg": start,
        "target_dose_mg": random.choice(["0", "0", str(random.randint(0, whole - 1))]),
        "steps": random.randint(1, 4),
        "step_days": random.choice([1, 3, 7, 14]),
        "scale": random.choice(
            [
                {"kind": "linear"},
                {"kind": "exponential", "reference_dose_mg": random.choice(["0.5", "2", "10"])},
                {"kind": "hyperbolic", "ed50_mg": random.choice(["0.5", "3", "20"])},
            ]
        ),
    }
    request |= random.choice(
        [
            {"increment_mg": "1"},
            {"increment_mg": "0.5"} if whole <= 5 else {"increment_mg": "1"},
            {
                "units": [{"strength_mg": "2", "split_into": 2}, {"strength_mg": "5"}],
                "pieces_max": random.randint(1, 4),
            },
            {"units": [{"strength_mg": "1.5"}, {"strength_mg": "4", "split_into": 4}]},
        ]
    )
    return request | small_rules(random, request["target_dose_mg"]) | small_circumstances(random, start)


def small_rules(random: Random, target: str) -> dict[str, Any]:
    caps = [
        {
            "fraction": random.choice(["0.1", "0.25", "0.333333", "0.5", "0.8"]),
            "window_days": random.choice([1, 5, 7, 14, 15, 28]),
            "strict": random.random() < 0.3,
        }
        for _ in range(random.choice([0, 1, 1, 2]))
    ]
    rules: dict[str, Any] = {"relative_caps": caps}
    if target == "0" and (caps or random.random() < 0.3):
        rules["jump_off_max_mg"] = random.choice(["0.5", "1", "2", "4"])
    if random.random() < 0.3:
        rules["max_cut_mg"] = random.choice(["0.5", "1", "2", "3"])
    return rules


def small_circumstances(random: Random, start: str) -> dict[str, Any]:
    circumstances: dict[str, Any] = {}
    if random.random() < 0.4:
        before = [
            {"dose_mg": str(random.randint(1, 12)), "days": random.randint(1, 20)} for _ in range(random.randint(0, 2))
        ]
        circumstances["history"] = [*before, {"dose_mg": start, "days": random.randint(1, 20)}]
    if random.random() < 0.3:
        holds = random.sample(range(1, 7), 2)
        circumstances["holds"] = [{"step": step, "extra_days": random.randint(1, 20)} for step in holds]
    return circumstances


@pytest.mark.parametrize("part", range(PARTS))
def test_small_requests_are_answered_as_by_enumeration(part: int) -> None:
    random = Random(part)
    statuses = {"optimal": 0, "infeasible": 0}
    for _ in range(SMALL_REQUESTS // PARTS):
        request = small_request(random)
        naive, answer = Naive(request), preview(request)
        best = naive.best(request["steps"])
        statuses[answer["status"]] += 1
        if best is None:
            assert answer["status"] == "infeasible", request
            assert_reason_is_true(naive, request, answer)
        else:
            assert answer["doses_mg"][1:] == [f"{float(dose):g}" for dose in best], request
    assert min(statuses.values()) > 50


def assert_reason_is_true(naive: Naive, request: dict[str, Any], answer: dict[str, Any]) -> None:
    enumerable = 4
    match answer["reason"]:
        case "target_not_dispensable":
            assert naive.target not in naive.allowed, request
        case "too_few_steps":
            least = naive.least_steps(enumerable)
            assert answer["least_steps"] == least if least else answer["least_steps"] > enumerable, request
        case "no_compliant_step":
            assert naive.least_steps(enumerable) is None, request
        case other:
            pytest.fail(f"unknown reason {other}")


def methadone(**changes: Any) -> dict[str, Any]:
    return {
        "start_dose_mg": "120",
        "target_dose_mg": "0",
        "steps": 52,
        "step_days": 7,
        "increment_mg": "1",
        "scale": {"kind": "hyperbolic", "ed50_mg": "20"},
        "relative_caps": [{"fraction": "0.25", "window_days": 14}],
        "jump_off_max_mg": "5",
    } | changes


def test_the_optimum_is_never_less_smooth_than_a_conventional_shape_that_complies() -> None:
    shapes = [
        {"shape": "linear"},
        {"shape": "hyperbolic", "ed50_mg": "20"},
        {"shape": "percent_of_current", "fraction": "0.05"},
        {"shape": "percent_of_original", "fraction": "0.02"},
    ]
    answer = preview(methadone(target_dose_mg="20", jump_off_max_mg=None, compare=shapes))

    best = float(answer["smoothness"]["sum_of_squares"])
    compliant = [one for one in answer["compared"] if not one["violations"]]
    assert compliant
    assert all(best <= float(one["smoothness"]["sum_of_squares"]) for one in compliant)


def test_the_optimum_itself_breaks_no_rule() -> None:
    answer = preview(methadone())
    again = preview(methadone(compare=[{"shape": "given", "doses_mg": answer["doses_mg"][1:]}]))

    assert again["compared"][0]["violations"] == []
    assert again["compared"][0]["smoothness"] == answer["smoothness"]


def test_a_request_beyond_the_limit_is_said_to_be_too_large_not_approximated() -> None:
    answer = preview(methadone(increment_mg="0.1", steps=200, relative_caps=[{"fraction": "0.2", "window_days": 28}]))

    assert answer["status"] == "too_large"
