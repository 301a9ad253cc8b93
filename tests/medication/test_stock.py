"""Nothing leaves a bottle that it does not hold, nothing leaves it twice, and a void puts the book right."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from services.medication.pouring import poured_from
from services.medication.stock import (
    BottleAlreadyOpen,
    BottleAlreadyReceived,
    BottleExpired,
    NotEnoughOpen,
    StrengthUnknown,
    TakeBack,
    decider,
    pour_id,
)
from services.medication.stock_bottle import BottleNotHere, NotAWholeAmount
from services.medication.stock_counting import DeclareWaste
from services.medication.stock_policies import Keeping, StockPolicies, VoidEffect, stock_policies
from services.medication.stock_state import GONE_BOTTLES_KEPT, BottleStatus
from shared.events.medication import (
    BottleReceived,
    DiscrepancyFound,
    DosePoured,
    PourLeftOut,
    PourPutBack,
    VoidReason,
    WasteReason,
)
from tests.medication.bottles import (
    BOTTLE,
    NOON,
    RECEIVE,
    SECOND,
    SHELF,
    THIRD,
    TODAY,
    after,
    held,
    opening,
    parts,
    pouring,
    receive,
    tablets,
)
from tests.scenario import Scenario

stock = Scenario(decider)
BACK = TakeBack(SHELF, UUID(int=1), UUID(int=1), None, VoidReason.ENTERED_IN_ERROR)


def test_a_received_bottle_is_on_hand_as_counted_and_a_difference_to_the_papers_is_an_alarm() -> None:
    received, found = stock.given().when(replace(RECEIVE, stated_mg=Decimal(1010)))

    assert isinstance(received, BottleReceived)
    assert (received.amount_mg, received.stated_mg, received.piece_mg) == (Decimal(1000), Decimal(1010), Decimal(1))
    assert isinstance(found, DiscrepancyFound)
    assert found.alarm
    assert held(stock.given(received, found).state) == {BOTTLE: Decimal(1000)}


def test_a_receipt_names_a_strength_of_the_product_whole_units_and_a_date_to_come() -> None:
    with pytest.raises(StrengthUnknown):
        stock.given().when(replace(RECEIVE, strength_mg=Decimal(7)))
    with pytest.raises(NotAWholeAmount):
        stock.given().when(replace(tablets(BOTTLE, 5, 10), amount_mg=Decimal(48)))
    with pytest.raises(BottleExpired):
        stock.given().when(replace(RECEIVE, expires_on=TODAY - timedelta(days=1)))
    with pytest.raises(BottleAlreadyReceived):
        after(RECEIVE).when(RECEIVE)


def test_a_site_that_keeps_no_book_doses_without_one() -> None:
    assert stock.given().when(pouring(1, "60")) == []


def test_a_site_that_always_keeps_a_book_does_not_dose_before_its_stock_is_entered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keeping = replace(stock_policies().keeping, sites={"riverside": Keeping.ALWAYS})
    using(monkeypatch, replace(stock_policies(), keeping=keeping))

    with pytest.raises(NotEnoughOpen):
        stock.given().when(pouring(1, "60"))
    assert stock.given().when(replace(pouring(1, "60"), shelf=replace(SHELF, site_id="hilltop"))) == []


def using(monkeypatch: pytest.MonkeyPatch, policies: StockPolicies) -> None:
    """The heart reads these policies."""
    monkeypatch.setattr("services.medication.stock.stock_policies", lambda: policies)


def test_once_a_book_is_begun_a_dose_comes_from_an_opened_bottle_or_is_refused_by_a_named_rule() -> None:
    with pytest.raises(NotEnoughOpen) as refused:
        after(RECEIVE).when(pouring(1, "60"))
    assert refused.value.facts["closed_bottles"] == 1
    assert {"rule", "rule_version", "source", "may_override"} <= refused.value.facts.keys()

    (poured,) = after(RECEIVE, opening()).when(pouring(1, "60"))
    assert isinstance(poured, DosePoured)
    assert [(one.bottle_id, one.lot, one.amount_mg) for one in poured.parts] == [(BOTTLE, "A1", Decimal(60))]


def test_a_dose_that_is_told_about_twice_leaves_the_bottle_once() -> None:
    begun = after(RECEIVE, opening(), pouring(1, "60"))

    assert begun.when(pouring(1, "60")) == []
    assert held(begun.state) == {BOTTLE: Decimal(940)}
    assert pour_id(UUID(int=1), "riverside", NOON) == pour_id(UUID(int=1), "riverside", NOON)
    assert pour_id(UUID(int=1), "riverside", NOON) != pour_id(UUID(int=1), "hilltop", NOON)


def test_the_bottle_opened_first_is_emptied_first_and_a_dose_may_come_from_two() -> None:
    begun = after(receive(BOTTLE, 100), receive(SECOND, 100), opening(SECOND), opening(BOTTLE), pouring(1, "63"))

    (poured,) = begun.when(pouring(2, "60"))
    assert parts(poured) == {SECOND: Decimal(37), BOTTLE: Decimal(23)}
    emptied = begun.given(poured).state
    assert emptied.bottles[SECOND].status is BottleStatus.EMPTY
    with pytest.raises(NotEnoughOpen):
        begun.given(poured).when(pouring(3, "78"))
    assert begun.given(poured).when(pouring(3, "77"))


def test_an_expired_bottle_is_neither_opened_nor_poured_from() -> None:
    late = RECEIVE.expires_on + timedelta(days=1)
    with pytest.raises(BottleExpired):
        after(RECEIVE).when(opening(on=late))
    with pytest.raises(NotEnoughOpen):
        after(RECEIVE, opening()).when(pouring(1, "60", late))
    assert after(RECEIVE, opening()).when(pouring(1, "60", RECEIVE.expires_on))


def test_a_bottle_is_opened_once_and_only_where_it_is() -> None:
    with pytest.raises(BottleAlreadyOpen):
        after(RECEIVE, opening()).when(opening())
    with pytest.raises(BottleNotHere):
        after(RECEIVE).when(opening(SECOND))


def test_tablets_are_given_whole_before_they_are_split() -> None:
    begun = after(tablets(BOTTLE, 10, 10), tablets(SECOND, 5, 3), opening(), opening(SECOND))

    assert parts(*begun.when(pouring(1, "25"))) == {BOTTLE: Decimal(20), SECOND: Decimal(5)}
    assert parts(*begun.when(pouring(1, "22.5"))) == {BOTTLE: Decimal(20), SECOND: Decimal("2.5")}
    with pytest.raises(NotEnoughOpen):
        begun.when(pouring(1, "21"))


def test_what_greed_for_the_larger_strength_would_miss_is_found() -> None:
    begun = after(tablets(BOTTLE, 10, 1), tablets(SECOND, 5, 1), tablets(THIRD, 10, 1))
    opened = begun.given(*begun.when(opening(SECOND)), *begun.when(opening(BOTTLE)))

    given = poured_from(opened.state.opened, Decimal("7.5"))
    assert given is not None
    assert {one.bottle_id: one.amount_mg for one in given} == {SECOND: Decimal("2.5"), BOTTLE: Decimal(5)}


@pytest.mark.parametrize("reason", VoidReason)
def test_a_voided_dose_goes_back_into_the_bottle_that_it_never_left(reason: VoidReason) -> None:
    begun = after(receive(BOTTLE, 100), opening(), pouring(1, "100"))
    assert begun.state.bottles[BOTTLE].status is BottleStatus.EMPTY

    (back,) = begun.when(replace(BACK, reason=reason))
    assert isinstance(back, PourPutBack)
    put_right = begun.given(back)
    assert held(put_right.state) == {BOTTLE: Decimal(100)}
    assert put_right.when(replace(BACK, reason=reason)) == []
    assert put_right.when(pouring(1, "40"))


def test_what_cannot_go_back_is_left_out_and_never_stops_the_void() -> None:
    wasted = DeclareWaste(BOTTLE, UUID(int=7), Decimal(40), WasteReason.RESIDUE, "nurse-kim", None)
    gone = after(receive(BOTTLE, 100), opening(), pouring(1, "60"), wasted)

    (left_out,) = gone.when(BACK)
    assert isinstance(left_out, PourLeftOut)
    assert left_out.amount_mg == 60
    assert gone.given(left_out).when(BACK) == []


def test_a_site_may_leave_what_was_poured_for_a_voided_dose_out_of_the_book(monkeypatch: pytest.MonkeyPatch) -> None:
    effects = dict.fromkeys(VoidReason, VoidEffect.LEAVE_OUT)
    using(monkeypatch, replace(stock_policies(), void=replace(stock_policies().void, effects=effects)))

    begun = after(RECEIVE, opening(), pouring(1, "60"))
    (left_out,) = begun.when(BACK)
    assert isinstance(left_out, PourLeftOut)
    assert held(begun.given(left_out).state) == {BOTTLE: Decimal(940)}


def test_a_dose_from_before_the_book_leaves_nothing_behind_when_it_is_voided() -> None:
    assert stock.given().when(BACK) == []
    assert after(RECEIVE).when(BACK) == []
    (left_out,) = after(RECEIVE).when(replace(BACK, shown_mg=Decimal(60)))
    assert isinstance(left_out, PourLeftOut)


def test_a_long_book_keeps_only_the_last_bottles_that_are_gone() -> None:
    begun = stock.given()
    for number in range(GONE_BOTTLES_KEPT + 20):
        bottle = UUID(int=1000 + number)
        for one in (receive(bottle, 10), opening(bottle), pouring(number, "10")):
            begun = begun.given(*begun.when(one))

    assert len(begun.state.bottles) == GONE_BOTTLES_KEPT
    assert begun.state.parts_of(UUID(int=GONE_BOTTLES_KEPT + 19))
    assert not begun.state.parts_of(UUID(int=0))
