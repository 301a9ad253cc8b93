"""What a fold has parked is folded when an operator asks for it: in order, and before anything newer of the patient."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

import structlog

from deploy.processes.stream_parking import PostgresParking
from shared.fold_guard import Guard, Misplaced
from shared.fold_value import Value, degraded, fold_in, restored, stored, written
from shared.parking import ParkedRecord

LOOK_SECONDS: Final = 1.0

log = structlog.get_logger()

type Failed = tuple[int, str]
"""The number of a parked record, and why it cannot be folded."""


class Replays:
    """Looks for what operators ask, and carries it out for the lanes that are this process's own."""

    def __init__(self, app: Any, parking: PostgresParking) -> None:
        """`parking` holds the requests and the records."""
        self._app, self._parking = app, parking
        self._guard: Guard = app.guard

    async def run(self) -> None:
        """Look until cancelled. What fails is asked for again at the next look."""
        while True:
            try:
                for key, lane in await self._parking.asked(self._guard.fold.app_id):
                    await self.replay(key, lane)
            except Exception as error:  # noqa: BLE001 - nothing is lost: the request and the records stay where they are
                log.warning("fold.replay_failed", error=type(error).__name__)
            await asyncio.sleep(LOOK_SECONDS)

    async def replay(self, key: str, lane: int) -> None:
        """Fold what is parked under the key, as far as it can be.

        A crash loses nothing: a record leaves the parking after the value with it lies on Kafka, and when it is replayed
        once more the value says that it has it.
        """
        guard = self._guard
        async with guard.turn:
            guard.replaying.add(lane)
            try:
                records = await self._parking.waiting(guard.fold.app_id, key)
                if self._app.rebalancing or lane not in guard.output_ends:
                    return
                current = guard.table.get(key.encode())
                data, done, failed = self._folded(current, records)
                if data is not None and data != current:
                    sent = guard.table.write(lane, key.encode(), data)
                    sent.add_done_callback(lambda sent: guard.landed(lane, sent))
                    await sent
                await self._parking.answer(guard.fold.app_id, key, done, failed)
                log.info("fold.replayed", lane=lane, events=len(done), left=len(records) - len(done))
            finally:
                guard.replaying.discard(lane)

    def _folded(
        self, current: bytes | None, records: Sequence[ParkedRecord]
    ) -> tuple[bytes | None, list[int], Failed | None]:
        """The value with the records folded in, up to the first that cannot be; those done, and that one."""
        since = stored(current).degraded_since
        data = restored(current) if current is not None else None
        done: list[int] = []
        for record in records:
            try:
                data = self._with(data, record)
            except Exception as error:  # noqa: BLE001 - whatever it is, the record stays parked with its reason
                marked = degraded(data, since) if since is not None else data
                return marked, done, (record.number, type(error).__name__)
            done.append(record.number)
        return data, done, None

    def _with(self, data: bytes | None, record: ParkedRecord) -> bytes | None:
        guard, value = self._guard, stored(data)
        event = guard.decode(record)
        if record.key != event.key.encode() or record.partition != event.lane:
            raise Misplaced
        if event.patient_id is None or value.has(record.topic, event.position):
            return data
        folded: Value = fold_in(guard.fold, record.topic, value, event)
        return written(guard.fold, folded)


@contextlib.asynccontextmanager
async def replaying(replays: Replays) -> AsyncIterator[None]:
    """Answer operators meanwhile."""
    looks = asyncio.ensure_future(replays.run())
    try:
        yield
    finally:
        looks.cancel()
