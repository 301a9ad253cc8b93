"""What is written down about who a patient is; all of it that identifies is sealed."""

from uuid import UUID

from shared.event import Personal, event
from shared.events.intake.identity import Contacts, Identity


@event()
class PatientRegistered:
    """A person became known to the network; `distinct_from` are look-alikes that somebody found to be others."""

    home_site_id: str
    distinct_from: tuple[UUID, ...]
    identity: Personal[Identity | None]
    contacts: Personal[Contacts | None]
    match_keys: Personal[tuple[str, ...] | None]


@event()
class IdentityCorrected:
    """Name, birth date or another mark of identity had been written down wrongly."""

    identity: Personal[Identity | None]
    match_keys: Personal[tuple[str, ...] | None]


@event()
class ContactsRecorded:
    """The patient said how to reach them from now on."""

    contacts: Personal[Contacts | None]
    match_keys: Personal[tuple[str, ...] | None]


@event()
class EpisodeBegan:
    """The patient is in an episode of care; there is one at a time."""

    episode_id: UUID


@event()
class EpisodeEnded:
    """The episode of care is over."""

    episode_id: UUID


type PatientEvent = PatientRegistered | IdentityCorrected | ContactsRecorded | EpisodeBegan | EpisodeEnded
