"""What is written down about a group: patients who meet regularly with a leader."""

from datetime import date
from uuid import UUID

from shared.event import event
from shared.events.scheduling.session import Modality, Place


@event()
class GroupFounded:
    """A group begins to meet; `recurrence` is an RFC 5545 rule on the site's own clock (`zone`)."""

    site_id: str
    zone: str
    kind: str
    modality: Modality
    name: str
    curriculum: str | None
    place: Place
    room_id: UUID | None
    leader_id: UUID
    co_leader_id: UUID | None
    first_on: date
    starts_at: str
    minutes: int
    recurrence: str
    capacity: int
    policy_id: str
    policy_version: int


@event()
class GroupLeadersNamed:
    """From now on others lead the group; sessions that are scheduled already keep their leaders."""

    leader_id: UUID
    co_leader_id: UUID | None


@event()
class MeetingLeftOut:
    """The group does not meet on one of its dates."""

    meeting_on: date
    reason: str


@event()
class PatientEnrolled:
    """A patient has a place in the group."""

    patient_id: UUID


@event()
class PatientWithdrawn:
    """A patient gave up the place in the group."""

    patient_id: UUID


@event()
class GroupEnded:
    """The group meets no more."""

    last_on: date


type GroupEvent = GroupFounded | GroupLeadersNamed | MeetingLeftOut | PatientEnrolled | PatientWithdrawn | GroupEnded
