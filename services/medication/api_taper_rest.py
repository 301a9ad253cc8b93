"""Routes: the rest of a taper, laid out anew, slowed down or taken back; asked about, and tried out without a trace."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Query
from pydantic import Field

from services.medication import examples, order, taper
from services.medication.api_taper import StepPlan, planned
from services.medication.formulary import formulary
from services.medication.paths import TaperId
from services.medication.product import Product
from services.medication.site_time import effective_at, local_date
from services.medication.taper_course import PLANNED_DAYS_MAX, Taper
from services.medication.taper_policies import TaperPolicy, policies_for
from services.medication.taper_question import rest_question
from services.medication.taper_rest import ReplanTaper, ReverseTaper, SlowDown
from services.medication.taper_what_if import MOVES_MAX, Ground, Move, WhatIf, what_if
from shared.decider import command
from shared.events.medication import ReplanReason, ReversalReason
from shared.failures import Invalid
from shared.http import Accepted, Commands, Queries, QueryDoor
from shared.log import Act
from shared.units import Code, Milligrams, Prose

router = APIRouter(tags=["the rest of a taper"])

type RestSteps = Annotated[tuple[StepPlan, ...], Field(min_length=1, max_length=400)]


@command
class RestPlan:
    """Another way down from the present dose; no step is higher than the one before, the last is the target."""

    reason: ReplanReason
    target_dose_mg: Milligrams
    steps: RestSteps
    replanned_on: date | None = None
    template_id: Code | None = None
    rationale: Prose | None = None
    note: Prose | None = None


@command
class SlowDownNote:
    """How many days each step takes from now on; from today at the site, unless dated back."""

    step_days: Annotated[int, Field(ge=1, le=366, examples=[28])]
    slowed_on: date | None = None
    note: Prose | None = None


@command
class Reversal:
    """The higher dose, why, and the way down after it."""

    reason: ReversalReason
    dose_mg: Milligrams
    target_dose_mg: Milligrams
    steps: RestSteps
    assessment: Prose
    reversed_on: date | None = None
    template_id: Code | None = None
    rationale: Prose | None = None


@command
class Moves:
    """What would be done, one after the other."""

    moves: Annotated[tuple[Move, ...], Field(min_length=1, max_length=MOVES_MAX)]
    template_id: Code | None = None


@dataclass(frozen=True)
class Standing:
    """A taper with what is looked up for a decision about its rest."""

    taper: Taper
    product: Product
    policies: tuple[TaperPolicy, ...]
    today: date


@router.post("/tapers/{taper_id}/plans", status_code=201)
async def replan_taper(
    taper_id: TaperId, body: Annotated[RestPlan, Body(openapi_examples=examples.REPLAN)], door: Commands
) -> Accepted:
    """Lay out the rest anew, after missed doses, symptoms or under another cap; what was taken stays. A held taper goes on by it."""
    expected = door.expected()
    found = await standing(door, taper_id, body.template_id)
    on = body.replanned_on or found.today
    plan = (found.product, body.target_dose_mg, planned(body.steps), found.today, found.policies)
    replan = ReplanTaper(body.reason, on, *plan, body.rationale, body.note)
    at = effective_at(on, door.now, found.taper.zone)
    return await door.handle(Act(taper.decider, taper_id, replan, expected=expected, effective_at=at))


@router.post("/tapers/{taper_id}/slow-downs", status_code=201)
async def slow_taper_down(
    taper_id: TaperId, body: Annotated[SlowDownNote, Body(openapi_examples=examples.SLOW_DOWN)], door: Commands
) -> Accepted:
    """Give every step that has not begun more days; the doses stay as they were planned."""
    expected = door.expected()
    found = await standing(door, taper_id)
    on = body.slowed_on or found.today
    slow = SlowDown(body.step_days, on, found.today, body.note)
    at = effective_at(on, door.now, found.taper.zone)
    return await door.handle(Act(taper.decider, taper_id, slow, expected=expected, effective_at=at))


@router.post("/tapers/{taper_id}/reversals", status_code=201)
async def reverse_taper(
    taper_id: TaperId, body: Annotated[Reversal, Body(openapi_examples=examples.REVERSAL)], door: Commands
) -> Accepted:
    """Raise the dose again after an assessment, at most to that of the start, and go down from there. A held taper goes on by it."""
    expected = door.expected()
    found = await standing(door, taper_id, body.template_id)
    on = body.reversed_on or found.today
    plan = (found.product, body.target_dose_mg, planned(body.steps), found.today, found.policies)
    reverse = ReverseTaper(body.reason, on, body.dose_mg, *plan, body.rationale, body.assessment)
    at = effective_at(on, door.now, found.taper.zone)
    return await door.handle(Act(taper.decider, taper_id, reverse, expected=expected, effective_at=at))


@router.post("/tapers/{taper_id}/what-if")
async def try_out_taper(
    taper_id: TaperId, body: Annotated[Moves, Body(openapi_examples=examples.WHAT_IF)], door: Queries
) -> WhatIf:
    """What would become of the taper? The moves are made on a copy; nothing is recorded."""
    found = await standing(door, taper_id, body.template_id)
    return what_if(
        found.taper, body.moves, Ground(found.product, found.policies, formulary().confirmation), found.today
    )


@router.get("/tapers/{taper_id}/rest-question")
async def ask_for_rest(
    taper_id: TaperId,
    door: Queries,
    *,
    target_dose_mg: Annotated[Milligrams, Query(examples=["4"])],
    starts_on: Annotated[date | None, Query(examples=["2025-12-01"])] = None,
    template_id: Annotated[Code | None, Query(examples=["buprenorphine-taper-outpatient"])] = None,
    jump_off_max_mg: Annotated[Milligrams | None, Query(examples=["2"])] = None,
) -> dict[str, Any]:
    """What is to be asked of a taper preview for the rest, with what was taken as its history? The number of steps is yours to add."""
    found = await standing(door, taper_id, template_id)
    since = within_reach(starts_on or found.today, found.today)
    return rest_question(
        *(found.taper, found.product, found.policies),
        starts_on=since,
        target_dose_mg=target_dose_mg,
        jump_off_max_mg=jump_off_max_mg,
    )


def within_reach(on: date, today: date) -> date:
    """Raises Invalid."""
    if abs((on - today).days) > PLANNED_DAYS_MAX:
        raise Invalid(f"At most {PLANNED_DAYS_MAX} days before or after today", field="starts_on")
    return on


async def standing(door: QueryDoor, taper_id: UUID, template_id: str | None = None) -> Standing:
    """The taper, its product and its caps. Raises NotFound and TemplateUnknown."""
    state, _ = await door.state(taper.decider, taper_id)
    assert state.order_id is not None
    prescription = order.prescribed((await door.state(order.decider, state.order_id))[0])
    product = formulary().product(prescription.product_id, prescription.product_version)
    return Standing(state, product, policies_for(state.medicine, template_id), local_date(door.now, state.zone))
