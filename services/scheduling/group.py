"""A group is patients who meet every week with a leader, on the site's clock, until the group ends."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import Enum
from typing import Annotated, Final, assert_never
from uuid import UUID

from pydantic import Field

from services.scheduling.participant import Participant
from services.scheduling.recurrence import EARLIEST, LATEST, Rule, check_rule
from services.scheduling.setting import Setting, check_setting, setting_from
from shared.decider import Decider, command
from shared.events.scheduling import (
    GroupEnded,
    GroupEvent,
    GroupFounded,
    GroupLeadersNamed,
    MeetingLeftOut,
    PatientEnrolled,
    PatientWithdrawn,
)
from shared.events.scheduling.site import WallClock
from shared.failures import Invalid, NotFound, Refused
from shared.units import Name

LEFT_OUT_MAX: Final = 400

type MeetingMinutes = Annotated[int, Field(ge=5, le=720, examples=[90])]
"""How long a session is planned to last, at most 12 hours."""


class Status(Enum):
    """Whether the group meets."""

    ABSENT = "absent"
    MEETING = "meeting"
    ENDED = "ended"


@dataclass(frozen=True)
class Rhythm:
    """When a group meets: the rule on dates, the time on the site's clock, and for how long."""

    zone: str
    first_on: date
    starts_at: str
    minutes: int
    recurrence: str


@dataclass(frozen=True)
class Group:
    """What a meeting and an enrolment look at."""

    status: Status = Status.ABSENT
    site_id: str = ""
    setting: Setting | None = None
    rhythm: Rhythm | None = None
    left_out: frozenset[date] = frozenset()
    enrolled: frozenset[UUID] = frozenset()
    last_on: date | None = None


@command
class Found:
    """Begin a group."""

    site_id: str
    name: Name
    setting: Setting
    first_on: date
    starts_at: WallClock
    minutes: MeetingMinutes
    recurrence: Rule
    policy_id: str
    policy_version: int
    curriculum: Name | None = None


@command
class NameLeaders:
    """Give the group other leaders."""

    site_id: str
    leader_id: UUID
    co_leader_id: UUID | None = None


@command
class LeaveOut:
    """Do not meet on one of the dates, such as a holiday."""

    meeting_on: date
    reason: Name


@command
class Enrol:
    """Give a patient a place in the group; the patient has to be in care."""

    site_id: str
    patient_id: UUID


@command
class Withdraw:
    """Give up a patient's place."""

    patient_id: UUID


@command
class End:
    """Meet no more after a date."""

    last_on: date


type Command = Found | NameLeaders | LeaveOut | Enrol | Withdraw | End


class GroupAlreadyFounded(Refused):
    """There is a group under this id already."""


class GroupNotFounded(NotFound):
    """There is no group under this id."""


class GroupHasEnded(Refused):
    """The group meets no more."""


class GroupFull(Refused):
    """Every place in the group is taken."""


class AlreadyEnrolled(Refused):
    """The patient has a place in the group already."""


class NotEnrolled(Refused):
    """The patient has no place in the group."""


class NotInCare(Refused):
    """The patient is not in an episode of care."""


class DateOutOfRange(Invalid):
    """The date is too far away."""


class MeetingAlreadyLeftOut(Refused):
    """The group does not meet on this date anyway."""


class TooManyLeftOut(Refused):
    """The group has as many dates left out as can be kept."""


def evolve(group: Group, event: GroupEvent) -> Group:
    """The group after the event."""
    match event:
        case GroupFounded():
            rhythm = Rhythm(event.zone, event.first_on, event.starts_at, event.minutes, event.recurrence)
            return Group(Status.MEETING, event.site_id, setting_from(event), rhythm)
        case GroupLeadersNamed():
            return replace(group, setting=led_by(group, event.leader_id, event.co_leader_id))
        case MeetingLeftOut():
            return replace(group, left_out=group.left_out | {event.meeting_on})
        case PatientEnrolled():
            return replace(group, enrolled=group.enrolled | {event.patient_id})
        case PatientWithdrawn():
            return replace(group, enrolled=group.enrolled - {event.patient_id})
        case GroupEnded():
            return replace(group, status=Status.ENDED, last_on=event.last_on)
        case _:
            assert_never(event)


