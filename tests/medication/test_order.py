"""An order is drafted, signed, held, resumed and ended; above a limit the prescriber says why."""

from dataclasses import replace
from decimal import Decimal

import pytest

from services.medication.order import (
    DiscontinueOrder,
    DoseNotDispensable,
    DosesTooClose,
    HoldOrder,
    OrderAlreadyDrafted,
    OrderAlreadySigned,
    OrderEndsBeforeItStarts,
    OrderNotDrafted,
    OrderNotOnHold,
    OrderNotSigned,
    OrderOnHold,
    OrderOver,
    PutOnTaper,
    RationaleNeeded,
    ResumeOrder,
    decider,
    prescription_in_force,
)
from shared.events.medication import (
    DiscontinuationReason,
    OrderDiscontinued,
    OrderHeld,
    OrderHoldReason,
    OrderPutOnTaper,
    OrderResumed,
)
from tests.medication.situations import (
    CONCENTRATE,
    DRAFT,
    DRAFTED,
    HELD,
    MONDAY,
    ORDERED,
    SIGN,
    SIGNED,
    SUNDAY,
    TAPER,
    TUESDAY,
    WEEKLY_DEPOT,
)
from tests.scenario import Scenario

order = Scenario(decider)
HOLD = HoldOrder(OrderHoldReason.IMPAIRMENT, MONDAY, None)
DISCONTINUE = DiscontinueOrder(DiscontinuationReason.REPLACED, TUESDAY, None)
DISCONTINUED = OrderDiscontinued(DiscontinuationReason.REPLACED, TUESDAY, None)


def test_a_drafted_order_says_what_is_given() -> None:
    assert order.given().when(DRAFT) == [DRAFTED]


def test_an_id_is_used_for_one_order_only() -> None:
    with pytest.raises(OrderAlreadyDrafted):
        order.given(DRAFTED).when(DRAFT)


@pytest.mark.parametrize("dose_mg", [Decimal(3), Decimal(0)])
def test_a_dose_that_cannot_be_handed_out_is_refused(dose_mg: Decimal) -> None:
    with pytest.raises(DoseNotDispensable) as refused:
        order.given().when(replace(DRAFT, split_doses_mg=(Decimal(8), dose_mg)))

    assert refused.value.field == "split_doses_mg[1]"


def test_a_day_may_be_split() -> None:
    (event,) = order.given().when(replace(DRAFT, split_doses_mg=(Decimal(8), Decimal(4))))

    assert event.dose_mg == Decimal(12)
    assert event.split_doses_mg == (Decimal(8), Decimal(4))


def test_the_last_day_is_not_before_the_first() -> None:
    with pytest.raises(OrderEndsBeforeItStarts):
        order.given().when(replace(DRAFT, ends_on=SUNDAY))


def test_a_depot_is_not_given_more_often_than_the_product_allows() -> None:
    weekly = replace(DRAFT, product=WEEKLY_DEPOT, split_doses_mg=(Decimal(24),))

    assert order.given().when(weekly)[0].rhythm == WEEKLY_DEPOT.rhythm
    with pytest.raises(DosesTooClose):
        order.given().when(replace(weekly, every_days=6))
    with pytest.raises(DosesTooClose):
        order.given().when(replace(weekly, split_doses_mg=(Decimal(8), Decimal(16))))


def test_a_prescriber_may_order_every_other_day() -> None:
    assert order.given().when(replace(DRAFT, every_days=2))[0].rhythm.every_days == 2


def test_a_signature_puts_the_order_in_force() -> None:
    assert order.given(DRAFTED).when(SIGN) == [SIGNED]


def test_an_order_is_signed_once() -> None:
    with pytest.raises(OrderAlreadySigned):
        order.given(DRAFTED, SIGNED).when(SIGN)
    with pytest.raises(OrderAlreadySigned):
        order.given(DRAFTED, SIGNED, HELD).when(SIGN)


