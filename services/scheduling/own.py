"""A site's own sessions, groups and attendance: those of others read as not found, also where an operation looks across the network."""

from uuid import UUID

from services.scheduling import attendance, group, session
from services.scheduling.booking import AttendanceUnknown
from services.scheduling.group import Group, GroupNotFounded
from services.scheduling.session import Session, SessionNotScheduled
from shared.event import AnyRecorded
from shared.failures import Invalid
from shared.http import CommandDoor


class SiteOfAnother(Invalid):
    """What is done to a site is done at that site."""


async def own_session(door: CommandDoor, session_id: UUID) -> Session:
    """The session as it stands. Raises SessionNotScheduled."""
    state, _ = await door.state(session.decider, session_id)
    if state.site_id != door.site_id:
        raise SessionNotScheduled
    return state


async def own_group(door: CommandDoor, group_id: UUID) -> Group:
    """The group as it stands. Raises GroupNotFounded."""
    state, _ = await door.state(group.decider, group_id)
    if state.site_id != door.site_id:
        raise GroupNotFounded
    return state


async def own_story(door: CommandDoor, attendance_id: UUID) -> list[AnyRecorded]:
    """What was written down about one patient at one session. Raises AttendanceUnknown."""
    story = await door.story(attendance.decider, attendance_id)
    if story[0].site_id != door.site_id:
        raise AttendanceUnknown
    return story


def check_acting_site(door: CommandDoor, site_id: str) -> None:
    """Raises SiteOfAnother: the events of a site carry its own id."""
    if door.site_id != site_id:
        raise SiteOfAnother(field="Evenkeel-Site")
