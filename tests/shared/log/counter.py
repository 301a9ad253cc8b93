"""A stream as small as can be: something is counted, with a remark that is personal."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.decider import Decider, command
from shared.event import Personal, event
from shared.events.parking import (  # noqa: F401 - part of every vocabulary
    ParkedEventDiscarded,
    ParkedEventEdited,
    ParkedEventsRetried,
)
from shared.failures import Refused


@event()
class Counted:
    """Something was counted."""

    by: int
    remark: Personal[str | None] = None


@event()
class Noted:
    """Something was remarked that is nobody's secret."""

    text: str


@event()
class Sampled:
    """Many numbers at once."""

    points: tuple[int, ...]


type Event = Counted | Noted | Sampled


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


@command
class Note:
    """Remark something."""

    text: str


@command
class Sample:
    """Take this many samples."""

    points: int


@command
class AddOnce:
    """Count, but only when nothing was counted yet."""


class AlreadyCounted(Refused):
    """Something was counted already."""


class NothingToAdd(Refused):
    """Only more than nothing can be counted."""


def decide(count: Count, command: Add | Note | Sample | AddOnce, *_given: Count) -> Sequence[Event]:
    match command:
        case Note():
            return [Noted(command.text)]
        case Sample():
            return [Sampled((7,) * command.points)]
        case AddOnce():
            if count.total:
                raise AlreadyCounted
            return [Counted(1)]
        case Add():
            if command.by <= 0:
                raise NothingToAdd
            return [Counted(command.by, command.remark)] * command.events


def evolve(count: Count, event: Event) -> Count:
    match event:
        case Counted():
            return Count(count.total + event.by)
        case Noted() | Sampled():
            return count


counter = Decider("counter", Count(), decide, evolve)
