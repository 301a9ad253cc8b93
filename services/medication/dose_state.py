"""What is known about one dosing slot: what became of it, and what was said about it since."""

from dataclasses import dataclass, replace
from enum import Enum
from typing import assert_never

from shared.events.medication import (
    DoseAdministered,
    DoseConflictFound,
    DoseConflictSettled,
    DoseEvent,
    DoseMissed,
    DoseRefused,
    DoseReplaced,
    DoseReplacementDecided,
    DoseVoided,
    DoseVoidRequested,
    DoseVomited,
)


class Status(Enum):
    """What became of the slot."""

    OPEN = "open"
    ADMINISTERED = "administered"
    REFUSED = "refused"
    MISSED = "missed"


@dataclass(frozen=True)
class Slot:
    """What the next decision about the slot needs to know."""

    status: Status = Status.OPEN
    administered: DoseAdministered | None = None
    void: DoseVoidRequested | None = None
    conflicts: tuple[DoseConflictFound, ...] = ()
    unsettled: bool = False
    vomited: DoseVomited | None = None
    replacement: DoseReplacementDecided | None = None
    replaced: bool = False


def evolve(slot: Slot, event: DoseEvent) -> Slot:
    """The slot after the event."""
    match event:
        case DoseAdministered():
            return Slot(Status.ADMINISTERED, event, conflicts=slot.conflicts, unsettled=slot.unsettled)
        case DoseRefused() | DoseMissed():
            status = Status.REFUSED if isinstance(event, DoseRefused) else Status.MISSED
            return Slot(status, conflicts=slot.conflicts, unsettled=slot.unsettled)
        case DoseVoidRequested():
            return replace(slot, void=event)
        case DoseVoided():
            return Slot(conflicts=slot.conflicts, unsettled=slot.unsettled)
        case DoseConflictFound() | DoseConflictSettled():
            return told_twice(slot, event)
        case DoseVomited() | DoseReplacementDecided() | DoseReplaced():
            return came_up(slot, event)
        case _:
            assert_never(event)


def told_twice(slot: Slot, event: DoseConflictFound | DoseConflictSettled) -> Slot:
    """With one more dose that was given out of touch, or with the last one settled."""
    if isinstance(event, DoseConflictSettled):
        return replace(slot, unsettled=False)
    return replace(slot, conflicts=(*slot.conflicts, event), unsettled=True)


def came_up(slot: Slot, event: DoseVomited | DoseReplacementDecided | DoseReplaced) -> Slot:
    """With what is known about a dose that was vomited."""
    match event:
        case DoseVomited():
            return replace(slot, vomited=event)
        case DoseReplacementDecided():
            return replace(slot, replacement=event)
        case DoseReplaced():
            return replace(slot, replaced=True)
        case _:
            assert_never(event)
