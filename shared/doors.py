"""A command's route is given one door: who calls, from which site, and the way into the log."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from shared.access import Caller
from shared.decider import Decider
from shared.reading import QueryDoor
from shared.settings import Settings

if TYPE_CHECKING:
    from shared.log import Act


@dataclass(frozen=True)
class AcceptedEvent:
    """One event that is on disk."""

    event_id: UUID
    type: str
    stream: str
    version: int


@dataclass(frozen=True)
class Accepted:
    """The events are on disk; `version` is the first subject's new version, for the next If-Match."""

    stream: str
    version: int
    events: list[AcceptedEvent]
    recorded_at: datetime


class CommandDoor:
    """What a command's route is given."""

    caller: Caller
    site_id: str
    now: datetime
    queries: QueryDoor
    settings: Settings

    def expected(self) -> int:
        """The version in If-Match. Raises VersionRequired."""
        raise NotImplementedError

    async def handle(self, *acts: "Act") -> Accepted:
        """All acts or none, on disk when it returns."""
        raise NotImplementedError

    async def state[S](self, decider: Decider[S], stream_id: UUID | str) -> tuple[S, int]:
        """A stream's present state and version. Raises NotFound."""
        raise NotImplementedError

    async def story(self, decider: Decider[Any], stream_id: UUID | str) -> list[Any]:
        """A stream's events, oldest first. Raises NotFound."""
        raise NotImplementedError