@pytest.mark.parametrize(
    ("split_doses_mg", "new_start", "asks"),
    [(("30", "20"), True, False), (("30", "21"), True, True), (("51",), False, False), (("120",), False, False)],
)
def test_methadone_above_50_mg_on_the_first_day_needs_a_reason(
    split_doses_mg: tuple[str, ...], *, new_start: bool, asks: bool
) -> None:
    """42 CFR 8.12(h)(3)(ii): the boundary is 50 mg, and only for a new start."""
    parts = tuple(Decimal(one) for one in split_doses_mg)
    draft = replace(DRAFT, product=CONCENTRATE, split_doses_mg=parts, new_start=new_start)
    drafted = order.given(*order.given().when(draft))

    if not asks:
        assert drafted.when(SIGN)[0].limits_exceeded == ()
        return
    with pytest.raises(RationaleNeeded) as refused:
        drafted.when(SIGN)
    assert refused.value.facts["rule"] == "methadone-first-day"
    assert "42 CFR 8.12" in str(refused.value.facts["source"])
    assert refused.value.facts["may_override"] == "a prescriber, with a reason"
    (signed,) = drafted.when(replace(SIGN, rationale="fentanyl tolerance, observed at 2 h and 4 h"))
    assert signed.limits_exceeded == ("methadone-first-day",)


@pytest.mark.parametrize(("split_doses_mg", "asks"), [(("12", "12"), False), (("12", "14"), True)])
def test_the_limit_counts_the_whole_day(split_doses_mg: tuple[str, ...], *, asks: bool) -> None:
    (drafted,) = order.given().when(replace(DRAFT, split_doses_mg=tuple(Decimal(one) for one in split_doses_mg)))

    if asks:
        with pytest.raises(RationaleNeeded):
            order.given(drafted).when(SIGN)
    else:
        assert order.given(drafted).when(SIGN)


def test_a_held_order_goes_on_when_resumed() -> None:
    assert order.given(DRAFTED, SIGNED).when(HOLD) == [OrderHeld(OrderHoldReason.IMPAIRMENT, MONDAY, None)]
    assert order.given(DRAFTED, SIGNED, HELD).when(ResumeOrder(TUESDAY)) == [OrderResumed(TUESDAY)]


def test_only_a_signed_order_is_held_and_only_a_held_one_resumed() -> None:
    with pytest.raises(OrderNotSigned):
        order.given(DRAFTED).when(HOLD)
    with pytest.raises(OrderOnHold):
        order.given(DRAFTED, SIGNED, HELD).when(HOLD)
    with pytest.raises(OrderNotOnHold):
        order.given(DRAFTED, SIGNED).when(ResumeOrder(TUESDAY))


@pytest.mark.parametrize("earlier", [(DRAFTED,), (DRAFTED, SIGNED), (DRAFTED, SIGNED, HELD)])
def test_an_order_can_always_be_ended(earlier: tuple[object, ...]) -> None:
    assert order.given(*earlier).when(DISCONTINUE) == [DISCONTINUED]


@pytest.mark.parametrize("command", [SIGN, HOLD, ResumeOrder(TUESDAY), DISCONTINUE, PutOnTaper(TAPER)])
def test_nothing_happens_to_an_order_that_is_over(command: object) -> None:
    with pytest.raises(OrderOver):
        order.given(DRAFTED, SIGNED, DISCONTINUED).when(command)


@pytest.mark.parametrize("command", [SIGN, HOLD, ResumeOrder(TUESDAY), DISCONTINUE, PutOnTaper(TAPER)])
def test_nothing_happens_to_an_order_that_is_not_there(command: object) -> None:
    with pytest.raises(OrderNotDrafted):
        order.given().when(command)


def test_a_taper_attaches_to_a_signed_order() -> None:
    assert order.given(DRAFTED, SIGNED).when(PutOnTaper(TAPER)) == [OrderPutOnTaper(TAPER)]
    with pytest.raises(OrderNotSigned):
        order.given(DRAFTED).when(PutOnTaper(TAPER))


def test_only_a_signed_order_is_in_force() -> None:
    assert prescription_in_force(ORDERED).dose_mg == Decimal(16)
    with pytest.raises(OrderNotDrafted):
        prescription_in_force(None)
    with pytest.raises(OrderNotSigned):
        prescription_in_force(decider.fold([DRAFTED]))
    with pytest.raises(OrderOnHold):
        prescription_in_force(decider.fold([DRAFTED, SIGNED, HELD]))
    with pytest.raises(OrderOver):
        prescription_in_force(decider.fold([DRAFTED, SIGNED, DISCONTINUED]))
