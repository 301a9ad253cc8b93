"""In equals out plus on hand, whatever happens in whatever order; and without the guards it does not."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.medication import stock as stocks
from services.medication.pouring import poured_from
from services.medication.stock import Shelf, TakeBack
from services.medication.stock_counting import CountBottle, DeclareWaste, SettleDiscrepancy
from services.medication.stock_state import BottleStatus, Stock, stock_id
from services.medication.stock_transfer import CallBottleBack, HandOver, ReceiveTransfer, ReturnBottle, SendBottle
from shared.events.medication import (
    BottleReceived,
    BottleReturned,
    BottleSent,
    DiscrepancySettled,
    DosePoured,
    Finding,
    MedicineWasted,
    PourPutBack,
    StockSource,
    VoidReason,
    WasteReason,
)
from shared.failures import Failure
from shared.log import Act, Given
from tests.medication.bottles import RECEIVE, TODAY, pouring
from tests.medication.ledger import Ledger, Outdated, Prepared

SITES = ("riverside", "hilltop")
PRODUCT = "methadone-concentrate"
BOTTLES, DOSES = 5, 12


@dataclass
class Network:
    """Two sites' stocks; a request may be prepared now and appended later, twice, or never."""

    ledger: Ledger = field(default_factory=Ledger)
    waiting: list[Prepared] = field(default_factory=list)
    made: int = 0

    def stock(self, site: str) -> Stock:
        state: Stock = self.ledger.state(stocks.decider, stock_id(site, PRODUCT))
        return state

    def prepare(self, *acts: Act) -> None:
        self.made += 1
        try:
            self.waiting.append(self.ledger.prepare(f"key-{self.made}", acts))
        except Failure:
            return

    def append(self, place: int, *, again: bool) -> None:
        if not self.waiting:
            return
        prepared = self.waiting[place % len(self.waiting)]
        if not again:
            self.waiting.remove(prepared)
        try:
            self.ledger.append(prepared)
        except Outdated:
            return

    def events(self) -> list[Any]:
        return [event for _, event in self.ledger.of("stock")]


def act(site: str, command: object, *looked_at: str) -> Act:
    """On the site's stock."""
    given = tuple(Given(stocks.decider, stock_id(one, PRODUCT)) for one in looked_at)
    return Act(stocks.decider, stock_id(site, PRODUCT), command, given=given)


def acts(chance: Random) -> tuple[Act, ...]:
    """What somebody at a site does; most of it refused, as things stand."""
    site = chance.choice(SITES)
    other = next(one for one in SITES if one != site)
    bottle, number = UUID(int=chance.randint(2, 2 * BOTTLES + 1)), chance.randint(1, DOSES)
    dose_id, waste_id, transfer_id = UUID(int=number), UUID(int=chance.randint(1, 60)), UUID(int=chance.randint(1, 9))
    shelf, amount = Shelf(site, PRODUCT), Decimal(chance.choice((30, 45, 60, 80)))
    counted = Decimal(chance.choice((0, 95, 100, 100, 105)))
    own = UUID(int=chance.randint(1, BOTTLES) * 2 + SITES.index(site))
    receive = replace(RECEIVE, shelf=shelf, bottle_id=own, amount_mg=Decimal(100), stated_mg=Decimal(100))
    choices: list[tuple[Act, ...]] = [
        (act(site, receive),),
        (act(site, stocks.OpenBottle(shelf, bottle, "nurse", TODAY)),),
        *[(act(site, replace(pouring(number, str(amount)), shelf=shelf)),)] * 3,
        (act(site, TakeBack(shelf, dose_id, dose_id, None, VoidReason.ENTERED_IN_ERROR)),),
        (act(site, DeclareWaste(bottle, waste_id, Decimal(5), WasteReason.SPILLED, "nurse", None)),),
        (act(site, CountBottle(bottle, counted, "nurse")),),
        (act(site, SettleDiscrepancy(bottle, counted, Finding.MISCOUNTED, "second", "Seen.")),),
        (act(site, SendBottle(bottle, transfer_id, other, "222", "nurse")),),
        (
            act(site, ReceiveTransfer(transfer_id, site, counted, "nurse"), other),
            act(other, HandOver(transfer_id, site, "nurse")),
        ),
        (act(site, CallBottleBack(transfer_id, "nurse")),),
        (act(site, ReturnBottle(bottle, "Distributor", "222", "nurse")),),
    ]
    return chance.choice(choices)


