"""The relay sends the log to Kafka: every lane in order, every event at least once, nothing skipped.

Per lane: read after the cursor, send to the partition of the same number, wait for the broker, move the cursor by
compare-and-set. Who may send a lane is decided by an advisory lock; the compare-and-set is the fence when that fails.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError
from prometheus_client import Counter, Gauge

from shared.cloudevents import to_kafka, topic_of
from shared.database import UNREACHABLE, Connection, Record, assert_own_session, connect
from shared.divergence import NOTHING, cut, diverged, edges
from shared.failures import Failure
from shared.health import Finding
from shared.lanes import LANES
from shared.log.reading import COLUMNS
from shared.log.wake import CHANNEL
from shared.membership import stopped
from shared.settings import Settings

LOCK_CLASS: Final = 7_251_102
BATCH_EVENTS_MAX: Final = 500
BATCH_BYTES_MAX: Final = 900_000
LINGER_MS: Final = 0
IDLE_SECONDS: Final = 0.25
CLAIM_SECONDS: Final = 1.0
BACKOFF_SECONDS: Final = 0.5
LAST_RECORD_SECONDS_MAX: Final = 10.0
SEND_SECONDS_MAX: Final = 30.0
"""What the broker has not acknowledged by then is sent by a new producer: the library's own tries for ever."""
LOOK_SECONDS: Final = 5.0

_READ: Final = f"""
select {COLUMNS} from unnest($1::smallint[], $2::bigint[]) as c (at_lane, after)
cross join lateral (select * from log.event e where e.lane = c.at_lane and e.position > c.after order by e.position limit $3) as e
order by lane, position
"""  # noqa: S608 - columns are ours
_MOVE: Final = """
update log.relay_cursor r set position = m.reached
from unnest($1::smallint[], $2::bigint[], $3::bigint[]) as m (lane, before, reached)
where r.lane = m.lane and r.position = m.before returning r.lane
"""
_CURSORS: Final = "select lane, position from log.relay_cursor where lane = any($1::smallint[])"
_CLAIM: Final = (
    "select l from generate_series(0, $2 - 1) as l where l <> all($1::int[]) and pg_try_advisory_lock($3, l)"
)
_LAG: Final = (
    "select coalesce(sum(l.head - r.position), 0)::bigint from log.lane l join log.relay_cursor r using (lane)"
)

SENT: Final = Counter("evenkeel_relay_events_total", "Events sent to Kafka, repeats included.", ["service"])
FENCED: Final = Counter(
    "evenkeel_relay_fenced_total", "Lanes given up because another relay had moved the cursor.", ["service"]
)
FAILED: Final = Counter("evenkeel_relay_failures_total", "Rounds that failed and were repeated.", ["service"])
HALTED: Final = Gauge(
    "evenkeel_relay_halted",
    "Lanes that stand still because the topic is not the log's, until an operator acts.",
    ["service"],
)
LAG: Final = Gauge("evenkeel_relay_lag_events", "Events in the log that Kafka does not have yet.", ["service"])

logger = structlog.get_logger()


class TopicLost(Failure):
    """The topic's end went backwards: records were lost or the topic was made anew."""


@dataclass
class Lane:
    """A lane that this relay owns: the stored cursor, from where it sends, and the last offset that the broker gave."""

    stored: int
    sent: int
    offset: int


