"""A chart keeps what was found out about a patient: the newest word counts, a retracted one never did."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from services.medication.chart import (
    KEPT_EACH,
    ORDERS_MAX,
    ChoiceNotAllowed,
    EndOrder,
    FindingAlreadyRecorded,
    FindingUnknown,
    ObservedInTheFuture,
    Ordered,
    PutInForce,
    RecordFinding,
    RetractFinding,
    UnitWrong,
    ValueNotAllowed,
    decider,
)
from services.medication.rules_table import rule_table
from tests.medication.situations import MONDAY, NINE_O_CLOCK, ORDER, PATIENT, SUNDAY, TUESDAY
from tests.scenario import Scenario

chart = Scenario(decider)
KNOWN = rule_table().known
FINDING = UUID(int=70)


def finding(fact: str, number: int = 0, hours_ago: int = 1, **said: Any) -> RecordFinding:
    """Something was found so many hours before nine o'clock."""
    content: dict[str, Any] = {"value": None, "unit": None, "choice": None, "present": True, "note": None} | said
    return RecordFinding(
        patient_id=PATIENT,
        finding_id=UUID(int=FINDING.int + number),
        known=KNOWN[fact],
        observed_at=NINE_O_CLOCK - timedelta(hours=hours_ago),
        now=NINE_O_CLOCK,
        **content,
    )


QTC = finding("qtc", value=Decimal(430), unit="ms")


def test_a_finding_says_what_was_found_when_and_in_which_unit() -> None:
    (event,) = chart.given().when(QTC)

    assert (event.fact, event.value, event.unit) == ("qtc", Decimal(430), "ms")
    assert event.observed_at == NINE_O_CLOCK - timedelta(hours=1)


@pytest.mark.parametrize(
    ("wrong", "failure", "field"),
    [
        (replace(QTC, value=None), ValueNotAllowed, "value"),
        (replace(QTC, value=Decimal(199)), ValueNotAllowed, "value"),
        (replace(QTC, value=Decimal(801)), ValueNotAllowed, "value"),
        (replace(QTC, unit="s"), UnitWrong, "unit"),
        (replace(QTC, unit=None), UnitWrong, "unit"),
        (replace(QTC, choice="A"), ChoiceNotAllowed, "choice"),
        (replace(QTC, present=False), ChoiceNotAllowed, "present"),
        (finding("child_pugh", choice="D"), ChoiceNotAllowed, "choice"),
        (finding("child_pugh"), ChoiceNotAllowed, "choice"),
        (finding("child_pugh", choice="A", value=Decimal(1)), ValueNotAllowed, "value"),
        (finding("conditions", choice="tired"), ChoiceNotAllowed, "choice"),
        (finding("last_alcohol", value=Decimal(1)), ValueNotAllowed, "value"),
        (finding("qtc", hours_ago=-1, value=Decimal(430), unit="ms"), ObservedInTheFuture, "observed_at"),
    ],
)
def test_what_the_fact_cannot_be_is_refused(wrong: RecordFinding, failure: type[Exception], field: str) -> None:
    with pytest.raises(failure) as refused:
        chart.given().when(wrong)

    assert getattr(refused.value, "field", None) == field


@pytest.mark.parametrize(("value", "taken"), [("200", True), ("800", True)])
def test_the_ends_of_what_is_possible_are_possible(value: str, *, taken: bool) -> None:
    assert bool(chart.given().when(replace(QTC, value=Decimal(value)))) is taken


def test_the_finding_observed_last_counts_whatever_was_entered_last() -> None:
    late = finding("qtc", 1, hours_ago=5, value=Decimal(510), unit="ms")
    state = chart.given(*chart.given().when(QTC), *chart.given().when(late)).state

    newest = state.newest("qtc")
    assert newest is not None
    assert newest.value == Decimal(430)


def test_a_medicine_is_there_until_a_newer_word_says_it_is_not() -> None:
    taken = finding("medicines", 0, hours_ago=9, choice="clonazepam")
    stopped = finding("medicines", 1, hours_ago=3, choice="clonazepam", present=False)
    other = finding("medicines", 2, hours_ago=8, choice="gabapentin")
    events = [event for one in (stopped, taken, other) for event in chart.given().when(one)]

    assert chart.given(*events).state.present("medicines") == {"gabapentin"}
    assert chart.given(*events[1:]).state.present("medicines") == {"gabapentin", "clonazepam"}


def test_a_retracted_finding_never_counts() -> None:
    recorded = chart.given().when(QTC)
    retracted = chart.given(*recorded).when(RetractFinding(PATIENT, FINDING, "another patient's"))

    assert chart.given(*recorded, *retracted).state.newest("qtc") is None
    with pytest.raises(FindingUnknown):
        chart.given(*recorded, *retracted).when(RetractFinding(PATIENT, FINDING, "again"))


def test_an_id_is_used_for_one_finding_only() -> None:
    with pytest.raises(FindingAlreadyRecorded):
        chart.given(*chart.given().when(QTC)).when(QTC)


def test_the_oldest_findings_of_a_fact_are_forgotten_and_those_of_others_stay() -> None:
    events = list(chart.given().when(finding("child_pugh", 900, hours_ago=99, choice="B")))
    for number in range(KEPT_EACH + 5):
        events += chart.given().when(
            replace(QTC, finding_id=UUID(int=100 + number), observed_at=NINE_O_CLOCK - timedelta(hours=number))
        )
    state = chart.given(*events).state

    assert len(state.findings) == KEPT_EACH + 1
    assert state.newest("child_pugh") is not None


ORDERED = Ordered("methadone", Decimal(60), MONDAY, None)
PUT = PutInForce(PATIENT, ORDER, ORDERED)


def test_an_order_is_in_force_until_it_ends() -> None:
    in_force = chart.given(*chart.given().when(PUT))
    ended = in_force.given(*in_force.when(EndOrder(PATIENT, ORDER, MONDAY)))

    assert in_force.state.orders[ORDER].overlaps(TUESDAY, None)
    assert ended.state.orders[ORDER].overlaps(MONDAY, None)
    assert not ended.state.orders[ORDER].overlaps(TUESDAY, None)
    assert not ended.state.orders[ORDER].overlaps(SUNDAY, SUNDAY)


def test_an_end_is_told_once_and_only_of_what_was_ordered() -> None:
    assert list(chart.given().when(EndOrder(PATIENT, ORDER, MONDAY))) == []
    ended = chart.given(*chart.given().when(replace(PUT, ordered=replace(ORDERED, until_on=MONDAY))))
    assert list(ended.when(EndOrder(PATIENT, ORDER, TUESDAY))) == []


def test_so_many_orders_are_kept() -> None:
    events: list[Any] = []
    for number in range(ORDERS_MAX + 3):
        until_on = MONDAY + timedelta(days=number) if number else None
        events += chart.given().when(PutInForce(PATIENT, UUID(int=1000 + number), replace(ORDERED, until_on=until_on)))
    orders = chart.given(*events).state.orders

    assert len(orders) == ORDERS_MAX
    assert UUID(int=1000) in orders, "the order without an end stays"
