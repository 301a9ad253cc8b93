"""Every topic holds what the table holds: complete, in order once duplicates are dropped, each event as it was stored."""

import asyncio
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from tests.faults.check_log import Tables, Violation

LANES: Final = 16
READ_SECONDS_MAX: Final = 120.0
PLANTED: Final = "planted"
"""A header that only the harness writes: on records that it put into a topic itself."""


async def check(bootstrap: str, tables: Mapping[str, Tables]) -> list[Violation]:
    """Read every topic of events from its beginning to its end. A broker that does not let itself be read breaks the promise too."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest")
    try:
        await consumer.start()
        found: list[Violation] = []
        for service, one in tables.items():
            async with asyncio.timeout(READ_SECONDS_MAX):
                records = await _records(consumer, f"{service}.events.v1")
            found += _compare(one, records)
    except (KafkaError, TimeoutError) as error:
        return [Violation("topic", f"Kafka does not answer: {type(error).__name__}")]
    else:
        return found
    finally:
        await consumer.stop()


async def _records(consumer: Any, topic: str) -> dict[int, list[Any]]:
    partitions = [TopicPartition(topic, lane) for lane in range(LANES)]
    consumer.assign(partitions)
    await consumer.seek_to_beginning(*partitions)
    ends = await consumer.end_offsets(partitions)
    found: dict[int, list[Any]] = {lane: [] for lane in range(LANES)}
    left = {tp for tp in partitions if ends[tp] > await consumer.position(tp)}
    while left:
        for tp, messages in (await consumer.getmany(timeout_ms=500)).items():
            found[tp.partition] += messages
        left = {tp for tp in left if await consumer.position(tp) < ends[tp]}
    return found


def _compare(tables: Tables, records: Mapping[int, list[Any]]) -> Iterable[Violation]:
    by_lane: dict[int, list[Any]] = {lane: [] for lane in range(LANES)}
    for row in tables.rows:
        by_lane[row.lane].append(row)
    for lane, messages in records.items():
        where, last = f"{tables.service} lane {lane}", 0
        for message in messages:
            head = dict(message.headers)
            if PLANTED in head:
                continue
            position = int(head["ce_sequence"])
            if position > last + 1:
                yield Violation("topic", f"{where}: {position} comes after {last}")
            if position <= len(by_lane[lane]) and not _same(message, head, by_lane[lane][position - 1]):
                yield Violation("topic", f"{where}: {position} on Kafka is another event than in the table")
            last = max(last, position)
        if last < len(by_lane[lane]):
            yield Violation("topic", f"{where}: ends at {last}, the table at {len(by_lane[lane])}")


def _same(message: Any, head: Mapping[str, bytes], row: Any) -> bool:
    if head["ce_id"].decode() != row.event_id or message.key.decode() != row.key:
        return False
    told, stored = json.loads(message.value), json.loads(row.data)
    told.pop("sealed", None)
    return bool(told == stored)
