"""What is written down about a treatment plan: drafts, signatures, progress, reviews."""

from datetime import date
from uuid import UUID

from shared.event import Personal, event
from shared.events.intake.plan_parts import (
    HoursFinding,
    PlanWords,
    Problem,
    Progress,
    ReviewOutcome,
    SignatureMethod,
    WeeklyMinutes,
)


@event()
class PlanDrafted:
    """The first draft of a treatment plan."""

    patient_id: UUID
    episode_id: UUID
    problems: tuple[Problem, ...]
    words: Personal[PlanWords | None]


@event()
class PlanRevised:
    """A new draft of the plan; what was active stays active until this one is signed."""

    revision: int
    problems: tuple[Problem, ...]
    words: Personal[PlanWords | None]


@event()
class PlanActivated:
    """Clinician and patient signed a revision; from now on it is the plan.

    `counted_minutes_per_week` are the prescribed minutes of modalities that count toward clinical hours.
    """

    patient_id: UUID
    episode_id: UUID
    revision: int
    active_from: date
    prescribed: tuple[WeeklyMinutes, ...]
    counted_minutes_per_week: int
    goal_ids: tuple[str, ...]
    hours_finding: HoursFinding
    patient_signature: SignatureMethod
    patient_signed_on: date
    next_review_on: date
    policy_id: str
    policy_version: int


@event()
class GoalProgressNoted:
    """Somebody saw how far a goal has come."""

    goal_id: str
    progress: Progress
    noted_on: date
    note: Personal[str | None]


@event()
class PlanReviewed:
    """Clinician and patient looked at the plan together."""

    reviewed_on: date
    outcome: ReviewOutcome
    next_review_on: date
    policy_id: str
    policy_version: int
    note: Personal[str | None]


type PlanEvent = PlanDrafted | PlanRevised | PlanActivated | GoalProgressNoted | PlanReviewed
