"""What a fold's committed offsets prove: with each goes the last position folded and the last value written."""

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, Final

import msgspec
import structlog
from aiokafka.errors import CommitFailedError
from aiokafka.structs import OffsetAndMetadata, TopicPartition
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from shared.fold_guard import Guard, die
from shared.fold_lanes import Lane, Reading
from shared.membership import STOP_SECONDS_MAX, leave_when_stopped

log = structlog.get_logger()

FETCH_WAIT_MS: Final = 100
"""How long the broker may hold an empty fetch. Questions about offsets wait behind it on the same connection."""

NO_COMMIT: Final = OffsetAndMetadata(-1, "")


class Mark(msgspec.Struct, frozen=True):
    """Stored beside a committed offset: all positions up to `settled`, which is event `event_id`, are done; `written` is the
    last value's offset.
    """

    settled: int = 0
    written: int = -1
    event_id: str = ""

    @classmethod
    def parse(cls, metadata: str) -> "Mark":
        """The mark of a commit. A commit made by another program has none: nothing is proven."""
        with suppress(msgspec.MsgspecError):
            return msgspec.json.decode(metadata, type=cls)
        return cls()


class MarkingThread(driver.AIOKafkaConsumerThread):
    """Faust's consumer thread, committing a mark with each offset."""

    app: Any

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS  # noqa: SLF001 - Faust fixes it at 1,500
        return consumer

    async def on_thread_stop(self) -> None:
        """Leave the group."""
        if self._consumer is not None:
            leave_when_stopped(self._consumer)
        await super().on_thread_stop()

    async def leave(self) -> None:
        """Leave the group for good: whoever was killed while the topics were missing comes back to the nothing that is kept for it."""
        consumer = self._ensure_consumer()
        leave_when_stopped(consumer)
        await consumer._coordinator._maybe_leave_group()  # noqa: SLF001 - aiokafka leaves only when it is closed

    async def pause(self, lanes: Iterable[TP]) -> None:
        """Fetch these no more. Faust only ignores what is fetched, and each such record holds up the others 0.1 s."""
        self._ensure_consumer().pause(*(TopicPartition(*lane) for lane in lanes))

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        guard: Guard = self.app.guard
        marked = {
            TopicPartition(tp.topic, tp.partition): OffsetAndMetadata(offset, mark_of(guard, tp))
            for tp, offset in offsets.items()
            if tp in self.assignment() and tp in guard.readings and not guard.readings[tp].rewound
        }
        return not marked or await self.commit_marked(marked)

    async def commit_marked(self, marked: Mapping[TopicPartition, OffsetAndMetadata]) -> bool:
        """False when the lanes belong to another process by now; it reads them from the last commit."""
        with suppress(CommitFailedError):
            await self._ensure_consumer().commit(marked)
            return True
        return False

    async def committed(self, lanes: Iterable[TP]) -> Mapping[TP, OffsetAndMetadata]:
        """The group's commits, with their marks."""
        coordinator = self._ensure_consumer()._coordinator  # noqa: SLF001 - aiokafka gives the metadata nowhere else
        found = await coordinator.fetch_committed_offsets([TopicPartition(*lane) for lane in lanes])
        return {lane: found.get(TopicPartition(*lane), NO_COMMIT) for lane in lanes}


class ProvingConsumer(driver.Consumer):
    """Faust's consumer, which believes a committed offset only as far as its mark agrees with the topics."""

    app: Any
    _thread: MarkingThread

    def _new_consumer_thread(self) -> MarkingThread:
        return MarkingThread(self, loop=self.loop, beacon=self.beacon)

    async def verify(self) -> None:
        """Find out how far each lane was read. A lane whose values are lost is set back to its start.

        Called when the values are recovered and before the sources flow: Faust lets them flow before it seeks.
        """
        guard: Guard = self.app.guard
        sources = sorted(tp for tp in self.assignment() if tp.topic in guard.fold.sources)
        outputs = sorted(tp for tp in self.assignment() if tp.topic == guard.fold.output)
        owned = {tp.partition for tp in outputs}
        if len(sources) != len(owned) * len(guard.fold.sources) or {tp.partition for tp in sources} != owned:
            # Else the broker would keep the same for whoever comes back under this name.
            await self.leave()
            lanes = {"sources": len(sources), "outputs": len(outputs)}
            die("the sources' lanes and the values' are not assigned together", **lanes)
        if not sources:
            guard.assigned({}, {})
            return
        commits = await self._thread.call_thread(self._thread.committed, sources)
        starts, highwaters = await asyncio.gather(self.earliest_offsets(*sources), self.highwaters(*outputs))
        ends = {tp.partition: end for tp, end in highwaters.items()}
        # Else what was folded would drop out as known from memory and never be written again.
        if any(self.app.tables.recovery.active_offsets.get(tp, -1) >= ends[tp.partition] for tp in outputs):
            die("the values in memory are not on Kafka any more", lanes=sorted(owned))
        marks = {tp: Mark.parse(commits[tp].metadata) for tp in sources}
        lost = {tp.partition for tp in sources if marks[tp].written >= ends[tp.partition]}
        readings: dict[Lane, Reading] = {}
        for tp in sources:
            offset = commits[tp].offset
            from_start = tp.partition in lost or offset <= starts[tp]
            settled = 0 if tp.partition in lost or offset < 0 else marks[tp].settled
            settled_id = marks[tp].event_id if settled else ""
            readings[tp] = Reading(settled, from_start, settled_id, starts[tp] if from_start else offset, starts[tp])
        guard.assigned(readings, ends)
        log.info("fold.assigned", lanes=sorted(owned), lost=sorted(lost), patients=len(guard.table))
        await self._thread.call_thread(self._thread.pause, outputs)
        if lost:
            await self.rewind({tp: 0 for tp in sources if tp.partition in lost})
            await self.seek_wait({tp: starts[tp] for tp in sources if tp.partition in lost})
            for tp in sources:
                readings[tp].rewound = False

    async def leave(self) -> None:
        """Leave the group; this consumer is of no use any more. A broker that cannot be asked keeps nothing for anybody either."""
        with suppress(Exception):
            await asyncio.wait_for(self._thread.call_thread(self._thread.leave), STOP_SECONDS_MAX)

    async def rewind(self, lanes: Mapping[Lane, int]) -> None:
        """Commit the start of these lanes, each with the position up to which it is settled all the same."""
        guard: Guard = self.app.guard
        for lane in lanes:
            guard.readings[lane].rewound = True  # from here on no later offset may be committed
        starts = await self.earliest_offsets(*(TP(*lane) for lane in lanes))
        marked = {
            TopicPartition(*lane): OffsetAndMetadata(starts[TP(*lane)], encode(rewound(guard.readings[lane], settled)))
            for lane, settled in lanes.items()
        }
        await self._thread.call_thread(self._thread.commit_marked, marked)


class ProvingTransport(driver.Transport):
    """Faust's Kafka, with our consumer."""

    Consumer = ProvingConsumer


def mark_of(guard: Guard, lane: TP) -> str:
    """What can be proven about this lane at this moment."""
    reading = guard.readings[lane]
    return encode(Mark(reading.settled, guard.output_ends[lane.partition] - 1, reading.settled_id))


def rewound(reading: Reading, settled: int) -> Mark:
    """What stays proven about a lane that is read from its start again."""
    return Mark(settled, event_id=reading.settled_id if settled == reading.settled else "")


def encode(mark: Mark) -> str:
    """The mark as the commit's metadata."""
    return msgspec.json.encode(mark).decode()
