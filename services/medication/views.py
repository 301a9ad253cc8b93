"""Which view hears which events of medication."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from services.medication import care, dose, order, taper, views_dose, views_order, views_taper
from shared.event import AnyRecorded
from shared.projector import Write

_VIEWS: Final[Mapping[str, Callable[[AnyRecorded], Sequence[Write]]]] = {
    order.decider.category: views_order.writes,
    dose.decider.category: views_dose.writes,
    taper.decider.category: views_taper.writes,
    care.decider.category: views_order.care_writes,
}


def writes(recorded: AnyRecorded) -> Sequence[Write]:
    """By the kind of stream that the event belongs to; what operators do to parked events is shown nowhere."""
    keep = _VIEWS.get(recorded.stream.partition("-")[0])
    return keep(recorded) if keep else []
