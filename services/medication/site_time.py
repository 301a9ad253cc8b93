"""Dates at a site: the local date of a moment, and the moment when something on a local date was true."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from shared.event import AnyRecorded
from shared.events.scheduling import SiteOpened
from shared.failures import Invalid, NotFound, Refused
from shared.http import CommandDoor, QueryDoor
from shared.projector import Write


class SiteUnknown(Refused):
    """Scheduling has not opened this site, or its word has not arrived yet."""


def local_date(at: datetime, zone: str, field: str = "given_at") -> date:
    """The date at the site. Raises Invalid where the calendar ends."""
    try:
        return at.astimezone(ZoneInfo(zone)).date()
    except OverflowError as error:
        raise Invalid("Too far in the past or in the future", field=field) from error


def effective_at(on: date, now: datetime, zone: str) -> datetime | None:
    """When something on `on` was true: now, if that is today, else when that day began at the site."""
    if on >= local_date(now, zone):
        return None
    return datetime.combine(on, time.min, ZoneInfo(zone))


async def zone_of(door: QueryDoor, site_id: str) -> str:
    """The site's zone. Raises NotFound."""
    row = await door.one("select zone from view.site where site_id = $1", site_id)
    return str(row["zone"])


async def zone_here(door: CommandDoor) -> str:
    """The zone of the site at which something is done. Raises SiteUnknown."""
    try:
        return await zone_of(door, door.site_id)
    except NotFound as error:
        raise SiteUnknown(site_id=door.site_id) from error


def writes(recorded: AnyRecorded) -> list[Write]:
    """The zone of a site that scheduling opened."""
    match recorded.data:
        case SiteOpened(zone=zone):
            sql = "insert into view.site (site_id, zone) values ($1, $2) on conflict (site_id) do update set zone = excluded.zone"
            return [Write(sql, (recorded.subject_id, zone))]
        case _:
            return []
