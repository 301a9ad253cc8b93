"""The story of an order, a dose or a taper: every event with who, where and when, its notes opened for those who may read them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from shared.decider import Decider
from shared.event import AnyRecorded
from shared.http import QueryDoor


@dataclass(frozen=True)
class StoryLine:
    """One event. `corrects` names the earlier event that it corrects; an erased note reads null or `[erased]`."""

    version: int
    event_id: UUID
    type: str
    site_id: str
    actor: str
    effective_at: datetime
    recorded_at: datetime
    corrects: UUID | None
    content: dict[str, Any]


@dataclass(frozen=True)
class Story:
    """All events of one stream, oldest first."""

    stream: str
    version: int
    events: list[StoryLine]


async def told(door: QueryDoor, decider: Decider[Any], stream_id: UUID) -> Story:
    """The whole story. Raises NotFound, also for what the caller may not see."""
    events = await door.story(decider, stream_id, opened=True)
    return Story(decider.stream(stream_id), events[-1].version, [_line(one) for one in events])


def _line(recorded: AnyRecorded) -> StoryLine:
    return StoryLine(
        version=recorded.version,
        event_id=recorded.event_id,
        type=recorded.type,
        site_id=recorded.site_id,
        actor=recorded.actor,
        effective_at=recorded.effective_at,
        recorded_at=recorded.recorded_at,
        corrects=recorded.corrects,
        content=msgspec.to_builtins(recorded.data),
    )
