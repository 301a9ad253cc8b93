"""How far evaluations are, and one evaluation as a whole with what was amended."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from services.intake import evaluation
from services.intake.answers import SECTION_OF
from shared.event import AnyRecorded
from shared.events.intake import EvaluationAmended, EvaluationBegun, EvaluationSigned
from shared.events.intake.evaluation import Section
from shared.http import Page, QueryDoor
from shared.projector import Write


@dataclass(frozen=True)
class RecordedSection:
    """A section as it stands: the answers, the notes, by whom and when, and why it was amended after signing."""

    content: dict[str, Any]
    notes: str | None
    recorded_by: str
    recorded_at: datetime
    event_id: UUID
    amended_because: str | None = None


@dataclass(frozen=True)
class Signature:
    """Who signed what the evaluation came to."""

    signed_by: str
    signed_at: datetime
    age_years: int | None
    adolescent: bool
    withdrawal_management_needed: bool
    rules: tuple[str, ...]
    policy_id: str
    policy_version: int


@dataclass
class EvaluationSheet:
    """A whole evaluation."""

    evaluation_id: UUID
    version: int = 0
    patient_id: UUID | None = None
    status: str = "open"
    sections: dict[Section, RecordedSection] = field(default_factory=dict)
    missing: list[Section] = field(default_factory=lambda: list(Section))
    signature: Signature | None = None
    signed_versions: dict[Section, list[RecordedSection]] = field(default_factory=dict)
    """What stood in a section before it was amended, oldest first."""


@dataclass(frozen=True)
class EvaluationLine:
    """One evaluation in a list."""

    evaluation_id: UUID
    patient_id: UUID
    site_id: str
    status: str
    begun_at: datetime
    sections: list[Section]
    amendments: int
    signed_at: datetime | None
    signed_by: str | None
    withdrawal_management_needed: bool | None
    degraded_since: datetime | None


def writes(recorded: AnyRecorded) -> Sequence[Write]:
    """How an event changes the list of evaluations."""
    evaluation_id = UUID(recorded.subject_id)
    match recorded.data:
        case EvaluationBegun(patient_id=patient_id):
            sql = "insert into view.evaluation (evaluation_id, patient_id, site_id, begun_at) values ($1, $2, $3, $4)"
            return [Write(sql, (evaluation_id, patient_id, recorded.site_id, recorded.recorded_at))]
        case EvaluationSigned(withdrawal_management_needed=needed):
            sql = """update view.evaluation set status = 'signed', signed_at = $2, signed_by = $3, withdrawal_management_needed = $4
                     where evaluation_id = $1"""
            return [Write(sql, (evaluation_id, recorded.recorded_at, recorded.actor, needed))]
        case EvaluationAmended():
            sql = "update view.evaluation set amendments = amendments + 1 where evaluation_id = $1"
            return [Write(sql, (evaluation_id,))]
        case _:
            sql = """update view.evaluation set sections = array_append(array_remove(sections, $2::text), $2::text)
                     where evaluation_id = $1"""
            return [Write(sql, (evaluation_id, SECTION_OF[type(recorded.data)].value))]


async def sheet(door: QueryDoor, evaluation_id: UUID) -> EvaluationSheet:
    """One evaluation, from the story itself. Raises NotFound."""
    found = EvaluationSheet(evaluation_id)
    because: str | None = None
    for one in await door.story(evaluation.decider, evaluation_id, opened=True):
        found.version = one.version
        match one.data:
            case EvaluationBegun(patient_id=patient_id):
                found.patient_id = patient_id
            case EvaluationSigned() as event:
                found.status, found.signature = "signed", _signature(one, event)
            case EvaluationAmended(reason=reason):
                because = reason
            case _:
                _put_section(found, one, because)
                because = None
    found.missing = [section for section in Section if section not in found.sections]
    return found


def _signature(recorded: AnyRecorded, event: EvaluationSigned) -> Signature:
    return Signature(
        signed_by=recorded.actor,
        signed_at=recorded.recorded_at,
        age_years=event.age_years,
        adolescent=event.adolescent,
        withdrawal_management_needed=event.withdrawal_management_needed,
        rules=event.rules,
        policy_id=event.policy_id,
        policy_version=event.policy_version,
    )


def _put_section(found: EvaluationSheet, recorded: AnyRecorded, because: str | None) -> None:
    section = SECTION_OF[type(recorded.data)]
    if found.signature and section in found.sections:
        found.signed_versions.setdefault(section, []).append(found.sections[section])
    found.sections[section] = RecordedSection(
        content=msgspec.to_builtins(recorded.data.content),
        notes=recorded.data.notes,
        recorded_by=recorded.actor,
        recorded_at=recorded.recorded_at,
        event_id=recorded.event_id,
        amended_because=because,
    )


async def listed(door: QueryDoor, patient_id: UUID | None, status: str | None) -> Page[EvaluationLine]:
    """The evaluations of the caller's sites, oldest first; perhaps one patient's, perhaps only open or signed ones."""
    page = await door.page(
        """select evaluation_id, patient_id, site_id, status, begun_at, sections, amendments, signed_at, signed_by,
                  withdrawal_management_needed, projection.degraded_since(patient_id::text) as degraded_since
           from view.evaluation where ($1::uuid is null or patient_id = $1) and ($2::text is null or status = $2)""",
        patient_id,
        status,
        key=("begun_at", "evaluation_id"),
    )
    return page.each(lambda row: EvaluationLine(**row | {"sections": [Section(one) for one in row["sections"]]}))
