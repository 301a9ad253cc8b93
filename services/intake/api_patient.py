"""Routes: registering patients, and where each stands in the plan."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body

from services.intake import examples, patient, views_patient, views_plan_state
from services.intake.matching import contact_marks, identity_marks
from services.intake.today import latest_date
from services.intake.views_patient import PatientLine, PatientRecord
from services.intake.views_plan_state import PlanState
from shared.decider import command
from shared.events.intake.identity import Contacts, Identity
from shared.http import Accepted, Commands, Page, Queries
from shared.log import Act, Subject

router = APIRouter(tags=["patients"])


@command
class NewPatient:
    """A person to be registered. `distinct_from` names look-alikes that somebody found to be others."""

    identity: Identity
    contacts: Contacts = Contacts()
    distinct_from: tuple[UUID, ...] = ()


@command
class CorrectedIdentity:
    """The identity as it should have been written."""

    identity: Identity


@command
class NewContacts:
    """How to reach the patient from now on."""

    contacts: Contacts


@router.put("/patients/{patient_id}", status_code=201)
async def register_patient(
    patient_id: UUID, body: Annotated[NewPatient, Body(openapi_examples=examples.PATIENT)], door: Commands
) -> Accepted:
    """Register a person under an id of your choice. A look-alike stops it until it is named in `distinct_from`."""
    marks = (*identity_marks(body.identity), *contact_marks(body.contacts))
    keys = blinded(door, marks)
    register = patient.Register(
        identity=body.identity,
        contacts=body.contacts,
        home_site_id=door.site_id,
        today=latest_date(door.now),
        match_keys=keys,
        candidates=await views_patient.candidates(door, keys) - {patient_id},
        distinct_from=body.distinct_from,
    )
    return await door.handle(Act(patient.decider, patient_id, register, Subject(patient_id)))


@router.post("/patients/{patient_id}/identity-corrections", status_code=201)
async def correct_identity(
    patient_id: UUID, body: Annotated[CorrectedIdentity, Body(openapi_examples=examples.IDENTITY)], door: Commands
) -> Accepted:
    """Put right a name or birth date that was written down wrongly; both are kept."""
    keys = blinded(door, identity_marks(body.identity))
    correct = patient.CorrectIdentity(body.identity, latest_date(door.now), keys)
    return await door.handle(Act(patient.decider, patient_id, correct, expected=door.expected()))


@router.post("/patients/{patient_id}/contacts", status_code=201)
async def record_contacts(
    patient_id: UUID, body: Annotated[NewContacts, Body(openapi_examples=examples.CONTACTS)], door: Commands
) -> Accepted:
    """Write down how to reach the patient from now on."""
    record = patient.RecordContacts(body.contacts, blinded(door, contact_marks(body.contacts)))
    return await door.handle(Act(patient.decider, patient_id, record))


@router.get("/patients/{patient_id}")
async def get_patient(patient_id: UUID, door: Queries) -> PatientRecord:
    """Who is this patient?"""
    return await views_patient.record(door, patient_id)


@router.get("/patients")
async def list_patients(door: Queries, in_care: bool | None = None) -> Page[PatientLine]:  # noqa: FBT001 - a query parameter
    """Who is registered at my sites?"""
    return await views_patient.at_site(door, in_care=in_care)


@router.get("/patients/{patient_id}/plan-state")
async def get_plan_state(patient_id: UUID, door: Queries, on: date | None = None) -> PlanState:
    """Where does this patient stand, and what is missing today (or on another date at the site)?"""
    return await views_plan_state.of_patient(door, patient_id, on)


@router.get("/plan-states")
async def list_plan_states(door: Queries, phase: str | None = None, on: date | None = None) -> Page[PlanState]:
    """Where do the patients of my sites stand?"""
    return await views_plan_state.listed(door, phase, on)


def blinded(door: Commands, marks: tuple[str, ...]) -> tuple[str, ...]:
    """The marks as keyed hashes, each with its kind in front."""
    return tuple(f"{mark.split(':')[0]}:{door.blind_index(mark)}" for mark in marks)
