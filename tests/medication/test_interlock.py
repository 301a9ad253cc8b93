"""I8: over random interleavings of sites, retries, crashes, wrong clocks, cut links and hand-overs nobody is dosed twice."""

import os
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, time
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.events.medication import AuthorityEstablished, AuthorityHandedOver, AuthorityReturned, SecondOrderAllowed
from shared.failures import Failure
from tests.medication.interlock import (
    ORDERS,
    SITES,
    SPLITS_MG,
    Network,
    Step,
    given_twice,
    slot_per_site,
    standing,
)
from tests.medication.situations import MONDAY, ORDER

SCHEDULES = int(os.environ.get("EVENKEEL_SCHEDULES", "1000"))
KINDS = (
    *("give",) * 8,
    *("commit",) * 10,
    *("visit",) * 3,
    *("back", "timer", "ask", "approve", "accept"),
    *("cut", "cut", "paper", "paper", "heal", "retry", "retry", "crash", "void", "allow", "day", "day", "skew"),
)

steps = st.builds(
    Step,
    kind=st.sampled_from(KINDS),
    client=st.integers(0, 5),
    order=st.sampled_from([0, 0, 0, 1]),
    split=st.integers(1, 2),
    days=st.integers(0, 3),
    dose_mg=st.sampled_from([Decimal(4), Decimal(4), Decimal(12), Decimal(24)]),
)
schedules = st.lists(steps, min_size=25, max_size=50)


def run(network: Network, schedule: list[Step]) -> Network:
    """Every step, then every link is healed."""
    for step in schedule:
        network.take(step)
    for site in range(len(SITES)):
        network.take(Step("heal", client=site))
    return network


def check(network: Network) -> None:
    """The promise, read from the log alone."""
    doses = standing(network)
    slots = Counter((one.order_id, one.dosing_on, one.split) for one, _ in doses)
    assert all(number == 1 for number in slots.values()), slots
    check_amounts(network)
    check_one_holder(network)
    recorded = sum((one.dose_mg for one, _ in doses), Decimal(0))
    twice = sum((one.dose_mg for one in given_twice(network)), Decimal(0))
    assert recorded + twice == network.swallowed_mg, "a milligram was lost"
    for one, _ in doses:
        assert one.authority_epoch or one.authorised_by or one.site_id == SITES[0]


def check_amounts(network: Network) -> None:
    """Never more than ordered, and on one order a day unless a named physician allowed a second."""
    allowed = {
        (event.dosing_on, event.order_id)
        for _, event in network.ledger.of("history")
        if isinstance(event, SecondOrderAllowed)
    }
    days: dict[date, dict[UUID, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for one, _ in standing(network):
        assert one.dose_mg <= SPLITS_MG[one.order_id][one.split - 1]
        days[one.dosing_on][one.order_id] += one.dose_mg
    for on, by_order in days.items():
        uncommon = [order_id for order_id in by_order if (on, order_id) not in allowed]
        assert len(uncommon) <= 1, f"{on}: two orders and no physician"
        for order_id, dose_mg in by_order.items():
            assert dose_mg <= sum(SPLITS_MG[order_id], Decimal(0))


def check_one_holder(network: Network) -> None:
    """Each move takes the authority from who had it, one epoch later."""
    holder, epoch = None, 0
    for _, event in network.ledger.of("authority"):
        match event:
            case AuthorityEstablished():
                assert holder is None
                holder, epoch = event.site_id, event.epoch
            case AuthorityHandedOver() | AuthorityReturned():
                assert (event.from_site_id, event.epoch) == (holder, epoch + 1)
                holder, epoch = event.to_site_id, event.epoch
            case _:
                pass


def check_nobody_is_blocked(network: Network) -> None:
    """With all links up and true clocks the site that holds the authority doses what is due, and home can take it back."""
    network.skew_days = [0, 0, 0]
    holder = network.holder
    day = [one for one, _ in standing(network) if network.today in {one.dosing_on, one.given_at.date()}]
    if any(one.order_id != ORDERS[0] or one.split == 1 for one in day):
        return
    step = Step("give", client=holder, dose_mg=Decimal(4))
    prepared = network.ledger.prepare("last", network.dose(holder, step, network.slot(holder, step)))
    assert prepared.events


@pytest.mark.timeout(1800)
@settings(max_examples=SCHEDULES, deadline=None, suppress_health_check=list(HealthCheck))
@given(schedule=schedules)
def test_nobody_is_dosed_twice_and_nobody_is_blocked(schedule: list[Step]) -> None:
    """I8, T54."""
    network = run(Network(), schedule)

    check(network)
    check_nobody_is_blocked(network)


def give(client: int, order: int = 0) -> list[Step]:
    """One dose, read and committed."""
    return [Step("give", client=client, order=order), Step("commit", client=client)]


def test_without_the_unique_slot_the_promise_breaks() -> None:
    """I8: with a slot per site and no interlock both sites dose."""
    schedule = [*give(0), *give(1)]

    check(run(Network(), schedule))
    with pytest.raises(AssertionError):
        check(run(Network(slot_per_site, interlock=False), schedule))


def test_without_the_interlock_a_site_doses_that_was_not_asked() -> None:
    """I8: the guard is the authority that the dose looks at."""
    with_it, without = run(Network(), give(1)), run(Network(interlock=False), give(1))

    assert standing(with_it) == []
    assert len(standing(without)) == 1


def test_without_the_history_two_orders_are_dosed_on_one_date() -> None:
    """I8: the order that was replaced this morning, and its successor."""
    schedule = [*give(0), *give(0, order=1)]

    assert {one.order_id for one, _ in standing(run(Network(), schedule))} == {ORDER}
    with pytest.raises(AssertionError, match="two orders and no physician"):
        check(run(Network(one_order=False), schedule))


def test_a_hand_over_between_reading_and_writing_stops_the_dose() -> None:
    """The dose looks at the authority's version when it is committed."""
    schedule = [
        *give(0, order=1),
        *(
            Step(kind, client=client, days=2)
            for kind, client in (("ask", 1), ("commit", 1), ("approve", 0), ("commit", 0))
        ),
        Step("day"),
        Step("give", client=0),
        *(Step(kind, client=1) for kind in ("accept", "commit")),
        Step("commit", client=0),
    ]
    network = run(Network(), schedule)

    assert [one.dosing_on for one, _ in standing(network)] == [MONDAY]


def test_what_was_given_on_paper_in_a_taken_slot_is_in_the_conflict_report() -> None:
    schedule = [*give(0), Step("cut", client=1), Step("paper", client=1), Step("heal", client=1)]
    network = run(Network(), schedule)

    check(network)
    (conflict,) = given_twice(network)
    assert (conflict.site_id, conflict.other_site_id, conflict.physician) == ("hilltop", "riverside", "prescriber-2")


def test_a_paper_dose_that_is_entered_twice_is_recorded_once() -> None:
    network = run(Network(), [*give(0), Step("cut", client=1)])
    slot = network.slot(1, Step("paper"))
    at = datetime.combine(MONDAY, time(15), UTC)
    network.enter(1, slot, at)
    with pytest.raises(Failure):
        network.enter(1, slot, at)

    assert len(given_twice(network)) == 1
