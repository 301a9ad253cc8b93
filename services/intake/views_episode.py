"""Who is in care at which level, and the history of levels."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, assert_never
from uuid import UUID

from services.intake import episode
from shared.event import AnyRecorded
from shared.events.intake import (
    DischargeReason,
    EpisodeEvent,
    LevelOfCare,
    LevelOfCareStepped,
    PatientAdmitted,
    PatientDischarged,
)
from shared.events.intake.episode import StepReason
from shared.http import Page, QueryDoor
from shared.projector import Write


@dataclass(frozen=True)
class AtLevel:
    """From when the patient was at a level, and why; the first has no reason but the admission."""

    level_of_care: LevelOfCare
    since: date
    reason: StepReason | None
    decided_by: str


@dataclass
class EpisodeSheet:
    """One episode of care."""

    episode_id: UUID
    version: int = 0
    patient_id: UUID | None = None
    site_id: str = ""
    evaluation_id: UUID | None = None
    admitted_on: date | None = None
    adolescent: bool = False
    levels: list[AtLevel] = field(default_factory=list)
    discharged_on: date | None = None
    discharge_reason: DischargeReason | None = None
    discharge_summary: str | None = None


@dataclass(frozen=True)
class EpisodeLine:
    """One episode in a list."""

    episode_id: UUID
    patient_id: UUID
    site_id: str
    level_of_care: LevelOfCare
    admitted_on: date
    discharged_on: date | None
    discharge_reason: DischargeReason | None
    degraded_since: datetime | None


def writes(recorded: AnyRecorded) -> Sequence[Write]:
    """How an event changes the list of episodes."""
    event: EpisodeEvent = recorded.data
    episode_id = UUID(recorded.subject_id)
    match event:
        case PatientAdmitted():
            sql = """insert into view.episode (episode_id, patient_id, site_id, level_of_care, admitted_on)
                     values ($1, $2, $3, $4, $5)"""
            facts = (event.patient_id, recorded.site_id, event.level_of_care.value, event.admitted_on)
            return [Write(sql, (episode_id, *facts))]
        case LevelOfCareStepped():
            sql = "update view.episode set level_of_care = $2 where episode_id = $1"
            return [Write(sql, (episode_id, event.level_of_care.value))]
        case PatientDischarged():
            return [
                Write(
                    "update view.episode set discharged_on = $2, discharge_reason = $3 where episode_id = $1",
                    (episode_id, event.discharged_on, event.reason.value),
                ),
                # A plan of an episode that is over is not reviewed any more.
                Write("update view.plan set next_review_on = null where episode_id = $1", (episode_id,)),
            ]
        case _:
            assert_never(event)


async def sheet(door: QueryDoor, episode_id: UUID) -> EpisodeSheet:
    """One episode, from the story itself. Raises NotFound."""
    found = EpisodeSheet(episode_id)
    for one in await door.story(episode.decider, episode_id, opened=True):
        found.version = one.version
        event: EpisodeEvent = one.data
        match event:
            case PatientAdmitted():
                found.patient_id, found.site_id = event.patient_id, one.site_id
                found.evaluation_id, found.adolescent = event.evaluation_id, event.adolescent
                found.admitted_on = event.admitted_on
                found.levels.append(AtLevel(event.level_of_care, event.admitted_on, None, one.actor))
            case LevelOfCareStepped():
                found.levels.append(AtLevel(event.level_of_care, event.stepped_on, event.reason, one.actor))
            case PatientDischarged():
                found.discharged_on, found.discharge_reason = event.discharged_on, event.reason
                found.discharge_summary = event.summary
            case _:
                assert_never(event)
    return found


async def listed(door: QueryDoor, patient_id: UUID | None, *, in_care: bool | None) -> Page[EpisodeLine]:
    """The episodes of the caller's sites, oldest admission first."""
    page = await door.page(
        """select episode_id, patient_id, site_id, level_of_care, admitted_on, discharged_on, discharge_reason,
                  projection.degraded_since(patient_id::text) as degraded_since from view.episode
           where ($1::uuid is null or patient_id = $1) and ($2::boolean is null or (discharged_on is null) = $2)""",
        patient_id,
        in_care,
        key=("admitted_on", "episode_id"),
    )
    return page.each(_line)


def _line(row: dict[str, Any]) -> EpisodeLine:
    reason = row["discharge_reason"]
    known = {"level_of_care": LevelOfCare(row["level_of_care"]), "discharge_reason": reason and DischargeReason(reason)}
    return EpisodeLine(**row | known)
