"""A patient is registered once in the whole network, whoever they come to first."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final, assert_never
from uuid import UUID

from shared.decider import Decider, command
from shared.events.intake import (
    ContactsRecorded,
    EpisodeBegan,
    EpisodeEnded,
    IdentityCorrected,
    PatientEvent,
    PatientRegistered,
)
from shared.events.intake.identity import Contacts, Identity
from shared.failures import Invalid, NotFound, Refused

EARLIEST_BIRTH_DATE: Final = date(1900, 1, 1)


@dataclass(frozen=True)
class Patient:
    """What later decisions need to know."""

    registered: bool = False
    episode_id: UUID | None = None


@command
class Register:
    """`candidates` are the patients who may be the same person, `match_keys` the blind indexes that found them."""

    identity: Identity
    contacts: Contacts
    home_site_id: str
    today: date
    match_keys: tuple[str, ...] = ()
    candidates: frozenset[UUID] = frozenset()
    distinct_from: tuple[UUID, ...] = ()


@command
class CorrectIdentity:
    """Write the identity as it should have been."""

    identity: Identity
    today: date
    match_keys: tuple[str, ...] = ()


@command
class RecordContacts:
    """Write down how to reach the patient."""

    contacts: Contacts
    match_keys: tuple[str, ...] = ()


@command
class BeginEpisode:
    """Take the patient's one place for an episode of care."""

    episode_id: UUID


@command
class EndEpisode:
    """Give the place back."""

    episode_id: UUID


type Command = Register | CorrectIdentity | RecordContacts | BeginEpisode | EndEpisode


class PatientAlreadyRegistered(Refused):
    """A patient is already registered under this id."""


class PatientNotRegistered(NotFound):
    """There is no patient under this id."""


class PossibleDuplicate(Refused):
    """This may be someone who is registered already; name them in `distinct_from` if it is not."""


class BirthDateOutOfRange(Invalid):
    """The birth date is in the future or before 1900."""


class AlreadyInEpisode(Refused):
    """The patient is in an episode of care already."""


class NotInThisEpisode(Refused):
    """The patient is not in this episode of care."""


def evolve(patient: Patient, event: PatientEvent) -> Patient:
    """The patient after the event."""
    match event:
        case PatientRegistered():
            return replace(patient, registered=True)
        case IdentityCorrected() | ContactsRecorded():
            return patient
        case EpisodeBegan():
            return replace(patient, episode_id=event.episode_id)
        case EpisodeEnded():
            return replace(patient, episode_id=None)
        case _:
            assert_never(event)


def decide(patient: Patient, command: Command) -> Sequence[PatientEvent]:
    """What happens on the command, or the reason why nothing does."""
    if isinstance(command, Register):
        return register(patient, command)
    if not patient.registered:
        raise PatientNotRegistered
    match command:
        case CorrectIdentity():
            check_birth_date(command.identity, command.today)
            return [IdentityCorrected(command.identity, command.match_keys)]
        case RecordContacts():
            return [ContactsRecorded(command.contacts, command.match_keys)]
        case BeginEpisode():
            if patient.episode_id is not None:
                raise AlreadyInEpisode(episode_id=str(patient.episode_id))
            return [EpisodeBegan(command.episode_id)]
        case EndEpisode():
            if patient.episode_id != command.episode_id:
                raise NotInThisEpisode
            return [EpisodeEnded(command.episode_id)]
        case _:
            assert_never(command)


def register(patient: Patient, command: Register) -> Sequence[PatientEvent]:
    """A look-alike stops the registration until somebody has looked and named it as another person."""
    if patient.registered:
        raise PatientAlreadyRegistered
    check_birth_date(command.identity, command.today)
    alike = command.candidates - set(command.distinct_from)
    if alike:
        raise PossibleDuplicate(field="distinct_from", candidates=sorted(str(one) for one in alike))
    return [
        PatientRegistered(
            home_site_id=command.home_site_id,
            distinct_from=command.distinct_from,
            identity=command.identity,
            contacts=command.contacts,
            match_keys=command.match_keys,
        )
    ]


def check_birth_date(identity: Identity, today: date) -> None:
    """Nobody is born tomorrow."""
    if not EARLIEST_BIRTH_DATE <= identity.birth_date <= today:
        raise BirthDateOutOfRange(field="identity.birth_date")


def age_years(identity: Identity | None, on: date) -> int | None:
    """Completed years on a date; None when the identity is erased. Born on 29 February: a year older on 1 March."""
    if identity is None:
        return None
    birth_date = identity.birth_date
    return on.year - birth_date.year - ((on.month, on.day) < (birth_date.month, birth_date.day))


decider: Final[Decider[Patient]] = Decider("patient", Patient(), decide, evolve)
