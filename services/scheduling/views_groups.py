"""Which groups meet, and who has a place in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, assert_never
from uuid import UUID

from services.scheduling import group, site
from services.scheduling.meetings import Meeting, meetings
from services.scheduling.shown import shown
from shared.event import AnyRecorded
from shared.events.scheduling import (
    GroupEnded,
    GroupEvent,
    GroupFounded,
    GroupLeadersNamed,
    MeetingLeftOut,
    Modality,
    PatientEnrolled,
    PatientWithdrawn,
    Place,
)
from shared.http import Page, QueryDoor
from shared.projector import Write


@dataclass(frozen=True)
class GroupLine:
    """A group: what, where, when by the site's clock (`zone`), led by whom, for how many."""

    group_id: UUID
    site_id: str
    kind: str
    modality: Modality
    name: str
    curriculum: str | None
    place: Place
    room_id: UUID | None
    leader_id: UUID
    co_leader_id: UUID | None
    zone: str
    first_on: date
    starts_at: str
    minutes: int
    recurrence: str
    capacity: int
    enrolled: int
    last_on: date | None
    version: int


@dataclass(frozen=True)
class RosterLine:
    """A patient with a place in a group, and how the group's sessions went so far."""

    patient_id: UUID
    enrolled_at: datetime
    attended: int
    no_shows: int
    booked: int
    degraded_since: datetime | None


_GROUP_LINE: Final = shown(GroupLine)
_ROSTER_LINE: Final = shown(RosterLine)


def writes(recorded: AnyRecorded) -> Sequence[Write]:
    """How an event changes the list of groups and their rosters."""
    event: GroupEvent = recorded.data
    group_id, version = UUID(recorded.subject_id), recorded.version
    match event:
        case GroupFounded():
            return [_founded(group_id, event, version)]
        case GroupLeadersNamed():
            sql = "update view.therapy_group set leader_id = $2, co_leader_id = $3, version = $4 where group_id = $1"
            return [Write(sql, (group_id, event.leader_id, event.co_leader_id, version))]
        case MeetingLeftOut():
            return [Write("update view.therapy_group set version = $2 where group_id = $1", (group_id, version))]
        case PatientEnrolled():
            enrolled = (group_id, event.patient_id, recorded.site_id, recorded.effective_at)
            return [
                Write("insert into view.enrolment values ($1, $2, $3, $4)", enrolled),
                _counted(group_id, 1, version),
            ]
        case PatientWithdrawn():
            sql = "delete from view.enrolment where group_id = $1 and patient_id = $2"
            return [Write(sql, (group_id, event.patient_id)), _counted(group_id, -1, version)]
        case GroupEnded():
            sql = "update view.therapy_group set last_on = $2, version = $3 where group_id = $1"
            return [Write(sql, (group_id, event.last_on, version))]
        case _:
            assert_never(event)


def _founded(group_id: UUID, event: GroupFounded, version: int) -> Write:
    return Write(
        """insert into view.therapy_group (group_id, site_id, kind, modality, name, curriculum, place, room_id, leader_id,
                                           co_leader_id, zone, first_on, starts_at, minutes, recurrence, capacity, version)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)""",
        (
            group_id,
            event.site_id,
            event.kind,
            event.modality.value,
            event.name,
            event.curriculum,
            event.place.value,
            event.room_id,
            event.leader_id,
            event.co_leader_id,
            event.zone,
            event.first_on,
            event.starts_at,
            event.minutes,
            event.recurrence,
            event.capacity,
            version,
        ),
    )


def _counted(group_id: UUID, change: int, version: int) -> Write:
    sql = "update view.therapy_group set enrolled = enrolled + $2, version = $3 where group_id = $1"
    return Write(sql, (group_id, change, version))


_GROUPS: Final = """
select group_id, site_id, kind, modality, name, curriculum, place, room_id, leader_id, co_leader_id, zone, first_on, starts_at,
       minutes, recurrence, capacity, enrolled, last_on, version
from view.therapy_group
"""


async def one(door: QueryDoor, group_id: UUID) -> GroupLine:
    """One group. Raises NotFound."""
    return _GROUP_LINE(await door.one(f"{_GROUPS} where group_id = $1", group_id))


async def listed(door: QueryDoor, kind: str | None) -> Page[GroupLine]:
    """The groups of the caller's sites, perhaps of one kind."""
    page = await door.page(f"{_GROUPS} where $1::text is null or kind = $1", kind, key=("site_id", "name", "group_id"))
    return page.each(_GROUP_LINE)


async def roster(door: QueryDoor, group_id: UUID) -> Page[RosterLine]:
    """Who has a place in the group. Raises NotFound."""
    await one(door, group_id)
    page = await door.page(
        """select e.patient_id, e.enrolled_at, projection.degraded_since(e.patient_id::text) as degraded_since,
                  count(*) filter (where a.minutes > 0)::int as attended,
                  count(*) filter (where a.status = 'no_show')::int as no_shows,
                  count(*) filter (where a.status in ('booked', 'arrived'))::int as booked
           from view.enrolment e left join view.attendance a on a.patient_id = e.patient_id and a.group_id = e.group_id
           where e.group_id = $1 group by e.patient_id, e.enrolled_at""",
        group_id,
        key=("enrolled_at", "patient_id"),
    )
    return page.each(_ROSTER_LINE)


async def upcoming(door: QueryDoor, group_id: UUID, from_on: date, until_on: date) -> Sequence[Meeting]:
    """When the group meets by its rule, less closures and dates left out; always current. Raises NotFound, StretchTooLong."""
    the_group, _ = await door.state(group.decider, group_id)
    the_site, _ = await door.state(site.decider, the_group.site_id)
    return meetings(group_id, the_group, the_site, from_on, until_on)
