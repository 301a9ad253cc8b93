"""A site is one clinic of the network, with its own clock, its opening hours and the days on which it stays closed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import Enum
from itertools import pairwise
from typing import Annotated, Final, assert_never

from pydantic import Field

from services.scheduling.site_clock import check_zone, local
from shared.decider import Decider, command
from shared.events.scheduling import (
    ClosureAnnounced,
    ClosureWithdrawn,
    CountingPolicyAdopted,
    OpeningHours,
    OpeningHoursAdopted,
    SiteEvent,
    SiteOpened,
    Weekday,
)
from shared.failures import Invalid, NotFound, Refused
from shared.units import Code, Name

CLOSURES_MAX: Final = 400

type Hours = Annotated[tuple[OpeningHours, ...], Field(min_length=1, max_length=21)]
"""At most three spans a day."""

type Zone = Annotated[
    str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_+/-]+$", examples=["Europe/Berlin"])
]
"""An IANA time zone."""


class Status(Enum):
    """Whether the site works."""

    ABSENT = "absent"
    OPEN = "open"


@dataclass(frozen=True)
class Site:
    """What a session at the site has to fit into."""

    status: Status = Status.ABSENT
    zone: str = "UTC"
    hours: tuple[OpeningHours, ...] = ()
    closures: Mapping[date, str] = field(default_factory=dict)
    counting_policy: str = ""


@command
class Open:
    """Add a clinic to the network."""

    name: Name
    zone: Zone
    opening_hours: Hours
    counting_policy: Code = "program-hours"


@command
class AdoptOpeningHours:
    """Open at other hours from now on; sessions that are scheduled already stay."""

    opening_hours: Hours


@command
class AdoptCountingPolicy:
    """Count attendance by another policy from now on; what is recorded already stays."""

    counting_policy: Code


@command
class AnnounceClosure:
    """Stay closed on a date; sessions that are scheduled already have to be cancelled one by one."""

    closed_on: date
    reason: Name


@command
class WithdrawClosure:
    """Open on that date after all."""

    closed_on: date


type Command = Open | AdoptOpeningHours | AdoptCountingPolicy | AnnounceClosure | WithdrawClosure


class SiteAlreadyOpened(Refused):
    """There is a site of this name already."""


class SiteNotOpened(NotFound):
    """There is no site of this name."""


class OpeningHoursContradict(Invalid):
    """A span closes before it opens, or two spans of one weekday overlap."""


class ClosureAlreadyAnnounced(Refused):
    """The site is closed on this date already."""


class ClosureNotAnnounced(Refused):
    """The site is not closed on this date."""


class TooManyClosures(Refused):
    """The site has as many closures as can be kept."""


class SiteClosed(Refused):
    """The site is closed on this date."""


class OutsideOpeningHours(Refused):
    """The site is not open during the whole of this time."""


def evolve(site: Site, event: SiteEvent) -> Site:
    """The site after the event."""
    match event:
        case SiteOpened():
            return Site(Status.OPEN, event.zone, event.opening_hours, counting_policy=event.counting_policy)
        case OpeningHoursAdopted():
            return replace(site, hours=event.opening_hours)
        case CountingPolicyAdopted():
            return replace(site, counting_policy=event.counting_policy)
        case ClosureAnnounced():
            return replace(site, closures={**site.closures, event.closed_on: event.reason})
        case ClosureWithdrawn():
            return replace(site, closures={on: why for on, why in site.closures.items() if on != event.closed_on})
        case _:
            assert_never(event)


def decide(site: Site, command: Command) -> Sequence[SiteEvent]:
    """What happens on the command, or the reason why nothing does."""
    if isinstance(command, Open):
        return open_site(site, command)
    check_opened(site)
    match command:
        case AdoptOpeningHours():
            check_hours(command.opening_hours)
            return [OpeningHoursAdopted(command.opening_hours)]
        case AdoptCountingPolicy():
            return [CountingPolicyAdopted(command.counting_policy)]
        case AnnounceClosure():
            if command.closed_on in site.closures:
                raise ClosureAlreadyAnnounced(field="closed_on")
            if len(site.closures) >= CLOSURES_MAX:
                raise TooManyClosures(closures_max=CLOSURES_MAX)
            return [ClosureAnnounced(command.closed_on, command.reason)]
        case WithdrawClosure():
            if command.closed_on not in site.closures:
                raise ClosureNotAnnounced
            return [ClosureWithdrawn(command.closed_on)]
        case _:
            assert_never(command)


def open_site(site: Site, command: Open) -> Sequence[SiteEvent]:
    """A site needs a zone that exists and hours that make sense."""
    if site.status is not Status.ABSENT:
        raise SiteAlreadyOpened
    check_zone(command.zone)
    check_hours(command.opening_hours)
    return [SiteOpened(command.name, command.zone, command.opening_hours, command.counting_policy)]


def check_hours(hours: Sequence[OpeningHours]) -> None:
    """Every span ends after it begins, and no two of a day overlap. Raises OpeningHoursContradict."""
    for weekday in Weekday:
        spans = sorted((one.opens_at, one.closes_at) for one in hours if one.weekday is weekday)
        backwards = any(opens >= closes for opens, closes in spans)
        if backwards or any(later[0] < earlier[1] for earlier, later in pairwise(spans)):
            raise OpeningHoursContradict(field="opening_hours", weekday=weekday.value)


def check_opened(site: Site) -> None:
    """Raises SiteNotOpened."""
    if site.status is Status.ABSENT:
        raise SiteNotOpened


def check_open(site: Site, starts_at: datetime, ends_at: datetime) -> None:
    """The site has its doors open from start to end. Raises SiteClosed or OutsideOpeningHours."""
    start, end = local(site.zone, starts_at), local(site.zone, ends_at)
    if start.date() in site.closures:
        raise SiteClosed(field="starts_at", closed_on=start.date().isoformat())
    weekday = tuple(Weekday)[start.weekday()]
    # A time of day sorts as its text; the last minute of a session may be the first in which the doors are shut.
    opens, closes = f"{start:%H:%M}", f"{end - timedelta(microseconds=1):%H:%M}"
    if start.date() != (end - timedelta(microseconds=1)).date() or not any(
        one.weekday is weekday and one.opens_at <= opens and closes < one.closes_at for one in site.hours
    ):
        raise OutsideOpeningHours(field="starts_at")


decider: Final[Decider[Site]] = Decider("site", Site(), decide, evolve)
