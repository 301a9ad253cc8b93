"""Who is registered where, and who might be the same person."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, assert_never
from uuid import UUID

import msgspec

from services.intake import patient
from services.intake.matching import NAME_AND_BIRTH, PHONE
from shared.event import AnyRecorded
from shared.events.intake import (
    ContactsRecorded,
    EpisodeBegan,
    EpisodeEnded,
    IdentityCorrected,
    PatientEvent,
    PatientRegistered,
)
from shared.events.intake.identity import Contacts, Identity
from shared.http import Page, QueryDoor
from shared.projector import Write

CANDIDATES_MAX: Final = 20
"""Look-alikes named in a refusal; whoever has more namesakes gets the rest after naming these."""


@dataclass(frozen=True)
class PatientRecord:
    """One patient as registered. Identity and contacts are absent after erasure."""

    patient_id: UUID
    version: int
    home_site_id: str
    registered_at: datetime
    identity: Identity | None
    contacts: Contacts | None
    episode_id: UUID | None
    distinct_from: tuple[UUID, ...]


@dataclass(frozen=True)
class PatientLine:
    """One patient in a list."""

    patient_id: UUID
    home_site_id: str
    registered_at: datetime
    episode_id: UUID | None
    identity: Identity | None
    degraded_since: datetime | None


def writes(recorded: AnyRecorded) -> Sequence[Write]:
    """How an event changes the list of patients."""
    event: PatientEvent = recorded.data
    match event:
        case PatientRegistered():
            return [
                Write(
                    "insert into view.patient (patient_id, site_id, registered_at, identity_event_id) values ($1, $2, $3, $4)",
                    (recorded.patient_id, event.home_site_id, recorded.recorded_at, recorded.event_id),
                )
            ]
        case IdentityCorrected():
            return [_set(recorded, "identity_event_id", recorded.event_id)]
        case EpisodeBegan():
            return [_set(recorded, "episode_id", event.episode_id)]
        case EpisodeEnded():
            return [_set(recorded, "episode_id", None)]
        case ContactsRecorded():
            return []
        case _:
            assert_never(event)


def _set(recorded: AnyRecorded, column: str, value: UUID | None) -> Write:
    sql = f"update view.patient set {column} = $2 where patient_id = $1"  # noqa: S608 - a name from the code above
    return Write(sql, (recorded.patient_id, value))


def match_writes(recorded: AnyRecorded) -> Sequence[Write]:
    """How an event changes the blind indexes; opened, because they are sealed with the identity that they stand for."""
    match recorded.data:
        case PatientRegistered(match_keys=keys):
            return _keep(recorded, keys, (NAME_AND_BIRTH, PHONE))
        case IdentityCorrected(match_keys=keys):
            return _keep(recorded, keys, (NAME_AND_BIRTH,))
        case ContactsRecorded(match_keys=keys):
            return _keep(recorded, keys, (PHONE,))
        case _:
            return []


def _keep(recorded: AnyRecorded, keys: tuple[str, ...] | None, kinds: tuple[str, ...]) -> list[Write]:
    """The keys of these kinds, in place of what was there."""
    forget = Write(
        "delete from view.patient_match where patient_id = $1 and split_part(match_key, ':', 1) = any($2::text[])",
        (recorded.patient_id, list(kinds)),
    )
    keep = Write(
        "insert into view.patient_match (patient_id, match_key) select $1, unnest($2::text[])",
        (recorded.patient_id, sorted(set(keys or ()))),
    )
    return [forget, keep]


async def candidates(door: QueryDoor, match_keys: Sequence[str]) -> frozenset[UUID]:
    """Patients of any site with one of these keys. Ids only: who they are is for their own site to say."""
    rows = await door.rows(
        "select distinct patient_id from view.patient_match where match_key = any($1::text[]) order by 1 limit $2",
        list(match_keys),
        CANDIDATES_MAX,
    )
    return frozenset(row["patient_id"] for row in rows)


async def record(door: QueryDoor, patient_id: UUID) -> PatientRecord:
    """One patient, from the story itself. Raises NotFound."""
    story = await door.story(patient.decider, patient_id, opened=True)
    found: dict[str, Any] = {}
    for one in story:
        event: PatientEvent = one.data
        match event:
            case PatientRegistered():
                found |= {"home_site_id": event.home_site_id, "registered_at": one.recorded_at}
                found |= {"distinct_from": event.distinct_from, "episode_id": None}
                found |= {"identity": event.identity, "contacts": event.contacts}
            case IdentityCorrected():
                found["identity"] = event.identity
            case ContactsRecorded():
                found["contacts"] = event.contacts
            case EpisodeBegan():
                found["episode_id"] = event.episode_id
            case EpisodeEnded():
                found["episode_id"] = None
            case _:
                assert_never(event)
    return PatientRecord(patient_id=patient_id, version=story[-1].version, **found)


async def age_years(door: QueryDoor, patient_id: UUID, on: date) -> int | None:
    """The patient's age on a date, None after erasure. Raises NotFound."""
    return patient.age_years((await record(door, patient_id)).identity, on)


async def at_site(door: QueryDoor, *, in_care: bool | None) -> Page[PatientLine]:
    """The patients of the caller's sites, in the order of registration."""
    page = await door.page(
        """select p.*, e.sealed, projection.degraded_since(p.patient_id::text) as degraded_since from view.patient p join log.event e on e.event_id = p.identity_event_id
           where $1::boolean is null or (p.episode_id is not null) = $1""",
        in_care,
        key=("registered_at", "patient_id"),
    )
    return Page([await _line(door, row) for row in page.items], page.next)


async def _line(door: QueryDoor, row: dict[str, Any]) -> PatientLine:
    personal = await door.open_sealed(row["patient_id"], row["identity_event_id"], row["sealed"])
    identity = personal.get("identity")
    return PatientLine(
        patient_id=row["patient_id"],
        home_site_id=row["site_id"],
        registered_at=row["registered_at"],
        episode_id=row["episode_id"],
        identity=identity and msgspec.convert(identity, Identity),
        degraded_since=row["degraded_since"],
    )