class Relay:
    """Runs until cancelled; survives the loss of broker and database."""

    def __init__(self, service: str, settings: Settings, topic: str | None = None) -> None:
        """Connects when run."""
        self._service, self._settings = service, settings
        self._topic = topic or topic_of(service)
        self._lanes: dict[int, Lane] = {}
        self._halted: dict[int, str] = {}
        self._woken = asyncio.Event()
        self._lag = 0

    async def check(self) -> Finding:
        """Ready while the broker follows the log; not while a lane stands still because its topic tells another history."""
        facts = {"lanes": len(self._lanes), "lag_events": self._lag, "halted": self._halted}
        return Finding(ready=not self._halted, facts=facts)

    async def run(self) -> None:
        """Relay for ever."""
        while True:
            try:
                await self._session()
            except (*UNREACHABLE, KafkaError, TopicLost) as error:
                FAILED.labels(self._service).inc()
                logger.warning("relay.failed", service=self._service, error=type(error).__name__)
            self._lanes.clear()
            self._halted.clear()
            await asyncio.sleep(BACKOFF_SECONDS)

    async def _session(self) -> None:
        """From connecting to the first failure. The locks end with the connection."""
        connection = await connect(self._settings.database_dsn, name=f"{self._service} relay")
        producer = AIOKafkaProducer(
            bootstrap_servers=self._settings.kafka,
            enable_idempotence=True,
            acks="all",
            compression_type="zstd",
            linger_ms=LINGER_MS,
            max_batch_size=BATCH_BYTES_MAX,
            request_timeout_ms=15_000,
        )
        looking = AIOKafkaConsumer(bootstrap_servers=self._settings.kafka, enable_auto_commit=False)
        try:
            await assert_own_session(connection)
            await connection.add_listener(CHANNEL, lambda *_: self._woken.set())
            await producer.start()
            await looking.start()
            claim_at = look_at = 0.0
            while True:
                now = asyncio.get_running_loop().time()
                if now >= claim_at:
                    await self._claim(connection)
                    claim_at = now + CLAIM_SECONDS
                if now >= look_at:
                    await self._look(looking)
                    look_at = now + LOOK_SECONDS
                if not await self._round(connection, producer):
                    self._woken.clear()
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._woken.wait(), IDLE_SECONDS)
        finally:
            await asyncio.gather(stopped(producer), stopped(looking))
            connection.terminate()

    async def _claim(self, connection: Connection) -> None:
        """Take the lanes that nobody owns, and find out what the topic lacks of them."""
        free = [row["l"] for row in await connection.fetch(_CLAIM, [*self._lanes, *self._halted], LANES, LOCK_CLASS)]
        self._lag = await connection.fetchval(_LAG)
        LAG.labels(self._service).set(self._lag)
        if not free:
            return
        async with asyncio.timeout(LAST_RECORD_SECONDS_MAX):
            found = await edges(self._settings.kafka, self._topic, free)
        self._halt(await diverged(connection, {lane: one.last for lane, one in found.items()}))
        free = [lane for lane in free if lane not in self._halted]
        if torn := [lane for lane in free if found.get(lane, NOTHING).first != NOTHING.first]:
            # A relay went on in a topic that had been made anew, before it noticed: no reader gets past such a beginning.
            logger.warning("relay.cut", service=self._service, lanes=torn)
            await cut(self._settings.kafka, self._topic, torn)
            found = {lane: one for lane, one in found.items() if lane not in torn}
        for row in await connection.fetch(_CURSORS, free):
            # The topic may lack what the cursor has passed (lost broker): send it again. Duplicates drop out.
            end = found.get(row["lane"], NOTHING)
            self._lanes[row["lane"]] = Lane(row["position"], min(row["position"], end.last[0]), end.offset)
        logger.info("relay.claimed", service=self._service, lanes=len(free))

    async def _look(self, looking: AIOKafkaConsumer) -> None:
        """Raises TopicLost: who has nothing to send would not notice, and a new reader would find nothing."""
        async with asyncio.timeout(LAST_RECORD_SECONDS_MAX):
            ends = await looking.end_offsets([TopicPartition(self._topic, lane) for lane in self._lanes])
        if any(end <= self._lanes[tp.partition].offset for tp, end in ends.items()):
            raise TopicLost

    def _halt(self, lanes: dict[int, str]) -> None:
        """Send nothing of lanes whose topic is not the log's: the records would be dropped as duplicates, unseen (trap T13)."""
        self._halted |= lanes
        HALTED.labels(self._service).set(len(self._halted))
        for lane, reason in lanes.items():
            logger.critical("relay.halted", service=self._service, lane=lane, reason=reason)

    async def _round(self, connection: Connection, producer: AIOKafkaProducer) -> bool:
        """Send what there is, wait for the broker, move the cursors; whether there was anything."""
        lanes = list(self._lanes)
        rows = await connection.fetch(_READ, lanes, [self._lanes[lane].sent for lane in lanes], BATCH_EVENTS_MAX)
        if not rows:
            return False
        by_lane: dict[int, list[Record]] = {}
        for row in rows:
            by_lane.setdefault(row["lane"], []).append(row)
        async with asyncio.timeout(SEND_SECONDS_MAX):
            sent = await asyncio.gather(*(self._send(producer, lane, batch) for lane, batch in by_lane.items()))
        reached = dict(zip(by_lane, sent, strict=True))
        SENT.labels(self._service).inc(len(rows))
        await self._move(connection, reached)
        return True

    async def _send(self, producer: AIOKafkaProducer, lane: int, rows: Sequence[Record]) -> int:
        """One lane's events, batch after batch; the position that the broker has acknowledged."""
        batch, waiting = producer.create_batch(), list(rows)
        position = self._lanes[lane].sent
        while waiting:
            filled = 0
            for row in waiting:
                key, value, headers = to_kafka(self._service, row)
                stamp = int(row["recorded_at"].timestamp() * 1000)
                if batch.append(key=key, value=value, timestamp=stamp, headers=headers) is None:
                    break
                filled += 1
            acknowledged = await (await producer.send_batch(batch, self._topic, partition=lane))
            if acknowledged.offset <= self._lanes[lane].offset:
                raise TopicLost
            self._lanes[lane].offset = acknowledged.offset + filled - 1
            position = waiting[filled - 1]["position"]
            batch, waiting = producer.create_batch(), waiting[filled:]
        return position

    async def _move(self, connection: Connection, reached: dict[int, int]) -> None:
        """Move the cursors of lanes that went beyond them; a lane whose cursor was moved by another relay is given up."""
        ahead = {lane: to for lane, to in reached.items() if to > self._lanes[lane].stored}
        for lane, to in reached.items():
            self._lanes[lane].sent = to
        if not ahead:
            return
        before = [self._lanes[lane].stored for lane in ahead]
        moved = {row["lane"] for row in await connection.fetch(_MOVE, list(ahead), before, list(ahead.values()))}
        for lane, to in ahead.items():
            if lane in moved:
                self._lanes[lane].stored = to
            else:
                FENCED.labels(self._service).inc()
                logger.warning("relay.fenced", service=self._service, lane=lane)
                del self._lanes[lane]
                await connection.execute("select pg_advisory_unlock($1, $2)", LOCK_CLASS, lane)
