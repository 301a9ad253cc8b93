"""The newest values of the compacted topics: those of one lane as a whole, and those that come while somebody looks on."""

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final, Self
from uuid import UUID

from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.proof.comparing import SOURCES
from shared.lanes import LANES

POLL_MS: Final = 500
RECORDS_MAX: Final = 500
VALUES_MAX: Final = 2_000
"""Newest values kept for patients who wait to be looked at; what is dropped is looked at with its whole lane later."""

type Values = dict[UUID, dict[str, bytes | None]]
"""Patient to topic to value."""


class TopicValues:
    """Reads the output topics without being a member of any group."""

    def __init__(self, kafka: str) -> None:
        """`kafka` is `host:port`."""
        self._kafka = kafka
        self._tail = _consumer(kafka)
        self.newest: Values = {}

    async def __aenter__(self) -> Self:
        """From now on, what is written is noticed."""
        await self._tail.start()
        partitions = [TopicPartition(topic, lane) for topic in SOURCES for lane in range(LANES)]
        self._tail.assign(partitions)
        await self._tail.seek_to_end(*partitions)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop reading."""
        await self._tail.stop()

    async def follow(self, wait_ms: int) -> None:
        """Take in what was written since the last time; waits for something at most so long."""
        for messages in (await self._tail.getmany(timeout_ms=wait_ms, max_records=RECORDS_MAX)).values():
            _keep(self.newest, messages)
        while len(self.newest) > VALUES_MAX:
            del self.newest[next(iter(self.newest))]

    async def lane(self, lane: int) -> Values:
        """The newest value of every patient of a lane, as the topics stand now."""
        found: Values = {}
        consumer = _consumer(self._kafka)
        await consumer.start()
        try:
            partitions = [TopicPartition(topic, lane) for topic in SOURCES]
            consumer.assign(partitions)
            ends = await consumer.end_offsets(partitions)
            await consumer.seek_to_beginning(*partitions)
            while any([await consumer.position(tp) < ends[tp] for tp in partitions]):
                for messages in (await consumer.getmany(timeout_ms=POLL_MS, max_records=RECORDS_MAX)).values():
                    _keep(found, messages)
        finally:
            await consumer.stop()
        return found


def of(values: Values, patient_id: UUID) -> Mapping[str, bytes | None]:
    """A patient's newest values, None for a topic that has none."""
    return dict.fromkeys(SOURCES) | values.get(patient_id, {})


def _keep(values: Values, messages: Any) -> None:
    for message in messages:
        try:
            patient_id = UUID((message.key or b"").decode())
        except ValueError:
            continue
        values.setdefault(patient_id, {})[message.topic] = message.value


def _consumer(kafka: str) -> Any:
    return AIOKafkaConsumer(
        bootstrap_servers=kafka, enable_auto_commit=False, auto_offset_reset="earliest", fetch_max_wait_ms=POLL_MS
    )
