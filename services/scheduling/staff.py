"""A staff member leads sessions and answers for exceptions, as long as they work in the network."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import Enum
from typing import Annotated, Final, assert_never

from pydantic import Field

from shared.decider import Decider, command
from shared.events.scheduling import (
    Credential,
    CredentialRecorded,
    Profession,
    StaffEvent,
    StaffMemberJoined,
    StaffMemberLeft,
)
from shared.failures import Invalid, NotFound, Refused
from shared.units import Name

CREDENTIALS_MAX: Final = 50

type Professions = Annotated[tuple[Profession, ...], Field(min_length=1, max_length=10)]


class Status(Enum):
    """Whether somebody works here."""

    ABSENT = "absent"
    WORKING = "working"
    LEFT = "left"


@dataclass(frozen=True)
class StaffMember:
    """What a session and an override need to know about somebody."""

    status: Status = Status.ABSENT
    professions: tuple[Profession, ...] = ()
    credentials: frozenset[tuple[str, str]] = frozenset()
    joined_on: date | None = None


@command
class Join:
    """Welcome somebody to the staff."""

    home_site_id: str
    short_name: Name
    full_name: Name
    professions: Professions
    joined_on: date


@command
class RecordCredential:
    """Write down a licence or certificate that was seen."""

    credential: Credential


@command
class Leave:
    """Say that somebody stopped working here; sessions that they were to lead have to be given to others."""

    left_on: date


type Command = Join | RecordCredential | Leave


class StaffMemberAlreadyJoined(Refused):
    """There is a staff member under this id already."""


class StaffMemberUnknown(NotFound):
    """There is no staff member under this id."""


class StaffMemberHasLeft(Refused):
    """The staff member no longer works here."""


class LeftBeforeJoining(Invalid):
    """The staff member cannot leave before they joined."""


class TooManyCredentials(Refused):
    """The staff member has as many credentials as can be kept."""


class ProfessionNotEntitled(Refused):
    """This needs a staff member of another profession."""


def evolve(member: StaffMember, event: StaffEvent) -> StaffMember:
    """The staff member after the event."""
    match event:
        case StaffMemberJoined():
            return StaffMember(Status.WORKING, event.professions, joined_on=event.joined_on)
        case CredentialRecorded():
            key = (event.credential.kind, event.credential.issuer)
            return replace(member, credentials=member.credentials | {key})
        case StaffMemberLeft():
            return replace(member, status=Status.LEFT)
        case _:
            assert_never(event)


def decide(member: StaffMember, command: Command) -> Sequence[StaffEvent]:
    """What happens on the command, or the reason why nothing does."""
    if isinstance(command, Join):
        if member.status is not Status.ABSENT:
            raise StaffMemberAlreadyJoined
        professions = tuple(dict.fromkeys(command.professions))
        return [
            StaffMemberJoined(
                command.home_site_id, command.short_name, professions, command.joined_on, command.full_name
            )
        ]
    check_works_here(member)
    match command:
        case RecordCredential():
            if len(member.credentials) >= CREDENTIALS_MAX:
                raise TooManyCredentials(credentials_max=CREDENTIALS_MAX)
            return [CredentialRecorded(command.credential)]
        case Leave():
            if member.joined_on is not None and command.left_on < member.joined_on:
                raise LeftBeforeJoining(field="left_on")
            return [StaffMemberLeft(command.left_on)]
        case _:
            assert_never(command)


def check_works_here(member: StaffMember, *, field: str | None = None) -> None:
    """Raises StaffMemberUnknown or StaffMemberHasLeft."""
    if member.status is Status.ABSENT:
        raise StaffMemberUnknown(field=field)
    if member.status is Status.LEFT:
        raise StaffMemberHasLeft(field=field)


def check_entitled(member: StaffMember, professions: Collection[Profession], *, field: str) -> None:
    """One of the member's professions is among these. Raises ProfessionNotEntitled."""
    check_works_here(member, field=field)
    if not set(member.professions) & set(professions):
        raise ProfessionNotEntitled(field=field, professions=sorted(professions))


decider: Final[Decider[StaffMember]] = Decider("staff", StaffMember(), decide, evolve)
