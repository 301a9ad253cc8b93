"""Routes: doses that were vomited, what a prescriber decides, and what is given instead."""

from decimal import Decimal
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body
from pydantic import Field

from services.medication import authority, dose, dose_vomited, examples, order, stock
from services.medication.api_detox import moment
from services.medication.api_order import DoseMg
from services.medication.dosing_slot import Place
from services.medication.formulary import formulary
from services.medication.paths import DoseId
from services.medication.prescription import Prescription
from services.medication.site_time import local_date
from services.medication.stock import pour_id
from services.medication.stock_state import stock_id
from services.medication.window_policies import window_policies
from shared.decider import command
from shared.events.medication import DoseAdministered
from shared.http import Accepted, Commands
from shared.log import Act, Given, Subject
from shared.units import Code, Instant, Prose

router = APIRouter(tags=["doses"])


@command
class Vomiting:
    """When it came up, and who saw it; what nobody saw is not replaced by the policy."""

    vomited_at: Instant | None = None
    witnessed_by: Code | None = None


@command
class Replacement:
    """How much is replaced, 0 for nothing; the reason where it is more than the policy proposes."""

    dose_mg: Annotated[Decimal, Field(ge=0, le=10_000, max_digits=8, decimal_places=3, examples=["40"])]
    rationale: Prose | None = None


@command
class ReplacementDose:
    """How much was taken instead; now and seen by the caller, unless said otherwise."""

    dose_mg: DoseMg
    given_at: Instant | None = None
    observed_by: Code | None = None


@router.post("/doses/{dose_id}/vomiting", status_code=201)
async def report_vomiting(
    dose_id: DoseId, body: Annotated[Vomiting, Body(openapi_examples=examples.VOMITING)], door: Commands
) -> Accepted:
    """Write down that the dose was vomited; the story shows what the policy would replace."""
    at = moment(door, body.vomited_at, "vomited_at")
    report = dose_vomited.ReportVomited(at, body.witnessed_by, window_policies().vomited)
    return await door.handle(Act(dose.decider, dose_id, report, effective_at=body.vomited_at))


@router.post("/doses/{dose_id}/replacement-decisions", status_code=201)
async def decide_replacement(
    dose_id: DoseId, body: Annotated[Replacement, Body(openapi_examples=examples.REPLACEMENT)], door: Commands
) -> Accepted:
    """Decide how much of a vomited dose is replaced, in your name."""
    policy = window_policies().vomited
    decide = dose_vomited.DecideReplacement(body.dose_mg, door.caller.subject, body.rationale, policy)
    return await door.handle(Act(dose.decider, dose_id, decide))


@router.post("/doses/{dose_id}/replacements", status_code=201)
async def replace_dose(
    dose_id: DoseId, body: Annotated[ReplacementDose, Body(openapi_examples=examples.REPLACED)], door: Commands
) -> Accepted:
    """Record what was given instead, once; it leaves the bottles of the site."""
    given, prescription = await dose_of(door, dose_id)
    at = moment(door, body.given_at, "given_at")
    on = local_date(at, prescription.zone)
    instead = dose_vomited.ReplaceDose(
        place=Place(given.order_id, given.dosing_on, given.split, on),
        dose_mg=body.dose_mg,
        given_at=at,
        observed_by=body.observed_by or door.caller.subject,
        site_id=door.site_id,
        product=formulary().product(prescription.product_id, prescription.product_version),
        policy=window_policies().vomited,
    )
    look = (Given(authority.decider, given.patient_id),)
    pour = stock.PourDose(
        shelf=stock.Shelf(door.site_id, prescription.product_id),
        medicine=given.medicine,
        pour_id=pour_id(dose_id, door.site_id, at),
        dose_id=dose_id,
        amount_mg=body.dose_mg,
        poured_by=instead.observed_by,
        on=on,
        poured_at=at,
    )
    return await door.handle(
        Act(dose.decider, dose_id, instead, Subject(given.patient_id), look, effective_at=body.given_at),
        Act(stock.decider, stock_id(door.site_id, prescription.product_id), pour),
    )


async def dose_of(door: Commands, dose_id: UUID) -> tuple[DoseAdministered, Prescription]:
    """The dose that stands in the slot, and what was ordered. Raises DoseNotAdministered."""
    given = dose.given((await door.state(dose.decider, dose_id))[0])
    state, _ = await door.state(order.decider, given.order_id)
    return given, order.prescribed(state)
