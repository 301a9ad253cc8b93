"""A request on its way to disk: what was asked, what was decided, and who waits for the answer."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from shared.codec import Encoded
from shared.log.acts import Act, Context, Given, Outcome
from shared.log.memory import Home, Known


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


@dataclass(slots=True)
class Pending:
    """One request. `checks` are the versions that its streams must still have when it is appended, `changed` the
    streams as it leaves them.

    `in_flight` holds the keys at work; the request leaves it when it is answered, not when its caller goes away.
    """

    acts: Sequence[Act]
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
    changed: dict[str, Known] = field(default_factory=dict)

    @property
    def streams(self) -> list[Given]:
        """Every stream that the request decides on or looks at."""
        return [one for act in self.acts for one in (act, *act.given)]

    @property
    def about(self) -> str:
        """Its first stream, for a line in the log."""
        return self.acts[0].stream

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
