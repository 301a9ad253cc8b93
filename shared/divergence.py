"""A restored log is an older one: whatever has read further must stand still, or two histories would be mixed (trap T13)."""

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, Final
from uuid import UUID

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.cloudevents import event_id_of, sequence_of
from shared.codec import Undecodable
from shared.database import Connection, Pool
from shared.failures import Failure

LAST_RECORD_SECONDS_MAX: Final = 10.0
POLL_MS: Final = 500
WHAT_NOW: Final = "as after a restored backup; see `evenkeel recover`"

_LOG: Final = """
select l.lane, l.head, e.event_id from unnest($1::smallint[], $2::bigint[]) as told (at_lane, sequence)
join log.lane l on l.lane = told.at_lane left join log.event e on e.lane = told.at_lane and e.position = told.sequence
"""

type Place = tuple[int, UUID]
"""A position in a lane, and the event there."""


class Diverged(Failure):
    """The log and its topic tell two histories."""


async def last_records(kafka: str, topic: str, lanes: Iterable[int]) -> dict[int, Place]:
    """The last record of each lane's partition; empty ones are left out. Raises TimeoutError, KafkaError and Undecodable."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, enable_auto_commit=False, auto_offset_reset="earliest")
    await consumer.start()
    try:
        partitions = [TopicPartition(topic, lane) for lane in lanes]
        begins, ends = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
        found: dict[int, Place] = {}
        wanted = {tp for tp in partitions if ends[tp] > begins[tp]}
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
    found = {}
    for row in await log.fetch(_LOG, list(places), [sequence for sequence, _ in places.values()]):
        sequence, event_id = places[row["lane"]]
        if row["event_id"] is None:
            found[row["lane"]] = f"the topic has sequence {sequence}, but the log ends at {row['head']}, {WHAT_NOW}"
        elif row["event_id"] != event_id:
            found[row["lane"]] = (
                f"sequence {sequence} is event {event_id} in the topic, but {row['event_id']} in the log, {WHAT_NOW}"
            )
    return found


async def not_in_log(log: Connection | Pool, lane: int, messages: Iterable[Any]) -> str | None:
    """Why the last of a lane's records is not this log's; None when it is, or when none of them says which it is."""
    for message in reversed(list(messages)):
        with suppress(Undecodable):
            place = sequence_of(message), event_id_of(message)
            return (await diverged(log, {lane: place})).get(lane)
    return None


async def assert_one_history(log: Pool, kafka: str, topic: str, lanes: Iterable[int]) -> None:
    """Raises Diverged when the topic of this log ends with something that is not in it."""
    async with asyncio.timeout(LAST_RECORD_SECONDS_MAX):
        last = await last_records(kafka, topic, lanes)
    if found := await diverged(log, last):
        raise Diverged("; ".join(f"lane {lane}: {reason}" for lane, reason in sorted(found.items())))
