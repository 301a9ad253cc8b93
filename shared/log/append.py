"""The two calls to the database that a batch makes: what is known before it decides, and what happened."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from shared.database import Connection, Pool, Record
from shared.log.acts import Outcome, Stored
from shared.log.pending import Draft, Pending

_PREPARE: Final = "select * from log.prepare($1, $2, $3)"
_APPEND: Final = f"select * from log.append({', '.join(f'${n}' for n in range(1, 25))})"  # noqa: S608 - numbers are ours
_STREAMS_OF: Final = "select event_id, stream from log.event where event_id = any($1)"


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of a key earlier."""

    fingerprint: bytes
    outcome: Outcome


async def prepare(
    source: Connection | Pool, keys: Sequence[str], streams: Sequence[str], versions: Sequence[int]
) -> tuple[dict[str, Answered], list[Record]]:
    """One round trip: what came of the keys earlier, and the streams' events after the versions."""
    rows = await source.fetch(_PREPARE, keys, streams, versions)
    answers: dict[str, Answered] = {}
    for row in (row for row in rows if row["asked"] is not None):
        before = answers.get(row["asked"])
        stored = before.outcome.stored if before else ()
        if row["event_id"] is not None:
            stored = (*stored, _stored(row))
        answers[row["asked"]] = Answered(row["fingerprint"], Outcome(stored, row["answered_at"], replayed=True))
    return answers, [row for row in rows if row["asked"] is None]


async def streams_of(source: Connection | Pool, event_ids: Sequence[UUID]) -> dict[UUID, str]:
    """To which streams these events belong; unknown ones are left out."""
    return {row["event_id"]: row["stream"] for row in await source.fetch(_STREAMS_OF, event_ids)}


async def append(connection: Connection, batch: Sequence[Pending]) -> list[Outcome | None]:
    """Store the batch in one transaction; per request its outcome, or None where it has to be decided again.

    That is the case when a stream has moved on since the request was decided, when it was decided on what such a request
    would have left behind, and when another process has just used its key.
    """
    row = await connection.fetchrow(_APPEND, *_arguments(batch))
    assert row is not None
    again = {*row["known"], *row["conflicts"]}
    positions = iter(row["positions"] or ())
    outcomes: list[Outcome | None] = []
    for number, pending in enumerate(batch, 1):
        stored = tuple(_placed(draft, next(positions)) for draft in pending.drafts)
        outcomes.append(None if number in again else Outcome(stored, row["stamp"] if stored else row["began"]))
    return outcomes


def _placed(draft: Draft, position: int) -> Stored:
    return Stored(draft.stream, draft.version, draft.event_id, draft.encoded.type, draft.home.lane, position)


def _stored(row: Record) -> Stored:
    return Stored(row["stream"], row["version"], row["event_id"], row["type"], row["lane"], row["position"])


def _arguments(batch: Sequence[Pending]) -> list[list[Any]]:
    checks = [
        (number, stream, version) for number, one in enumerate(batch, 1) for stream, version in one.checks.items()
    ]
    events = [_event(number, one, draft) for number, one in enumerate(batch, 1) for draft in one.drafts]
    return [
        [one.key for one in batch],
        [one.fingerprint for one in batch],
        [len(one.drafts) for one in batch],
        *_columns(checks, 3),
        *_columns(events, 18),
    ]


def _columns(rows: Iterable[tuple[Any, ...]], count: int) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(count)]


def _event(number: int, pending: Pending, draft: Draft) -> tuple[Any, ...]:
    act, context, home = draft.act, pending.context, draft.home
    return (
        number,
        draft.event_id,
        draft.stream,
        draft.version,
        draft.encoded.type,
        draft.encoded.schema_version,
        home.lane,
        home.key,
        context.site_id,
        home.patient_id,
        act.effective_at,
        act.corrects,
        context.actor,
        context.correlation_id,
        context.causation_id,
        context.traceparent,
        draft.encoded.data.decode(),
        draft.sealed,
    )
