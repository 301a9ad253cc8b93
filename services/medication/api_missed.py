"""Routes: what follows from missed doses, and what a prescriber decides about them."""

from typing import Annotated

from fastapi import APIRouter, Body

from services.medication import examples, history, views_missed
from services.medication.api_order import DoseMg
from services.medication.asking import own_order
from services.medication.dosing import course_of
from services.medication.history import history_id
from services.medication.paths import OrderId
from services.medication.resumption import DecideResumption
from services.medication.site_time import local_date
from services.medication.views_missed import MissedDoses
from services.medication.window_policies import window_policies
from shared.decider import command
from shared.events.medication import Assess
from shared.http import Accepted, Commands, Queries
from shared.log import Act, Subject
from shared.units import Prose

router = APIRouter(tags=["doses"])


@command
class ResumptionBody:
    """At most so much a date, or as ordered when it is null; what was looked at; and why, where it is more than is proposed."""

    dose_mg_max: DoseMg | None
    assessed: tuple[Assess, ...] = ()
    rationale: Prose | None = None


@router.get("/orders/{order_id}/missed-doses")
async def get_missed_doses(order_id: OrderId, door: Queries) -> MissedDoses:
    """How many doses has the patient missed in a row, which first dose do the policies propose, and what was decided?"""
    return await views_missed.of_order(door, order_id)


@router.post("/orders/{order_id}/resumptions", status_code=201)
async def decide_resumption(
    order_id: OrderId, body: Annotated[ResumptionBody, Body(openapi_examples=examples.RESUMED_ORDER)], door: Commands
) -> Accepted:
    """Decide with how much the order goes on after missed doses; later, raise or lower that until it is as ordered."""
    _, prescription = await own_order(door, order_id)
    patient_id = prescription.patient_id
    substance = window_policies().one_order.substance_of(prescription.medicine)
    decide = DecideResumption(
        patient_id=patient_id,
        substance=substance,
        home_site_id=prescription.home_site_id,
        course=course_of(order_id, prescription),
        today=local_date(door.now, prescription.zone),
        dose_mg_max=body.dose_mg_max,
        assessed=body.assessed,
        decided_by=door.caller.subject,
        rationale=body.rationale,
    )
    return await door.handle(Act(history.decider, history_id(patient_id, substance), decide, Subject(patient_id)))
