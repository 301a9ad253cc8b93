"""A projector keeps read tables from a topic: rows and checkpoint change in one transaction, so each event counts once."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError
from prometheus_client import Counter, Gauge

from shared.checkpoint import Checkpoint, Fenced, Gap, Halted, OtherVersion, Reader
from shared.cloudevents import topic_of
from shared.database import UNREACHABLE, Connection, Pool
from shared.divergence import diverged
from shared.health import Finding
from shared.membership import leave_when_stopped, stopped
from shared.parking import Ratio, TooMuchParked, limits_of
from shared.projection import Projection, TableProjection, Write, run_writes
from shared.settings import Settings

__all__ = ["CHANNEL", "Projection", "Projector", "TableProjection", "Write", "run_writes"]

POLL_MS: Final = 1000
RECORDS_MAX: Final = 500
BACKOFF_SECONDS: Final = 0.5
UNASSIGNED_SECONDS_MAX: Final = 60.0
POLL_SECONDS_MAX: Final = 60.0
"""The library waits for the end of a rebalance for as long as it takes; a new consumer is better."""
STILL_SECONDS_MAX: Final = 15.0
SESSION_MS: Final = 12_000
METADATA_MS: Final = 10_000
"""A topic that was lost and made anew is noticed after so long; the library's five minutes are an outage."""
CHANNEL: Final = "projected"

_CHECKPOINT: Final = """
select next_offset, last_sequence, last_event_id from projection.checkpoint where projection = $1 and topic = $2 and partition = $3
"""
_FIRST: Final = """
insert into projection.checkpoint (projection, topic, partition, next_offset, version)
values ($1, $2, $3, 0, coalesce((select max(version) from projection.checkpoint where projection = $1), $4)) on conflict do nothing
"""
_LOCK: Final = """
select next_offset, version from projection.checkpoint where projection = $1 and topic = $2 and partition = $3 for update
"""
_MOVE: Final = """
update projection.checkpoint set next_offset = $5, last_sequence = $6, last_event_id = $7, moved_at = clock_timestamp()
where projection = $1 and topic = $2 and partition = $3 and next_offset = $4
"""

FENCED: Final = Counter(
    "evenkeel_projection_fenced_total", "Batches given up because another projector was faster.", ["projection"]
)
HALTED: Final = Gauge(
    "evenkeel_projection_halted", "Partitions that stand still until an operator acts.", ["projection"]
)
LAG: Final = Gauge("evenkeel_projection_lag_records", "Records of the topic not read yet.", ["projection"])

logger = structlog.get_logger()


