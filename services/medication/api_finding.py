"""Routes: what is found out about a patient that orders are judged by."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Path
from pydantic import Field

from services.medication import chart, examples
from services.medication.asking import chart_of
from services.medication.paths import PatientId
from services.medication.rules_table import FactFrom, FactKnown, rule_table
from shared.decider import command
from shared.failures import Invalid
from shared.http import Accepted, Commands, Queries
from shared.log import Act, Subject
from shared.units import Code, Instant, Name, Prose

router = APIRouter(tags=["findings"])

FindingId = Annotated[
    UUID, Path(description="The finding; chosen by whoever records it.", examples=[examples.FINDING_ID])
]
type Value = Annotated[Decimal, Field(ge=0, le=100_000, max_digits=8, decimal_places=3, examples=["72.5"])]


class FactUnknown(Invalid):
    """No rule looks at such a fact, or it is not for people to record."""


@command
class FindingNote:
    """What was found: an amount with its unit, a choice, a medicine or condition that is there or not, or a moment."""

    fact: Code
    observed_at: Instant
    value: Value | None = None
    unit: Name | None = None
    choice: Code | None = None
    present: bool = True
    note: Prose | None = None


@command
class RetractionReason:
    """Why the finding never counts."""

    reason: Prose


@dataclass(frozen=True)
class FindingLine:
    """One finding that counts; of each fact the newest decides."""

    finding_id: UUID
    fact: str
    observed_at: datetime
    value: Decimal | None
    unit: str | None
    choice: str | None
    present: bool


@dataclass(frozen=True)
class Findings:
    """What is known of a patient, the newest first, and everything that could be recorded."""

    patient_id: UUID
    items: list[FindingLine]
    facts: list[FactKnown]


@router.put("/patients/{patient_id}/findings/{finding_id}", status_code=201)
async def record_finding(
    patient_id: PatientId,
    finding_id: FindingId,
    body: Annotated[FindingNote, Body(openapi_examples=examples.FINDING)],
    door: Commands,
) -> Accepted:
    """Write down what was found. Orders that are signed from now on are judged by it, at every site."""
    known = recordable(body.fact)
    said = (body.value, body.unit, body.choice, body.present, body.note)
    record = chart.RecordFinding(patient_id, finding_id, known, body.observed_at, door.now, *said)
    was_so_at = min(body.observed_at, door.now)  # of what lies in the future the decider says which field is wrong
    return await door.handle(Act(chart.decider, patient_id, record, Subject(patient_id), effective_at=was_so_at))


@router.post("/patients/{patient_id}/findings/{finding_id}/retraction", status_code=201)
async def retract_finding(
    patient_id: PatientId,
    finding_id: FindingId,
    body: Annotated[RetractionReason, Body(openapi_examples=examples.RETRACTION)],
    door: Commands,
) -> Accepted:
    """Say that a finding was entered in error; it stays in the record and never counts."""
    retract = chart.RetractFinding(patient_id, finding_id, body.reason)
    return await door.handle(Act(chart.decider, patient_id, retract, Subject(patient_id)))


@router.get("/patients/{patient_id}/findings")
async def get_findings(patient_id: PatientId, door: Queries) -> Findings:
    """What is known of the patient that orders are judged by? Always current, from every site."""
    known = rule_table().known
    found = sorted((await chart_of(door, patient_id)).findings.items(), key=lambda one: one[1].observed_at)
    items = [
        FindingLine(key, one.fact, one.observed_at, one.value, known[one.fact].unit, one.choice, one.present)
        for key, one in reversed(found)
    ]
    return Findings(patient_id, items, [one for one in known.values() if one.origin is FactFrom.FINDING])


def recordable(fact: str) -> FactKnown:
    """What the rules know of the fact. Raises FactUnknown."""
    known = rule_table().known.get(fact)
    if known is None or known.origin is not FactFrom.FINDING:
        facts = [one.id for one in rule_table().known.values() if one.origin is FactFrom.FINDING]
        raise FactUnknown(field="fact", facts=facts)
    return known
