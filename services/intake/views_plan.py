"""Treatment plans: which is active, what changed from version to version, and which reviews are due."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import assert_never
from uuid import UUID

from services.intake import plan
from services.intake.wording import Difference, WrittenPlan, difference, put_together
from shared.event import ERASED, AnyRecorded
from shared.events.intake import GoalProgressNoted, PlanActivated, PlanDrafted, PlanEvent, PlanReviewed, PlanRevised
from shared.events.intake.plan_parts import HoursFinding, Progress, ReviewOutcome, SignatureMethod, WeeklyMinutes
from shared.http import Page, QueryDoor
from shared.projector import Write


@dataclass
class Revision:
    """One version of the plan, and how it differs from the one before."""

    revision: int
    written_by: str
    written_at: datetime
    plan: WrittenPlan
    difference: Difference
    signed_by: str | None = None
    patient_signature: SignatureMethod | None = None
    patient_signed_on: date | None = None
    active_from: date | None = None
    prescribed: tuple[WeeklyMinutes, ...] = ()
    hours_finding: HoursFinding | None = None


@dataclass(frozen=True)
class GoalProgress:
    """How far a goal has come, as last noted."""

    progress: Progress
    noted_on: date
    noted_by: str
    note: str | None


@dataclass(frozen=True)
class ReviewLine:
    """One review that was held."""

    reviewed_on: date
    outcome: ReviewOutcome
    reviewed_by: str
    note: str | None


@dataclass
class PlanSheet:
    """A whole plan with its versions, the newest last."""

    plan_id: UUID
    version: int = 0
    patient_id: UUID | None = None
    episode_id: UUID | None = None
    active_revision: int | None = None
    next_review_on: date | None = None
    revisions: list[Revision] = field(default_factory=list)
    progress: dict[str, GoalProgress] = field(default_factory=dict)
    reviews: list[ReviewLine] = field(default_factory=list)


@dataclass(frozen=True)
class PlanLine:
    """One plan in a list."""

    plan_id: UUID
    patient_id: UUID
    site_id: str
    episode_id: UUID
    revision: int
    active_revision: int | None
    active_from: date | None
    next_review_on: date | None
    counted_minutes_per_week: int | None
    degraded_since: datetime | None


_COLUMNS = """plan_id, patient_id, site_id, episode_id, revision, active_revision, active_from, next_review_on,
              counted_minutes_per_week, projection.degraded_since(patient_id::text) as degraded_since"""


def writes(recorded: AnyRecorded) -> Sequence[Write]:
    """How an event changes the list of plans."""
    event: PlanEvent = recorded.data
    plan_id = UUID(recorded.subject_id)
    match event:
        case PlanDrafted():
            sql = (
                "insert into view.plan (plan_id, patient_id, site_id, episode_id, revision) values ($1, $2, $3, $4, 1)"
            )
            return [Write(sql, (plan_id, event.patient_id, recorded.site_id, event.episode_id))]
        case PlanRevised():
            return [Write("update view.plan set revision = $2 where plan_id = $1", (plan_id, event.revision))]
        case PlanActivated():
            sql = """update view.plan set active_revision = $2, active_from = $3, next_review_on = $4, counted_minutes_per_week = $5
                     where plan_id = $1"""
            facts = (event.revision, event.active_from, event.next_review_on, event.counted_minutes_per_week)
            return [Write(sql, (plan_id, *facts))]
        case PlanReviewed():
            return [
                Write("update view.plan set next_review_on = $2 where plan_id = $1", (plan_id, event.next_review_on))
            ]
        case GoalProgressNoted():
            return []
        case _:
            assert_never(event)


async def sheet(door: QueryDoor, plan_id: UUID) -> PlanSheet:
    """One plan, from the story itself. Raises NotFound."""
    found = PlanSheet(plan_id)
    for one in await door.story(plan.decider, plan_id, opened=True):
        found.version = one.version
        event: PlanEvent = one.data
        match event:
            case PlanDrafted():
                found.patient_id, found.episode_id = event.patient_id, event.episode_id
                _add_revision(found, one, 1)
            case PlanRevised():
                _add_revision(found, one, event.revision)
            case PlanActivated():
                _sign(found, one, event)
            case GoalProgressNoted():
                noted = GoalProgress(event.progress, event.noted_on, one.actor, event.note)
                found.progress[event.goal_id] = noted
            case PlanReviewed():
                found.reviews.append(ReviewLine(event.reviewed_on, event.outcome, one.actor, event.note))
                found.next_review_on = event.next_review_on
            case _:
                assert_never(event)
    return found


def _add_revision(found: PlanSheet, recorded: AnyRecorded, revision: int) -> None:
    written = put_together(recorded.data.problems, recorded.data.words, ERASED)
    before = found.revisions[-1].plan if found.revisions else WrittenPlan(())
    found.revisions.append(
        Revision(revision, recorded.actor, recorded.recorded_at, written, difference(before, written))
    )


def _sign(found: PlanSheet, recorded: AnyRecorded, event: PlanActivated) -> None:
    found.active_revision, found.next_review_on = event.revision, event.next_review_on
    signed = found.revisions[event.revision - 1]
    signed.signed_by, signed.active_from = recorded.actor, event.active_from
    signed.patient_signature, signed.patient_signed_on = event.patient_signature, event.patient_signed_on
    signed.prescribed, signed.hours_finding = event.prescribed, event.hours_finding


async def listed(door: QueryDoor, patient_id: UUID | None) -> Page[PlanLine]:
    """The plans of the caller's sites; perhaps one patient's."""
    page = await door.page(
        f"select {_COLUMNS} from view.plan where $1::uuid is null or patient_id = $1",  # noqa: S608 - columns from above
        patient_id,
        key=("plan_id",),
    )
    return page.each(lambda row: PlanLine(**row))


async def reviews_due(door: QueryDoor, until: date) -> Page[PlanLine]:
    """The plans to be reviewed on or before `until`, the longest overdue first."""
    page = await door.page(
        f"select {_COLUMNS} from view.plan where next_review_on <= $1",  # noqa: S608 - columns from above
        until,
        key=("next_review_on", "plan_id"),
    )
    return page.each(lambda row: PlanLine(**row))
