"""How far behind the event tables everything is that follows them."""

from dataclasses import dataclass
from typing import Final

import asyncpg

from deploy.databases import SERVICES
from deploy.instance import Instance

# A fold's own checkpoint stands still while a lane has news about no patient; its values are compared instead.
_CHECKPOINTS: Final = """
select topic, partition, coalesce(last_sequence, 0)::bigint as reached from projection.checkpoint c
where not exists (
    select from projection.checkpoint o where o.projection = c.projection and o.topic not like '%.events.v1'
)
union all
select $1 || '.events.v1', lane, position from log.relay_cursor"""


@dataclass(frozen=True)
class Lag:
    """Events of one lane that the slowest follower has still to take in, and messages that were put aside."""

    events: int
    parked: int


async def lag(instance: Instance) -> Lag:
    """As it is now."""
    passwords, server = instance.passwords(), instance.state()["postgres"]
    heads: dict[tuple[str, int], int] = {}
    reached: list[tuple[tuple[str, int], int]] = []
    parked = 0
    for service in SERVICES:
        connection = await asyncpg.connect(
            f"postgresql://{service}_owner:{passwords[f'{service}_owner']}@{server}/{service}"
        )
        try:
            rows = await connection.fetch(_CHECKPOINTS, service)
            reached += [((row["topic"], row["partition"]), row["reached"]) for row in rows]
            for row in await connection.fetch("select lane, head from log.lane"):
                heads[f"{service}.events.v1", row["lane"]] = row["head"]
            parked += await connection.fetchval("select count(*) from projection.parked")
        finally:
            await connection.close()
    return Lag(max((max(0, heads.get(lane, 0) - position) for lane, position in reached), default=0), parked)
