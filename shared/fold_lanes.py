"""How far the lanes of a fold's sources were read, told by the events' own positions and not by Kafka's offsets."""

import time
from collections import deque
from dataclasses import dataclass, field
from uuid import UUID

from shared.cloudevents import Message, header_of, sequence_of
from shared.codec import Undecodable

type Lane = tuple[str, int]
"""A source topic and its partition."""


@dataclass(slots=True)
class Open:
    """An event in hand: taken, but not yet safe on Kafka."""

    message: Message
    position: int | None
    opened_at: float
    done: bool = False


@dataclass(slots=True)
class Reading:
    """How far one lane of one source was read. All up to `settled` is folded, skipped or parked, and proven to be."""

    settled: int
    from_start: bool
    settled_id: str = ""
    next_offset: int = 0
    begins: int = 0
    seen: int = 0
    last_id: str = ""
    unplaced: int = 0
    halted: str | None = None
    rewound: bool = False
    open: deque[Open] = field(default_factory=deque)

    def __post_init__(self) -> None:
        """What was settled before counts as seen."""
        self.seen = max(self.seen, self.settled)
        self.last_id = self.settled_id

    def gap(self, position: int | None) -> bool:
        """Is an event missing before this one? A record that does not tell its own position may stand in for one."""
        return position is not None and position > self.seen + 1 + self.unplaced

    def diverges(self, position: int | None, event_id: str) -> bool:
        """Is this another event at the last position that was seen? Then the log is not the one that was read (trap T13)."""
        return position == self.seen and self.last_id not in {"", event_id}

    def see(self, position: int | None, event_id: str = "") -> None:
        """Count this one as taken in hand."""
        if position is None:
            self.unplaced += 1
        elif position > self.seen:
            self.seen, self.unplaced, self.last_id = position, 0, event_id

    def settle(self) -> list[Message]:
        """The messages that may be acknowledged now: the done ones before the first that is not."""
        ready = []
        while self.open and self.open[0].done:
            first = self.open.popleft()
            if (first.position or 0) > self.settled:
                self.settled, self.settled_id = first.position or 0, id_of(first.message)
            ready.append(first.message)
        return ready


def position_of(message: Message) -> int | None:
    """The event's place in its lane, None when the record does not tell."""
    try:
        return sequence_of(message)
    except Undecodable:
        return None


def id_of(message: Message) -> str:
    """The event's id, as it stands there; empty when the record does not tell."""
    return (header_of(message, "ce_id") or b"").decode("ascii", "replace")


def has_no_patient(message: Message) -> bool:
    """Is this an intact record about something else, such as a group or a bottle? Folds pass those by, undecoded."""
    subject = header_of(message, "ce_subject")
    if header_of(message, "ce_patientid") is not None or subject is None or message.key is None:
        return False
    return position_of(message) is not None and subject.split(b"-", 1)[-1] == message.key


def is_patient_key(key: bytes) -> bool:
    """Could this key be a patient's id?"""
    try:
        return str(UUID(key.decode("ascii"))).encode() == key
    except ValueError:
        return False


def now() -> float:
    """Seconds on a clock that goes on while the machine sleeps."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
