"""What orders, dosing slots and tapers should look like, from medication's events alone, as plan state and schedules show them."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Final

from deploy.proof.told import Told, Words

type Summary = dict[str, Any]

ORDER: Final = {
    "OrderDrafted": "draft",
    "OrderSigned": "signed",
    "OrderHeld": "held",
    "OrderResumed": "signed",
    "OrderDiscontinued": "discontinued",
}
SLOT: Final = {"DoseAdministered": "given", "DoseRefused": "refused", "DoseMissed": "missed", "DoseVoided": ""}


def orders(events: Sequence[Told]) -> dict[str, Summary]:
    """Order to its status, dose and taper, and how many of its slots were given, refused and missed."""
    found: dict[str, Summary] = {}
    slots: dict[str, tuple[str, str]] = {}
    for one in events:
        if one.type in ORDER:
            order = found.setdefault(one.subject, {"taper": None, "given": 0, "refused": 0, "missed": 0})
            order["status"] = ORDER[one.type]
            if one.type == "OrderDrafted":
                order["dose_mg"] = one.data["dose_mg"]
        elif one.type == "OrderPutOnTaper":
            found[one.subject]["taper"] = one.data["taper_id"]
        elif one.type in SLOT:
            slots[one.stream] = (one.data["order_id"], SLOT[one.type])
    for order_id, word in slots.values():
        if word:
            found[order_id][word] += 1
    return found


def tapers(events: Sequence[Told]) -> dict[str, Summary]:
    """Taper to its status and dose, when it was held or ended, and each step with its dates, its dose and what became of it."""
    found: dict[str, Summary] = {}
    for one in events:
        if one.category == "taper":
            if one.type == "TaperStarted":
                found[one.subject] = _started(one)
            elif one.type in {"TaperReplanned", "TaperReversed"}:
                _lay_out_anew(found[one.subject], one.data)
            else:
                _continue(found[one.subject], one)
    for taper in found.values():
        _dosed(taper, events)
    return found


def _started(one: Told) -> Summary:
    return {
        "order_id": one.data["order_id"],
        "status": "active",
        "dose_mg": one.data["start_dose_mg"],
        "step": 0,
        "held_on": None,
        "ended_on": None,
        "steps": [_step(step) for step in one.data["steps"]],
    }


def _step(planned: Summary) -> Summary:
    on = planned["starts_on"]
    return {"dose_mg": planned["dose_mg"], "planned_on": on, "starts_on": on, "effective_on": None}


def _lay_out_anew(taper: Summary, data: Words) -> None:
    """The steps before stay; a reversal is a step of its own, begun at once; then those of the new plan."""
    kept = taper["steps"][: data["step"]]
    if "reversed_on" in data:
        on = data["reversed_on"]
        kept = [*kept[: data["step"] - 1], _step({"dose_mg": data["dose_mg"], "starts_on": on}) | {"effective_on": on}]
    taper |= {"status": "active", "held_on": None, "step": data["step"], "dose_mg": data["dose_mg"]}
    taper["steps"] = [*kept, *(_step(one) for one in data["steps"])]


def _continue(taper: Summary, one: Told) -> None:
    data, steps = one.data, taper["steps"]
    match one.type:
        case "TaperStepConfirmed":
            late = (date.fromisoformat(data["effective_on"]) - date.fromisoformat(data["planned_on"])).days
            _move(steps[data["step"] :], late)
            steps[data["step"] - 1] |= {"starts_on": data["effective_on"], "effective_on": data["effective_on"]}
            taper |= {"step": data["step"], "dose_mg": data["dose_mg"]}
        case "TaperStepTaken":
            if data["dose_id"] is None:
                steps[data["step"] - 1]["reported"] = True
        case "TaperStepReopened":
            if taper["status"] == "completed":
                taper |= {"status": "active", "ended_on": None}
        case "TaperHeld":
            taper |= {"status": "held", "held_on": data["held_on"], "step": data["step"], "dose_mg": data["dose_mg"]}
            _unconfirm(steps[data["step"] :])
        case "TaperResumed":
            taper |= {"status": "active", "held_on": None}
            _move(steps[data["step"] :], data["moved_days"])
        case "TaperCompleted":
            taper |= {"status": "completed", "ended_on": data["completed_on"], "dose_mg": data["dose_mg"]}
        case "TaperStopped":
            taper |= {"status": "stopped", "ended_on": data["stopped_on"], "held_on": None, "dose_mg": data["dose_mg"]}
            _unconfirm([step for step in steps if (step["effective_on"] or "9999") > data["stopped_on"]])
        case _:
            pass


def _move(steps: Sequence[Summary], days: int) -> None:
    for step in steps:
        step["starts_on"] = (date.fromisoformat(step["starts_on"]) + timedelta(days=days)).isoformat()


def _unconfirm(steps: Sequence[Summary]) -> None:
    for step in steps:
        step["effective_on"] = None


def _dosed(taper: Summary, events: Sequence[Told]) -> None:
    """A dose belongs to the confirmed step that had begun last on its date; from the first plan's first day to the end."""
    by_date: dict[str, str] = {}
    for one in events:
        if one.type in SLOT and one.data["order_id"] == taper["order_id"]:
            by_date[one.data["dosing_on"]] = SLOT[one.type]
    first, last = taper["steps"][0]["planned_on"], taper["ended_on"] or "9999"
    counted = {on: word for on, word in by_date.items() if word and first <= on <= last}
    starts = [step["effective_on"] for step in taper["steps"] if step["effective_on"]]
    for number, step in enumerate(taper["steps"]):
        end = starts[number + 1] if number + 1 < len(starts) else "9999"
        words = [word for on, word in counted.items() if number < len(starts) and starts[number] <= on < end]
        step |= {f"doses_{name}": words.count(word) for name, word in _COUNTS.items()}
        step["status"] = _status(taper["status"], step)


_COUNTS: Final = {"taken": "given", "missed": "missed", "refused": "refused"}


def _status(taper: str, step: Summary) -> str:
    reported = step.pop("reported", False)
    if step["doses_taken"] or reported:
        return "taken"
    if step["effective_on"]:
        return "missed" if step["doses_missed"] or step["doses_refused"] else "confirmed"
    return {"held": "held", "stopped": "dropped"}.get(taper, "planned")
