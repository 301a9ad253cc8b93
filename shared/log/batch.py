"""One batch from question to answer: look up, decide, seal, append, and tell every caller what became of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import asyncpg
import structlog

from shared.codec import Codec
from shared.database import Connection
from shared.failures import Busy, Failure, Invalid, Refused
from shared.keyring import Keyring, ToSeal
from shared.log.append import Answered, append, prepare, streams_of
from shared.log.deciding import Deciding
from shared.log.memory import Known, Loading, Memory, Workspace
from shared.log.pending import Draft, Pending
from shared.settings import Settings

BROKEN: Final = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
# Something in a request that PostgreSQL cannot hold: no other request may suffer for it.
UNSTORABLE: Final = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.ProgramLimitExceededError,
)

logger = structlog.get_logger()


class KeyReused(Invalid):
    """The idempotency key was used for another request."""


class PersonErased(Refused):
    """The person's data was erased; nothing more can be recorded about them."""


@dataclass(frozen=True, slots=True)
class _Decided:
    """A request that may be stored, and the streams as it leaves them."""

    pending: Pending
    changed: Mapping[str, Known]


@dataclass(frozen=True, slots=True)
class _Refusal:
    """A refusal that rests on what another request of the batch would leave behind: told once that is stored."""

    pending: Pending
    failure: Failure


class Batches:
    """Carries out one batch after the other."""

    def __init__(self, codec: Codec, keyring: Keyring, memory: Memory, settings: Settings) -> None:
        """The memory is shared with those who read single streams."""
        self._codec, self._keyring, self._memory = codec, keyring, memory
        self._deciding = Deciding(codec, settings.event_bytes_max)

    async def carry_out(self, connection: Connection, batch: Sequence[Pending]) -> list[Pending]:
        """Answer every request but those that have to be decided again: these are returned."""
        loading = Loading(self._codec, self._memory, (target for one in batch for target in one.targets))
        answers, events = await prepare(connection, [one.key for one in batch], *loading.asked)
        loading.fold(events)
        await _refuse_wrong_corrections(connection, batch)
        decided, held = self._decide(batch, answers, Workspace(loading.known, loading.broken))
        kept = await self._seal(decided)
        outcomes = await append(connection, [one.pending for one in kept]) if kept else []
        again: list[Pending] = []
        for one, outcome in zip(kept, outcomes, strict=True):
            if outcome is None:
                self._memory.forget(one.pending.checks)
                again.append(one.pending)
                continue
            for stream, known in one.changed.items():
                self._memory.put(stream, known)
            one.pending.accept(outcome)
        all_stored = len(kept) == len(decided) and None not in outcomes
        for refusal in held:
            if all_stored:
                refusal.pending.refuse(refusal.failure)
            else:
                again.append(refusal.pending)
        return again

    def _decide(
        self, batch: Sequence[Pending], answers: Mapping[str, Answered], workspace: Workspace
    ) -> tuple[list[_Decided], list[_Refusal]]:
        """One after the other, each on what those before it leave behind."""
        decided: list[_Decided] = []
        held: list[_Refusal] = []
        for pending in (one for one in batch if not one.settled):
            if pending.key in answers:
                _replay(pending, answers[pending.key])
                continue
            try:
                decided.append(_Decided(pending, self._deciding.decide(pending, workspace)))
            except Exception as error:  # noqa: BLE001 - whatever a decider raises is its own caller's
                failure = _failure_of(error, pending)
                if workspace.leans(pending.targets):
                    held.append(_Refusal(pending, failure))
                else:
                    pending.refuse(failure)
        return decided, held

    async def _seal(self, decided: Sequence[_Decided]) -> list[_Decided]:
        """Seal what is personal; without the requests that cannot be sealed. What was decided on these will conflict."""
        sealing = [
            (one, draft) for one in decided for draft in one.pending.drafts if draft.encoded.personal is not None
        ]
        if not sealing:
            return list(decided)
        failed = set()
        for (one, draft), sealed in zip(sealing, await self._sealed([draft for _, draft in sealing]), strict=True):
            if isinstance(sealed, Failure):
                one.pending.refuse(sealed)
                failed.add(one.pending.key)
            else:
                draft.sealed = sealed
        return [one for one in decided if one.pending.key not in failed]

    async def _sealed(self, drafts: Sequence[Draft]) -> Sequence[bytes | Failure]:
        wanted = [ToSeal(one.home.key, one.event_id, one.encoded.personal or b"") for one in drafts]
        try:
            return [one if one is not None else PersonErased() for one in await self._keyring.seal_all(wanted)]
        except UNSTORABLE:
            raise
        except BROKEN as error:
            logger.warning("log.keyring_failed", error=type(error).__name__)
            return [Busy() for _ in drafts]
        except Failure as failure:
            logger.exception("log.sealing_failed")
            return [failure for _ in drafts]


def _replay(pending: Pending, answered: Answered) -> None:
    if answered.fingerprint == pending.fingerprint:
        pending.accept(answered.outcome)
    else:
        pending.refuse(KeyReused(field="Idempotency-Key"))


def _failure_of(error: Exception, pending: Pending) -> Failure:
    if isinstance(error, Failure):
        return error
    logger.error("log.command_failed", stream=pending.about, exc_info=error)
    return Failure()


async def _refuse_wrong_corrections(connection: Connection, batch: Sequence[Pending]) -> None:
    """A correction names an earlier event of its own stream."""
    named = [(one, act.corrects, target.stream) for one in batch for act, target, _ in one.acts if act.corrects]
    if not named:
        return
    streams = await streams_of(connection, [event_id for _, event_id, _ in named])
    for pending, event_id, stream in named:
        if streams.get(event_id) != stream:
            pending.refuse(Invalid("No event of this stream has this id", field="corrects"))
