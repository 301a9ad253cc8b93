"""Routes: sites with their hours and closures, and rooms."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body

from services.scheduling import examples, room, site, views_sites
from services.scheduling.catalogue import catalogue
from services.scheduling.own import check_acting_site
from services.scheduling.views_sites import RoomLine, SiteRecord
from shared.http import Accepted, Commands, Page, Queries
from shared.log import Act, Given
from shared.units import SiteId

router = APIRouter(tags=["sites"])


@router.put("/sites/{site_id}", status_code=201)
async def open_site(
    site_id: SiteId, command: Annotated[site.Open, Body(openapi_examples=examples.SITE)], door: Commands
) -> Accepted:
    """Add a clinic to the network, under a short name that stays. Evenkeel-Site names the new site itself."""
    check_acting_site(door, site_id)
    catalogue().counting_policy(command.counting_policy)
    return await door.handle(Act(site.decider, site_id, command))


@router.post("/sites/{site_id}/opening-hours", status_code=201)
async def adopt_opening_hours(
    site_id: SiteId,
    command: Annotated[site.AdoptOpeningHours, Body(openapi_examples=examples.OPENING_HOURS)],
    door: Commands,
) -> Accepted:
    """Open at other hours from now on. Sessions that are scheduled already stay."""
    check_acting_site(door, site_id)
    return await door.handle(Act(site.decider, site_id, command))


@router.post("/sites/{site_id}/counting-policies", status_code=201)
async def adopt_counting_policy(
    site_id: SiteId,
    command: Annotated[site.AdoptCountingPolicy, Body(openapi_examples=examples.COUNTING_POLICY)],
    door: Commands,
) -> Accepted:
    """Count attendance by another policy from now on. What is recorded already stays."""
    check_acting_site(door, site_id)
    catalogue().counting_policy(command.counting_policy)
    return await door.handle(Act(site.decider, site_id, command))


@router.post("/sites/{site_id}/closures", status_code=201)
async def announce_closure(
    site_id: SiteId, command: Annotated[site.AnnounceClosure, Body(openapi_examples=examples.CLOSURE)], door: Commands
) -> Accepted:
    """Stay closed on a date. Sessions that are scheduled already have to be cancelled one by one."""
    check_acting_site(door, site_id)
    return await door.handle(Act(site.decider, site_id, command))


@router.post("/sites/{site_id}/closures/{closed_on}/withdrawal", status_code=201)
async def withdraw_closure(site_id: SiteId, closed_on: date, door: Commands) -> Accepted:
    """Open on that date after all."""
    check_acting_site(door, site_id)
    return await door.handle(Act(site.decider, site_id, site.WithdrawClosure(closed_on)))


@router.get("/sites")
async def list_sites(door: Queries) -> Page[SiteRecord]:
    """Which sites does the network have?"""
    return await views_sites.sites(door)


@router.get("/sites/{site_id}")
async def get_site(site_id: SiteId, door: Queries) -> SiteRecord:
    """When is a site open, and in which zone?"""
    return await views_sites.site(door, site_id)


@router.put("/rooms/{room_id}", status_code=201)
async def open_room(
    room_id: UUID, command: Annotated[room.Open, Body(openapi_examples=examples.ROOM)], door: Commands
) -> Accepted:
    """Add a room to the site at which this is done."""
    check_acting_site(door, command.site_id)
    return await door.handle(Act(room.decider, room_id, command, given=(Given(site.decider, door.site_id),)))


@router.post("/rooms/{room_id}/closing", status_code=201)
async def close_room(
    room_id: UUID, command: Annotated[room.Close, Body(openapi_examples=examples.ROOM_CLOSING)], door: Commands
) -> Accepted:
    """Use a room no longer. Sessions that are scheduled in it have to be moved."""
    return await door.handle(Act(room.decider, room_id, command))


@router.get("/rooms")
async def list_rooms(door: Queries, site_id: SiteId | None = None) -> Page[RoomLine]:
    """Which rooms does a site have?"""
    return await views_sites.rooms(door, site_id)
