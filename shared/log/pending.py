"""A request on its way to disk: what was asked, what was decided, and who waits for the answer."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from shared.codec import Encoded
from shared.log.acts import Act, Context, Outcome


@dataclass(slots=True)
class Draft:
    """One decided event, before it has a position."""

    event_id: UUID
    act: Act
    stream: str
    version: int
    key: str
    lane: int
    patient_id: UUID | None
    encoded: Encoded
    sealed: bytes | None


@dataclass(slots=True)
class Pending:
    """One request; `checks` are the versions that its streams must still have when it is appended."""

    acts: Sequence[Act]
    context: Context
    key: str
    fingerprint: bytes
    answer: asyncio.Future[Outcome]
    attempts: int = 0
    wrong_correction: bool = False
    checks: dict[str, int] = field(default_factory=dict)
    drafts: list[Draft] = field(default_factory=list)

    def streams(self) -> list[str]:
        """Every stream that the request decides on or looks at."""
        named = [act.decider.stream(act.stream_id) for act in self.acts]
        return named + [one.decider.stream(one.stream_id) for act in self.acts for one in act.given]

    def refuse(self, failure: BaseException) -> None:
        """Tell the caller that nothing was stored; a caller who has gone away is not told."""
        if not self.answer.done():
            self.answer.set_exception(failure)

    def accept(self, outcome: Outcome) -> None:
        """Tell the caller that it is on disk."""
        if not self.answer.done():
            self.answer.set_result(outcome)
