"""The picture of a running taper: what was planned, what holds now, and what was given, dose and effect over time."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from services.medication import taper as tapers
from services.medication import views_taper
from services.medication.plot import Line, Marks, Panel, picture
from services.medication.smoothest.effect import Kind, Scale
from services.medication.smoothest.numbers import MICRO
from services.medication.taper_course import PLANNED_DAYS_MAX
from services.medication.taper_figures import StepStatus, TaperFigures
from shared.events.medication import TaperDesign
from shared.http import QueryDoor

DAYS_BEFORE: Final = 7
DAYS_AFTER: Final = 14

_DOSES: Final = f"""select dosing_on, case when status = 'administered' then dose_mg end as dose_mg from view.dose
    where order_id = $1 and split = 1 and status in ('administered', 'refused', 'missed') and dosing_on between $2 and $3
    order by dosing_on limit {PLANNED_DAYS_MAX}"""  # noqa: S608 - a limit of ours


async def drawn(door: QueryDoor, taper_id: UUID) -> bytes:
    """One taper's picture. Raises NotFound, also while no event has been folded yet."""
    figures = (await views_taper.schedule(door, taper_id, None)).figures
    state, _ = await door.state(tapers.decider, taper_id)
    first = figures.steps[0].planned_on
    last = max(figures.projected_end_on, *(one.planned_on for one in figures.steps)) + timedelta(days=DAYS_AFTER)
    doses = await door.rows(_DOSES, figures.order_id, first - timedelta(days=DAYS_BEFORE), last)
    return plot(figures, state.design, doses).encode()


def plot(taper: TaperFigures, design: TaperDesign | None, doses: Sequence[Mapping[str, Any]]) -> str:
    """A dose that was refused or missed is a cross. Without a stated scale there is no effect to be drawn."""
    first = taper.steps[0].planned_on

    def name(day: int) -> str:
        return (first + timedelta(days=day)).isoformat()

    title = f"{taper.medicine}, {taper.start_dose_mg} to {taper.target_dose_mg} mg a day, {taper.status}"
    panels = [_panel("Dose, mg a day", taper, doses, float)]
    if design is not None:
        scale = Scale(Kind(design.scale.value), int((design.scale_mg or 0) * MICRO))
        whole = scale.effect(int(taper.start_dose_mg * MICRO)) or 1
        words = f"Effect, % of that of the first dose ({design.scale.value})"
        panels.append(_panel(words, taper, doses, lambda mg: 100 * scale.effect(int(mg * MICRO)) / whole))
    return picture(title, panels, name)


def _panel(
    title: str, taper: TaperFigures, doses: Sequence[Mapping[str, Any]], value: Callable[[Decimal], float]
) -> Panel:
    """The steps that were dropped never came; those that wait stand where they would begin."""
    planned = [(one.planned_on, one.dose_mg) for one in taper.steps]
    standing = [(one.starts_on, one.dose_mg) for one in taper.steps if one.status is not StepStatus.DROPPED]
    first = planned[0][0]
    until = max(on for on, _ in (*planned, *standing, (taper.projected_end_on, 0))) + timedelta(days=DAYS_AFTER)

    def day(on: date) -> int:
        return (on - first).days

    def line(label: str, steps: Sequence[tuple[date, Decimal]]) -> Line:
        points = [(day(on), value(mg)) for on, mg in steps]
        return Line(label, [(-DAYS_BEFORE, value(taper.start_dose_mg)), *points], day(until))

    given = [(day(one["dosing_on"]), None if one["dose_mg"] is None else value(one["dose_mg"])) for one in doses]
    marks = [Marks(label, points) for label, points in _split(given) if points]
    return Panel(title, [line("planned", planned), line("as it stands", standing)], marks)


def _split(given: Sequence[tuple[int, float | None]]) -> list[tuple[str, list[tuple[int, float | None]]]]:
    return [
        ("given", [one for one in given if one[1] is not None]),
        ("refused or missed", [one for one in given if one[1] is None]),
    ]
