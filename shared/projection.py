"""What a projection is: a pure function from an event, or from a state, to rows, and how the rows are written."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from shared.database import Connection
from shared.event import AnyRecorded


@dataclass(frozen=True, slots=True)
class Write:
    """One statement with `$1 …`, run in order within the checkpoint's transaction."""

    sql: str
    args: tuple[object, ...]


@dataclass(frozen=True)
class Projection:
    """Rows kept from events: `on` is pure. `opens_sealed` lets it read personal fields.

    `version` rises when the same events are to make other rows: the rows are then built anew before they are kept.
    Events of one key (a patient, or another subject) are applied in order. Events of different keys have no order, for
    they may lie in different lanes: what they write must come out the same whichever comes first.
    """

    name: str
    topics: tuple[str, ...]
    on: Callable[[AnyRecorded], Sequence[Write]]
    opens_sealed: bool = False
    version: int = 1


@dataclass(frozen=True)
class TableProjection:
    """Rows kept from a compacted topic of states: key and value (None never comes), the newest wins."""

    name: str
    topic: str
    on: Callable[[str, dict[str, Any] | None], Sequence[Write]]
    version: int = 1


type Keyed = tuple[str, Sequence[Write]]
"""What one event writes, and the key that it belongs to."""


def joined(events: Iterable[Keyed]) -> list[tuple[str, list[tuple[object, ...]]]]:
    """The writes as few runs of one statement each. A key's writes keep their order; those of different keys have none."""
    waiting: dict[str, deque[Write]] = {}
    for key, writes in events:
        if writes:
            waiting.setdefault(key, deque()).extend(writes)
    heads: dict[str, list[deque[Write]]] = {}
    for one in waiting.values():
        heads.setdefault(one[0].sql, []).append(one)
    runs = []
    while heads:
        sql = max(heads, key=lambda statement: len(heads[statement]))
        run: list[tuple[object, ...]] = []
        for one in heads.pop(sql):
            while one and one[0].sql == sql:
                run.append(one.popleft().args)
            if one:
                heads.setdefault(one[0].sql, []).append(one)
        runs.append((sql, run))
    return runs


async def run_writes(connection: Connection, writes: Sequence[Write]) -> None:
    """Run one key's writes in order."""
    await run_joined(connection, [("", writes)])


async def run_joined(connection: Connection, events: Iterable[Keyed]) -> None:
    """Run what several events write; equal statements go to the server together."""
    for sql, run in joined(events):
        if len(run) == 1:
            await connection.execute(sql, *run[0])
        else:
            await connection.executemany(sql, run)
