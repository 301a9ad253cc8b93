"""A command is stored whole and once, and one command's fate is its own."""

import asyncio
import random
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from shared.database import connect
from shared.failures import Busy, Failure, Invalid, NotFound, Refused, TooLarge
from shared.log import KeyInFlight, KeyReused, Outcome
from tests.conftest import MakeDatabase
from tests.shared.log.bench import OpenLog, act, context, open_log
from tests.shared.log.counter import Count, NothingToAdd, counter


async def test_what_was_handled_is_on_disk_and_folds_to_its_state(service_database: MakeDatabase) -> None:
    async with open_log(await service_database("intake")) as bench:
        patient = uuid4()
        first = await bench.add(patient, 2)
        second = await bench.add(patient, 3)

        assert [one.version for one in (*first.stored, *second.stored)] == [1, 2]
        assert await bench.log.state(counter, patient) == (Count(5), 2)
        assert [one.data.by for one in await bench.log.story(f"counter-{patient}")] == [2, 3]


async def test_a_retry_is_given_the_same_outcome_and_has_no_second_effect(service_database: MakeDatabase) -> None:
    """T31."""
    async with open_log(await service_database("intake")) as bench:
        patient = uuid4()
        first = await bench.add(patient, key="the-same-key")
        again = await bench.add(patient, key="the-same-key")

        assert (again.stored, again.recorded_at, again.replayed) == (first.stored, first.recorded_at, True)
        assert await bench.log.state(counter, patient) == (Count(1), 1)


async def test_a_key_used_for_another_request_is_refused(service_database: MakeDatabase) -> None:
    """T31."""
    async with open_log(await service_database("intake")) as bench:
        await bench.add(uuid4(), key="the-same-key")

        with pytest.raises(KeyReused):
            await bench.add(uuid4(), key="the-same-key", fingerprint=b"other")


async def test_a_key_that_is_at_work_is_refused(service_database: MakeDatabase) -> None:
    """T31."""
    async with open_log(await service_database("intake")) as bench:
        first = asyncio.create_task(bench.add("thing", key="the-same-key"))
        await asyncio.sleep(0)

        with pytest.raises(KeyInFlight):
            await bench.add("thing", key="the-same-key")
        assert (await first).stored


async def test_a_retry_after_a_crash_in_the_middle_finds_exactly_one_event(service_database: MakeDatabase) -> None:
    """T31: the backend is killed while commands run; every one is retried with its key until it is answered."""
    database = await service_database("intake")
    patient, rounds = uuid4(), 60
    async with open_log(database) as bench:
        killer = asyncio.create_task(kill_backends(database.superuser_dsn))
        outcomes: list[Outcome] = []
        while not killer.done() or len(outcomes) < rounds:
            keys = [f"key-{len(outcomes) + number}" for number in range(rounds)]
            outcomes += await asyncio.gather(*(until_answered(bench, patient, key) for key in keys))
        rounds = len(outcomes)

        assert {len(one.stored) for one in outcomes} == {1}
        assert sorted(one.stored[0].version for one in outcomes) == list(range(1, rounds + 1))
        assert await bench.log.state(counter, patient) == (Count(rounds), rounds)


async def until_answered(bench: OpenLog, patient: UUID, key: str) -> Outcome:
    for _ in range(200):
        try:
            return await bench.add(patient, key=key)
        except (Busy, KeyInFlight):
            await asyncio.sleep(0.02)
    pytest.fail("never answered")


async def kill_backends(dsn: str) -> None:
    connection = await connect(dsn, name="killer")
    for _ in range(20):
        await connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name in ('test api', 'group commit')"
        )
        await asyncio.sleep(random.uniform(0.0, 0.3))
    await connection.close()


async def test_all_acts_of_a_request_or_none(service_database: MakeDatabase) -> None:
    async with open_log(await service_database("intake")) as bench:
        with pytest.raises(NothingToAdd):
            await bench.log.handle([act("one"), act("two", 0)], context(), uuid4().hex, b"")
        with pytest.raises(NotFound):
            await bench.log.state(counter, "one")

        outcome = await bench.log.handle([act("one"), act("two", 2), act("one", 3)], context(), uuid4().hex, b"")

        assert [(one.stream, one.version) for one in outcome.stored] == [
            ("counter-one", 1),
            ("counter-two", 1),
            ("counter-one", 2),
        ]
        assert await bench.log.state(counter, "one") == (Count(4), 2)


