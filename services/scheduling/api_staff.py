"""Routes: the people who work in the network."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body

from services.scheduling import examples, staff, views_staff
from services.scheduling.views_staff import StaffLine, StaffRecord
from shared.decider import command
from shared.events.scheduling import Credential
from shared.http import Accepted, Commands, Page, Queries
from shared.log import Act
from shared.units import Name, SiteId

router = APIRouter(tags=["staff"])


@command
class NewStaffMember:
    """Somebody who begins to work at the site at which this is done."""

    short_name: Name
    full_name: Name
    professions: staff.Professions
    joined_on: date


@router.put("/staff/{staff_id}", status_code=201)
async def welcome_staff_member(
    staff_id: UUID, body: Annotated[NewStaffMember, Body(openapi_examples=examples.STAFF)], door: Commands
) -> Accepted:
    """Welcome somebody to the staff. The full name is sealed; the short one is for the plan on the wall."""
    join = staff.Join(door.site_id, body.short_name, body.full_name, body.professions, body.joined_on)
    return await door.handle(Act(staff.decider, staff_id, join))


@router.post("/staff/{staff_id}/credentials", status_code=201)
async def record_credential(
    staff_id: UUID, body: Annotated[Credential, Body(openapi_examples=examples.CREDENTIAL)], door: Commands
) -> Accepted:
    """Write down a licence or certificate that was seen. One of the same kind and issuer is replaced."""
    return await door.handle(Act(staff.decider, staff_id, staff.RecordCredential(body)))


@router.post("/staff/{staff_id}/departure", status_code=201)
async def say_goodbye(
    staff_id: UUID, command: Annotated[staff.Leave, Body(openapi_examples=examples.DEPARTURE)], door: Commands
) -> Accepted:
    """Say that somebody stopped working here. Their sessions have to be given to others."""
    return await door.handle(Act(staff.decider, staff_id, command))


@router.get("/staff")
async def list_staff(door: Queries, site_id: SiteId | None = None) -> Page[StaffLine]:
    """Who works at a site?"""
    return await views_staff.members(door, site_id)


@router.get("/staff/{staff_id}")
async def get_staff_member(staff_id: UUID, door: Queries) -> StaffRecord:
    """Who is this, and licensed for what?"""
    return await views_staff.member(door, staff_id)
