"""Who works in the network, as what, and with which credentials."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, assert_never
from uuid import UUID

import msgspec

from services.scheduling import staff
from services.scheduling.views_sites import as_json
from shared.event import AnyRecorded
from shared.events.scheduling import (
    Credential,
    CredentialRecorded,
    Profession,
    StaffEvent,
    StaffMemberJoined,
    StaffMemberLeft,
)
from shared.http import Page, QueryDoor, Row
from shared.projector import Write


@dataclass(frozen=True)
class StaffLine:
    """Somebody who works here, or did until `left_on`; `short_name` is what the plan on the wall shows."""

    staff_id: UUID
    home_site_id: str
    short_name: str
    professions: tuple[Profession, ...]
    credentials: tuple[Credential, ...]
    joined_on: date
    left_on: date | None
    version: int


@dataclass(frozen=True)
class StaffRecord(StaffLine):
    """The same, with the full name; absent after erasure."""

    full_name: str | None


def writes(recorded: AnyRecorded) -> Sequence[Write]:
    """How an event changes the list of staff."""
    event: StaffEvent = recorded.data
    staff_id, version = UUID(recorded.subject_id), recorded.version
    match event:
        case StaffMemberJoined():
            sql = """insert into view.staff_member (staff_id, home_site_id, short_name, professions, joined_on, version)
                     values ($1, $2, $3, $4, $5, $6)"""
            professions = [one.value for one in event.professions]
            return [Write(sql, (staff_id, event.home_site_id, event.short_name, professions, event.joined_on, version))]
        case CredentialRecorded():
            one = event.credential
            return [Write(_CREDENTIAL, (staff_id, one.kind, one.issuer, as_json([one]), version))]
        case StaffMemberLeft():
            sql = "update view.staff_member set left_on = $2, version = $3 where staff_id = $1"
            return [Write(sql, (staff_id, event.left_on, version))]
        case _:
            assert_never(event)


_CREDENTIAL: Final = """
update view.staff_member set version = $5, credentials = $4::text::jsonb || coalesce((
    select jsonb_agg(one) from jsonb_array_elements(credentials) as one where not (one->>'kind' = $2 and one->>'issuer' = $3)
), '[]') where staff_id = $1
"""

_STAFF: Final = """
select staff_id, home_site_id, short_name, professions, credentials::text as credentials, joined_on, left_on, version
from view.staff_member
"""


async def member(door: QueryDoor, staff_id: UUID) -> StaffRecord:
    """One staff member, by full name. Raises NotFound."""
    row = await door.one(f"{_STAFF} where staff_id = $1", staff_id)
    story = await door.story(staff.decider, staff_id, opened=True)
    joined = next(one.data for one in story if isinstance(one.data, StaffMemberJoined))
    return StaffRecord(**_fields(row), full_name=joined.full_name)


async def members(door: QueryDoor, site_id: str | None) -> Page[StaffLine]:
    """The staff of a site, or of the network."""
    page = await door.page(
        f"{_STAFF} where $1::text is null or home_site_id = $1", site_id, key=("short_name", "staff_id")
    )
    return page.each(lambda row: StaffLine(**_fields(row)))


def _fields(row: Row) -> Row:
    professions = tuple(Profession(one) for one in row["professions"])
    credentials = msgspec.json.decode(row["credentials"], type=tuple[Credential, ...])
    return {**row, "professions": professions, "credentials": credentials}
