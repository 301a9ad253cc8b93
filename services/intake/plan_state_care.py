"""What plan state learns from intake: where the patient stands in care, the gate, danger signs, scores and the plan."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from shared.event import AnyRecorded
from shared.events import intake

type Facts = dict[str, Any]
type Handler = Callable[[Facts, AnyRecorded], Facts]

SCORES_MAX: Final = 20
"""Assessments kept per patient, the newest by the time they were taken; older ones stay in intake's own view."""


def apply(care: Facts, recorded: AnyRecorded) -> Facts:
    """The facts with this event of intake taken in; `care` itself is left as it was."""
    handler = HANDLERS.get(type(recorded.data))
    return handler(care, recorded) if handler else care


def put(facts: Facts, group: str, key: str, fact: Any) -> Facts:
    """`facts` with `facts[group][key] = fact`."""
    return {**facts, group: {**facts.get(group, {}), key: fact}}


def amend(facts: Facts, group: str, key: str, **changes: Any) -> Facts:
    """`facts` with some entries of one fact replaced."""
    return put(facts, group, key, {**facts.get(group, {}).get(key, {}), **changes})


def drop(facts: Facts, group: str, keys: Callable[[str], bool]) -> Facts:
    """`facts` without those of a group whose key is meant."""
    return {**facts, group: {key: fact for key, fact in facts.get(group, {}).items() if not keys(key)}}


def _registered(care: Facts, recorded: AnyRecorded) -> Facts:
    return {**care, "home_site": recorded.data.home_site_id, "registered": str(recorded.event_id)}


def _evaluation_begun(care: Facts, recorded: AnyRecorded) -> Facts:
    return amend(care, "evaluations", recorded.subject_id, status="open", event=str(recorded.event_id))


def _evaluation_signed(care: Facts, recorded: AnyRecorded) -> Facts:
    return amend(care, "evaluations", recorded.subject_id, status="signed", event=str(recorded.event_id))


def _scored(care: Facts, recorded: AnyRecorded) -> Facts:
    fact = {
        "instrument": recorded.data.instrument_id,
        "total": recorded.data.total,
        "band": recorded.data.band,
        "taken_at": recorded.effective_at.isoformat(),
        "event": str(recorded.event_id),
    }
    scores = {**care.get("scores", {}), recorded.subject_id: fact}
    newest = sorted(scores, key=lambda key: (scores[key]["taken_at"], key))[-SCORES_MAX:]
    return {**care, "scores": {key: scores[key] for key in newest}}


def _sign_raised(care: Facts, recorded: AnyRecorded) -> Facts:
    return put(care, "signs", f"{recorded.subject_id}/{recorded.data.sign}", str(recorded.event_id))


def _sign_closed(care: Facts, recorded: AnyRecorded) -> Facts:
    return drop(care, "signs", f"{recorded.subject_id}/{recorded.data.sign}".__eq__)


def _retracted(care: Facts, recorded: AnyRecorded) -> Facts:
    without = drop(care, "scores", recorded.subject_id.__eq__)
    return drop(without, "signs", lambda key: key.startswith(f"{recorded.subject_id}/"))


def _gate(status: str) -> Handler:
    def handler(care: Facts, recorded: AnyRecorded) -> Facts:
        return {**care, "gate": {"status": status, "event": str(recorded.event_id)}}

    return handler


def _admitted(care: Facts, recorded: AnyRecorded) -> Facts:
    event = str(recorded.event_id)
    return amend(
        care,
        "episodes",
        recorded.subject_id,
        site=recorded.site_id,
        level=recorded.data.level_of_care.value,
        level_since=recorded.data.admitted_on.isoformat(),
        level_event=event,
        admitted_on=recorded.data.admitted_on.isoformat(),
        admitted_event=event,
        position=recorded.position,
    )


def _stepped(care: Facts, recorded: AnyRecorded) -> Facts:
    return amend(
        care,
        "episodes",
        recorded.subject_id,
        level=recorded.data.level_of_care.value,
        level_since=recorded.data.stepped_on.isoformat(),
        level_event=str(recorded.event_id),
    )


def _discharged(care: Facts, recorded: AnyRecorded) -> Facts:
    return amend(
        care,
        "episodes",
        recorded.subject_id,
        discharged_on=recorded.data.discharged_on.isoformat(),
        reason=recorded.data.reason.value,
        discharged_event=str(recorded.event_id),
    )


def _plan_drafted(care: Facts, recorded: AnyRecorded) -> Facts:
    return amend(care, "plans", recorded.subject_id, episode=str(recorded.data.episode_id), revision=1)


def _plan_revised(care: Facts, recorded: AnyRecorded) -> Facts:
    return amend(care, "plans", recorded.subject_id, revision=recorded.data.revision)


def _plan_activated(care: Facts, recorded: AnyRecorded) -> Facts:
    event, data = str(recorded.event_id), recorded.data
    before = care.get("plans", {}).get(recorded.subject_id, {}).get("goals", {})
    return amend(
        care,
        "plans",
        recorded.subject_id,
        episode=str(data.episode_id),
        active_revision=data.revision,
        active_from=data.active_from.isoformat(),
        prescribed={one.modality.value: one.minutes_per_week for one in data.prescribed},
        counted_minutes_per_week=data.counted_minutes_per_week,
        hours_finding=data.hours_finding.value,
        goals={goal: before.get(goal, {"progress": "not_started", "event": event}) for goal in data.goal_ids},
        next_review_on=data.next_review_on.isoformat(),
        review_event=event,
        event=event,
        position=recorded.position,
    )