def led_by(group: Group, leader_id: UUID, co_leader_id: UUID | None) -> Setting:
    """The group's setting with these leaders."""
    assert group.setting is not None
    return replace(group.setting, leader_id=leader_id, co_leader_id=co_leader_id)


def decide(group: Group, command: Command, *given: object) -> Sequence[GroupEvent]:
    """What happens on the command; founding and naming leaders look at the setting, enrolling at the participant."""
    if isinstance(command, Found):
        return found(group, command, given)
    elsewhere = isinstance(command, NameLeaders | Enrol) and command.site_id != group.site_id
    if group.status is Status.ABSENT or elsewhere:
        raise GroupNotFounded
    if group.status is Status.ENDED:
        raise GroupHasEnded
    match command:
        case NameLeaders():
            return name_leaders(group, command, given)
        case LeaveOut():
            return leave_out(group, command)
        case Enrol():
            (participant,) = given
            assert isinstance(participant, Participant)
            return enrol(group, command, participant)
        case Withdraw():
            return withdraw(group, command)
        case End():
            return [GroupEnded(command.last_on)]
        case _:
            assert_never(command)


def found(group: Group, command: Found, given: Sequence[object]) -> Sequence[GroupEvent]:
    """A group needs a rule that can be followed, and a setting that can bear it."""
    if group.status is not Status.ABSENT:
        raise GroupAlreadyFounded
    check_rule(command.recurrence)
    if not EARLIEST <= command.first_on <= LATEST:
        raise DateOutOfRange(field="first_on", earliest=EARLIEST.isoformat(), latest=LATEST.isoformat())
    site = check_setting(command.setting, command.site_id, given)
    return [
        GroupFounded(
            site_id=command.site_id,
            zone=site.zone,
            kind=command.setting.kind,
            modality=command.setting.modality,
            name=command.name,
            curriculum=command.curriculum,
            place=command.setting.place,
            room_id=command.setting.room_id,
            leader_id=command.setting.leader_id,
            co_leader_id=command.setting.co_leader_id,
            first_on=command.first_on,
            starts_at=command.starts_at,
            minutes=command.minutes,
            recurrence=command.recurrence,
            capacity=command.setting.capacity,
            policy_id=command.policy_id,
            policy_version=command.policy_version,
        )
    ]


def name_leaders(group: Group, command: NameLeaders, given: Sequence[object]) -> Sequence[GroupEvent]:
    """The new leaders work here."""
    setting = led_by(group, command.leader_id, command.co_leader_id)
    check_setting(setting, group.site_id, given)
    if setting == group.setting:
        return []
    return [GroupLeadersNamed(command.leader_id, command.co_leader_id)]


def enrol(group: Group, command: Enrol, participant: Participant) -> Sequence[GroupEvent]:
    """A place may be kept while the detox gate stands; the gate is asked at each booking."""
    assert group.setting is not None
    if command.patient_id in group.enrolled:
        raise AlreadyEnrolled
    if participant.episode_id is None:
        raise NotInCare(field="patient_id")
    if len(group.enrolled) >= group.setting.capacity:
        raise GroupFull(capacity=group.setting.capacity)
    return [PatientEnrolled(command.patient_id)]


def withdraw(group: Group, command: Withdraw) -> Sequence[GroupEvent]:
    """Only a place that somebody has can be given up."""
    if command.patient_id not in group.enrolled:
        raise NotEnrolled
    return [PatientWithdrawn(command.patient_id)]


def leave_out(group: Group, command: LeaveOut) -> Sequence[GroupEvent]:
    """A date is left out once."""
    if command.meeting_on in group.left_out:
        raise MeetingAlreadyLeftOut(field="meeting_on")
    if len(group.left_out) >= LEFT_OUT_MAX:
        raise TooManyLeftOut(left_out_max=LEFT_OUT_MAX)
    return [MeetingLeftOut(command.meeting_on, command.reason)]


decider: Final[Decider[Group]] = Decider("group", Group(), decide, evolve)
