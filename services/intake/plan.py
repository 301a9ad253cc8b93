"""A treatment plan is drafted with the patient, signed by both, looked at again by policy, and revised in versions."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final, assert_never
from uuid import UUID

from services.intake import episode as episodes
from services.intake.answers import DateNotYetReached
from services.intake.levels import LevelsPolicy, counted_minutes, hours_finding
from services.intake.reviews import ReviewPolicy, next_review_on
from services.intake.wording import WrittenPlan, taken_apart
from shared.decider import Decider, command
from shared.events.intake import (
    GoalProgressNoted,
    LevelOfCare,
    Modality,
    PlanActivated,
    PlanDrafted,
    PlanEvent,
    PlanReviewed,
    PlanRevised,
)
from shared.events.intake.plan_parts import (
    Goal,
    Intervention,
    ItemId,
    Problem,
    Progress,
    ReviewOutcome,
    SignatureMethod,
    WeeklyMinutes,
)
from shared.failures import Invalid, NotFound, Refused
from shared.units import Prose

ACTIVE_FROM_WITHIN: Final = timedelta(days=366)
"""How far ahead a signed plan may begin."""


@dataclass(frozen=True)
class Plan:
    """Revision 0 is no plan; `active_revision` 0 is a plan that nobody has signed yet."""

    revision: int = 0
    active_revision: int = 0
    patient_id: UUID | None = None
    episode_id: UUID | None = None
    problems: tuple[Problem, ...] = ()
    active_goals: frozenset[str] = frozenset()
    first_active_from: date | None = None


@command
class Draft:
    """Write the first draft for an episode of care."""

    patient_id: UUID
    episode_id: UUID
    plan: WrittenPlan


@command
class Revise:
    """Write a new draft; what is active stays active until this is signed."""

    plan: WrittenPlan


@command
class Activate:
    """The clinician signs by sending this, the patient signed beforehand; the newest revision becomes the plan."""

    active_from: date
    patient_signature: SignatureMethod
    patient_signed_on: date
    levels: LevelsPolicy
    reviews: ReviewPolicy
    today: date


@command
class NoteProgress:
    """Say how far a goal of the active plan has come."""

    goal_id: ItemId
    progress: Progress
    noted_on: date
    today: date
    note: Prose | None = None


@command
class Review:
    """Clinician and patient looked at the plan; the next date follows from the policy."""

    reviewed_on: date
    outcome: ReviewOutcome
    reviews: ReviewPolicy
    today: date
    note: Prose | None = None


type Command = Draft | Revise | Activate | NoteProgress | Review


class PlanAlreadyDrafted(Refused):
    """There is a plan under this id already."""


class PlanNotDrafted(NotFound):
    """There is no plan under this id."""


class PlanNotActive(Refused):
    """Nobody has signed this plan yet."""


class PlanAlreadyActive(Refused):
    """The newest revision is signed already."""


class PlanIncomplete(Refused):
    """A plan that is signed leads from every problem to an intervention."""


class GoalNotInPlan(Invalid):
    """The active plan has no such goal."""


class ActiveFromTooLate(Invalid):
    """A plan that is signed now begins within a year."""


class EpisodeOfAnother(Invalid):
    """The episode of care is another patient's."""


def evolve(plan: Plan, event: PlanEvent) -> Plan:
    """The plan after the event."""
    match event:
        case PlanDrafted():
            return Plan(1, 0, event.patient_id, event.episode_id, event.problems)
        case PlanRevised():
            return replace(plan, revision=event.revision, problems=event.problems)
        case PlanActivated():
            return replace(
                plan,
                active_revision=event.revision,
                active_goals=frozenset(event.goal_ids),
                first_active_from=plan.first_active_from or event.active_from,
            )
        case GoalProgressNoted() | PlanReviewed():
            return plan
        case _:
            assert_never(event)


def decide(plan: Plan, command: Command, episode: episodes.Episode | None = None) -> Sequence[PlanEvent]:
    """What happens on the command; drafting and activating look at the episode of care."""
    if isinstance(command, Draft):
        return [draft(plan, command, episode)]
    if plan.revision == 0:
        raise PlanNotDrafted
    match command:
        case Revise():
            problems, words = taken_apart(command.plan)
            return [PlanRevised(plan.revision + 1, problems, words)]
        case Activate():
            return [activate(plan, command, episode)]
        case NoteProgress():
            return [note_progress(plan, command)]
        case Review():
            return [review(plan, command)]
        case _:
            assert_never(command)


