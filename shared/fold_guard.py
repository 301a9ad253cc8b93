"""The guard around each fold: an event counts as read only when what it changed lies on Kafka, or when it is parked.

Faust takes an event for done as soon as its agent moves on, whether or not the table's record left the process, and
even when the agent failed. So nothing is acknowledged by Faust here: the guard does it, in the order of each lane.
"""

import asyncio
import os
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, Protocol, cast

import structlog

from shared.cloudevents import Message
from shared.divergence import WHAT_NOW
from shared.event import AnyRecorded
from shared.failures import Failure
from shared.fold_lanes import Lane, Open, Reading, has_no_patient, id_of, is_patient_key, now, position_of
from shared.fold_metrics import VALUE_BYTES, Counts, Outcome
from shared.fold_value import Fold, degraded, fold_in, stored, written
from shared.parking import Ratio, TooMuchParked, key_of

log = structlog.get_logger()

EXIT_CODE: Final = 70
"""What the process exits with when it must not go on. Its supervisor starts it again, from the last committed offset."""

FOLD_ATTEMPTS: Final = 2
PARK_ATTEMPTS: Final = 5
PARK_TIMEOUT_SECONDS: Final = 5.0
PARK_BACKOFF_SECONDS: Final = 0.2
REWIND_ATTEMPTS: Final = 30
REWIND_BACKOFF_SECONDS: Final = 1.0


class Table(Protocol):
    """The fold's state: one value for each patient, and each write a record of the output topic."""

    def __len__(self) -> int:
        """How many patients have a value here."""

    def get(self, key: bytes) -> bytes | None:
        """The patient's value, None for a patient not seen yet."""

    def write(self, lane: int, key: bytes, value: bytes) -> "asyncio.Future[Any]":
        """Set the value; the future ends with the record's metadata once Kafka has it."""


class Parking(Protocol):
    """Where events wait that could not be folded. To park the same event twice is to park it once."""

    async def park(self, consumer: str, key: str, message: Message, reason: str) -> int:
        """Keep the record with its original bytes, after all that were parked under this key; how many keys wait."""


class Misplaced(Failure):
    """The record lies under another key or in another lane than its event belongs to."""


class Behind(Failure):
    """Earlier events of this patient are parked, so this one waits behind them."""


def die(reason: str, **facts: object) -> None:
    """Leave at once, without the polite shutdown that would commit offsets."""
    log.critical("fold.dies", reason=reason, **facts)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(EXIT_CODE)


