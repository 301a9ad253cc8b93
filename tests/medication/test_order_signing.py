"""A signature asks the rules: what blocks stops it, what may be overridden needs a name, a reason, and where it says so a second person."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from services.medication import chart as charts
from services.medication.chart import Chart, Ordered
from services.medication.formulary import formulary
from services.medication.order import (
    ApproveOverride,
    DraftOrder,
    OrderAlreadySigned,
    RationaleNeeded,
    RequestOverride,
    decider,
)
from services.medication.order_signing import (
    OrderBlocked,
    OverrideAlreadyApproved,
    OverrideAlreadyRequested,
    OverrideNeeded,
    OverrideNotRequested,
    OverrideNotYours,
    RuleNotInTheWay,
    SecondPersonNeeded,
    Signer,
)
from services.medication.prescription import written
from services.medication.rules_facts import facts
from shared.access import Role
from shared.events.medication import OrderDrafted
from tests.medication.situations import ASKING, CONCENTRATE, DRAFT, FILM, MONDAY, NINE_O_CLOCK, ORDER, PRESCRIBER, SIGN
from tests.medication.test_chart import finding
from tests.scenario import Scenario

order = Scenario(decider)
OTHER_PRESCRIBER = Signer("prescriber-2", frozenset({Role.PRESCRIBER}))
DIRECTOR = Signer("director-1", frozenset({Role.MEDICAL_DIRECTOR}))
NURSE = Signer("nurse-1", frozenset({Role.NURSE}))
ACAMPROSATE = formulary().product("acamprosate-tablet")
OTHER_ORDER = UUID(int=77)


def chart_with(*found: charts.RecordFinding, orders: Mapping[UUID, Ordered] | None = None) -> Chart:
    """A patient of whom this is known."""
    state = charts.decider.fold([event for one in found for event in charts.decide(Chart(), one)])
    return replace(state, orders=orders or {})


def drafted(**changes: Any) -> OrderDrafted:
    """A draft, without a word of the rules."""
    (event,) = order.given().when(replace(DRAFT, **changes))
    assert isinstance(event, OrderDrafted)
    return event


METHADONE = drafted(product=CONCENTRATE, split_doses_mg=(Decimal(60),))
LONG_QT = chart_with(finding("qtc", value=Decimal(510), unit="ms"))
REQUEST = RequestOverride(ORDER, "methadone-qtc-500", PRESCRIBER, ASKING, "cardiology agrees")
APPROVE = ApproveOverride("methadone-qtc-500", OTHER_PRESCRIBER, ASKING)


def test_a_block_names_the_rule_its_source_and_that_nobody_may_override() -> None:
    draft = drafted(product=ACAMPROSATE, split_doses_mg=(Decimal(666),) * 3)
    kidney = chart_with(finding("creatinine_clearance", value=Decimal(30), unit="mL/min"))

    with pytest.raises(OrderBlocked) as refused:
        order.given(draft).when(replace(SIGN, rationale="urgent"), kidney)
    named = refused.value.facts
    assert (named["rule"], named["rule_version"], named["evidence"]) == ("acamprosate-renal", 1, "C")
    assert "acamprosate label" in str(named["source"])
    assert str(named["may_override"]).startswith("nobody")


@pytest.mark.parametrize(
    ("clearance", "dose_mg", "passes"),
    [
        ("30.0", 333, False),
        ("30.1", 333, True),
        ("30.1", 666, False),
        ("50.0", 333, True),
        ("50.0", 666, False),
        ("50.1", 666, True),
    ],
)
def test_acamprosate_follows_the_kidney(clearance: str, dose_mg: int, *, passes: bool) -> None:
    """Facts 3.5: 30.0 is contraindicated, 30.1 to 50.0 is half, 50.1 is full."""
    draft = drafted(product=ACAMPROSATE, split_doses_mg=(Decimal(dose_mg),) * 3)
    kidney = chart_with(finding("creatinine_clearance", value=Decimal(clearance), unit="mL/min"))

    if passes:
        assert order.given(draft).when(SIGN, kidney)
    else:
        with pytest.raises(OrderBlocked):
            order.given(draft).when(SIGN, kidney)


def test_a_warning_stops_nothing_and_is_written_down() -> None:
    benzodiazepine = chart_with(finding("medicines", choice="diazepam"))
    (signed,) = order.given(METHADONE).when(SIGN, benzodiazepine)

    assert "opioid-with-benzodiazepine" in {one.rule_id for one in signed.rules_fired if one.outcome == "warn"}
    assert {one.policy_id for one in signed.policies} >= {"methadone-first-day", "opioid-with-benzodiazepine"}


def test_a_rationale_is_not_enough_where_a_second_person_is_asked_for() -> None:
    with pytest.raises(OverrideNeeded) as refused:
        order.given(METHADONE).when(replace(SIGN, rationale="cardiology agrees"), LONG_QT)

    assert refused.value.facts["rule"] == "methadone-qtc-500"
    assert refused.value.facts["second_person"] is True


def test_two_people_let_an_order_through() -> None:
    asked = order.given(METHADONE).when(REQUEST, LONG_QT)
    approved = order.given(METHADONE, *asked).when(APPROVE, LONG_QT)

    with pytest.raises(OverrideNeeded):
        order.given(METHADONE, *asked).when(SIGN, LONG_QT)
    (signed,) = order.given(METHADONE, *asked, *approved).when(SIGN, LONG_QT)
    assert "methadone-qtc-500" in {one.rule_id for one in signed.rules_fired}
    assert (approved[0].requested_by, approved[0].approved_by) == ("prescriber-1", "prescriber-2")


@pytest.mark.parametrize(
    ("approve", "failure"),
    [
        (replace(APPROVE, signer=PRESCRIBER), SecondPersonNeeded),
        (replace(APPROVE, signer=NURSE), OverrideNotYours),
        (replace(APPROVE, rule_id="methadone-qtc-450"), OverrideNotRequested),
    ],
)
def test_the_second_person_is_another_one_who_may(approve: ApproveOverride, failure: type[Exception]) -> None:
    asked = order.given(METHADONE).when(REQUEST, LONG_QT)

    with pytest.raises(failure):
        order.given(METHADONE, *asked).when(approve, LONG_QT)


def test_one_request_and_one_approval_are_all_there_is() -> None:
    asked = order.given(METHADONE).when(REQUEST, LONG_QT)
    approved = order.given(METHADONE, *asked).when(APPROVE, LONG_QT)

    with pytest.raises(OverrideAlreadyRequested):
        order.given(METHADONE, *asked).when(REQUEST, LONG_QT)
    with pytest.raises(OverrideAlreadyApproved):
        order.given(METHADONE, *asked, *approved).when(replace(APPROVE, signer=PRESCRIBER), LONG_QT)


def test_an_override_of_an_older_version_counts_no_more() -> None:
    asked = replace(order.given(METHADONE).when(REQUEST, LONG_QT)[0], rule_version=0)
    approved = replace(
        order.given(METHADONE, *order.given(METHADONE).when(REQUEST, LONG_QT)).when(APPROVE)[0], rule_version=0
    )

    with pytest.raises(OverrideNeeded):
        order.given(METHADONE, asked, approved).when(SIGN, LONG_QT)
    assert order.given(METHADONE, asked, approved).when(REQUEST, LONG_QT)


@pytest.mark.parametrize(
    ("rule_id", "failure"),
    [("methadone-first-day", RuleNotInTheWay), ("methadone-maoi", OrderBlocked), ("no-such-rule", RuleNotInTheWay)],
)
def test_only_what_stands_in_the_way_is_overridden(rule_id: str, failure: type[Exception]) -> None:
    chart = chart_with(finding("medicines", choice="phenelzine"))

    with pytest.raises(failure):
        order.given(METHADONE).when(replace(REQUEST, rule_id=rule_id), chart)


def test_more_than_32_mg_needs_the_medical_director_and_somebody_else() -> None:
    draft = drafted(product=FILM, split_doses_mg=(Decimal(36),))
    request = replace(REQUEST, rule_id="buprenorphine-very-high-dose")

    with pytest.raises(OverrideNotYours):
        order.given(draft).when(request, Chart())
    asked = order.given(draft).when(replace(request, signer=DIRECTOR), Chart())
    approved = order.given(draft, *asked).when(replace(APPROVE, rule_id="buprenorphine-very-high-dose"), Chart())
    with pytest.raises(RationaleNeeded) as refused:
        order.given(draft, *asked, *approved).when(SIGN, Chart())
    assert refused.value.facts["rule"] == "buprenorphine-high-dose"
    (signed,) = order.given(draft, *asked, *approved).when(replace(SIGN, rationale="carfentanil"), Chart())
    assert signed.limits_exceeded == ("buprenorphine-high-dose",)


def test_nothing_is_overridden_on_a_signed_order() -> None:
    signed = order.given(METHADONE).when(SIGN, Chart())

    with pytest.raises(OrderAlreadySigned):
        order.given(METHADONE, *signed).when(REQUEST, LONG_QT)


def test_an_order_in_force_is_a_medicine_that_the_patient_takes() -> None:
    naltrexone = drafted(product=formulary().product("naltrexone-tablet"), split_doses_mg=(Decimal(50),))
    methadone = Ordered("methadone", Decimal(60), MONDAY - timedelta(days=30), None)

    with pytest.raises(OrderBlocked) as refused:
        order.given(naltrexone).when(SIGN, chart_with(orders={OTHER_ORDER: methadone}))
    assert refused.value.facts["rule"] == "naltrexone-with-opioid"
    ended = replace(methadone, until_on=MONDAY - timedelta(days=1))
    assert order.given(naltrexone).when(SIGN, chart_with(orders={OTHER_ORDER: ended}))
    assert order.given(naltrexone).when(SIGN, chart_with(orders={ORDER: methadone})), (
        "an order does not stand in its own way"
    )


def test_a_dose_given_counts_as_the_last_use() -> None:
    """Matrix 3.9: naltrexone less than 14 days after buprenorphine or methadone is blocked."""
    naltrexone = drafted(product=formulary().product("naltrexone-tablet"), split_doses_mg=(Decimal(50),))
    for hours, blocked in ((335, True), (336, False)):
        asking = replace(ASKING, last_doses={"methadone": NINE_O_CLOCK - timedelta(hours=hours)})
        sign = replace(SIGN, asking=asking)
        if blocked:
            with pytest.raises(OrderBlocked):
                order.given(naltrexone).when(sign, Chart())
        else:
            assert order.given(naltrexone).when(sign, Chart())


def test_a_finding_that_is_too_old_is_unknown_again() -> None:
    score = finding("cows_score", hours_ago=13, value=Decimal(20), unit="points")
    start = written(drafted(new_start=True))

    assert "cows_score" not in facts(ORDER, start, chart_with(score), ASKING)
    fresh = replace(score, observed_at=NINE_O_CLOCK - timedelta(hours=12))
    assert facts(ORDER, start, chart_with(fresh), ASKING)["cows_score"] == Decimal(20)


def test_hours_are_rounded_down_so_that_a_window_is_never_over_too_early() -> None:
    asking = replace(ASKING, last_doses={"methadone": NINE_O_CLOCK - timedelta(hours=24) + timedelta(seconds=1)})

    assert facts(ORDER, written(drafted(new_start=True)), Chart(), asking)["last_methadone"] == Decimal("23.99")


@pytest.mark.parametrize(("score", "low_dose", "passes"), [(10, False, False), (11, False, True), (3, True, True)])
def test_buprenorphine_starts_in_withdrawal_or_low(score: int, *, low_dose: bool, passes: bool) -> None:
    draft = drafted(split_doses_mg=(Decimal(4),), new_start=True, low_dose_protocol=low_dose)
    chart = chart_with(finding("cows_score", value=Decimal(score), unit="points"))

    if passes:
        assert order.given(draft).when(SIGN, chart)
    else:
        with pytest.raises(OrderBlocked) as refused:
            order.given(draft).when(SIGN, chart)
        assert refused.value.facts["rule"] == "buprenorphine-start-cows"


def test_a_draft_writes_down_what_the_rules_said_and_is_not_stopped() -> None:
    asked: DraftOrder = replace(DRAFT, new_start=True, order_id=ORDER, asking=ASKING)
    events: Sequence[Any] = order.given().when(asked, Chart())

    assert {(one.rule_id, one.outcome) for one in events[0].rules_fired} >= {
        ("buprenorphine-start-cows-unknown", "block"),
        ("buprenorphine-first-day-high", "override"),
    }
