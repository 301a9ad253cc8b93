"""One batch from question to answer: look up, decide, seal, append, and tell every caller what became of it."""

from collections.abc import Mapping, Sequence
from typing import Final

import asyncpg
import structlog

from shared.codec import Codec
from shared.database import UNREACHABLE, Connection
from shared.failures import Busy, Failure, Invalid, Refused
from shared.keyring import Keyring, ToSeal
from shared.log.append import Answered, append, prepare, streams_of
from shared.log.deciding import Deciding
from shared.log.memory import Memory, Workspace
from shared.log.pending import Pending
from shared.settings import Settings

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


class Batches:
    """Carries out one batch after the other."""

    def __init__(self, codec: Codec, keyring: Keyring, memory: Memory, settings: Settings) -> None:
        """The memory is shared with those who read single streams."""
        self._codec, self._keyring, self._memory = codec, keyring, memory
        self._deciding = Deciding(codec, settings.event_bytes_max)

    async def carry_out(self, connection: Connection, batch: Sequence[Pending]) -> list[Pending]:
        """Answer every request but those that have to be decided again: these are returned."""
        workspace = Workspace(self._codec, self._memory, [stream for one in batch for stream in one.streams])
        answers, events = await prepare(connection, [one.key for one in batch], *workspace.asked)
        workspace.fold(events)
        await _refuse_wrong_corrections(connection, batch)
        decided, held = self._decide(batch, answers, workspace)
        kept = await self._seal(decided)
        outcomes = await append(connection, kept) if kept else []
        again: list[Pending] = []
        for one, outcome in zip(kept, outcomes, strict=True):
            if outcome is None:
                self._memory.forget(one.checks)
                again.append(one)
                continue
            for stream, known in one.changed.items():
                self._memory.put(stream, known)
            one.accept(outcome)
        if again or len(kept) < len(decided):
            return again + [one for one, _ in held]
        for one, failure in held:
            one.refuse(failure)
        return []

    def _decide(
        self, batch: Sequence[Pending], answers: Mapping[str, Answered], workspace: Workspace
    ) -> tuple[list[Pending], list[tuple[Pending, Failure]]]:
        """Each on what those before it leave behind; and the refusals that rest on that: they are told once it is stored."""
        decided: list[Pending] = []
        held: list[tuple[Pending, Failure]] = []
        for pending in (one for one in batch if not one.settled):
            if pending.key in answers:
                _replay(pending, answers[pending.key])
                continue
            try:
                self._deciding.decide(pending, workspace)
            except Exception as error:  # noqa: BLE001 - whatever a decider raises is its own caller's
                failure = _failure_of(error, pending)
                if workspace.leans(pending.streams):
                    held.append((pending, failure))
                else:
                    pending.refuse(failure)
            else:
                decided.append(pending)
        return decided, held

    async def _seal(self, decided: Sequence[Pending]) -> list[Pending]:
        """Seal what is personal; without the requests that cannot be sealed. What was decided on these will conflict."""
        drafts = [(one, draft) for one in decided for draft in one.drafts if draft.encoded.personal is not None]
        wanted = [ToSeal(draft.home.key, draft.event_id, draft.encoded.personal or b"") for _, draft in drafts]
        sealed: Sequence[bytes | None] = [None] * len(wanted)
        failure: Failure = PersonErased()
        try:
            sealed = await self._keyring.seal_all(wanted) if wanted else []
        except UNSTORABLE:
            raise
        except UNREACHABLE as error:
            logger.warning("log.keyring_failed", error=type(error).__name__)
            failure = Busy()
        except Failure as broken:
            logger.exception("log.sealing_failed")
            failure = broken
        for (one, draft), seal in zip(drafts, sealed, strict=True):
            draft.sealed = seal
            if seal is None:
                one.refuse(failure)
        return [one for one in decided if not one.settled]


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
    named = [(one, act.corrects, act.stream) for one in batch for act in one.acts if act.corrects]
    if not named:
        return
    streams = await streams_of(connection, [event_id for _, event_id, _ in named])
    for pending, event_id, stream in named:
        if streams.get(event_id) != stream:
            pending.refuse(Invalid("No event of this stream has this id", field="corrects"))
