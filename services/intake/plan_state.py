"""Plan state is where a patient stands in the treatment plan right now, folded from the events of all three services.

Each service's facts live apart and only its own events touch them, so the figures do not depend on how the topics interleave.
"""

from typing import Any, Final

from services.intake import plan_state_attendance, plan_state_care, plan_state_medication
from services.intake.plan_state_care import Facts
from shared.event import AnyRecorded

PARTS: Final = {
    "intake": ("care", plan_state_care.apply),
    "scheduling": ("attendance", plan_state_attendance.apply),
    "medication": ("medicine", plan_state_medication.apply),
}


def apply(facts: Facts, recorded: AnyRecorded) -> Facts:
    """The facts with this event taken in."""
    name, part = PARTS[recorded.service]
    return {**facts, name: part(facts.get(name, {}), recorded)}


def figures(facts: Facts) -> dict[str, Any]:
    """What a reader is shown; nothing here reads the clock."""
    return {
        **plan_state_care.figures(facts.get("care", {})),
        **plan_state_attendance.figures(facts.get("attendance", {})),
        **plan_state_medication.figures(facts.get("medicine", {})),
    }
