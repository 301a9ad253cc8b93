"""The chart is what is known of a patient that orders are judged by: findings, and the orders that are in force."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Final, assert_never
from uuid import UUID

from services.medication.rules_table import FactKind, FactKnown
from shared.decider import Decider, command
from shared.events.medication import (
    ChartEvent,
    FindingRecorded,
    FindingRetracted,
    MedicineOrdered,
    MedicineOrderEnded,
)
from shared.failures import Invalid, NotFound, Refused
from shared.units import Code, Name, Prose

KEPT_EACH: Final = 20
"""Findings kept of one fact (of one medicine or condition); the oldest are forgotten here, the log keeps them."""

ORDERS_MAX: Final = 200
"""Orders of one patient that are kept; the first to have ended are forgotten."""


@dataclass(frozen=True)
class Finding:
    """One finding that counts."""

    fact: str
    observed_at: datetime
    value: Decimal | None
    choice: str | None
    present: bool


@dataclass(frozen=True)
class Ordered:
    """One order that was signed."""

    medicine: str
    daily_dose_mg: Decimal
    from_on: date
    until_on: date | None

    def overlaps(self, from_on: date, until_on: date | None) -> bool:
        """Whether it gives something on one of these days."""
        return (self.until_on is None or self.until_on >= from_on) and (until_on is None or self.from_on <= until_on)


@dataclass(frozen=True)
class Chart:
    """Findings and orders by id."""

    findings: Mapping[UUID, Finding] = field(default_factory=dict)
    orders: Mapping[UUID, Ordered] = field(default_factory=dict)

    def newest(self, fact: str) -> Finding | None:
        """The finding that was observed last."""
        return max((one for one in self.findings.values() if one.fact == fact), key=_observed, default=None)

    def present(self, fact: str) -> frozenset[str]:
        """Of a fact that has several at a time, such as medicines: those that the newest word says are there."""
        newest: dict[str, Finding] = {}
        for one in sorted((one for one in self.findings.values() if one.fact == fact), key=_observed):
            newest[one.choice or ""] = one
        return frozenset(name for name, one in newest.items() if one.present)


def _observed(finding: Finding) -> datetime:
    return finding.observed_at


@command
class RecordFinding:
    """Write down what was found; `known` is what the rules know of the fact, `now` the moment of writing."""

    patient_id: UUID
    finding_id: UUID
    known: FactKnown
    observed_at: datetime
    now: datetime
    value: Decimal | None
    unit: Name | None
    choice: Code | None
    present: bool
    note: Prose | None


@command
class RetractFinding:
    """Say that a finding was entered in error."""

    patient_id: UUID
    finding_id: UUID
    reason: Prose


@command
class PutInForce:
    """An order was signed; comes with the signature."""

    patient_id: UUID
    order_id: UUID
    ordered: Ordered


@command
class EndOrder:
    """An order ends; comes with its discontinuation or with the signature of its successor."""

    patient_id: UUID
    order_id: UUID
    until_on: date


type Command = RecordFinding | RetractFinding | PutInForce | EndOrder


class FindingAlreadyRecorded(Refused):
    """There is a finding under this id already."""


class FindingUnknown(NotFound):
    """There is no finding under this id, or it was retracted or is too old to be looked at."""


class ValueNotAllowed(Invalid):
    """The value lies outside of what is possible."""


class UnitWrong(Invalid):
    """The value is in another unit than this fact's."""


class ChoiceNotAllowed(Invalid):
    """The fact has no such choice."""


class ObservedInTheFuture(Invalid):
    """What was found cannot lie in the future."""


