"""Which view hears which events of medication."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from services.medication import (
    authority,
    care,
    chart,
    detox,
    dose,
    history,
    order,
    stock,
    taper,
    views_authority,
    views_detox,
    views_dispensing,
    views_dose,
    views_order,
    views_stock_writes,
    views_taper,
)
from shared.event import AnyRecorded
from shared.projector import Write

_VIEWS: Final[Mapping[str, Callable[[AnyRecorded], Sequence[Write]]]] = {
    order.decider.category: views_order.writes,
    dose.decider.category: lambda recorded: [
        *views_dose.writes(recorded),
        *views_authority.dose_writes(recorded),
        *views_dispensing.writes(recorded),
    ],
    taper.decider.category: views_taper.writes,
    care.decider.category: views_order.care_writes,
    authority.decider.category: views_authority.writes,
    history.decider.category: lambda _: (),
    stock.decider.category: views_stock_writes.writes,
    chart.decider.category: lambda _: (),
    detox.decider.category: lambda recorded: [
        *views_detox.writes(recorded),
        *views_dispensing.detox_writes(recorded),
    ],
}


def writes(recorded: AnyRecorded) -> Sequence[Write]:
    """By the kind of stream that the event belongs to; what operators do to parked events is shown nowhere."""
    keep = _VIEWS.get(recorded.stream.partition("-")[0])
    return keep(recorded) if keep else []