async def test_a_refusal_leaves_the_others_of_its_batch_alone(service_database: MakeDatabase) -> None:
    async with open_log(await service_database("intake")) as bench:
        answers = await asyncio.gather(*(bench.add("one", number % 3) for number in range(30)), return_exceptions=True)

        assert sum(isinstance(one, NothingToAdd) for one in answers) == 10
        assert await bench.log.state(counter, "one") == (Count(30), 20)


async def test_a_process_that_slept_does_not_refuse_on_what_it_remembers(service_database: MakeDatabase) -> None:
    database = await service_database("intake")
    async with open_log(database) as one, open_log(database) as other:
        await one.add("thing")
        await other.add("thing")
        await other.add("thing")

        assert (await one.add("thing", expected=3)).stored[0].version == 4


async def test_a_stream_that_was_only_looked_at_must_not_have_moved(service_database: MakeDatabase) -> None:
    """T5: `given` streams are compared too; the losers decide again and nothing is lost."""
    database = await service_database("intake")
    async with open_log(database, redecide_max=50) as one, open_log(database, redecide_max=50) as other:
        await asyncio.gather(
            *(one.add("seen") for _ in range(20)), *(other.add(uuid4(), given=("seen",)) for _ in range(20))
        )

        assert await one.log.state(counter, "seen") == (Count(20), 20)


async def test_other_sites_streams_read_as_absent(service_database: MakeDatabase) -> None:
    """T50."""
    async with open_log(await service_database("intake")) as bench:
        await bench.add("thing")
        elsewhere = frozenset({"hillside"})

        with pytest.raises(NotFound):
            await bench.log.state(counter, "thing", elsewhere)
        with pytest.raises(NotFound):
            await bench.log.handle([act("thing")], context(site_id="hillside", sites=elsewhere), uuid4().hex, b"")


async def test_an_event_too_large_for_the_broker_is_refused_at_the_door(service_database: MakeDatabase) -> None:
    """T53."""
    async with open_log(await service_database("intake"), event_bytes_max=1000) as bench:
        with pytest.raises(TooLarge):
            await bench.add(uuid4(), remark="x" * 800)  # sealed bytes travel a third longer
        assert await bench.pool.fetchval("select count(*) from log.event") == 0


@pytest.mark.parametrize("shift", [timedelta(days=-4000), timedelta(hours=1)])
async def test_when_it_was_true_has_bounds(service_database: MakeDatabase, shift: timedelta) -> None:
    """T54."""
    async with open_log(await service_database("intake")) as bench:
        with pytest.raises(Invalid) as refused:
            await bench.add("thing", effective_at=datetime.now(UTC) + shift)
        assert refused.value.field == "effective_at"


async def test_a_correction_names_an_event_of_its_own_stream(service_database: MakeDatabase) -> None:
    async with open_log(await service_database("intake")) as bench:
        first = (await bench.add("one")).stored[0]
        await bench.add("one", corrects=first.event_id)

        with pytest.raises(Invalid) as refused:
            await bench.add("two", corrects=first.event_id)
        assert refused.value.field == "corrects"
        assert [one.corrects for one in await bench.log.story("counter-one")] == [None, first.event_id]


async def test_a_full_queue_says_so_instead_of_growing(service_database: MakeDatabase) -> None:
    async with open_log(await service_database("intake"), queued_commands_max=5) as bench:
        answers = await asyncio.gather(*(bench.add("thing") for _ in range(50)), return_exceptions=True)

        assert sum(isinstance(one, Busy) for one in answers) == 45
        assert not [one for one in answers if isinstance(one, Failure) and not isinstance(one, Busy)]


async def test_personal_fields_lie_sealed_in_the_log(service_database: MakeDatabase) -> None:
    async with open_log(await service_database("intake")) as bench:
        patient = uuid4()
        await bench.add(patient, remark="MARKER-7731")
        row = await bench.pool.fetchrow("select event_id, data::text, sealed, e::text as everything from log.event e")

        assert "MARKER-7731" not in row["everything"]
        assert b"MARKER-7731" not in row["sealed"]
        assert b"MARKER-7731" in (await bench.keyring.open(str(patient), row["event_id"], row["sealed"]) or b"")
        await bench.keyring.destroy(str(patient))
        assert await bench.keyring.open(str(patient), row["event_id"], row["sealed"]) is None
        with pytest.raises((Invalid, Refused)):
            await bench.add(patient, remark="again")
