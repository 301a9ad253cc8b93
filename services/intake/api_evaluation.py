"""Routes: evaluations in sections, signed as a whole, amended with a reason."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Body
from pydantic import Discriminator

from services.intake import detox_gate, evaluation, examples, patient, views_evaluation, views_patient
from services.intake.answers import Answers
from services.intake.catalogue import catalogue
from services.intake.today import latest_date
from services.intake.views_evaluation import EvaluationLine, EvaluationSheet
from shared.decider import command
from shared.http import Accepted, Commands, Page, Queries
from shared.log import Act, Given, Subject
from shared.units import Prose

router = APIRouter(tags=["evaluations"])

type AnySection = Annotated[Answers, Discriminator("section")]


@command
class Signature:
    """The clinician's own judgement; the withdrawal policy may add to it and never takes from it."""

    withdrawal_management_needed: bool


@command
class Amendment:
    """A section as it should stand, and why."""

    answers: AnySection
    reason: Prose


@router.put("/evaluations/{evaluation_id}", status_code=201)
async def begin_evaluation(
    evaluation_id: UUID,
    body: Annotated[evaluation.Begin, Body(openapi_examples=examples.EVALUATION)],
    door: Commands,
) -> Accepted:
    """Begin to evaluate a registered patient, under an id of your choice."""
    given = (Given(patient.decider, body.patient_id),)
    return await door.handle(Act(evaluation.decider, evaluation_id, body, Subject(body.patient_id), given))


@router.post("/evaluations/{evaluation_id}/sections", status_code=201)
async def record_section(
    evaluation_id: UUID, body: Annotated[AnySection, Body(openapi_examples=examples.SECTIONS)], door: Commands
) -> Accepted:
    """Write down one section, in any order, as often as needed until the evaluation is signed."""
    record = evaluation.RecordSection(body, latest_date(door.now))
    return await door.handle(Act(evaluation.decider, evaluation_id, record))


@router.post("/evaluations/{evaluation_id}/signature", status_code=201)
async def sign_evaluation(
    evaluation_id: UUID, body: Annotated[Signature, Body(openapi_examples=examples.SIGNATURE)], door: Commands
) -> Accepted:
    """Sign the whole evaluation. When it asks for withdrawal management, the detox gate goes up in the same act."""
    expected, today = door.expected(), latest_date(door.now)
    patient_id = await evaluated_patient(door, evaluation_id)
    age = await views_patient.age_years(door, patient_id, today)
    needed, policies = body.withdrawal_management_needed, catalogue()
    sign = evaluation.Sign(needed, age, policies.withdrawal, policies.levels, today)
    return await door.handle(
        Act(evaluation.decider, evaluation_id, sign, expected=expected),
        heed(
            patient_id, evaluation_id, detox_gate.HeedEvaluation(patient_id, evaluation_id, policies.withdrawal, today)
        ),
    )


@router.post("/evaluations/{evaluation_id}/amendments", status_code=201)
async def amend_evaluation(
    evaluation_id: UUID, body: Annotated[Amendment, Body(openapi_examples=examples.AMENDMENT)], door: Commands
) -> Accepted:
    """Replace a section of a signed evaluation and say why; what was signed stays readable."""
    expected, today = door.expected(), latest_date(door.now)
    patient_id = await evaluated_patient(door, evaluation_id)
    amend = evaluation.Amend(body.answers, body.reason, today)
    policy = catalogue().withdrawal
    return await door.handle(
        Act(evaluation.decider, evaluation_id, amend, expected=expected),
        heed(patient_id, evaluation_id, detox_gate.HeedEvaluation(patient_id, evaluation_id, policy, today)),
    )


@router.get("/evaluations/{evaluation_id}")
async def get_evaluation(evaluation_id: UUID, door: Queries) -> EvaluationSheet:
    """What was found, section by section, and what is missing?"""
    return await views_evaluation.sheet(door, evaluation_id)


@router.get("/evaluations")
async def list_evaluations(
    door: Queries, patient_id: UUID | None = None, status: Literal["open", "signed"] | None = None
) -> Page[EvaluationLine]:
    """Which evaluations are open or signed at my sites?"""
    return await views_evaluation.listed(door, patient_id, status)


async def evaluated_patient(door: Commands, evaluation_id: UUID) -> UUID:
    """Whose evaluation it is. Raises NotFound."""
    state, _ = await door.state(evaluation.decider, evaluation_id)
    assert state.patient_id is not None
    return state.patient_id


def heed(patient_id: UUID, evaluation_id: UUID, what: detox_gate.HeedEvaluation) -> Act:
    """The gate looks at the evaluation as the act before it leaves it."""
    given = (Given(evaluation.decider, evaluation_id),)
    return Act(detox_gate.decider, patient_id, what, Subject(patient_id), given)
