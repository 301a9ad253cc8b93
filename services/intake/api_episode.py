"""Routes: admission, steps between levels of care, discharge."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body

from services.intake import episode, evaluation, examples, patient, views_episode
from services.intake.today import latest_date
from services.intake.views_episode import EpisodeLine, EpisodeSheet
from shared.decider import command
from shared.events.intake import DischargeReason, LevelOfCare
from shared.events.intake.episode import StepReason
from shared.http import Accepted, Commands, Page, Queries
from shared.log import Act, Given, Subject
from shared.units import Prose

router = APIRouter(tags=["episodes of care"])


@command
class Admission:
    """On which evaluation, to which level."""

    patient_id: UUID
    evaluation_id: UUID
    level_of_care: LevelOfCare
    admitted_on: date


@command
class Step:
    """To which level, and why."""

    level_of_care: LevelOfCare
    reason: StepReason
    stepped_on: date


@command
class DischargeNote:
    """Why and when the episode ended."""

    reason: DischargeReason
    discharged_on: date
    summary: Prose | None = None


@router.put("/episodes/{episode_id}", status_code=201)
async def admit_patient(
    episode_id: UUID, body: Annotated[Admission, Body(openapi_examples=examples.ADMISSION)], door: Commands
) -> Accepted:
    """Take the patient into care at this site; the evaluation must be signed and no other episode running."""
    patient_id, evaluation_id = body.patient_id, body.evaluation_id
    today = latest_date(door.now)
    admit = episode.Admit(patient_id, evaluation_id, body.level_of_care, body.admitted_on, today)
    given = (Given(evaluation.decider, evaluation_id),)
    return await door.handle(
        Act(episode.decider, episode_id, admit, Subject(patient_id), given),
        Act(patient.decider, patient_id, patient.BeginEpisode(episode_id)),
    )


@router.post("/episodes/{episode_id}/level-of-care-steps", status_code=201)
async def step_level_of_care(
    episode_id: UUID, body: Annotated[Step, Body(openapi_examples=examples.STEP)], door: Commands
) -> Accepted:
    """Step up or down to another level of care."""
    step = episode.StepLevelOfCare(body.level_of_care, body.reason, body.stepped_on, latest_date(door.now))
    return await door.handle(Act(episode.decider, episode_id, step, expected=door.expected()))


@router.post("/episodes/{episode_id}/discharge", status_code=201)
async def discharge_patient(
    episode_id: UUID, body: Annotated[DischargeNote, Body(openapi_examples=examples.DISCHARGE)], door: Commands
) -> Accepted:
    """End the episode of care, with its reason."""
    expected, today = door.expected(), latest_date(door.now)
    state, _ = await door.state(episode.decider, episode_id)
    discharge = episode.Discharge(body.reason, body.discharged_on, today, body.summary)
    assert state.patient_id is not None
    return await door.handle(
        Act(episode.decider, episode_id, discharge, expected=expected),
        Act(patient.decider, state.patient_id, patient.EndEpisode(episode_id)),
    )


@router.get("/episodes/{episode_id}")
async def get_episode(episode_id: UUID, door: Queries) -> EpisodeSheet:
    """At which levels was the patient, and how did it end?"""
    return await views_episode.sheet(door, episode_id)


@router.get("/episodes")
async def list_episodes(
    door: Queries,
    patient_id: UUID | None = None,
    in_care: bool | None = None,  # noqa: FBT001 - a query parameter
) -> Page[EpisodeLine]:
    """Who is or was in care at my sites?"""
    return await views_episode.listed(door, patient_id, in_care=in_care)
