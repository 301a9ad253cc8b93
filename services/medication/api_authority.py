"""Routes: which site may dose a patient, guests, broken glass, and where two sites have to look at a dose."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Body, Query
from pydantic import Field

from services.medication import authority, dose, examples, guest, history, order, views_authority
from services.medication.api_dose import Split
from services.medication.api_order import DoseMg
from services.medication.dosing import slot_of, taken
from services.medication.dosing_slot import BrokenGlass
from services.medication.history import history_id
from services.medication.paths import AtSite, DoseId, GuestId, OrderId, PatientId
from services.medication.site_time import local_date
from services.medication.views_authority import ConflictLine, GuestLine, GuestStatus
from services.medication.window_policies import window_policies
from shared.decider import command
from shared.http import Accepted, Commands, Page, Queries
from shared.log import Act, Subject
from shared.units import Code, Instant, Prose

router = APIRouter(tags=["dosing authority"])


@command
class GlassDose:
    """A dose that the caller, a physician, answers for at a site without the authority; now, unless said otherwise."""

    dose_mg: DoseMg
    reason: Prose
    split: Split = 1
    dosing_on: date | None = None
    given_at: Instant | None = None
    observed_by: Code | None = None


@command
class SecondOrder:
    """For which date, and why."""

    dosing_on: date
    reason: Prose


@command
class Settlement:
    """What two doses meant for the patient, and what was done."""

    note: Prose


@command
class GuestRequest:
    """From when to when the patient is to be dosed at the caller's site; without an end the patient moves for good."""

    order_id: UUID
    from_on: date
    reason: Prose
    until_on: date | None = None


@command
class GuestApproval:
    """What the guest site has to know: the last dose, and how many bottles the patient holds."""

    last_dose_mg: DoseMg | None = None
    last_dose_on: date | None = None
    take_homes_held: Annotated[int, Field(ge=0, le=100)] = 0
    note: Prose | None = None


@command
class GuestNote:
    """Why."""

    note: Prose | None = None


@dataclass(frozen=True)
class DosingAuthority:
    """Who may dose the patient now. `site_id` null: nobody was dosed yet, the order's home site may."""

    patient_id: UUID
    version: int
    site_id: str | None
    home_site_id: str | None
    epoch: int
    guest_id: UUID | None
    guest_site_id: str | None
    guest_status: str | None
    until_on: date | None


@router.post("/orders/{order_id}/broken-glass-doses", status_code=201)
async def administer_under_broken_glass(
    order_id: OrderId, body: Annotated[GlassDose, Body(openapi_examples=examples.GLASS_DOSE)], door: Commands
) -> Accepted:
    """Record a dose at a site without the authority, in your name. If the slot holds a dose already, both are reported."""
    slot = await slot_of(door, order_id, body.split, body.dosing_on, body.given_at)
    observed_by, physician = body.observed_by or door.caller.subject, door.caller.subject
    given = (body.dose_mg, body.given_at or door.now, observed_by, door.site_id)
    administer = dose.AdministerDose(slot.place, *given, BrokenGlass(physician, body.reason))
    place, home = slot.place, slot.prescription.home_site_id
    where = (slot.patient_id, order_id, slot.dose_id, home, door.site_id, place.dosing_on, place.on)
    glass = Act(authority.decider, slot.patient_id, authority.BreakGlass(*where, physician, body.reason), slot.subject)
    return await door.handle(*taken(slot, administer, body.given_at), glass)


@router.post("/orders/{order_id}/second-order-overrides", status_code=201)
async def allow_second_order(
    order_id: OrderId, body: Annotated[SecondOrder, Body(openapi_examples=examples.SECOND_ORDER)], door: Commands
) -> Accepted:
    """Let this order be dosed on a date on which another order of the same substance was, in your name."""
    state, _ = await door.state(order.decider, order_id)
    prescription = order.prescription_in_force(state)
    substance = window_policies().one_order.substance_of(prescription.medicine)
    patient_id, physician = prescription.patient_id, door.caller.subject
    allow = history.AllowSecondOrder(patient_id, substance, order_id, body.dosing_on, physician, body.reason)
    return await door.handle(
        Act(history.decider, history_id(patient_id, substance), allow, Subject(patient_id)),
    )


@router.post("/doses/{dose_id}/conflict-settlements", status_code=201)
async def settle_conflict(
    dose_id: DoseId, body: Annotated[Settlement, Body(openapi_examples=examples.SETTLEMENT)], door: Commands
) -> Accepted:
    """Say what two doses in one slot meant for the patient; until then the slot stays in the conflict report."""
    settle = dose.SettleConflict(door.caller.subject, body.note)
    return await door.handle(Act(dose.decider, dose_id, settle, expected=door.expected()))


