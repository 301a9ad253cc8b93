"""What is written down in the calendar of a room, a staff member or a patient, one calendar for each UTC day.

A calendar is how a double booking is refused by the database: two clerks who want the same hour write to the same stream.
"""

from datetime import datetime
from uuid import UUID

from shared.event import event


@event()
class TimeReserved:
    """A session takes this time; what the session had reserved before on this day is given up."""

    session_id: UUID
    starts_at: datetime
    ends_at: datetime


@event()
class TimeReleased:
    """The session's time on this day is free again."""

    session_id: UUID


type CalendarEvent = TimeReserved | TimeReleased
