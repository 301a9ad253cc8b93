"""The rest of a taper as a question to the engine of the smoothest taper: from the dose as taken, under the caps that hold."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any, Final

from services.medication.product import Product
from services.medication.taper_course import Taper
from services.medication.taper_policies import TaperPolicy

HISTORY_DAYS: Final = 366
"""No window reaches back further."""


def rest_question(
    taper: Taper,
    product: Product,
    policies: Sequence[TaperPolicy],
    *,
    starts_on: date,
    target_dose_mg: Decimal,
    jump_off_max_mg: Decimal | None,
) -> dict[str, Any]:
    """In the wire format, without a number of steps: that is the prescriber's to choose. Day 0 is `starts_on`."""
    days = [starts_on - timedelta(days=number) for number in range(HISTORY_DAYS, 0, -1)]
    taken = [(dose_mg, len(list(same))) for dose_mg, same in groupby(taper.dose_on(day) for day in days)]
    cuts = [one.max_cut_mg for one in policies if one.max_cut_mg is not None]
    question = {
        "start_dose_mg": _text(taken[-1][0]),
        "target_dose_mg": _text(target_dose_mg),
        "step_days": max((one.step_days for one in policies), default=14),
        "increment_mg": product.increment_mg and _text(product.increment_mg),
        "units": _units(product),
        "scale": _scale(taper, policies),
        "relative_caps": [
            {"fraction": _text(cap.fraction), "window_days": cap.window_days, "strict": cap.strict}
            for one in policies
            for cap in one.relative_caps
        ],
        "max_cut_mg": _text(min(cuts)) if cuts else None,
        "jump_off_max_mg": None if target_dose_mg else _jump_off(policies, jump_off_max_mg),
        "history": [{"dose_mg": _text(dose_mg), "days": count} for dose_mg, count in taken],
    }
    return {name: value for name, value in question.items() if value is not None}


def _units(product: Product) -> list[dict[str, Any]] | None:
    if product.increment_mg is not None:
        return None
    return [{"strength_mg": _text(one.strength_mg), "split_into": one.split_into} for one in product.strengths]


def _scale(taper: Taper, policies: Sequence[TaperPolicy]) -> dict[str, str]:
    """That of the plan; else that of the guideline; else milligrams."""
    if taper.design is not None:
        kind, parameter_mg = taper.design.scale.value, taper.design.scale_mg
    elif policies:
        kind, parameter_mg = policies[-1].scale.kind.value, policies[-1].scale.parameter_mg
    else:
        kind, parameter_mg = "linear", None
    names = {"exponential": "reference_dose_mg", "hyperbolic": "ed50_mg"}
    return {"kind": kind} | ({names[kind]: _text(parameter_mg)} if parameter_mg is not None else {})


def _jump_off(policies: Sequence[TaperPolicy], chosen: Decimal | None) -> str | None:
    """What the prescriber says; else the lowest of the guidelines."""
    known = [one.jump_off_max_mg for one in policies if one.jump_off_max_mg is not None]
    most = chosen if chosen is not None else min(known, default=None)
    return None if most is None else _text(most)


def _text(value: Decimal) -> str:
    """A plain decimal, as the wire wants it."""
    return f"{value.normalize():f}"
