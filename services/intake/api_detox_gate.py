"""Routes: the detox gate and the three ways out of it."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body

from services.intake import detox_gate, examples, views_detox_gate
from services.intake.detox_gate import Status
from services.intake.today import latest_date
from services.intake.views_detox_gate import GateLine, GateSheet
from shared.decider import command
from shared.http import Accepted, Commands, Page, Queries
from shared.log import Act
from shared.units import Prose

router = APIRouter(tags=["detox gate"])


@command
class Completion:
    """Withdrawal management came to its end."""

    completed_on: date


@command
class Referral:
    """Withdrawal is managed elsewhere."""

    referred_on: date
    destination: Prose


@command
class OverrideReason:
    """Why the patient may begin before."""

    reason: Prose


@router.post("/patients/{patient_id}/detox-gate/completion", status_code=201)
async def complete_withdrawal_management(
    patient_id: UUID, body: Annotated[Completion, Body(openapi_examples=examples.COMPLETION)], door: Commands
) -> Accepted:
    """Withdrawal is over; groups may be booked."""
    complete = detox_gate.CompleteWithdrawalManagement(patient_id, body.completed_on, latest_date(door.now))
    return await door.handle(Act(detox_gate.decider, patient_id, complete))


@router.post("/patients/{patient_id}/detox-gate/referral", status_code=201)
async def refer_for_withdrawal_management(
    patient_id: UUID, body: Annotated[Referral, Body(openapi_examples=examples.REFERRAL)], door: Commands
) -> Accepted:
    """Refer the patient to a place that manages the withdrawal."""
    refer = detox_gate.ReferOut(patient_id, body.referred_on, body.destination, latest_date(door.now))
    return await door.handle(Act(detox_gate.decider, patient_id, refer))


@router.post("/patients/{patient_id}/detox-gate/override", status_code=201)
async def override_detox_gate(
    patient_id: UUID, body: Annotated[OverrideReason, Body(openapi_examples=examples.OVERRIDE)], door: Commands
) -> Accepted:
    """As a physician, let the patient into groups before, and say why."""
    override = detox_gate.Override(patient_id, body.reason)
    return await door.handle(Act(detox_gate.decider, patient_id, override, expected=door.expected()))


@router.get("/patients/{patient_id}/detox-gate")
async def get_detox_gate(patient_id: UUID, door: Queries) -> GateSheet:
    """What put up the gate, and how was it left?"""
    return await views_detox_gate.sheet(door, patient_id)


@router.get("/detox-gates")
async def list_detox_gates(door: Queries, status: Status | None = None) -> Page[GateLine]:
    """Who has to complete withdrawal management first?"""
    return await views_detox_gate.listed(door, status)
