"""One call to the database per batch: the decided events in, a verdict per command out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from shared.database import Connection
from shared.log.acts import Outcome, Stored
from shared.log.pending import Draft, Pending

_APPEND: Final = (
    "select * from log.append($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19,$20,$21,$22,$23)"
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`stored`, `known` (answered before), `reused` (the key was used for another request) or `conflict`."""

    word: str
    outcome: Outcome | None


async def append(connection: Connection, batch: Sequence[Pending]) -> list[Verdict]:
    """Store the batch in one transaction; one verdict per request, in order."""
    rows = await connection.fetch(_APPEND, *_arguments(batch))
    verdicts = {
        row["command"]: Verdict(row["verdict"], read_outcome(row["outcome"], row["verdict"] == "known")) for row in rows
    }
    return [verdicts[number] for number in range(1, len(batch) + 1)]


def read_outcome(stored: dict[str, Any] | None, replayed: bool) -> Outcome | None:  # noqa: FBT001 - a column's value
    """The outcome as the database keeps it under the key."""
    if stored is None:
        return None
    events = tuple(Stored(one[0], one[1], UUID(one[2]), one[3], one[4], one[5]) for one in stored["stored"])
    return Outcome(events, datetime.fromisoformat(stored["recorded_at"]), replayed)


def _arguments(batch: Sequence[Pending]) -> list[list[Any]]:
    checks = [
        (number, stream, version) for number, one in enumerate(batch, 1) for stream, version in one.checks.items()
    ]
    events = [_event(number, one, draft) for number, one in enumerate(batch, 1) for draft in one.drafts]
    columns = [list(column) for column in zip(*events, strict=True)] or [[] for _ in range(18)]
    return [
        [one.key for one in batch],
        [one.fingerprint for one in batch],
        *([list(column) for column in zip(*checks, strict=True)] or [[], [], []]),
        *columns,
    ]


def _event(number: int, pending: Pending, draft: Draft) -> tuple[Any, ...]:
    context = pending.context
    return (
        number,
        draft.event_id,
        draft.stream,
        draft.version,
        draft.encoded.type,
        draft.encoded.schema_version,
        draft.lane,
        draft.key,
        context.site_id,
        draft.patient_id,
        draft.act.effective_at,
        draft.act.corrects,
        context.actor,
        context.correlation_id,
        context.causation_id,
        context.traceparent,
        draft.encoded.data.decode(),
        draft.sealed,
    )
