"""T44: dosing dates are the site's own, also when clocks change and where zones are far apart."""

import itertools
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from services.medication.site_time import effective_at, local_date, writes
from shared.events.scheduling import ClosureAnnounced, SiteOpened
from shared.failures import Invalid
from tests.medication.running import told


@pytest.mark.parametrize(
    ("at", "zone", "on"),
    [
        ("2025-03-09T04:59:59Z", "America/New_York", "2025-03-08"),
        ("2025-03-09T05:00:00Z", "America/New_York", "2025-03-09"),
        ("2025-03-10T03:59:59Z", "America/New_York", "2025-03-09"),
        ("2025-03-10T04:00:00Z", "America/New_York", "2025-03-10"),
        ("2025-11-03T04:59:59Z", "America/New_York", "2025-11-02"),
        ("2025-11-03T05:00:00Z", "America/New_York", "2025-11-03"),
        ("2025-03-09T10:00:00Z", "Pacific/Honolulu", "2025-03-09"),
        ("2025-03-09T09:59:59Z", "Pacific/Honolulu", "2025-03-08"),
        ("2025-03-09T10:00:00Z", "Pacific/Kiritimati", "2025-03-10"),
        ("2024-02-29T23:30:00-05:00", "America/New_York", "2024-02-29"),
        ("2024-02-29T23:30:00-05:00", "America/Chicago", "2024-02-29"),
        ("2024-03-01T00:30:00-05:00", "America/Chicago", "2024-02-29"),
    ],
)
def test_the_date_is_the_site_s(at: str, zone: str, on: str) -> None:
    assert local_date(datetime.fromisoformat(at), zone) == date.fromisoformat(on)


@pytest.mark.parametrize("zone", ["America/New_York", "America/Phoenix", "Europe/Berlin", "Australia/Lord_Howe"])
def test_every_date_of_a_year_is_a_whole_day_and_follows_the_one_before(zone: str) -> None:
    """Each quarter of an hour has one date, and no date is skipped or comes twice."""
    at = datetime(2025, 1, 1, tzinfo=UTC)
    dates = [local_date(at + timedelta(minutes=15 * quarter), zone) for quarter in range(366 * 96)]

    assert dates == sorted(dates)
    assert all(later - earlier <= timedelta(days=1) for earlier, later in itertools.pairwise(dates))


@pytest.mark.parametrize(
    "at",
    [
        datetime.min.replace(tzinfo=timezone(timedelta(hours=14))),
        datetime.max.replace(tzinfo=timezone(timedelta(hours=-12))),
    ],
)
def test_where_the_calendar_ends_there_is_no_date(at: datetime) -> None:
    """H1."""
    with pytest.raises(Invalid) as refused:
        local_date(at, "America/New_York", "refused_at")
    assert refused.value.field == "refused_at"


def test_what_is_dated_back_was_true_from_the_start_of_that_day() -> None:
    now = datetime(2025, 3, 10, 15, tzinfo=UTC)

    assert effective_at(date(2025, 3, 10), now, "America/New_York") is None
    start = effective_at(date(2025, 3, 9), now, "America/New_York")
    assert start is not None
    assert start.astimezone(UTC) == datetime(2025, 3, 9, 5, tzinfo=UTC)


def test_only_the_opening_of_a_site_is_heard() -> None:
    opened = told("scheduling", "site-riverside", SiteOpened("Riverside", "America/New_York", (), "standard"), None)
    closed = told("scheduling", "site-riverside", ClosureAnnounced(date(2025, 7, 4), "holiday"), None)

    assert writes(opened)[0].args == ("riverside", "America/New_York")
    assert writes(closed) == []
