"""Who may be booked, as far as scheduling has heard from intake."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, assert_never
from uuid import UUID

from services.scheduling.shown import shown
from shared.event import AnyRecorded
from shared.events.scheduling import (
    CareBegan,
    CareEnded,
    DetoxGateClosed,
    DetoxGateOpened,
    ParticipantEvent,
    ParticipantMet,
    PlanTookEffect,
)
from shared.http import Page, QueryDoor
from shared.projector import Write


@dataclass(frozen=True)
class ParticipantLine:
    """A patient: in care or not, the detox gate, the plan. Without an episode of care nothing is booked."""

    patient_id: UUID
    site_id: str
    episode_id: UUID | None
    detox_gate_closed: bool
    plan_id: UUID | None
    plan_revision: int | None
    degraded_since: datetime | None


_MET: Final = """
insert into view.participant (patient_id, site_id) values ($1, $2) on conflict (patient_id) do update set site_id = excluded.site_id
"""


_LINE: Final = shown(ParticipantLine)


def writes(recorded: AnyRecorded) -> Sequence[Write]:
    """How an event changes what is known about a patient; the row follows the patient to the site that spoke last."""
    event: ParticipantEvent = recorded.data
    met = Write(_MET, (event.patient_id, recorded.site_id))
    match event:
        case ParticipantMet():
            return [met]
        case CareBegan():
            return [met, _set("episode_id = $2", event.patient_id, event.episode_id)]
        case CareEnded():
            return [met, _set("episode_id = null, plan_id = null, plan_revision = null", event.patient_id)]
        case DetoxGateClosed() | DetoxGateOpened():
            return [met, _set("detox_gate_closed = $2", event.patient_id, isinstance(event, DetoxGateClosed))]
        case PlanTookEffect():
            return [met, _set("plan_id = $2, plan_revision = $3", event.patient_id, event.plan_id, event.revision)]
        case _:
            assert_never(event)


def _set(columns: str, *args: object) -> Write:
    return Write(f"update view.participant set {columns} where patient_id = $1", args)  # noqa: S608 - columns from the code above


_PARTICIPANTS: Final = """
select patient_id, site_id, episode_id, detox_gate_closed, plan_id, plan_revision,
       projection.degraded_since(patient_id::text) as degraded_since
from view.participant
"""


async def one(door: QueryDoor, patient_id: UUID) -> ParticipantLine:
    """One patient. Raises NotFound, also while intake's events are still on their way."""
    return _LINE(await door.one(f"{_PARTICIPANTS} where patient_id = $1", patient_id))


async def listed(door: QueryDoor, *, in_care: bool | None) -> Page[ParticipantLine]:
    """The patients of the caller's sites."""
    page = await door.page(
        f"{_PARTICIPANTS} where $1::boolean is null or (episode_id is not null) = $1", in_care, key=("patient_id",)
    )
    return page.each(_LINE)
