"""Drives a ward: its topics, the records in them, the workers that fold them, and what must come out."""

import asyncio
import multiprocessing
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from uuid import UUID, uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from shared.cloudevents import Headers
from shared.codec import Codec
from shared.database import connect
from shared.fold import Value, read
from tests.shared.fold import program, ward
from tests.shared.fold.records import record_of
from tests.shared.fold.working import POLL_SECONDS, Worker, until

SEEN_SECONDS_MAX = 20.0
PARKED = """
select key, topic, reason, value from projection.parked where consumer = $1 order by parked_at, topic, partition, record_offset
"""
QUICK = {
    "session_seconds": 6.0,
    "heartbeat_seconds": 0.5,
    "commit_seconds": 0.3,
    "look_seconds": 0.5,
    "stop_seconds_max": 40.0,
}


# Each worker is a process of its own, forked from one that has the imports behind it: they take longer than the rest.
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload([program.__name__])


@dataclass(frozen=True)
class Parked:
    """One row of `projection.parked`."""

    key: str
    topic: str
    reason: str
    value: bytes | None


@dataclass
class Ward:
    """One fold with topics of its own. Patients are numbered; a patient's lane is the number modulo the partitions."""

    bootstrap: str
    dsn: str
    folder: Path
    partitions: int = 4
    name: str = field(default_factory=lambda: f"ward{uuid4().hex[:8]}")
    positions: dict[tuple[str, int], int] = field(default_factory=lambda: defaultdict(int))
    counted: dict[UUID, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))
    values: dict[UUID, Value] = field(default_factory=dict)
    raw_values: dict[bytes, bytes] = field(default_factory=dict)
    written: int = 0
    sent: list[dict[str, Any]] = field(default_factory=list)
    workers: list[Worker] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        self.codec = Codec(ward)
        self.producer = AIOKafkaProducer(bootstrap_servers=self.bootstrap)
        self.admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        self.consumer = AIOKafkaConsumer(bootstrap_servers=self.bootstrap, auto_offset_reset="earliest")
        await asyncio.gather(self.producer.start(), self.admin.start(), self.consumer.start())
        await self.make_topics()
        self.follow()
        return self

    async def __aexit__(self, *_: object) -> None:
        for worker in self.workers:
            worker.kill()
        self.following.cancel()
        await asyncio.gather(self.producer.stop(), self.admin.close(), self.consumer.stop())

    async def create(self, topics: list[str], config: Mapping[str, str], partitions: int | None = None) -> None:
        new = [NewTopic(topic, partitions or self.partitions, 1, topic_configs=dict(config)) for topic in topics]
        await self.admin.create_topics(new)
        ends_at = time.monotonic() + SEEN_SECONDS_MAX
        while any(not topic["partitions"] for topic in await self.admin.describe_topics(topics)):
            assert time.monotonic() < ends_at, topics
            await asyncio.sleep(POLL_SECONDS)

    @property
    def output(self) -> str:
        return ward.ward_fold(self.name, ward).output

    @property
    def app_id(self) -> str:
        return ward.ward_fold(self.name, ward).app_id

    def topic(self, service: str) -> str:
        return f"{service}.{self.name}"

    def flag(self, name: str) -> str:
        return str(self.folder / f"{self.name}.{name}")

    @staticmethod
    def patient(number: int) -> UUID:
        return UUID(int=number + 1)

    def start(self, *, limits: Mapping[str, float] | None = None, **options: Any) -> Worker:
        """Start a worker. With the same `instance` a killed one's lanes come back at once."""
        number = len(self.workers)
        folder = self.folder / f"{self.name}-{number}"
        told = {
            "name": self.name,
            "bootstrap": self.bootstrap,
            "folder": str(folder),
            "dsn": self.dsn,
            "limits": {**QUICK, **(limits or {})},
            **options,
        }
        output = self.folder / f"{self.name}-{number}.log"
        output.touch()
        process = FORKS.Process(target=program.begin, args=(told, str(output)))
        process.start()
        self.workers.append(Worker(process, output))
        return self.workers[-1]

    async def count(self, number: int, note: str, *, service: str = "north", act: str = "", amount: int = 1) -> None:
        """Publish one event and expect it to be folded once."""
        event = ward.Counted(note, amount, act)
        lane = number % self.partitions
        position = self.next_position(service, lane)
        self.counted[self.patient(number)][note] = 1
        record = record_of(self.codec, service, lane, position, event, patient=self.patient(number))
        await self.send(service, lane, *record)

    async def pass_by(self, number: int, *, service: str = "north") -> None:
        """Publish one event about a group; no fold takes it in."""
        lane = number % self.partitions
        record = record_of(
            self.codec,
            service,
            lane,
            self.next_position(service, lane),
            ward.Counted("group", 1),
            patient=None,
            key=str(UUID(int=7000 + number)),
        )
        await self.send(service, lane, *record)

    def next_position(self, service: str, lane: int) -> int:
        self.positions[service, lane] += 1
        return self.positions[service, lane]

    async def send(self, service: str, lane: int, key: bytes | None, value: bytes | None, headers: Headers) -> None:
        record = {"topic": self.topic(service), "value": value, "key": key, "partition": lane, "headers": headers}
        self.sent.append(record)
        await self.producer.send(**record)

    async def settles(self, seconds: float = 90.0) -> None:
        """Wait until every counted event is in the values, once."""
        await self.producer.flush()
        await until(lambda: self.times() == self.counted, seconds, self._difference)

    async def settles_roughly(self, events: int) -> None:
        """Wait until so many events are in the values."""
        await until(lambda: sum(map(len, self.times().values())) >= events, 60.0, self._difference)

    async def again(self) -> None:
        """The relay sends the last record once more, as after a crash."""
        await self.producer.send_and_wait(**self.sent[-1])

    async def lose(self, topic: str, config: Mapping[str, str]) -> None:
        """The topic's data is gone; the topic is made again, empty."""
        self.following.cancel()
        await self.admin.delete_topics([topic])
        await asyncio.sleep(1)
        await self.create([topic], config)
        self.follow()

    async def make_topics(self) -> None:
        """All of the ward's topics, empty."""
        await self.create([self.topic(service) for service in ward.SERVICES], {})
        await self.create([self.output], {"cleanup.policy": "compact"})

    async def refill(self) -> None:
        """The relay sends all it has, each once."""
        for record in {id(one): one for one in self.sent}.values():
            await self.producer.send_and_wait(**record)

    def times(self) -> dict[UUID, dict[str, int]]:
        """How often each event changed the state, as the newest values say."""
        return {patient: value.facts["times"] for patient, value in self.values.items() if "times" in value.facts}

    async def parked(self) -> list[Parked]:
        """What was parked, in order."""
        connection = await connect(self.dsn, name="tests")
        try:
            rows = await connection.fetch(PARKED, self.app_id)
        finally:
            await connection.close()
        return [Parked(*row) for row in rows]

    async def parks(self, events: int, seconds: float = 30.0) -> list[Parked]:
        """The parked events, once there are so many."""
        ends_at = time.monotonic() + seconds
        while len(found := await self.parked()) < events:
            assert time.monotonic() < ends_at, found
            await asyncio.sleep(POLL_SECONDS)
        return found

    async def lag(self) -> int:
        """Events of the sources behind the group's committed offsets."""
        lanes = [TopicPartition(self.topic(s), p) for s in ward.SERVICES for p in range(self.partitions)]
        commits = await self.admin.list_consumer_group_offsets(self.app_id, partitions=lanes)
        ends = await self.consumer.end_offsets(lanes)
        return sum(ends[lane] - max(0, commits[lane].offset) for lane in lanes)

    async def commits(self, seconds: float = 20.0) -> None:
        """Wait until the group has committed past everything that was sent."""
        ends_at = time.monotonic() + seconds
        while behind := await self.lag():
            assert time.monotonic() < ends_at, behind
            await asyncio.sleep(POLL_SECONDS)

    def _difference(self) -> str:
        times = self.times()
        wrong = {p: (times.get(p), n) for p, n in self.counted.items() if times.get(p) != n}
        logs = "\n".join(w.output.read_text()[-1500:] for w in self.workers[-2:])
        return f"{len(wrong)} patients differ, such as {str(list(wrong.items())[:1])[:1000]}\n{logs}"

    def follow(self) -> None:
        """Collect the values from the beginning of the output."""
        self.values.clear()
        lanes = [TopicPartition(self.output, partition) for partition in range(self.partitions)]
        self.consumer.assign(lanes)
        self.following = asyncio.ensure_future(self._collect())

    async def _collect(self) -> None:
        async for record in self.consumer:
            self.written += 1
            self.raw_values[record.key] = record.value
            self.values[UUID(record.key.decode())] = read(record.value)
