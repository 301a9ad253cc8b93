"""A request on its way to disk: what was asked, what was decided, and who waits for the answer."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from shared.codec import Encoded
from shared.decider import Decider
from shared.log.acts import Act, Context, Outcome


@dataclass(frozen=True, slots=True)
class Home:
    """Whose a stream is and where it lies; settled by its first event. `key` is the lane key."""

    site_id: str
    key: str
    lane: int
    patient_id: UUID | None


@dataclass(slots=True)
class Draft:
    """One decided event, before it has a position."""

    event_id: UUID
    act: Act
    stream: str
    version: int
    home: Home
    encoded: Encoded
    sealed: bytes | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """A stream that a request decides on or looks at."""

    decider: Decider[Any]
    stream_id: UUID | str
    stream: str


@dataclass(slots=True)
class Pending:
    """One request. `checks` are the versions that its streams must still have when it is appended.

    `in_flight` holds the keys at work; the request leaves it when it is answered, not when its caller goes away.
    """

    acts: Sequence[tuple[Act, Target, Sequence[Target]]]
    context: Context
    key: str
    fingerprint: bytes
    in_flight: set[str]
    answer: asyncio.Future[Outcome]
    attempts: int = 0
    alone: bool = False
    settled: bool = False
    checks: dict[str, int] = field(default_factory=dict)
    drafts: list[Draft] = field(default_factory=list)

    @property
    def targets(self) -> list[Target]:
        """Every stream that the request decides on or looks at."""
        return [one for _, target, given in self.acts for one in (target, *given)]

    @property
    def about(self) -> str:
        """Its first stream, for a line in the log."""
        return self.acts[0][1].stream if self.acts else ""

    def refuse(self, failure: BaseException) -> None:
        """Tell the caller that nothing was stored."""
        if self._settle():
            self.answer.set_exception(failure)

    def accept(self, outcome: Outcome) -> None:
        """Tell the caller that it is on disk."""
        if self._settle():
            self.answer.set_result(outcome)

    def _settle(self) -> bool:
        """The first answer counts; whether somebody still waits for it: a caller who has gone away is not told."""
        if self.settled:
            return False
        self.settled = True
        self.in_flight.discard(self.key)
        return not self.answer.done()


def target(decider: Decider[Any], stream_id: UUID | str) -> Target:
    """A stream by its decider and its own id."""
    return Target(decider, stream_id, decider.stream(stream_id))


def named(acts: Sequence[Act]) -> list[tuple[Act, Target, Sequence[Target]]]:
    """The acts with the streams that they mean."""
    return [
        (act, target(act.decider, act.stream_id), [target(one.decider, one.stream_id) for one in act.given])
        for act in acts
    ]