class Guard:
    """Takes each message of the sources, one after the other, and never raises.

    `decode` makes an event of a message. `readings` and `output_ends` are set anew with every assignment.
    """

    def __init__(
        self,
        fold: Fold,
        table: Table,
        parking: Parking,
        app: Any,
        *,
        decode: Callable[[Message], AnyRecorded],
        pause_seconds_max: float,
    ) -> None:
        """`app` is Faust's, whose consumer exists only once the loop runs."""
        self.fold, self.table, self.parking, self.app = fold, table, parking, app
        self.decode, self.pause_seconds_max = decode, pause_seconds_max
        self.readings: dict[Lane, Reading] = {}
        self.output_ends: dict[int, int] = {}
        self.counts = Counts()
        self.ratio = Ratio()
        self.turn = asyncio.Lock()
        self.replaying: set[int] = set()
        self.beat_at = now()

    def assigned(self, readings: Mapping[Lane, Reading], output_ends: Mapping[int, int]) -> None:
        """Begin with these lanes; what was in hand before belongs to somebody else now."""
        self.readings = dict(readings)
        self.output_ends = dict(output_ends)

    async def take(self, message: Message) -> None:
        """Fold one message, or park it. When this returns the message is safe, in hand, or the process is gone."""
        async with self.turn:
            await self._take(message)

    async def _take(self, message: Message) -> None:
        self.beat()
        reading = self.readings.get((message.topic, message.partition))
        if reading is None:
            die("a record of a lane that is not assigned", topic=message.topic, lane=message.partition)
            return
        position = position_of(message)
        reading.next_offset = max(reading.next_offset, message.offset + 1)
        if reading.halted is None and reading.gap(position):
            await self._on_gap(message, reading, position)
        if reading.halted is None and reading.diverges(position, id_of(message)):
            reading.halted = f"position {position} is another event than the one folded, {WHAT_NOW}"
            log.critical("fold.halted", topic=message.topic, lane=message.partition, reason=reading.halted)
        if reading.halted is not None:
            cast("Any", message).acked = True  # Faust waits for it no more, and never commits it
            return
        entry = Open(message, position, now())
        reading.open.append(entry)
        if position is not None and position <= reading.seen:
            self.counts.add(Outcome.DUPLICATE)
            self._done(reading, entry)
            return
        reading.see(position, id_of(message))
        sent = await self._fold_or_park(message)
        if sent is None:
            self._done(reading, entry)
        else:
            sent.add_done_callback(partial(self._on_sent, reading, entry))

    async def _fold_or_park(self, message: Message) -> "asyncio.Future[Any] | None":
        for attempt in range(1, FOLD_ATTEMPTS + 1):
            try:
                return self._fold(message)
            except Failure as failure:
                # Undecodable, misplaced, too large: it will not be better a second time.
                return await self._park(message, failure)
            except Exception as error:  # noqa: BLE001 - whatever it is, the event must not be lost
                if attempt == FOLD_ATTEMPTS:
                    return await self._park(message, error)
        raise AssertionError("unreachable")

    def _fold(self, message: Message) -> "asyncio.Future[Any] | None":
        if has_no_patient(message):
            self.counts.add(Outcome.SKIPPED)
            return None
        event = self.decode(message)
        if event.patient_id is None:
            self.counts.add(Outcome.SKIPPED)
            return None
        if message.key != event.key.encode() or message.partition != event.lane:
            raise Misplaced
        current = stored(self.table.get(message.key))
        if current.has(message.topic, event.position):
            self.counts.add(Outcome.DUPLICATE)
            return None
        if current.degraded_since is not None:
            raise Behind
        value = written(self.fold, fold_in(self.fold, message.topic, current, event))
        self.counts.add(Outcome.FOLDED)
        self.ratio.saw(failed=0, applied=1)
        VALUE_BYTES.observe(len(value))
        return self.table.write(message.partition, message.key, value)

    async def _park(self, message: Message, error: Exception) -> "asyncio.Future[Any] | None":
        # The class says enough: an error's text may quote a patient's data.
        reason, keys = type(error).__name__, 0
        where = {"topic": message.topic, "lane": message.partition, "offset": message.offset}
        for attempt in range(1, PARK_ATTEMPTS + 1):
            try:
                async with asyncio.timeout(PARK_TIMEOUT_SECONDS):
                    keys = await self.parking.park(self.fold.app_id, key_of(message), message, reason)
                break
            except Exception as failure:  # noqa: BLE001 - whatever it is, it is tried again and then the process goes
                log.warning("fold.parking_failed", attempt=attempt, error=type(failure).__name__, **where)
                if attempt == PARK_ATTEMPTS:
                    die("an event could be neither folded nor parked", cause=reason, **where)
                await asyncio.sleep(PARK_BACKOFF_SECONDS * 2**attempt)
        self.counts.add(Outcome.PARKED)
        if not isinstance(error, Behind):
            log.error("fold.failed", exc_info=error, **where)
            self._watch_ratio(keys)
        return self._mark(message)

    def _mark(self, message: Message) -> "asyncio.Future[Any] | None":
        """Say in the patient's own value that events are missing; the mark also keeps the later ones waiting."""
        key = message.key
        if key is None or not is_patient_key(key):
            return None
        current = self.table.get(key)
        if current is not None and stored(current).degraded_since is not None:
            return None
        since = datetime.fromtimestamp(message.timestamp, UTC)
        return self.table.write(message.partition, key, degraded(current, since))

    def _watch_ratio(self, keys: int) -> None:
        """When too much fails it is the program that is wrong: stand still rather than empty the topics into parking."""
        try:
            self.ratio.saw(failed=1, applied=0)
            self.ratio.wait(keys)
        except TooMuchParked as failure:
            log.critical("fold.halted", reason=failure.title())
            for reading in self.readings.values():
                reading.halted = failure.title()

    def _on_sent(self, reading: Reading, entry: Open, sent: "asyncio.Future[Any]") -> None:
        if self.landed(entry.message.partition, sent):
            self._done(reading, entry)

    def landed(self, lane: int, sent: "asyncio.Future[Any]") -> bool:
        """Does our record lie on Kafka, right after the last one of the lane that we know of?"""
        if sent.cancelled() or sent.exception() is not None:
            die("a record did not reach the output topic", error=repr(sent.exception()), lane=lane)
            return False
        offset, expected = sent.result().offset, self.output_ends.get(lane)
        if expected is not None:
            self.output_ends[lane] = offset + 1
        if expected in {None, offset}:
            return True
        task = asyncio.ensure_future(self.foreign_write(lane))
        task.add_done_callback(lambda _: None)
        return False

    def _done(self, reading: Reading, entry: Open) -> None:
        entry.done = True
        for message in reading.settle():
            cast("Any", message).ack(self.app.consumer)

    async def _on_gap(self, message: Message, reading: Reading, position: int | None) -> None:
        where = {"topic": message.topic, "lane": message.partition, "expected": reading.seen + 1, "found": position}
        if reading.from_start:
            reading.halted = f"position {reading.seen + 1} is missing before {position}"
            log.critical("fold.halted", **where)
            return
        # The topic may have been refilled and its offsets moved: read all of it once more, duplicates drop out.
        await self._rewind({(message.topic, message.partition): reading.settled})
        die("events are missing before this one; reading the lane from its start", **where)

    async def foreign_write(self, lane: int) -> None:
        """Somebody else wrote to this lane's values, so theirs may be stale, and in other lanes too: fold it all again."""
        await self._rewind(dict.fromkeys(self.readings, 0))
        die("another process wrote to the output of these lanes; folding them again", lane=lane)

    async def _rewind(self, lanes: Mapping[Lane, int]) -> None:
        for _ in range(REWIND_ATTEMPTS):
            try:
                await self.app.consumer.rewind(lanes)
            except Exception as error:  # noqa: BLE001 - the process ends anyway; this only has to be tried hard
                log.warning("fold.rewind_failed", error=type(error).__name__)
                await asyncio.sleep(REWIND_BACKOFF_SECONDS)
            else:
                return

    def beat(self) -> None:
        """Notice that the process slept so long that its lanes may have been given to another."""
        slept, self.beat_at = now() - self.beat_at, now()
        if slept > self.pause_seconds_max:
            die("the process was paused", seconds=round(slept, 1))

    @property
    def in_hand(self) -> list[Open]:
        """The oldest event in hand of each lane."""
        return [reading.open[0] for reading in self.readings.values() if reading.open]

    @property
    def halted(self) -> dict[Lane, str]:
        """The lanes that stand still because an event is missing."""
        return {lane: reading.halted for lane, reading in self.readings.items() if reading.halted is not None}
