"""What a reader is shown, in the reference's words, and the names of the figures in which the two differ."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from deploy.proof.medicine_reference import orders, tapers
from deploy.proof.plan_reference import Summary, plan_state
from deploy.proof.told import Told

# As many as the figures show; beyond that the oldest are left out of them.
WEEKS_SHOWN: Final = 13
BOOKINGS_SHOWN: Final = 60
SCORES_KEPT: Final = 20

TAPER: Final = ("status", "held_on")
STEP: Final = ("planned_on", "starts_on", "effective_on", "status", "doses_taken", "doses_missed", "doses_refused")


def plan_differences(events: Sequence[Told], figures: Mapping[str, Any]) -> list[str]:
    """Figures of a plan state that do not follow from the events."""
    wanted = plan_state(events)
    wanted["plan"] = _without_nothing(wanted["plan"])
    shown = _plan(figures)
    if len(shown["minutes"]) == WEEKS_SHOWN:
        first = min(shown["minutes"])
        for name in ("minutes", "counted"):
            wanted[name] = {monday: value for monday, value in wanted[name].items() if monday >= first}
    shown["minutes"] = _without_nothing({week: _without_nothing(by) for week, by in shown["minutes"].items()})
    left_out = set()
    if figures["corrections_out_of_reach"]:
        left_out |= {"minutes", "counted", "attendance"}
    if len(wanted["booked"]) > BOOKINGS_SHOWN:
        left_out.add("booked")
    if sum(one.type == "InstrumentScored" for one in events) > SCORES_KEPT:
        wanted["scores"] = {name: wanted["scores"].get(name) for name in shown["scores"]}
    found = [name for name, value in wanted.items() if name not in left_out and shown[name] != value]
    return found + _medicine_differences(events, figures)


def schedule_differences(events: Sequence[Told], figures: Sequence[Mapping[str, Any]]) -> list[str]:
    """Figures of a patient's tapers that do not follow from the events."""
    wanted, shown = tapers(events), {str(one["taper_id"]): one for one in figures}
    found = [f"taper {taper_id}" for taper_id in sorted(wanted.keys() ^ shown.keys())]
    for taper_id in sorted(wanted.keys() & shown.keys()):
        found += [f"taper {taper_id} {name}" for name in _taper_differences(wanted[taper_id], shown[taper_id])]
    return found


def _taper_differences(wanted: Summary, shown: Mapping[str, Any]) -> list[str]:
    found = [name for name in TAPER if shown[name] != wanted[name]]
    if len(shown["steps"]) != len(wanted["steps"]):
        return [*found, "steps"]
    for number, (step, other) in enumerate(zip(wanted["steps"], shown["steps"], strict=True), start=1):
        found += [f"step {number} {name}" for name in STEP if other[name] != step[name]]
        if Decimal(other["dose_mg"]) != Decimal(step["dose_mg"]):
            found.append(f"step {number} dose_mg")
    return found


def _plan(figures: Mapping[str, Any]) -> Summary:
    episode, level, plan = figures["episode"], figures["level_of_care"], figures["plan"]
    return {
        "site_id": figures["site_id"],
        "phase": figures["phase"],
        "gate": figures["detox_gate"]["status"],
        "episode_id": episode["episode_id"],
        "level": level["level"],
        "level_since": level["since"],
        "admitted_on": episode["admitted_on"],
        "discharged_on": episode["discharged_on"],
        "plan": _without_nothing(
            {name: plan[name] for name in ("plan_id", "revision", "active_revision", "active_from")}
            | {"prescribed": plan["prescribed_minutes_per_week"]}
            | {"counted_minutes_per_week": plan["counted_minutes_per_week"]}
            | {"goals": {one["goal_id"]: one["progress"] for one in plan["goals"]}}
            | {"next_review_on": plan["next_review"]["on"]}
        ),
        "signs": sorted(f"{one['assessment_id']}/{one['sign']}" for one in figures["danger_signs"]),
        "scores": {name: one["total"] for name, one in figures["scores"].items()},
        "minutes": {monday: week["minutes"] for monday, week in figures["weeks"].items()},
        "counted": _without_nothing({monday: week["counted_minutes"] for monday, week in figures["weeks"].items()}),
        "attendance": {
            name: [one["sessions"], one["attended"], one["no_shows"]] for name, one in figures["attendance"].items()
        },
        "booked": sorted(one["attendance_id"] for one in figures["bookings"]),
    }


def _medicine_differences(events: Sequence[Told], figures: Mapping[str, Any]) -> list[str]:
    found = []
    wanted, shown = orders(events), {one["order_id"]: one for one in figures["medication"]}
    found += [f"order {order_id}" for order_id in sorted(wanted.keys() ^ shown.keys())]
    for order_id in sorted(wanted.keys() & shown.keys()):
        one, other, slots = wanted[order_id], shown[order_id], shown[order_id]["adherence"]["all"]
        same = {name: one[name] == other[name] for name in ("status", "taper")}
        same["dose_mg"] = Decimal(one["dose_mg"]) == Decimal(other["dose_mg"])
        if not other["adherence"]["voids_out_of_reach"]:
            same |= {name: one[name] == slots[name] for name in ("given", "refused", "missed")}
        found += [f"order {order_id} {name}" for name, is_same in same.items() if not is_same]
    courses, positions = tapers(events), {one["taper_id"]: one for one in figures["tapers"]}
    found += [f"taper {taper_id}" for taper_id in sorted(courses.keys() ^ positions.keys())]
    for taper_id in sorted(courses.keys() & positions.keys()):
        course, position = courses[taper_id], positions[taper_id]
        same = {name: course[name] == position[name] for name in ("status", "step")}
        same["dose_mg"] = Decimal(course["dose_mg"]) == Decimal(position["dose_mg"])
        found += [f"taper {taper_id} {name}" for name, is_same in same.items() if not is_same]
    return found


def _without_nothing(found: Mapping[str, Any]) -> Summary:
    return {name: value for name, value in found.items() if value}
