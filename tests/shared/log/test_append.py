"""`log.append` against a model of it: the same batches, command by command, in Python."""

import random
from dataclasses import dataclass, field

import asyncpg
import pytest

from shared.lanes import lane_of
from shared.log.append import append, prepare
from shared.log.pending import Pending
from tests.conftest import MakeDatabase
from tests.shared.log.appending import connected, request

BATCHES = 150
STREAMS = [f"counter-{number}" for number in range(6)]

type Place = tuple[int, int, str, int]


@dataclass
class Model:
    """What the log should hold."""

    versions: dict[str, int] = field(default_factory=dict)
    heads: dict[int, int] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)
    events: list[Place] = field(default_factory=list)

    def append(self, batch: list[Pending], believed: dict[str, int]) -> list[list[Place] | None]:
        """Per request where its events come to stand, None when it is to be decided again."""
        moved = {stream for stream, version in believed.items() if version != self.versions.get(stream, 0)}
        spoiled: set[str] = set()
        return [self._one(pending, moved, spoiled) for pending in batch]

    def _one(self, pending: Pending, moved: set[str], spoiled: set[str]) -> list[Place] | None:
        if pending.key in self.keys or not (moved | spoiled).isdisjoint(pending.checks):
            spoiled.update(draft.stream for draft in pending.drafts)
            return None
        places = []
        for draft in pending.drafts:
            lane = draft.home.lane
            self.heads[lane] = self.heads.get(lane, 0) + 1
            self.versions[draft.stream] = draft.version
            places.append((lane, self.heads[lane], draft.stream, draft.version))
        self.keys.add(pending.key)
        self.events += places
        return places


def batch_of(chance: random.Random, model: Model) -> tuple[list[Pending], dict[str, int]]:
    """Requests as a process decides them one after the other, on what it believes, which may be wrong."""
    believed = {
        stream: version + (chance.choice([-1, 1]) if version and chance.random() < 0.1 else 0)
        for stream in STREAMS
        for version in [model.versions.get(stream, 0)]
    }
    ahead = dict(believed)
    batch: list[Pending] = []
    for _ in range(chance.randint(1, 6)):
        looked_at = {stream: ahead[stream] for stream in chance.sample(STREAMS, chance.randint(0, 2))}
        written = []
        for stream in chance.choices(STREAMS, k=chance.randint(0, 3)):
            ahead[stream] += 1
            written.append((stream, ahead[stream]))
        taken = chance.choice(sorted(model.keys)) if model.keys and chance.random() < 0.1 else None
        if taken not in [one.key for one in batch]:
            batch.append(request(*written, key=taken, looked_at=looked_at))
        else:
            ahead |= {stream: version - 1 for stream, version in reversed(written)}
    return batch, {stream: believed[stream] for one in batch for stream in one.checks}


@pytest.mark.parametrize("seed", range(4))
async def test_every_batch_ends_as_in_the_model(service_database: MakeDatabase, seed: int) -> None:
    chance, model, again = random.Random(seed), Model(), 0
    async with connected(await service_database("intake")) as connection:
        for _ in range(BATCHES):
            batch, believed = batch_of(chance, model)
            expected = model.append(batch, believed)
            outcomes = await append(connection, batch)
            again += outcomes.count(None)

            assert [
                one and [(event.lane, event.position, event.stream, event.version) for event in one.stored]
                for one in outcomes
            ] == expected
            answers, _ = await prepare(connection, [one.key for one in batch], [], [])
            for pending, outcome in zip(batch, outcomes, strict=True):
                if outcome is not None:
                    known = answers[pending.key].outcome
                    assert (known.stored, known.recorded_at) == (outcome.stored, outcome.recorded_at)
        events = await connection.fetch("select lane, position, stream, version from log.event")
        versions = await connection.fetch("select stream, version from log.stream")
        heads = await connection.fetch("select lane, head from log.lane where head > 0")
        keys = await connection.fetch("select key from log.idempotency")
    assert sorted(tuple(row) for row in events) == sorted(model.events)
    assert {row["stream"]: row["version"] for row in versions} == model.versions
    assert {row["lane"]: row["head"] for row in heads} == model.heads
    assert {row["key"] for row in keys} == model.keys
    assert len(model.events) > BATCHES
    assert again > BATCHES / 10


async def test_a_new_streams_home_is_its_first_events(service_database: MakeDatabase) -> None:
    async with connected(await service_database("intake")) as connection:
        await append(connection, [request(("counter-a", 1), ("counter-a", 2), looked_at={"counter-absent": 0})])
        rows = await connection.fetch("select stream, version, lane, site_id from log.stream")

    assert [tuple(row) for row in rows] == [("counter-a", 2, lane_of("counter-a"), "riverside")]


WRITING = (
    "insert into log.event select * from log.event",
    "update log.lane set head = head + 1",
    "update log.stream set version = version + 1",
    "delete from log.stream",
    "delete from log.idempotency",
)
REWRITING = ("update log.event set actor = 'x'", "delete from log.event", "truncate log.event")


async def test_nothing_is_written_but_through_append(service_database: MakeDatabase) -> None:
    database = await service_database("intake")
    for kind in ("api", "worker", "stream"):
        async with connected(database, database.dsn(kind)) as connection:
            for statement in (*WRITING, *REWRITING):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(statement)


async def test_not_even_its_owner_rewrites_an_event(service_database: MakeDatabase) -> None:
    database = await service_database("intake")
    for dsn in (database.dsn("owner"), database.superuser_dsn):
        async with connected(database, dsn) as connection:
            for statement in REWRITING:
                with pytest.raises(asyncpg.RestrictViolationError):
                    await connection.execute(statement)


async def test_the_stream_processes_do_not_append(service_database: MakeDatabase) -> None:
    database = await service_database("intake")
    async with connected(database, database.dsn("stream")) as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await append(connection, [request(("counter-a", 1))])
