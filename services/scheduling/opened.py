"""A stream's story with its personal fields opened, for those who may read them."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import msgspec

from shared.decider import Decider
from shared.event import AnyRecorded
from shared.http import QueryDoor


async def opened_story(door: QueryDoor, decider: Decider[Any], stream_id: UUID) -> list[AnyRecorded]:
    """The events, oldest first; what was erased stays closed. Raises NotFound, also for what the caller may not see."""
    story = await door.story(decider, stream_id)
    rows = await door.rows(
        "select event_id, sealed from log.event where stream = $1 and sealed is not null", decider.stream(stream_id)
    )
    sealed = {row["event_id"]: row["sealed"] for row in rows}
    return [await _opened(door, one, sealed.get(one.event_id)) for one in story]


async def _opened(door: QueryDoor, recorded: AnyRecorded, sealed: bytes | None) -> AnyRecorded:
    if sealed is None:
        return recorded
    # What is about nobody in care, such as a staff member's name, is sealed with the subject's own key.
    personal = await door.open_sealed(UUID(recorded.key), recorded.event_id, sealed)
    whole = msgspec.to_builtins(recorded.data) | personal
    return replace(recorded, data=msgspec.convert(whole, type(recorded.data)))
