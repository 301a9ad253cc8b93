"""Routes: who is booked into which session, who signs in, and who may be booked at all."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body

from services.scheduling import acts, attendance, examples, views_participants
from services.scheduling.booking import Arrive, CancelBooking
from services.scheduling.catalogue import catalogue
from services.scheduling.own import own_session
from services.scheduling.passage import Override
from services.scheduling.session import Patients, TakeSeats
from services.scheduling.slot import Moment
from services.scheduling.views_participants import ParticipantLine
from shared.decider import command
from shared.events.scheduling import BookingCancelReason
from shared.http import Accepted, Commands, Page, Queries
from shared.log import Act

router = APIRouter(tags=["bookings"])


@command
class NewBookings:
    """Who is expected at the session: all of them or none."""

    patient_ids: Patients


@command
class OverriddenBookings:
    """Who is expected although a gate stands in the way or the session is full, and who lets them pass."""

    patient_ids: Patients
    override: Override


@command
class BookingCancellation:
    """Why the patient is not expected any more."""

    reason: BookingCancelReason


@command
class Arrival:
    """When the patient signed in."""

    arrived_at: Moment


@router.post("/sessions/{session_id}/bookings", status_code=201)
async def book_patients(
    session_id: UUID, body: Annotated[NewBookings, Body(openapi_examples=examples.BOOKING)], door: Commands
) -> Accepted:
    """Book patients into a session. Refused while a gate stands in the way, no seat is left or the patient is elsewhere."""
    slot = (await own_session(door, session_id)).slot
    assert slot is not None
    seats = TakeSeats(door.site_id, slot, body.patient_ids)
    return await door.handle(*acts.take_seats(session_id, seats, catalogue().booking))


@router.post("/sessions/{session_id}/overridden-bookings", status_code=201)
async def book_with_override(
    session_id: UUID, body: Annotated[OverriddenBookings, Body(openapi_examples=examples.OVERRIDE)], door: Commands
) -> Accepted:
    """Book patients past a gate or beyond the capacity; a physician or supervisor answers for it, by name and with a reason."""
    slot = (await own_session(door, session_id)).slot
    assert slot is not None
    seats = TakeSeats(door.site_id, slot, body.patient_ids, beyond_capacity=True)
    return await door.handle(*acts.take_seats(session_id, seats, catalogue().booking, body.override))


@router.post("/attendances/{attendance_id}/cancellation", status_code=201)
async def cancel_booking(
    attendance_id: UUID,
    body: Annotated[BookingCancellation, Body(openapi_examples=examples.BOOKING_CANCELLATION)],
    door: Commands,
) -> Accepted:
    """Expect the patient no longer. Seat and time are free again; whether it was in time follows the programme's rule."""
    expected = door.expected()
    booked, _ = await door.state(attendance.decider, attendance_id)
    starts_at = booked.starts_at or door.now
    command = CancelBooking(starts_at, body.reason, catalogue().booking, door.now)
    return await door.handle(*acts.cancel_booking(booked, command, door.site_id, expected))


@router.post("/attendances/{attendance_id}/arrival", status_code=201)
async def sign_in(
    attendance_id: UUID, body: Annotated[Arrival, Body(openapi_examples=examples.ARRIVAL)], door: Commands
) -> Accepted:
    """Sign the patient in."""
    return await door.handle(Act(attendance.decider, attendance_id, Arrive(body.arrived_at, door.now)))


@router.get("/participants")
async def list_participants(door: Queries, in_care: bool | None = None) -> Page[ParticipantLine]:  # noqa: FBT001 - a query parameter
    """Which patients of my sites has scheduling heard of?"""
    return await views_participants.listed(door, in_care=in_care)


@router.get("/participants/{patient_id}")
async def get_participant(patient_id: UUID, door: Queries) -> ParticipantLine:
    """May this patient be booked: in care, detox gate open, plan signed?"""
    return await views_participants.one(door, patient_id)
