"""Routes: orders, from draft to discontinuation."""

from datetime import date, datetime, time
from decimal import Decimal
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Body, Query
from pydantic import Field

from services.medication import care, chart, examples, order, story, taper, views_order, views_rules
from services.medication.asking import asking, asking_about, given_chart, own_order, signer
from services.medication.chart import Ordered
from services.medication.formulary import formulary
from services.medication.paths import OfPatient, OrderId
from services.medication.prescription import Prescription
from services.medication.site_time import local_date, zone_here
from services.medication.story import Story
from services.medication.views_order import OrderLine, OrderSheet, OrderStatus
from services.medication.views_rules import OrderAccepted
from shared.decider import command
from shared.doors import AlreadyDone
from shared.events.medication import DiscontinuationReason, OrderHoldReason, TaperStopReason
from shared.http import Accepted, Commands, Page, Queries
from shared.log import Act, Subject
from shared.units import Code, Prose

router = APIRouter(tags=["orders"])

type DoseMg = Annotated[Decimal, Field(gt=0, le=10_000, max_digits=8, decimal_places=3, examples=["16"])]
type EveryDays = Annotated[int, Field(ge=1, le=366, examples=[1])]


@command
class OrderDraft:
    """What is to be given: the parts of a day in order, on every day unless the product or `every_days` says otherwise."""

    patient_id: UUID
    product_id: Code
    split_doses_mg: Annotated[tuple[DoseMg, ...], Field(min_length=1, max_length=4)]
    starts_on: date
    ends_on: date | None = None
    every_days: EveryDays | None = None
    new_start: bool = False
    low_dose_protocol: bool = False
    instructions: Prose | None = None


@command
class Signature:
    """A rationale is needed when the dose is above a limit."""

    rationale: Prose | None = None


@command
class OrderHoldNote:
    """Why the order waits."""

    reason: OrderHoldReason
    note: Prose | None = None


@command
class DiscontinuationNote:
    """Why the order ends."""

    reason: DiscontinuationReason
    note: Prose | None = None


@command
class DischargeException:
    """Up to which day doses may go on, and why."""

    until_on: date
    reason: Prose


@router.put("/orders/{order_id}", status_code=201)
async def draft_order(
    order_id: OrderId, body: Annotated[OrderDraft, Body(openapi_examples=examples.ORDER)], door: Commands
) -> OrderAccepted:
    """Write an order down, under an id of your choice, and hear what the rules say. Nothing is dosed until a prescriber signs."""
    try:
        accepted = await drafted(door, order_id, body)
    except AlreadyDone as done:
        accepted = done.accepted
    return await views_rules.drafted(door, order_id, accepted)


@router.post("/orders/{order_id}/signature", status_code=201)
async def sign_order(
    order_id: OrderId, body: Annotated[Signature, Body(openapi_examples=examples.SIGNATURE)], door: Commands
) -> Accepted:
    """Take responsibility for the order as it was read; from now on doses may be given. The rules decide once more."""
    expected = door.expected()
    _, prescription = await own_order(door, order_id)
    asking = await asking_about(door, prescription)
    sign = order.SignOrder(order_id, signer(door), asking, body.rationale)
    given = given_chart(prescription.patient_id)
    return await door.handle(
        Act(order.decider, order_id, sign, given=given, expected=expected), put_in_force(order_id, prescription)
    )


@router.post("/orders/{order_id}/holds", status_code=201)
async def hold_order(
    order_id: OrderId, body: Annotated[OrderHoldNote, Body(openapi_examples=examples.ORDER_HOLD)], door: Commands
) -> Accepted:
    """Give nothing on this order until it is resumed."""
    today = await today_of(door, order_id)
    return await door.handle(Act(order.decider, order_id, order.HoldOrder(body.reason, today, body.note)))


@router.post("/orders/{order_id}/resumption", status_code=201)
async def resume_order(order_id: OrderId, door: Commands) -> Accepted:
    """Let doses be given again, having seen why the order was held."""
    expected = door.expected()
    resume = order.ResumeOrder(await today_of(door, order_id))
    return await door.handle(Act(order.decider, order_id, resume, expected=expected))


