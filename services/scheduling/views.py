"""Which view hears which events of scheduling."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from services.scheduling import (
    attendance,
    group,
    participant,
    room,
    session,
    site,
    staff,
    views_attendance,
    views_groups,
    views_participants,
    views_sessions,
    views_sites,
    views_staff,
)
from shared.event import AnyRecorded
from shared.projector import Write

_VIEWS: Final[Mapping[str, Callable[[AnyRecorded], Sequence[Write]]]] = {
    site.decider.category: views_sites.site_writes,
    room.decider.category: views_sites.room_writes,
    staff.decider.category: views_staff.writes,
    group.decider.category: views_groups.writes,
    session.decider.category: views_sessions.writes,
    attendance.decider.category: views_attendance.writes,
    participant.decider.category: views_participants.writes,
}


def writes(recorded: AnyRecorded) -> Sequence[Write]:
    """By the kind of stream that the event belongs to; calendars only decide, nobody reads them as rows."""
    keep = _VIEWS.get(recorded.stream.partition("-")[0])
    return keep(recorded) if keep else []
