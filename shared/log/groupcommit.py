"""Commands are committed in groups: what arrives while one batch is being flushed to disk is the next batch."""

import asyncio
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Self
from uuid import UUID

import asyncpg
import structlog

from shared.codec import Codec
from shared.database import Connection, Pool, Record, connect
from shared.decider import Decider
from shared.event import AnyRecorded
from shared.failures import Busy, Failure, Invalid, NotFound, Refused
from shared.keyring import Keyring
from shared.log.acts import Act, Context, Outcome
from shared.log.append import Verdict, append, read_outcome
from shared.log.deciding import Deciding
from shared.log.memory import Known, Memory, Workspace
from shared.log.pending import Pending
from shared.log.reading import story
from shared.log.wake import Wake
from shared.settings import Settings

_PREPARE: Final = "select * from log.prepare($1, $2, $3)"
_STREAM_OF: Final = "select event_id, stream from log.event where event_id = any($1)"
RECONNECT_SECONDS: Final = 0.2
BROKEN: Final = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)

logger = structlog.get_logger()


class KeyReused(Invalid):
    """The idempotency key was used for another request."""


class KeyInFlight(Refused):
    """The first request with this idempotency key is still at work."""


class Log:
    """The way into a service's log; one per process.

    `handle` answers after the commit. A failure leaves nothing behind and may be retried with the same key; when the
    connection breaks during the commit the answer is Busy, and the retry finds out what became of the first try.
    """

    def __init__(self, pool: Pool, codec: Codec, keyring: Keyring, settings: Settings) -> None:
        """Starts with `async with`."""
        self._pool, self._codec, self._settings = pool, codec, settings
        self._memory = Memory(codec, settings.cached_streams_max)
        self._deciding = Deciding(codec, keyring, settings.event_bytes_max)
        self._waiting: deque[Pending] = deque()
        self._in_flight: set[str] = set()
        self._arrived = asyncio.Event()
        self._connection: Any = None
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
        if self._connection is not None:
            await self._connection.close()

    async def handle(self, acts: Sequence[Act], context: Context, key: str, fingerprint: bytes) -> Outcome:
        """All acts or none, durable when it returns.

        Raises what the deciders raise, NotFound, StaleVersion, TooLarge, KeyReused, KeyInFlight, Invalid (`effective_at`,
        `corrects`) and Busy.
        """
        self._check_times(acts)
        if key in self._in_flight:
            raise KeyInFlight
        if self._stopping or len(self._waiting) >= self._settings.queued_commands_max:
            raise Busy
        pending = Pending(acts, context, key, fingerprint, asyncio.get_running_loop().create_future())
        self._in_flight.add(key)
        pending.answer.add_done_callback(lambda answer: self._answered(key, answer))
        self._waiting.append(pending)
        self._arrived.set()
        # A caller who goes away does not take the batch along: the future is answered all the same.
        return await asyncio.shield(pending.answer)

    async def replay(self, key: str, fingerprint: bytes) -> Outcome | None:
        """What was answered under the key before, None when nothing was. Raises KeyReused."""
        row = await self._pool.fetchrow("select fingerprint, outcome from log.idempotency where key = $1", key)
        if row is not None and row["fingerprint"] != fingerprint:
            raise KeyReused(field="Idempotency-Key")
        return read_outcome(row["outcome"], replayed=True) if row else None

    async def state[S](
        self, decider: Decider[S], stream_id: UUID | str, sites: frozenset[str] | None = None
    ) -> tuple[S, int]:
        """The stream folded on the spot, always current. Raises NotFound."""
        stream = decider.stream(stream_id)
        rows = await self._pool.fetch(_PREPARE, [], [stream], [self._memory.version(stream)])
        self._memory.catch_up(rows, {stream: decider})
        known: Known = self._memory.get(stream, decider.initial)
        if known.version == 0 or not known.visible_from(sites):
            raise NotFound
        return known.state, known.version

    async def story(self, stream: str, sites: frozenset[str] | None = None) -> list[AnyRecorded]:
        """The stream's events, oldest first, personal fields closed. Raises NotFound."""
        return await story(self._pool, self._codec, stream, sites)

    def _answered(self, key: str, answer: asyncio.Future[Outcome]) -> None:
        self._in_flight.discard(key)
        answer.exception()  # a caller who has gone away does not read it

    def _check_times(self, acts: Sequence[Act]) -> None:
        """Trap T54: who says when something was true stays within bounds."""
        now = datetime.now(UTC)
        latest = now + timedelta(minutes=self._settings.effective_future_minutes_max)
        earliest = now - timedelta(days=self._settings.effective_past_days_max)
        for act in acts:
            if act.effective_at is not None and not earliest <= act.effective_at <= latest:
                raise Invalid("Too far in the past or in the future", field="effective_at")

    async def _run(self) -> None:
        while not (self._stopping and not self._waiting):
            if not self._waiting:
                self._arrived.clear()
                await self._arrived.wait()
                continue
            size = min(len(self._waiting), self._settings.batch_commands_max)
            batch = [self._waiting.popleft() for _ in range(size)]
            try:
                await self._commit(batch)
            except BROKEN as error:
                # The commit may or may not have happened; the key makes the retry safe.
                logger.warning("batch_failed", commands=len(batch), error=type(error).__name__)
                self._fail(batch)
                self._let_go()
                await asyncio.sleep(RECONNECT_SECONDS)
            except Exception:
                logger.exception("batch_failed", commands=len(batch))
                self._fail(batch)

    def _fail(self, batch: Sequence[Pending]) -> None:
        for pending in batch:
            self._memory.forget(pending.streams())
            pending.refuse(Busy())

    async def _connected(self) -> Connection:
        """A connection of its own: it is never given back, so nothing is spent on resetting it."""
        if self._connection is None:
            self._connection = await connect(
                self._settings.database_dsn,
                name="group commit",
                statement_seconds_max=self._settings.statement_seconds_max,
            )
        connection: Connection = self._connection
        return connection

    def _let_go(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def _commit(self, batch: Sequence[Pending]) -> None:
        connection = await self._connected()
        answered = await self._prepare(connection, batch)
        workspace = Workspace(self._memory)
        decided: list[tuple[Pending, dict[str, Known]]] = []
        for pending in batch:
            if pending.key in answered:
                self._replay(pending, answered[pending.key])
                continue
            try:
                decided.append((pending, await self._deciding.decide(pending, workspace)))
            except Failure as failure:
                pending.refuse(failure)
            except BROKEN:  # the keyring's connection
                pending.refuse(Busy())
            except Exception:
                logger.exception("command_failed", stream=pending.streams()[0])
                pending.refuse(Failure())
        if not decided:
            return
        verdicts = await append(connection, [pending for pending, _ in decided])
        for (pending, changed), verdict in zip(decided, verdicts, strict=True):
            self._settle(pending, changed, verdict)
        self._wake.soon()

    async def _prepare(self, connection: Connection, batch: Sequence[Pending]) -> dict[str, Record]:
        """One round trip: answers already given under the batch's keys, and what its streams went through since."""
        deciders: dict[str, Decider[Any]] = {}
        for act in (act for pending in batch for act in pending.acts):
            deciders[act.decider.stream(act.stream_id)] = act.decider
            deciders |= {one.decider.stream(one.stream_id): one.decider for one in act.given}
        streams = list(deciders)
        versions = [self._memory.version(stream) for stream in streams]
        rows = await connection.fetch(_PREPARE, [pending.key for pending in batch], streams, versions)
        self._memory.catch_up((row for row in rows if row["key"] is None), deciders)
        await self._check_corrections(connection, batch)
        return {row["key"]: row for row in rows if row["key"] is not None}

    async def _check_corrections(self, connection: Connection, batch: Sequence[Pending]) -> None:
        named = [act.corrects for pending in batch for act in pending.acts if act.corrects is not None]
        if not named:
            return
        streams = {row["event_id"]: row["stream"] for row in await connection.fetch(_STREAM_OF, named)}
        for pending in batch:
            for act in pending.acts:
                if act.corrects is not None and streams.get(act.corrects) != act.decider.stream(act.stream_id):
                    pending.wrong_correction = True

    def _replay(self, pending: Pending, row: Record) -> None:
        outcome = read_outcome(row["outcome"], replayed=True)
        if row["fingerprint"] != pending.fingerprint or outcome is None:
            pending.refuse(KeyReused(field="Idempotency-Key"))
        else:
            pending.accept(outcome)

    def _settle(self, pending: Pending, changed: dict[str, Known], verdict: Verdict) -> None:
        match verdict.word:
            case "stored" | "known" if verdict.outcome is not None:
                if verdict.word == "stored":
                    for stream, known in changed.items():
                        self._memory.put(stream, known)
                pending.accept(verdict.outcome)
            case "reused":
                pending.refuse(KeyReused(field="Idempotency-Key"))
            case _:
                self._memory.forget(pending.streams())
                pending.attempts += 1
                if pending.attempts > self._settings.redecide_max:
                    pending.refuse(Busy())
                else:
                    self._waiting.appendleft(pending)
