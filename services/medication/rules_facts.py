"""From an order and a patient's chart to the facts that rules look at."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from services.medication.chart import Chart, Finding, Ordered
from services.medication.prescription import Prescription
from services.medication.rules import Facts, Rule, Value, evaluate
from services.medication.rules_table import FactFrom, FactKind, FactKnown, RuleTable

_SECONDS_AN_HOUR: Final = 3600
_HUNDREDTH: Final = Decimal("0.01")
_TRANSMUCOSAL: Final = frozenset({"buprenorphine", "buprenorphine-naloxone"})
_METHADONE: Final = frozenset({"methadone"})


@dataclass(frozen=True)
class Asking:
    """What a check needs beside order and chart: the rules, the last dose given of each medicine, and the moment asked about.

    `at` is now, or when the order begins at its site, if that is later: what is too old by then no longer counts.
    """

    table: RuleTable
    last_doses: Mapping[str, datetime]
    at: datetime


def fired(order_id: UUID, prescription: Prescription, chart: Chart, asking: Asking) -> tuple[Rule, ...]:
    """Every rule that has something to say about the order."""
    rules = asking.table.at(prescription.home_site_id, prescription.medicine)
    return evaluate(rules, prescription.medicine, facts(order_id, prescription, chart, asking))


def facts(order_id: UUID, prescription: Prescription, chart: Chart, asking: Asking) -> Facts:
    """All that is known; what is not in it is unknown."""
    found: dict[str, Value] = {}
    for known in asking.table.known.values():
        if known.origin is FactFrom.FINDING and (value := _finding(known, chart, asking)) is not None:
            found[known.id] = value
    others = {key: one for key, one in chart.orders.items() if key != order_id}
    found["medicines"] = asking.table.with_classes(
        chart.present("medicines") | _in_force(others, prescription.starts_on, prescription.ends_on)
    )
    return found | _of_order(prescription, others)


def _finding(known: FactKnown, chart: Chart, asking: Asking) -> Value | None:
    if known.kind is FactKind.CLASSES:
        return chart.present(known.id)
    newest = chart.newest(known.id)
    if known.kind is FactKind.MOMENT:
        moments = [asking.last_doses[one] for one in known.doses_of if one in asking.last_doses]
        moments += [newest.observed_at] if newest else []
        return _hours_since(max(moments), asking.at) if moments else None
    if newest is None or not _counts(known, newest, asking.at):
        return None
    return newest.value if known.kind is FactKind.AMOUNT else newest.choice


def _counts(known: FactKnown, finding: Finding, at: datetime) -> bool:
    return known.counts_hours is None or at - finding.observed_at <= timedelta(hours=known.counts_hours)


def _hours_since(moment: datetime, at: datetime) -> Decimal:
    """Rounded down to a hundredth, so that a window is never over too early; never negative."""
    hours = Decimal((at - moment).total_seconds()) / _SECONDS_AN_HOUR
    return max(Decimal(0), hours.quantize(_HUNDREDTH, "ROUND_DOWN"))


def _in_force(orders: Mapping[UUID, Ordered], from_on: date, until_on: date | None) -> frozenset[str]:
    return frozenset(one.medicine for one in orders.values() if one.overlaps(from_on, until_on))


def _of_order(prescription: Prescription, others: Mapping[UUID, Ordered]) -> dict[str, Value]:
    """What the order itself says."""
    day_mg = prescription.dose_mg
    said: dict[str, Value] = {
        "product": prescription.product_id,
        "new_start": _yes(answer=prescription.new_start),
        "raises_dose": _yes(answer=True),
        "low_dose_protocol": _yes(answer=prescription.low_dose_protocol),
        "daily_dose": day_mg,
        "single_dose": max(prescription.split_doses_mg),
        "first_dose": prescription.split_doses_mg[0],
        "first_day_dose": day_mg,
        "doses_a_day": Decimal(len(prescription.split_doses_mg)),
    }
    if prescription.due_on(prescription.starts_on + timedelta(days=1)):
        said["second_day_dose"] = day_mg
    if prescription.ends_on is not None:
        said["course_days"] = Decimal((prescription.ends_on - prescription.starts_on).days + 1)
    for name, medicines in (("methadone_daily_dose", _METHADONE), ("transmucosal_daily_dose", _TRANSMUCOSAL)):
        until = prescription.starts_on - timedelta(days=1)
        doses = [
            one.daily_dose_mg for one in others.values() if one.medicine in medicines and one.overlaps(until, None)
        ]
        if doses:
            said[name] = max(doses)
    return said


def _yes(*, answer: bool) -> str:
    return "yes" if answer else "no"
