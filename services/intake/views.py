"""Which view hears which events of intake."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from services.intake import (
    assessment,
    detox_gate,
    episode,
    evaluation,
    patient,
    plan,
    views_assessment,
    views_detox_gate,
    views_episode,
    views_evaluation,
    views_patient,
    views_plan,
)
from shared.event import AnyRecorded
from shared.projector import Write

_VIEWS: Final[Mapping[str, Callable[[AnyRecorded], Sequence[Write]]]] = {
    patient.decider.category: views_patient.writes,
    evaluation.decider.category: views_evaluation.writes,
    assessment.decider.category: views_assessment.writes,
    detox_gate.decider.category: views_detox_gate.writes,
    episode.decider.category: views_episode.writes,
    plan.decider.category: views_plan.writes,
}


def writes(recorded: AnyRecorded) -> Sequence[Write]:
    """By the kind of stream that the event belongs to; what operators do to parked events is shown nowhere."""
    keep = _VIEWS.get(recorded.stream.partition("-")[0])
    return keep(recorded) if keep else []
