"""What each log, its topic, its signed checkpoints and its readers say, lane by lane, and where they part."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from deploy.databases import SERVICES
from deploy.proof.checkpoints import Story
from deploy.proof.walking import heads, walk
from deploy.recovery.surviving import Row, surviving
from shared.cloudevents import topic_of
from shared.database import Connection
from shared.divergence import Place, diverged, edges
from shared.lanes import LANES

_READERS: Final = """
select projection, partition, last_sequence, last_event_id from projection.checkpoint
where topic = $1 and last_sequence > 0 and last_event_id is not null
"""
_KEYS: Final = "select key_id from keyring.data_key where key_id = any($1)"


@dataclass(frozen=True)
class Lane:
    """One lane that has parted: the log's end, the last position that was signed, and that of the topic.

    Up to `common` the log is what it was; `surviving` are the events that only the topic has. The log itself goes on
    behind `common` up to `head` with events of its own when it was written to after it was restored.
    """

    lane: int
    head: int
    signed: int
    topic: int
    common: int
    surviving: tuple[Row, ...]
    readers: tuple[str, ...]

    @property
    def own(self) -> int:
        """Events that the log took in after it was restored."""
        return self.head - self.common

    @property
    def lost(self) -> int:
        """Events that were signed and that neither the log nor the topic has."""
        return max(0, self.signed - self.common - len(self.surviving))


@dataclass
class Survey:
    """One service: the lanes that have parted; none when all tell one history."""

    service: str
    lanes: list[Lane] = field(default_factory=list)

    @property
    def surviving(self) -> int:
        """Events that only the topic has."""
        return sum(len(lane.surviving) for lane in self.lanes)

    @property
    def own(self) -> int:
        """Events that the log took in after it was restored."""
        return sum(lane.own for lane in self.lanes)

    @property
    def lost(self) -> int:
        """Events that were signed and are nowhere."""
        return sum(lane.lost for lane in self.lanes)


async def survey(service: str, connections: Mapping[str, Connection], kafka: str, story: Story) -> Survey:
    """Hold a service's log against everything that has read further. Raises KafkaError and TimeoutError."""
    log, topic = connections[service], topic_of(service)
    present = await heads(log)
    last = {lane: one.last for lane, one in (await edges(kafka, topic, range(LANES))).items()}
    signed = {lane: (link.position, link.event_id) for lane, link in story.newest.items() if link.event_id}
    readers = await _readers(connections, topic)
    parted = set(await diverged(log, last)) | set(await diverged(log, signed))
    parted |= {lane for lane, found in readers.items() if found}
    found = Survey(service)
    for lane in sorted(parted):
        held = await surviving(kafka, topic, lane, log)
        common = max(held.common, await _agreed(log, story, lane, present[lane])) if not held.rows else held.common
        found.lanes.append(
            Lane(
                lane,
                head=present[lane],
                signed=signed.get(lane, (0,))[0],
                topic=last[lane][0] if lane in last else 0,
                common=common,
                surviving=tuple(held.rows),
                readers=tuple(readers.get(lane, ())),
            )
        )
    return found


async def _readers(connections: Mapping[str, Connection], topic: str) -> dict[int, list[str]]:
    """Lane to the readers, `service/projection`, whose last event is not in the log."""
    found: dict[int, list[str]] = {}
    log = connections[topic.partition(".")[0]]
    for service in SERVICES:
        for row in await connections[service].fetch(_READERS, topic):
            place: Place = (row["last_sequence"], row["last_event_id"])
            if await diverged(log, {row["partition"]: place}):
                found.setdefault(row["partition"], []).append(f"{service}/{row['projection']}")
    return found


async def _agreed(log: Connection, story: Story, lane: int, head: int) -> int:
    """Up to where nothing speaks against the log being what was signed; for what the topic cannot say."""
    agreed, passed = 0, story.passed.get(lane, {})
    async for steps in walk(log, Story(story.service), lane, until=head):
        for step in steps:
            if step.link.position in passed:
                if passed[step.link.position] != step.link.hash:
                    return agreed
                agreed = step.link.position
    return head


async def without_keys(keyring: Connection, surveys: list[Survey]) -> set[str]:
    """People among the surviving events whose keys the restored keyring does not have: what was sealed stays sealed."""
    wanted = {
        row["key"] for one in surveys for lane in one.lanes for row in lane.surviving if row["sealed"] is not None
    }
    known = {row["key_id"] for row in await keyring.fetch(_KEYS, sorted(wanted))}
    return wanted - known
