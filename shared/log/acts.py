"""What is asked of the log and what it answers: acts, who asks, and where the events came to stand."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.decider import Decider


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose stream a new stream is; without a patient the stream's own id decides the lane."""

    patient_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """A stream whose state a decision looks at; it must not have moved on when the events are appended."""

    decider: Decider[Any]
    stream_id: UUID | str

    @property
    def stream(self) -> str:
        """Its name in the log."""
        return self.decider.stream(self.stream_id)


@dataclass(frozen=True, slots=True)
class Act(Given):
    """One command on one stream.

    `expected` is the version that the caller saw (If-Match). `effective_at` None means now, by the database's clock.
    `corrects` is the id of an earlier event of the same stream.
    """

    command: object
    subject: Subject = Subject()
    given: tuple[Given, ...] = ()
    expected: int | None = None
    effective_at: datetime | None = None
    corrects: UUID | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """Who asks, from which site, and why. Streams of other sites than `sites` read as absent; None is every site."""

    actor: str
    site_id: str
    correlation_id: UUID
    causation_id: UUID | None = None
    traceparent: str | None = None
    sites: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """One event that is on disk."""

    stream: str
    version: int
    event_id: UUID
    type: str
    lane: int
    position: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a request; a retry with the same key is given the same one, `replayed`."""

    stored: tuple[Stored, ...]
    recorded_at: datetime
    replayed: bool = False