def run(seed: int, steps: int) -> Network:
    """Requests cross each other, are repeated, and are lost."""
    chance, network = Random(seed), Network()
    for _ in range(steps):
        if chance.random() < 0.6:
            network.prepare(*acts(chance))
        else:
            network.append(chance.randrange(8), again=chance.random() < 0.3)
    return network


def check(network: Network) -> None:
    """What came into the network is what left it and what is in it, to the thousandth of a milligram; no bottle is below zero.

    Counted from the events' own words, apart from the stock's own sums.
    """
    into: defaultdict[str, Decimal] = defaultdict(Decimal)
    for event in network.events():
        match event:
            case BottleReceived():
                into["in"] += event.amount_mg if event.source is not StockSource.TRANSFER else Decimal(0)
                lost = event.stated_mg - event.amount_mg if event.source is StockSource.TRANSFER else Decimal(0)
                into["out"] += lost
            case DosePoured() | MedicineWasted() | BottleReturned():
                into["out"] += event.amount_mg
            case PourPutBack():
                into["out"] -= sum((one.amount_mg for one in event.parts), Decimal(0))
            case DiscrepancySettled():
                into["out"] -= event.adjusted_mg
            case _:
                pass
    bottles = [(site, one) for site in SITES for one in network.stock(site).bottles.values()]
    assert all(one.balance_mg >= 0 for _, one in bottles), "a bottle holds less than nothing"
    on_hand = sum(one.balance_mg for _, one in bottles)
    assert into["in"] == into["out"] + on_hand, "milligrams came from nowhere or went there"
    held = Counter(one.bottle_id for _, one in bottles if one.status not in (BottleStatus.GONE, BottleStatus.EMPTY))
    assert not [one for one, places in held.items() if places > 1], "a bottle is in two books"


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32), st.integers(10, 250))
def test_milligrams_are_conserved_over_every_interleaving(seed: int, steps: int) -> None:
    """V1: with lost answers, repeats and requests that were decided on an older state."""
    check(run(seed, steps))


def test_the_random_histories_reach_every_kind_of_event() -> None:
    """So that the property above says something."""
    kinds = {type(event).__name__ for seed in range(60) for event in run(seed, 250).events()}

    assert {"DosePoured", "PourPutBack", "MedicineWasted", "DiscrepancySettled", "BottleArrived"} <= kinds
    assert {"BottleSent", "BottleCalledBack", "BottleReturned"} <= kinds
    assert BottleSent.__name__ in kinds


def caught() -> bool:
    """Whether one of many histories breaks the promise."""
    for seed in range(120):
        try:
            check(run(seed, 120))
        except (AssertionError, KeyError):
            return True
    return False


def overdrawn(bottles: Any, amount_mg: Decimal) -> Any:
    """The mutant: the first bottle gives everything, whether it holds it or not."""
    if not bottles:
        return None
    first = replace(bottles[0], balance_mg=amount_mg)
    return poured_from([first], amount_mg)


def test_without_the_check_of_what_a_bottle_holds_it_falls_below_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    """The property bites."""
    assert not caught()
    monkeypatch.setattr("services.medication.stock.poured_from", overdrawn)
    assert caught()


def test_without_the_hand_over_a_bottle_is_in_two_books(monkeypatch: pytest.MonkeyPatch) -> None:
    """The property bites: the sender's half of the arrival is left out."""
    whole = Network.prepare

    def halved(network: Network, *acts: Act) -> None:
        whole(network, *(one for one in acts if not isinstance(one.command, HandOver)))

    monkeypatch.setattr(Network, "prepare", halved)
    assert caught()


def test_without_the_comparison_of_versions_two_windows_pour_the_same_milligrams(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The property bites: the guard is the log's, and a decision on an older state must not be stored."""
    keep = Ledger.append

    def unguarded(ledger: Ledger, prepared: Prepared) -> None:
        versions = {name: len(ledger.streams[name]) for name in prepared.versions}
        partial(keep, ledger)(replace(prepared, versions=versions))

    monkeypatch.setattr(Ledger, "append", unguarded)
    assert caught()
