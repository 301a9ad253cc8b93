"""What is written down about a session: one meeting of a group, or one appointment with a single patient."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from shared.event import event


class Modality(StrEnum):
    """In what form help is given; the words of intake's plan."""

    GROUP = "group"
    INDIVIDUAL = "individual"
    FAMILY = "family"
    SKILLS = "skills"
    SUPPORT_GROUP = "support_group"
    CAM = "cam"


class Place(StrEnum):
    """Where a session is held."""

    ON_SITE = "on_site"
    TELEHEALTH = "telehealth"
    OUTSIDE = "outside"


class SessionCancelReason(StrEnum):
    """Why a session was not held."""

    LEADER_UNAVAILABLE = "leader_unavailable"
    SITE_CLOSED = "site_closed"
    TOO_FEW_PATIENTS = "too_few_patients"
    PATIENT_UNAVAILABLE = "patient_unavailable"
    SCHEDULED_IN_ERROR = "scheduled_in_error"


@event()
class SessionScheduled:
    """A session has a time, a place and leaders; `session_on` is the date on the site's own clock (`zone`)."""

    site_id: str
    kind: str
    modality: Modality
    group_id: UUID | None
    place: Place
    room_id: UUID | None
    leader_id: UUID
    co_leader_id: UUID | None
    starts_at: datetime
    ends_at: datetime
    session_on: date
    zone: str
    capacity: int
    topic: str | None


@event()
class SessionRescheduled:
    """The session has another time, and perhaps another room."""

    place: Place
    room_id: UUID | None
    starts_at: datetime
    ends_at: datetime
    session_on: date


@event()
class SeatTaken:
    """A patient has a seat; `over_capacity` says that a supervisor allowed one more than fit."""

    patient_id: UUID
    over_capacity: bool


@event()
class SeatGivenBack:
    """A patient's seat is free again."""

    patient_id: UUID


@event()
class SessionHeld:
    """The session took place; `minutes` is its length without breaks."""

    started_at: datetime
    ended_at: datetime
    break_minutes: int
    minutes: int


@event()
class SessionCancelled:
    """The session does not take place."""

    reason: SessionCancelReason


type SessionEvent = SessionScheduled | SessionRescheduled | SeatTaken | SeatGivenBack | SessionHeld | SessionCancelled
