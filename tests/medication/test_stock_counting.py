"""Waste has witnesses, counts are blind, differences are settled by two people, and bottles are in one place at a time."""

from dataclasses import replace
from decimal import Decimal
from uuid import UUID

import pytest

from services.medication.stock_bottle import BottleNotHere, NotInTheBottle
from services.medication.stock_counting import (
    CountBottle,
    CountsDiffer,
    DeclareWaste,
    NoDiscrepancy,
    NoWitnessNeeded,
    SecondCounterNeeded,
    SettleDiscrepancy,
    WasteAlreadyDeclared,
    WasteUnknown,
    WitnessNotAnother,
    WitnessWaste,
)
from services.medication.stock_policies import stock_policies
from services.medication.stock_transfer import (
    CallBottleBack,
    DiscrepancyOpen,
    HandOver,
    OnlyClosedBottlesTravel,
    ReceiveTransfer,
    ReturnBottle,
    SameSite,
    SendBottle,
    TransferUnknown,
)
from shared.events.medication import (
    BottleCounted,
    BottleReceived,
    BottleReturned,
    DiscrepancyFound,
    DiscrepancySettled,
    Finding,
    WasteReason,
)
from tests.medication.bottles import BOTTLE, RECEIVE, after, held, opening, pouring, receive, tablets

WASTE, TRANSFER = UUID(int=201), UUID(int=202)
SPILL = DeclareWaste(BOTTLE, WASTE, Decimal(60), WasteReason.SPILLED, "nurse-kim", None)
COUNT = CountBottle(BOTTLE, Decimal(930), "nurse-kim")
SETTLE = SettleDiscrepancy(BOTTLE, Decimal(930), Finding.MEASURING_LOSS, "nurse-lee", "Pump checked.")
SEND = SendBottle(BOTTLE, TRANSFER, "hilltop", "DEA 222", "nurse-kim")
ARRIVE = ReceiveTransfer(TRANSFER, "hilltop", Decimal(1000), "nurse-oh")
BEGUN = after(RECEIVE, opening(), pouring(1, "60"))


def test_waste_leaves_the_book_at_once_and_waits_for_a_witness_who_is_another_person() -> None:
    spilled = BEGUN.given(*BEGUN.when(SPILL))
    assert held(spilled.state) == {BOTTLE: Decimal(880)}

    with pytest.raises(WitnessNotAnother) as refused:
        spilled.when(WitnessWaste(BOTTLE, WASTE, "nurse-kim"))
    assert refused.value.facts["rule"] == "stock-waste"
    signed = spilled.given(*spilled.when(WitnessWaste(BOTTLE, WASTE, "nurse-lee")))
    with pytest.raises(NoWitnessNeeded):
        signed.when(WitnessWaste(BOTTLE, WASTE, "nurse-oh"))
    with pytest.raises(WasteAlreadyDeclared):
        signed.when(SPILL)
    with pytest.raises(WasteUnknown):
        signed.when(WitnessWaste(BOTTLE, UUID(int=9), "nurse-lee"))


def test_a_destruction_has_two_witnesses_who_are_two_people() -> None:
    """21 CFR 1317.95(d)."""
    gone = BEGUN.given(*BEGUN.when(replace(SPILL, reason=WasteReason.DESTROYED, amount_mg=Decimal(940))))
    with pytest.raises(BottleNotHere):
        gone.when(replace(SPILL, waste_id=UUID(int=8)))

    once = gone.given(*gone.when(WitnessWaste(BOTTLE, WASTE, "nurse-lee")))
    with pytest.raises(WitnessNotAnother):
        once.when(WitnessWaste(BOTTLE, WASTE, "nurse-lee"))
    assert once.when(WitnessWaste(BOTTLE, WASTE, "nurse-oh"))


def test_nobody_wastes_more_than_the_bottle_holds() -> None:
    with pytest.raises(NotInTheBottle):
        BEGUN.when(replace(SPILL, amount_mg=Decimal(941)))


def test_a_count_that_agrees_is_written_down_and_one_that_does_not_is_a_discrepancy() -> None:
    (agreed,) = BEGUN.when(replace(COUNT, counted_mg=Decimal(940)))
    assert isinstance(agreed, BottleCounted)

    (found,) = BEGUN.when(COUNT)
    assert isinstance(found, DiscrepancyFound)
    assert (found.expected_mg, found.found_mg, found.alarm) == (Decimal(940), Decimal(930), True)
    assert held(BEGUN.given(found).state) == {BOTTLE: Decimal(940)}, "the book waits for a second person"


@pytest.mark.parametrize(("expected", "found", "alarm"), [(1000, 996, False), (1000, 995, False), (1000, 994, True)])
def test_half_a_percent_or_one_unit_is_an_alarm(expected: int, found: int, alarm: bool) -> None:
    policy = stock_policies().discrepancy

    assert policy.alarms(Decimal(expected), Decimal(found), Decimal(10)) is alarm
    assert policy.alarms(Decimal(100_000), Decimal(99_990), Decimal(10)), "one unit, however small a part"
    assert not policy.alarms(Decimal(100_000), Decimal(99_991), Decimal(10))


