"""Routes: treatment plans, their versions, signatures, progress and reviews."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body

from services.intake import episode, examples, plan, views_plan
from services.intake.catalogue import catalogue
from services.intake.today import latest_date
from services.intake.views_plan import PlanLine, PlanSheet
from services.intake.wording import WrittenPlan
from shared.decider import command
from shared.events.intake.plan_parts import ItemId, Progress, ReviewOutcome, SignatureMethod
from shared.http import Accepted, Commands, Page, Queries
from shared.log import Act, Given, Subject
from shared.units import Prose

router = APIRouter(tags=["plans"])


@command
class Activation:
    """From when the plan holds, and how and when the patient signed it; the caller signs as the clinician."""

    active_from: date
    patient_signature: SignatureMethod
    patient_signed_on: date


@command
class ProgressNote:
    """How far a goal has come."""

    goal_id: ItemId
    progress: Progress
    noted_on: date
    note: Prose | None = None


@command
class ReviewNote:
    """What a review came to."""

    reviewed_on: date
    outcome: ReviewOutcome
    note: Prose | None = None


@router.put("/plans/{plan_id}", status_code=201)
async def draft_plan(
    plan_id: UUID, body: Annotated[plan.Draft, Body(openapi_examples=examples.PLAN)], door: Commands
) -> Accepted:
    """Write the first draft of a patient's plan, under an id of your choice; it may be half done."""
    given = (Given(episode.decider, body.episode_id),)
    return await door.handle(Act(plan.decider, plan_id, body, Subject(body.patient_id), given))


@router.post("/plans/{plan_id}/revisions", status_code=201)
async def revise_plan(
    plan_id: UUID, body: Annotated[WrittenPlan, Body(openapi_examples=examples.REVISION)], door: Commands
) -> Accepted:
    """Write a new version; what is active stays active until the new one is signed."""
    return await door.handle(Act(plan.decider, plan_id, plan.Revise(body), expected=door.expected()))


@router.post("/plans/{plan_id}/activation", status_code=201)
async def activate_plan(
    plan_id: UUID, body: Annotated[Activation, Body(openapi_examples=examples.ACTIVATION)], door: Commands
) -> Accepted:
    """Sign the newest version as the clinician, after the patient: it becomes the plan."""
    expected, data = door.expected(), catalogue()
    state, _ = await door.state(plan.decider, plan_id)
    signed = (body.active_from, body.patient_signature, body.patient_signed_on)
    activate = plan.Activate(*signed, data.levels, data.reviews, latest_date(door.now))
    given = (Given(episode.decider, str(state.episode_id)),)
    return await door.handle(Act(plan.decider, plan_id, activate, given=given, expected=expected))


@router.post("/plans/{plan_id}/progress-notes", status_code=201)
async def note_progress(
    plan_id: UUID, body: Annotated[ProgressNote, Body(openapi_examples=examples.PROGRESS)], door: Commands
) -> Accepted:
    """Say how far a goal of the active plan has come."""
    note = plan.NoteProgress(body.goal_id, body.progress, body.noted_on, latest_date(door.now), body.note)
    return await door.handle(Act(plan.decider, plan_id, note))


@router.post("/plans/{plan_id}/reviews", status_code=201)
async def review_plan(
    plan_id: UUID, body: Annotated[ReviewNote, Body(openapi_examples=examples.REVIEW)], door: Commands
) -> Accepted:
    """Record a review; the date of the next follows from the policy."""
    policy, today = catalogue().reviews, latest_date(door.now)
    review = plan.Review(body.reviewed_on, body.outcome, policy, today, body.note)
    return await door.handle(Act(plan.decider, plan_id, review))


@router.get("/plans/{plan_id}")
async def get_plan(plan_id: UUID, door: Queries) -> PlanSheet:
    """What is the plan, in all its versions, with what changed from each to the next?"""
    return await views_plan.sheet(door, plan_id)


@router.get("/plans")
async def list_plans(door: Queries, patient_id: UUID | None = None) -> Page[PlanLine]:
    """Which plans are there at my sites?"""
    return await views_plan.listed(door, patient_id)


@router.get("/plan-reviews-due")
async def list_plan_reviews_due(door: Queries, until: date) -> Page[PlanLine]:
    """Which plans have to be reviewed by then?"""
    return await views_plan.reviews_due(door, until)
