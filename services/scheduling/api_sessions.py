"""Routes: sessions, and what a site does on a day."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body
from pydantic import Field

from services.scheduling import acts, examples, site, views_sessions
from services.scheduling.activities import Activity
from services.scheduling.booking import CancelBooking
from services.scheduling.catalogue import catalogue
from services.scheduling.own import own_session
from services.scheduling.session import PATIENTS_AT_ONCE_MAX, Cancel, Reschedule, Schedule
from services.scheduling.setting import setting_of
from services.scheduling.slot import Moment, planned
from services.scheduling.views_sessions import SessionLine
from shared.decider import command
from shared.events.scheduling import BookingCancelReason, Place, SessionCancelReason
from shared.http import Accepted, Commands, Page, Queries
from shared.units import Code, Name, SiteId

router = APIRouter(tags=["sessions"])


@command
class NewSession:
    """A session of any kind that staff lead: individual therapy, family, skills, an activity. `patient_ids` are booked."""

    kind: Code
    place: Place
    leader_id: UUID
    starts_at: Moment
    ends_at: Moment
    room_id: UUID | None = None
    co_leader_id: UUID | None = None
    topic: Name | None = None
    patient_ids: Annotated[tuple[UUID, ...], Field(max_length=PATIENTS_AT_ONCE_MAX)] = ()


@command
class NewTime:
    """When and where the session is held instead."""

    place: Place
    starts_at: Moment
    ends_at: Moment
    room_id: UUID | None = None


@command
class Cancellation:
    """Why the session is not held."""

    reason: SessionCancelReason


@router.put("/sessions/{session_id}", status_code=201)
async def schedule_session(
    session_id: UUID, body: Annotated[NewSession, Body(openapi_examples=examples.SESSION)], door: Commands
) -> Accepted:
    """Schedule a session and book its patients. Refused when room, leader or patient is in another at that time."""
    leaders = (body.leader_id, body.co_leader_id)
    setting = setting_of(catalogue().activities.activity(body.kind), body.place, body.room_id, leaders)
    the_site, _ = await door.state(site.decider, door.site_id)
    times = (body.starts_at, body.ends_at)
    schedule = Schedule(door.site_id, setting, *times, door.now, None, body.topic, body.patient_ids)
    slot = planned(setting, None, *times, the_site.zone)
    booked = acts.book(session_id, slot, body.patient_ids, catalogue().booking)
    return await door.handle(*acts.schedule(session_id, schedule), *booked)


@router.post("/sessions/{session_id}/rescheduling", status_code=201)
async def reschedule_session(
    session_id: UUID, body: Annotated[NewTime, Body(openapi_examples=examples.RESCHEDULING)], door: Commands
) -> Accepted:
    """Hold the session at another time or place. Every booking moves with it, or none does."""
    expected = door.expected()
    now_is = await own_session(door, session_id)
    command = Reschedule(door.site_id, body.place, body.room_id, body.starts_at, body.ends_at, door.now)
    return await door.handle(*acts.reschedule(session_id, now_is, command, expected))


@router.post("/sessions/{session_id}/cancellation", status_code=201)
async def cancel_session(
    session_id: UUID, body: Annotated[Cancellation, Body(openapi_examples=examples.CANCELLATION)], door: Commands
) -> Accepted:
    """Do not hold the session. Every booking is cancelled with it, in time."""
    expected = door.expected()
    now_is = await own_session(door, session_id)
    assert now_is.slot is not None
    reason = BookingCancelReason.SESSION_CANCELLED
    bookings = CancelBooking(now_is.slot.starts_at, reason, catalogue().booking, door.now)
    command = Cancel(door.site_id, body.reason)
    return await door.handle(*acts.cancel(session_id, now_is, command, bookings, expected))


@router.get("/sessions/{session_id}")
async def get_session(session_id: UUID, door: Queries) -> SessionLine:
    """What session is this, and how full?"""
    return await views_sessions.one(door, session_id)


@router.get("/sites/{site_id}/days/{on}/sessions")
async def get_day_sheet(site_id: SiteId, on: date, door: Queries) -> Page[SessionLine]:
    """What takes place at a site on a date of its own clock? No patient is named."""
    return await views_sessions.of_day(door, site_id, on)


@router.get("/activities")
async def list_activities(door: Queries) -> list[Activity]:  # noqa: ARG001 - a door makes it a query
    """Which kinds of session are there, what form of help is each, and how many patients fit?"""
    return list(catalogue().activities.activities)
