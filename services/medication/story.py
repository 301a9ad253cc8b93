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
    events = await door.story(decider, stream_id)
    stream = decider.stream(stream_id)
    rows = await door.rows("select event_id, sealed from log.event where stream = $1 and sealed is not null", stream)
    sealed = {row["event_id"]: row["sealed"] for row in rows}
    return Story(stream, events[-1].version, [await _line(door, one, sealed.get(one.event_id)) for one in events])


async def _line(door: QueryDoor, recorded: AnyRecorded, sealed: bytes | None) -> StoryLine:
    content: dict[str, Any] = msgspec.to_builtins(recorded.data)
    if sealed is not None and recorded.patient_id is not None:
        content |= await door.open_sealed(recorded.patient_id, recorded.event_id, sealed)
    return StoryLine(
        version=recorded.version,
        event_id=recorded.event_id,
        type=recorded.type,
        site_id=recorded.site_id,
        actor=recorded.actor,
        effective_at=recorded.effective_at,
        recorded_at=recorded.recorded_at,
        corrects=recorded.corrects,
        content=content,
    )
