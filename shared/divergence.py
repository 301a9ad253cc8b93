"""A restored log is an older one: whatever has read further must stand still, or two histories would be mixed (trap T13)."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple
from uuid import UUID

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from shared.cloudevents import event_id_of, sequence_of
from shared.database import Connection, Pool, Record

POLL_MS: Final = 500
WHAT_NOW: Final = "as after a restored backup; see `evenkeel recover`"

_LOG: Final = """
select l.lane, l.head, told.sequence, told.event_id as told, e.event_id as held
from unnest($1::smallint[], $2::bigint[], $3::uuid[]) as told (at_lane, sequence, event_id)
join log.lane l on l.lane = told.at_lane left join log.event e on e.lane = told.at_lane and e.position = told.sequence
where e.event_id is distinct from told.event_id
"""

type Place = tuple[int, UUID]
"""A position in a lane, and the event there."""


class Edges(NamedTuple):
    """A partition's last record, the offset at which it lies, and the sequence of the first record."""

    last: Place
    offset: int
    first: int


NOTHING: Final = Edges((0, UUID(int=0)), -1, 1)
"""An empty partition: it is as if the lane's first event came next."""


async def edges(kafka: str, topic: str, lanes: Iterable[int]) -> dict[int, Edges]:
    """Where each lane's partition begins and ends; empty ones are left out. Raises KafkaError and Undecodable."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, enable_auto_commit=False, auto_offset_reset="earliest")
    await consumer.start()
    try:
        partitions = [TopicPartition(topic, lane) for lane in lanes]
        begins, ends = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
        held = [tp for tp in partitions if ends[tp] > begins[tp]]
        first = await _records(consumer, {tp: begins[tp] for tp in held})
        last = await _records(consumer, {tp: ends[tp] - 1 for tp in held})
        return {
            tp.partition: Edges((sequence_of(one), event_id_of(one)), one.offset, sequence_of(first[tp]))
            for tp, one in last.items()
        }
    finally:
        await consumer.stop()


async def _records(consumer: AIOKafkaConsumer, offsets: Mapping[TopicPartition, int]) -> dict[TopicPartition, Any]:
    """The record at each of these offsets."""
    found = dict[TopicPartition, Any]()
    consumer.assign(list(offsets))
    for tp, offset in offsets.items():
        consumer.seek(tp, offset)
    while len(found) < len(offsets):
        for tp, messages in (await consumer.getmany(timeout_ms=POLL_MS)).items():
            found.setdefault(tp, messages[0])
    return found


async def cut(kafka: str, topic: str, lanes: Iterable[int]) -> None:
    """Delete everything in these lanes' partitions, so that they can begin with the first event again. Raises KafkaError."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        await admin.delete_records({TopicPartition(topic, lane): RecordsToDelete(before_offset=-1) for lane in lanes})
    finally:
        await admin.close()


async def diverged(log: Connection | Pool, places: Mapping[int, Place]) -> dict[int, str]:
    """Lane to what is wrong, for lanes in which the log does not have this event at this position."""
    columns = [list(places), *([place[at] for place in places.values()] for at in (0, 1))]
    return {row["lane"]: f"{_told(row)}, {WHAT_NOW}" for row in await log.fetch(_LOG, *columns)}


def _told(row: Record) -> str:
    if row["held"]:
        return f"sequence {row['sequence']} is event {row['told']} in the topic, {row['held']} in the log"
    return f"the topic has sequence {row['sequence']}, but the log ends at {row['head']}"