class Projector(ConsumerRebalanceListener):  # type: ignore[misc]  # the library ships no types
    """Runs one reader until cancelled; survives the loss of broker and database."""

    def __init__(self, reader: Reader, pool: Pool, settings: Settings, group: str, instance: str | None = None) -> None:
        """Processes of one `group`, `<service>.<reader>`, share the partitions; a killed `instance` finds its own kept for it."""
        self._reader, self._pool, self._settings, self._group = reader, pool, settings, group
        self._instance, self._own_topic = instance, topic_of(group.partition(".")[0])
        self._halted: dict[TopicPartition, str] = {}
        self._checkpoints: dict[TopicPartition, Checkpoint] = {}
        self._rewound: set[TopicPartition] = set()
        self._waits: set[TopicPartition] = set()
        self._ratio = Ratio(limits_of(settings))
        self._consumer: Any = None
        self._lag = 0

    async def check(self) -> Finding:
        """Not ready while a partition stands still."""
        halted = {f"{tp.topic}/{tp.partition}": reason for tp, reason in self._halted.items()}
        if self._waits:
            halted["*"] = OtherVersion.title()
        return Finding(
            ready=not halted, facts={"lag_records": self._lag, "partitions": len(self._checkpoints), "halted": halted}
        )

    async def run(self) -> None:
        """Project for ever."""
        while True:
            try:
                await self._session()
            except TooMuchParked:
                logger.critical("projection.stopped", projection=self._reader.name)
                self._halted[TopicPartition("*", 0)] = TooMuchParked.title()
                HALTED.labels(self._reader.name).set(len(self._halted))
                return
            except (*UNREACHABLE, KafkaError) as error:
                logger.warning("projection.interrupted", projection=self._reader.name, error=type(error).__name__)
            await asyncio.sleep(BACKOFF_SECONDS)

    async def _session(self) -> None:
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=self._settings.kafka,
            group_id=self._group,
            group_instance_id=self._instance,
            enable_auto_commit=False,
            # Also for a topic that is shorter than the checkpoint (lost, being refilled): duplicates drop out.
            auto_offset_reset="earliest",
            session_timeout_ms=SESSION_MS,
            heartbeat_interval_ms=SESSION_MS // 4,
            metadata_max_age_ms=METADATA_MS,
            max_poll_records=RECORDS_MAX,
            fetch_max_wait_ms=POLL_MS,
        )
        self._consumer.subscribe(list(self._reader.topics), listener=self)
        await self._consumer.start()
        try:
            await self._follow()
            # Who was killed while the topics were missing comes back to the nothing that is kept for it: leave, and join anew.
            logger.warning("projection.unassigned", projection=self._reader.name)
        finally:
            leave_when_stopped(self._consumer)
            await stopped(self._consumer)

    async def _follow(self) -> None:
        """Until no partition has been assigned for long. Raises TimeoutError when the consumer brings nothing any more."""
        assigned_at = moved_at = time.monotonic()
        while self._checkpoints or time.monotonic() - assigned_at < UNASSIGNED_SECONDS_MAX:
            async with asyncio.timeout(POLL_SECONDS_MAX):
                moved = await self._poll()
            now = time.monotonic()
            assigned_at = now if self._checkpoints else assigned_at
            if not moved and now - moved_at > STILL_SECONDS_MAX:
                await self._assert_at_the_end()
                moved = True
            moved_at = now if moved else moved_at

    async def _assert_at_the_end(self) -> None:
        """Raises TimeoutError when there are records that nobody brought."""
        going = [tp for tp in self._checkpoints if tp not in self._halted]
        begins, ends = await self._consumer.beginning_offsets(going), await self._consumer.end_offsets(going)
        if any(
            ends[tp] > max(begins[tp], self._checkpoints[tp].next_offset) for tp in going if tp in self._checkpoints
        ):
            raise TimeoutError

    async def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:
        """Forget; whoever has the partition next reads the checkpoint from PostgreSQL."""
        for tp in revoked:
            self._checkpoints.pop(tp, None)
            self._halted.pop(tp, None)
            self._waits.discard(tp)
        HALTED.labels(self._reader.name).set(len(self._halted))

    async def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        """Start where PostgreSQL says, not where the group's offsets say."""
        for tp in assigned:
            await self._seek(tp)

    async def _seek(self, tp: TopicPartition) -> None:
        where = (self._reader.name, tp.topic, tp.partition)
        async with self._pool.acquire() as connection:
            row = await connection.fetchrow(_CHECKPOINT, *where)
            if row is None:
                await connection.execute(_FIRST, *where, self._reader.version)
                row = await connection.fetchrow(_CHECKPOINT, *where)
        self._checkpoints[tp] = Checkpoint(row["next_offset"], row["last_sequence"], row["last_event_id"])
        self._consumer.seek(tp, row["next_offset"])

    async def _poll(self) -> bool:
        """Apply what came; whether anything did."""
        await self._look_again()
        batches = await self._consumer.getmany(timeout_ms=POLL_MS, max_records=RECORDS_MAX)
        for tp, messages in batches.items():
            if tp in self._checkpoints and tp not in self._halted:
                await self._apply(tp, messages)
        self._measure()
        return bool(batches)

    async def _look_again(self) -> None:
        """A relay puts a lane that begins in the middle right, by deleting what is there: then begin with what came instead."""
        halted = [tp for tp in self._halted if tp in self._checkpoints]
        begins = await self._consumer.beginning_offsets(halted) if halted else {}
        for tp in halted:
            if begins[tp] > self._checkpoints[tp].next_offset:
                del self._halted[tp]
                HALTED.labels(self._reader.name).set(len(self._halted))
                self._consumer.resume(tp)
                await self._from_the_beginning(tp)

    async def _from_the_beginning(self, tp: TopicPartition) -> None:
        logger.warning("projection.rewound", **self._at(tp))
        begin = (await self._consumer.beginning_offsets([tp]))[tp]
        where = (self._reader.name, tp.topic, tp.partition)
        known = self._checkpoints[tp]
        async with self._pool.acquire() as connection:
            await connection.execute(_MOVE, *where, known.next_offset, begin, known.last_sequence, known.last_event_id)
        await self._seek(tp)

    async def _apply(self, tp: TopicPartition, messages: Sequence[Any]) -> None:
        known = self._checkpoints[tp]
        try:
            async with self._pool.acquire() as connection, connection.transaction():
                await self._lock(connection, tp, known)
                reached = await self._reader.apply(connection, known, messages, self._ratio)
                await self._move(connection, tp, known, reached)
                await connection.execute("select pg_notify($1, $2)", CHANNEL, self._reader.name)
        except Gap as gap:
            # A topic that was lost and refilled has other offsets: what is missing may stand before where we began.
            if tp in self._rewound:
                self._halt(tp, gap)
            else:
                self._rewound.add(tp)
                await self._from_the_beginning(tp)
        except Halted as halted:
            self._halt(tp, halted)
        except OtherVersion:
            self._waits.add(tp)
            self._consumer.seek(tp, known.next_offset)
            await asyncio.sleep(BACKOFF_SECONDS)
        except Fenced:
            FENCED.labels(self._reader.name).inc()
            logger.warning("projection.fenced", **self._at(tp))
            await self._seek(tp)
        else:
            self._waits.discard(tp)
            self._checkpoints[tp] = reached
            if reached.next_offset <= messages[-1].offset:
                self._consumer.seek(tp, reached.next_offset)
            if reached.last_sequence != known.last_sequence:
                self._rewound.discard(tp)
            with suppress(KafkaError):
                await self._consumer.commit({tp: reached.next_offset})

    async def _lock(self, connection: Connection, tp: TopicPartition, known: Checkpoint) -> None:
        """The fence comes first: whoever is late must not take what is applied already for an event's fault."""
        row = await connection.fetchrow(_LOCK, self._reader.name, tp.topic, tp.partition)
        if row is None or row["next_offset"] != known.next_offset:
            raise Fenced
        if row["version"] != self._reader.version:
            raise OtherVersion

    async def _move(self, connection: Connection, tp: TopicPartition, known: Checkpoint, reached: Checkpoint) -> None:
        if tp.topic == self._own_topic and reached.last_sequence and reached.last_event_id:
            place = (reached.last_sequence, reached.last_event_id)
            for reason in (await diverged(connection, {tp.partition: place})).values():
                raise Halted(reason)  # what this service has told, its log must have
        done = await connection.execute(
            _MOVE,
            *(self._reader.name, tp.topic, tp.partition, known.next_offset),
            *(reached.next_offset, reached.last_sequence, reached.last_event_id),
        )
        if done != "UPDATE 1":
            raise Fenced

    def _halt(self, tp: TopicPartition, halted: Halted) -> None:
        self._halted[tp] = str(halted)
        self._consumer.pause(tp)
        HALTED.labels(self._reader.name).set(len(self._halted))
        logger.critical("projection.halted", **self._at(tp), reason=str(halted))

    def _at(self, tp: TopicPartition) -> dict[str, Any]:
        return {"projection": self._reader.name, "topic": tp.topic, "partition": tp.partition}

    def _measure(self) -> None:
        marks = ((self._consumer.highwater(tp), checkpoint) for tp, checkpoint in self._checkpoints.items())
        self._lag = sum(max(0, mark - checkpoint.next_offset) for mark, checkpoint in marks if mark)
        LAG.labels(self._reader.name).set(self._lag)
