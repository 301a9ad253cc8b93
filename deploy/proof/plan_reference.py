"""What plan state should say of one patient, from the events' own words; it shares nothing with the fold that it checks."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

from deploy.proof.told import Told, Words

type Summary = dict[str, Any]

GATE: Final = {
    "WithdrawalManagementRequired": "required",
    "WithdrawalManagementCompleted": "completed",
    "ReferredForWithdrawalManagement": "referred_out",
    "DetoxGateOverridden": "overridden",
}
ABSENT: Final = frozenset({"no_show", "excused"})
BOOKED: Final = frozenset({"SessionBooked", "BookingMoved"})
ATTENDED: Final = frozenset({"AttendanceRecorded", "AttendanceCorrected"})
NOT_EXPECTED: Final = frozenset({"BookingCancelled", "AttendanceRetracted"}) | ATTENDED


def plan_state(events: Sequence[Told]) -> Summary:
    """The figures that follow from these events; those that only repeat an event's id are left out."""
    episode = _episode(events)
    plan = _plan(events, episode["episode_id"]) if episode else {}
    gates = [GATE[one.type] for one in events if one.type in GATE]
    homes = [one.data["home_site_id"] for one in events if one.type == "PatientRegistered"]
    return {
        "site_id": episode.get("site_id") or (homes[-1] if homes else None),
        "phase": _phase(events, episode, plan, gates[-1] if gates else ""),
        "gate": gates[-1] if gates else "not_required",
        **{name: episode.get(name) for name in ("episode_id", "level", "level_since", "admitted_on", "discharged_on")},
        "plan": plan,
        "signs": _signs(events),
        "scores": _scores(events),
        **_attendance(events),
    }


def _episode(events: Sequence[Told]) -> Summary:
    """The one that began last."""
    found: dict[str, Summary] = {}
    for one in events:
        if one.type == "PatientAdmitted":
            level, on = one.data["level_of_care"], one.data["admitted_on"]
            found.pop(one.subject, None)
            found[one.subject] = {
                "episode_id": one.subject,
                "site_id": one.site_id,
                "level": level,
                "level_since": on,
                "admitted_on": on,
            }
        elif one.type == "LevelOfCareStepped":
            found[one.subject] |= {"level": one.data["level_of_care"], "level_since": one.data["stepped_on"]}
        elif one.type == "PatientDischarged":
            found[one.subject]["discharged_on"] = one.data["discharged_on"]
    return next(reversed(found.values()), {})


def _plan(events: Sequence[Told], episode_id: str) -> Summary:
    """The plan of the episode that took effect last; before that, the draft with the greatest id."""
    plans: dict[str, Summary] = {}
    begun: list[str] = []
    for one in (one for one in events if one.category == "plan"):
        data, plan = one.data, plans.setdefault(one.subject, {"plan_id": one.subject, "goals": {}})
        match one.type:
            case "PlanDrafted":
                plan |= {"episode": data["episode_id"], "revision": 1}
            case "PlanRevised":
                plan["revision"] = data["revision"]
            case "PlanActivated":
                begun = [other for other in begun if other != one.subject] + [one.subject]
                plan |= _activated(data, plan["goals"])
            case "GoalProgressNoted":
                plan["goals"][data["goal_id"]] = data["progress"]
            case "PlanReviewed":
                plan["next_review_on"] = data["next_review_on"]
            case _:
                pass
    mine = {key for key, plan in plans.items() if plan.get("episode") == episode_id}
    current = next((key for key in reversed(begun) if key in mine), None) or max(mine, default=None)
    return {name: value for name, value in plans[current].items() if name != "episode"} if current else {}


def _activated(data: Words, goals: Mapping[str, str]) -> Summary:
    return {
        "episode": data["episode_id"],
        "active_revision": data["revision"],
        "active_from": data["active_from"],
        "prescribed": {one["modality"]: one["minutes_per_week"] for one in data["prescribed"]},
        "counted_minutes_per_week": data["counted_minutes_per_week"],
        "goals": {goal: goals.get(goal, "not_started") for goal in data["goal_ids"]},
        "next_review_on": data["next_review_on"],
    }


def _phase(events: Sequence[Told], episode: Summary, plan: Summary, gate: str) -> str:
    types = {one.type for one in events}
    ways: Sequence[tuple[bool, str]] = (
        (bool(episode.get("discharged_on")), "discharged"),
        (gate == "required", "withdrawal_management"),
        (bool(episode and plan.get("active_revision")), "in_treatment"),
        (bool(episode), "planning"),
        ("EvaluationSigned" in types, "evaluated"),
        ("EvaluationBegun" in types, "in_evaluation"),
        ("PatientRegistered" in types, "registered"),
    )
    return next((phase for true, phase in ways if true), "unknown")


def _signs(events: Sequence[Told]) -> list[str]:
    """Danger signs that nobody has closed."""
    found: set[str] = set()
    for one in events:
        if one.type == "DangerSignRaised":
            found.add(f"{one.subject}/{one.data['sign']}")
        elif one.type == "DangerSignClosed":
            found.discard(f"{one.subject}/{one.data['sign']}")
        elif one.type == "AssessmentRetracted":
            found = {sign for sign in found if not sign.startswith(f"{one.subject}/")}
    return sorted(found)


def _scores(events: Sequence[Told]) -> dict[str, int | None]:
    """The newest score of each instrument by when it was taken."""
    gone = {one.subject for one in events if one.type == "AssessmentRetracted"}
    scored = [one for one in events if one.type == "InstrumentScored" and one.subject not in gone]
    return {
        one.data["instrument_id"]: one.data["total"]
        for one in sorted(scored, key=lambda one: (one.effective_at, one.subject))
    }


def _attendance(events: Sequence[Told]) -> Summary:
    """Per attendance its newest word: minutes of each week by modality, how often the patient came, what is booked."""
    newest: dict[str, Words] = {}
    booked: set[str] = set()
    for one in events:
        if one.type in ATTENDED:
            newest[one.subject] = one.data
        elif one.type == "AttendanceRetracted":
            newest.pop(one.subject, None)
        if one.type in BOOKED:
            booked.add(one.subject)
        elif one.type in NOT_EXPECTED:
            booked.discard(one.subject)
    minutes: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    counted: dict[str, int] = defaultdict(int)
    came: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for data in newest.values():
        on = date.fromisoformat(data["session_on"])
        monday = (on - timedelta(days=on.weekday())).isoformat()
        if data["status"] not in ABSENT:
            minutes[monday][data["modality"]] += data["minutes"]
            counted[monday] += data["minutes"] if data["counts_toward_plan_hours"] else 0
        for at, true in enumerate((True, data["status"] not in ABSENT, data["status"] == "no_show")):
            came[data["modality"]][at] += true
    return {
        "minutes": _without_zeros({monday: _without_zeros(by) for monday, by in minutes.items()}),
        "counted": _without_zeros(counted),
        "attendance": dict(came),
        "booked": sorted(booked),
    }


def _without_zeros[Value](found: Mapping[str, Value], keep: Callable[[Value], bool] = bool) -> dict[str, Value]:
    return {name: value for name, value in found.items() if keep(value)}
