"""What is written down about the people who work in the network: what they do and what they are licensed for."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from shared.event import Personal, event
from shared.units import Code


class Profession(StrEnum):
    """What somebody does at a site."""

    COUNSELLOR = "counsellor"
    THERAPIST = "therapist"
    SOCIAL_WORKER = "social_worker"
    NURSE = "nurse"
    PHYSICIAN = "physician"
    CLINICAL_SUPERVISOR = "clinical_supervisor"
    PEER_SPECIALIST = "peer_specialist"
    ACTIVITY_FACILITATOR = "activity_facilitator"
    FRONT_DESK = "front_desk"
    MANAGER = "manager"


@dataclass(frozen=True)
class Credential:
    """A licence or certificate and how long it holds; `number` and `issuer` are what a payer asks for."""

    kind: Code
    number: Code
    issuer: Code
    valid_until: date | None = None


@event()
class StaffMemberJoined:
    """Somebody began to work in the network; `short_name` is what a plan on the wall shows."""

    home_site_id: str
    short_name: str
    professions: tuple[Profession, ...]
    joined_on: date
    full_name: Personal[str | None]


@event()
class CredentialRecorded:
    """A licence or certificate was seen; one of the same kind and issuer is replaced."""

    credential: Credential


@event()
class StaffMemberLeft:
    """Somebody stopped working in the network."""

    left_on: date


type StaffEvent = StaffMemberJoined | CredentialRecorded | StaffMemberLeft
