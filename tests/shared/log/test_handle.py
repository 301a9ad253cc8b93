"""A command is stored whole and once, and one command's fate is its own."""

import asyncio
import contextlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from shared.cloudevents import to_kafka
from shared.failures import Busy, Failure, Invalid, NotFound, Refused, TooLarge
from shared.log import Act
from shared.log.reading import COLUMNS
from tests.conftest import MakeDatabase
from tests.shared.log.bench import act, context, open_log
from tests.shared.log.counter import Add, Count, Note, NothingToAdd, Sample, counter


async def test_what_was_handled_is_on_disk_and_folds_to_its_state(service_database: MakeDatabase) -> None:
    async with open_log(await service_database("intake")) as bench:
        patient = uuid4()
        first = await bench.add(patient, 2)
        second = await bench.add(patient, 3)

        assert [one.version for one in (*first.stored, *second.stored)] == [1, 2]
        assert await bench.log.state(counter, patient) == (Count(5), 2)
        assert [one.data.by for one in await bench.log.story(f"counter-{patient}")] == [2, 3]


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


LIMIT = 4000


@pytest.mark.parametrize(
    "asked",
    [
        lambda size: Add(1, "x" * size),  # sealed bytes travel a third longer
        lambda size: Note("é" * size),
        Sample,  # jsonb puts a space after each comma
    ],
)
async def test_an_event_too_large_for_the_broker_is_refused_at_the_door(
    service_database: MakeDatabase, asked: Callable[[int], object]
) -> None:
    """T53: nothing is stored of it, and what is accepted is not larger on Kafka."""
    database = await service_database("intake")
    async with open_log(database, event_bytes_max=LIMIT) as bench:
        for size in range(0, LIMIT, 100):
            with contextlib.suppress(TooLarge):
                await bench.log.handle([Act(counter, str(size), asked(size))], context(), uuid4().hex, b"")
        rows = await bench.pool.fetch(f"select {COLUMNS} from log.event")
    sizes = [len(to_kafka("intake", row)[1]) for row in rows]

    assert len(rows) < LIMIT / 100
    assert LIMIT * 0.9 < max(sizes) <= LIMIT


async def test_when_it_was_true_has_bounds(service_database: MakeDatabase) -> None:
    """T54: too long ago, in the future, and without an offset from UTC."""
    now = datetime.now(UTC)
    async with open_log(await service_database("intake")) as bench:
        for stated in (now - timedelta(days=4000), now + timedelta(hours=1), now.replace(tzinfo=None)):
            with pytest.raises(Invalid) as refused:
                await bench.add("thing", effective_at=stated)
            assert refused.value.field == "effective_at"
        yesterday = now - timedelta(days=1)
        await bench.add("thing", effective_at=yesterday)
        await bench.add("thing")
        late, usual = await bench.log.story("counter-thing")

    assert late.effective_at == yesterday
    assert late.recorded_at >= now
    assert usual.effective_at == usual.recorded_at


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
