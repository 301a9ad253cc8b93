"""Commands are committed in groups: what arrives while one batch is being flushed to disk is the next batch."""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Self
from uuid import UUID

import asyncpg
import structlog
from prometheus_client import Counter, Histogram

from shared.codec import Codec
from shared.database import UNREACHABLE, Connection, Pool, connect
from shared.decider import Decider
from shared.event import AnyRecorded
from shared.failures import Busy, Failure, Invalid, NotFound, Refused
from shared.keyring import Keyring
from shared.log.acts import Act, Context, Given, Outcome
from shared.log.append import prepare
from shared.log.batch import UNSTORABLE, Batches, KeyReused
from shared.log.memory import Memory, Workspace
from shared.log.pending import Pending
from shared.log.reading import story
from shared.log.wake import Wake
from shared.settings import Settings

RECONNECT_SECONDS: Final = 0.2

BATCH_COMMANDS: Final = Histogram(
    "evenkeel_log_batch_commands", "Commands per batch.", buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256)
)
BATCH_SECONDS: Final = Histogram(
    "evenkeel_log_batch_seconds",
    "Time from taking a batch to its commit, in seconds.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5),
)
DECIDED_AGAIN: Final = Counter("evenkeel_log_decided_again_total", "Commands decided again: a stream had moved on.")
BATCHES_FAILED: Final = Counter("evenkeel_log_batches_failed_total", "Batches whose transaction failed.")

logger = structlog.get_logger()


class KeyInFlight(Refused):
    """The first request with this idempotency key is still at work."""


