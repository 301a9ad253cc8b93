"""The site's wall clock against the instants of the world."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scheduling.recurrence import DAYS_AT_ONCE_MAX, RecurrenceNotUnderstood, StretchTooLong, check_rule, dates
from services.scheduling.site_clock import instant, local, local_date

ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "America/Santiago",
    "America/Havana",
    "Asia/Kathmandu",
    "Asia/Beirut",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Chatham",
    "Africa/Casablanca",
    "America/St_Johns",
    "UTC",
)
SKIPPED = ("Pacific/Apia", date(2011, 12, 30))
"""Samoa went from 29 to 31 December 2011 when it crossed the date line."""

clocks = st.builds(lambda hour, minute: f"{hour:02}:{minute:02}", st.integers(0, 23), st.integers(0, 59))
days = st.dates(date(2005, 1, 1), date(2045, 12, 31))


@settings(deadline=None)
@given(zone=st.sampled_from(ZONES), on=days, clock=clocks)
def test_a_local_time_stays_on_its_date(zone: str, on: date, clock: str) -> None:
    """T44"""
    moment = instant(zone, on, clock)

    if (zone, on) == SKIPPED:
        assert moment is None
    else:
        assert moment is not None
        assert local_date(zone, moment) == on


@settings(deadline=None)
@given(zone=st.sampled_from(sorted(one for one in available_timezones() if "/" in one)), on=days, clock=clocks)
def test_in_no_zone_of_the_world_a_date_shifts(zone: str, on: date, clock: str) -> None:
    """T44"""
    moment = instant(zone, on, clock)

    assert moment is None or local_date(zone, moment) == on


@settings(deadline=None)
@given(zone=st.sampled_from(ZONES), on=days, clock=clocks)
def test_the_clock_shows_the_time_or_the_clock_was_put_forward_over_it(zone: str, on: date, clock: str) -> None:
    """T44: a time that exists is the time shown; one that does not is shown later, by as much as the clock jumped."""
    moment = instant(zone, on, clock)
    if moment is None:
        return
    shown = f"{local(zone, moment):%H:%M}"
    before, after = (local(zone, moment + timedelta(hours=hours)).utcoffset() for hours in (-4, 4))
    assert before is not None
    assert after is not None

    assert shown >= clock
    if shown != clock:
        assert after > before
        jumped = datetime.strptime(shown, "%H:%M") - datetime.strptime(clock, "%H:%M")  # noqa: DTZ007 - a difference
        assert jumped == after - before


@pytest.mark.parametrize(
    ("zone", "on", "clock", "utc"),
    [
        ("Europe/Berlin", date(2026, 3, 29), "02:30", datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
        ("Europe/Berlin", date(2026, 10, 25), "02:30", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("America/New_York", date(2026, 3, 8), "02:30", datetime(2026, 3, 8, 7, 30, tzinfo=UTC)),
        ("Australia/Lord_Howe", date(2026, 10, 4), "02:15", datetime(2026, 10, 3, 15, 45, tzinfo=UTC)),
        ("Asia/Beirut", date(2026, 3, 29), "00:30", datetime(2026, 3, 28, 22, 30, tzinfo=UTC)),
        ("Pacific/Apia", date(2011, 12, 31), "10:00", datetime(2011, 12, 30, 20, 0, tzinfo=UTC)),
    ],
)
def test_a_time_that_is_skipped_or_shown_twice_is_read_as_rfc_5545_says(
    zone: str, on: date, clock: str, utc: datetime
) -> None:
    """T44"""
    assert instant(zone, on, clock) == utc


@settings(deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    first_on=st.dates(date(2010, 1, 1), date(2030, 12, 31)),
    weekdays=st.sets(st.sampled_from(["MO", "TU", "WE", "TH", "FR", "SA", "SU"]), min_size=1),
    interval=st.integers(1, 4),
    clock=clocks,
)
def test_a_weekly_group_meets_on_its_weekdays_at_its_time_in_every_season(
    zone: str, first_on: date, weekdays: set[str], interval: int, clock: str
) -> None:
    """T44: a year of meetings, each on one of the rule's weekdays, none moved by a clock change."""
    rule = f"FREQ=WEEKLY;INTERVAL={interval};BYDAY={','.join(sorted(weekdays))}"
    found = dates(rule, first_on, first_on, first_on + timedelta(365))

    assert found
    assert {f"{on:%a}"[:2].upper() for on in found} <= weekdays
    for on in found:
        moment = instant(zone, on, clock)
        assert moment is None or moment.astimezone(ZoneInfo(zone)).date() == on


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=DAILY",
        "FREQ=WEEKLY;INTERVAL=0",
        "FREQ=WEEKLY;BYDAY=1MO",
        "FREQ=WEEKLY;BYDAY=XX",
        "FREQ=WEEKLY;COUNT=5;UNTIL=20261231",
        "FREQ=WEEKLY;UNTIL=20260231",
        "FREQ=WEEKLY;UNTIL=20261231T000000Z",
        "FREQ=WEEKLY;FREQ=WEEKLY",
        "FREQ=WEEKLY;BYSETPOS=1",
        "INTERVAL=2",
        "FREQ=WEEKLY;",
    ],
)
def test_a_rule_that_cannot_be_followed_is_refused(rule: str) -> None:
    with pytest.raises(RecurrenceNotUnderstood) as refusal:
        check_rule(rule)

    assert refusal.value.field == "recurrence"


def test_a_rule_ends_by_count_or_date() -> None:
    monday, far = date(2026, 3, 2), date(2026, 12, 31)

    assert dates("FREQ=WEEKLY;BYDAY=MO;COUNT=2", monday, monday, far) == [monday, date(2026, 3, 9)]
    assert dates("FREQ=WEEKLY;BYDAY=MO;UNTIL=20260309", monday, monday, far) == [monday, date(2026, 3, 9)]


def test_a_stretch_of_dates_has_a_limit() -> None:
    monday = date(2026, 3, 2)

    for until_on in (monday - timedelta(1), monday + timedelta(DAYS_AT_ONCE_MAX)):
        with pytest.raises(StretchTooLong):
            dates("FREQ=WEEKLY", monday, monday, until_on)
