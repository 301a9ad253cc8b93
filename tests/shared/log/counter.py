"""A stream as small as can be: something is counted, with a remark that is personal."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.decider import Decider, command
from shared.event import Personal, event
from shared.failures import Refused


@event()
class Counted:
    """Something was counted."""

    by: int
    remark: Personal[str | None] = None


@dataclass(frozen=True)
class Count:
    """How far."""

    total: int = 0


@command
class Add:
    """Count on; `events` of them at once."""

    by: int
    remark: str | None = None
    events: int = 1


class NothingToAdd(Refused):
    """Only more than nothing can be counted."""


def decide(_count: Count, command: Add, *_given: Count) -> Sequence[Counted]:
    if command.by <= 0:
        raise NothingToAdd
    return [Counted(command.by, command.remark)] * command.events


def evolve(count: Count, event: Counted) -> Count:
    return Count(count.total + event.by)


counter = Decider("counter", Count(), decide, evolve)
