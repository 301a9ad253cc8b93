"""A restored log is an older one: whatever has read further must stand still, or two histories would be mixed (trap T13)."""

from collections.abc import Iterable, Mapping
from typing import Final
from uuid import UUID

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.cloudevents import event_id_of, sequence_of
from shared.database import Connection, Pool

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


async def last_records(kafka: str, topic: str, lanes: Iterable[int]) -> dict[int, Place]:
    """The last record of each lane's partition; empty ones are left out. Raises KafkaError and Undecodable."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, enable_auto_commit=False, auto_offset_reset="earliest")
    await consumer.start()
    try:
        partitions = [TopicPartition(topic, lane) for lane in lanes]
        begins, ends = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
        found, wanted = dict[int, Place](), {tp for tp in partitions if ends[tp] > begins[tp]}
        consumer.assign(list(wanted))
        for tp in wanted:
            consumer.seek(tp, ends[tp] - 1)
        while wanted:
            for tp, messages in (await consumer.getmany(timeout_ms=POLL_MS)).items():
                found[tp.partition] = (sequence_of(messages[-1]), event_id_of(messages[-1]))
                wanted.discard(tp)
        return found
    finally:
        await consumer.stop()


async def diverged(log: Connection | Pool, places: Mapping[int, Place]) -> dict[int, str]:
    """Lane to what is wrong, for lanes in which the log does not have this event at this position."""
    columns = [list(places), *([place[at] for place in places.values()] for at in (0, 1))]
    return {
        row[
            "lane"
        ]: f"sequence {row['sequence']} is event {row['told']} in the topic, {row['held']} in the log, {WHAT_NOW}"
        if row["held"]
        else f"the topic has sequence {row['sequence']}, but the log ends at {row['head']}, {WHAT_NOW}"
        for row in await log.fetch(_LOG, *columns)
    }
