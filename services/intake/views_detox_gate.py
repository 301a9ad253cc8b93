"""At which patients the detox gate stands, and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import assert_never
from uuid import UUID

from services.intake import detox_gate
from services.intake.detox_gate import Status
from shared.event import AnyRecorded
from shared.events.intake import (
    DetoxGateEvent,
    DetoxGateOverridden,
    ReferredForWithdrawalManagement,
    WithdrawalManagementCompleted,
    WithdrawalManagementRequired,
)
from shared.events.intake.detox_gate import GateBasis
from shared.events.intake.substances import Substance
from shared.http import Page, QueryDoor
from shared.projector import Write


@dataclass
class GateSheet:
    """The gate of one patient: what put it up last, and how it was left."""

    patient_id: UUID
    version: int = 0
    status: Status = Status.NOT_REQUIRED
    since: datetime | None = None
    by: str | None = None
    basis: GateBasis | None = None
    evidence_id: UUID | None = None
    substances: tuple[Substance, ...] = ()
    rules: tuple[str, ...] = ()
    policy_id: str | None = None
    policy_version: int | None = None
    left_on: date | None = None
    destination: str | None = None
    override_reason: str | None = None


@dataclass(frozen=True)
class GateLine:
    """One gate in a list."""

    patient_id: UUID
    site_id: str
    status: Status
    since: datetime
    rules: list[str]
    degraded_since: datetime | None


def writes(recorded: AnyRecorded) -> Sequence[Write]:
    """How an event changes the list of gates."""
    event: DetoxGateEvent = recorded.data
    match event:
        case WithdrawalManagementRequired():
            sql = """insert into view.detox_gate (patient_id, site_id, status, since, rules) values ($1, $2, 'required', $3, $4)
                     on conflict (patient_id) do update
                     set site_id = excluded.site_id, status = 'required', since = excluded.since, rules = excluded.rules"""
            return [Write(sql, (event.patient_id, recorded.site_id, recorded.recorded_at, list(event.rules)))]
        case WithdrawalManagementCompleted():
            return [_left(recorded, Status.COMPLETED)]
        case ReferredForWithdrawalManagement():
            return [_left(recorded, Status.REFERRED_OUT)]
        case DetoxGateOverridden():
            return [_left(recorded, Status.OVERRIDDEN)]
        case _:
            assert_never(event)


def _left(recorded: AnyRecorded, status: Status) -> Write:
    sql = "update view.detox_gate set status = $2, since = $3 where patient_id = $1"
    return Write(sql, (recorded.patient_id, status.value, recorded.recorded_at))


async def sheet(door: QueryDoor, patient_id: UUID) -> GateSheet:
    """One patient's gate, from the story itself. Raises NotFound for a patient whose gate was never put up."""
    found = GateSheet(patient_id)
    for one in await door.story(detox_gate.decider, patient_id, opened=True):
        event: DetoxGateEvent = one.data
        match event:
            case WithdrawalManagementRequired():
                found = GateSheet(patient_id, status=Status.REQUIRED, basis=event.basis, evidence_id=event.evidence_id)
                found.substances, found.rules = event.substances, event.rules
                found.policy_id, found.policy_version = event.policy_id, event.policy_version
            case WithdrawalManagementCompleted():
                found.status, found.left_on = Status.COMPLETED, event.completed_on
            case ReferredForWithdrawalManagement():
                found.status, found.left_on = Status.REFERRED_OUT, event.referred_on
                found.destination = event.destination
            case DetoxGateOverridden():
                found.status, found.override_reason = Status.OVERRIDDEN, event.reason
            case _:
                assert_never(event)
        found.version, found.since, found.by = one.version, one.recorded_at, one.actor
    return found


async def listed(door: QueryDoor, status: Status | None) -> Page[GateLine]:
    """The gates of the caller's sites, the longest standing first."""
    page = await door.page(
        """select patient_id, site_id, status, since, rules, projection.degraded_since(patient_id::text) as degraded_since
           from view.detox_gate where $1::text is null or status = $1""",
        status.value if status else None,
        key=("since", "patient_id"),
    )
    return page.each(lambda row: GateLine(**row | {"status": Status(row["status"])}))
