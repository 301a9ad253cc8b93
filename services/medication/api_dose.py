"""Routes: doses given, refused, missed and voided, and the dosing list."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Body, Query
from pydantic import Field

from services.medication import dose, examples, order, story, taper, views_dose
from services.medication.api_order import DoseMg
from services.medication.dosing import recorded, slot_of, taken, uncounted, unpoured
from services.medication.paths import AtSite, DoseId, OfOrder, OfPatient, OrderId
from services.medication.site_time import local_date, zone_of
from services.medication.story import Story
from services.medication.views_dose import DoseLine, DueLine
from shared.decider import command
from shared.events.medication import DoseAdministered, DoseVoidRequested, RefusalReason, VoidReason
from shared.http import Accepted, Commands, Page, Queries
from shared.log import Act, Given
from shared.units import Code, Instant, Prose

router = APIRouter(tags=["doses"])

type Split = Annotated[int, Field(ge=1, le=4, examples=[1])]


@command
class ObservedDose:
    """How much was taken; now, at this site and seen by the caller, unless said otherwise."""

    dose_mg: DoseMg
    split: Split = 1
    dosing_on: date | None = None
    given_at: Instant | None = None
    observed_by: Code | None = None


@command
class RefusalNote:
    """Why the patient did not take it."""

    reason: RefusalReason
    split: Split = 1
    dosing_on: date | None = None
    refused_at: Instant | None = None
    note: Prose | None = None


@command
class MissedDose:
    """Which dose the patient did not come for."""

    dosing_on: date
    split: Split = 1


@command
class VoidRequest:
    """Why the recorded dose never was."""

    reason: VoidReason
    note: Prose | None = None


@router.post("/orders/{order_id}/doses", status_code=201)
async def administer_dose(
    order_id: OrderId, body: Annotated[ObservedDose, Body(openapi_examples=examples.DOSE)], door: Commands
) -> Accepted:
    """Record a dose taken under observation. Of all sites that try the same slot, exactly one succeeds."""
    slot = await slot_of(door, order_id, body.split, body.dosing_on, body.given_at)
    observed_by = body.observed_by or door.caller.subject
    given_at = body.given_at or door.now
    late = body.given_at is not None
    administer = dose.AdministerDose(slot.place, body.dose_mg, given_at, observed_by, door.site_id, late=late)
    return await door.handle(*taken(slot, administer, body.given_at))


@router.post("/orders/{order_id}/dose-refusals", status_code=201)
async def refuse_dose(
    order_id: OrderId, body: Annotated[RefusalNote, Body(openapi_examples=examples.REFUSAL)], door: Commands
) -> Accepted:
    """Record that the patient declined the dose; it may still be given later that day."""
    slot = await slot_of(door, order_id, body.split, body.dosing_on, body.refused_at)
    return await door.handle(recorded(slot, dose.RefuseDose(slot.place, body.reason, body.note), body.refused_at))


@router.post("/orders/{order_id}/missed-doses", status_code=201)
async def miss_dose(
    order_id: OrderId, body: Annotated[MissedDose, Body(openapi_examples=examples.MISSED)], door: Commands
) -> Accepted:
    """Record that the patient did not come; if it turns out that the dose was given, enter it late."""
    slot = await slot_of(door, order_id, body.split, body.dosing_on, None)
    return await door.handle(recorded(slot, dose.MissDose(slot.place), None))


@router.post("/doses/{dose_id}/void-requests", status_code=201)
async def request_void(
    dose_id: DoseId, body: Annotated[VoidRequest, Body(openapi_examples=examples.VOID_REQUEST)], door: Commands
) -> Accepted:
    """Say that the recorded dose never was; it counts until a second person confirms."""
    request = dose.RequestVoid(body.reason, door.caller.subject, body.note)
    return await door.handle(Act(dose.decider, dose_id, request, expected=door.expected()))


@router.post("/doses/{dose_id}/void", status_code=201)
async def confirm_void(dose_id: DoseId, door: Commands) -> Accepted:
    """Agree as a second person; the slot is free again, and a step that the dose had taken is open again."""
    expected = door.expected()
    events = await door.story(dose.decider, dose_id)
    given = next((one for one in reversed(events) if isinstance(one.data, DoseAdministered)), None)
    confirm = dose.ConfirmVoid(door.caller.subject)
    acts: list[Act] = [
        Act(dose.decider, dose_id, confirm, expected=expected, corrects=given.event_id if given else None)
    ]
    if given is not None:
        asked = next((one.data for one in reversed(events) if isinstance(one.data, DoseVoidRequested)), None)
        reason = asked.reason if asked else VoidReason.ENTERED_IN_ERROR
        acts += [uncounted(given.data, dose_id), await unpoured(door, given.data, dose_id, reason)]
    if given is not None and given.data.taper_id is not None:
        look = (Given(order.decider, given.data.order_id),)
        acts.append(Act(taper.decider, given.data.taper_id, taper.ReopenStep(dose_id), given=look))
    return await door.handle(*acts)


@router.get("/doses/{dose_id}")
async def get_dose(dose_id: DoseId, door: Queries) -> Story:
    """What became of this dosing slot? Always current, at every site: whoever is about to dose may look."""
    return await story.told(door, dose.decider, dose_id)


@router.get("/doses")
async def list_doses(
    door: Queries,
    patient_id: OfPatient = None,
    order_id: OfOrder = None,
    from_on: Annotated[date | None, Query(examples=["2025-11-01"])] = None,
    until_on: Annotated[date | None, Query(examples=["2025-11-30"])] = None,
) -> Page[DoseLine]:
    """What was given, refused, missed and voided on the orders of my sites?"""
    return await views_dose.listed(door, patient_id, order_id, from_on, until_on)


@router.get("/sites/{site_id}/dosing-list")
async def get_dosing_list(
    site_id: AtSite, door: Queries, on: Annotated[date | None, Query(examples=["2025-11-04"])] = None
) -> Page[DueLine]:
    """Who is due at the site on a date (today there, unless given), who waits, and what was given?"""
    day = on or local_date(door.now, await zone_of(door, site_id))
    return await views_dose.due(door, site_id, day)