def _progress_noted(care: Facts, recorded: AnyRecorded) -> Facts:
    goals = care.get("plans", {}).get(recorded.subject_id, {}).get("goals", {})
    fact = {"progress": recorded.data.progress.value, "event": str(recorded.event_id)}
    return amend(care, "plans", recorded.subject_id, goals={**goals, recorded.data.goal_id: fact})


def _reviewed(care: Facts, recorded: AnyRecorded) -> Facts:
    return amend(
        care,
        "plans",
        recorded.subject_id,
        next_review_on=recorded.data.next_review_on.isoformat(),
        review_event=str(recorded.event_id),
    )


HANDLERS: Final[Mapping[type, Handler]] = {
    intake.PatientRegistered: _registered,
    intake.EvaluationBegun: _evaluation_begun,
    intake.EvaluationSigned: _evaluation_signed,
    intake.InstrumentScored: _scored,
    intake.DangerSignRaised: _sign_raised,
    intake.DangerSignClosed: _sign_closed,
    intake.AssessmentRetracted: _retracted,
    intake.WithdrawalManagementRequired: _gate("required"),
    intake.WithdrawalManagementCompleted: _gate("completed"),
    intake.ReferredForWithdrawalManagement: _gate("referred_out"),
    intake.DetoxGateOverridden: _gate("overridden"),
    intake.PatientAdmitted: _admitted,
    intake.LevelOfCareStepped: _stepped,
    intake.PatientDischarged: _discharged,
    intake.PlanDrafted: _plan_drafted,
    intake.PlanRevised: _plan_revised,
    intake.PlanActivated: _plan_activated,
    intake.GoalProgressNoted: _progress_noted,
    intake.PlanReviewed: _reviewed,
}


def figures(care: Facts) -> Facts:
    """Where the patient stands, each figure with the event that it rests on."""
    episode_id, episode = _current(care.get("episodes", {}))
    plan_id, plan = _current(
        {key: fact for key, fact in care.get("plans", {}).items() if fact.get("episode") == episode_id}
    )
    signed = [fact for fact in care.get("evaluations", {}).values() if fact["status"] == "signed"]
    return {
        "site_id": episode.get("site") or care.get("home_site"),
        "phase": phase(care, episode, plan, evaluated=bool(signed)),
        "episode": {"episode_id": episode_id, **_shown(episode, "admitted_on", "discharged_on", "reason")},
        "level_of_care": {
            "level": episode.get("level"),
            "since": episode.get("level_since"),
            "event_id": episode.get("level_event"),
        },
        "detox_gate": {
            "status": care.get("gate", {}).get("status", "not_required"),
            "event_id": care.get("gate", {}).get("event"),
        },
        "plan": _plan_figures(plan_id, plan),
        "danger_signs": [
            {"assessment_id": key.split("/")[0], "sign": key.split("/")[1], "event_id": event}
            for key, event in sorted(care.get("signs", {}).items())
        ],
        "scores": _latest_scores(care.get("scores", {})),
    }


def phase(care: Facts, episode: Facts, plan: Facts, *, evaluated: bool) -> str:
    """One word for where the patient stands."""
    if episode.get("discharged_on"):
        return "discharged"
    if care.get("gate", {}).get("status") == "required":
        return "withdrawal_management"
    if episode:
        return "in_treatment" if plan.get("active_revision") else "planning"
    if evaluated:
        return "evaluated"
    if care.get("evaluations"):
        return "in_evaluation"
    return "registered" if care.get("home_site") else "unknown"


def _current(facts: Mapping[str, Facts]) -> tuple[str | None, Facts]:
    """The fact with the latest beginning in intake's log; one that never began is current only when alone."""
    if not facts:
        return None, {}
    key = max(facts, key=lambda one: (facts[one].get("position", 0), one))
    return key, facts[key]


def _shown(fact: Facts, *names: str) -> Facts:
    return {name: fact.get(name) for name in names}


def _plan_figures(plan_id: str | None, plan: Facts) -> Facts:
    return {
        "plan_id": plan_id,
        **_shown(plan, "revision", "active_revision", "active_from", "hours_finding"),
        "event_id": plan.get("event"),
        "prescribed_minutes_per_week": plan.get("prescribed", {}),
        "counted_minutes_per_week": plan.get("counted_minutes_per_week", 0),
        "goals": [
            {"goal_id": goal, "progress": fact["progress"], "event_id": fact["event"]}
            for goal, fact in plan.get("goals", {}).items()
        ],
        "next_review": {"on": plan.get("next_review_on"), "event_id": plan.get("review_event")},
    }


def _latest_scores(scores: Mapping[str, Facts]) -> Facts:
    latest: Facts = {}
    for assessment_id in sorted(scores, key=lambda key: (scores[key]["taken_at"], key)):
        fact = scores[assessment_id]
        latest[fact["instrument"]] = {
            "assessment_id": assessment_id,
            **_shown(fact, "total", "band", "taken_at"),
            "event_id": fact["event"],
        }
    return latest