class Log:
    """The way into a service's log; one per process.

    `handle` answers after the commit. A failure leaves nothing behind and may be retried with the same key; when the
    connection breaks during the commit the answer is Busy, and the retry finds out what became of the first try.
    """

    def __init__(self, pool: Pool, codec: Codec, keyring: Keyring, settings: Settings) -> None:
        """Starts with `async with`."""
        self._pool, self._codec, self._keyring, self._settings = pool, codec, keyring, settings
        self._memory = Memory(settings.cached_streams_max)
        self._batches = Batches(codec, keyring, self._memory, settings)
        self._waiting: deque[Pending] = deque()
        self._in_flight: set[str] = set()
        self._arrived = asyncio.Event()
        self._connection: Connection | None = None
        self._wake = Wake(pool)
        self._stopping = False

    async def __aenter__(self) -> Self:
        """Begin to take commands."""
        self._task = asyncio.create_task(self._run(), name="group commit")
        return self

    async def __aexit__(self, *_: object) -> None:
        """Commit what was taken, then stop."""
        self._stopping = True
        self._arrived.set()
        await self._task
        await self._wake.stop()

    async def handle(self, acts: Sequence[Act], context: Context, key: str, fingerprint: bytes) -> Outcome:
        """All acts or none, durable when it returns. A caller who goes away does not take the batch along.

        Raises what the deciders raise, NotFound, StaleVersion, TooLarge, KeyReused, KeyInFlight, PersonErased, Invalid
        (`effective_at`, `corrects`) and Busy.
        """
        self._check_times(acts)
        if key in self._in_flight:
            raise KeyInFlight
        if self._stopping or len(self._waiting) >= self._settings.queued_commands_max:
            raise Busy
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._in_flight.add(key)
        self._waiting.append(Pending(acts, context, key, fingerprint, self._in_flight, answer))
        self._arrived.set()
        return await answer

    async def replay(self, key: str, fingerprint: bytes) -> Outcome | None:
        """What was answered under the key before, None when nothing was. Raises KeyReused."""
        answers, _ = await prepare(self._pool, [key], [], [])
        answered = answers.get(key)
        if answered is not None and answered.fingerprint != fingerprint:
            raise KeyReused(field="Idempotency-Key")
        return answered.outcome if answered else None

    async def state[S](
        self, decider: Decider[S], stream_id: UUID | str, sites: frozenset[str] | None = None
    ) -> tuple[S, int]:
        """The stream folded on the spot, always current. Raises NotFound."""
        one = Given(decider, stream_id)
        workspace = Workspace(self._codec, self._memory, [one])
        _, events = await prepare(self._pool, [], *workspace.asked)
        workspace.fold(events)
        known = workspace.get(one.stream, sites)
        if known.version == 0:
            raise NotFound
        return known.state, known.version

    async def story(
        self, stream: str, sites: frozenset[str] | None = None, *, opened: bool = False
    ) -> list[AnyRecorded]:
        """The stream's events, oldest first, personal fields closed unless `opened`. Raises NotFound."""
        return await story(self._pool, self._codec, stream, sites, self._keyring if opened else None)

    def _check_times(self, acts: Sequence[Act]) -> None:
        """Trap T54: who says when something was true stays within bounds."""
        stated = [act.effective_at for act in acts if act.effective_at is not None]
        if not stated:
            return
        if any(one.tzinfo is None for one in stated):
            raise Invalid("Needs its offset from UTC", field="effective_at")
        now = datetime.now(UTC)
        latest = now + timedelta(minutes=self._settings.effective_future_minutes_max)
        earliest = now - timedelta(days=self._settings.effective_past_days_max)
        if not all(earliest <= one <= latest for one in stated):
            raise Invalid("Too far in the past or in the future", field="effective_at")

    async def _run(self) -> None:
        try:
            while batch := await self._next():
                BATCH_COMMANDS.observe(len(batch))
                with BATCH_SECONDS.time():
                    await self._carry_out(batch)
        finally:
            self._stopping = True
            self._turn_away()
            self._let_go()

    async def _next(self) -> list[Pending]:
        """The requests that wait, as many as a batch may have; none when stopped and nothing waits."""
        while not self._waiting:
            if self._stopping:
                return []
            self._arrived.clear()
            await self._arrived.wait()
        batch = [self._waiting.popleft()]
        while self._waiting and len(batch) < self._settings.batch_commands_max:
            if batch[0].alone or self._waiting[0].alone:
                break
            batch.append(self._waiting.popleft())
        return batch

    async def _carry_out(self, batch: Sequence[Pending]) -> None:
        try:
            again = await self._batches.carry_out(await self._connected(), batch)
        except UNSTORABLE as error:
            self._part(batch, error)
        except Exception as error:
            # The commit may or may not have happened; the key makes the retry safe.
            foreseen = isinstance(error, UNREACHABLE)
            logger.log(
                logging.WARNING if foreseen else logging.ERROR, "log.batch_failed", commands=len(batch), exc_info=error
            )
            await self._broken(batch)
        else:
            self._wake.soon()
            self._again(again)

    def _again(self, again: Sequence[Pending]) -> None:
        """To the front of the queue, in the order in which they came; who lost too often is told to come again."""
        for pending in reversed(again):
            pending.attempts += 1
            if pending.attempts > self._settings.redecide_max:
                pending.refuse(Busy())
            else:
                self._waiting.appendleft(pending)
        DECIDED_AGAIN.inc(len(again))

    def _part(self, batch: Sequence[Pending], error: Exception) -> None:
        """Nothing was stored, because of one request: each is tried alone."""
        BATCHES_FAILED.inc()
        if len(batch) == 1:
            logger.error("log.unstorable", stream=batch[0].about, exc_info=error)
            unexpected = isinstance(error, asyncpg.IntegrityConstraintViolationError)
            batch[0].refuse(Failure() if unexpected else Invalid("It holds something that cannot be stored"))
            return
        for pending in reversed([one for one in batch if not one.settled]):
            pending.alone = True
            self._waiting.appendleft(pending)

    async def _broken(self, batch: Sequence[Pending]) -> None:
        """Whatever was remembered may be gone with a database that failed over."""
        BATCHES_FAILED.inc()
        self._memory.forget()
        for pending in batch:
            pending.refuse(Busy())
        self._let_go()
        if self._stopping:
            self._turn_away()
        else:
            await asyncio.sleep(RECONNECT_SECONDS)

    def _turn_away(self) -> None:
        while self._waiting:
            self._waiting.popleft().refuse(Busy())

    async def _connected(self) -> Connection:
        """A connection of its own: it is never given back, so nothing is spent on resetting it."""
        if self._connection is None:
            self._connection = await connect(
                self._settings.database_dsn,
                name="group commit",
                statement_seconds_max=self._settings.statement_seconds_max,
            )
        return self._connection

    def _let_go(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None
