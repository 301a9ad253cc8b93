"""What is written down about a site: where it is on the clock, when it is open, and when it is closed."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from shared.event import event

type WallClock = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", examples=["18:00"])]
"""A time of day on the site's own clock, hours and minutes, such as `18:00`."""


class Weekday(StrEnum):
    """Days of the week by their RFC 5545 names."""

    MONDAY = "MO"
    TUESDAY = "TU"
    WEDNESDAY = "WE"
    THURSDAY = "TH"
    FRIDAY = "FR"
    SATURDAY = "SA"
    SUNDAY = "SU"


@dataclass(frozen=True)
class OpeningHours:
    """One span of a weekday in which the site is open, on its own clock; a day may have several."""

    weekday: Weekday
    opens_at: WallClock
    closes_at: WallClock


@event()
class SiteOpened:
    """A clinic of the network began to work; `zone` is its IANA time zone."""

    name: str
    zone: str
    opening_hours: tuple[OpeningHours, ...]
    counting_policy: str


@event()
class OpeningHoursAdopted:
    """From now on the site is open at these hours."""

    opening_hours: tuple[OpeningHours, ...]


@event()
class CountingPolicyAdopted:
    """From now on attendance at this site is counted by another policy."""

    counting_policy: str


@event()
class ClosureAnnounced:
    """The site stays closed on a date."""

    closed_on: date
    reason: str


@event()
class ClosureWithdrawn:
    """The site opens on that date after all."""

    closed_on: date


type SiteEvent = SiteOpened | OpeningHoursAdopted | CountingPolicyAdopted | ClosureAnnounced | ClosureWithdrawn
