"""The picture of a question with its answers: the smoothest schedule and the conventional ones, dose and effect over time."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from services.medication.plot import Line, Panel, mg, picture
from services.medication.smoothest.alternatives import alternatives
from services.medication.smoothest.numbers import micro
from services.medication.smoothest.parsing import parse
from services.medication.smoothest.preview import Answer

WORDS: Final = {
    "linear": "fixed cut",
    "percent_of_original": "percent of the first dose",
    "percent_of_current": "percent of the present dose",
    "hyperbolic": "equal steps of occupancy",
    "half_up": "rounded half up",
    "down": "rounded down",
    "up": "rounded up",
}
BEFORE: Final = -7
"""The picture begins some days before the plan, at the dose that is taken now."""
SCALES: Final = {"linear": "dose", "exponential": "logarithm", "hyperbolic": "receptor occupancy"}


def drawn(body: object) -> Answer:
    """`picture` holds the SVG; a bad request or one too large is answered as by `alternatives`."""
    answer = alternatives(body)
    if answer["status"] != "answered":
        return answer
    assert isinstance(body, dict)
    question = body["question"]
    shown = [("smoothest", answer["smoothest"])] if "doses_mg" in answer["smoothest"] else []
    shown += [(_label(one), one) for one in answer["alternatives"]]
    shown = shown or [("present dose", {"starts_on_day": [], "doses_mg": [question["start_dose_mg"]]})]
    return answer | {"picture": picture(_title(answer["smoothest"], question), _panels(question, shown), _week)}


def _title(smoothest: Answer, question: Any) -> str:
    way = f"{question['start_dose_mg']} to {question['target_dose_mg']} mg a day"
    return way if smoothest["status"] == "optimal" else f"{way}: no schedule complies ({smoothest['reason']})"


def _label(one: Any) -> str:
    broken = len(one["violations"])
    rules = "" if not broken else f", breaks rules in {broken} step{'s' if broken > 1 else ''}"
    return f"{WORDS[one['shape']]}, from the {one['basis']} dose, {WORDS[one['rounding']]}{rules}"


def _panels(question: Any, shown: Sequence[tuple[str, Any]]) -> list[Panel]:
    scale = parse(question).scale
    whole = scale.effect(micro(question["start_dose_mg"]))
    until = max([0, *(day for _, one in shown for day in one["starts_on_day"])]) + question["step_days"]

    def lines(value: Callable[[str], float]) -> list[Line]:
        return [
            Line(
                label,
                [
                    (day, value(dose))
                    for day, dose in zip([BEFORE, *one["starts_on_day"]], one["doses_mg"], strict=True)
                ],
                until,
            )
            for label, one in shown
        ]

    kind = SCALES[question["scale"]["kind"]]
    return [
        Panel("Dose, mg a day", lines(mg)),
        Panel(
            f"Effect, % of that of the first dose ({kind})",
            lines(lambda dose: 100 * scale.effect(micro(dose)) / whole),
        ),
    ]


def _week(day: int) -> str:
    return f"week {day // 7 + 1}" if day >= 0 else ""