@router.put("/patients/{patient_id}/guest-dosing/{guest_id}", status_code=201)
async def request_guest_dosing(
    patient_id: PatientId,
    guest_id: GuestId,
    body: Annotated[GuestRequest, Body(openapi_examples=examples.GUEST_REQUEST)],
    door: Commands,
) -> Accepted:
    """Ask, at your site, to dose the patient for some days, or for good, under an id of your choice."""
    state, _ = await door.state(order.decider, body.order_id)
    prescription = guest.order_of(order.prescribed(state), patient_id)
    days = (body.from_on, body.until_on, local_date(door.now, prescription.zone))
    where = (patient_id, guest_id, body.order_id, door.site_id, prescription.home_site_id, prescription.zone)
    ask = guest.RequestGuest(*where, *days, door.caller.subject, body.reason, window_policies().guest)
    return await door.handle(Act(authority.decider, patient_id, ask, Subject(patient_id)))


@router.post("/patients/{patient_id}/guest-dosing/{guest_id}/approval", status_code=201)
async def approve_guest_dosing(
    patient_id: PatientId,
    guest_id: GuestId,
    body: Annotated[GuestApproval, Body(openapi_examples=examples.GUEST_APPROVAL)],
    door: Commands,
) -> Accepted:
    """Agree, at the site that holds the authority. Nothing moves until the guest site accepts the patient."""
    told = (body.last_dose_mg, body.last_dose_on, body.take_homes_held, body.note)
    approve = guest.ApproveGuest(guest_id, door.site_id, door.caller.subject, *told)
    return await door.handle(Act(authority.decider, patient_id, approve))


@router.post("/patients/{patient_id}/guest-dosing/{guest_id}/refusal", status_code=201)
async def decline_guest_dosing(
    patient_id: PatientId,
    guest_id: GuestId,
    body: Annotated[GuestNote, Body(openapi_examples=examples.GUEST_NOTE)],
    door: Commands,
) -> Accepted:
    """Decline, or take the own request back, before the patient was accepted."""
    decline = guest.DeclineGuest(guest_id, door.site_id, door.caller.subject, body.note)
    return await door.handle(Act(authority.decider, patient_id, decline))


@router.post("/patients/{patient_id}/guest-dosing/{guest_id}/acceptance", status_code=201)
async def accept_guest_dosing(patient_id: PatientId, guest_id: GuestId, door: Commands) -> Accepted:
    """The patient is here: from now on your site alone may dose, until the stay ends by itself."""
    state, _ = await door.state(authority.decider, patient_id)
    zone, until_on = authority.end_of(state, guest_id)
    accept = guest.AcceptGuest(guest_id, door.site_id, local_date(door.now, zone), day_after(until_on, zone))
    return await door.handle(Act(authority.decider, patient_id, accept))


@router.post("/patients/{patient_id}/guest-dosing/{guest_id}/return", status_code=201)
async def end_guest_dosing(patient_id: PatientId, guest_id: GuestId, door: Commands) -> Accepted:
    """End the stay now: the guest site sends the patient home, or the home site takes the patient back."""
    state, _ = await door.state(authority.decider, patient_id)
    zone, _ = authority.end_of(state, guest_id)
    back = authority.ReturnAuthority(guest_id, local_date(door.now, zone), door.site_id)
    return await door.handle(Act(authority.decider, patient_id, back))


@router.get("/patients/{patient_id}/dosing-authority")
async def get_dosing_authority(patient_id: PatientId, door: Queries) -> DosingAuthority:
    """Which site may dose the patient? Always current, at every site."""
    state, version = await door.state(authority.decider, patient_id)
    stay = state.stay
    stays = (stay.guest_id, stay.site_id, stay.status.value, stay.until_on) if stay else (None, None, None, None)
    return DosingAuthority(patient_id, version, state.site_id, state.home_site_id, state.epoch, *stays)


@router.get("/sites/{site_id}/guest-dosing")
async def list_guest_dosing(site_id: AtSite, door: Queries, status: GuestStatus | None = None) -> Page[GuestLine]:
    """Whom does the site ask for, whom is it asked about, and who is where as a guest?"""
    return await views_authority.guests(door, site_id, status)


@router.get("/sites/{site_id}/dosing-conflicts")
async def list_dosing_conflicts(
    site_id: AtSite,
    door: Queries,
    unsettled: Annotated[bool | None, Query(description="Only what still waits for a prescriber.")] = None,
) -> Page[ConflictLine]:
    """Where was glass broken, and which slots hold two doses?"""
    return await views_authority.conflicts(door, site_id, unsettled=unsettled)


def day_after(until_on: date | None, zone: str) -> datetime | None:
    """When the day after the last one begins."""
    return None if until_on is None else datetime.combine(until_on + timedelta(days=1), time.min, ZoneInfo(zone))
