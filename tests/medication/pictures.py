"""The pictures of `docs/tapers.md`, drawn by the program itself: `python -m tests.medication.pictures` writes them anew."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import msgspec

from services.medication import taper as tapers
from services.medication.plot_alternatives import drawn
from services.medication.taper_figures import Figures
from services.medication.taper_schedule import figures
from services.medication.views_taper_plot import plot
from shared.events.medication import EffectScale, PlannedStep, TaperDesign, TaperShape
from tests.medication.recording import Chart, folded
from tests.medication.situations import MONDAY, TAPER, confirm, hold, resume

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"

QUESTION = {
    "question": {
        "start_dose_mg": "60",
        "target_dose_mg": "0",
        "steps_min": 20,
        "steps_max": 52,
        "step_days": 14,
        "increment_mg": "1",
        "scale": {"kind": "hyperbolic", "ed50_mg": "20"},
        "relative_caps": [{"fraction": "0.25", "window_days": 14}],
        "jump_off_max_mg": "5",
    },
    "shapes": [
        {"shape": "linear", "cut_mg": "3", "basis": "ideal", "rounding": "half_up"},
        {"shape": "percent_of_current", "fraction": "0.15", "basis": "dispensed", "rounding": "up", "jump_off_mg": "5"},
        {"shape": "hyperbolic", "ed50_mg": "20", "basis": "ideal", "rounding": "half_up"},
    ],
}
DAYS = 70
MISSED = (11, 25, 26, 50)


def pictures() -> Mapping[str, str]:
    """By file name."""
    return {"taper-alternatives.svg": drawn(QUESTION)["picture"], "taper-running.svg": running()}


def running() -> str:
    """Held after the second step for two weeks, with four doses missed."""
    chart = Chart()
    chart.order()
    steps = [PlannedStep(MONDAY + timedelta(days=14 * number), Decimal(14 - 2 * number)) for number in range(7)]
    assert chart.start(steps)
    decisions = {
        0: confirm(1, MONDAY),
        14: confirm(2, MONDAY + timedelta(days=14)),
        20: hold(MONDAY + timedelta(days=20)),
    }
    decisions |= {34: resume(MONDAY + timedelta(days=34)), 44: confirm(3, MONDAY + timedelta(days=44))}
    doses = []
    for number in range(DAYS):
        chart.today = on = MONDAY + timedelta(days=number)
        if number in decisions:
            assert chart.tell(tapers.decider, TAPER, decisions[number])
        dose_mg = chart.state(tapers.decider, TAPER).dose_on(on)
        assert chart.dose(on, what="miss" if number in MISSED else "give")
        doses.append({"dosing_on": on, "dose_mg": None if number in MISSED else dose_mg})
    (shown,) = msgspec.convert(figures(folded(chart.events)), Figures).tapers
    return plot(shown, TaperDesign(TaperShape.BY_HAND, EffectScale.HYPERBOLIC, Decimal(4)), doses)


if __name__ == "__main__":
    for name, svg in pictures().items():
        (FOLDER / name).write_text(svg)
