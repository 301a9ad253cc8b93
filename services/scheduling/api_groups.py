"""Routes: groups, their places and their meetings."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body

from services.scheduling import acts, examples, group, participant, site, views_groups, views_sessions
from services.scheduling.activities import Capacity
from services.scheduling.catalogue import catalogue
from services.scheduling.group import MeetingMinutes
from services.scheduling.meetings import Meeting, meetings
from services.scheduling.own import own_group
from services.scheduling.recurrence import Rule
from services.scheduling.session import Schedule
from services.scheduling.setting import setting_of
from services.scheduling.views_groups import GroupLine, RosterLine
from services.scheduling.views_sessions import SessionLine
from shared.decider import command
from shared.events.scheduling import Place
from shared.events.scheduling.site import WallClock
from shared.failures import Invalid, Refused
from shared.http import Accepted, Commands, Page, Queries
from shared.log import Act, Given
from shared.units import Code, Name

router = APIRouter(tags=["groups"])

MEETINGS_AT_ONCE_MAX = 30
"""How many meetings are scheduled in one transaction."""


class TooManyMeetings(Invalid):
    """The stretch of dates has more meetings than are scheduled at once."""


class NoMeetings(Refused):
    """The group does not meet in this stretch of dates."""


@command
class NewGroup:
    """A group to be founded at the site at which this is done. Without `capacity` as many as the kind allows."""

    kind: Code
    name: Name
    place: Place
    leader_id: UUID
    first_on: date
    starts_at: WallClock
    minutes: MeetingMinutes
    recurrence: Rule
    room_id: UUID | None = None
    co_leader_id: UUID | None = None
    curriculum: Name | None = None
    capacity: Capacity | None = None


@command
class NewLeaders:
    """Who leads the group from now on."""

    leader_id: UUID
    co_leader_id: UUID | None = None


@command
class NewEnrolment:
    """Who gets a place."""

    patient_id: UUID


@command
class Stretch:
    """From one date of the site's clock to another, both included."""

    from_on: date
    until_on: date


@router.put("/groups/{group_id}", status_code=201)
async def found_group(
    group_id: UUID, body: Annotated[NewGroup, Body(openapi_examples=examples.GROUP)], door: Commands
) -> Accepted:
    """Begin a group that meets every week by an RFC 5545 rule, at the same time on the site's clock all year."""
    policy = catalogue().activities
    leaders = (body.leader_id, body.co_leader_id)
    setting = setting_of(policy.activity(body.kind), body.place, body.room_id, leaders, body.capacity)
    when = (body.first_on, body.starts_at, body.minutes, body.recurrence)
    found = group.Found(door.site_id, body.name, setting, *when, policy.id, policy.version, body.curriculum)
    given = acts.surroundings(setting, door.site_id)
    return await door.handle(Act(group.decider, group_id, found, given=given))


@router.post("/groups/{group_id}/leaders", status_code=201)
async def name_leaders(
    group_id: UUID, body: Annotated[NewLeaders, Body(openapi_examples=examples.LEADERS)], door: Commands
) -> Accepted:
    """Give the group other leaders. Sessions that are scheduled already keep theirs."""
    setting = group.led_by(await own_group(door, group_id), body.leader_id, body.co_leader_id)
    command = group.NameLeaders(door.site_id, body.leader_id, body.co_leader_id)
    given = acts.surroundings(setting, door.site_id)
    return await door.handle(Act(group.decider, group_id, command, given=given, expected=door.expected()))


@router.post("/groups/{group_id}/dates-left-out", status_code=201)
async def leave_out_date(
    group_id: UUID, command: Annotated[group.LeaveOut, Body(openapi_examples=examples.LEFT_OUT)], door: Commands
) -> Accepted:
    """Do not meet on one of the dates. A session that is scheduled on it has to be cancelled."""
    return await door.handle(Act(group.decider, group_id, command))


@router.post("/groups/{group_id}/enrolments", status_code=201)
async def enrol_patient(
    group_id: UUID, body: Annotated[NewEnrolment, Body(openapi_examples=examples.ENROLMENT)], door: Commands
) -> Accepted:
    """Give a patient in care a place in the group. Each session is booked for itself, and asks the gates."""
    given = (Given(participant.decider, body.patient_id),)
    return await door.handle(Act(group.decider, group_id, group.Enrol(door.site_id, body.patient_id), given=given))


@router.post("/groups/{group_id}/enrolments/{patient_id}/withdrawal", status_code=201)
async def withdraw_patient(group_id: UUID, patient_id: UUID, door: Commands) -> Accepted:
    """Give up a patient's place in the group. Sessions that are booked stay booked."""
    return await door.handle(Act(group.decider, group_id, group.Withdraw(patient_id)))


@router.post("/groups/{group_id}/ending", status_code=201)
async def end_group(
    group_id: UUID, command: Annotated[group.End, Body(openapi_examples=examples.GROUP_ENDING)], door: Commands
) -> Accepted:
    """Meet no more after a date."""
    return await door.handle(Act(group.decider, group_id, command, expected=door.expected()))


@router.post("/groups/{group_id}/sessions", status_code=201)
async def schedule_meetings(
    group_id: UUID, body: Annotated[Stretch, Body(openapi_examples=examples.MEETINGS)], door: Commands
) -> Accepted:
    """Schedule a session for every meeting in a stretch of dates, all or none. Closures are left out."""
    the_group = await own_group(door, group_id)
    the_site, _ = await door.state(site.decider, door.site_id)
    found = few(meetings(group_id, the_group, the_site, body.from_on, body.until_on))
    assert the_group.setting is not None
    wanted = []
    for one in found:
        times = (one.starts_at, one.ends_at, door.now)
        wanted += acts.schedule(one.session_id, Schedule(door.site_id, the_group.setting, *times, group_id))
    return await door.handle(*wanted)


def few(found: Sequence[Meeting]) -> Sequence[Meeting]:
    """At least one meeting and at most the limit."""
    if not found:
        raise NoMeetings(field="until_on")
    if len(found) > MEETINGS_AT_ONCE_MAX:
        raise TooManyMeetings(field="until_on", meetings_max=MEETINGS_AT_ONCE_MAX)
    return found


@router.get("/groups")
async def list_groups(door: Queries, kind: Code | None = None) -> Page[GroupLine]:
    """Which groups meet at my sites?"""
    return await views_groups.listed(door, kind)


@router.get("/groups/{group_id}")
async def get_group(group_id: UUID, door: Queries) -> GroupLine:
    """What group is this?"""
    return await views_groups.one(door, group_id)


@router.get("/groups/{group_id}/roster")
async def get_roster(group_id: UUID, door: Queries) -> Page[RosterLine]:
    """Who has a place in the group, and how did it go so far?"""
    return await views_groups.roster(door, group_id)


@router.get("/groups/{group_id}/meetings")
async def list_meetings(group_id: UUID, from_on: date, until_on: date, door: Queries) -> list[Meeting]:
    """When does the group meet by its rule, less closures and dates left out?"""
    return list(await views_groups.upcoming(door, group_id, from_on, until_on))


@router.get("/groups/{group_id}/sessions")
async def list_group_sessions(group_id: UUID, door: Queries) -> Page[SessionLine]:
    """Which sessions did the group have, and will it have?"""
    return await views_sessions.of_group(door, group_id)
