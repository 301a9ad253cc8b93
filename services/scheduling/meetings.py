"""When a group meets: its rule on dates, put on the site's clock date by date, less closures and dates left out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID, uuid5

from services.scheduling.group import Group, Rhythm
from services.scheduling.recurrence import dates
from services.scheduling.site import Site
from services.scheduling.site_clock import instant


@dataclass(frozen=True)
class Meeting:
    """One date on which a group meets."""

    session_id: UUID
    meeting_on: date
    starts_at: datetime
    ends_at: datetime


def meetings(group_id: UUID, group: Group, site: Site, from_on: date, until_on: date) -> Sequence[Meeting]:
    """Every meeting in a stretch of dates, both ends included. Raises StretchTooLong."""
    rhythm = group.rhythm
    assert rhythm is not None
    days = dates(rhythm.recurrence, rhythm.first_on, from_on, until_on)
    wanted = [on for on in days if on not in group.left_out and on not in site.closures and not _after_end(group, on)]
    met = (meeting_on(group_id, rhythm, on) for on in wanted)
    return [one for one in met if one is not None]


def meeting_on(group_id: UUID, rhythm: Rhythm, on: date) -> Meeting | None:
    """The meeting on a date; None when the zone skipped the date altogether.

    The date and the site's clock fix the start; the length is real time, whatever the clock does meanwhile.
    """
    starts_at = instant(rhythm.zone, on, rhythm.starts_at)
    if starts_at is None:
        return None
    return Meeting(session_id_of(group_id, on), on, starts_at, starts_at + timedelta(minutes=rhythm.minutes))


def session_id_of(group_id: UUID, on: date) -> UUID:
    """A group has one session a date: the same group and date always give the same id."""
    return uuid5(group_id, on.isoformat())


def _after_end(group: Group, on: date) -> bool:
    return group.last_on is not None and on > group.last_on
