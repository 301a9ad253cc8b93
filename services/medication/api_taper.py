"""Routes: tapers, their steps and pauses, and their schedules."""

from datetime import date
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Query
from pydantic import Field

from services.medication import examples, order, story, taper, views_taper, views_taper_plot
from services.medication.formulary import formulary
from services.medication.paths import OfPatient, TaperId
from services.medication.site_time import effective_at, local_date
from services.medication.story import Story
from services.medication.svg import Svg
from services.medication.taper_policies import policies_for
from services.medication.taper_start import StartTaper
from services.medication.views_taper import TaperSchedule, TaperSheet, TaperStatus
from shared.decider import command
from shared.events.medication import (
    DoseBasis,
    DoseRounding,
    EffectScale,
    PlannedStep,
    TaperDesign,
    TaperHoldReason,
    TaperShape,
    TaperStopReason,
    Tolerance,
)
from shared.http import Accepted, Commands, Page, Queries
from shared.log import Act, Given, Subject
from shared.units import Code, Milligrams, Prose

router = APIRouter(tags=["tapers"])

type StepNumber = Annotated[int, Field(ge=1, le=400, examples=[1])]
type IdealMilligrams = Annotated[Decimal, Field(ge=0, le=10_000, max_digits=12, decimal_places=6, examples=["16.2"])]


@command
class StepPlan:
    """From this date at the site, this dose a day."""

    starts_on: date
    dose_mg: Milligrams
    ideal_mg: IdealMilligrams | None = None


@command
class DesignNote:
    """How the plan was made, and on which scale of effect it is smooth; `scale_mg` is the reference dose or the ED50."""

    shape: TaperShape
    scale: EffectScale
    scale_mg: IdealMilligrams | None = None
    basis: DoseBasis | None = None
    rounding: DoseRounding | None = None


@command
class TaperPlan:
    """The way down for an order; no step is higher than the one before, the last is the target.

    It is held to the caps that apply to every taper of the medicine and to those of the template, if one is named; a cut
    above one of them needs the rationale.
    """

    order_id: UUID
    target_dose_mg: Milligrams
    steps: Annotated[tuple[StepPlan, ...], Field(min_length=1, max_length=400)]
    template_id: Code | None = None
    design: DesignNote | None = None
    rationale: Prose | None = None


@command
class StepConfirmation:
    """The next step, and how the patient was found; today at the site, unless dated back."""

    step: StepNumber
    tolerance: Tolerance
    assessment: Prose
    confirmed_on: date | None = None


@command
class StepTaken:
    """The step whose dose was taken elsewhere, and when for the first time."""

    step: StepNumber
    taken_on: date


@command
class TaperHoldNote:
    """Why the taper waits; from today at the site, unless dated back."""

    reason: TaperHoldReason
    held_on: date | None = None
    note: Prose | None = None


@command
class Resumption:
    """From which day it goes on; today at the site, unless dated back."""

    resumed_on: date | None = None


@command
class StopNote:
    """Why the taper ends before its target; today at the site, unless dated back."""

    reason: TaperStopReason
    stopped_on: date | None = None
    note: Prose | None = None


@router.put("/tapers/{taper_id}", status_code=201)
async def start_taper(
    taper_id: TaperId, body: Annotated[TaperPlan, Body(openapi_examples=examples.TAPER)], door: Commands
) -> Accepted:
    """Lay out an order's way down, under an id of your choice. Every step waits for its own confirmation."""
    state, _ = await door.state(order.decider, body.order_id)
    prescription = order.prescribed(state)
    product = formulary().product(prescription.product_id, prescription.product_version)
    plan = (body.target_dose_mg, planned(body.steps), local_date(door.now, prescription.zone))
    policies = policies_for(prescription.medicine, body.template_id)
    start = StartTaper(taper_id, body.order_id, product, *plan, policies, designed(body.design), body.rationale)
    earlier = (Given(taper.decider, state.taper_id),) if state.taper_id is not None else ()
    given = (Given(order.decider, body.order_id), *earlier)
    return await door.handle(
        Act(taper.decider, taper_id, start, Subject(prescription.patient_id), given),
        Act(order.decider, body.order_id, order.PutOnTaper(taper_id)),
    )


@router.post("/tapers/{taper_id}/confirmations", status_code=201)
async def confirm_step(
    taper_id: TaperId, body: Annotated[StepConfirmation, Body(openapi_examples=examples.CONFIRMATION)], door: Commands
) -> Accepted:
    """Let the next step begin, after an assessment. Until then the dose before it goes on."""
    expected = door.expected()
    today, zone = await today_of(door, taper_id)
    on = body.confirmed_on or today
    policy = formulary().confirmation
    confirm = taper.ConfirmStep(body.step, body.tolerance, body.assessment, on, today, policy)
    at = effective_at(on, door.now, zone)
    return await door.handle(Act(taper.decider, taper_id, confirm, expected=expected, effective_at=at))


