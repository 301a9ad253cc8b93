"""Requests that share a batch: each one's fate is its own, and none is told what was never stored."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest

from shared.decider import Decider
from shared.failures import Busy
from shared.log import Act, Outcome, wake
from shared.log.append import append
from tests.conftest import MakeDatabase
from tests.embedded import ServiceDatabase
from tests.shared.log.appending import connected, request
from tests.shared.log.bench import OpenLog, act, context, open_log
from tests.shared.log.counter import AddOnce, Count, Note, counter, evolve

INCOMPRESSIBLE = "".join(uuid4().hex for _ in range(300))


@pytest.fixture
async def database(service_database: MakeDatabase) -> ServiceDatabase:
    return await service_database("intake")


async def together(bench: OpenLog, *requests: Sequence[Act]) -> list[Outcome | BaseException]:
    """Requests in one batch, in this order."""
    return await asyncio.gather(
        *(bench.log.handle(acts, context(), uuid4().hex, b"") for acts in requests), return_exceptions=True
    )


def words(answers: Sequence[object]) -> list[str]:
    return [type(one).__name__ for one in answers]


def on(stream: object, command: object, **how: Any) -> Act:
    return Act(counter, str(stream), command, **how)


@asynccontextmanager
async def holding_the_lanes(database: ServiceDatabase) -> AsyncIterator[None]:
    """While somebody holds every lane, no batch can commit."""
    async with connected(database, database.superuser_dsn) as connection, connection.transaction():
        await connection.execute("select * from log.lane for update")
        yield


async def test_what_arrives_while_a_batch_is_flushed_is_the_next_batch(database: ServiceDatabase) -> None:
    async with open_log(database) as bench:
        await bench.add("warm")
        async with holding_the_lanes(database):
            first = asyncio.create_task(bench.add(uuid4()))
            await asyncio.sleep(0.05)
            rest = [asyncio.create_task(bench.add(uuid4())) for _ in range(50)]
            await asyncio.sleep(0.05)
            assert not first.done()
        outcomes = [await one for one in (first, *rest)]

    assert len({one.recorded_at for one in outcomes[1:]}) == 1
    assert outcomes[0].recorded_at < outcomes[1].recorded_at


async def test_a_batch_has_a_limit(database: ServiceDatabase) -> None:
    async with open_log(database, batch_commands_max=8) as bench:
        outcomes = await asyncio.gather(*(bench.add(uuid4()) for _ in range(20)))

    assert len({one.recorded_at for one in outcomes}) == 3


async def test_a_caller_who_goes_away_takes_nobody_along(database: ServiceDatabase) -> None:
    async with open_log(database) as bench:
        async with holding_the_lanes(database):
            calls = [asyncio.create_task(bench.add("thing", key=f"key-{number}")) for number in range(10)]
            await asyncio.sleep(0.05)
            for call in calls[::2]:
                call.cancel()
        answers = await asyncio.gather(*calls, return_exceptions=True)

        assert words(answers) == ["CancelledError", "Outcome"] * 5
        assert await bench.log.state(counter, "thing") == (Count(10), 10)
        assert (await bench.add("thing", key="key-0")).replayed


async def test_what_was_taken_is_committed_before_the_end(database: ServiceDatabase) -> None:
    async with open_log(database, batch_commands_max=4) as bench:
        calls = [asyncio.create_task(bench.add("thing")) for _ in range(30)]
        await asyncio.sleep(0)
    assert words(await asyncio.gather(*calls, return_exceptions=True)) == ["Outcome"] * 30
    with pytest.raises(Busy):
        await bench.add("thing")


async def test_later_requests_are_decided_on_what_earlier_ones_leave_behind(database: ServiceDatabase) -> None:
    async with open_log(database) as bench:
        first, second, third = await together(
            bench, [on("x", AddOnce())], [on("x", AddOnce())], [act("x"), act("y", given=("x",))]
        )

    assert words([first, second, third]) == ["Outcome", "AlreadyCounted", "Outcome"]
    assert isinstance(first, Outcome)
    assert isinstance(third, Outcome)
    assert third.recorded_at == first.recorded_at  # in the same transaction


async def test_a_refusal_that_rests_on_a_request_that_fails_is_not_told(database: ServiceDatabase) -> None:
    """The first loses its race for another stream and is stale, so that the second may count after all."""
    async with open_log(database) as bench, connected(database) as other:
        await bench.add("raced")
        async with other.transaction():
            assert await append(other, [request(("counter-raced", 2))]) != [None]
            told = asyncio.create_task(
                together(bench, [on("x", AddOnce()), act("raced", expected=1)], [on("x", AddOnce())])
            )
            await asyncio.sleep(0.1)
            assert not told.done()

        assert words(await told) == ["StaleVersion", "Outcome"]
        assert await bench.log.state(counter, "x") == (Count(1), 1)


async def test_a_request_that_lost_its_race_is_decided_again_and_so_is_what_leans_on_it(
    database: ServiceDatabase,
) -> None:
    async with open_log(database) as bench, connected(database) as other:
        await bench.add("raced")
        async with other.transaction():
            await append(other, [request(("counter-raced", 2))])
            told = asyncio.create_task(
                together(bench, [act("raced"), act("x")], [act("x")], [on("x", AddOnce())], [act("apart")])
            )
            await asyncio.sleep(0.1)
        answers = await told

        assert words(answers) == ["Outcome", "Outcome", "AlreadyCounted", "Outcome"]
        assert await bench.log.state(counter, "x") == (Count(2), 2)


async def test_who_loses_too_often_is_told_to_come_again(database: ServiceDatabase) -> None:
    async with open_log(database, redecide_max=0) as bench, connected(database) as other:
        await bench.add("raced")
        async with other.transaction():
            await append(other, [request(("counter-raced", 2))])
            told = asyncio.create_task(together(bench, [act("raced")], [act("apart")]))
            await asyncio.sleep(0.1)

        assert words(await told) == ["Busy", "Outcome"]
        assert (await bench.add("raced")).stored[0].version == 3


async def test_a_version_that_the_caller_saw_is_the_one_before_the_request(database: ServiceDatabase) -> None:
    async with open_log(database) as bench:
        await bench.add("thing")
        acts = [act("thing", expected=1), act("thing", expected=1)]

        assert len((await bench.log.handle(acts, context(), uuid4().hex, b"")).stored) == 2


@pytest.mark.parametrize(
    "broken", [act("bad\0"), on("bad", Note("\0")), on("bad", Note("\ud800")), on(INCOMPRESSIBLE, AddOnce())]
)
async def test_what_postgresql_cannot_hold_fails_alone(database: ServiceDatabase, broken: Act) -> None:
    async with open_log(database) as bench:
        answers = await together(bench, [act("one")], [broken], [act("two")])

        assert words(answers) == ["Outcome", "Invalid", "Outcome"]
        assert words(await together(bench, [act("one")], [broken])) == ["Outcome", "Invalid"]


async def test_text_that_only_looks_like_nul_is_stored(database: ServiceDatabase) -> None:
    async with open_log(database) as bench:
        await bench.log.handle([on("thing", Note("\\u0000"))], context(), uuid4().hex, b"")

        assert [one.data.text for one in await bench.log.story("counter-thing")] == ["\\u0000"]


async def test_a_decider_that_breaks_fails_alone(database: ServiceDatabase) -> None:
    def decide(_count: Count, _command: object) -> list[object]:
        raise ZeroDivisionError

    broken = Decider("broken", Count(), decide, evolve)
    async with open_log(database) as bench:
        answers = await together(bench, [act("one")], [Act(broken, "it", None)], [act("two")])

    assert words(answers) == ["Outcome", "Failure", "Outcome"]


async def test_a_stream_that_cannot_be_read_troubles_only_who_needs_it(database: ServiceDatabase) -> None:
    async with open_log(database) as bench, connected(database, database.superuser_dsn) as owner:
        await bench.add("bad")
        await owner.execute(
            "insert into log.event (lane, position, stream, version, event_id, type, schema_version, key, site_id, "
            "effective_at, recorded_at, actor, correlation_id, data) select lane, position + 1, stream, version + 1, "
            "gen_random_uuid(), 'Counted', 99, key, site_id, now(), now(), actor, correlation_id, data from log.event"
        )
        answers = await together(bench, [act("one")], [act("bad")], [act("two", given=("bad",))], [act("three")])

        assert words(answers) == ["Outcome", "StreamBroken", "StreamBroken", "Outcome"]


@pytest.mark.parametrize("streams_max", [1, 3])
async def test_more_streams_than_are_remembered_in_one_batch(database: ServiceDatabase, streams_max: int) -> None:
    async with open_log(database, cached_streams_max=streams_max) as bench:
        for _ in range(3):
            answers = await together(bench, *([act(number), act(number % 3)] for number in range(10)))
            assert words(answers) == ["Outcome"] * 10
            assert len(bench.log._memory._known) <= streams_max

        assert sum([(await bench.log.state(counter, str(number)))[1] for number in range(10)]) == 60


async def test_without_the_keyring_only_what_is_personal_waits(database: ServiceDatabase) -> None:
    async with open_log(database) as bench:
        await bench.keyring._pool.close()
        answers = await together(bench, [act("x")], [on("x", Note("in public"))], [on("y", Note("in public"))])

        assert words(answers) == ["Busy", "Outcome", "Outcome"]
        assert await bench.log.state(counter, "x") == (Count(0), 1)


async def test_nothing_personal_is_recorded_about_whoever_was_erased(database: ServiceDatabase) -> None:
    """T40."""
    async with open_log(database) as bench:
        await bench.keyring.destroy("x")
        answers = await together(bench, [act("x")], [on("x", Note("in public"))], [on("x", AddOnce())], [act("y")])

        assert words(answers) == ["PersonErased", "Outcome", "PersonErased", "Outcome"]
        assert await bench.log.state(counter, "x") == (Count(0), 1)
        # Nothing was counted, so the second is not refused for that.
        assert words(await together(bench, [act("x")], [on("x", AddOnce())])) == ["PersonErased", "PersonErased"]


async def test_the_relay_is_told_once_for_many_commits(
    database: ServiceDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wake, "SPACING_SECONDS", 1.0)  # far longer than a commit takes on any machine
    told: list[int] = []
    async with connected(database) as listener, open_log(database, batch_commands_max=1) as bench:
        await listener.add_listener("log_appended", lambda *_: told.append(1))
        commits = 200
        await asyncio.gather(*(bench.add(uuid4()) for _ in range(commits)))
        await asyncio.sleep(0.1)

    assert 1 <= len(told) < commits / 2
