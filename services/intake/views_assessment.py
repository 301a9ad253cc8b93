"""Scores over time, and the danger signs that nobody has answered yet."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import assert_never
from uuid import UUID

from services.intake import assessment
from shared.event import AnyRecorded
from shared.events.intake import (
    AssessmentEvent,
    AssessmentRetracted,
    DangerSignClosed,
    DangerSignRaised,
    InstrumentScored,
)
from shared.events.intake.assessment import AssessmentMode
from shared.http import Page, QueryDoor
from shared.projector import Write


@dataclass
class Sign:
    """A danger sign and what became of it."""

    sign: str
    item: str
    action: str
    raised_at: datetime
    closed_at: datetime | None = None
    closed_by: str | None = None
    action_taken: str | None = None


@dataclass
class AssessmentSheet:
    """One assessment. `total` is null while too much is missing."""

    assessment_id: UUID
    version: int = 0
    patient_id: UUID | None = None
    instrument_id: str = ""
    instrument_version: int = 0
    language: str = ""
    mode: AssessmentMode = AssessmentMode.CLINICIAN
    look_back: str = ""
    taken_at: datetime | None = None
    recorded_by: str = ""
    answers: dict[str, int] = field(default_factory=dict)
    measures: dict[str, int] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    prorated: bool = False
    total: int | None = None
    band: str | None = None
    danger_signs: list[Sign] = field(default_factory=list)
    retracted_because: str | None = None
    retracted: bool = False


@dataclass(frozen=True)
class ScoreLine:
    """One score in a patient's history."""

    assessment_id: UUID
    patient_id: UUID
    instrument_id: str
    instrument_version: int
    taken_at: datetime
    total: int | None
    band: str | None
    prorated: bool
    retracted: bool
    degraded_since: datetime | None


@dataclass(frozen=True)
class OpenSign:
    """A danger sign that waits for a clinician."""

    assessment_id: UUID
    sign: str
    patient_id: UUID
    site_id: str
    instrument_id: str
    item: str
    action: str
    raised_at: datetime
    degraded_since: datetime | None


def writes(recorded: AnyRecorded) -> Sequence[Write]:
    """How an event changes scores and open danger signs."""
    event: AssessmentEvent = recorded.data
    assessment_id = UUID(recorded.subject_id)
    match event:
        case InstrumentScored():
            return [_score(recorded, assessment_id, event)]
        case DangerSignRaised():
            sql = """insert into view.danger_sign (assessment_id, sign, patient_id, site_id, instrument_id, item, action, raised_at)
                     values ($1, $2, $3, $4, $5, $6, $7, $8)"""
            facts = (event.sign, event.patient_id, recorded.site_id, event.instrument_id, event.item, event.action)
            return [Write(sql, (assessment_id, *facts, recorded.recorded_at))]
        case DangerSignClosed():
            sql = "delete from view.danger_sign where assessment_id = $1 and sign = $2"
            return [Write(sql, (assessment_id, event.sign))]
        case AssessmentRetracted():
            return [
                Write("update view.assessment set retracted = true where assessment_id = $1", (assessment_id,)),
                Write("delete from view.danger_sign where assessment_id = $1", (assessment_id,)),
            ]
        case _:
            assert_never(event)


def _score(recorded: AnyRecorded, assessment_id: UUID, event: InstrumentScored) -> Write:
    return Write(
        """insert into view.assessment
               (assessment_id, patient_id, site_id, instrument_id, instrument_version, taken_at, total, band, prorated)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9)""",
        (
            assessment_id,
            event.patient_id,
            recorded.site_id,
            event.instrument_id,
            event.instrument_version,
            recorded.effective_at,
            event.total,
            event.band,
            event.prorated,
        ),
    )


async def sheet(door: QueryDoor, assessment_id: UUID) -> AssessmentSheet:
    """One assessment, from the story itself. Raises NotFound."""
    found = AssessmentSheet(assessment_id)
    for one in await door.story(assessment.decider, assessment_id, opened=True):
        found.version = one.version
        event: AssessmentEvent = one.data
        match event:
            case InstrumentScored():
                _fill(found, one, event)
            case DangerSignRaised():
                found.danger_signs.append(Sign(event.sign, event.item, event.action, one.recorded_at))
            case DangerSignClosed():
                _close(found, one, event)
            case AssessmentRetracted():
                found.retracted, found.retracted_because = True, event.reason
            case _:
                assert_never(event)
    return found


def _fill(found: AssessmentSheet, recorded: AnyRecorded, event: InstrumentScored) -> None:
    found.patient_id = event.patient_id
    found.instrument_id, found.instrument_version = event.instrument_id, event.instrument_version
    found.language, found.mode, found.look_back = event.language, event.mode, event.look_back
    found.taken_at, found.recorded_by = recorded.effective_at, recorded.actor
    found.answers = {one.item: one.value for one in event.answers}
    found.measures = {one.name: one.value for one in event.measures}
    found.missing, found.prorated = list(event.missing), event.prorated
    found.total, found.band = event.total, event.band


def _close(found: AssessmentSheet, recorded: AnyRecorded, event: DangerSignClosed) -> None:
    for sign in found.danger_signs:
        if sign.sign == event.sign and sign.closed_at is None:
            sign.closed_at, sign.closed_by = recorded.recorded_at, recorded.actor
            sign.action_taken = event.action_taken


async def scores(door: QueryDoor, patient_id: UUID, instrument_id: str | None) -> Page[ScoreLine]:
    """A patient's scores over time, the newest first."""
    page = await door.page(
        """select assessment_id, patient_id, instrument_id, instrument_version, taken_at, total, band, prorated, retracted,
                  projection.degraded_since(patient_id::text) as degraded_since
           from view.assessment where patient_id = $1 and ($2::text is null or instrument_id = $2)""",
        patient_id,
        instrument_id,
        key=("taken_at", "assessment_id"),
        descending=True,
    )
    return page.each(lambda row: ScoreLine(**row))


async def open_signs(door: QueryDoor) -> Page[OpenSign]:
    """The danger signs of the caller's sites that wait, the oldest first."""
    page = await door.page(
        """select assessment_id, sign, patient_id, site_id, instrument_id, item, action, raised_at, projection.degraded_since(patient_id::text) as degraded_since
           from view.danger_sign""",
        key=("raised_at", "assessment_id", "sign"),
    )
    return page.each(lambda row: OpenSign(**row))
