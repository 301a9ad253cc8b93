"""The authority to dose is with one site; it is handed over by two sites together and comes back by itself."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from services.medication.authority import (
    AuthorityNotHeld,
    BreakGlass,
    DosingAuthorityElsewhere,
    NoGuestHere,
    ReturnAuthority,
    SettleAuthority,
    check_may_dose,
    decider,
    may_dose,
)
from services.medication.guest import (
    AcceptGuest,
    ApproveGuest,
    AuthorityAlreadyHere,
    DeclineGuest,
    GuestAlready,
    GuestDatesWrong,
    GuestNotApproved,
    GuestNotForThisSite,
    GuestNotRequested,
    GuestStayNotBegun,
    GuestStayTooLong,
    GuestStayUnknown,
    RequestGuest,
)
from services.medication.window_policies import window_policies
from shared.events.medication import (
    AuthorityEstablished,
    AuthorityHandedOver,
    AuthorityReturned,
    GlassBroken,
    GuestDosingRequested,
    ReturnReason,
)
from tests.medication.situations import DOSE, MONDAY, NEW_YORK, ORDER, PATIENT, SUNDAY, TUESDAY
from tests.scenario import Scenario

site = Scenario(decider)
STAY, LATER_STAY = UUID(int=40), UUID(int=41)
SATURDAY = MONDAY + timedelta(days=5)
NEXT_SUNDAY = MONDAY + timedelta(days=6)
RETURN_AT = datetime(2025, 3, 9, 5, tzinfo=UTC)

ESTABLISHED = AuthorityEstablished(PATIENT, "riverside", 1)
ASK = RequestGuest(
    patient_id=PATIENT,
    guest_id=STAY,
    order_id=ORDER,
    site_id="hilltop",
    home_site_id="riverside",
    zone=NEW_YORK,
    from_on=TUESDAY,
    until_on=SATURDAY,
    asked_on=MONDAY,
    requested_by="nurse-lee",
    reason="Visits family.",
    policy=window_policies().guest,
)
APPROVE = ApproveGuest(STAY, "riverside", "prescriber-1", Decimal(16), MONDAY, 0, None)
ACCEPT = AcceptGuest(STAY, "hilltop", TUESDAY, RETURN_AT)
(ASKED,) = site.given(ESTABLISHED).when(ASK)
(APPROVED,) = site.given(ESTABLISHED, ASKED).when(APPROVE)
(HANDED_OVER,) = site.given(ESTABLISHED, ASKED, APPROVED).when(ACCEPT)
AWAY = site.given(ESTABLISHED, ASKED, APPROVED, HANDED_OVER)
SETTLE = SettleAuthority(PATIENT, "riverside", MONDAY)


def test_the_first_dose_establishes_the_authority_at_the_home_site_of_its_order() -> None:
    assert site.given().when(SETTLE) == [ESTABLISHED]
    assert site.given(ESTABLISHED).when(replace(SETTLE, home_site_id="hilltop")) == []


def test_asking_before_anything_was_dosed_establishes_it_too() -> None:
    established, asked = site.given().when(ASK)

    assert established == ESTABLISHED
    assert isinstance(asked, GuestDosingRequested)


def test_only_the_site_that_holds_it_may_dose_and_the_refusal_says_who_and_by_which_rule() -> None:
    state = site.given(ESTABLISHED).state
    check_may_dose(state, "riverside", "riverside", MONDAY)

    with pytest.raises(DosingAuthorityElsewhere) as refused:
        check_may_dose(state, "riverside", "hilltop", MONDAY)
    assert refused.value.facts["holder_site_id"] == "riverside"
    assert {"rule", "rule_version", "source", "may_override"} <= refused.value.facts.keys()


def test_before_anything_was_dosed_the_order_s_home_site_may() -> None:
    assert may_dose(site.given().state, "riverside", "riverside", MONDAY, late=False)
    assert not may_dose(site.given().state, "riverside", "hilltop", MONDAY, late=False)


def test_the_hand_over_raises_the_epoch_and_nothing_moves_before_it() -> None:
    for history in ((ESTABLISHED, ASKED), (ESTABLISHED, ASKED, APPROVED)):
        assert may_dose(site.given(*history).state, "riverside", "riverside", TUESDAY, late=False)
        assert not may_dose(site.given(*history).state, "riverside", "hilltop", TUESDAY, late=False)

    assert isinstance(HANDED_OVER, AuthorityHandedOver)
    assert (HANDED_OVER.epoch, HANDED_OVER.to_site_id, HANDED_OVER.return_at) == (2, "hilltop", RETURN_AT)
    assert may_dose(AWAY.state, "riverside", "hilltop", TUESDAY, late=False)
    assert not may_dose(AWAY.state, "riverside", "riverside", TUESDAY, late=False)
    assert AWAY.when(ACCEPT) == []


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"site_id": "riverside"}, AuthorityAlreadyHere),
        ({"until_on": MONDAY}, GuestDatesWrong),
        ({"from_on": SUNDAY - timedelta(days=9), "until_on": SUNDAY}, GuestDatesWrong),
        ({"until_on": TUESDAY + timedelta(days=30)}, GuestStayTooLong),
    ],
)
def test_what_may_not_be_asked_for(change: dict[str, object], refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        site.given(ESTABLISHED).when(replace(ASK, **change))  # type: ignore[arg-type]


def test_a_stay_has_at_most_so_many_days_and_there_is_one_at_a_time() -> None:
    assert site.given(ESTABLISHED).when(replace(ASK, until_on=TUESDAY + timedelta(days=29)))

    with pytest.raises(GuestAlready):
        site.given(ESTABLISHED, ASKED).when(replace(ASK, guest_id=LATER_STAY))


def test_each_step_belongs_to_one_site() -> None:
    asked, approved = site.given(ESTABLISHED, ASKED), site.given(ESTABLISHED, ASKED, APPROVED)
    with pytest.raises(GuestNotForThisSite):
        asked.when(replace(APPROVE, site_id="hilltop"))
    with pytest.raises(GuestNotForThisSite):
        approved.when(replace(ACCEPT, site_id="lakeside"))
    with pytest.raises(GuestNotApproved):
        asked.when(ACCEPT)
    with pytest.raises(GuestNotRequested):
        approved.when(APPROVE)
    with pytest.raises(GuestStayUnknown):
        asked.when(replace(APPROVE, guest_id=LATER_STAY))
    for on in (MONDAY, NEXT_SUNDAY):
        with pytest.raises(GuestStayNotBegun):
            approved.when(replace(ACCEPT, on=on))


def test_either_site_takes_a_request_back_and_another_may_follow() -> None:
    for place in ("riverside", "hilltop"):
        (declined,) = site.given(ESTABLISHED, ASKED, APPROVED).when(DeclineGuest(STAY, place, "nurse-1", None))
        assert site.given(ESTABLISHED, ASKED, APPROVED, declined).when(replace(ASK, guest_id=LATER_STAY))
    with pytest.raises(GuestNotForThisSite):
        site.given(ESTABLISHED, ASKED).when(DeclineGuest(STAY, "lakeside", "nurse-1", None))
    with pytest.raises(GuestNotRequested):
        AWAY.when(DeclineGuest(STAY, "riverside", "nurse-1", None))


def test_the_timer_returns_it_once_and_only_in_its_own_epoch() -> None:
    due = ReturnAuthority(STAY, NEXT_SUNDAY, epoch=2)
    (back,) = AWAY.when(due)

    assert back == AuthorityReturned(PATIENT, STAY, "hilltop", "riverside", 3, NEXT_SUNDAY, ReturnReason.STAY_OVER)
    assert AWAY.given(back).when(due) == []
    assert AWAY.when(replace(due, epoch=1)) == []


@pytest.mark.parametrize(
    ("place", "reason"), [("riverside", ReturnReason.RECALLED), ("hilltop", ReturnReason.BACK_EARLY)]
)
def test_home_recalls_and_the_guest_site_sends_back(place: str, reason: ReturnReason) -> None:
    (back,) = AWAY.when(ReturnAuthority(STAY, TUESDAY, place))

    assert isinstance(back, AuthorityReturned)
    assert back.reason is reason
    with pytest.raises(NoGuestHere):
        AWAY.given(back).when(ReturnAuthority(STAY, TUESDAY, place))
    with pytest.raises(AuthorityNotHeld):
        AWAY.when(ReturnAuthority(STAY, TUESDAY, "lakeside"))


def test_a_stay_that_is_over_blocks_nobody_although_no_timer_ran() -> None:
    assert may_dose(AWAY.state, "riverside", "riverside", NEXT_SUNDAY, late=False)
    assert not may_dose(AWAY.state, "riverside", "hilltop", NEXT_SUNDAY, late=False)

    (back,) = AWAY.when(replace(SETTLE, on=NEXT_SUNDAY))
    assert isinstance(back, AuthorityReturned)
    assert AWAY.given(back).state.site_id == "riverside"


def test_without_an_end_the_patient_moves_for_good() -> None:
    (asked,) = site.given(ESTABLISHED).when(replace(ASK, until_on=None))
    (approved,) = site.given(ESTABLISHED, asked).when(APPROVE)
    (over,) = site.given(ESTABLISHED, asked, approved).when(replace(ACCEPT, return_at=None))
    moved = site.given(ESTABLISHED, asked, approved, over)

    assert (moved.state.home_site_id, moved.state.stay) == ("hilltop", None)
    assert moved.when(replace(ASK, guest_id=LATER_STAY, site_id="riverside"))


def test_a_dose_entered_late_needs_the_authority_of_its_day() -> None:
    (back,) = AWAY.when(ReturnAuthority(STAY, SATURDAY, "hilltop"))
    home = AWAY.given(back).state
    wednesday = TUESDAY + timedelta(days=1)

    assert may_dose(home, "riverside", "hilltop", wednesday, late=True)
    assert may_dose(home, "riverside", "riverside", MONDAY, late=True)
    assert not may_dose(home, "riverside", "hilltop", wednesday, late=False)
    for on in (TUESDAY, SATURDAY):  # the days on which it moved: only who holds it now, so that one site decides
        assert not may_dose(home, "riverside", "hilltop", on, late=True)


def test_broken_glass_is_written_down_where_the_authority_is_and_moves_nothing() -> None:
    glass = BreakGlass(PATIENT, ORDER, DOSE, "riverside", "hilltop", MONDAY, MONDAY, "prescriber-2", "Snowed in.")
    (broken,) = site.given(ESTABLISHED).when(glass)

    assert broken == GlassBroken(PATIENT, ORDER, DOSE, "hilltop", "riverside", 1, MONDAY, "prescriber-2", "Snowed in.")
    assert site.given(ESTABLISHED, broken).state == site.given(ESTABLISHED).state
    assert site.given(ESTABLISHED).when(replace(glass, site_id="riverside")) == []
