"""From a date and a time on a site's wall clock to an instant and back, in every zone and through every clock change."""

from datetime import UTC, date, datetime, time
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from shared.failures import Invalid

UNIVERSAL: Final = "UTC"


class ZoneUnknown(Invalid):
    """The time zone is not an IANA zone of a region, such as `Europe/Berlin`."""


@cache
def _zones() -> frozenset[str]:
    # Names without a slash are links of old times (`EST`, `Cuba`) whose rules surprise; UTC is the one that is meant.
    return frozenset(zone for zone in available_timezones() if "/" in zone) | {UNIVERSAL}


def check_zone(zone: str) -> None:
    """Raises ZoneUnknown."""
    if zone not in _zones():
        raise ZoneUnknown(field="zone")


def instant(zone: str, on: date, wall_clock: str) -> datetime | None:
    """The instant at which the site's clock shows this time on this date; None on a date that the zone skipped.

    As RFC 5545 3.3.5 has it: a time that the clock jumps over is read with the offset before the jump, a time that
    the clock shows twice is the first of the two.
    """
    there = ZoneInfo(zone)
    moment = datetime.combine(on, time.fromisoformat(wall_clock), tzinfo=there).astimezone(UTC)
    return moment if moment.astimezone(there).date() == on else None


def local(zone: str, moment: datetime) -> datetime:
    """What calendar and clock at the site show at an instant."""
    return moment.astimezone(ZoneInfo(zone))


def local_date(zone: str, moment: datetime) -> date:
    """The date at the site at an instant."""
    return local(zone, moment).date()