def test_two_people_settle_a_discrepancy_also_when_doses_went_out_meanwhile() -> None:
    found = BEGUN.given(*BEGUN.when(COUNT))
    with pytest.raises(SecondCounterNeeded):
        found.when(replace(SETTLE, settled_by="nurse-kim"))
    later = found.given(*found.when(pouring(2, "30")))
    with pytest.raises(CountsDiffer):
        later.when(SETTLE)

    (settled,) = later.when(replace(SETTLE, counted_mg=Decimal(900)))
    assert isinstance(settled, DiscrepancySettled)
    assert settled.adjusted_mg == -10
    assert held(later.given(settled).state) == {BOTTLE: Decimal(900)}
    with pytest.raises(NoDiscrepancy):
        later.given(settled).when(SETTLE)


def test_a_miscount_changes_nothing_and_whoever_counted_cannot_take_it_back_alone() -> None:
    found = BEGUN.given(*BEGUN.when(COUNT))
    with pytest.raises(SecondCounterNeeded):
        found.when(replace(COUNT, counted_mg=Decimal(940)))
    (settled,) = found.when(replace(SETTLE, counted_mg=Decimal(940), finding=Finding.MISCOUNTED))
    assert settled.adjusted_mg == 0
    assert found.when(replace(COUNT, counted_mg=Decimal(940), counted_by="nurse-lee"))


def test_a_bottle_that_is_empty_by_the_book_and_not_in_fact_is_filled_by_two_people() -> None:
    emptied = after(receive(BOTTLE, 60), opening(), pouring(1, "60"))
    found = emptied.given(*emptied.when(replace(COUNT, counted_mg=Decimal(3))))
    settled = found.given(*found.when(replace(SETTLE, counted_mg=Decimal(3))))

    assert held(settled.state) == {BOTTLE: Decimal(3)}
    assert settled.when(pouring(2, "3"))


def test_a_closed_bottle_travels_and_is_in_one_book_at_a_time() -> None:
    begun = after(RECEIVE)
    sent = begun.given(*begun.when(SEND))
    with pytest.raises(BottleNotHere):
        sent.when(opening())
    with pytest.raises(TransferUnknown):
        after().when(replace(ARRIVE, site_id="lakeside"), sent.state)

    (received,) = after().when(ARRIVE, sent.state)
    assert isinstance(received, BottleReceived)
    assert (received.site_id, received.from_site_id, received.lot) == ("hilltop", "riverside", "A1")
    over = sent.given(*sent.when(HandOver(TRANSFER, "hilltop", "nurse-oh")))
    with pytest.raises(TransferUnknown):
        after().when(ARRIVE, over.state)
    with pytest.raises(TransferUnknown):
        over.when(CallBottleBack(TRANSFER, "nurse-kim"))


def test_what_is_missing_on_arrival_is_found_there_and_settled_by_two_people() -> None:
    begun = after(tablets(BOTTLE, 10, 100))
    sent = begun.given(*begun.when(SEND))
    received, found = after().when(replace(ARRIVE, counted_mg=Decimal(980)), sent.state)

    assert isinstance(found, DiscrepancyFound)
    assert (found.kind.value, found.expected_mg, found.found_mg) == ("transfer", Decimal(1000), Decimal(980))
    there = after().given(received, found)
    (settled,) = there.when(replace(SETTLE, counted_mg=Decimal(980), finding=Finding.THEFT_OR_LOSS))
    assert settled.adjusted_mg == 0
    with pytest.raises(DiscrepancyOpen):
        there.when(ReturnBottle(BOTTLE, "Distributor", "222", "nurse-oh"))


def test_a_bottle_that_was_called_back_is_on_hand_again() -> None:
    begun = after(RECEIVE)
    sent = begun.given(*begun.when(SEND))
    back = sent.given(*sent.when(CallBottleBack(TRANSFER, "nurse-kim")))

    assert held(back.state) == {BOTTLE: Decimal(1000)}
    assert back.when(opening())


def test_an_open_bottle_stays_and_no_bottle_is_sent_to_where_it_is() -> None:
    with pytest.raises(OnlyClosedBottlesTravel):
        BEGUN.when(SEND)
    with pytest.raises(SameSite):
        after(RECEIVE).when(replace(SEND, to_site_id="riverside"))


def test_a_return_takes_all_that_the_bottle_holds() -> None:
    (returned,) = BEGUN.when(ReturnBottle(BOTTLE, "Distributor", "222", "nurse-kim"))

    assert isinstance(returned, BottleReturned)
    assert returned.amount_mg == 940
    assert held(BEGUN.given(returned).state) == {BOTTLE: Decimal(0)}