def evolve(chart: Chart, event: ChartEvent) -> Chart:
    """The chart after the event."""
    match event:
        case FindingRecorded():
            made = Finding(event.fact, event.observed_at, event.value, event.choice, event.present)
            return Chart(_kept({**chart.findings, event.finding_id: made}, made), chart.orders)
        case FindingRetracted():
            return Chart({key: one for key, one in chart.findings.items() if key != event.finding_id}, chart.orders)
        case MedicineOrdered():
            ordered = Ordered(event.medicine, event.daily_dose_mg, event.from_on, event.until_on)
            return Chart(chart.findings, _remembered({**chart.orders, event.order_id: ordered}))
        case MedicineOrderEnded():
            before = chart.orders.get(event.order_id)
            if before is None:
                return chart
            ended = Ordered(before.medicine, before.daily_dose_mg, before.from_on, event.until_on)
            return Chart(chart.findings, {**chart.orders, event.order_id: ended})
        case _:
            assert_never(event)


def _kept(findings: Mapping[UUID, Finding], newest: Finding) -> Mapping[UUID, Finding]:
    """Of medicines and conditions each is its own: one that is often written down does not push out another."""
    same = [key for key, one in findings.items() if (one.fact, one.choice) == (newest.fact, newest.choice)]
    same.sort(key=lambda key: findings[key].observed_at)
    forgotten = set(same[:-KEPT_EACH])
    return {key: one for key, one in findings.items() if key not in forgotten}


def _remembered(orders: Mapping[UUID, Ordered]) -> Mapping[UUID, Ordered]:
    if len(orders) <= ORDERS_MAX:
        return orders
    first = min(orders, key=lambda key: orders[key].until_on or date.max)
    return {key: one for key, one in orders.items() if key != first}


def decide(chart: Chart, command: Command) -> Sequence[ChartEvent]:
    """What happens on the command."""
    match command:
        case RecordFinding():
            return record(chart, command)
        case RetractFinding():
            if command.finding_id not in chart.findings:
                raise FindingUnknown
            return [FindingRetracted(command.patient_id, command.finding_id, command.reason)]
        case PutInForce():
            one = command.ordered
            said = (one.medicine, one.daily_dose_mg, one.from_on, one.until_on)
            return [MedicineOrdered(command.patient_id, command.order_id, *said)]
        case EndOrder():
            before = chart.orders.get(command.order_id)
            if before is None or (before.until_on is not None and before.until_on <= command.until_on):
                return []
            return [MedicineOrderEnded(command.patient_id, command.order_id, command.until_on)]
        case _:
            assert_never(command)


def record(chart: Chart, command: RecordFinding) -> Sequence[ChartEvent]:
    """The value is one that the fact can have, in its unit."""
    if command.finding_id in chart.findings:
        raise FindingAlreadyRecorded
    if command.observed_at > command.now:
        raise ObservedInTheFuture(field="observed_at")
    check(command.known, command)
    return [
        FindingRecorded(
            patient_id=command.patient_id,
            finding_id=command.finding_id,
            fact=command.known.id,
            observed_at=command.observed_at,
            value=command.value,
            unit=command.unit,
            choice=command.choice,
            present=command.present,
            note=command.note,
        )
    ]


def check(known: FactKnown, command: RecordFinding) -> None:
    """An amount has a value in the fact's unit, a choice one of its choices, a moment nothing but itself."""
    amount = known.kind is FactKind.AMOUNT
    chosen = known.kind in {FactKind.CHOICE, FactKind.CLASSES}
    if (command.value is not None) is not amount:
        raise ValueNotAllowed(field="value", kind=known.kind.value)
    if command.unit != (known.unit if amount else None):
        raise UnitWrong(field="unit", unit=known.unit)
    if command.value is not None and not _possible(known, command.value):
        raise ValueNotAllowed(field="value", lowest=str(known.lowest), highest=str(known.highest), unit=known.unit)
    if (command.choice is not None) is not chosen:
        raise ChoiceNotAllowed(field="choice", choices=known.choices)
    if chosen and known.choices and command.choice not in known.choices:
        raise ChoiceNotAllowed(field="choice", choices=known.choices)
    if not command.present and known.kind is not FactKind.CLASSES:
        raise ChoiceNotAllowed(field="present", kind=known.kind.value)


def _possible(known: FactKnown, value: Decimal) -> bool:
    return (known.lowest is None or value >= known.lowest) and (known.highest is None or value <= known.highest)


decider: Final[Decider[Chart]] = Decider("chart", Chart(), decide, evolve)
