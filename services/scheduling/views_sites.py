"""Which sites and rooms there are, and when each site is open."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, assert_never
from uuid import UUID

import msgspec

from services.scheduling.shown import shown
from shared.event import AnyRecorded
from shared.events.scheduling import (
    ClosureAnnounced,
    ClosureWithdrawn,
    CountingPolicyAdopted,
    OpeningHours,
    OpeningHoursAdopted,
    RoomClosed,
    RoomEvent,
    RoomOpened,
    SiteEvent,
    SiteOpened,
)
from shared.http import Page, QueryDoor, Row
from shared.projector import Write


@dataclass(frozen=True)
class Closure:
    """A date on which a site stays closed."""

    closed_on: date
    reason: str


@dataclass(frozen=True)
class SiteRecord:
    """A clinic of the network; `closures` are those from today on."""

    site_id: str
    name: str
    zone: str
    opening_hours: tuple[OpeningHours, ...]
    counting_policy: str
    closures: tuple[Closure, ...]
    version: int


@dataclass(frozen=True)
class RoomLine:
    """A room. One with a `closed_reason` is no longer used."""

    room_id: UUID
    site_id: str
    name: str
    seats: int
    closed_reason: str | None
    version: int


_ROOM_LINE: Final = shown(RoomLine)


def site_writes(recorded: AnyRecorded) -> Sequence[Write]:
    """How an event changes the list of sites."""
    event: SiteEvent = recorded.data
    site_id, version = recorded.subject_id, recorded.version
    seen = Write("update view.site set version = $2 where site_id = $1", (site_id, version))
    match event:
        case SiteOpened():
            sql = "insert into view.site values ($1, $2, $3, $4::text::jsonb, $5, $6)"
            hours = as_json(event.opening_hours)
            return [Write(sql, (site_id, event.name, event.zone, hours, event.counting_policy, version))]
        case OpeningHoursAdopted():
            sql = "update view.site set opening_hours = $2::text::jsonb where site_id = $1"
            return [Write(sql, (site_id, as_json(event.opening_hours))), seen]
        case CountingPolicyAdopted():
            sql = "update view.site set counting_policy = $2 where site_id = $1"
            return [Write(sql, (site_id, event.counting_policy)), seen]
        case ClosureAnnounced():
            return [
                Write("insert into view.closure values ($1, $2, $3)", (site_id, event.closed_on, event.reason)),
                seen,
            ]
        case ClosureWithdrawn():
            sql = "delete from view.closure where site_id = $1 and closed_on = $2"
            return [Write(sql, (site_id, event.closed_on)), seen]
        case _:
            assert_never(event)


def room_writes(recorded: AnyRecorded) -> Sequence[Write]:
    """How an event changes the list of rooms."""
    event: RoomEvent = recorded.data
    room_id = UUID(recorded.subject_id)
    match event:
        case RoomOpened():
            sql = "insert into view.room values ($1, $2, $3, $4, null, $5)"
            return [Write(sql, (room_id, event.site_id, event.name, event.seats, recorded.version))]
        case RoomClosed():
            sql = "update view.room set closed_reason = $2, version = $3 where room_id = $1"
            return [Write(sql, (room_id, event.reason, recorded.version))]
        case _:
            assert_never(event)


def as_json(value: object) -> str:
    """A value as it is kept in a jsonb column."""
    return msgspec.json.encode(value).decode()


_SITES: Final = """
select s.site_id, s.name, s.zone, s.opening_hours::text as opening_hours, s.counting_policy, s.version,
       (select coalesce(jsonb_agg(jsonb_build_object('closed_on', c.closed_on, 'reason', c.reason) order by c.closed_on), '[]')::text
        from view.closure c where c.site_id = s.site_id and c.closed_on >= $1) as closures
from view.site s
"""


async def site(door: QueryDoor, site_id: str) -> SiteRecord:
    """One site. Raises NotFound."""
    return _site(await door.one(f"{_SITES} where s.site_id = $2", door.now.date(), site_id))


async def sites(door: QueryDoor) -> Page[SiteRecord]:
    """Every site of the network."""
    return (await door.page(_SITES, door.now.date(), key=("site_id",))).each(_site)


def _site(row: Row) -> SiteRecord:
    hours = msgspec.json.decode(row["opening_hours"], type=tuple[OpeningHours, ...])
    closures = msgspec.json.decode(row["closures"], type=tuple[Closure, ...])
    return SiteRecord(**{**row, "opening_hours": hours, "closures": closures})


async def rooms(door: QueryDoor, site_id: str | None) -> Page[RoomLine]:
    """The rooms of a site, or of the network."""
    sql = "select room_id, site_id, name, seats, closed_reason, version from view.room where $1::text is null or site_id = $1"
    page = await door.page(sql, site_id, key=("site_id", "name", "room_id"))
    return page.each(_ROOM_LINE)
