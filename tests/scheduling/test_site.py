"""A site, its hours and its closures."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from services.scheduling.site import (
    AdoptCountingPolicy,
    AdoptOpeningHours,
    AnnounceClosure,
    ClosureAlreadyAnnounced,
    ClosureNotAnnounced,
    Open,
    OpeningHoursContradict,
    OutsideOpeningHours,
    SiteAlreadyOpened,
    SiteClosed,
    SiteNotOpened,
    WithdrawClosure,
    check_open,
    decider,
)
from services.scheduling.site_clock import ZoneUnknown
from shared.events.scheduling import (
    ClosureAnnounced,
    ClosureWithdrawn,
    CountingPolicyAdopted,
    OpeningHours,
    OpeningHoursAdopted,
    SiteOpened,
    Weekday,
)
from tests.scenario import Scenario
from tests.scheduling.situations import BERLIN, MONDAY, SIX, opened

site = Scenario(decider)
MORNING = OpeningHours(Weekday.MONDAY, "08:00", "12:00")
EVENING = OpeningHours(Weekday.MONDAY, "16:00", "20:00")


def test_a_site_opens_with_its_zone_and_hours() -> None:
    events = site.given().when(Open("Riverside", BERLIN, (MORNING, EVENING)))

    assert events == [SiteOpened("Riverside", BERLIN, (MORNING, EVENING), "program-hours")]


def test_a_site_opens_once() -> None:
    with pytest.raises(SiteAlreadyOpened):
        site.given(opened).when(Open("Riverside", BERLIN, (MORNING,)))


@pytest.mark.parametrize("zone", ["Europe/Atlantis", "EST", "localtime", "../etc/passwd", "Europe/berlin"])
def test_a_zone_has_to_exist(zone: str) -> None:
    with pytest.raises(ZoneUnknown) as refusal:
        site.given().when(Open("Riverside", zone, (MORNING,)))

    assert refusal.value.field == "zone"


@pytest.mark.parametrize(
    "hours",
    [
        (OpeningHours(Weekday.MONDAY, "12:00", "08:00"),),
        (OpeningHours(Weekday.MONDAY, "08:00", "08:00"),),
        (MORNING, OpeningHours(Weekday.MONDAY, "11:59", "13:00")),
    ],
)
def test_hours_that_contradict_themselves_are_refused(hours: tuple[OpeningHours, ...]) -> None:
    with pytest.raises(OpeningHoursContradict):
        site.given(opened).when(AdoptOpeningHours(hours))


def test_new_hours_and_another_counting_policy_are_adopted() -> None:
    assert site.given(opened).when(AdoptOpeningHours((MORNING,))) == [OpeningHoursAdopted((MORNING,))]
    assert site.given(opened).when(AdoptCountingPolicy("activity-therapy")) == [
        CountingPolicyAdopted("activity-therapy")
    ]


def test_a_closure_is_announced_once_and_can_be_withdrawn() -> None:
    closure = ClosureAnnounced(MONDAY, "Stocktaking")

    assert site.given(opened).when(AnnounceClosure(MONDAY, "Stocktaking")) == [closure]
    with pytest.raises(ClosureAlreadyAnnounced):
        site.given(opened, closure).when(AnnounceClosure(MONDAY, "Again"))
    assert site.given(opened, closure).when(WithdrawClosure(MONDAY)) == [ClosureWithdrawn(MONDAY)]
    with pytest.raises(ClosureNotAnnounced):
        site.given(opened, closure, ClosureWithdrawn(MONDAY)).when(WithdrawClosure(MONDAY))


def test_nothing_happens_at_a_site_that_does_not_exist() -> None:
    with pytest.raises(SiteNotOpened):
        site.given().when(AdoptOpeningHours((MORNING,)))


def test_a_session_has_to_fit_into_one_span_of_the_day() -> None:
    here = replace(decider.fold([opened]), hours=(MORNING, EVENING))

    check_open(here, SIX, SIX + timedelta(hours=2))
    for starts_at, hours in ((SIX, 3), (SIX - timedelta(hours=3), 2), (SIX - timedelta(hours=7), 8)):
        with pytest.raises(OutsideOpeningHours):
            check_open(here, starts_at, starts_at + timedelta(hours=hours))


def test_a_site_is_closed_on_the_date_of_its_own_clock() -> None:
    """Half past midnight of the tenth in Berlin is still the ninth in London."""
    late = OpeningHours(Weekday.TUESDAY, "00:00", "04:00")
    here = decider.fold([replace(opened, opening_hours=(late,)), ClosureAnnounced(date(2026, 3, 10), "Holiday")])
    half_past_midnight = datetime(2026, 3, 9, 23, 30, tzinfo=UTC)

    with pytest.raises(SiteClosed):
        check_open(here, half_past_midnight, half_past_midnight + timedelta(hours=1))
    open_again = decider.fold([replace(opened, opening_hours=(late,))])
    check_open(open_again, half_past_midnight, half_past_midnight + timedelta(hours=1))
