"""Routes: instruments, assessments and danger signs."""

from dataclasses import field
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body
from pydantic import Field

from services.intake import assessment, detox_gate, examples, patient, views_assessment
from services.intake.assessment import Answered
from services.intake.catalogue import catalogue
from services.intake.instrument import Instrument, Whole
from services.intake.views_assessment import AssessmentSheet, OpenSign, ScoreLine
from shared.decider import command
from shared.events.intake.assessment import AssessmentMode
from shared.http import Accepted, Commands, Page, Queries
from shared.log import Act, Given, Subject
from shared.units import Code, Instant

router = APIRouter(tags=["assessments"])

type Version = Annotated[int, Field(ge=1, le=10_000)]


@command
class AnsweredInstrument:
    """The answers to an instrument by item id, raw readings by name (`pulse_bpm`), and the form's total if it has one.

    Without `instrument_version` the newest is meant. `effective_at` is when it was taken, None now.
    """

    patient_id: UUID
    instrument_id: Code
    language: Code
    mode: AssessmentMode
    answers: Answered
    measures: Answered = field(default_factory=dict)
    total: Whole | None = None
    instrument_version: Version | None = None
    effective_at: Instant | None = None


@router.get("/instruments")
async def list_instruments(_door: Queries) -> list[Instrument]:
    """Which instruments are scored here, by which items, bands and rules?"""
    return [one for versions in catalogue().instruments.values() for one in versions.values()]


@router.put("/assessments/{assessment_id}", status_code=201)
async def assess_patient(
    assessment_id: UUID,
    body: Annotated[AnsweredInstrument, Body(openapi_examples=examples.ASSESSMENT)],
    door: Commands,
) -> Accepted:
    """Record an answered instrument; the score is computed here. A danger sign or a high score acts at once."""
    instrument = catalogue().instrument(body.instrument_id, body.instrument_version)
    assess = assessment.Assess(
        body.patient_id, instrument, body.language, body.mode, body.answers, body.measures, body.total
    )
    given = (Given(patient.decider, body.patient_id),)
    act = Act(
        assessment.decider, assessment_id, assess, Subject(body.patient_id), given, effective_at=body.effective_at
    )
    return await door.handle(act, heed_score(assessment_id, body, instrument))


@router.post("/assessments/{assessment_id}/danger-sign-closures", status_code=201)
async def close_danger_sign(
    assessment_id: UUID,
    body: Annotated[assessment.CloseDangerSign, Body(openapi_examples=examples.CLOSURE)],
    door: Commands,
) -> Accepted:
    """Say what was done about a danger sign; until then it stays on everybody's list."""
    return await door.handle(Act(assessment.decider, assessment_id, body))


@router.post("/assessments/{assessment_id}/retraction", status_code=201)
async def retract_assessment(
    assessment_id: UUID,
    body: Annotated[assessment.Retract, Body(openapi_examples=examples.RETRACTION)],
    door: Commands,
) -> Accepted:
    """Take back an assessment that was entered in error; a gate that it put up stays for a physician to override."""
    return await door.handle(Act(assessment.decider, assessment_id, body, expected=door.expected()))


@router.get("/assessments/{assessment_id}")
async def get_assessment(assessment_id: UUID, door: Queries) -> AssessmentSheet:
    """What was answered and what does it come to?"""
    return await views_assessment.sheet(door, assessment_id)


@router.get("/patients/{patient_id}/assessments")
async def list_scores(patient_id: UUID, door: Queries, instrument_id: Code | None = None) -> Page[ScoreLine]:
    """How did the scores of this patient go over time?"""
    return await views_assessment.scores(door, patient_id, instrument_id)


@router.get("/danger-signs")
async def list_danger_signs(door: Queries) -> Page[OpenSign]:
    """Which danger signs has nobody answered yet?"""
    return await views_assessment.open_signs(door)


def heed_score(assessment_id: UUID, body: AnsweredInstrument, instrument: Instrument) -> Act:
    """The gate looks at the same answers."""
    heed = detox_gate.HeedScore(
        body.patient_id, assessment_id, catalogue().withdrawal, instrument, body.answers, body.measures
    )
    return Act(detox_gate.decider, body.patient_id, heed, Subject(body.patient_id))