@router.post("/tapers/{taper_id}/taken-steps", status_code=201)
async def report_step_taken(
    taper_id: TaperId, body: Annotated[StepTaken, Body(openapi_examples=examples.TAKEN_STEP)], door: Commands
) -> Accepted:
    """Record that a confirmed step is taken where nobody observes it, or that it is to take nothing."""
    today, _ = await today_of(door, taper_id)
    report = taper.ReportStepTaken(body.step, body.taken_on, today)
    return await door.handle(Act(taper.decider, taper_id, report))


@router.post("/tapers/{taper_id}/holds", status_code=201)
async def hold_taper(
    taper_id: TaperId, body: Annotated[TaperHoldNote, Body(openapi_examples=examples.TAPER_HOLD)], door: Commands
) -> Accepted:
    """Stay at the present dose. Confirmed steps that have not begun are to be confirmed again."""
    today, zone = await today_of(door, taper_id)
    on = body.held_on or today
    hold = taper.HoldTaper(body.reason, on, today, body.note)
    return await door.handle(Act(taper.decider, taper_id, hold, effective_at=effective_at(on, door.now, zone)))


@router.post("/tapers/{taper_id}/resumption", status_code=201)
async def resume_taper(
    taper_id: TaperId, body: Annotated[Resumption, Body(openapi_examples=examples.RESUMPTION)], door: Commands
) -> Accepted:
    """Go on; the remaining dates move by the days of the hold."""
    expected = door.expected()
    today, zone = await today_of(door, taper_id)
    on = body.resumed_on or today
    at = effective_at(on, door.now, zone)
    resume = taper.ResumeTaper(on, today)
    return await door.handle(Act(taper.decider, taper_id, resume, expected=expected, effective_at=at))


@router.post("/tapers/{taper_id}/stop", status_code=201)
async def stop_taper(
    taper_id: TaperId, body: Annotated[StopNote, Body(openapi_examples=examples.STOP)], door: Commands
) -> Accepted:
    """End the taper before its target; the patient stays at the present dose."""
    today, zone = await today_of(door, taper_id)
    on = body.stopped_on or today
    stop = taper.StopTaper(body.reason, on, today, body.note)
    return await door.handle(Act(taper.decider, taper_id, stop, effective_at=effective_at(on, door.now, zone)))


@router.get("/tapers/{taper_id}")
async def get_taper(taper_id: TaperId, door: Queries) -> TaperSheet:
    """How does the taper stand, and which version is it? Always current."""
    return await views_taper.sheet(door, taper_id)


@router.get("/tapers/{taper_id}/story")
async def get_taper_story(taper_id: TaperId, door: Queries) -> Story:
    """What happened in the taper, with each assessment?"""
    return await story.told(door, taper.decider, taper_id)


@router.get("/tapers/{taper_id}/schedule")
async def get_taper_schedule(
    taper_id: TaperId, door: Queries, on: Annotated[date | None, Query(examples=["2025-11-12"])] = None
) -> TaperSchedule:
    """Where does each step stand, how far from the plan, and what is to be decided next, today at the site or `on` a day?"""
    return await views_taper.schedule(door, taper_id, on)


@router.get("/tapers/{taper_id}/plot.svg", response_class=Svg)
async def plot_taper(taper_id: TaperId, door: Queries) -> bytes:
    """What was planned, what holds now, and what was given: dose and, on the plan's scale, effect over time."""
    return await views_taper_plot.drawn(door, taper_id)


@router.get("/taper-schedules")
async def list_taper_schedules(
    door: Queries,
    patient_id: OfPatient = None,
    status: TaperStatus | None = None,
    decision_due_by: Annotated[date | None, Query(examples=["2025-11-14"])] = None,
    on: Annotated[date | None, Query(examples=["2025-11-12"])] = None,
) -> Page[TaperSchedule]:
    """Which tapers are there at my sites, and which wait for a prescriber's decision?"""
    return await views_taper.schedules(door, patient_id, status, decision_due_by, on)


def planned(steps: tuple[StepPlan, ...]) -> tuple[PlannedStep, ...]:
    """The steps as the record has them."""
    return tuple(PlannedStep(one.starts_on, one.dose_mg, one.ideal_mg) for one in steps)


def designed(note: DesignNote | None) -> TaperDesign | None:
    """How the plan was made, as the record has it."""
    if note is None:
        return None
    return TaperDesign(note.shape, note.scale, note.scale_mg, note.basis, note.rounding)


async def today_of(door: Commands, taper_id: UUID) -> tuple[date, str]:
    """The taper's date now, at its site, and the zone. Raises NotFound."""
    state, _ = await door.state(taper.decider, taper_id)
    return local_date(door.now, state.zone), state.zone