def draft(plan: Plan, command: Draft, episode: episodes.Episode | None) -> PlanDrafted:
    """A plan belongs to one patient's running episode; it may be drafted half done."""
    if plan.revision:
        raise PlanAlreadyDrafted
    in_care(episode, command.patient_id)
    problems, words = taken_apart(command.plan, within="plan.")
    return PlanDrafted(command.patient_id, command.episode_id, problems, words)


def activate(plan: Plan, command: Activate, episode: episodes.Episode | None) -> PlanActivated:
    """Both have signed, every problem leads to an intervention; hours that do not fit the level are named, not refused."""
    assert plan.patient_id is not None
    assert plan.episode_id is not None
    level = in_care(episode, plan.patient_id)
    if plan.active_revision == plan.revision:
        raise PlanAlreadyActive
    if command.patient_signed_on > command.today:
        raise DateNotYetReached(field="patient_signed_on")
    if command.active_from > command.today + ACTIVE_FROM_WITHIN:
        raise ActiveFromTooLate(field="active_from")
    if hole := first_hole(plan.problems):
        raise PlanIncomplete(item=hole)
    prescribed = weekly_minutes(plan.problems, command.active_from)
    finding = hours_finding(command.levels, level, prescribed, adolescent=episode is not None and episode.adolescent)
    since = plan.first_active_from or command.active_from
    return PlanActivated(
        patient_id=plan.patient_id,
        episode_id=plan.episode_id,
        revision=plan.revision,
        active_from=command.active_from,
        prescribed=prescribed,
        counted_minutes_per_week=counted_minutes(command.levels, prescribed),
        goal_ids=tuple(goal.id for goal in goals(plan.problems)),
        hours_finding=finding,
        patient_signature=command.patient_signature,
        patient_signed_on=command.patient_signed_on,
        next_review_on=next_review_on(command.reviews, since, max(since, command.active_from)),
        policy_id=command.reviews.id,
        policy_version=command.reviews.version,
    )


def in_care(episode: episodes.Episode | None, patient_id: UUID) -> LevelOfCare:
    """The level at which the patient is in care, or the reason why they are not."""
    if episode is None or episode.status is episodes.Status.ABSENT or episode.level_of_care is None:
        raise episodes.EpisodeNotBegun(field="episode_id")
    if episode.patient_id != patient_id:
        raise EpisodeOfAnother(field="episode_id")
    if episode.status is episodes.Status.DISCHARGED:
        raise episodes.PatientAlreadyDischarged
    return episode.level_of_care


def note_progress(plan: Plan, command: NoteProgress) -> GoalProgressNoted:
    """Only what was signed can be worked on."""
    if not plan.active_revision:
        raise PlanNotActive
    if command.goal_id not in plan.active_goals:
        raise GoalNotInPlan(field="goal_id")
    if command.noted_on > command.today:
        raise DateNotYetReached(field="noted_on")
    return GoalProgressNoted(command.goal_id, command.progress, command.noted_on, command.note)


def review(plan: Plan, command: Review) -> PlanReviewed:
    """The next review follows from when the plan first became active."""
    if plan.first_active_from is None:
        raise PlanNotActive
    if command.reviewed_on > command.today:
        raise DateNotYetReached(field="reviewed_on")
    due = next_review_on(command.reviews, plan.first_active_from, command.reviewed_on)
    return PlanReviewed(
        command.reviewed_on, command.outcome, due, command.reviews.id, command.reviews.version, command.note
    )


def goals(problems: Sequence[Problem]) -> Iterator[Goal]:
    """Every goal, in the plan's order."""
    return (goal for problem in problems for goal in problem.goals)


def interventions(problems: Sequence[Problem]) -> Iterator[Intervention]:
    """Every intervention, in the plan's order."""
    return (one for goal in goals(problems) for objective in goal.objectives for one in objective.interventions)


def weekly_minutes(problems: Sequence[Problem], on: date) -> tuple[WeeklyMinutes, ...]:
    """What the plan prescribes for a week, by modality, without what has ended by then."""
    minutes: dict[Modality, int] = {}
    for one in interventions(problems):
        if one.ends_on is None or one.ends_on >= on:
            minutes[one.modality] = minutes.get(one.modality, 0) + one.minutes_per_week
    return tuple(WeeklyMinutes(modality, minutes[modality]) for modality in Modality if modality in minutes)


def first_hole(problems: Sequence[Problem]) -> str | None:
    """The first part that leads to nothing; a plan without problems is one hole."""
    if not problems:
        return "problems"
    for problem in problems:
        if not problem.goals:
            return problem.id
        for goal in problem.goals:
            if not goal.objectives:
                return goal.id
            for objective in goal.objectives:
                if not objective.interventions:
                    return objective.id
    return None


decider: Final[Decider[Plan]] = Decider("plan", Plan(), decide, evolve)