@router.post("/orders/{order_id}/discontinuation", status_code=201)
async def discontinue_order(
    order_id: OrderId,
    body: Annotated[DiscontinuationNote, Body(openapi_examples=examples.DISCONTINUATION)],
    door: Commands,
) -> Accepted:
    """End the order for good; its taper, if one is under way, stops with it."""
    state, prescription = await own_order(door, order_id)
    today = local_date(door.now, prescription.zone)
    acts: list[Act] = [
        Act(order.decider, order_id, order.DiscontinueOrder(body.reason, today, body.note)),
        ended(order_id, prescription.patient_id, today),
    ]
    if state.taper_id is not None:
        stop = taper.StopTaper(TaperStopReason.ORDER_DISCONTINUED, today, today, if_going=True)
        acts.append(Act(taper.decider, state.taper_id, stop))
    return await door.handle(*acts)


@router.post("/orders/{order_id}/discharge-exceptions", status_code=201)
async def allow_dosing_after_discharge(
    order_id: OrderId, body: Annotated[DischargeException, Body(openapi_examples=examples.EXCEPTION)], door: Commands
) -> Accepted:
    """Let this order go on for some days after the patient was discharged."""
    state, _ = await door.state(order.decider, order_id)
    patient_id = order.prescribed(state).patient_id
    allow = care.AllowDosing(patient_id, order_id, body.until_on, body.reason, formulary().after_discharge)
    return await door.handle(Act(care.decider, patient_id, allow, Subject(patient_id)))


@router.get("/orders/{order_id}")
async def get_order(order_id: OrderId, door: Queries) -> OrderSheet:
    """What does the order say, and how far has it come? Always current."""
    return await views_order.sheet(door, order_id)


@router.get("/orders/{order_id}/story")
async def get_order_story(order_id: OrderId, door: Queries) -> Story:
    """What happened to the order, by whom and why?"""
    return await story.told(door, order.decider, order_id)


@router.get("/orders")
async def list_orders(
    door: Queries,
    patient_id: OfPatient = None,
    status: OrderStatus | None = None,
    needs_review: Annotated[bool | None, Query(description="In force although the patient was discharged.")] = None,
) -> Page[OrderLine]:
    """Which orders are there at my sites, and which wait for review after a discharge?"""
    return await views_order.listed(door, patient_id, status, needs_review=needs_review)


async def today_of(door: Commands, order_id: UUID) -> date:
    """The order's date now, at its home site. Raises NotFound."""
    state, _ = await door.state(order.decider, order_id)
    return local_date(door.now, order.prescribed(state).zone)


async def drafted(door: Commands, order_id: UUID, body: OrderDraft) -> Accepted:
    """The draft, written down with what the rules say about it now."""
    zone = await zone_here(door)
    product = formulary().product(body.product_id)
    starts_at = datetime.combine(body.starts_on, time.min, ZoneInfo(zone))
    draft = order.DraftOrder(
        patient_id=body.patient_id,
        home_site_id=door.site_id,
        zone=zone,
        product=product,
        split_doses_mg=body.split_doses_mg,
        starts_on=body.starts_on,
        ends_on=body.ends_on,
        every_days=body.every_days,
        new_start=body.new_start,
        instructions=body.instructions,
        low_dose_protocol=body.low_dose_protocol,
        order_id=order_id,
        asking=await asking(door, body.patient_id, starts_at),
    )
    given = given_chart(body.patient_id)
    return await door.handle(Act(order.decider, order_id, draft, Subject(body.patient_id), given))


def put_in_force(order_id: UUID, prescription: Prescription) -> Act:
    """The signed order in the patient's chart, where the rules find it."""
    ordered = Ordered(prescription.medicine, prescription.dose_mg, prescription.starts_on, prescription.ends_on)
    put = chart.PutInForce(prescription.patient_id, order_id, ordered)
    return Act(chart.decider, prescription.patient_id, put, Subject(prescription.patient_id))


def ended(order_id: UUID, patient_id: UUID, until_on: date) -> Act:
    """The order's end in the patient's chart."""
    return Act(chart.decider, patient_id, chart.EndOrder(patient_id, order_id, until_on), Subject(patient_id))
