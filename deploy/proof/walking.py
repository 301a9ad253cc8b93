"""Walks along the lanes of a log, from one link to the next: nothing missing, nothing twice, each stream's versions one by one."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from deploy.proof.chain import SELECTED, Link, after, beginning, canonical
from deploy.proof.checkpoints import Story
from shared.database import Connection, Record

BATCH_EVENTS_MAX: Final = 2000

_EVENTS: Final = f"""
select {SELECTED}, (select b.position from log.event b where b.stream = e.stream and b.version = e.version - 1) as version_before
from log.event e where lane = $1 and position > $2 and position <= $3 order by position limit $4
"""  # noqa: S608 - columns are ours
_HEADS: Final = "select lane, head from log.lane order by lane"
_STREAMS: Final = """
select s.stream, s.version, count(e.version) as events, coalesce(max(e.version), 0) as last
from log.stream s left join log.event e using (stream) group by s.stream, s.version
having s.version <> count(e.version) or s.version <> coalesce(max(e.version), 0) limit 20
"""


class Broken(Exception):  # noqa: N818 - said to an operator as it is
    """The log is not what it was."""


@dataclass(frozen=True, slots=True)
class Step:
    """One event: its row, its canonical line, and the chain after it."""

    row: Record
    line: bytes
    link: Link


async def heads(connection: Connection) -> dict[int, int]:
    """Lane to the position of its last event, 0 for an empty one."""
    return {row["lane"]: row["head"] for row in await connection.fetch(_HEADS)}


async def walk(
    connection: Connection, story: Story, lane: int, *, until: int, link: Link | None = None
) -> AsyncIterator[list[Step]]:
    """The events of a lane up to position `until`, some at a time, from its beginning or behind `link`.

    Raises Broken at the first that is not as it was.
    """
    link = link or beginning(story.service, lane)
    while link.position < until:
        rows = await connection.fetch(_EVENTS, lane, link.position, until, BATCH_EVENTS_MAX)
        steps = []
        for row in rows:
            steps.append(_next(link, row, story))
            link = steps[-1].link
        if not rows:
            raise Broken(
                f"{story.service} lane {lane}: position {link.position + 1} is missing, the lane goes to {until}"
            )
        yield steps


def _next(link: Link, row: Record, story: Story) -> Step:
    where = f"{story.service} lane {row['lane']}"
    if row["position"] != link.position + 1:
        raise Broken(f"{where}: position {link.position + 1} is missing, {row['position']} comes next")
    if row["version"] > 1 and not (row["version_before"] and row["version_before"] < row["position"]):
        raise Broken(
            f"{where} position {row['position']}: {row['stream']} has no version {row['version'] - 1} before it"
        )
    line = canonical(row)
    made = after(link, row["position"], row["event_id"], line)
    signed = story.passed.get(row["lane"], {}).get(made.position)
    if signed is not None and signed != made.hash:
        since = max((at for at in story.passed[row["lane"]] if at < made.position), default=0) + 1
        raise Broken(f"{where}: positions {since} to {made.position} are not the events that were signed")
    return Step(row, line, made)


async def ends_agree(connection: Connection, story: Story) -> None:
    """Compare each lane's end with what was signed, without reading the lanes. Raises Broken when the log is shorter or another one."""
    present = await heads(connection)
    for lane, link in sorted(story.newest.items()):
        if present.get(lane, 0) < link.position:
            raise Broken(
                f"{story.service} lane {lane} ends at position {present.get(lane, 0)}, but {link.position} were signed: "
                "it is an older log, as after a restored backup"
            )
        if link.position and await _event_at(connection, lane, link.position) != link.event_id:
            raise Broken(
                f"{story.service} lane {lane}: position {link.position} is another event than the one that was signed, "
                "as after a restored backup"
            )


async def stream_faults(connection: Connection, service: str) -> list[str]:
    """Streams whose events are not as many as their version says."""
    return [
        f"{service} {row['stream']}: version {row['version']}, but {row['events']} events up to version {row['last']}"
        for row in await connection.fetch(_STREAMS)
    ]


async def _event_at(connection: Connection, lane: int, position: int) -> UUID | None:
    found: UUID | None = await connection.fetchval(
        "select event_id from log.event where lane = $1 and position = $2", lane, position
    )
    return found
