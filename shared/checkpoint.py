"""Up to where a projection has applied a topic, who applies it, and what can stand in the way."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from prometheus_client import Counter

from shared.database import Connection
from shared.failures import Failure
from shared.parking import Ratio

APPLIED: Final = Counter("evenkeel_projection_events_total", "Events applied.", ["projection"])
DUPLICATES: Final = Counter("evenkeel_projection_duplicates_total", "Events that were applied before.", ["projection"])


class Halted(Failure):
    """The partition stands still: what follows does not continue what was applied."""


class Gap(Halted):
    """An event is missing between what was applied and what came."""


class OtherVersion(Failure):
    """The rows are those of another version of the program; they are left to it."""


class Fenced(Failure):
    """Another projector has moved the checkpoint."""


@dataclass
class Checkpoint:
    """Up to where a partition is applied."""

    next_offset: int
    last_sequence: int | None
    last_event_id: Any


class Reader(Protocol):
    """Makes rows of messages; `shared.projecting` has one for events and one for tables."""

    name: str
    """Stable: the checkpoint stands under it."""
    topics: tuple[str, ...]
    """What it reads."""
    version: int
    """Rows of another version are not its own to write."""

    async def apply(
        self, connection: Connection, checkpoint: Checkpoint, messages: Sequence[Any], ratio: Ratio
    ) -> Checkpoint:
        """Apply one partition's messages within the open transaction; the checkpoint after them. Raises Halted."""

    async def again(self, connection: Connection, message: Any) -> None:
        """Apply one message that was parked, within the open transaction. Raises whatever still stands against it."""
