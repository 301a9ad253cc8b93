"""Routes: orders, from draft to discontinuation."""

from datetime import date
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Query
from pydantic import Field

from services.medication import care, examples, order, story, taper, views_order
from services.medication.formulary import formulary
from services.medication.paths import OfPatient, OrderId
from services.medication.site_time import local_date, zone_here
from services.medication.story import Story
from services.medication.views_order import OrderLine, OrderSheet, OrderStatus
from shared.decider import command
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
) -> Accepted:
    """Write an order down, under an id of your choice. Nothing is dosed on it until a prescriber signs."""
    zone = await zone_here(door)
    product = formulary().product(body.product_id)
    days = (body.starts_on, body.ends_on, body.every_days, body.new_start)
    draft = order.DraftOrder(
        body.patient_id, door.site_id, zone, product, body.split_doses_mg, *days, body.instructions
    )
    return await door.handle(Act(order.decider, order_id, draft, Subject(body.patient_id)))


@router.post("/orders/{order_id}/signature", status_code=201)
async def sign_order(
    order_id: OrderId, body: Annotated[Signature, Body(openapi_examples=examples.SIGNATURE)], door: Commands
) -> Accepted:
    """Take responsibility for the order as it was read; from now on doses may be given."""
    expected = door.expected()
    state, _ = await door.state(order.decider, order_id)
    limits = formulary().limits_for(order.prescribed(state).medicine)
    return await door.handle(Act(order.decider, order_id, order.SignOrder(limits, body.rationale), expected=expected))


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
    state, _ = await door.state(order.decider, order_id)
    today = local_date(door.now, order.prescribed(state).zone)
    acts: list[Act] = [
        Act(order.decider, order_id, order.DiscontinueOrder(body.reason, today, body.note)),
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
